//! Claims about servers under load.

use std::cell::RefCell;

use dyno_analysis::textbook::TrialRounds;
use dyno_record::step::Step;
use dyno_record::textbook::ClaimUnit;
use dyno_record::transport::TransportKind;

use super::at_work::{Bench, cpu_ns, rate_per_s};
use super::claim::{Claim, Effort, MATTERS, Printed, TrialError, at_least, at_most};
use super::rounds::in_turns;
use super::standing::Design;

/// How much more is offered than the server can answer.
const OVERLOAD: f64 = 2.0;

pub(super) const CLAIMS: [Claim; 5] = [
    Claim {
        name: "pool-tenfold",
        group: "Loading",
        says: "Processes that were forked before cost a tenth of one that is forked for each client.",
        source: Printed {
            author: "W. R. Stevens, B. Fenner and A. M. Rudoff",
            work: "UNIX Network Programming, vol. 1, 3rd ed. (2003)",
            place: "figure 30.1, rows 1 and 2",
        },
        claimed: at_least(10.0),
        figures: &["a fork for each, CPU above iterative", "forked before, CPU above iterative"],
        unit: ClaimUnit::Ns,
        trial: "Both serve requests with a connection each, and so does the iterative server, whose CPU is taken off as in the book.",
        if_holds: "A fork costs many times what a request does.",
        if_not: "Waking a process for each connection costs more than it did, or a fork less.",
        run: pool,
    },
    Claim {
        name: "keep-alive",
        group: "Loading",
        says: "Lasting connections take load from the server.",
        source: Printed {
            author: "J. C. Mogul",
            work: "The Case for Persistent-Connection HTTP (SIGCOMM 1995)",
            place: "",
        },
        claimed: at_least(MATTERS),
        figures: &["with a connection each, CPU", "over lasting ones, CPU"],
        unit: ClaimUnit::Ns,
        trial: "The epoll server answers requests with a connection each, and over 16 lasting connections.",
        if_holds: "Opening, accepting, watching and closing a connection take more than a small request.",
        if_not: "The request itself takes so much that its connection does not matter.",
        run: |effort| steps(effort, [TransportKind::Plain; 2], [Step::Connect, Step::Capacity]),
    },
    Claim {
        name: "tls-handshakes",
        group: "Loading",
        says: "TLS makes a web server 3.4 times slower at least.",
        source: Printed {
            author: "C. Coarfa, P. Druschel and D. S. Wallach",
            work: "Performance Analysis of TLS Web Servers (NDSS 2002)",
            place: "section 1",
        },
        claimed: at_least(3.4),
        figures: &["TLS, CPU", "plain, CPU"],
        unit: ClaimUnit::Ns,
        trial: "The epoll server answers requests with a connection each, by TLS 1.3 with a whole handshake, and plain.",
        if_holds: "A handshake signs and agrees on a key, and the request beside it is small.",
        if_not: "Curves took the place of RSA, and the handshake shrank to the size of the rest.",
        run: |effort| steps(effort, [TransportKind::Tls, TransportKind::Plain], [Step::Connect; 2]),
    },
    Claim {
        name: "tls-one-per-cent",
        group: "Loading",
        says: "Encryption is computationally cheap: TLS takes about one per cent of the CPU.",
        source: Printed {
            author: "A. Langley, N. Modadugu and W.-T. Chang",
            work: "Overclocking SSL (Velocity 2010)",
            place: "",
        },
        claimed: at_most(1.01),
        figures: &["TLS, CPU", "plain, CPU"],
        unit: ClaimUnit::Ns,
        trial: "The epoll server answers small requests over 16 lasting connections, by TLS 1.3 and plain.",
        if_holds: "The processor encrypts by instructions of its own, and handshakes are over.",
        if_not: "These requests do nothing else: beside a few microseconds, two records to open and to seal are more than a hundredth.",
        run: |effort| steps(effort, [TransportKind::Tls, TransportKind::Plain], [Step::Capacity; 2]),
    },
    Claim {
        name: "overload-collapse",
        group: "Loading",
        says: "Past its critical point a server's throughput falls towards nothing.",
        source: Printed {
            author: "J. C. Mogul and K. K. Ramakrishnan",
            work: "Eliminating Receive Livelock in an Interrupt-Driven Kernel (ACM TOCS, 1997)",
            place: "section 1, and lectures on overload",
        },
        claimed: at_most(0.5),
        figures: &["answers at twice the capacity", "answers at capacity"],
        unit: ClaimUnit::PerS,
        trial: "Twice the rate that the epoll server has just answered is offered over lasting connections, by an open loop.",
        if_holds: "Work that is thrown away takes the time of work that counts.",
        if_not: "What is too much waits outside: throughput stays, and latency grows without end instead. Useful answers are another matter.",
        run: overload,
    },
];

fn pool(effort: &Effort) -> Result<TrialRounds, TrialError> {
    let designs = [Design::ForkEach, Design::Preforked, Design::Iterative];
    let mut bench = Bench::new(effort, &designs.map(|one| (one, TransportKind::Plain)), "/")?;
    let mut found = TrialRounds::default();
    for round in 0..effort.rounds {
        let mut order = [0, 1, 2];
        order.rotate_left(round as usize % 3);
        let mut cpu = [0.0; 3];
        for side in order {
            cpu[side] = cpu_ns(&bench.closed(side, Step::Connect)?);
        }
        found.first.push(cpu[0] - cpu[2]);
        found.second.push(cpu[1] - cpu[2]);
    }
    bench.end(found)
}

/// The epoll server behind two transports or under two kinds of load.
fn steps(
    effort: &Effort,
    transports: [TransportKind; 2],
    steps: [Step; 2],
) -> Result<TrialRounds, TrialError> {
    let sides = transports.map(|transport| (Design::OneLoop, transport));
    let bench = RefCell::new(Bench::new(effort, &sides, "/")?);
    let cpu = |side: usize| Ok(cpu_ns(&bench.borrow_mut().closed(side, steps[side])?));
    let found = in_turns(effort, || cpu(0), || cpu(1))?;
    bench.into_inner().end(found)
}

fn overload(effort: &Effort) -> Result<TrialRounds, TrialError> {
    let mut bench = Bench::new(effort, &[(Design::OneLoop, TransportKind::Plain)], "/compute/50")?;
    let mut found = TrialRounds::default();
    for _ in 0..effort.rounds {
        let capacity = rate_per_s(&bench.closed(0, Step::Capacity)?);
        // A void cell tells no rate to double.
        let beyond =
            if capacity.is_finite() { rate_per_s(&bench.open(0, capacity * OVERLOAD)?) } else { f64::NAN };
        found.first.push(beyond);
        found.second.push(capacity);
    }
    bench.end(found)
}

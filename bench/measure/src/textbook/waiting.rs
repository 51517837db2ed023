//! Claims about requests that wait, and about clients that do.

use std::thread;
use std::time::{Duration, Instant};

use dyno_analysis::textbook::TrialRounds;
use dyno_record::textbook::{ClaimUnit, ClaimedRange};

use super::claim::{ABOUT, Claim, Effort, Printed, TrialError, at_least, itself};
use super::rounds::{alone, in_turns};
use super::standing::{Design, ask, is_answered, send};
use crate::contestant::options::ServeOption;
use crate::contestant::own::compute_rounds_per_us;
use crate::rig::process::Running;

/// How long a request waits or computes while another asks.
const HELD: Duration = Duration::from_millis(100);

/// How long those are given that shall wait before the other asks.
const SETTLES: Duration = Duration::from_millis(10);

/// Clients who ask at once, and threads that serve them.
const AT_ONCE: usize = 16;

/// Requests of each for one figure.
const EACH: usize = 4;

/// Servers that a client asks.
const SERVERS: usize = 4;

/// Whoever asks stands still for most of the time: four fifths of it, since the rest may pass before it asks.
const STANDS_STILL: ClaimedRange = itself(Some(0.8), None);

/// Whoever asks hardly notices: a tenth of the time.
const GOES_ON: ClaimedRange = itself(None, Some(0.1));

const STILL: &[&str] = &["time that another stands still, of 100 ms"];

pub(super) const CLAIMS: [Claim; 8] = [
    Claim {
        name: "blocking-stops-all",
        group: "Waiting",
        says: "One blocking call stops a server that has a single thread.",
        source: Printed {
            author: "A. Silberschatz, P. B. Galvin and G. Gagne",
            work: "Operating System Concepts, 10th ed. (2018)",
            place: "section 4.1, motivation",
        },
        claimed: STANDS_STILL,
        figures: STILL,
        unit: ClaimUnit::Share,
        trial: "A request waits for a back end 100 ms in the iterative server, and another client asks for the greeting.",
        if_holds: "The only thread sleeps in the call, and the next connection waits in the accept queue.",
        if_not: "The server has a second thread.",
        run: |effort| standing_still(effort, Design::Iterative, &[], 1, "/wait/100000"),
    },
    Claim {
        name: "thread-serves-on",
        group: "Waiting",
        says: "With a thread for each connection, one that waits holds nobody else.",
        source: Printed {
            author: "A. Silberschatz, P. B. Galvin and G. Gagne",
            work: "Operating System Concepts, 10th ed. (2018)",
            place: "section 4.1.2, responsiveness",
        },
        claimed: GOES_ON,
        figures: STILL,
        unit: ClaimUnit::Share,
        trial: "As blocking-stops-all, with eight requests that wait in the server with a thread for each connection.",
        if_holds: "The kernel runs whichever thread can go on.",
        if_not: "Threads are few, or the machine is busy with others.",
        run: |effort| standing_still(effort, Design::ThreadEach, &[], 8, "/wait/100000"),
    },
    Claim {
        name: "pool-jams",
        group: "Waiting",
        says: "A pool of N threads stands still when N of its requests wait.",
        source: Printed {
            author: "B. Goetz and others",
            work: "Java Concurrency in Practice (2006)",
            place: "section 8.1.2, long-running tasks",
        },
        claimed: STANDS_STILL,
        figures: STILL,
        unit: ClaimUnit::Share,
        trial: "As blocking-stops-all, with four requests that wait in a pool of four threads.",
        if_holds: "Each thread of the pool is taken, and the next connection waits in the queue.",
        if_not: "The pool grows, or the waiting request gives its thread back.",
        run: |effort| {
            standing_still(effort, Design::ThreadPool, &[ServeOption::Workers(4)], 4, "/wait/100000")
        },
    },
    Claim {
        name: "loop-serves-on",
        group: "Waiting",
        says: "An event loop serves others while requests wait for the network.",
        source: Printed {
            author: "V. S. Pai, P. Druschel and W. Zwaenepoel",
            work: "Flash: An Efficient and Portable Web Server (USENIX 1999)",
            place: "section 3, SPED",
        },
        claimed: GOES_ON,
        figures: STILL,
        unit: ClaimUnit::Share,
        trial: "As blocking-stops-all, with eight requests that wait in the epoll server.",
        if_holds: "A request that waits is an entry in a table of deadlines, and holds no thread.",
        if_not: "Something in the loop blocks.",
        run: |effort| standing_still(effort, Design::OneLoop, &[], 8, "/wait/100000"),
    },
    Claim {
        name: "loop-never-waits",
        group: "Waiting",
        says: "An event-driven server never makes anybody wait, since nothing in it blocks.",
        source: Printed { author: "OpenJS Foundation", work: "About Node.js (nodejs.org)", place: "" },
        claimed: GOES_ON,
        figures: STILL,
        unit: ClaimUnit::Share,
        trial: "As loop-serves-on, with one request that computes for 100 ms in place of those that wait.",
        if_holds: "The computation is done elsewhere.",
        if_not: "Whoever computes holds the loop as a blocking call would: nothing blocks, and everybody waits.",
        run: |effort| standing_still(effort, Design::OneLoop, &[], 1, "/compute/100000"),
    },
    Claim {
        name: "threads-hide-latency",
        group: "Waiting",
        says: "Threads hide latency: sixteen of them wait in the time in which one waits.",
        source: Printed {
            author: "M. van Steen and A. S. Tanenbaum",
            work: "Distributed Systems, 3rd ed. (2017)",
            place: "section 3.1, threads in distributed systems",
        },
        claimed: at_least(AT_ONCE as f64 / ABOUT),
        figures: &["one thread", "sixteen threads"],
        unit: ClaimUnit::Ns,
        trial: "Sixteen clients ask four times each for a wait of 3 ms: the iterative server, then a pool of sixteen threads.",
        if_holds: "Waiting takes no processor, so all can wait at once.",
        if_not: "What a request takes besides waiting is not small beside the wait.",
        run: hidden,
    },
    Claim {
        name: "client-threads-wait",
        group: "Waiting",
        says: "A client with a thread for each server is faster in proportion to their number.",
        source: Printed {
            author: "M. van Steen and A. S. Tanenbaum",
            work: "Distributed Systems, 3rd ed. (2017)",
            place: "section 3.1, multithreaded clients",
        },
        claimed: at_least(SERVERS as f64 / ABOUT),
        figures: &["one after the other", "with four threads"],
        unit: ClaimUnit::Ns,
        trial: "A client asks four servers that wait 5 ms, one after the other, and then by four threads.",
        if_holds: "The client waits for all of them at once.",
        if_not: "Starting threads takes as long as waiting.",
        run: |effort| client(effort, "/wait/5000"),
    },
    Claim {
        name: "client-threads-compute",
        group: "Waiting",
        says: "A client with a thread for each server is as much faster when the servers compute.",
        source: Printed {
            author: "M. van Steen and A. S. Tanenbaum",
            work: "Distributed Systems, 3rd ed. (2017)",
            place: "section 3.1, as lectures tell it",
        },
        claimed: at_least(SERVERS as f64 / ABOUT),
        figures: &["one after the other", "with four threads"],
        unit: ClaimUnit::Ns,
        trial: "As client-threads-wait, with servers on this machine that compute for 5 ms.",
        if_holds: "The machine has a core for each of the servers.",
        if_not: "The servers share cores: asked at once, each takes longer (Amdahl's law, with the cores as its limit).",
        run: |effort| client(effort, "/compute/5000"),
    },
];

/// Starts a server on which `/compute` takes what it takes on every other, without measuring it anew.
fn serve(effort: &Effort, design: Design, options: &[ServeOption]) -> Result<Running, TrialError> {
    let rounds = compute_rounds_per_us().map(ServeOption::ComputeRounds);
    let all: Vec<ServeOption> = options.iter().copied().chain(rounds).collect();
    design.serve(effort, &all)
}

/// The share of a wait during which somebody else stands still who asks while so many wait.
fn standing_still(
    effort: &Effort,
    design: Design,
    options: &[ServeOption],
    waiting: usize,
    path: &str,
) -> Result<TrialRounds, TrialError> {
    let server = serve(effort, design, options)?;
    alone(effort, || {
        let held = (0..waiting).map(|_| send(server.address, path)).collect::<Result<Vec<_>, _>>()?;
        thread::sleep(SETTLES);
        let time = ask(server.address, "/")?;
        for one in held {
            let _ = is_answered(one);
        }
        Ok((time.as_secs_f64() / HELD.saturating_sub(SETTLES).as_secs_f64()).min(1.0))
    })
}

fn hidden(effort: &Effort) -> Result<TrialRounds, TrialError> {
    let one = serve(effort, Design::Iterative, &[])?;
    let many = serve(effort, Design::ThreadPool, &[ServeOption::Workers(16)])?;
    in_turns(effort, || all_ask(&[&one; AT_ONCE], "/wait/3000"), || all_ask(&[&many; AT_ONCE], "/wait/3000"))
}

/// The time until a client for each of these servers has asked it some times.
fn all_ask(servers: &[&Running], path: &str) -> Result<f64, TrialError> {
    let began = Instant::now();
    thread::scope(|scope| {
        let clients: Vec<_> = servers
            .iter()
            .map(|server| {
                let address = server.address;
                scope.spawn(move || (0..EACH).try_for_each(|_| ask(address, path).map(drop)))
            })
            .collect();
        clients.into_iter().try_for_each(|client| {
            client.join().unwrap_or_else(|_| Err(std::io::Error::other("a client panicked")))
        })
    })?;
    Ok(began.elapsed().as_nanos() as f64)
}

fn client(effort: &Effort, path: &str) -> Result<TrialRounds, TrialError> {
    let servers =
        (0..SERVERS).map(|_| serve(effort, Design::Iterative, &[])).collect::<Result<Vec<_>, _>>()?;
    let all: Vec<&Running> = servers.iter().collect();
    let in_order = || {
        let began = Instant::now();
        for _ in 0..EACH {
            servers.iter().try_for_each(|server| ask(server.address, path).map(drop))?;
        }
        Ok(began.elapsed().as_nanos() as f64)
    };
    in_turns(effort, in_order, || all_ask(&all, path))
}

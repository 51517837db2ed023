//! Claims about waiting for another thread: spinning, sleeping, and herds that are woken.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, mpsc};
use std::thread;

use dyno_analysis::textbook::TrialRounds;
use dyno_record::textbook::ClaimUnit;
use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::claim::{Claim, Effort, MATTERS, Printed, TrialError, at_least, itself};
use super::rounds::{alone, each_ns, in_turns};
use crate::probe::machine::{online_cores, pin};
use crate::probe::process::thread_counters;

/// Hand-overs between two cores for one figure.
const APART: u32 = 2_000;

/// Hand-overs on one core for one figure: who spins there uses up its time slice, which is milliseconds.
const TOGETHER: u32 = 5;

/// Threads that wait for a connection.
const HERD: usize = 8;

/// Connections for one figure.
const CALLERS: u32 = 40;

pub(super) const CLAIMS: [Claim; 4] = [
    Claim {
        name: "spin-two-cores",
        group: "Waking",
        says: "Where the wait is short, spinning on another core beats sleeping.",
        source: Printed {
            author: "A. R. Karlin, K. Li, M. S. Manasse and S. Owicki",
            work: "Empirical Studies of Competitive Spinning for a Shared-Memory Multiprocessor (SOSP 1991)",
            place: "",
        },
        claimed: at_least(MATTERS),
        figures: &["sleeping", "spinning"],
        unit: ClaimUnit::Ns,
        trial: "Two threads on two cores hand a turn to and fro: by a lock with a condition variable, then by a word that both look at.",
        if_holds: "A cache line travels in some tens of nanoseconds, and waking a core that sleeps takes microseconds.",
        if_not: "The cores are not two of the machine's own at every moment, so who spins waits for a core that does not run.",
        run: |effort| turns(effort, two_cores()?, APART, false),
    },
    Claim {
        name: "spin-one-core",
        group: "Waking",
        says: "On a single core spinning is a waste: whoever is waited for cannot run.",
        source: Printed {
            author: "A. Silberschatz, P. B. Galvin and G. Gagne",
            work: "Operating System Concepts, 10th ed. (2018)",
            place: "section 6.5, on spinlocks",
        },
        claimed: at_least(MATTERS),
        figures: &["spinning", "sleeping"],
        unit: ClaimUnit::Ns,
        trial: "The same, with both threads on one core.",
        if_holds: "Each hand-over waits until the scheduler takes the core from the one who spins.",
        if_not: "The scheduler takes the core away as soon as somebody else is ready.",
        run: |effort| turns(effort, [first_core()?; 2], TOGETHER, true),
    },
    Claim {
        name: "herd-accept",
        group: "Waking",
        says: "All who wait in accept are woken for one connection: a thundering herd.",
        source: Printed {
            author: "W. R. Stevens, B. Fenner and A. M. Rudoff",
            work: "UNIX Network Programming, vol. 1, 3rd ed. (2003)",
            place: "section 30.6",
        },
        claimed: itself(Some(HERD as f64 / 2.0), None),
        figures: &["woken per connection, of 8"],
        unit: ClaimUnit::Count,
        trial: "Eight threads sleep in accept on one listener; connections come one by one, and the kernel's count of switches tells who was woken.",
        if_holds: "The kernel wakes everybody who waits for the listener.",
        if_not: "Who sleeps in accept waits exclusively since Linux 2.4: one connection wakes one of them.",
        run: |effort| herd(effort, false),
    },
    Claim {
        name: "herd-epoll",
        group: "Waking",
        says: "All who watch one listener, each by an epoll of its own, are woken for one connection.",
        source: Printed { author: "Linux man-pages project", work: "epoll_ctl(2)", place: "EPOLLEXCLUSIVE" },
        claimed: itself(Some(HERD as f64 / 2.0), None),
        figures: &["woken per connection, of 8"],
        unit: ClaimUnit::Count,
        trial: "Eight threads sleep in epoll_wait, each with the same listener in an epoll of its own; else as herd-accept.",
        if_holds: "Whoever waits by epoll without EPOLLEXCLUSIVE is woken with all others, and finds nothing to accept.",
        if_not: "One is done before the others are woken.",
        run: |effort| herd(effort, true),
    },
];

fn first_core() -> Result<usize, TrialError> {
    online_cores().first().copied().ok_or(TrialError::OneCore)
}

fn two_cores() -> Result<[usize; 2], TrialError> {
    match online_cores()[..] {
        [one, other, ..] => Ok([one, other]),
        _ => Err(TrialError::OneCore),
    }
}

/// Both ways of handing over, between threads on these cores.
fn turns(
    effort: &Effort,
    cores: [usize; 2],
    count: u32,
    spinning_first: bool,
) -> Result<TrialRounds, TrialError> {
    let spin = || to_and_fro(cores, count, &Word(AtomicU32::new(0)));
    let sleep = || to_and_fro(cores, count, &Monitor { turn: Mutex::new(0), changed: Condvar::new() });
    if spinning_first { in_turns(effort, spin, sleep) } else { in_turns(effort, sleep, spin) }
}

/// Something that passes a turn between two.
trait Turn: Sync {
    fn await_turn(&self, own: u32);
    fn give(&self, other: u32);
}

struct Word(AtomicU32);

impl Turn for Word {
    fn await_turn(&self, own: u32) {
        while self.0.load(Ordering::Acquire) != own {
            std::hint::spin_loop();
        }
    }

    fn give(&self, other: u32) {
        self.0.store(other, Ordering::Release);
    }
}

struct Monitor {
    turn: Mutex<u32>,
    changed: Condvar,
}

impl Turn for Monitor {
    fn await_turn(&self, own: u32) {
        let Ok(turn) = self.turn.lock() else { return };
        drop(self.changed.wait_while(turn, |turn| *turn != own));
    }

    fn give(&self, other: u32) {
        if let Ok(mut turn) = self.turn.lock() {
            *turn = other;
        }
        self.changed.notify_one();
    }
}

/// The time of a hand-over between two threads on these cores, in nanoseconds.
fn to_and_fro(cores: [usize; 2], count: u32, turn: &impl Turn) -> Result<f64, TrialError> {
    thread::scope(|scope| {
        let here = online_cores();
        let far = scope.spawn(move || -> io::Result<()> {
            let pinned = pin(&[cores[1]]);
            for _ in 0..count {
                turn.await_turn(1);
                turn.give(0);
            }
            pinned
        });
        let pinned = pin(&[cores[0]]);
        let round_trip = each_ns(count, || {
            turn.give(1);
            turn.await_turn(0);
            Ok(())
        });
        let back = pin(&here);
        far.join().map_err(|_| io::Error::other("a thread panicked"))??;
        pinned.and(back)?;
        Ok(round_trip? / 2.0)
    })
}

/// How many of a herd are woken for one connection, by the kernel's account.
fn herd(effort: &Effort, by_epoll: bool) -> Result<TrialRounds, TrialError> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    listener.set_nonblocking(by_epoll)?;
    let over = AtomicBool::new(false);
    let (told, threads) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..HERD {
            let (told, listener, over) = (told.clone(), &listener, &over);
            scope.spawn(move || {
                let _ = told.send(nix::unistd::gettid().as_raw());
                if by_epoll { watch(listener, over) } else { accept(listener, over) }
            });
        }
        let herd: Vec<i32> = threads.iter().take(HERD).collect();
        let found = alone(effort, || woken(address, &herd));
        over.store(true, Ordering::Relaxed);
        // One connection each, since each ends after one.
        let last: io::Result<Vec<_>> = (0..HERD).map(|_| TcpStream::connect(address)).collect();
        drop(last);
        found
    })
}

/// Switches of the herd for each of some connections that come one by one.
fn woken(address: SocketAddr, herd: &[i32]) -> Result<f64, TrialError> {
    let own = std::process::id() as i32;
    let switches = || -> u64 {
        herd.iter().filter_map(|thread| Some(thread_counters(own, *thread)?.switches_voluntary)).sum()
    };
    // Who was woken for nothing has to be asleep again.
    let calm = || {
        let mut before = switches();
        loop {
            thread::sleep(std::time::Duration::from_millis(1));
            let now = switches();
            if now == before {
                return now;
            }
            before = now;
        }
    };
    let mut all = 0;
    for _ in 0..CALLERS {
        let before = calm();
        let mut caller = TcpStream::connect(address)?;
        // The one who accepts closes.
        let _ = caller.read(&mut [0])?;
        all += calm() - before;
    }
    Ok(all as f64 / f64::from(CALLERS))
}

fn accept(listener: &TcpListener, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let _ = listener.accept();
    }
}

fn watch(listener: &TcpListener, over: &AtomicBool) {
    let Ok(epoll) = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC) else { return };
    if epoll.add(listener, EpollEvent::new(EpollFlags::EPOLLIN, 0)).is_err() {
        return;
    }
    let mut events = [EpollEvent::empty()];
    while !over.load(Ordering::Relaxed) {
        match epoll.wait(&mut events, EpollTimeout::NONE) {
            Ok(_) => drop(listener.accept()),
            Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}

//! # Idea
//! Processes are started in advance. All of these [workers](crate#glossary) wait for the listener that they share, and
//! for each new connection the kernel wakes one of them, which accepts it.
//!
//! # Picture
//! ```text
//!   master:    fork x N, then wait: a worker that dies is replaced
//!   worker 1:  accept -> serve -> accept -> ...     \
//!   worker 2:  accept -> serve -> accept -> ...      >  one listener
//!   worker N:  accept -> serve -> accept -> ...     /
//! ```
//!
//! # Price
//! For each request the same as in the iterative server. In addition the memory of N processes, busy or not.
//!
//! # Shines
//! Isolation almost as good as fork's, without a fork for each connection: a crash costs only the connections of that
//! worker, and the master starts another. Handlers that are not thread-safe are safe here.
//!
//! # Breaks
//! With more clients than workers. A worker for which connections wait waits for no client: it keeps the connection,
//! lets its [crew](crate::drivers::crew) watch it beside the listener, and serves the next. So slow and idle clients
//! stop nobody; but processes cannot hand a connection over, so what a worker has accepted waits while that worker
//! computes, though others may be free. To close after each answer instead would cost clients a connection for each
//! request, and would cut off those that are only slow. A fixed number of workers is too small at peak hours and too
//! large at others. Overload control has one state for all workers, in shared memory; a request's age holds its time in
//! the backlog and with a worker that computes.
//!
//! # Lineage
//! NCSA httpd 1.4 and Apache 1.3; Stevens, *UNP* 30.6; today Apache's prefork, PHP-FPM, gunicorn's sync workers.
//!
//! # Question
//! All workers sleep in accept on the same listener, and one connection comes. How many wake up, and what
//! happens to the others?
//!
//! <details><summary>Answer</summary>
//!
//! One: the kernel wakes one sleeper for a connection. Before Linux 2.4 all woke up, one got the connection,
//! and the others went back to sleep; that was the thundering herd.
//!
//! </details>

use std::io;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::crew::Crew;
use crate::kit::complaint::vacancy;
use crate::kit::memory::Purpose;
use crate::kit::process::{ask_to_stop, is_crash, start};
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::kit::threads::NoWorker;
use crate::limits::{POOL_WORKERS, PROCESS_BYTES, RESPAWN_PAUSE, RESPAWN_YOUNG};

/// Processes that share the listening socket.
pub const PREFORK: Architecture = Architecture {
    name: "prefork",
    idea: "processes started in advance share the listening socket",
    family: Family::Processes,
    concurrency: Concurrency::PerWorker,
    anatomy: Anatomy {
        waits_by: WaitsBy::Blocking,
        served_by: ServedBy::Processes,
        started: Started::Nothing,
        hand_overs: HandOvers::Never,
        shares: Shares::Listener,
    },
    wall: "more clients than workers: they wait for the process that accepted them",
    knobs: &[Knob::Workers],
    defaults: |_| Defaults { workers: POOL_WORKERS, max_connections: POOL_WORKERS, queue_places: 0 },
    source: include_str!("prefork.rs"),
    run,
};

/// A worker process. Its index in the list of workers is also the index of its tally.
struct Worker {
    pid: Pid,
    born: Instant,
}

fn run(site: &'static Site) -> io::Result<()> {
    let hire = |place| {
        Ok::<_, io::Error>(Worker { pid: start(site, place, || work(site, place))?, born: Instant::now() })
    };
    let wanted = site.settings.workers;
    let mut workers: Vec<Option<Worker>> = (0..wanted).map(|_| None).collect();
    let refusal = fill(&mut workers, hire).err();
    let hired = workers.iter().flatten().count();
    match refusal {
        Some((_, cause)) if hired == 0 => return Err(NoWorker { wanted, cause }.into()),
        _ => site.ready(hired),
    }
    // What [`Site::ready`] tells is not told again.
    let (mut told, mut complained) = (false, hired < wanted);
    loop {
        if site.stop.is_requested() && !told {
            workers.iter().flatten().for_each(|worker| ask_to_stop(worker.pid));
            told = true;
        }
        let has_vacancy = !told && workers.iter().any(Option::is_none);
        let options = has_vacancy.then_some(WaitPidFlag::WNOHANG);
        let (dead, crashed) = match waitpid(None, options) {
            Ok(status @ (WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, _, _))) => {
                (pid, is_crash(status))
            }
            Err(Errno::ECHILD) if site.stop.is_requested() => return Ok(()),
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => {
                site.stop.wait(RESPAWN_PAUSE);
                complained = complain(fill(&mut workers, hire), complained);
                continue;
            }
            // EINTR: a stop signal, or the tick of the stop switch.
            _ => continue,
        };
        let Some(place) =
            workers.iter().position(|worker| worker.as_ref().is_some_and(|worker| worker.pid == dead))
        else {
            continue;
        };
        // A worker that exits before it was told to has failed, whatever its exit status.
        let stopping = site.stop.is_requested();
        Tally::add(&site.tallies.of(place).faults, u64::from(crashed || !stopping));
        let dead = workers[place].take();
        site.memory.bury(place);
        site.services.sweep();
        if stopping {
            continue;
        }
        if dead.is_some_and(|dead| dead.born.elapsed() < RESPAWN_YOUNG) {
            site.stop.wait(RESPAWN_PAUSE);
        }
        complained = complain(fill(&mut workers, hire), complained);
    }
}

/// Starts a worker in each vacant place, until the kernel has no process for one: the place stays vacant, and the other
/// workers go on.
fn fill(
    workers: &mut [Option<Worker>],
    hire: impl Fn(usize) -> io::Result<Worker>,
) -> Result<(), (usize, io::Error)> {
    for (place, worker) in workers.iter_mut().enumerate().filter(|(_, worker)| worker.is_none()) {
        *worker = Some(hire(place).map_err(|error| (place, error))?);
    }
    Ok(())
}

/// Says that a place is vacant, but not again before all were taken; returns whether it has been said.
fn complain(filled: Result<(), (usize, io::Error)>, complained: bool) -> bool {
    match &filled {
        Err((place, error)) if !complained => vacancy(*place, error),
        _ => {}
    }
    filled.is_err()
}

fn work(site: &'static Site, place: usize) {
    let tally = site.tallies.of(place);
    // Where the budget is too small for all the workers, those that there are serve all the same.
    let _process = site.memory.lease(PROCESS_BYTES, Purpose::Connection);
    // A broken listener makes the worker panic and exit with a failure, and the master notices.
    let crew = Crew::new(site, 1).expect("descriptors are left");
    while let Some(guest) = crew.next().expect("the listener works") {
        crew.serve(guest, tally);
    }
}

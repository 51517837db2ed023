//! # Idea
//! Processes are started before anybody asks. All of them wait in accept(2) on the listener that they share; the kernel
//! wakes one for each connection.
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
//! The iterative server's for each request. N processes' memory, busy or not.
//!
//! # Shines
//! Isolation almost as good as fork's without its price: a crash costs one worker's connection. Handlers that are not
//! thread-safe are safe here.
//!
//! # Breaks
//! N slow or idle clients occupy all workers; the others wait in the backlog. N is a guess that is wrong at noon.
//!
//! # Lineage
//! NCSA httpd 1.4 and Apache 1.3; Stevens, *UNP* 30.6; today Apache's prefork, PHP-FPM, gunicorn's sync workers.

use std::io;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::blocking::{self, BlockingWire};
use crate::kit::accept::accept;
use crate::kit::process::{ask_to_stop, is_crash, start};
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::{POOL_WORKERS, RESPAWN_PAUSE, RESPAWN_YOUNG};

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
    wall: "as many idle clients as workers; the others wait in the backlog",
    knobs: &[Knob::Workers],
    defaults: |_| Defaults { workers: POOL_WORKERS, max_connections: POOL_WORKERS, queue_places: 0 },
    run,
};

/// A worker process, in the place whose tally it keeps.
struct Worker {
    pid: Pid,
    born: Instant,
}

fn run(site: &'static Site) -> io::Result<()> {
    let hire =
        |place| Ok::<_, io::Error>(Worker { pid: start(site, || work(site, place))?, born: Instant::now() });
    let mut workers = (0..site.settings.workers).map(hire).collect::<io::Result<Vec<_>>>()?;
    let mut told = false;
    loop {
        if site.stop.is_requested() && !told {
            workers.iter().for_each(|worker| ask_to_stop(worker.pid));
            told = true;
        }
        let (dead, crashed) = match waitpid(None, None) {
            Ok(status @ (WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, _, _))) => {
                (pid, is_crash(status))
            }
            Err(Errno::ECHILD) if site.stop.is_requested() => return Ok(()),
            // EINTR: a stop signal, or its tick.
            _ => continue,
        };
        let Some(place) = workers.iter().position(|worker| worker.pid == dead) else { continue };
        // Who ends before it was asked to has failed, whatever it says.
        let stopping = site.stop.is_requested();
        Tally::add(&site.tallies.of(place).faults, u64::from(crashed || !stopping));
        if stopping {
            continue;
        }
        if workers[place].born.elapsed() < RESPAWN_YOUNG {
            site.stop.wait(RESPAWN_PAUSE);
        }
        workers[place] = hire(place)?;
    }
}

fn work(site: &'static Site, place: usize) {
    let tally = site.tallies.of(place);
    // A listener that breaks ends the worker, and the master will know.
    while let Some(stream) = accept(site).expect("the listener works") {
        blocking::serve(&mut BlockingWire::new(stream, site), site, tally);
    }
}

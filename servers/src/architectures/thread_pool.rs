//! # Idea
//! A dispatcher accepts and puts connections into a bounded queue; a fixed number of [worker](crate#glossary) threads
//! take them out and serve each to its end.
//!
//! # Picture
//! ```text
//!   dispatcher:  accept -> [ c9 c8 c7 ] -> worker 1: serve
//!                          bounded queue   worker 2: serve
//!                                          worker N: serve
//! ```
//!
//! # Price
//! A hand-over for each connection: a lock, and a wake-up when the worker was asleep. No thread is started or ended
//! while the server runs.
//!
//! # Shines
//! The load has a ceiling that the operator chose. A burst waits in the queue instead of exhausting memory or
//! threads.
//!
//! # Breaks
//! As prefork does: N clients that stay occupy all workers. When the queue is full the dispatcher stops accepting and
//! waits, and new connections fill the kernel's backlog.
//!
//! # Lineage
//! The dispatcher/worker model of Tanenbaum, *Modern Operating Systems* 2; Stevens, *UNP* 30.12; Java's
//! ExecutorService.

use std::io;
use std::net::TcpStream;
use std::thread;

use crossbeam::channel::{Receiver, bounded};

use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::blocking::{self, BlockingWire};
use crate::kit::accept::accept;
use crate::kit::site::Site;
use crate::kit::threads;
use crate::limits::{POOL_WORKERS, QUEUE_PLACES, THREAD_STACK_BYTES};

/// A dispatcher, a bounded queue, a fixed number of workers.
pub const THREAD_POOL: Architecture = Architecture {
    name: "thread-pool",
    idea: "a dispatcher accepts, a bounded queue, a fixed number of workers",
    family: Family::Threads,
    concurrency: Concurrency::PerWorker,
    anatomy: Anatomy {
        waits_by: WaitsBy::Blocking,
        served_by: ServedBy::Threads,
        started: Started::Nothing,
        hand_overs: HandOvers::PerConnection,
        shares: Shares::Memory,
    },
    wall: "as many idle clients as workers; the others wait in the queue",
    knobs: &[Knob::Workers, Knob::Queue],
    defaults: |_| Defaults {
        workers: POOL_WORKERS,
        max_connections: POOL_WORKERS,
        queue_places: QUEUE_PLACES,
    },
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    thread::scope(|scope| {
        // The queue is made inside the scope. When the dispatcher leaves the scope, with or without an error, its
        // sending half is dropped, and workers that wait on the empty queue end.
        let (queue, work) = bounded(site.settings.queue_places);
        let worker = |place| {
            let work = work.clone();
            move || serve(site, place, &work)
        };
        let workers = threads::start(scope, site.settings.workers, THREAD_STACK_BYTES, worker)?;
        drop(work);
        site.ready(workers.len());
        while let Some(stream) = accept(site)? {
            if queue.send(stream).is_err() {
                break;
            }
        }
        Ok(())
    })
}

fn serve(site: &'static Site, place: usize, work: &Receiver<TcpStream>) {
    let tally = site.tallies.of(place);
    for stream in work {
        blocking::serve(&mut BlockingWire::new(stream, site), site, tally);
    }
}

//! # Idea
//! A dispatcher accepts and puts connections into a bounded queue; a fixed number of [worker](crate#glossary) threads
//! take them out and serve each to its end, or until it would make others wait.
//!
//! # Picture
//! ```text
//!   dispatcher:  accept -> [ c9 c8 c7 ] -> worker 1: serve
//!                   ^      bounded queue   worker 2: serve
//!                   |                      worker N: serve --+
//!                   +------ waits for its client while ------+
//!                           others wait for a worker
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
//! With more requests under way than workers: they wait in the queue. When it is full the dispatcher stops accepting,
//! and new connections fill the kernel's backlog. Clients that are slow or idle occupy no worker while others wait: the
//! worker hands the connection back to its [crew](crate::drivers::crew), for which the dispatcher watches it until it
//! can go on. Then each request costs the hand-over that otherwise a connection costs. It is the better choice here
//! than to close after each answer, because the dispatcher is there to watch, and no client has to connect again. Under
//! overload control a request's age holds its connection's time in the queue, which so is bounded by waiting time and
//! not by places; `codel-lifo` takes the newest out first.
//!
//! # Lineage
//! The dispatcher/worker model of Tanenbaum, *Modern Operating Systems* 2; Stevens, *UNP* 30.12; Java's
//! ExecutorService.
//!
//! # Question
//! All workers are busy for a second each, and the queue is full. What does the next client meet?
//!
//! <details><summary>Answer</summary>
//!
//! No error. The dispatcher does not accept, so the connection is established by the kernel and waits in the
//! listener's backlog; only when that is full too are further connects left without an answer. The client
//! sees a slow server, not one that refuses.
//!
//! </details>

use std::io;
use std::thread;

use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::crew::Crew;
use crate::drivers::work_queue::work_queue;
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
    wall: "more requests under way than workers; they wait in the queue",
    knobs: &[Knob::Workers, Knob::Queue],
    defaults: |_| Defaults {
        workers: POOL_WORKERS,
        max_connections: POOL_WORKERS,
        queue_places: QUEUE_PLACES,
    },
    source: include_str!("thread_pool.rs"),
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    let crew = &Crew::new(site, site.settings.workers)?;
    thread::scope(|scope| {
        // The queue is made inside the scope. When the dispatcher leaves the scope, with or without an error, its
        // sending half is dropped, and workers that wait on the empty queue end.
        let (queue, work) = work_queue(site, site.settings.queue_places);
        let worker = |place| {
            let (work, tally) = (work.clone(), site.tallies.of(place));
            move || work.for_each(|guest| crew.serve(guest, tally))
        };
        let workers = threads::start(scope, site.settings.workers, THREAD_STACK_BYTES, worker)?;
        drop(work);
        crew.muster(workers.len());
        site.ready(workers.len());
        while let Some(guest) = crew.next()? {
            if !queue.send(guest) {
                break;
            }
        }
        Ok(())
    })
}

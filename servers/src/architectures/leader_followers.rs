//! # Idea
//! The [workers](crate#glossary) take turns to wait. One of them leads and waits for a connection; when a
//! connection comes, the leader passes the lead to a follower and serves the connection itself. There is no queue,
//! and no work is handed over.
//!
//! # Picture
//! ```text
//!   followers (asleep)  ->  leader: accept  ->  serve, then follow again
//!                 ^            | passes the lead on
//!                 +------------+
//! ```
//!
//! # Price
//! A lock that changes hands once for each connection. The thread that accepted a connection also serves it: its
//! cache is warm, and nothing is copied to another thread.
//!
//! # Shines
//! Where connections are many and short: each costs one wake-up less than in the thread pool.
//!
//! # Breaks
//! As every pool, with more requests under way than workers. Then no worker is left to lead, and the backlog fills.
//! Clients that are slow or idle occupy no worker while others wait: their connections go back into the set of handles
//! for which the leader waits, which the [crew](crate::drivers::crew) of all workers keeps. That is how the pattern was
//! first described; while there are workers enough, each keeps its connection, which is cheaper. To close after each
//! answer instead would cost a connection for each request. Under overload control a request's age runs from its
//! arrival in the kernel: there is no queue here in which it could wait.
//!
//! # Lineage
//! Schmidt, O'Ryan, Kircher, Pyarali, *Leader/Followers* (PLoP 2000; POSA 2); Stevens, *UNP* 30.11, with a mutex around
//! accept. TAO, and the transaction monitors before it.
//!
//! # Question
//! Compared with the pool with a queue, which step of a connection has gone?
//!
//! <details><summary>Answer</summary>
//!
//! The hand-over. The thread that accepts is the thread that serves, so nothing is put into a queue, and
//! nobody is woken up to take it out. What remains is to wake up the next leader, which need not happen
//! before this connection is served.
//!
//! </details>

use std::io;
use std::sync::Mutex;
use std::thread;

use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::crew::Crew;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::kit::threads;
use crate::limits::{POOL_WORKERS, THREAD_STACK_BYTES};

/// A pool with no queue.
pub const LEADER_FOLLOWERS: Architecture = Architecture {
    name: "leader-followers",
    idea: "workers take turns to accept: a pool with no queue",
    family: Family::Threads,
    concurrency: Concurrency::PerWorker,
    anatomy: Anatomy {
        waits_by: WaitsBy::Blocking,
        served_by: ServedBy::Threads,
        started: Started::Nothing,
        hand_overs: HandOvers::Never,
        shares: Shares::Memory,
    },
    wall: "more requests under way than workers; they wait in the backlog",
    knobs: &[Knob::Workers],
    defaults: |_| Defaults { workers: POOL_WORKERS, max_connections: POOL_WORKERS, queue_places: 0 },
    source: include_str!("leader_followers.rs"),
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    let (crew, lead) = (&Crew::new(site, site.settings.workers)?, &Mutex::new(()));
    thread::scope(|scope| {
        let worker = |place| move || serve(crew, lead, site.tallies.of(place));
        let workers = threads::start(scope, site.settings.workers, THREAD_STACK_BYTES, worker)?;
        crew.muster(workers.len());
        site.ready(workers.len());
        // Panics of services are caught by the blocking driver, so a worker that panicked has found a bug of ours.
        workers.into_iter().try_for_each(|worker| worker.join().expect("the worker did not panic"))
    })
}

fn serve(crew: &Crew, lead: &Mutex<()>, tally: &'static Tally) -> io::Result<()> {
    loop {
        let leading = lead.lock().expect("nobody panics while leading");
        let Some(guest) = crew.next()? else { return Ok(()) };
        drop(leading);
        crew.serve(guest, tally);
    }
}

//! # Idea
//! As half-sync/half-async, but each [worker](crate#glossary) has a queue of its own, and a worker whose queue is
//! empty steals from another.
//!
//! # Picture
//! ```text
//!   worker 1 [ t t t ]  <-- steals --  worker 2 [ ]   rayon's, one a core
//!        ^                                  |
//!        | tasks                            v replies
//!   one epoll loop: accept, read, parse, write
//! ```
//!
//! # Price
//! The hand-overs of half-sync/half-async and a heap allocation for each task. While there is plenty of work, workers
//! do not compete for one lock.
//!
//! # Shines
//! With services whose run times differ much, above all those that split their work: a service here may call
//! `rayon::join` and use all cores for one request.
//!
//! # Breaks
//! With services that wait: a worker that waits leaves its core unused. So no worker waits here; the loop waits for a
//! modelled back end, and for all else that a request waits for. The pool has no bound of its own, so the loop counts
//! the requests under way and answers 503 past the bound. Overload control asks the loop before a task is made, as in
//! half-sync/half-async; the order of the tasks stays rayon's.
//!
//! # Lineage
//! Blumofe and Leiserson, *Scheduling Multithreaded Computations by Work Stealing* (1994); Cilk; Java's ForkJoinPool;
//! rayon.
//!
//! # Question
//! Why does a worker put its own tasks at one end of its queue and thieves take them from the other?
//!
//! <details><summary>Answer</summary>
//!
//! The owner takes what it put there last, which its cache still holds. A thief takes the oldest, which
//! mostly is the largest piece of work that is left, and the two meet only when one task remains.
//!
//! </details>

use std::io;
use std::os::fd::BorrowedFd;
use std::thread;
use std::time::Instant;

use crossbeam::channel::unbounded;
use rayon::{Scope, ThreadBuilder, ThreadPoolBuilder};

use super::readiness::{self, epoll::Epoll};
use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::inbox::ReplyInbox;
use crate::drivers::selector::Selector as _;
use crate::drivers::workers::{HandedRequest, News, NotHanded, Presence, Ticket, Workers, nothing};
use crate::kit::call::busy;
use crate::kit::site::Site;
use crate::kit::threads;
use crate::limits::{MAX_CONNECTIONS, QUEUE_PLACES, STEALING_STACK_BYTES};
use crate::services::service::{Asked, Reply};

/// A loop that moves bytes, a work-stealing pool that computes.
pub const WORK_STEALING: Architecture = Architecture {
    name: "work-stealing",
    idea: "a loop moves bytes, a work-stealing pool computes",
    family: Family::Hybrid,
    concurrency: Concurrency::Many,
    anatomy: Anatomy {
        waits_by: WaitsBy::Epoll,
        served_by: ServedBy::LoopAndPool,
        started: Started::Nothing,
        hand_overs: HandOvers::PerRequest,
        shares: Shares::Memory,
    },
    wall: "services that wait; past the queue 503",
    knobs: &[Knob::Workers, Knob::Queue, Knob::MaxConnections],
    defaults: |cores| Defaults {
        workers: cores,
        max_connections: MAX_CONNECTIONS,
        queue_places: QUEUE_PLACES,
    },
    source: include_str!("work_stealing.rs"),
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    let (inbox, presence) = (ReplyInbox::new()?, &Presence::new(site.settings.max_connections));
    thread::scope(|threads| {
        // The pool is as large as the system allows, so the threads are there before it.
        let (places, place) = unbounded::<ThreadBuilder>();
        let worker = |_| {
            let place = place.clone();
            move || place.recv().map_or((), ThreadBuilder::run)
        };
        let workers = threads::start(threads, site.settings.workers, STEALING_STACK_BYTES, worker)?.len();
        let take = |thread| places.send(thread).map_err(|_| io::ErrorKind::BrokenPipe.into());
        let pool = ThreadPoolBuilder::new().num_threads(workers).spawn_handler(take);
        let pool = pool.build().map_err(io::Error::other)?;
        pool.in_place_scope(|scope| {
            let mut crew = StealingPool { site, scope, inbox: &inbox, presence, under_way: 0 };
            let ready = || site.ready(workers);
            let ended =
                readiness::run(Epoll::new()?, site, &site.listener, site.tallies.of(0), &mut crew, ready);
            inbox.close();
            ended
        })
    })
}

/// The pool, as the loop sees it.
struct StealingPool<'a, 'scope> {
    site: &'static Site,
    scope: &'a Scope<'scope>,
    inbox: &'scope ReplyInbox,
    presence: &'scope Presence,
    under_way: usize,
}

impl Workers for StealingPool<'_, '_> {
    fn call(
        &mut self,
        ticket: Ticket,
        request: &Asked<'_>,
        client: BorrowedFd<'_>,
        took_up: Instant,
    ) -> Option<Reply> {
        let (site, inbox, presence) = (self.site, self.inbox, self.presence);
        presence.enter(ticket);
        if self.under_way >= site.settings.queue_places {
            return Some(Reply::Now(busy(site.tallies.of(0))));
        }
        let request = match HandedRequest::new(site, request, client, took_up) {
            Ok(request) => request,
            Err(NotHanded::Refused(refusal)) => return Some(refusal),
            Err(NotHanded::NoMemory) => return Some(Reply::Now(busy(site.tallies.of(0)))),
        };
        self.under_way += 1;
        self.scope.spawn(move |_| {
            if inbox.is_closed() {
                return;
            }
            let tally = site.tallies.of(rayon::current_thread_index().unwrap_or(0));
            // The loop notices when a client leaves; for one that has left nothing is done.
            let reply = if presence.has(ticket) { request.answer(site, tally) } else { nothing() };
            inbox.post(ticket, reply);
        });
        None
    }

    fn left(&mut self, ticket: Ticket) {
        self.presence.leave(ticket);
    }

    fn wakeup(&self) -> Option<BorrowedFd<'_>> {
        Some(self.inbox.wakeup())
    }

    fn news(&mut self) -> Option<(Ticket, News)> {
        let news = self.inbox.take()?;
        self.under_way -= 1;
        Some(news)
    }
}

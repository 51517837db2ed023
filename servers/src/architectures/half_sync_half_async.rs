//! # Idea
//! Two layers with a queue between them. Below, one loop moves bytes and never waits; above, a pool of
//! [worker](crate#glossary) threads computes, may wait, and knows nothing of sockets. The queue carries requests, not
//! connections.
//!
//! # Picture
//! ```text
//!   sync     worker 1    worker 2    worker N    call the service, may wait
//!               ^ requests  |  replies
//!   queue    [ r3 r2 r1 ]   v  [ inbox, wakeup ]
//!   async    one epoll loop: accept, read, parse, write
//! ```
//!
//! # Price
//! For each request one copy out of the receive buffer, two hand-overs between threads and, when the worker or the
//! loop was asleep, their wake-ups.
//!
//! # Shines
//! Where services compute or block and connections are many: an idle connection holds no thread, and a slow service
//! does not delay the loop. The loop sees clients leave, so what they had asked for is taken out of the queue undone,
//! and so is what was [cancelled](crate::under_way).
//!
//! # Breaks
//! With services so small that the hand-over costs more than the service. Requests that wait occupy a worker each: when
//! all do, the others stand still, and a handler that never ends has its worker for good. When the queue is full,
//! requests get a 503 at once. Overload control asks the loop, before the queue: what stands in it, times what a
//! service takes, is part of a request's wait, so the queue is bounded by waiting time and a refusal costs no worker
//! anything. `codel-lifo` takes the newest out first.
//!
//! # Lineage
//! Schmidt and Cranor, *Half-Sync/Half-Async* (PLoP 1995); SEDA (Welsh et al., 2001) chains several such stages;
//! nginx thread pools, Node's libuv, most Java servers on NIO.
//!
//! # Question
//! The service takes 2 µs. Would you use this design?
//!
//! <details><summary>Answer</summary>
//!
//! No. Each request pays for a copy, two hand-overs and mostly two wake-ups, and a wake-up alone takes longer
//! than the service. It is made for services that compute for a millisecond or wait for others.
//!
//! </details>

use std::io;
use std::os::fd::BorrowedFd;
use std::thread;
use std::time::Instant;

use super::readiness::{self, epoll::Epoll};
use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::inbox::ReplyInbox;
use crate::drivers::parking;
use crate::drivers::selector::Selector as _;
use crate::drivers::work_queue::{WorkReceiver, WorkSender, work_queue};
use crate::drivers::workers::{HandedRequest, News, NotHanded, Presence, Ticket, Workers, nothing};
use crate::kit::call::busy;
use crate::kit::site::Site;
use crate::kit::threads;
use crate::limits::{MAX_CONNECTIONS, QUEUE_PLACES, THREAD_STACK_BYTES};
use crate::services::service::{Asked, Reply};

/// A loop that moves bytes, a pool that computes.
pub const HALF_SYNC_HALF_ASYNC: Architecture = Architecture {
    name: "half-sync-half-async",
    idea: "a loop moves bytes, a pool computes, request by request",
    family: Family::Hybrid,
    concurrency: Concurrency::Many,
    anatomy: Anatomy {
        waits_by: WaitsBy::Epoll,
        served_by: ServedBy::LoopAndPool,
        started: Started::Nothing,
        hand_overs: HandOvers::PerRequest,
        shares: Shares::Memory,
    },
    wall: "two hand-overs for each request; past the queue 503",
    knobs: &[Knob::Workers, Knob::Queue, Knob::MaxConnections],
    defaults: |cores| Defaults {
        workers: cores.max(2),
        max_connections: MAX_CONNECTIONS,
        queue_places: QUEUE_PLACES,
    },
    source: include_str!("half_sync_half_async.rs"),
    run,
};

type Work = (Ticket, HandedRequest);

fn run(site: &'static Site) -> io::Result<()> {
    let (inbox, presence) = (ReplyInbox::new()?, &Presence::new(site.settings.max_connections));
    thread::scope(|scope| {
        let (queue, work) = work_queue(site, site.settings.queue_places);
        let worker = |place| {
            let (work, inbox) = (work.clone(), &inbox);
            move || answer(site, place, work, inbox, presence)
        };
        let workers = threads::start(scope, site.settings.workers, THREAD_STACK_BYTES, worker)?;
        drop(work);
        let mut crew = Pool { site, queue, inbox: &inbox, presence };
        let ready = || site.ready(workers.len());
        let ended = readiness::run(Epoll::new()?, site, &site.listener, site.tallies.of(0), &mut crew, ready);
        inbox.close();
        ended
    })
}

fn answer(
    site: &'static Site,
    place: usize,
    work: WorkReceiver<Work>,
    inbox: &ReplyInbox,
    presence: &Presence,
) {
    let tally = site.tallies.of(place);
    // What a worker waits by is made now: later there may be no descriptor left, and then its requests get a 503.
    let _ = parking::waker();
    for (ticket, request) in work {
        if inbox.is_closed() {
            return;
        }
        let trace = request.trace();
        // The loop notices when a client leaves; for one that has left nothing is done.
        let reply = if presence.has(ticket) { request.answer(site, tally) } else { nothing() };
        // This layer may wait, so the worker itself waits.
        let reply = inbox.attend(ticket, reply, presence, site.stop, tally, trace);
        inbox.post(ticket, reply);
    }
}

/// The sync layer, as the loop sees it.
struct Pool<'a> {
    site: &'static Site,
    queue: WorkSender<Work>,
    inbox: &'a ReplyInbox,
    presence: &'a Presence,
}

impl Workers for Pool<'_> {
    fn call(
        &mut self,
        ticket: Ticket,
        request: &Asked<'_>,
        client: BorrowedFd<'_>,
        took_up: Instant,
    ) -> Option<Reply> {
        self.presence.enter(ticket);
        // Whom overload control refuses costs no worker anything.
        let work = HandedRequest::new(self.site, request, client, took_up).map(|request| (ticket, request));
        match work.map(|work| self.queue.try_send(work)) {
            Ok(true) => None,
            Err(NotHanded::Refused(refusal)) => Some(refusal),
            Ok(false) | Err(NotHanded::NoMemory) => Some(Reply::Now(busy(self.site.tallies.of(0)))),
        }
    }

    fn left(&mut self, ticket: Ticket) {
        self.presence.leave(ticket);
        self.inbox.call(ticket);
    }

    fn ended(&mut self, ticket: Ticket) -> bool {
        self.presence.end(ticket);
        self.inbox.is_waiting_for(ticket)
    }

    fn wakeup(&self) -> Option<BorrowedFd<'_>> {
        Some(self.inbox.wakeup())
    }

    fn news(&mut self) -> Option<(Ticket, News)> {
        self.inbox.take()
    }
}

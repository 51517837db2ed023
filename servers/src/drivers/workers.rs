//! What answers the requests of a loop: the loop itself, or workers that answer later.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use dyno_http::request::OwnedRequest;

use crate::admission::Pass;
use crate::kit::call::{admit, call, call_admitted};
use crate::kit::memory::{Lease, Purpose};
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::kit::watched::watch;
use crate::limits::SMALL_BUFFERS_BYTES;
use crate::services::owner::Asker;
use crate::services::service::{Asked, Call, Reply, text};
use crate::services::upload::Upload;
use crate::trace::connection::RequestTrace;
use crate::trace::event::TracePoint;
use crate::under_way::entry::RequestStage;
use crate::under_way::register::Seat;

/// What answers requests.
pub trait Workers {
    /// Answers now (`Some`), or later through [`Workers::news`] (`None`). The loop `took_up` the request then.
    fn call(
        &mut self,
        ticket: Ticket,
        request: &Asked<'_>,
        client: BorrowedFd<'_>,
        took_up: Instant,
    ) -> Option<Reply>;

    /// The client has left; what it has asked for need not be done.
    fn left(&mut self, _ticket: Ticket) {}

    /// The client has ended its side, and may have left.
    ///
    /// # Returns
    /// Whether a worker waits for something on its behalf.
    fn ended(&mut self, _ticket: Ticket) -> bool {
        false
    }

    /// A descriptor that becomes readable when an answer has come in; `None`: every request is answered at once.
    fn wakeup(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// What has come in.
    fn news(&mut self) -> Option<(Ticket, News)> {
        None
    }
}

/// What a loop learns from its workers.
pub enum News {
    /// A reply.
    Reply(Reply),
    /// A worker waits on behalf of a client that has ended its side.
    Waits,
}

/// Identifies the connection that an answer belongs to. A ticket outlives its connection: an answer that comes too
/// late finds no connection and is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket {
    /// The connection's place in the table of its loop.
    pub(super) index: usize,
    /// The serial number of the connection since the start; places are used again, serial numbers are not.
    pub(super) serial: u64,
}

impl Ticket {
    /// Of the connection in place `index`, number `serial` since the start.
    pub fn new(index: usize, serial: u64) -> Self {
        Ticket { index, serial }
    }

    /// The connection's place.
    pub fn index(self) -> usize {
        self.index
    }
}

/// A copy of a request, for a worker. It may outlive its connection, so a large one is counted by itself in the budget
/// of memory; a small one is counted with its connection.
pub struct HandedRequest {
    request: OwnedRequest,
    asker: Asker,
    peer: Vec<String>,
    source: Option<IpAddr>,
    upload: Option<Arc<Upload>>,
    pass: Option<Pass<'static>>,
    /// Where orders for it are given; `None`: nobody gives any.
    seat: Option<Seat>,
    trace: Option<RequestTrace>,
    _lease: Lease<'static>,
}

/// Why a request is not handed over.
pub enum NotHanded {
    /// Overload control refuses it; the answer that says so.
    Refused(Reply),
    /// There is no memory for it.
    NoMemory,
}

impl HandedRequest {
    /// Copies `request`, if it may join those that wait for a worker.
    ///
    /// # Errors
    /// Why it is not handed over.
    pub fn new(
        site: &'static Site,
        asked: &Asked<'_>,
        client: BorrowedFd<'_>,
        took_up: Instant,
    ) -> Result<Self, NotHanded> {
        let call = Call::new(asked, &|| false);
        let pass =
            admit(site, &call, site.tallies.of(0), Some(client), took_up).map_err(NotHanded::Refused)?;
        let line = call.line();
        let seat =
            site.register.and_then(|register| register.enter(RequestStage::Queued, line, Some(client)));
        let Asked { request, asker, peer, source, upload, trace } = asked;
        let (asker, peer, upload, trace) = (asker.clone(), peer.to_vec(), upload.clone(), *trace);
        let octets = request.size_octets();
        let counted = if octets > SMALL_BUFFERS_BYTES { octets } else { 0 };
        let lease = site.memory.lease(counted, Purpose::Body).ok_or(NotHanded::NoMemory)?;
        let (request, source) = (request.to_owned(), *source);
        if let Some(trace) = trace {
            trace.note(TracePoint::Queued);
        }
        Ok(HandedRequest { request, asker, peer, source, upload, pass, seat, trace, _lease: lease })
    }

    /// Where it is written down what becomes of it.
    pub fn trace(&self) -> Option<RequestTrace> {
        self.trace
    }

    /// Lets the services answer it.
    pub fn answer(mut self, site: &Site, tally: &Tally) -> Reply {
        if let Some(trace) = self.trace {
            trace.note(TracePoint::Taken);
        }
        let (pass, seat) = (self.pass.take(), self.seat.take());
        let (asker, upload) = (self.asker.clone(), self.upload.take());
        let (request, source, trace) = (self.request.borrow(), self.source, self.trace);
        let asked = Asked { request, asker, peer: &self.peer, source, upload, trace };
        watch(seat, || call_admitted(site, &asked, tally, pass))
    }
}

/// Which connections of a loop are still there, for workers that are about to do something for one.
#[derive(Debug)]
pub struct Presence(Box<[AtomicU64]>);

/// Beside the serial of a connection, whose client has ended its side. No server lives for so many connections.
const ENDED: u64 = 1 << 63;

impl Presence {
    /// Nobody, with room for so many connections.
    pub fn new(connections: usize) -> Self {
        Presence((0..connections).map(|_| AtomicU64::new(0)).collect())
    }

    /// The connection is there.
    pub fn enter(&self, ticket: Ticket) {
        if let Some(place) = self.0.get(ticket.index) {
            place.store(ticket.serial, Relaxed);
        }
    }

    /// The client that waits for an answer on this connection has ended its side.
    pub fn end(&self, ticket: Ticket) {
        if let Some(place) = self.0.get(ticket.index) {
            // Only the loop writes.
            if place.load(Relaxed) == ticket.serial {
                place.store(ticket.serial | ENDED, Relaxed);
            }
        }
    }

    /// Whether the client has ended its side.
    pub fn has_ended(&self, ticket: Ticket) -> bool {
        self.0.get(ticket.index).is_some_and(|place| place.load(Relaxed) == ticket.serial | ENDED)
    }

    /// The connection is gone.
    pub fn leave(&self, ticket: Ticket) {
        if let Some(place) = self.0.get(ticket.index) {
            place.store(0, Relaxed);
        }
    }

    /// Whether the connection is still there.
    pub fn has(&self, ticket: Ticket) -> bool {
        self.0.get(ticket.index).is_none_or(|place| place.load(Relaxed) & !ENDED == ticket.serial)
    }
}

/// What is handed back in place of an answer that nobody waits for.
pub fn nothing() -> Reply {
    Reply::Now(text(503, "nobody waits for the answer\n"))
}

/// A loop that answers by itself.
pub struct Alone<'a> {
    /// The site that is served.
    pub site: &'a Site,
    /// The counts to add to.
    pub tally: &'a Tally,
}

impl Workers for Alone<'_> {
    fn call(
        &mut self,
        _ticket: Ticket,
        request: &Asked<'_>,
        client: BorrowedFd<'_>,
        took_up: Instant,
    ) -> Option<Reply> {
        Some(call(self.site, request, self.tally, Some(client), took_up))
    }
}

//! What answers the requests of a loop: the loop itself, or workers that answer later.

use std::os::fd::BorrowedFd;

use dyno_http::request::{OwnedRequest, Request};

use crate::kit::call::call;
use crate::kit::memory::{Lease, Purpose};
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::SMALL_BUFFERS_BYTES;
use crate::services::service::Reply;

/// What answers requests.
pub trait Workers {
    /// Answers now (`Some`), or later through [`Workers::finished`] (`None`).
    fn call(&mut self, ticket: Ticket, request: &Request<'_>) -> Option<Reply>;

    /// A descriptor that becomes readable when an answer has come in; `None`: every request is answered at once.
    fn wakeup(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// An answer that has come in.
    fn finished(&mut self) -> Option<(Ticket, Reply)> {
        None
    }
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

/// A copy of a request, for a worker. It may outlive its connection, so a large one is counted by itself in the budget
/// of memory; a small one is counted with its connection.
pub struct HandedRequest {
    request: OwnedRequest,
    _lease: Lease<'static>,
}

impl HandedRequest {
    /// Copies `request`; `None` when there is no memory for it.
    pub fn new(site: &'static Site, request: &Request<'_>) -> Option<Self> {
        let octets = request.size_octets();
        let counted = if octets > SMALL_BUFFERS_BYTES { octets } else { 0 };
        let lease = site.memory.lease(counted, Purpose::Body)?;
        Some(HandedRequest { request: request.to_owned(), _lease: lease })
    }

    /// The request.
    pub fn borrow(&self) -> Request<'_> {
        self.request.borrow()
    }
}

/// A loop that answers by itself.
pub struct Alone<'a> {
    /// The site that is served.
    pub site: &'a Site,
    /// The counts to add to.
    pub tally: &'a Tally,
}

impl Workers for Alone<'_> {
    fn call(&mut self, _ticket: Ticket, request: &Request<'_>) -> Option<Reply> {
        Some(call(self.site, request, self.tally))
    }
}

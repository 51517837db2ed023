//! What answers the requests of a loop: the loop itself, or workers that answer later.

use std::os::fd::BorrowedFd;

use dyno_http::request::Request;

use crate::kit::call::call;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
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

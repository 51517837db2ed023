//! A request whose body is on its way, for the register of what is under way.

use std::os::fd::{BorrowedFd, RawFd};

use dyno_http::connection::Connection;

use crate::kit::site::Origin;
use crate::under_way::entry::{RequestLine, RequestStage};
use crate::under_way::register::{Register, Seat};

/// The entry of a request whose head has come, and not the whole of its body. An order to cancel it shuts its
/// connection down, which ends whatever waits for it; and once the request has come whole, it gets another entry.
pub(super) struct Arrival {
    register: &'static Register,
    connection: RawFd,
    seat: Option<Seat>,
}

impl Arrival {
    /// That of a connection from `origin`.
    pub(super) fn new(register: &'static Register, origin: Origin) -> Option<Self> {
        Some(Arrival { register, connection: origin.connection?, seat: None })
    }

    /// Notes how far the request under way has come.
    pub(super) fn look(&mut self, http: &Connection) {
        match (http.arriving_request(), &self.seat) {
            (Some(_), Some(seat)) => {
                // This looks for urgent data as well, where that is wanted.
                seat.order();
            }
            (Some(request), None) => {
                let target = request.target();
                let line = RequestLine { method: request.method(), path: target.path, query: target.query };
                // SAFETY: the driver, which owns the connection, closes it after the session is dropped.
                let connection = unsafe { BorrowedFd::borrow_raw(self.connection) };
                self.seat = self.register.enter(RequestStage::Receiving, line, Some(connection));
                self.seat.iter().for_each(Seat::shuts_connection);
            }
            (None, _) => self.seat = None,
        }
    }
}

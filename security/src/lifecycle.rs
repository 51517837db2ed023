//! How far a session has come, from its handshake to its end: the part that the channel and TLS have in common.

use crate::half_open::{Door, Permit};
use crate::limits::FIRST_OCTET_TIME;
use crate::pipe::error::PipeError;
use crate::transport::Transport;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// The stages that a session has passed.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    /// Where a handshake takes its place; `None` for a client, which is not counted, and after the handshake.
    door: Option<Door>,
    /// Held while the handshake is under way.
    permit: Option<Permit>,
    /// The end of the handshake's time.
    end: Instant,
    /// When the session is to be called: at the end of the handshake's time, later at the time that its owner sets.
    pub(crate) deadline: Option<Instant>,
    /// Both sides have accepted each other, as far as this one can know.
    pub(crate) established: bool,
    /// This side has closed for sending.
    pub(crate) closing: bool,
    /// The peer's authenticated close has arrived.
    pub(crate) closed_by_peer: bool,
}

impl Lifecycle {
    /// A session that starts at `now` and has `time` for its handshake. A server's, which has a door, is not held for
    /// so long by a client that says nothing.
    pub(crate) fn new(door: Option<Door>, now: Instant, time: Duration) -> Self {
        let first = if door.is_some() { time.min(FIRST_OCTET_TIME) } else { time };
        Lifecycle {
            door,
            permit: None,
            end: now + time,
            deadline: Some(now + first),
            established: false,
            closing: false,
            closed_by_peer: false,
        }
    }

    /// Octets have come from the peer: it has the whole time of a handshake now.
    ///
    /// # Errors
    /// [`PipeError::TooManyHandshakes`] when a newer handshake has taken the place of this one.
    pub(crate) fn heard(&mut self) -> Result<(), PipeError> {
        if self.permit.as_ref().is_some_and(Permit::is_lost) {
            return Err(PipeError::TooManyHandshakes);
        }
        if self.door.is_some() {
            self.deadline = Some(self.end);
        }
        Ok(())
    }

    /// Whether the client is to show a cookie before its handshake takes a place.
    pub(crate) fn is_scarce(&self) -> bool {
        self.permit.is_none() && self.door.as_ref().is_some_and(Door::is_scarce)
    }

    /// The address from which the client speaks; `None`: unknown.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.door.as_ref().and_then(|door| door.address)
    }

    /// The first message is whole: the handshake takes its place.
    pub(crate) fn begin(&mut self) {
        if self.permit.is_none() {
            self.permit = self.door.as_ref().map(Door::enter);
        }
    }

    /// The handshake is done; `deadline` is the next time at which the session is to be called.
    pub(crate) fn establish(&mut self, deadline: Option<Instant>) {
        self.established = true;
        (self.door, self.permit) = (None, None);
        self.deadline = deadline;
    }

    /// The session has failed: it counts no longer and has no deadline.
    pub(crate) fn fail(&mut self) {
        (self.door, self.permit) = (None, None);
        self.deadline = None;
    }

    /// Whether the deadline has come.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.deadline.is_some_and(|deadline| now >= deadline)
    }

    /// What the end of the peer's octets means for a session that has not failed.
    ///
    /// # Errors
    /// [`PipeError::Truncated`] or [`PipeError::CutInHandshake`], unless the peer has closed before.
    pub(crate) fn end_of_stream(&self) -> Result<(), PipeError> {
        match self {
            Lifecycle { closed_by_peer: true, .. } => Ok(()),
            Lifecycle { established: true, .. } => Err(PipeError::Truncated),
            _ => Err(PipeError::CutInHandshake),
        }
    }
}

/// Which transport a peer speaks whose stream begins with `octet`: HTTP begins with a method or with `HTTP/1.1`
/// (capital letters), the channel with the kind of message 1 or 2, TLS with the type of a record (RFC 8446, 5.1).
pub(crate) fn transport_of(octet: u8) -> Option<Transport> {
    match octet {
        b'A'..=b'Z' => Some(Transport::Plain),
        1 | 2 => Some(Transport::Channel),
        0x14..=0x17 => Some(Transport::Tls),
        _ => None,
    }
}

//! How far a session has come, from its handshake to its end: the part that the channel and TLS have in common.

use crate::half_open::Permit;
use crate::pipe::error::PipeError;
use crate::transport::Transport;
use std::time::{Duration, Instant};

/// The stages that a session has passed.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    /// Held while the handshake is under way; `None` at once for a client, which is not counted.
    permit: Option<Permit>,
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
    /// A session that starts at `now` and has `time` for its handshake.
    pub(crate) fn new(permit: Option<Permit>, now: Instant, time: Duration) -> Self {
        Lifecycle {
            permit,
            deadline: Some(now + time),
            established: false,
            closing: false,
            closed_by_peer: false,
        }
    }

    /// Whether the session is counted among the handshakes under way.
    pub(crate) fn has_permit(&self) -> bool {
        self.permit.is_some()
    }

    /// The handshake is done; `deadline` is the next time at which the session is to be called.
    pub(crate) fn establish(&mut self, deadline: Option<Instant>) {
        self.established = true;
        self.permit = None;
        self.deadline = deadline;
    }

    /// The session has failed: it counts no longer and has no deadline.
    pub(crate) fn fail(&mut self) {
        self.permit = None;
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

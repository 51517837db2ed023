//! What a secure session has beside the HTTP connection.

use std::mem;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;

use crate::kit::complaint;
use crate::kit::tally::Tally;
use crate::limits::RECORD_BYTES;

/// A pipe, and how far its end has come.
pub(super) struct Secure {
    pub(super) pipe: Box<dyn Pipe>,
    source: Option<IpAddr>,
    /// Octets of HTTP that the pipe has sealed and the kernel has not taken; HTTP's write limit runs until it has.
    pub(super) sealed: usize,
    pub(super) goodbye_said: bool,
    pub(super) dead: bool,
    /// How long a peer that does not read may delay the last bytes (an alert or a goodbye).
    pub(super) grace: Duration,
    /// The end of that time, once it has begun.
    pub(super) last_chance: Option<Instant>,
}

impl Secure {
    /// The pipe to a peer at `source`.
    pub(super) fn new(pipe: Box<dyn Pipe>, source: Option<IpAddr>, grace: Duration) -> Self {
        Secure { pipe, source, sealed: 0, goodbye_said: false, dead: false, grace, last_chance: None }
    }

    /// Seals the first piece of both parts, the end of a head and the beginning of its body, in one record.
    pub(super) fn seal(&mut self, [head, body]: [&[u8]; 2]) {
        let head = &head[..head.len().min(RECORD_BYTES)];
        let body = &body[..body.len().min(RECORD_BYTES - head.len())];
        self.sealed = head.len() + body.len();
        self.dead |= self.pipe.send_parts([head, body]).is_err();
    }

    /// Marks the pipe as dead if it has failed, and reports the reason once.
    pub(super) fn note(&mut self, result: Result<(), PipeError>, tally: &Tally) {
        if let Err(failure) = result
            && !mem::replace(&mut self.dead, true)
        {
            complaint::explain(tally, &failure, self.source, self.pipe.peer_shown().as_deref());
        }
    }
}

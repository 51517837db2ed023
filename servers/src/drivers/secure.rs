//! What a secure session has beside the HTTP connection.

use std::mem;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;

use crate::kit::complaint;
use crate::kit::tally::Tally;

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

    /// Marks the pipe as dead if it has failed, and reports the reason once.
    pub(super) fn note(&mut self, result: Result<(), PipeError>, tally: &Tally) {
        if let Err(failure) = result
            && !mem::replace(&mut self.dead, true)
        {
            complaint::explain(tally, &failure, self.source, self.pipe.peer_shown().as_deref());
        }
    }
}

//! One place in the crew of connections: it may hold an open connection and carry one request at a time.

use std::io::Write;

use dyno_security::pipe::Pipe;
use socket2::Socket;

use crate::response::Reader;

/// Where a slot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// No connection, no request.
    Closed,
    /// A connection is being made.
    Connecting,
    /// A connection, and no request.
    Idle,
    /// The request has not been written completely.
    Sending,
    /// The request was written, the answer has not come completely.
    Waiting,
}

/// A slot.
pub(super) struct Slot {
    /// Where it stands.
    pub phase: Phase,
    /// Whether it carries a request; a connection can be made before the run without one.
    pub busy: bool,
    /// Whether the answer so far is the expected one.
    pub body_fits: bool,
    /// The request's number in the mix.
    pub request: u16,
    /// How often the request was tried before.
    pub attempt: u8,
    /// The request's octets, if they are not those of the plan.
    pub own_wire: Vec<u8>,
    /// Octets of the request that are written.
    pub written: u32,
    /// Octets of the body that have come.
    pub body_octets: u64,
    /// When the plan wanted the request to start.
    pub intended_ns: u64,
    /// Since when the slot was free.
    pub free_ns: u64,
    /// When the request was sent, or its connect begun.
    pub sent_ns: u64,
    /// When it had been sent for certain: later, if the thread stood still between its look at the clock and its next.
    pub sent_by_ns: u64,
    /// For how long the generator stood still while requests waited for a connection, this one among them, ns.
    pub still_ns: u64,
    /// For how long the generator left this request alone since it was sent, ns, and until when that is counted.
    pub unread_ns: u64,
    pub attended_ns: u64,
    /// When the connect was begun, on the monotonic clock.
    pub connect_ns: u64,
    /// Requests sent on this connection.
    pub carried: u64,
    /// Its port at this end and the last octet of that address, where somebody wants to know.
    pub local: (u16, u8),
    /// The connection.
    pub socket: Option<Socket>,
    /// Reads its answers.
    pub reader: Reader,
    /// The transport on it; `None`: plain.
    pub pipe: Option<Box<dyn Pipe>>,
    /// Octets of the transport's handshake so far, both ways.
    pub handshake_octets: u64,
}

impl Default for Slot {
    fn default() -> Self {
        Slot {
            phase: Phase::Closed,
            busy: false,
            body_fits: true,
            request: 0,
            attempt: 0,
            own_wire: Vec::new(),
            written: 0,
            body_octets: 0,
            intended_ns: 0,
            free_ns: 0,
            sent_ns: 0,
            sent_by_ns: 0,
            still_ns: 0,
            unread_ns: 0,
            attended_ns: 0,
            connect_ns: 0,
            carried: 0,
            local: (0, 0),
            socket: None,
            reader: Reader::default(),
            pipe: None,
            handshake_octets: 0,
        }
    }
}

impl Slot {
    /// Drops the connection, with its transport's goodbye as far as the socket takes it at once: more is not worth
    /// waiting for while requests fall due.
    pub(super) fn part(&mut self) {
        if let (Some(pipe), Some(socket)) = (&mut self.pipe, &mut self.socket)
            && pipe.is_established()
        {
            pipe.close();
            let _ = socket.write(pipe.pending());
        }
        self.close();
    }

    /// Whether the peer's transport has said that nothing more will come.
    #[inline]
    pub(super) fn is_closed_by_peer(&self) -> bool {
        self.pipe.as_deref().is_some_and(Pipe::is_closed_by_peer)
    }

    /// What the handshake of the transport came to: its octets both ways, with those that it has still to send, and
    /// whether it has resumed a session.
    pub(super) fn handshake(&self) -> Option<(u64, bool)> {
        let pipe = self.pipe.as_deref()?;
        Some((self.handshake_octets + pipe.pending().len() as u64, pipe.is_resumed()))
    }

    /// Drops the connection, which closes it.
    pub(super) fn close(&mut self) {
        self.socket = None;
        self.pipe = None;
        self.handshake_octets = 0;
        self.reader.reset();
        self.carried = 0;
        self.phase = Phase::Closed;
    }
}

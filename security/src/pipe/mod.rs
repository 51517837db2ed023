//! The interface between a transport and the driver that moves its octets.
//!
//! ```text
//!   socket  == receive =>  +------+  == plain =>  HTTP connection
//!                         | Pipe |
//!   socket  <= pending ==  +------+  <= send ===  HTTP connection
//! ```

pub mod alert;
pub mod error;

use error::PipeError;
use std::net::IpAddr;
use std::time::Instant;

/// One end of a secure byte pipe: the secure channel or TLS, client or server.
///
/// A pipe owns no socket and no clock. The driver calls it in this order: feed what arrived ([`Pipe::receive`],
/// [`Pipe::receive_eof`]), hand over what shall be sent ([`Pipe::send`], [`Pipe::close`]), then write
/// [`Pipe::pending`] to the wire and report with [`Pipe::advance`] how much of it was taken.
///
/// After an error the pipe cannot be used any more. What [`Pipe::pending`] still holds (an alert) may be written, then
/// the connection is to be closed.
pub trait Pipe: Send {
    /// Feeds octets that arrived from the peer; opened plaintext is appended to `plain`.
    ///
    /// # Errors
    /// [`PipeError`], most often a fault of the peer.
    fn receive(&mut self, wire: &[u8], plain: &mut Vec<u8>, now: Instant) -> Result<(), PipeError>;

    /// Tells the pipe that the peer will send no more. An end without the peer's authenticated close is a truncation.
    ///
    /// # Errors
    /// [`PipeError`] when the stream was cut.
    fn receive_eof(&mut self) -> Result<(), PipeError>;

    /// Seals `plain` into the pending octets. Before the handshake is done it is kept and sealed afterwards.
    ///
    /// # Errors
    /// [`PipeError`] when the pipe has failed, is closed for sending, or was given too much before the handshake was
    /// done.
    fn send(&mut self, plain: &[u8]) -> Result<(), PipeError>;

    /// Queues the authenticated close. Nothing can be sent after it.
    fn close(&mut self);

    /// The octets that wait to be written to the wire, in order.
    fn pending(&self) -> &[u8];

    /// Tells the pipe that the first `count` octets of [`Pipe::pending`] were written.
    ///
    /// # Panics
    /// When `count` is more than was pending.
    fn advance(&mut self, count: usize);

    /// Whether the handshake is done, so that both sides have proved who they are.
    fn is_established(&self) -> bool;

    /// Whether the peer's authenticated close has arrived.
    fn is_closed_by_peer(&self) -> bool;

    /// The names that the peer has proved, in the form in which names are compared. They are those of its key in the
    /// trust file, or of its certificate; a key that is trusted without a name is its own. None before the handshake is
    /// done, and for a peer that was accepted because everybody is.
    fn peer_names(&self) -> &[String];

    /// What the peer has proved to hold, accepted or not: a line for the operator's log. `None`: nothing that is known.
    fn peer_shown(&self) -> Option<String>;

    /// When to call [`Pipe::handle_deadline`] (handshake limit, rekeying by time); `None`: never.
    fn deadline(&self) -> Option<Instant>;

    /// Tells the pipe that its deadline has passed.
    ///
    /// # Errors
    /// [`PipeError`] when the peer took too long over its handshake.
    fn handle_deadline(&mut self, now: Instant) -> Result<(), PipeError>;
}

/// Makes the server's end of a new pipe for each accepted connection.
pub trait Acceptor: Send + Sync {
    /// A fresh pipe for a connection that was accepted at `now` from `source`; `None`: unknown.
    fn accept_from(&self, source: Option<IpAddr>, now: Instant) -> Box<dyn Pipe>;

    /// A fresh pipe for a connection that was accepted at `now`, from nobody knows where.
    fn accept(&self, now: Instant) -> Box<dyn Pipe> {
        self.accept_from(None, now)
    }
}

/// Makes the client's end of a new pipe for each connection.
pub trait Connector: Send + Sync {
    /// A fresh pipe to the peer that this connector was configured for.
    fn connect(&self, now: Instant) -> Box<dyn Pipe>;

    /// Whether its pipes find out who the peer is. Only those that were told to take anyone do not.
    fn checks_server(&self) -> bool {
        true
    }
}

impl<P: Pipe + ?Sized> Pipe for Box<P> {
    fn receive(&mut self, wire: &[u8], plain: &mut Vec<u8>, now: Instant) -> Result<(), PipeError> {
        (**self).receive(wire, plain, now)
    }

    fn receive_eof(&mut self) -> Result<(), PipeError> {
        (**self).receive_eof()
    }

    fn send(&mut self, plain: &[u8]) -> Result<(), PipeError> {
        (**self).send(plain)
    }

    fn close(&mut self) {
        (**self).close();
    }

    fn pending(&self) -> &[u8] {
        (**self).pending()
    }

    fn advance(&mut self, count: usize) {
        (**self).advance(count);
    }

    fn is_established(&self) -> bool {
        (**self).is_established()
    }

    fn is_closed_by_peer(&self) -> bool {
        (**self).is_closed_by_peer()
    }

    fn peer_names(&self) -> &[String] {
        (**self).peer_names()
    }

    fn peer_shown(&self) -> Option<String> {
        (**self).peer_shown()
    }

    fn deadline(&self) -> Option<Instant> {
        (**self).deadline()
    }

    fn handle_deadline(&mut self, now: Instant) -> Result<(), PipeError> {
        (**self).handle_deadline(now)
    }
}

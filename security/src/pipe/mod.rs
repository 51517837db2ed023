//! The interface between a transport and the driver that moves its octets.
//!
//! ```text
//!   socket  == room ====>  +------+  == plain ===>  HTTP connection
//!                         | Pipe |
//!   socket  <= pending ==  +------+  <= compose =  HTTP connection
//! ```

pub mod alert;
pub mod error;

use crate::limits::RECORD_PLAINTEXT_OCTETS;
use error::PipeError;
use std::net::IpAddr;
use std::time::Instant;

/// Octets of foreign memory that [`Pipe::receive`] takes at once: the longest record.
const RECEIVE_OCTETS: usize = RECORD_PLAINTEXT_OCTETS + 19;

/// Fills each place that it is given with the next octets of both `parts`.
pub(crate) fn copy_of([mut first, mut second]: [&[u8]; 2]) -> impl FnMut(&mut [u8]) {
    move |room| {
        let (head, tail) = room.split_at_mut(first.len().min(room.len()));
        for (place, part) in [(head, &mut first), (tail, &mut second)] {
            let (now, later) = part.split_at(place.len());
            place.copy_from_slice(now);
            *part = later;
        }
    }
}

/// One end of a secure byte pipe: the secure channel or TLS, client or server.
///
/// A pipe owns no socket and no clock, but both buffers: the socket is read into [`Pipe::room`], where records are
/// opened in their place, and written from [`Pipe::pending`], where they were sealed. The driver calls it in this
/// order: read, say how much came ([`Pipe::received`], [`Pipe::receive_eof`]), take the plaintext ([`Pipe::plain`],
/// [`Pipe::take_plain`]), hand over what shall be sent ([`Pipe::compose`], [`Pipe::send`], [`Pipe::close`]), then write
/// [`Pipe::pending`] to the wire and report with [`Pipe::advance`] how much of it was taken.
///
/// After an error the pipe cannot be used any more. What [`Pipe::pending`] still holds (an alert) may be written, then
/// the connection is to be closed.
pub trait Pipe: Send {
    /// Room for exactly `octets` octets from the wire. What lies in it means nothing.
    fn room(&mut self, octets: usize) -> &mut [u8];

    /// Tells the pipe that the first `count` octets of the [room](Pipe::room) have arrived from the peer; what is
    /// opened of them lies in [`Pipe::plain`].
    ///
    /// # Errors
    /// [`PipeError`], most often a fault of the peer.
    ///
    /// # Panics
    /// When `count` is more than the room.
    fn received(&mut self, count: usize, now: Instant) -> Result<(), PipeError>;

    /// The plaintext that waits to be taken. It is to be taken before more is received, or the buffer grows.
    fn plain(&self) -> &[u8];

    /// Tells the pipe that the first `count` octets of [`Pipe::plain`] were taken.
    ///
    /// # Panics
    /// When `count` is more than there was.
    fn take_plain(&mut self, count: usize);

    /// Gives back the memory of buffers that hold nothing, for a connection that is idle.
    fn relax(&mut self);

    /// Takes octets that arrived in memory of the caller's; opened plaintext is appended to `plain`. Who reads into
    /// [`Pipe::room`] saves both copies.
    ///
    /// # Errors
    /// As [`Pipe::received`].
    fn receive(&mut self, wire: &[u8], plain: &mut Vec<u8>, now: Instant) -> Result<(), PipeError> {
        // In pieces, so that the pipe does not hold all of it besides.
        let mut pieces = wire.chunks(RECEIVE_OCTETS);
        // Nothing at all still finds out whether the pipe has failed.
        let mut piece = pieces.next().unwrap_or_default();
        loop {
            self.room(piece.len()).copy_from_slice(piece);
            let result = self.received(piece.len(), now);
            plain.extend_from_slice(self.plain());
            self.take_plain(self.plain().len());
            result?;
            match pieces.next() {
                Some(next) => piece = next,
                None => return Ok(()),
            }
        }
    }

    /// Tells the pipe that the peer will send no more. An end without the peer's authenticated close is a truncation.
    ///
    /// # Errors
    /// [`PipeError`] when the stream was cut.
    fn receive_eof(&mut self) -> Result<(), PipeError>;

    /// Seals `octets` octets, which `fill` writes into the pending ones, where they are sealed in their place: it is
    /// called once for each record, in order, with the room for its plaintext. Before the handshake is done they are
    /// kept and sealed afterwards.
    ///
    /// # Errors
    /// [`PipeError`] when the pipe has failed, is closed for sending, or was given too much before the handshake was
    /// done.
    fn compose(&mut self, octets: usize, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), PipeError>;

    /// Seals a copy of both `parts`, as one text.
    ///
    /// # Errors
    /// As [`Pipe::compose`].
    fn send_parts(&mut self, parts: [&[u8]; 2]) -> Result<(), PipeError> {
        self.compose(parts[0].len() + parts[1].len(), &mut copy_of(parts))
    }

    /// Seals a copy of `plain`.
    ///
    /// # Errors
    /// As [`Pipe::compose`].
    fn send(&mut self, plain: &[u8]) -> Result<(), PipeError> {
        self.send_parts([plain, &[]])
    }

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

    /// Whether the session has resumed another one: the peer has proved who it is by what only the two ends of that
    /// session have, and not by a signature.
    fn is_resumed(&self) -> bool {
        false
    }

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
    fn send_parts(&mut self, parts: [&[u8]; 2]) -> Result<(), PipeError> {
        (**self).send_parts(parts)
    }

    fn room(&mut self, octets: usize) -> &mut [u8] {
        (**self).room(octets)
    }

    fn received(&mut self, count: usize, now: Instant) -> Result<(), PipeError> {
        (**self).received(count, now)
    }

    fn plain(&self) -> &[u8] {
        (**self).plain()
    }

    fn take_plain(&mut self, count: usize) {
        (**self).take_plain(count);
    }

    fn relax(&mut self) {
        (**self).relax();
    }

    fn receive_eof(&mut self) -> Result<(), PipeError> {
        (**self).receive_eof()
    }

    fn compose(&mut self, octets: usize, fill: &mut dyn FnMut(&mut [u8])) -> Result<(), PipeError> {
        (**self).compose(octets, fill)
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

    fn is_resumed(&self) -> bool {
        (**self).is_resumed()
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

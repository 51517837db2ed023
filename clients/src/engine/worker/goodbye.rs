//! The end of the connections that are still open when the run is over.

use std::io::{self, ErrorKind as Io, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use mio::Events;

use super::network::Network;
use crate::engine::clock::monotonic_ns;
use crate::limits;

impl Network {
    /// Tells each peer whose transport has a goodbye that nothing more will come, and waits until it has closed its
    /// side too, for at most [`limits::GOODBYE_NS`] in all. To a server a connection that ends without it was cut
    /// off, which is an attack that it counts (RFC 8446, section 6.1). A plain connection has no goodbye but its end.
    ///
    /// # Errors
    /// What the system says of the poller.
    pub(crate) fn say_goodbye(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; limits::READ_BUFFER_OCTETS];
        let mut open = 0;
        for index in 0..self.slots.len() {
            match &mut self.slots[index].pipe {
                Some(pipe) if pipe.is_established() => pipe.close(),
                _ => self.slots[index].close(),
            }
            open += usize::from(!self.is_parted(index, &mut buffer));
        }
        let until_ns = monotonic_ns() + limits::GOODBYE_NS;
        let mut events = Events::with_capacity(limits::EVENTS_AT_ONCE);
        while open > 0 {
            let left_ns = until_ns.saturating_sub(monotonic_ns());
            if left_ns == 0 {
                break;
            }
            match self.poll.poll(&mut events, Some(Duration::from_nanos(left_ns))) {
                Err(e) if e.kind() != Io::Interrupted => return Err(e),
                _ => {}
            }
            for event in &events {
                let index = event.token().0;
                let was_open = self.slots.get(index).is_some_and(|slot| slot.socket.is_some());
                open -= usize::from(was_open && self.is_parted(index, &mut buffer));
            }
        }
        Ok(())
    }

    /// Goes on with the goodbye of a slot; `true` when its connection has ended on both sides. What still comes was
    /// asked for before the end, and is read only because closing over unread octets resets a connection.
    fn is_parted(&mut self, index: usize, buffer: &mut [u8]) -> bool {
        let slot = &mut self.slots[index];
        let (Some(socket), Some(pipe)) = (&mut slot.socket, &mut slot.pipe) else { return true };
        let ended = loop {
            let step = match pipe.pending() {
                [] => match socket.shutdown(Shutdown::Write) {
                    Ok(()) => socket.read(buffer),
                    Err(e) => Err(e),
                },
                pending => socket.write(pending).inspect(|&count| pipe.advance(count)),
            };
            match step {
                Ok(0) => break true,
                Err(e) if e.kind() == Io::WouldBlock => break false,
                Err(e) if e.kind() != Io::Interrupted => break true,
                _ => {}
            }
        };
        if ended {
            slot.close();
        }
        ended
    }
}

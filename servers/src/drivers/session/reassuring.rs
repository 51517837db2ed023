//! Whether the client of a request that waits is still there is asked by telling it that it waits.

use std::io;
use std::time::Instant;

use super::{DriverStep, Session};

impl Session<'_> {
    /// The request that was taken waits, and its client has ended its side. Says with an interim answer that it is
    /// worked on: who waits for the answer reads on (RFC 9110, 15.2), and who has left answers with a reset.
    ///
    /// # Returns
    /// Whether there is something to [write](Session::pending). HTTP/1.0 knows no interim answers, so such a client is
    /// taken to be there.
    pub fn reassure(&mut self, now: Instant) -> bool {
        self.http.reassure(now)
    }

    /// The same, and writes with `write` what the kernel takes of it now.
    ///
    /// # Errors
    /// When the connection breaks.
    pub fn reassure_by(
        &mut self,
        now: Instant,
        write: impl FnOnce(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        if self.reassure(now) && self.next_step(now) == DriverStep::Write {
            match write(self.pending()) {
                Ok(count) => self.advance(count, now),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

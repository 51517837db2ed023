//! How much of a connection's work is done before other connections have their turn.
//!
//! A client may send any number of requests without waiting for answers (pipelining, RFC 9112, 9.3.2), or, over a
//! secure transport, any number of records that cost work and carry no request. A driver that serves many
//! connections on one thread would serve that client alone. The same holds for a client that takes a large answer as
//! fast as it comes. Each turn of a connection therefore has a share of requests, of bytes and of time; what is left of
//! the work waits for the connection's next turn.

use std::time::Instant;

use crate::limits::{BYTES_PER_TURN, REQUESTS_PER_TURN, TIME_PER_TURN};

/// The share of one turn of a connection. The clock is read only when a turn does more than one request needs.
#[derive(Debug, Default)]
pub struct TurnShare {
    requests: u32,
    moves: u32,
    bytes: usize,
    since: Option<Instant>,
}

/// Moves of bytes that one request needs: a read, a write, and the look for more.
const USUAL_MOVES: u32 = 3;

impl TurnShare {
    /// A whole share.
    pub fn new() -> Self {
        TurnShare::default()
    }

    /// Notes that a request is about to be served.
    pub fn serve(&mut self) {
        self.requests += 1;
        if self.requests == 2 {
            self.since.get_or_insert_with(Instant::now);
        }
    }

    /// Notes that bytes are about to be moved.
    pub fn carry(&mut self) {
        self.moves += 1;
        if self.moves > USUAL_MOVES {
            self.since.get_or_insert_with(Instant::now);
        }
    }

    /// Notes that `count` bytes were written.
    pub fn wrote(&mut self, count: usize) {
        self.bytes += count;
    }

    /// Notes that `count` bytes were read into so much `room`. A short read has emptied the socket, so the next one
    /// waits.
    pub fn read(&mut self, count: usize, room: usize) {
        self.bytes += count;
        if count < room {
            self.wait_to_read();
        }
    }

    /// Notes that the connection waits for bytes to read. The other connections have their turn meanwhile, and its
    /// share of requests and of time is whole again. Its bytes count on: the client may be so fast that there is no
    /// wait, and with many bytes one more turn costs nothing.
    pub fn wait_to_read(&mut self) {
        *self = TurnShare { bytes: self.bytes, ..TurnShare::new() };
    }

    /// As much of `octets` as the share has bytes left for. Where it has none left ([`TurnShare::is_moved`]) the turn
    /// has to end first.
    pub fn part<'b>(&self, octets: &'b [u8]) -> &'b [u8] {
        &octets[..octets.len().min(self.bytes_left())]
    }

    /// The same for space to read into.
    pub fn space<'b>(&self, space: &'b mut [u8]) -> &'b mut [u8] {
        let most = space.len().min(self.bytes_left());
        &mut space[..most]
    }

    /// The bytes that are left of the share.
    pub fn bytes_left(&self) -> usize {
        BYTES_PER_TURN.saturating_sub(self.bytes)
    }

    /// Whether the bytes of the share are used up.
    pub fn is_moved(&self) -> bool {
        self.bytes >= BYTES_PER_TURN
    }

    /// Whether the share is used up.
    pub fn is_used_up(&self) -> bool {
        self.requests >= REQUESTS_PER_TURN
            || self.is_moved()
            || self.since.is_some_and(|since| since.elapsed() >= TIME_PER_TURN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_request_reads_no_clock_and_ends_no_turn() {
        let mut share = TurnShare::new();
        share.carry();
        share.serve();
        share.carry();
        share.carry();
        assert!(share.since.is_none() && !share.is_used_up());
    }

    #[test]
    fn requests_end_a_turn_by_number_and_by_time() {
        let mut share = TurnShare::new();
        (0..REQUESTS_PER_TURN).for_each(|_| share.serve());
        assert!(share.is_used_up());

        let mut share = TurnShare { since: Instant::now().checked_sub(TIME_PER_TURN), ..TurnShare::new() };
        share.serve();
        assert!(share.is_used_up());
    }

    #[test]
    fn a_read_that_empties_the_socket_makes_the_share_whole() {
        for (count, is_whole) in [(99, true), (100, false)] {
            let mut share = TurnShare::new();
            (0..REQUESTS_PER_TURN).for_each(|_| share.serve());
            share.read(count, 100);
            assert_eq!(!share.is_used_up(), is_whole, "{count} of 100");
            assert_eq!(share.bytes_left(), BYTES_PER_TURN - count);
        }
    }

    #[test]
    fn bytes_end_a_turn_by_number() {
        let octets = vec![0; 10 * BYTES_PER_TURN];
        for most in [1_000, 16 * 1024, 10 * BYTES_PER_TURN] {
            let (mut share, mut moved) = (TurnShare::new(), 0);
            while !share.is_moved() {
                let count = share.part(&octets[..most]).len();
                assert_eq!(count, share.space(&mut vec![0; most]).len());
                if moved == 0 {
                    share.wrote(count);
                } else {
                    share.read(count, most);
                }
                moved += count;
            }
            assert!(share.is_used_up() && moved == BYTES_PER_TURN, "{moved} bytes, {most} at a time");
        }
    }

    #[test]
    fn bytes_without_a_request_end_a_turn_by_time() {
        let mut share = TurnShare::new();
        (0..=USUAL_MOVES).for_each(|_| share.carry());
        assert!(share.since.is_some(), "the clock runs");
    }
}

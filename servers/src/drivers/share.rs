//! How much of a connection's work is done before other connections have their turn.
//!
//! A client may send any number of requests without waiting for answers (pipelining, RFC 9112, 9.3.2), or, over a
//! secure transport, any number of records that cost work and carry no request. A driver that serves many
//! connections on one thread would serve that client alone. Each of its turns therefore has a share of requests and
//! of time; what is left of the work waits for the connection's next turn.

use std::time::Instant;

use crate::limits::{REQUESTS_PER_TURN, TIME_PER_TURN};

/// The share of one turn of a connection. The clock is read only when a turn does more than one request needs.
#[derive(Debug, Default)]
pub struct TurnShare {
    requests: u32,
    moves: u32,
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

    /// Notes that `count` bytes were read into so much `room`. A short read has emptied the socket, so the next one
    /// waits, and the other connections have their turn meanwhile: the share is whole again.
    pub fn read(&mut self, count: usize, room: usize) {
        if count < room {
            *self = TurnShare::new();
        }
    }

    /// Whether the share is used up.
    pub fn is_used_up(&self) -> bool {
        self.requests >= REQUESTS_PER_TURN || self.since.is_some_and(|since| since.elapsed() >= TIME_PER_TURN)
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
        }
    }

    #[test]
    fn bytes_without_a_request_end_a_turn_by_time() {
        let mut share = TurnShare::new();
        (0..=USUAL_MOVES).for_each(|_| share.carry());
        assert!(share.since.is_some(), "the clock runs");
    }
}

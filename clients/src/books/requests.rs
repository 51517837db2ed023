//! What the generator remembers of each answered request, where somebody wants to know: enough to find the same request
//! among what its server has written down.

use std::collections::VecDeque;

use super::split::Split;

/// An answered request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTimes {
    /// When the plan wanted it to start, on CLOCK_MONOTONIC, ns.
    pub intended_ns: u64,
    /// When it was sent, or its connect begun.
    pub sent_ns: u64,
    /// When the end of its answer was read.
    pub received_ns: u64,
    /// How its latency is split, as the books have it.
    pub split: Split,
    /// The port of its connection at this end, and the last octet of that address; 0 on a Unix socket.
    pub port: u16,
    /// See `port`.
    pub octet: u8,
    /// Which request of its connection it was, from 1.
    pub number: u64,
    /// Status of the answer.
    pub status: u16,
}

/// The last requests that were answered, within a bound.
#[derive(Debug, Default)]
pub struct RequestLog {
    times: VecDeque<RequestTimes>,
    most: usize,
    /// Requests that were forgotten for newer ones.
    dropped: u64,
}

impl RequestLog {
    /// An empty one, with room for so many.
    pub fn new(most: usize) -> Self {
        RequestLog { times: VecDeque::new(), most, dropped: 0 }
    }

    /// Notes requests, and forgets the oldest where there is no room.
    pub fn extend(&mut self, more: impl IntoIterator<Item = RequestTimes>) {
        self.times.extend(more);
        let too_many = self.times.len().saturating_sub(self.most);
        self.times.drain(..too_many);
        self.dropped += too_many as u64;
    }

    /// Takes what is there: the requests, and how many were forgotten.
    pub fn take(&mut self) -> (Vec<RequestTimes>, u64) {
        (std::mem::take(&mut self.times).into(), std::mem::take(&mut self.dropped))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_and_counted() {
        let times = |number| RequestTimes {
            intended_ns: 0,
            sent_ns: 0,
            received_ns: 1,
            split: Split::new(0, 0, 0, 1),
            port: 1,
            octet: 1,
            number,
            status: 200,
        };
        let mut log = RequestLog::new(3);
        log.extend((1..=2).map(times));
        log.extend((3..=5).map(times));
        let (kept, dropped) = log.take();
        assert_eq!((kept.iter().map(|one| one.number).collect::<Vec<_>>(), dropped), (vec![3, 4, 5], 2));
        assert_eq!(log.take(), (Vec::new(), 0));
    }
}

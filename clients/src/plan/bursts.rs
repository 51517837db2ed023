//! Two servers in turn: short bursts of a closed loop, of which only one is under way at a time.
//!
//! ```text
//! group   A B B A  A B B A  ...           or   B A A B  B A A B  ...
//! burst   requests start for `burst_ns` | those under way are answered (nobody starts) | the next burst
//! ```
//!
//! A burst ends when its last request has come to its end, so no server ever works while the other one does: what a
//! process uses of the processor belongs to its own bursts, however short they are. Both sides follow each other and
//! themselves equally often, so neither is always the one that finds the other's data in the caches.
//!
//! Pure: time is an argument.

use std::collections::VecDeque;

use crate::plan::order::{Next, Order};

/// Number of servers that take turns.
pub const SIDES: usize = 2;

/// The turns of a group: `quads` times A B B A, or B A A B where B begins.
pub fn turns(quads: u32, b_begins: bool) -> Vec<u8> {
    let (one, other) = (u8::from(b_begins), u8::from(!b_begins));
    [one, other, other, one].repeat(quads as usize)
}

/// What a group of bursts has come to on one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BurstTimes {
    /// Bursts that have ended.
    pub bursts: u64,
    /// From the first request of each burst to the end of its last one, added up, ns.
    pub active_ns: u64,
}

/// A group of bursts on the connections of two servers.
#[derive(Debug, Clone)]
pub struct Bursts {
    /// The first connection of the second server; those of the first have the numbers below.
    border: u32,
    burst_ns: u64,
    turns: Vec<u8>,
    turn: usize,
    /// When the first request of this burst was given out.
    began_ns: Option<u64>,
    /// When a request last came to its end.
    ended_ns: u64,
    under_way: u32,
    idle: [VecDeque<(u32, u64)>; SIDES],
    times: [BurstTimes; SIDES],
}

impl Bursts {
    /// No connection is free yet.
    pub fn new(border: u32, burst_ns: u64, turns: Vec<u8>) -> Self {
        Bursts {
            border,
            burst_ns,
            turns,
            turn: 0,
            began_ns: None,
            ended_ns: 0,
            under_way: 0,
            idle: Default::default(),
            times: Default::default(),
        }
    }

    /// What has come of each side so far.
    pub fn times(&self) -> [BurstTimes; SIDES] {
        self.times
    }

    /// Connection `slot` is free since `now_ns`: before the first burst, or because its request has come to its end.
    pub(super) fn release(&mut self, slot: u32, now_ns: u64) {
        self.under_way = self.under_way.saturating_sub(1);
        self.ended_ns = self.ended_ns.max(now_ns);
        self.idle[usize::from(slot >= self.border)].push_back((slot, now_ns));
    }

    /// What to do at `now_ns`.
    pub(super) fn next(&mut self, now_ns: u64) -> Next {
        loop {
            let Some(&side) = self.turns.get(self.turn) else { return Next::Over };
            let side = usize::from(side);
            let is_open = self.began_ns.is_none_or(|began_ns| now_ns < began_ns + self.burst_ns);
            if is_open && let Some((slot, free_ns)) = self.idle[side].pop_front() {
                self.began_ns.get_or_insert(now_ns);
                self.under_way += 1;
                return Next::Send(Order { slot, intended_ns: now_ns, free_ns, attempt: 0 });
            }
            if self.under_way > 0 {
                return Next::Wait(u64::MAX);
            }
            // A server without a connection has no bursts.
            let began_ns = self.began_ns.take().unwrap_or(now_ns);
            self.times[side].bursts += 1;
            self.times[side].active_ns += self.ended_ns.saturating_sub(began_ns);
            self.turn += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: u64 = 1_000;

    /// Runs a group on two servers that take so long for a request, one request at a time each, and gives the order of
    /// the sides, the times, and what each answered.
    fn run(
        connections: [u32; SIDES],
        service_ns: [u64; SIDES],
        turns: Vec<u8>,
    ) -> (Vec<u8>, [BurstTimes; SIDES], [u64; SIDES]) {
        let mut bursts = Bursts::new(connections[0], 1_000 * US, turns);
        (0..connections[0] + connections[1]).for_each(|slot| bursts.release(slot, 0));
        let (mut now_ns, mut queue) = (0, VecDeque::new());
        let (mut order, mut answered) = (Vec::new(), [0; SIDES]);
        loop {
            match bursts.next(now_ns) {
                Next::Send(sent) => {
                    let side = u8::from(sent.slot >= connections[0]);
                    assert_eq!(sent.intended_ns, now_ns);
                    assert!(queue.iter().all(|(_, other)| *other == side), "only one side is at work");
                    if order.last() != Some(&side) {
                        order.push(side);
                    }
                    queue.push_back((sent.slot, side));
                }
                Next::Wait(_) => {
                    let (slot, side) = queue.pop_front().unwrap();
                    now_ns += service_ns[usize::from(side)];
                    answered[usize::from(side)] += 1;
                    bursts.release(slot, now_ns);
                }
                Next::Over => return (order, bursts.times(), answered),
                Next::Overflow | Next::GiveUp(_) => panic!("nothing waits"),
            }
        }
    }

    #[test]
    fn sides_follow_each_other_and_themselves_equally_often() {
        assert_eq!(turns(2, false), [0, 1, 1, 0, 0, 1, 1, 0]);
        assert_eq!(turns(1, true), [1, 0, 0, 1]);
        let (order, times, _) = run([4, 4], [10 * US, 10 * US], turns(3, false));
        assert_eq!(order, [0, 1, 0, 1, 0, 1, 0], "two bursts of a side in a row look like one");
        assert_eq!(times.map(|side| side.bursts), [6, 6]);
    }

    #[test]
    fn a_burst_lasts_until_its_last_answer_and_rates_are_those_of_the_servers() {
        let service_ns = [10 * US, 25 * US];
        let (_, times, answered) = run([8, 8], service_ns, turns(4, false));
        for side in 0..SIDES {
            assert_eq!(times[side].active_ns, answered[side] * service_ns[side]);
            let each_ns = times[side].active_ns / times[side].bursts;
            assert!((1_000 * US..1_000 * US + 9 * service_ns[side]).contains(&each_ns), "{times:?}");
        }
    }

    #[test]
    fn one_connection_and_requests_longer_than_a_burst_are_no_obstacle() {
        let (order, times, answered) = run([1, 3], [4_000 * US, 10 * US], turns(2, true));
        assert_eq!(order, [1, 0, 1, 0, 1]);
        assert_eq!(answered[0], 4, "one for each burst");
        assert_eq!(times[0].active_ns, 16_000 * US);
    }

    #[test]
    fn a_server_without_connections_stops_nobody() {
        let (order, times, answered) = run([0, 2], [US, 10 * US], turns(2, false));
        assert_eq!((order, answered[0], times[0].active_ns), (vec![1], 0, 0));
    }
}

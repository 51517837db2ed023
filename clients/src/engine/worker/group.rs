//! A group of bursts on two servers, as one run of a thread whose connections stay.

use std::io;

use super::Worker;
use crate::books::arrivals::Sample;
use crate::books::bursts::{BurstGroup, BurstSide, GroupOrder};
use crate::books::tally::RunTally;
use crate::engine::clock::monotonic_ns;
use crate::limits;
use crate::plan::bursts::{Bursts, turns};
use crate::plan::dispatch::{Dispatcher, RequestSource};

impl Worker {
    /// Carries out one group, from a dispatcher and books of its own on.
    ///
    /// # Errors
    /// What the system says of the poller and the timer.
    pub(crate) fn run_group(&mut self, burst_ns: u64, order: GroupOrder) -> io::Result<BurstGroup> {
        let border = self.plan.connections;
        let bursts = Bursts::new(border, burst_ns, turns(order.quads, order.b_begins));
        let source = RequestSource::Bursts(Box::new(bursts));
        self.schedule.dispatcher = Dispatcher::new(source, u64::MAX, 0, u64::MAX, None);
        self.books.tally = RunTally::new(0, u64::MAX, Sample::default());
        self.books.sides = Some(Box::default());
        let busy_before_ns = self.books.busy_ns();
        self.run(monotonic_ns() + limits::GROUP_LEAD_NS)?;
        let mut sides = self.books.sides.take().map(|sides| *sides).unwrap_or_default();
        let (own, others) = self.network.slots.split_at(border as usize);
        let times = self.schedule.dispatcher.burst_times();
        for ((side, times), slots) in sides.iter_mut().zip(times).zip([own, others]) {
            let open = slots.iter().filter(|slot| slot.socket.is_some()).count() as u32;
            *side =
                BurstSide { bursts: times.bursts, active_ns: times.active_ns, open, ..std::mem::take(side) };
        }
        Ok(BurstGroup {
            sides,
            busy_ns: self.books.busy_ns() - busy_before_ns,
            paused_ns: self.attention.pauses.sum_ns(),
            took_ns: self.books.tally.last_done_ns,
        })
    }
}

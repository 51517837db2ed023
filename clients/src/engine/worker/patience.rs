//! Clients that give up, and those that try again.

use rand::RngExt;

use super::Worker;
use crate::failure::RequestFailure;
use crate::plan::dispatch::{DueRequest, Next};
use crate::plan::impatience::DUE_DIGITS;

impl Worker {
    /// What the dispatcher wants done, after it has let go of requests that nobody waits for any more.
    #[inline]
    pub(super) fn next_order(&mut self, now_ns: u64) -> Next {
        loop {
            match self.schedule.dispatcher.next(now_ns) {
                Next::GiveUp(due) => self.given_up_unsent(due, now_ns),
                next => return next,
            }
        }
    }

    #[cold]
    fn given_up_unsent(&mut self, due: DueRequest, now_ns: u64) {
        self.books.tally.failed(&RequestFailure::AbandonedUnsent, due.intended_ns, now_ns);
        self.note_in_system(now_ns);
        self.try_again(due.attempt, now_ns);
    }

    /// Gives up the requests whose clients have waited for long enough: their connections are closed, as a client that
    /// gives up closes its own.
    #[inline]
    pub(super) fn lose_patience(&mut self, now_ns: u64) {
        while let Some((index, intended_ns)) = self.schedule.next_impatient(now_ns) {
            let slot = &self.network.slots[index as usize];
            if slot.busy && slot.intended_ns == intended_ns {
                self.fail_at(index as usize, RequestFailure::Abandoned, now_ns);
            }
        }
    }

    /// A request that came to nothing is tried again, if its client does so.
    #[inline]
    pub(super) fn try_again(&mut self, attempt: u8, now_ns: u64) {
        let impatience = self.plan.impatience;
        if impatience.retries == 0 {
            return;
        }
        let chance = self.schedule.mixer.random::<f64>();
        if let Some(again_ns) = impatience.again_ns(attempt, now_ns, chance) {
            self.schedule.dispatcher.retry(DueRequest { intended_ns: again_ns, attempt: attempt + 1 });
        }
    }

    /// Writes into the request of a slot when it was due, if the server is to be told.
    pub(super) fn tell_due(&mut self, index: usize) {
        let slot = &mut self.network.slots[index];
        let request = &self.plan.mix[slot.request as usize];
        slot.own_wire.clear();
        let Some(at) = request.due_at else { return };
        slot.own_wire.extend_from_slice(&request.wire);
        let due_ns = self.clock.monotonic_ns(slot.intended_ns);
        slot.own_wire[at..at + DUE_DIGITS].copy_from_slice(format!("{due_ns:0DUE_DIGITS$}").as_bytes());
    }
}

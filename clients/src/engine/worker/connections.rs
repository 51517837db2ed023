//! The life of a connection: made, ready, dropped, failed.

use super::Worker;
use crate::engine::slot::Phase;
use crate::failure::RequestFailure;

impl Worker {
    pub(super) fn connect(&mut self, index: usize) {
        if let Err(e) = self.network.connect(index, &self.plan) {
            self.fail(index, RequestFailure::Connect(e));
        }
    }

    /// The TCP connection of a slot stands, or could not be made.
    pub(super) fn connected(&mut self, index: usize) {
        let Some(socket) = &self.network.slots[index].socket else { return };
        match socket.take_error() {
            Ok(None) => {}
            Ok(Some(e)) | Err(e) => return self.fail(index, RequestFailure::Connect(e)),
        }
        if self.network.slots[index].pipe.is_some() {
            return self.flush(index);
        }
        self.established(index);
    }

    /// The connection of a slot is ready for requests.
    pub(super) fn established(&mut self, index: usize) {
        let now_ns = self.look();
        let slot = &mut self.network.slots[index];
        let connect_ns = self.clock.monotonic_ns(now_ns).saturating_sub(slot.connect_ns);
        // What the thread did not see for standing still is not the server's.
        let still_ns = self.attention.pauses.inside_ns(self.clock.run_ns(slot.connect_ns), now_ns);
        let handshake = slot.handshake();
        self.books.established(connect_ns.saturating_sub(still_ns), handshake);
        self.network.connecting -= 1;
        slot.phase = Phase::Idle;
        self.note_local(index);
        if self.network.slots[index].busy {
            self.send(index);
            self.look_after_sending(index);
        }
    }

    pub(super) fn drop_connection(&mut self, index: usize) {
        self.network.slots[index].part();
        self.books.parted();
    }

    pub(super) fn fail(&mut self, index: usize, failure: RequestFailure) {
        let now_ns = self.clock.now_ns();
        self.fail_at(index, failure, now_ns);
    }

    /// The request of a slot has failed, or its connect before the run; the connection goes with it.
    pub(super) fn fail_at(&mut self, index: usize, failure: RequestFailure, now_ns: u64) {
        let slot = &mut self.network.slots[index];
        let connecting = matches!(slot.phase, Phase::Connecting | Phase::Closed);
        self.network.connecting -= usize::from(slot.phase == Phase::Connecting);
        slot.part();
        if std::mem::take(&mut slot.busy) {
            self.books.failed_on(slot.request, &failure);
            self.books.tally.failed(&failure, slot.intended_ns, now_ns);
            self.schedule.in_flight -= 1;
            self.note_in_system(now_ns);
            let attempt = self.network.slots[index].attempt;
            let abandoned = matches!(failure, RequestFailure::Abandoned);
            if !matches!(failure, RequestFailure::Unanswered) {
                self.try_again(attempt, now_ns);
            }
            if connecting && !abandoned {
                self.schedule.rest(index as u32, now_ns);
            } else {
                self.schedule.dispatcher.release(index as u32, now_ns);
            }
        }
        if connecting {
            self.books.not_connected(failure);
        } else {
            self.books.parted();
        }
    }
}

//! The life of a connection: made, ready, dropped, failed.

use std::time::Instant;

use mio::{Interest, Token};

use super::Worker;
use crate::engine::clock::monotonic_ns;
use crate::engine::slot::Phase;
use crate::failure::RequestFailure;
use crate::limits;
use crate::plan::Carrier;

impl Worker {
    pub(super) fn connect(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.connect_ns = monotonic_ns();
        let registered = self.opener.open().and_then(|mut socket| {
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut socket, Token(index), interest)?;
            Ok(socket)
        });
        match registered {
            Ok(socket) => {
                slot.socket = Some(socket);
                slot.phase = Phase::Connecting;
                self.connecting += 1;
                if let Carrier::Pipe(_, connector) = &self.plan.transport {
                    slot.pipe = Some(connector.connect(Instant::now()));
                }
            }
            Err(e) => self.fail(index, RequestFailure::Connect(e)),
        }
    }

    /// The TCP connection of a slot stands, or could not be made.
    pub(super) fn connected(&mut self, index: usize) {
        let Some(socket) = &self.slots[index].socket else { return };
        match socket.take_error() {
            Ok(None) => {}
            Ok(Some(e)) | Err(e) => return self.fail(index, RequestFailure::Connect(e)),
        }
        if self.slots[index].pipe.is_some() {
            return self.flush(index);
        }
        self.established(index);
    }

    /// The connection of a slot is ready for requests.
    pub(super) fn established(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        self.tally.connect.record(monotonic_ns() - slot.connect_ns);
        self.connecting -= 1;
        self.opened += 1;
        self.open += 1;
        self.open_max = self.open_max.max(self.open);
        slot.phase = Phase::Idle;
        if slot.busy {
            self.send(index);
        }
    }

    pub(super) fn drop_connection(&mut self, index: usize) {
        self.slots[index].part();
        self.open -= 1;
    }

    pub(super) fn fail(&mut self, index: usize, failure: RequestFailure) {
        let now_ns = self.clock.now_ns();
        self.fail_at(index, failure, now_ns);
    }

    /// The request of a slot has failed, or its connect before the run; the connection goes with it.
    pub(super) fn fail_at(&mut self, index: usize, failure: RequestFailure, now_ns: u64) {
        let slot = &mut self.slots[index];
        let connecting = matches!(slot.phase, Phase::Connecting | Phase::Closed);
        self.connecting -= usize::from(slot.phase == Phase::Connecting);
        slot.part();
        if std::mem::take(&mut slot.busy) {
            self.tally.failed(&failure, slot.intended_ns, now_ns);
            self.in_flight -= 1;
            self.note_in_system(now_ns);
            if connecting {
                self.resting.push_back((now_ns + limits::RECONNECT_PAUSE_NS, index as u32));
            } else {
                self.dispatcher.release(index as u32, now_ns);
            }
        }
        if connecting {
            self.connect_failures += 1;
            self.first_failure.get_or_insert(failure);
        } else {
            self.open -= 1;
        }
    }
}

//! The way of a request and its answer over a connection.

use std::io::{ErrorKind as Io, Read, Write};
use std::time::Instant;

use super::Worker;
use crate::books::split::Split;
use crate::engine::slot::Phase;
use crate::failure::RequestFailure;
use crate::plan::dispatch::Next;
use crate::plan::request::ExpectedBody;
use crate::response::{Head, Progress};

impl Worker {
    /// Begins to write the request of a slot that is connected.
    pub(super) fn send(&mut self, index: usize) {
        let slot = &mut self.network.slots[index];
        slot.phase = Phase::Sending;
        slot.carried += 1;
        if let Some(pipe) = &mut slot.pipe
            && let Err(failure) = pipe.send(if slot.own_wire.is_empty() {
                &self.plan.mix[slot.request as usize].wire
            } else {
                &slot.own_wire
            })
        {
            return self.fail(index, RequestFailure::Transport(failure));
        }
        self.flush(index);
    }

    /// Writes as much as the socket takes.
    pub(super) fn flush(&mut self, index: usize) {
        loop {
            let slot = &mut self.network.slots[index];
            let Some(socket) = &mut slot.socket else { return };
            let octets = match &slot.pipe {
                Some(pipe) => pipe.pending(),
                None if slot.own_wire.is_empty() => {
                    &self.plan.mix[slot.request as usize].wire[slot.written as usize..]
                }
                None => &slot.own_wire[slot.written as usize..],
            };
            if octets.is_empty() {
                if slot.phase == Phase::Sending {
                    slot.phase = Phase::Waiting;
                }
                return;
            }
            match socket.write(octets) {
                Ok(count) => {
                    let all = count == octets.len();
                    match &mut slot.pipe {
                        Some(pipe) => {
                            pipe.advance(count);
                            if slot.phase == Phase::Connecting {
                                slot.handshake_octets += count as u64;
                            }
                        }
                        None => slot.written += count as u32,
                    }
                    if all && slot.pipe.is_none() {
                        slot.phase = Phase::Waiting;
                        return;
                    }
                }
                Err(e) if e.kind() == Io::WouldBlock => return,
                Err(e) if e.kind() == Io::Interrupted => {}
                // The answer may be there all the same (413 and a close): what there is to read decides.
                Err(e) if slot.phase == Phase::Sending && e.kind() != Io::BrokenPipe => {
                    return self.fail(index, RequestFailure::Reset(e));
                }
                Err(_) if slot.phase == Phase::Sending => {
                    slot.phase = Phase::Waiting;
                    return;
                }
                Err(e) => return self.fail(index, RequestFailure::Connect(e)),
            }
        }
    }

    pub(super) fn readable(&mut self, index: usize, buffer: &mut [u8], closing: bool) {
        let connection_ns = self.network.slots[index].connect_ns;
        loop {
            let slot = &mut self.network.slots[index];
            let Some(socket) = &mut slot.socket else { return };
            // An answer may have ended the connection, and its slot may have begun to open the next one. What comes
            // over that is read when it stands.
            if slot.connect_ns != connection_ns {
                return;
            }
            let read = if self.attention.wants_stamps() {
                self.attention.read_stamped(socket, buffer, || self.clock.now_ns())
            } else {
                socket.read(buffer).map(|count| (count, u64::MAX))
            };
            match read {
                Ok((0, _)) => return self.ended(index),
                Ok((count, arrived_ns)) => {
                    let now_ns = self.clock.now_ns();
                    // What this turn was told of had arrived before it, so what a pause in the turn delayed was
                    // there.
                    let arrived_ns = arrived_ns.min(self.attention.look(now_ns));
                    self.note_unread(index, arrived_ns, now_ns);
                    self.receive(index, &buffer[..count], now_ns);
                    // A short read has emptied the socket: epoll(7), question 9.
                    if count < buffer.len() && !closing {
                        return;
                    }
                }
                Err(e) if e.kind() == Io::WouldBlock => return,
                Err(e) if e.kind() == Io::Interrupted => {}
                Err(e) if self.network.slots[index].phase == Phase::Connecting => {
                    return self.fail(index, RequestFailure::Connect(e));
                }
                Err(e) => return self.fail(index, RequestFailure::Reset(e)),
            }
        }
    }

    /// Books what was left unread since it arrived.
    #[inline]
    fn note_unread(&mut self, index: usize, arrived_ns: u64, now_ns: u64) {
        if self.network.slots[index].sent_by_ns > self.network.slots[index].attended_ns {
            self.note_sent_late(index, arrived_ns);
        }
        let slot = &mut self.network.slots[index];
        let unread_ns = self.attention.unread_ns(arrived_ns, slot.attended_ns, now_ns);
        if unread_ns > 0 {
            slot.unread_ns += unread_ns;
            slot.attended_ns = now_ns;
        }
    }

    /// The thread stood still around the call that sent a request. An answer that arrived meanwhile shows that the
    /// request was sent before; one that arrived later, that nobody knows, and the pause is no time of the server's.
    #[cold]
    fn note_sent_late(&mut self, index: usize, arrived_ns: u64) {
        let slot = &mut self.network.slots[index];
        if arrived_ns >= slot.sent_by_ns {
            slot.sent_ns += self.attention.pauses.inside_ns(slot.attended_ns, slot.sent_by_ns);
            slot.attended_ns = slot.sent_by_ns;
        } else {
            slot.sent_by_ns = slot.attended_ns;
        }
    }

    pub(super) fn receive(&mut self, index: usize, octets: &[u8], now_ns: u64) {
        let slot = &mut self.network.slots[index];
        if slot.busy {
            self.books.tally.received(now_ns, octets.len());
        }
        let Some(pipe) = &mut slot.pipe else { return self.read_answer(index, octets, now_ns) };
        let mut plain = std::mem::take(&mut self.network.plain);
        let received = pipe.receive(octets, &mut plain, Instant::now());
        if slot.phase == Phase::Connecting {
            slot.handshake_octets += octets.len() as u64;
        }
        let established = pipe.is_established();
        match received {
            Err(failure) => {
                self.flush(index);
                self.fail(index, RequestFailure::Transport(failure));
            }
            Ok(()) => {
                if established && slot.phase == Phase::Connecting && !slot.is_closed_by_peer() {
                    self.established(index);
                }
                self.flush(index);
                if !plain.is_empty() {
                    self.read_answer(index, &plain, now_ns);
                }
                // The goodbye ends the stream before the socket does (RFC 8446, 6.1). A connection that was dropped
                // with the answer has no pipe, or a new one.
                if self.network.slots[index].is_closed_by_peer() {
                    self.ended(index);
                }
            }
        }
        plain.clear();
        self.network.plain = plain;
    }

    #[inline]
    pub(super) fn read_answer(&mut self, index: usize, octets: &[u8], now_ns: u64) {
        let slot = &mut self.network.slots[index];
        if !slot.busy {
            // Nobody asked: a server that says why it closes an idle connection. The connection is of no
            // further use.
            return self.drop_connection(index);
        }
        let request = &self.plan.mix[slot.request as usize];
        let (mut at, mut fits) = (slot.body_octets as usize, slot.body_fits);
        let progress = slot.reader.feed(octets, request.is_head(), &mut self.network.memo, |piece| {
            if let ExpectedBody::Exactly(expected) = &request.expect.body {
                fits = fits && expected.get(at..at + piece.len()) == Some(piece);
            }
            at += piece.len();
        });
        (slot.body_octets, slot.body_fits) = (at as u64, fits);
        match progress {
            Ok(Progress::More) => {}
            Ok(Progress::Done { taken, .. }) if taken < octets.len() => {
                self.fail_at(index, RequestFailure::TooMuch, now_ns);
            }
            Ok(Progress::Done { head, .. }) => self.complete(index, head, now_ns),
            Err(fault) => self.fail_at(index, RequestFailure::Protocol(fault), now_ns),
        }
    }

    #[inline]
    pub(super) fn complete(&mut self, index: usize, head: Head, now_ns: u64) {
        let slot = &mut self.network.slots[index];
        let request = &self.plan.mix[slot.request as usize];
        let length_fits = match &request.expect.body {
            ExpectedBody::Exactly(expected) => request.is_head() || slot.body_octets == expected.len() as u64,
            _ => true,
        };
        let closing = !head.keep_alive
            || slot.phase == Phase::Sending
            || slot.is_closed_by_peer()
            || request.closes
            || self.plan.requests_per_connection.is_some_and(|n| slot.carried >= n);
        let mut is_refused = false;
        if !request.expect.accepts_status(head.status) {
            is_refused = head.status == 503 && self.plan.impatience.expects_refusals();
            let failure =
                if is_refused { RequestFailure::Refused } else { RequestFailure::Status(head.status) };
            self.books.failed_on(slot.request, &failure);
            self.books.tally.failed(&failure, slot.intended_ns, now_ns);
        } else if !slot.body_fits || !length_fits {
            self.books.failed_on(slot.request, &RequestFailure::Body(slot.body_octets));
            self.books.tally.failed(&RequestFailure::Body(slot.body_octets), slot.intended_ns, now_ns);
        } else {
            let mut split = Split::new(slot.intended_ns, slot.free_ns, slot.sent_ns, now_ns);
            if slot.unread_ns | slot.still_ns > 0 {
                split = split.disturbed(slot.still_ns, slot.unread_ns);
            }
            self.books.answered_on(slot.request);
            self.books.tally.completed(slot.intended_ns, &split, now_ns);
        }
        self.record(index, head.status, now_ns);
        let slot = &mut self.network.slots[index];
        let attempt = slot.attempt;
        slot.busy = false;
        slot.phase = Phase::Idle;
        if closing {
            self.drop_connection(index);
        }
        self.schedule.in_flight -= 1;
        self.schedule.dispatcher.release(index as u32, now_ns);
        if is_refused {
            self.try_again(attempt, now_ns);
        }
        match self.next_order(now_ns) {
            Next::Send(order) => self.start(order, now_ns),
            _ => self.note_in_system(now_ns),
        }
    }

    /// The server has closed its side.
    pub(super) fn ended(&mut self, index: usize) {
        let slot = &mut self.network.slots[index];
        if slot.phase == Phase::Connecting {
            // The pipe knows what that may mean.
            let failure = match slot.pipe.as_mut().map(|pipe| pipe.receive_eof()) {
                Some(Err(failure)) => RequestFailure::Transport(failure),
                _ => RequestFailure::ClosedInHandshake,
            };
            return self.fail(index, failure);
        }
        if !slot.busy {
            return self.drop_connection(index);
        }
        if let Some(Err(failure)) = slot.pipe.as_mut().map(|p| p.receive_eof()) {
            return self.fail(index, RequestFailure::Transport(failure));
        }
        match slot.reader.end_of_stream() {
            Ok(Some(head)) => {
                let now_ns = self.clock.now_ns();
                self.complete(index, head, now_ns);
            }
            Ok(None) => self.fail(index, RequestFailure::Silent),
            Err(fault) => self.fail(index, RequestFailure::Short(fault)),
        }
    }
}

//! One thread of the engine: a readiness loop over its share of the connections.
//!
//! The way of a request: the dispatcher gives an order, `start` writes it, `readable` reads what comes and `receive`
//! makes sense of it, `complete` books it and frees the slot, and the loop asks the dispatcher again. A plain request
//! costs one write, one read and one look at the clock; nothing is allocated.

use std::collections::VecDeque;
use std::io::{self, ErrorKind as Io, Read, Write};
use std::sync::Arc;
use std::time::Instant;

use mio::{Events, Interest, Poll, Token};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::dispatch::{Dispatcher, Next, Order};
use crate::engine::clock::{Clock, Sleeper, TIMER, monotonic_ns};
use crate::engine::live::{Glance, Live};
use crate::engine::slot::{Phase, Slot};
use crate::engine::socket::Opener;
use crate::engine::usage::{Meter, Usage};
use crate::limits;
use crate::outcome::{ErrorKind, Partial};
use crate::plan::{Plan, Transport};
use crate::request::ExpectedBody;
use crate::response::{Head, Memo, Progress};
use crate::split::Split;
use crate::tally::Tally;

/// Orders that are started before the loop looks at its sockets again, so that answers do not starve in overload.
const ORDERS_AT_ONCE: usize = 32;

/// Events taken from the kernel at one time.
const EVENTS: usize = 256;

/// A thread's part of the run.
pub struct Worker {
    pub(super) plan: Arc<Plan>,
    pub(super) live: Arc<Live>,
    pub(super) tally: Tally,
    pub(super) dispatcher: Dispatcher,
    pub(super) opened: u64,
    pub(super) open: u64,
    pub(super) open_max: u64,
    pub(super) connect_failures: u64,
    pub(super) first_failure: Option<String>,
    pub(super) open_at_end: u64,
    pub(super) meter: Meter,
    pub(super) partial: Option<Partial>,
    thread: u32,
    busy_ns: u64,
    connecting: usize,
    slots: Vec<Slot>,
    poll: Poll,
    opener: Opener,
    clock: Clock,
    memo: Memo,
    plain: Vec<u8>,
    in_flight: u64,
    /// Slots that rest after a failed connect, and until when.
    resting: VecDeque<(u64, u32)>,
    mixer: ChaCha8Rng,
    weights: Vec<f64>,
}

impl Worker {
    /// For `connections` of the plan's connections.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(
        plan: Arc<Plan>,
        live: Arc<Live>,
        dispatcher: Dispatcher,
        tally: Tally,
        thread: u32,
        connections: u32,
    ) -> io::Result<Self> {
        let mut sum = 0.0;
        let mut add = |weight: f64| {
            sum += weight;
            sum
        };
        Ok(Worker {
            weights: plan.mix.iter().map(|r| add(r.weight)).collect(),
            // The schedule and the mix draw from one seed each, so that neither changes the other.
            mixer: ChaCha8Rng::seed_from_u64(plan.seed ^ 0x6d69_7800 ^ u64::from(thread) << 32),
            opener: Opener::new(&plan, thread),
            plan,
            live,
            tally,
            dispatcher,
            opened: 0,
            open: 0,
            open_max: 0,
            connect_failures: 0,
            first_failure: None,
            open_at_end: 0,
            meter: Meter::default(),
            partial: None,
            thread,
            busy_ns: 0,
            connecting: 0,
            slots: (0..connections).map(|_| Slot::default()).collect(),
            poll: Poll::new()?,
            clock: Clock::starting_at(0),
            memo: Memo::default(),
            plain: Vec::new(),
            in_flight: 0,
            resting: VecDeque::new(),
        })
    }

    /// Opens every connection before the run, unless the plan wants them opened by the requests.
    ///
    /// # Errors
    /// What the system says; a server that does not let us in is no error here, but counted.
    pub fn open_all(&mut self) -> io::Result<()> {
        if self.plan.requests_per_connection == Some(1) {
            return Ok(());
        }
        let deadline = monotonic_ns() + self.plan.timeout_ns;
        let mut events = Events::with_capacity(EVENTS);
        let mut buffer = vec![0; limits::READ_BUFFER_OCTETS];
        let mut next = 0;
        loop {
            while next < self.slots.len() && self.connecting < limits::OPENING_AT_ONCE {
                self.connect(next);
                next += 1;
            }
            let now = monotonic_ns();
            if self.connecting == 0 && next == self.slots.len() || now >= deadline || self.live.is_stopped() {
                return Ok(());
            }
            if self.connecting > 0 {
                let left = (deadline - now).min(limits::HOUSEKEEPING_NS);
                match self.poll.poll(&mut events, Some(std::time::Duration::from_nanos(left))) {
                    Err(e) if e.kind() != Io::Interrupted => return Err(e),
                    _ => self.take_events(&events, &mut buffer),
                }
            }
        }
    }

    /// Runs the plan from `start_ns` of the monotonic clock on, until its last request is answered or given up.
    ///
    /// # Errors
    /// What the system says of the poller and the timer; what it says of connections is counted.
    pub fn run(&mut self, start_ns: u64) -> io::Result<()> {
        self.clock = Clock::starting_at(start_ns);
        let mut sleeper = Sleeper::new(&self.poll, self.plan.spin_ns)?;
        let mut events = Events::with_capacity(EVENTS);
        let mut buffer = vec![0; limits::READ_BUFFER_OCTETS];
        while monotonic_ns() < start_ns {
            std::hint::spin_loop();
        }
        for slot in 0..self.slots.len() as u32 {
            self.dispatcher.release(slot, 0);
        }
        let (mut mark_ns, mut drain_until_ns) = (0, None);
        loop {
            let woke_ns = self.clock.now_ns();
            self.take_events(&events, &mut buffer);
            let mut due_ns = self.start_due();
            let now_ns = self.clock.now_ns();
            self.busy_ns += now_ns - woke_ns;
            if due_ns.is_none() {
                if drain_until_ns.is_none() {
                    self.open_at_end = self.open;
                }
                // Over: what is under way may come to its end, within the time that any request has.
                let until = *drain_until_ns.get_or_insert(now_ns + self.plan.timeout_ns);
                if self.in_flight == 0 && self.dispatcher.backlog() == 0 || now_ns >= until {
                    return Ok(());
                }
                due_ns = Some(u64::MAX);
            }
            if now_ns >= mark_ns {
                mark_ns = now_ns + limits::HOUSEKEEPING_NS;
                self.look_after(now_ns);
                self.tell(now_ns);
                sleeper.yield_to_company(Usage::of_this_thread().involuntary);
                for edge_ns in [self.plan.warmup_ns, self.plan.end_ns()] {
                    if edge_ns > now_ns {
                        mark_ns = mark_ns.min(edge_ns);
                    }
                }
                if self.live.is_stopped() && self.partial.is_none() {
                    self.partial = Some(Partial::Interrupted);
                    self.dispatcher.stop();
                    drain_until_ns = Some(now_ns);
                }
            }
            let rest_ns = self.resting.front().map_or(u64::MAX, |r| r.0);
            let due_ns = due_ns.unwrap_or(u64::MAX);
            sleeper.wait(&mut self.poll, &mut events, &self.clock, now_ns, due_ns, mark_ns.min(rest_ns))?;
        }
    }

    fn tell(&mut self, now_ns: u64) {
        self.meter.read(now_ns, self.busy_ns, self.plan.warmup_ns, self.plan.end_ns());
        let recent = self.tally.series.recent();
        self.live
            .publish(self.thread, Glance { now_ns, backlog: self.dispatcher.backlog() as u64, ..recent });
    }

    /// Starts what is due. Gives the time of the next request, or `None` when there will be none.
    fn start_due(&mut self) -> Option<u64> {
        let mut now_ns = self.clock.now_ns();
        for _ in 0..ORDERS_AT_ONCE {
            match self.dispatcher.next(now_ns) {
                Next::Send(order) => {
                    self.start(order, now_ns);
                    now_ns = self.clock.now_ns();
                }
                Next::Wait(due_ns) => {
                    self.note_in_system(now_ns);
                    return Some(due_ns);
                }
                Next::Over => return None,
                Next::Overflow => {
                    self.partial = Some(Partial::Backlog);
                    self.live.stop();
                    self.dispatcher.stop();
                    return None;
                }
            }
        }
        Some(now_ns)
    }

    fn note_in_system(&mut self, now_ns: u64) {
        self.tally.in_system(now_ns, self.in_flight + self.dispatcher.backlog() as u64);
    }

    fn start(&mut self, order: Order, now_ns: u64) {
        let request = if self.weights.len() == 1 { 0 } else { self.choose() };
        let index = order.slot as usize;
        let slot = &mut self.slots[index];
        slot.busy = true;
        slot.request = request;
        slot.intended_ns = order.intended_ns;
        slot.free_ns = order.free_ns;
        slot.sent_ns = now_ns;
        slot.written = 0;
        slot.body_octets = 0;
        slot.body_fits = true;
        self.in_flight += 1;
        self.note_in_system(now_ns);
        let octets = self.plan.mix[request as usize].wire.len() as u64;
        self.tally.sent(order.intended_ns, now_ns, octets);
        if self.slots[index].phase == Phase::Closed { self.connect(index) } else { self.send(index) }
    }

    fn choose(&mut self) -> u16 {
        let sum = self.weights.last().copied().unwrap_or(1.0);
        let at = self.mixer.random::<f64>() * sum;
        self.weights.partition_point(|&w| w <= at).min(self.weights.len() - 1) as u16
    }

    fn connect(&mut self, index: usize) {
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
                if let Transport::Pipe(_, connector) = &self.plan.transport {
                    slot.pipe = Some(connector.connect(Instant::now()));
                }
            }
            Err(e) => self.fail(index, ErrorKind::Connect, &e.to_string()),
        }
    }

    /// The TCP connection of a slot stands, or could not be made.
    fn connected(&mut self, index: usize) {
        let Some(socket) = &self.slots[index].socket else { return };
        match socket.take_error() {
            Ok(None) => {}
            Ok(Some(e)) | Err(e) => return self.fail(index, ErrorKind::Connect, &e.to_string()),
        }
        if self.slots[index].pipe.is_some() {
            return self.flush(index);
        }
        self.established(index);
    }

    /// The connection of a slot is ready for requests.
    fn established(&mut self, index: usize) {
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

    /// Begins to write the request of a slot that is connected.
    fn send(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        slot.phase = Phase::Sending;
        slot.carried += 1;
        if let Some(pipe) = &mut slot.pipe
            && let Err(failure) = pipe.send(&self.plan.mix[slot.request as usize].wire)
        {
            return self.fail(index, ErrorKind::Transport, failure.reason);
        }
        self.flush(index);
    }

    /// Writes as much as the socket takes.
    fn flush(&mut self, index: usize) {
        loop {
            let slot = &mut self.slots[index];
            let Some(socket) = &mut slot.socket else { return };
            let octets = match &slot.pipe {
                Some(pipe) => pipe.pending(),
                None => &self.plan.mix[slot.request as usize].wire[slot.written as usize..],
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
                        Some(pipe) => pipe.advance(count),
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
                    return self.fail(index, ErrorKind::Reset, &e.to_string());
                }
                Err(_) if slot.phase == Phase::Sending => {
                    slot.phase = Phase::Waiting;
                    return;
                }
                Err(e) => return self.fail(index, ErrorKind::Connect, &e.to_string()),
            }
        }
    }

    fn take_events(&mut self, events: &Events, buffer: &mut [u8]) {
        for event in events {
            if event.token() == TIMER {
                continue;
            }
            let index = event.token().0;
            if event.is_writable() || event.is_error() {
                match self.slots[index].phase {
                    Phase::Connecting if self.slots[index].pipe.is_none() || event.is_error() => {
                        self.connected(index);
                    }
                    Phase::Connecting | Phase::Sending => self.flush(index),
                    _ => {}
                }
            }
            if event.is_readable() || event.is_read_closed() {
                self.readable(index, buffer, event.is_read_closed());
            }
        }
    }

    fn readable(&mut self, index: usize, buffer: &mut [u8], closing: bool) {
        loop {
            let Some(socket) = &mut self.slots[index].socket else { return };
            match socket.read(buffer) {
                Ok(0) => return self.ended(index),
                Ok(count) => {
                    let now_ns = self.clock.now_ns();
                    self.receive(index, &buffer[..count], now_ns);
                    // A short read has emptied the socket: epoll(7), question 9.
                    if count < buffer.len() && !closing {
                        return;
                    }
                }
                Err(e) if e.kind() == Io::WouldBlock => return,
                Err(e) if e.kind() == Io::Interrupted => {}
                Err(e) if self.slots[index].phase == Phase::Connecting => {
                    return self.fail(index, ErrorKind::Connect, &e.to_string());
                }
                Err(e) => return self.fail(index, ErrorKind::Reset, &e.to_string()),
            }
        }
    }

    fn receive(&mut self, index: usize, octets: &[u8], now_ns: u64) {
        self.tally.received(now_ns, octets.len());
        let slot = &mut self.slots[index];
        let Some(pipe) = &mut slot.pipe else { return self.read_answer(index, octets, now_ns) };
        let mut plain = std::mem::take(&mut self.plain);
        let received = pipe.receive(octets, &mut plain, Instant::now());
        let established = pipe.is_established();
        match received {
            Err(failure) => {
                self.flush(index);
                self.fail(index, ErrorKind::Transport, failure.reason);
            }
            Ok(()) => {
                if established && slot.phase == Phase::Connecting {
                    self.established(index);
                }
                self.flush(index);
                if !plain.is_empty() {
                    self.read_answer(index, &plain, now_ns);
                }
            }
        }
        plain.clear();
        self.plain = plain;
    }

    #[inline]
    fn read_answer(&mut self, index: usize, octets: &[u8], now_ns: u64) {
        let slot = &mut self.slots[index];
        if !slot.busy {
            // Nobody asked: a server that says why it closes an idle connection. The connection is of no further use.
            return self.drop_connection(index);
        }
        let request = &self.plan.mix[slot.request as usize];
        let (mut at, mut fits) = (slot.body_octets as usize, slot.body_fits);
        let progress = slot.reader.feed(octets, request.is_head(), &mut self.memo, |piece| {
            if let ExpectedBody::Exactly(expected) = &request.expect.body {
                fits = fits && expected.get(at..at + piece.len()) == Some(piece);
            }
            at += piece.len();
        });
        (slot.body_octets, slot.body_fits) = (at as u64, fits);
        match progress {
            Ok(Progress::More) => {}
            Ok(Progress::Done { taken, .. }) if taken < octets.len() => {
                self.fail_at(index, ErrorKind::Protocol, "octets after the answer", now_ns);
            }
            Ok(Progress::Done { head, .. }) => self.complete(index, head, now_ns),
            Err(fault) => self.fail_at(index, ErrorKind::Protocol, fault.0, now_ns),
        }
    }

    #[inline]
    fn complete(&mut self, index: usize, head: Head, now_ns: u64) {
        let slot = &mut self.slots[index];
        let request = &self.plan.mix[slot.request as usize];
        let length_fits = match &request.expect.body {
            ExpectedBody::Exactly(expected) => request.is_head() || slot.body_octets == expected.len() as u64,
            _ => true,
        };
        let closing = !head.keep_alive
            || slot.phase == Phase::Sending
            || self.plan.requests_per_connection.is_some_and(|n| slot.carried >= n);
        if !request.expect.accepts_status(head.status) {
            let status = head.status;
            self.tally.failed(ErrorKind::Status, slot.intended_ns, now_ns, || format!("status {status}"));
        } else if !slot.body_fits || !length_fits {
            let octets = slot.body_octets;
            let say = || format!("a body of {octets} octets that is not the expected one");
            self.tally.failed(ErrorKind::Body, slot.intended_ns, now_ns, say);
        } else {
            let split = Split::new(slot.intended_ns, slot.free_ns, slot.sent_ns, now_ns);
            self.tally.completed(slot.intended_ns, &split, now_ns);
        }
        slot.busy = false;
        slot.phase = Phase::Idle;
        if closing {
            self.drop_connection(index);
        }
        self.in_flight -= 1;
        self.dispatcher.release(index as u32, now_ns);
        match self.dispatcher.next(now_ns) {
            Next::Send(order) => self.start(order, now_ns),
            _ => self.note_in_system(now_ns),
        }
    }

    /// The server has closed its side.
    fn ended(&mut self, index: usize) {
        let slot = &mut self.slots[index];
        if slot.phase == Phase::Connecting {
            return self.fail(index, ErrorKind::Transport, "closed during the handshake");
        }
        if !slot.busy {
            return self.drop_connection(index);
        }
        if let Some(Err(failure)) = slot.pipe.as_mut().map(|p| p.receive_eof()) {
            return self.fail(index, ErrorKind::Transport, failure.reason);
        }
        match slot.reader.end_of_stream() {
            Ok(Some(head)) => {
                let now_ns = self.clock.now_ns();
                self.complete(index, head, now_ns);
            }
            Ok(None) => self.fail(index, ErrorKind::Short, "closed before the answer"),
            Err(fault) => self.fail(index, ErrorKind::Short, fault.0),
        }
    }

    fn drop_connection(&mut self, index: usize) {
        if let Slot { pipe: Some(pipe), socket: Some(socket), .. } = &mut self.slots[index] {
            pipe.close();
            // A goodbye that the socket does not take at once is not worth waiting for.
            let _ = socket.write(pipe.pending());
        }
        self.slots[index].close();
        self.open -= 1;
    }

    fn fail(&mut self, index: usize, kind: ErrorKind, example: &str) {
        let now_ns = self.clock.now_ns();
        self.fail_at(index, kind, example, now_ns);
    }

    /// The request of a slot has failed, or its connect before the run; the connection goes with it.
    fn fail_at(&mut self, index: usize, kind: ErrorKind, example: &str, now_ns: u64) {
        let slot = &mut self.slots[index];
        let connecting = matches!(slot.phase, Phase::Connecting | Phase::Closed);
        self.connecting -= usize::from(slot.phase == Phase::Connecting);
        if connecting {
            self.connect_failures += 1;
            self.first_failure.get_or_insert_with(|| example.to_string());
        } else {
            self.open -= 1;
        }
        slot.close();
        if !std::mem::take(&mut slot.busy) {
            return;
        }
        self.tally.failed(kind, slot.intended_ns, now_ns, || example.to_string());
        self.in_flight -= 1;
        self.note_in_system(now_ns);
        if connecting {
            self.resting.push_back((now_ns + limits::RECONNECT_PAUSE_NS, index as u32));
        } else {
            self.dispatcher.release(index as u32, now_ns);
        }
    }

    /// Timeouts, and slots that have rested.
    fn look_after(&mut self, now_ns: u64) {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            if slot.busy && now_ns.saturating_sub(slot.sent_ns) > self.plan.timeout_ns {
                self.fail_at(index, ErrorKind::Timeout, "no complete answer in time", now_ns);
                continue;
            }
            if let Some(pipe) = &mut slot.pipe
                && pipe.deadline().is_some_and(|at| at <= Instant::now())
                && let Err(failure) = pipe.handle_deadline(Instant::now())
            {
                self.fail_at(index, ErrorKind::Transport, failure.reason, now_ns);
            }
        }
        while let Some(&(until_ns, slot)) = self.resting.front() {
            if until_ns > now_ns {
                break;
            }
            self.resting.pop_front();
            self.dispatcher.release(slot, now_ns);
        }
    }

    /// Ends the books. Requests that never came to an end are failures too, unless the run was cut short: then only
    /// the cut is to blame. Gives the time, ns from the start.
    pub fn give_up(&mut self) -> u64 {
        let now_ns = self.clock.now_ns();
        self.meter.read(now_ns, self.busy_ns, self.plan.warmup_ns, 0);
        self.tally.counts.backlog_max = self.dispatcher.backlog_max() as u64;
        self.note_in_system(now_ns);
        self.tally.counts.intended = self.tally.counts.sent;
        let backlog = self.dispatcher.take_backlog();
        self.tally.counts.intended += backlog.iter().filter(|&&t| t >= self.plan.warmup_ns).count() as u64;
        if self.partial.is_some() {
            return now_ns;
        }
        for index in 0..self.slots.len() {
            if self.slots[index].busy {
                self.fail_at(index, ErrorKind::Unfinished, "not answered when the run ended", now_ns);
            }
        }
        for intended_ns in backlog {
            self.tally
                .failed(ErrorKind::Unfinished, intended_ns, now_ns, || "not sent when the run ended".into());
        }
        now_ns
    }
}

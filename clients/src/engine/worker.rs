//! One thread of the engine: a readiness loop over its share of the connections.
//!
//! The way of a request: the dispatcher gives an order, `start` takes it, `send` writes it, `readable` reads what
//! comes and `receive` makes sense of it, `complete` books it and frees the slot, and the dispatcher is asked again.
//! A plain request costs one write, one read and one look at the clock; nothing is allocated.

mod connections;
mod goodbye;
mod transfer;

use std::collections::VecDeque;
use std::io::{self, ErrorKind as Io};
use std::sync::Arc;
use std::time::Instant;

use mio::{Events, Poll};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::books::glance::Glance;
use crate::books::tally::RunTally;
use crate::engine::clock::{EngineClock, Sleeper, TIMER, monotonic_ns};
use crate::engine::live::Live;
use crate::engine::slot::{Phase, Slot};
use crate::engine::socket::ConnectionOpener;
use crate::engine::usage::{Meter, Usage};
use crate::failure::RequestFailure;
use crate::limits;
use crate::outcome::Partial;
use crate::plan::Plan;
use crate::plan::dispatch::{Dispatcher, Next, Order};
use crate::response::Memo;

/// Orders that are started before the loop looks at its sockets again, so that answers do not starve in overload.
const ORDERS_AT_ONCE: usize = 32;

/// Events taken from the kernel at one time.
const EVENTS: usize = 256;

/// A thread's part of the run.
pub(super) struct Worker {
    pub(super) plan: Arc<Plan>,
    pub(super) live: Arc<Live>,
    pub(super) tally: RunTally,
    pub(super) dispatcher: Dispatcher,
    pub(super) opened: u64,
    pub(super) open: u64,
    pub(super) open_max: u64,
    pub(super) connect_failures: u64,
    pub(super) first_failure: Option<RequestFailure>,
    pub(super) open_at_end: u64,
    pub(super) meter: Meter,
    pub(super) partial: Option<Partial>,
    thread: u32,
    busy_ns: u64,
    connecting: usize,
    slots: Vec<Slot>,
    poll: Poll,
    opener: ConnectionOpener,
    clock: EngineClock,
    memo: Memo,
    plain: Vec<u8>,
    in_flight: u64,
    /// Intended starts of requests that waited when the run was interrupted.
    cut: VecDeque<u64>,
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
    pub(super) fn new(
        plan: Arc<Plan>,
        live: Arc<Live>,
        dispatcher: Dispatcher,
        tally: RunTally,
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
            opener: ConnectionOpener::new(&plan, thread),
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
            clock: EngineClock::starting_at(0),
            memo: Memo::default(),
            plain: Vec::new(),
            in_flight: 0,
            cut: VecDeque::new(),
            resting: VecDeque::new(),
        })
    }

    /// Opens every connection before the run, unless the plan wants them opened by the requests.
    ///
    /// # Errors
    /// What the system says; a server that does not let us in is no error here, but counted.
    pub(super) fn open_all(&mut self) -> io::Result<()> {
        if self.plan.requests_per_connection == Some(1) {
            return Ok(());
        }
        let deadline = monotonic_ns() + self.plan.timeout_ns;
        let mut events = Events::with_capacity(EVENTS);
        let mut buffer = vec![0; limits::READ_BUFFER_OCTETS];
        let mut next = 0;
        loop {
            while next < self.slots.len() && self.connecting < limits::OPENING_CONNECTIONS_MAX {
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
    pub(super) fn run(&mut self, start_ns: u64) -> io::Result<()> {
        self.clock = EngineClock::starting_at(start_ns);
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
            if self.partial == Some(Partial::Backlog) {
                return Ok(());
            }
            if due_ns.is_none() {
                if drain_until_ns.is_none() {
                    self.open_at_end = self.open;
                }
                // Over: what is under way may come to its end, within the time that any request has.
                // Twice the housekeeping, so that the last timeout is found as one.
                let drain_ns = self.plan.timeout_ns + 2 * limits::HOUSEKEEPING_NS;
                let until = *drain_until_ns.get_or_insert(now_ns + drain_ns);
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
                    self.cut = self.dispatcher.take_backlog();
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
                Next::Over => {
                    self.note_in_system(now_ns);
                    return None;
                }
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
        match self.slots[index].phase {
            Phase::Closed => self.connect(index),
            // Begun before the run and not done yet: `established` sends.
            Phase::Connecting => {}
            _ => self.send(index),
        }
    }

    fn choose(&mut self) -> u16 {
        let sum = self.weights.last().copied().unwrap_or(1.0);
        let at = self.mixer.random::<f64>() * sum;
        self.weights.partition_point(|&w| w <= at).min(self.weights.len() - 1) as u16
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
                    _ if self.slots[index].pipe.is_some() => self.flush(index),
                    _ => {}
                }
            }
            if event.is_readable() || event.is_read_closed() {
                self.readable(index, buffer, event.is_read_closed());
            }
        }
    }

    /// Timeouts, and slots that have rested.
    fn look_after(&mut self, now_ns: u64) {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            if slot.busy && now_ns.saturating_sub(slot.sent_ns) > self.plan.timeout_ns {
                self.fail_at(index, RequestFailure::Timeout, now_ns);
                continue;
            }
            if let Some(pipe) = &mut slot.pipe
                && pipe.deadline().is_some_and(|at| at <= Instant::now())
                && let Err(failure) = pipe.handle_deadline(Instant::now())
            {
                self.fail_at(index, RequestFailure::Transport(failure), now_ns);
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
    pub(super) fn give_up(&mut self) -> u64 {
        let now_ns = self.clock.now_ns();
        self.meter.read(now_ns, self.busy_ns, self.plan.warmup_ns, 0);
        self.tally.counts.backlog_max = self.dispatcher.backlog_max() as u64;
        self.note_in_system(now_ns);
        self.tally.entered_late(self.dispatcher.late_ns());
        self.tally.counts.intended = self.tally.counts.sent;
        let mut backlog = std::mem::take(&mut self.cut);
        backlog.extend(self.dispatcher.take_backlog());
        self.tally.counts.intended += backlog.iter().filter(|&&t| t >= self.plan.warmup_ns).count() as u64;
        if self.partial.is_some() {
            let busy = self.slots.iter().filter(|slot| slot.busy).map(|slot| slot.intended_ns);
            for intended_ns in busy.chain(backlog) {
                self.tally.left_system(intended_ns, now_ns);
            }
            return now_ns;
        }
        for index in 0..self.slots.len() {
            if self.slots[index].busy {
                self.fail_at(index, RequestFailure::Unanswered, now_ns);
            }
        }
        for intended_ns in backlog {
            self.tally.failed(&RequestFailure::Unsent, intended_ns, now_ns);
        }
        now_ns
    }
}

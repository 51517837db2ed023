//! One thread of the engine: a readiness loop over its share of the connections.
//!
//! The way of a request: the dispatcher gives an order, `start` takes it, `send` writes it, `readable` reads what
//! comes and `receive` makes sense of it, `complete` books it and frees the slot, and the dispatcher is asked
//! again. A plain request costs one write, one read and one look at the clock; nothing is allocated.

mod attention;
pub(super) mod books;
mod connections;
mod goodbye;
mod group;
mod network;
mod patience;
mod record;
mod schedule;
mod transfer;

use std::io::{self, ErrorKind as Io};
use std::sync::Arc;
use std::time::Instant;

use mio::Events;

use crate::books::glance::Glance;
use crate::books::tally::RunTally;
use crate::engine::clock::{EngineClock, Sleeper, TIMER, monotonic_ns};
use crate::engine::live::Live;
use crate::engine::slot::Phase;
use crate::engine::usage::Usage;
use crate::engine::worker::attention::Attention;
use crate::engine::worker::books::Books;
use crate::engine::worker::network::Network;
use crate::engine::worker::schedule::Schedule;
use crate::failure::RequestFailure;
use crate::limits;
use crate::outcome::Partial;
use crate::plan::Plan;
use crate::plan::dispatch::{Dispatcher, Next, Order};

/// A thread's part of the run. The schedule says what is due, the network carries it, and the books tell what
/// came of it; none of the three knows another.
pub(super) struct Worker {
    pub(super) network: Network,
    pub(super) books: Books,
    pub(super) attention: Attention,
    schedule: Schedule,
    clock: EngineClock,
    plan: Arc<Plan>,
    live: Arc<Live>,
    thread: u32,
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
        Ok(Worker {
            books: Books::new(tally, connections).with_requests(live.wants_requests()),
            network: Network::new(&plan, thread, connections)?,
            attention: Attention::new(),
            schedule: Schedule::new(&plan, dispatcher, thread),
            clock: EngineClock::starting_at(0),
            plan,
            live,
            thread,
        })
    }

    /// Opens every connection before the run, unless the plan wants them opened by the requests.
    ///
    /// # Errors
    /// What the system says; a server that does not let us in is no error here, but counted.
    pub(super) fn open_all(&mut self) -> io::Result<()> {
        if self.plan.connects_on_demand() {
            return Ok(());
        }
        let deadline = monotonic_ns() + self.plan.timeout_ns;
        let mut events = Events::with_capacity(limits::EVENTS_AT_ONCE);
        let mut buffer = vec![0; limits::READ_BUFFER_OCTETS];
        let mut next = 0;
        loop {
            while next < self.network.slots.len() && self.network.connecting < limits::OPENING_CONNECTIONS_MAX
            {
                self.connect(next);
                next += 1;
            }
            let now = monotonic_ns();
            if self.network.connecting == 0 && next == self.network.slots.len()
                || now >= deadline
                || self.live.is_stopped()
            {
                return Ok(());
            }
            if self.network.connecting > 0 {
                let left = (deadline - now).min(limits::HOUSEKEEPING_NS);
                match self.network.poll.poll(&mut events, Some(std::time::Duration::from_nanos(left))) {
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
        let mut sleeper = Sleeper::new(&self.network.poll, self.plan.spin_ns)?;
        let mut events = Events::with_capacity(limits::EVENTS_AT_ONCE);
        let mut buffer = vec![0; limits::READ_BUFFER_OCTETS];
        while monotonic_ns() < start_ns {
            std::hint::spin_loop();
        }
        for slot in 0..self.network.slots.len() as u32 {
            self.schedule.dispatcher.release(slot, 0);
        }
        let (mut mark_ns, mut drain_until_ns) = (0, None);
        // The first requests fall due with the start.
        let mut awaited_ns = (0, 0);
        self.attention.begin();
        loop {
            let woke_ns = self.clock.now_ns();
            self.attention.woke(awaited_ns.0, awaited_ns.1, woke_ns);
            self.take_events(&events, &mut buffer);
            self.lose_patience(self.clock.now_ns());
            let due_ns = self.start_due();
            let now_ns = self.look();
            // A thread that stands still is not at work.
            let still_ns = self.attention.pauses.inside_ns(woke_ns, now_ns);
            self.books.worked(now_ns - woke_ns - still_ns);
            if self.books.partial == Some(Partial::Backlog) {
                return Ok(());
            }
            if due_ns.is_none() && self.is_drained(now_ns, &mut drain_until_ns) {
                return Ok(());
            }
            if now_ns >= mark_ns {
                mark_ns = self.keep_house(now_ns);
                sleeper.yield_to_company(Usage::of_this_thread().involuntary);
                if self.live.is_stopped() && self.books.partial.is_none() {
                    let aborted = self.live.is_aborted();
                    self.books.partial =
                        Some(if aborted { Partial::Condition } else { Partial::Interrupted });
                    self.schedule.interrupt();
                    drain_until_ns = Some(now_ns);
                }
            }
            let due_ns = due_ns.unwrap_or(u64::MAX);
            let mark_ns = mark_ns.min(self.schedule.awaited_ns());
            awaited_ns = (due_ns, mark_ns);
            sleeper.wait(&mut self.network.poll, &mut events, &self.clock, now_ns, due_ns, mark_ns)?;
        }
    }

    /// Whether the run is over: no request will fall due, and what is under way has come to its end, or had the
    /// time for it that any request has. `until_ns` is when that time ends, and is set by the first call.
    fn is_drained(&mut self, now_ns: u64, until_ns: &mut Option<u64>) -> bool {
        if until_ns.is_none() {
            self.books.note_open_at_end();
        }
        // Twice the housekeeping, so that the last timeout is found as one.
        let drain_ns = self.plan.timeout_ns + 2 * limits::HOUSEKEEPING_NS;
        let until_ns = *until_ns.get_or_insert(now_ns + drain_ns);
        self.schedule.in_system() == 0 || now_ns >= until_ns
    }

    /// Looks after what no event tells of, and gives the time to do so again: at the edges of the window, too.
    fn keep_house(&mut self, now_ns: u64) -> u64 {
        self.look_after(now_ns);
        self.attention.keep_house();
        self.tell(now_ns);
        let edges = [self.plan.warmup_ns, self.plan.end_ns()];
        let coming = edges.into_iter().filter(|&edge_ns| edge_ns > now_ns);
        coming.fold(now_ns + limits::HOUSEKEEPING_NS, u64::min)
    }

    fn tell(&mut self, now_ns: u64) {
        self.books.read_meter(now_ns, &self.plan);
        let recent = self.books.tally.series.recent();
        let backlog = self.schedule.dispatcher.backlog() as u64;
        let tally = &self.books.tally;
        self.live.publish(
            self.thread,
            Glance { now_ns, backlog, busy_ns: self.books.busy_ns(), window: tally.glance(now_ns), ..recent },
            &tally.coarse,
        );
        self.tell_requests();
    }

    /// The time, and whether the thread was there since it last looked.
    fn look(&mut self) -> u64 {
        let now_ns = self.clock.now_ns();
        self.attention.look(now_ns);
        now_ns
    }

    /// Looks at the clock when the request of a slot was just sent. Gives the time.
    #[inline]
    fn look_after_sending(&mut self, index: usize) -> u64 {
        let now_ns = self.clock.now_ns();
        if self.attention.look(now_ns) < now_ns {
            // Whether it stood still before the call or after it, the time of the answer will tell.
            self.network.slots[index].sent_by_ns = now_ns;
        }
        now_ns
    }

    /// Starts what is due. Gives the time of the next request, or `None` when there will be none.
    fn start_due(&mut self) -> Option<u64> {
        let mut now_ns = self.look();
        for _ in 0..limits::ORDERS_AT_ONCE {
            match self.next_order(now_ns) {
                Next::Send(order) => {
                    self.start(order, now_ns);
                    now_ns = self.look_after_sending(order.slot as usize);
                }
                Next::GiveUp(_) => {}
                Next::Wait(due_ns) => {
                    self.note_in_system(now_ns);
                    return Some(due_ns);
                }
                Next::Over => {
                    self.note_in_system(now_ns);
                    return None;
                }
                Next::Overflow => {
                    self.books.partial = Some(Partial::Backlog);
                    self.live.stop();
                    self.schedule.dispatcher.stop();
                    return None;
                }
            }
        }
        Some(now_ns)
    }

    fn note_in_system(&mut self, now_ns: u64) {
        self.books.tally.in_system(now_ns, self.schedule.in_system());
    }

    fn start(&mut self, order: Order, now_ns: u64) {
        let request = self.schedule.choose(order.slot);
        let index = order.slot as usize;
        let slot = &mut self.network.slots[index];
        slot.busy = true;
        slot.request = request;
        slot.attempt = order.attempt;
        slot.intended_ns = order.intended_ns;
        slot.free_ns = order.free_ns;
        (slot.sent_ns, slot.sent_by_ns) = (now_ns, now_ns);
        slot.written = 0;
        slot.body_octets = 0;
        slot.body_fits = true;
        (slot.still_ns, slot.unread_ns, slot.attended_ns) = (0, 0, now_ns);
        let queued_ns = self.schedule.dispatcher.queued_since_ns();
        if order.free_ns > order.intended_ns && self.attention.pauses.last_end_ns() > queued_ns {
            slot.still_ns = self.attention.pauses.inside_ns(queued_ns, order.free_ns);
        }
        self.schedule.in_flight += 1;
        self.note_in_system(now_ns);
        let octets = self.plan.mix[request as usize].wire.len() as u64;
        if order.attempt == 0 {
            self.books.tally.sent(order.intended_ns, now_ns, octets);
        } else {
            self.books.tally.sent_again(order.intended_ns, now_ns, octets);
        }
        self.schedule.is_under_way(order.slot, order.intended_ns);
        self.tell_due(index);
        match self.network.slots[index].phase {
            Phase::Closed => self.connect(index),
            // Begun before the run and not done yet: `established` sends.
            Phase::Connecting => {}
            _ => self.send(index),
        }
    }

    fn take_events(&mut self, events: &Events, buffer: &mut [u8]) {
        if events.iter().count() == limits::EVENTS_AT_ONCE {
            self.attention.left_events();
        }
        for event in events {
            if event.token() == TIMER {
                continue;
            }
            let index = event.token().0;
            if event.is_writable() || event.is_error() {
                if self.attention.wants_stamps() {
                    self.let_wait(index);
                }
                match self.network.slots[index].phase {
                    Phase::Connecting if self.network.slots[index].pipe.is_none() || event.is_error() => {
                        self.connected(index);
                    }
                    Phase::Connecting | Phase::Sending => self.flush(index),
                    _ if self.network.slots[index].pipe.is_some() => self.flush(index),
                    _ => {}
                }
            }
            if event.is_readable() || event.is_read_closed() {
                self.readable(index, buffer, event.is_read_closed());
            }
        }
    }

    /// A request whose connection could have gone on being made or written waited for the end of a pause.
    #[cold]
    fn let_wait(&mut self, index: usize) {
        let now_ns = self.clock.now_ns();
        let slot = &mut self.network.slots[index];
        if slot.busy && matches!(slot.phase, Phase::Connecting | Phase::Sending) {
            slot.unread_ns += self.attention.pauses.inside_ns(slot.attended_ns, now_ns);
            slot.attended_ns = now_ns;
        }
    }

    /// Timeouts, and slots that have rested.
    fn look_after(&mut self, now_ns: u64) {
        for index in 0..self.network.slots.len() {
            let slot = &mut self.network.slots[index];
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
        self.schedule.release_rested(now_ns);
    }

    /// Ends the books. Requests that never came to an end are failures too, unless the run was cut short: then only
    /// the cut is to blame. Gives the time, ns from the start.
    pub(super) fn give_up(&mut self) -> u64 {
        let now_ns = self.clock.now_ns();
        self.books.read_meter_at_end(now_ns, &self.plan);
        self.tell_requests();
        self.books.tally.counts.backlog_max = self.schedule.dispatcher.backlog_max() as u64;
        self.note_in_system(now_ns);
        self.books.paused(&self.attention);
        self.books.tally.entered_late(self.schedule.dispatcher.late_ns());
        self.books.tally.counts.intended =
            self.books.tally.counts.sent + self.books.tally.impatient.abandoned_unsent;
        let backlog = self.schedule.take_unsent();
        self.books.tally.counts.intended +=
            backlog.iter().filter(|&&t| t >= self.plan.warmup_ns).count() as u64;
        if self.books.partial.is_some() {
            let busy = self.network.slots.iter().filter(|slot| slot.busy).map(|slot| slot.intended_ns);
            for intended_ns in busy.chain(backlog) {
                self.books.tally.left_system(intended_ns, now_ns);
            }
            return now_ns;
        }
        for index in 0..self.network.slots.len() {
            if self.network.slots[index].busy {
                self.fail_at(index, RequestFailure::Unanswered, now_ns);
            }
        }
        for intended_ns in backlog {
            self.books.tally.failed(&RequestFailure::Unsent, intended_ns, now_ns);
        }
        now_ns
    }
}

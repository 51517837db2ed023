//! How a server is built, as far as it decides what a request costs: which units it takes, and how often.

use dyno_record::step::Step;

use crate::unit::Unit;

/// Who serves, as far as it decides what a wake-up costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sleepers {
    /// One thread, or a few, that are mostly awake.
    Few,
    /// A thread for each connection under way, of which most sleep.
    Threads,
    /// A process for each connection under way: a switch changes the page table as well.
    Processes,
}

/// Who answers a request when an event loop, or the loop inside a runtime, has learnt of it. The loop that answers by
/// itself is what the others are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    /// Whoever learnt of the request.
    Itself,
    /// A pool of workers, which gives the response back to the loop.
    Pool,
    /// A task of a runtime.
    Task,
    /// A coroutine.
    Coroutine,
}

impl AnsweredBy {
    /// What this takes beyond a loop that answers by itself, for each request.
    fn unit(self, step: Step) -> Option<Unit> {
        let lasting = step == Step::Capacity;
        match self {
            AnsweredBy::Itself => None,
            AnsweredBy::Pool if lasting => Some(Unit::CallPool),
            AnsweredBy::Pool => Some(Unit::CallPoolForConnection),
            AnsweredBy::Task if lasting => Some(Unit::WakeTask),
            AnsweredBy::Task => Some(Unit::TaskForConnection),
            AnsweredBy::Coroutine if lasting => Some(Unit::ResumeCoroutine),
            AnsweredBy::Coroutine => Some(Unit::CoroutineForConnection),
        }
    }
}

/// How a server is built, as far as it decides what is counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Build {
    /// Who serves.
    pub sleepers: Sleepers,
    /// What is started for each connection: [`Unit::Fork`] or [`Unit::SpawnForConnection`]; absent for nothing.
    pub started: Option<Unit>,
    /// How often a connection is passed through a queue from one thread to another.
    pub queued: f64,
    /// Messages between threads, for each request, beside those of a pool.
    pub hand_overs: f64,
    /// Who answers requests.
    pub answered_by: AnsweredBy,
    /// Whether epoll reports which connections are ready.
    pub epoll: bool,
}

impl Build {
    /// A server of which nothing is known: it starts nothing and hands nothing over.
    pub const UNKNOWN: Build = Build {
        sleepers: Sleepers::Few,
        started: None,
        queued: 0.0,
        hand_overs: 0.0,
        answered_by: AnsweredBy::Itself,
        epoll: false,
    };

    /// How often a request takes a unit by the way it is served.
    pub fn count(&self, step: Step, unit: Unit) -> f64 {
        self.takes(step).iter().filter(|(taken, _)| *taken == unit).map(|(_, count)| count).sum()
    }

    /// What it costs to wake somebody. Lasting connections wake their many servers in turn.
    pub(crate) fn switch(&self, step: Step) -> Unit {
        let answered_by_pool = self.answered_by == AnsweredBy::Pool;
        match (self.sleepers, step == Step::Capacity) {
            // With a connection for each request, the price of the pool's answer contains its switches.
            (Sleepers::Few, true) if answered_by_pool => Unit::WakePool,
            (Sleepers::Few, _) => Unit::Switch,
            (Sleepers::Threads, true) => Unit::WakeOneOfMany,
            (Sleepers::Processes, true) => Unit::WakeOneOfManyProcesses,
            (Sleepers::Threads, false) => Unit::WakeForConnection,
            (Sleepers::Processes, false) => Unit::WakeProcessForConnection,
        }
    }

    /// What a page fault is. A child shares its pages with its parent until it writes to them.
    pub(crate) fn fault(&self) -> Unit {
        match self.sleepers {
            Sleepers::Processes => Unit::PageCopy,
            Sleepers::Few | Sleepers::Threads => Unit::PageFault,
        }
    }

    /// What a request takes by the way it is served, and how often: known, not counted.
    pub(crate) fn takes(&self, step: Step) -> Vec<(Unit, f64)> {
        let epoll = f64::from(u8::from(self.epoll));
        let mut takes = vec![(Unit::HandOver, self.hand_overs)];
        takes.extend(self.answered_by.unit(step).map(|unit| (unit, 1.0)));
        if step == Step::Capacity {
            takes.push((Unit::Event, epoll));
        } else {
            takes.extend(self.started.map(|unit| (unit, 1.0)));
            takes.extend([(Unit::QueueConnection, self.queued), (Unit::WatchConnection, epoll)]);
        }
        takes.retain(|(_, count)| *count > 0.0);
        takes
    }
}

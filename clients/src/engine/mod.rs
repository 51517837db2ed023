//! The engine: carries a plan out. Threads of readiness loops, each with its share of the connections and of the
//! schedule; they share nothing while they run, and their books are joined afterwards.

pub mod alternate;
pub mod clock;
pub mod live;
pub mod quota;
mod slot;
pub mod socket;
pub mod usage;
mod worker;

use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::books::absence::Absence;
use crate::books::arrivals::Sample;
use crate::books::glance::Glance;
use crate::books::steps::Steps;
use crate::books::tally::RunTally;
use crate::engine::clock::monotonic_ns;
use crate::engine::live::Live;
use crate::engine::socket::DescriptorError;
use crate::engine::usage::Meter;
use crate::engine::worker::Worker;
use crate::engine::worker::books::Books;
use crate::exchange::{ExchangeError, knock};
use crate::failure::{Cause, RequestFailure};
use crate::limits;
use crate::outcome::{Connections, Partial};
use crate::plan::address::ServerAddress;
use crate::plan::dispatch::{Dispatcher, RequestSource};
use crate::plan::error::PlanError;
use crate::plan::pacer::Pacer;
use crate::plan::{Length, Pace, Plan};

/// What the engine brings home: the joined books and the generator's own needs.
#[derive(Debug)]
pub struct Measured {
    /// The joined books.
    pub tally: RunTally,
    /// Length of the measured window, ns.
    pub window_ns: u64,
    /// Why the run ended early.
    pub partial: Option<Partial>,
    /// When it was ended early, ns from the start.
    pub ended_ns: u64,
    /// What each thread used over the window.
    pub meters: Vec<Meter>,
    /// Connections.
    pub connections: Connections,
    /// When the first request was due, ms since 1970.
    pub started_unix_ms: u64,
    /// How long threads stood still although they had something to do.
    pub absence: Absence,
    /// Periods in which the process ran out of its CPU quota.
    pub throttled_periods: u64,
}

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The plan makes no sense.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Nobody answers at the address.
    #[error("no connection to {address}: {reason}")]
    Unreachable {
        /// Where to.
        address: ServerAddress,
        /// What the system says, or the transport.
        reason: String,
        /// What that suggests.
        cause: Cause,
    },
    /// There are too few descriptors for the connections.
    #[error(transparent)]
    Descriptors(#[from] DescriptorError),
    /// A thread could not wait for its connections.
    #[error("the engine's poller: {0}")]
    Poller(io::Error),
}

/// Carries out `plan`. `watch` is called some ten times a second with news; `live` can end the run early. It is also
/// called when the load is over and the connections are still open: they stay so until it returns.
///
/// # Errors
/// [`EngineError`]; whatever goes wrong with single requests is counted instead.
pub fn run(
    plan: &Arc<Plan>,
    live: &Arc<Live>,
    watch: &mut dyn FnMut(&Glance),
) -> Result<Measured, EngineError> {
    plan.check()?;
    let descriptors = u64::from(plan.connections)
        + u64::from(plan.threads) * limits::THREAD_DESCRIPTORS
        + limits::PROCESS_DESCRIPTORS;
    socket::allow_descriptors(descriptors)?;
    let lazily = plan.connects_on_demand();
    if lazily {
        // A first knock at the door: who is not there is told at once, and not as a million failed requests. Where
        // connections are opened before the run, they are the knock.
        knock(&plan.address, &plan.transport, plan.timeout_ns).map_err(|e| EngineError::Unreachable {
            address: plan.address.clone(),
            cause: e.cause(),
            reason: match e {
                ExchangeError::Connect(_, e) => e.to_string(),
                other => other.to_string(),
            },
        })?;
    }
    let (news, reports) = mpsc::channel();
    let groups = quota::own();
    let throttled_before = groups.throttled().unwrap_or(0);
    let measured = std::thread::scope(|scope| {
        let mut starts = Vec::new();
        let crew: Vec<_> = (0..plan.threads)
            .map(|thread| {
                let (start, started) = mpsc::channel();
                starts.push(start);
                let (plan, live, news) = (plan.clone(), live.clone(), news.clone());
                scope.spawn(move || thread_main(&plan, &live, thread, &news, &started))
            })
            .collect();
        drop(news);
        let mut opening = Opening::default();
        let mut under_way = starts.len();
        for _ in 0..plan.threads {
            loop {
                match reports.recv_timeout(limits::WATCH) {
                    Ok(News::Opened(one)) => {
                        opening.add(one);
                        break;
                    }
                    // A thread that failed before it had opened anything.
                    Ok(News::Over) => {
                        under_way -= 1;
                        break;
                    }
                    Err(mpsc::RecvTimeoutError::Disconnected) => break,
                    Err(mpsc::RecvTimeoutError::Timeout) => watch(&live.glance()),
                }
            }
        }
        let start_ns = monotonic_ns() + limits::START_LEAD_NS;
        let started_unix_ms =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis() as u64);
        if lazily || opening.opened > 0 {
            for start in &starts {
                // A thread that is gone has an error of its own to tell.
                let _ = start.send(start_ns);
            }
            live.start();
            watch(&live.glance());
            await_over(&reports, under_way, || watch(&live.glance()));
            live.end();
            watch(&live.glance());
        }
        // Whoever waits for the start waits in vain, and whoever is done may close its connections.
        drop(starts);
        // Each thread lets go of its end when it is done, so the end of the last is known at once.
        while let Err(mpsc::RecvTimeoutError::Timeout) = reports.recv_timeout(limits::WATCH) {
            watch(&live.glance());
        }
        let mut parts = Vec::new();
        for thread in crew {
            match thread.join() {
                Ok(Ok(Some(part))) => parts.push(part),
                Ok(Ok(None)) => {}
                Ok(Err(e)) => return Err(EngineError::Poller(e)),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        join(parts, plan, started_unix_ms).ok_or_else(|| {
            let (reason, cause) = match opening.first_failure {
                Some(failure) => (failure.to_string(), failure.cause()),
                None => ("no connection within the timeout".into(), Cause::Other),
            };
            EngineError::Unreachable { address: plan.address.clone(), reason, cause }
        })
    })?;
    let throttled_periods = groups.throttled().unwrap_or(0).saturating_sub(throttled_before);
    Ok(Measured { throttled_periods, ..measured })
}

/// What a thread reports.
enum News {
    /// It has opened its connections.
    Opened(Opening),
    /// Its last request is answered or given up, or it failed.
    Over,
}

/// Reports that a thread is done, however it ends.
struct OverAtLast<'a>(&'a mpsc::Sender<News>);

impl Drop for OverAtLast<'_> {
    fn drop(&mut self) {
        // Nobody receives it if the run has failed.
        let _ = self.0.send(News::Over);
    }
}

/// Waits until all threads that are `under_way` are done, and calls `meanwhile` some ten times a second.
fn await_over(reports: &mpsc::Receiver<News>, mut under_way: usize, mut meanwhile: impl FnMut()) {
    while under_way > 0 {
        match reports.recv_timeout(limits::WATCH) {
            Ok(News::Over) => under_way -= 1,
            Ok(News::Opened(_)) => {}
            Err(mpsc::RecvTimeoutError::Timeout) => meanwhile(),
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[derive(Debug, Default)]
struct Opening {
    opened: u64,
    first_failure: Option<RequestFailure>,
}

impl Opening {
    fn add(&mut self, other: Opening) {
        self.opened += other.opened;
        self.first_failure = self.first_failure.take().or(other.first_failure);
    }
}

/// One thread's part of the result.
struct Part {
    tally: RunTally,
    meter: Meter,
    partial: Option<Partial>,
    ended_ns: u64,
    connections: Connections,
    absence: Absence,
}

fn thread_main(
    plan: &Arc<Plan>,
    live: &Arc<Live>,
    thread: u32,
    news: &mpsc::Sender<News>,
    started: &mpsc::Receiver<u64>,
) -> io::Result<Option<Part>> {
    let over = OverAtLast(news);
    let cores = &plan.placement.cores;
    if let Some(&cpu) = cores.get(thread as usize % cores.len().max(1)) {
        let mut set = nix::sched::CpuSet::new();
        set.set(cpu)?;
        nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &set)?;
    }
    let share = |all: u64| {
        all / u64::from(plan.threads) + u64::from(u64::from(thread) < all % u64::from(plan.threads))
    };
    let (dispatcher, tally) = books(plan, thread, share);
    let connections = share(u64::from(plan.connections)) as u32;
    let mut worker = Worker::new(plan.clone(), live.clone(), dispatcher, tally, thread, connections)?;
    worker.open_all()?;
    let first_failure = worker.books.first_failure.take();
    let _ = news.send(News::Opened(Opening { opened: worker.books.connections.opened, first_failure }));
    // No start: nobody could open a connection.
    let Ok(start_ns) = started.recv() else { return Ok(None) };
    worker.run(start_ns)?;
    let ended_ns = worker.give_up();
    drop(over);
    // The other threads may still load the server, and whoever looks at it now wants to see every connection.
    let _ = started.recv();
    worker.network.say_goodbye()?;
    let Books { tally, meter, partial, connections, absence, .. } = worker.books;
    Ok(Some(Part { tally, meter, partial, ended_ns, connections, absence }))
}

fn books(plan: &Plan, thread: u32, share: impl Fn(u64) -> u64) -> (Dispatcher, RunTally) {
    let requests = match plan.length {
        Length::Requests(n) => Some(share(n)),
        Length::Duration(_) => None,
    };
    let (source, sample) = match &plan.pace {
        Pace::Closed { think_ns } => (RequestSource::Closed(*think_ns), Sample::default()),
        Pace::Open { arrivals, stretches } => {
            let end_ns = plan.end_ns().min(crate::plan::profile::length_ns(stretches));
            let sample = Sample::new(stretches, plan.warmup_ns, end_ns);
            let (thread, threads) = (u64::from(thread), u64::from(plan.threads));
            (
                RequestSource::Open(Box::new(Pacer::new(
                    arrivals.clone(),
                    stretches.clone(),
                    plan.seed,
                    thread,
                    threads,
                ))),
                sample,
            )
        }
    };
    let dispatcher = Dispatcher::new(source, share(plan.backlog), plan.warmup_ns, plan.end_ns(), requests)
        .with_patience(plan.impatience.patience_ns);
    let mut tally =
        RunTally::new(plan.warmup_ns, plan.end_ns(), sample).with_patience(plan.impatience.patience_ns);
    if let Pace::Open { stretches, .. } = &plan.pace {
        tally.steps = Steps::of(stretches, plan.warmup_ns, plan.end_ns());
    }
    (dispatcher, tally)
}

fn join(parts: Vec<Part>, plan: &Plan, started_unix_ms: u64) -> Option<Measured> {
    let mut parts = parts.into_iter();
    let first = parts.next()?;
    let mut all = Measured {
        tally: first.tally,
        window_ns: 0,
        partial: first.partial,
        ended_ns: first.ended_ns,
        meters: vec![first.meter],
        connections: first.connections,
        started_unix_ms,
        absence: first.absence,
        throttled_periods: 0,
    };
    for part in parts {
        all.tally.merge(part.tally);
        all.meters.push(part.meter);
        // One thread's overflow stops the others: it is the reason, their interruption is not.
        if part.partial == Some(Partial::Backlog) || all.partial.is_none() {
            all.partial = part.partial;
        }
        all.ended_ns = all.ended_ns.max(part.ended_ns);
        all.absence = all.absence.max(part.absence);
        let (mine, others) = (&mut all.connections, part.connections);
        mine.planned += others.planned;
        mine.open_max += others.open_max;
        mine.open_at_end += others.open_at_end;
        mine.opened += others.opened;
        mine.resumed += others.resumed;
        mine.handshake_octets += others.handshake_octets;
        mine.failed += others.failed;
    }
    let end_ns = match (all.partial, plan.length) {
        (Some(_), _) => all.ended_ns.min(plan.end_ns()),
        (None, Length::Duration(_)) => plan.end_ns(),
        (None, Length::Requests(_)) => all.tally.last_done_ns,
    };
    all.window_ns = end_ns.saturating_sub(plan.warmup_ns);
    Some(all)
}

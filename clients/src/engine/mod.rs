//! The engine: carries a plan out. Threads of readiness loops, each with its share of the connections and of the
//! schedule; they share nothing while they run, and their books are joined afterwards.

pub mod alternate;
pub mod appointment;
pub mod clock;
pub mod live;
pub mod measured;
pub mod quota;
mod slot;
pub mod socket;
pub mod usage;
mod worker;

use std::io;
use std::sync::Arc;
use std::sync::mpsc;

use crate::books::arrivals::Sample;
use crate::books::glance::Glance;
use crate::books::steps::Steps;
use crate::books::tally::RunTally;
use crate::engine::appointment::{ClockReading, StartTime};
use crate::engine::live::Live;
use crate::engine::measured::Measured;
use crate::engine::socket::DescriptorError;
use crate::engine::worker::Worker;
use crate::engine::worker::books::Books;
use crate::exchange::{ExchangeError, knock};
use crate::failure::{Cause, RequestFailure};
use crate::limits;
use crate::plan::address::ServerAddress;
use crate::plan::dispatch::{Dispatcher, RequestSource};
use crate::plan::error::PlanError;
use crate::plan::pacer::{Arrivals, Deal, Pacer};
use crate::plan::{Length, Pace, Plan};

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
    /// The time at which it was to start had passed before its connections were open.
    #[error("the connections were open {} after the time of the start", dyno_units::show::time(*late_ns as f64))]
    StartPassed {
        /// By how much, ns.
        late_ns: u64,
    },
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
    run_at(StartTime::WhenReady, plan, live, watch)
}

/// The same with a time at which the first request is due.
///
/// # Errors
/// As [`run`], and when that time has passed before all connections are open.
pub fn run_at(
    start_time: StartTime,
    plan: &Arc<Plan>,
    live: &Arc<Live>,
    watch: &mut dyn FnMut(&Glance),
) -> Result<Measured, EngineError> {
    plan.check()?;
    let connections = plan.share.of_part(u64::from(plan.connections), plan.threads);
    let descriptors =
        connections + u64::from(plan.threads) * limits::THREAD_DESCRIPTORS + limits::PROCESS_DESCRIPTORS;
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
    start_time.await_opening(connections, &mut || {
        watch(&live.glance());
        !live.is_stopped()
    });
    let (news, reports) = mpsc::channel();
    let groups = quota::own();
    let throttled_before = groups.throttled().unwrap_or(0);
    let mut started_unix_ms = 0;
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
        let mut passed = None;
        if lazily || opening.opened > 0 {
            let start_ns = start_time.await_start(&mut || {
                watch(&live.glance());
                !live.is_stopped()
            });
            match start_ns {
                Ok(start_ns) => {
                    for start in &starts {
                        // A thread that is gone has an error of its own to tell.
                        let _ = start.send(start_ns);
                    }
                    started_unix_ms = ClockReading::now().unix_ns_of(start_ns) / 1_000_000;
                    live.start();
                }
                // A thread that gets no start ends without a part of the result.
                Err(late_ns) => {
                    passed = Some(late_ns);
                    starts.clear();
                }
            }
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
        join(parts, plan).ok_or_else(|| {
            if let Some(late_ns) = passed {
                return EngineError::StartPassed { late_ns };
            }
            let (reason, cause) = match opening.first_failure {
                Some(failure) => (failure.to_string(), failure.cause()),
                None => ("no connection within the timeout".into(), Cause::Other),
            };
            EngineError::Unreachable { address: plan.address.clone(), reason, cause }
        })
    })?;
    let throttled_periods = groups.throttled().unwrap_or(0).saturating_sub(throttled_before);
    Ok(Measured { throttled_periods, started_unix_ms, ..measured })
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

fn thread_main(
    plan: &Arc<Plan>,
    live: &Arc<Live>,
    thread: u32,
    news: &mpsc::Sender<News>,
    started: &mpsc::Receiver<u64>,
) -> io::Result<Option<Measured>> {
    let over = OverAtLast(news);
    let cores = &plan.placement.cores;
    if let Some(&cpu) = cores.get(thread as usize % cores.len().max(1)) {
        let mut set = nix::sched::CpuSet::new();
        set.set(cpu)?;
        nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &set)?;
    }
    let share = |all: u64| plan.share.of_thread(all, thread, plan.threads);
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
    Ok(Some(Measured {
        tally,
        window_ns: 0,
        partial,
        ended_ns,
        meters: vec![meter],
        connections,
        started_unix_ms: 0,
        absence,
        throttled_periods: 0,
        hosts: 1,
    }))
}

fn books(plan: &Plan, thread: u32, share: impl Fn(u64) -> u64) -> (Dispatcher, RunTally) {
    let all_requests = match plan.length {
        Length::Requests(n) => Some(n),
        Length::Duration(_) => None,
    };
    // Arrivals that are dealt out by lot are not dealt out evenly, so their number is kept by the pacer.
    let by_lot =
        !plan.share.is_whole() && matches!(plan.pace, Pace::Open { arrivals: Arrivals::Poisson, .. });
    let requests = all_requests.filter(|_| !by_lot).map(&share);
    let (source, sample) = match &plan.pace {
        Pace::Closed { think_ns } => (RequestSource::Closed(*think_ns), Sample::default()),
        Pace::Open { arrivals, stretches } => {
            let end_ns = plan.end_ns().min(crate::plan::profile::length_ns(stretches));
            let sample = Sample::new(stretches, plan.warmup_ns, end_ns);
            let (thread, threads) = (u64::from(thread), u64::from(plan.threads));
            (
                RequestSource::Open(Box::new(Pacer::dealt(
                    arrivals.clone(),
                    stretches.clone(),
                    plan.seed,
                    Deal {
                        share: plan.share,
                        thread,
                        threads,
                        most: all_requests.map(|n| (n, plan.warmup_ns)),
                    },
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

fn join(parts: Vec<Measured>, plan: &Plan) -> Option<Measured> {
    let mut all = parts.into_iter().reduce(|mut all, part| {
        all.add(part);
        all
    })?;
    let planned_ns = matches!(plan.length, Length::Duration(_)).then(|| plan.end_ns());
    all.close(plan.warmup_ns, planned_ns);
    Some(all)
}

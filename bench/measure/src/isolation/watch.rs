//! One watch: victims ask, the fault is planted, and everything is written down until the time is over.

use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use dyno_record::isolation::{CulpritEnd, PlantedFault};

use super::judge::WatchWindow;
use super::processes::ProcessWatch;
use super::victim::{ExchangeEnd, Victim, VictimLog, VictimRequest};
use crate::limits::{
    ASK_AGAIN, PROCESS_LOOK, SETTLE_LIMIT, STALL_LIMIT, VICTIMS_IDLE, VICTIMS_NEW, VICTIMS_RUNNING,
};
use crate::rig::CellFault;

/// What the victims ask for: a modelled call of a back end, so that requests are under way at any moment.
pub(super) const RUNNING: VictimRequest =
    VictimRequest { path: "/wait/5000", body: Some(b"waited 5000 us\n") };
const SHORT: VictimRequest = VictimRequest { path: "/", body: Some(b"Hello, World!") };
const PROCESS: VictimRequest = VictimRequest { path: "/fault/process", body: None };

/// What a watch is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct WatchPlan {
    /// Where the server listens.
    pub(super) address: SocketAddr,
    /// Its first process.
    pub(super) first: i32,
    /// What is planted.
    pub(super) fault: PlantedFault,
    /// How long everything is watched before.
    pub(super) warm_up: Duration,
    /// How long it is watched afterwards.
    pub(super) time: Duration,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct WatchSeen {
    pub(super) running: Vec<VictimLog>,
    pub(super) idle: Vec<VictimLog>,
    pub(super) new: Vec<VictimLog>,
    pub(super) culprit: CulpritEnd,
    pub(super) window: WatchWindow,
    pub(super) processes: ProcessWatch,
}

impl WatchSeen {
    /// All that were watched.
    pub(super) fn victims(&self) -> impl Iterator<Item = &VictimLog> + Clone {
        self.running.iter().chain(&self.idle).chain(&self.new)
    }
}

/// Everybody who takes part in a watch.
struct Stage {
    began: Instant,
    running: Vec<Victim>,
    idle: Vec<Victim>,
    new: Vec<Victim>,
    culprit: Victim,
}

/// Watches a server that is ready. `before_fault` is called just before the fault is planted.
///
/// # Errors
/// When the server does not tell which of its processes serves a connection.
pub(super) fn watch(
    plan: WatchPlan,
    interrupted: &dyn Fn() -> bool,
    before_fault: impl FnOnce(),
) -> Result<WatchSeen, CellFault> {
    let mut stage = Stage::set(plan.address);
    while stage.unserved() > 0 && stage.now() < SETTLE_LIMIT && !interrupted() {
        stage.turn(stage.now() + PROCESS_LOOK);
    }
    if stage.unserved() > 0 {
        let (count, limit_s) = (stage.unserved(), SETTLE_LIMIT.as_secs());
        return Err(CellFault::contract(format!("{count} clients were not served within {limit_s} s")));
    }
    let settled = stage.now();
    while stage.now() < settled + plan.warm_up && !interrupted() {
        stage.turn(settled + plan.warm_up);
    }
    let served_by = stage.process_of_culprit()?;
    if !ProcessWatch::is_one_of(plan.first, served_by) {
        return Err(CellFault::contract(format!("process {served_by} is none of the server's")));
    }
    before_fault();
    let mut processes = ProcessWatch::begin(plan.first, served_by);
    let fault = stage.plant(plan, served_by)?;
    let end = fault + plan.time;
    let mut next_look = fault;
    while stage.now() < end && !interrupted() {
        let now = stage.now();
        if next_look <= now {
            processes.look(now);
            next_look = now + PROCESS_LOOK;
        }
        stage.turn(next_look.min(end));
        if plan.fault == PlantedFault::Leak && !stage.culprit.is_waiting() {
            // A process that serves only this connection gives its memory back now.
            stage.culprit.leave();
        }
    }
    let end = stage.now();
    processes.look(end);
    Ok(stage.over(plan.fault, WatchWindow { settled, fault, end }, processes))
}

impl Stage {
    /// Everybody asks for the first time.
    fn set(address: SocketAddr) -> Self {
        let crowd = |count: u32, question| (0..count).map(|_| Victim::new(address, question)).collect();
        let mut stage = Stage {
            began: Instant::now(),
            running: crowd(VICTIMS_RUNNING, RUNNING),
            idle: crowd(VICTIMS_IDLE, SHORT),
            new: crowd(VICTIMS_NEW, SHORT),
            culprit: Victim::new(address, PROCESS),
        };
        for early in stage.running.iter_mut().chain(&mut stage.idle).chain([&mut stage.culprit]) {
            early.due = Some(Duration::ZERO);
        }
        stage
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Early clients that have not been served once.
    fn unserved(&self) -> usize {
        let early = self.running.iter().chain(&self.idle).chain([&self.culprit]);
        early.filter(|one| one.last.is_none()).count()
    }

    fn everybody(&mut self) -> impl Iterator<Item = &mut Victim> {
        let crowds = self.running.iter_mut().chain(&mut self.idle).chain(&mut self.new);
        crowds.chain([&mut self.culprit])
    }

    /// Lets ask who is to ask, waits until something has come or somebody is to ask, at most until `until`, and takes
    /// it.
    fn turn(&mut self, until: Duration) {
        let began = self.began;
        let mut next = until;
        for one in self.everybody() {
            match one.due {
                Some(due) if due <= began.elapsed() => one.ask(began.elapsed()),
                Some(due) => next = next.min(due),
                None => {}
            }
        }
        self.wait(next.saturating_sub(began.elapsed()));
        for one in self.everybody() {
            one.take(began.elapsed());
        }
        for one in self.new.iter_mut().filter(|one| !one.is_waiting()) {
            one.leave();
        }
        for one in self.running.iter_mut().filter(|one| one.due.is_none()) {
            // Who was served asks again at once, and who was not after a pause.
            one.due = one
                .last_end()
                .map(|(at, end)| if end == ExchangeEnd::Answered { at } else { at + ASK_AGAIN });
        }
        for one in self.everybody().filter(|one| one.due.is_none()) {
            if let Some((at, ExchangeEnd::Missed)) = one.last_end() {
                one.due = Some(at);
            }
        }
    }

    fn wait(&self, time: Duration) {
        let crowds = self.running.iter().chain(&self.idle).chain(&self.new).chain([&self.culprit]);
        let watched: Vec<BorrowedFd<'_>> = crowds.filter_map(Victim::descriptor).collect();
        let mut watched: Vec<PollFd<'_>> =
            watched.into_iter().map(|one| PollFd::new(one, PollFlags::POLLIN)).collect();
        // A part of a millisecond is rounded up: rounded down, the loop would turn without a wait until it is over.
        let time = PollTimeout::try_from(time + Duration::from_micros(999)).unwrap_or(PollTimeout::ZERO);
        // Interrupted by a signal, or without memory: the next turn looks again.
        let _: Result<i32, Errno> = poll(&mut watched, time);
    }

    /// The process that serves the culprit's connection.
    fn process_of_culprit(&self) -> Result<i32, CellFault> {
        let told = self.culprit.last.as_ref().and_then(|(_, body)| std::str::from_utf8(body).ok());
        told.and_then(|text| text.trim().parse().ok())
            .ok_or_else(|| CellFault::contract("it does not tell which process serves a connection"))
    }

    /// Plants the fault, and sets the times at which the others ask from now on.
    fn plant(&mut self, plan: WatchPlan, served_by: i32) -> Result<Duration, CellFault> {
        let fault = self.now();
        let path = match plan.fault {
            PlantedFault::Control => Some("/fault/control"),
            PlantedFault::Panic => Some("/fault/panic"),
            PlantedFault::Abort => Some("/fault/abort"),
            PlantedFault::Exit => Some("/fault/exit"),
            PlantedFault::Overflow => Some("/fault/overflow"),
            PlantedFault::Spin => Some("/fault/spin"),
            PlantedFault::Block => Some("/fault/block"),
            PlantedFault::Leak => Some("/fault/leak"),
            PlantedFault::Kill => None,
        };
        match path {
            Some(path) => {
                self.culprit.turn_to(VictimRequest { path, body: None });
                self.culprit.ask(fault);
            }
            None => kill(Pid::from_raw(served_by), Signal::SIGKILL).map_err(|error| {
                let error = io::Error::from(error);
                CellFault::contract(format!("process {served_by} cannot be killed: {error}"))
            })?,
        }
        // The last one is seen for longer than a stall.
        let spread = plan.time.saturating_sub(STALL_LIMIT * 4 / 3);
        for crowd in [&mut self.idle, &mut self.new] {
            let count = crowd.len() as u32;
            for (place, one) in (0..).zip(crowd) {
                one.due = Some(fault + spread * (place + 1) / count);
            }
        }
        Ok(fault)
    }

    fn over(self, fault: PlantedFault, window: WatchWindow, processes: ProcessWatch) -> WatchSeen {
        let logs = |crowd: Vec<Victim>| crowd.into_iter().map(|one| one.log).collect();
        let last = self.culprit.last_end();
        let culprit = match (last, &self.culprit.last) {
            // It asked for nothing: what counts is its connection.
            _ if fault == PlantedFault::Kill => {
                let is_cut = self.culprit.log.closed.iter().any(|at| *at >= window.fault);
                if is_cut { CulpritEnd::Cut } else { CulpritEnd::Silent }
            }
            (None, _) => CulpritEnd::Silent,
            (Some((_, ExchangeEnd::Cut | ExchangeEnd::Missed | ExchangeEnd::Unreachable)), _) => {
                CulpritEnd::Cut
            }
            (Some(_), Some((status, _))) => CulpritEnd::Answered(*status),
            (Some(_), None) => CulpritEnd::Silent,
        };
        WatchSeen {
            running: logs(self.running),
            idle: logs(self.idle),
            new: logs(self.new),
            culprit,
            window,
            processes,
        }
    }
}

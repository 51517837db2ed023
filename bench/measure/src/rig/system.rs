//! The rig of real experiments: processes, /proc, and the clock.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dyno_clients::engine::quota::QuotaGroups;
use dyno_security::credentials;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use crate::contestant::Contestant;
use crate::limits::{GENERATOR_GRACE, OPENING_LIMIT, WATCH_INTERVAL, WATCH_THREADS_LIMIT};
use crate::probe::figures::Reading;
use crate::probe::glance::{self, CpuGlance};
use crate::probe::kernel_threads::KernelThreads;
use crate::probe::pace::{FullPace, Watch};
use crate::probe::{machine, memory, network, tree};
use crate::rig::generator::{RunningGenerator, Sign, deadline, drain, drain_signs};
use crate::rig::idle::{is_open, open_idle};
use crate::rig::material;
use crate::rig::process::{Running, tame};
use crate::rig::slow::SlowClients;
use crate::rig::waiting;
use crate::rig::{CellFault, Drive, Farewell, Rig, outcome, transport};
use dyno_record::cell::{Cell, Cores};
use dyno_record::server::Memory;
use dyno_record::waiting::WaitingFigures;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

extern "C" fn note_interrupt(_signal: libc::c_int) {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// From now on Ctrl-C and SIGTERM are noted, and do not end this program.
///
/// # Errors
/// When the system refuses a handler.
pub fn take_signals() -> Result<(), SystemError> {
    let note = SigAction::new(SigHandler::Handler(note_interrupt), SaFlags::empty(), SigSet::empty());
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        // SAFETY: the handler only stores into an atomic, which is safe in a signal handler.
        unsafe { sigaction(signal, &note) }.map_err(|error| SystemError::Signals(error.into()))?;
    }
    Ok(())
}

/// Whether one of these signals has come.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Why there is no rig.
#[derive(Debug, thiserror::Error)]
pub enum SystemError {
    /// The program cannot find its own file, so it cannot start servers and generators.
    #[error("cannot find this program's own file: {0}")]
    OwnProgram(io::Error),
    /// The directory of the results has no path.
    #[error("cannot find {}: {error}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// Signals cannot be handled.
    #[error("cannot take signals: {0}")]
    Signals(io::Error),
}

/// The rig of a real experiment.
#[derive(Debug)]
pub struct System {
    began: Instant,
    /// Counted before this thread was kept to some of them.
    cores: usize,
    pub(super) contestants: HashMap<String, Contestant>,
    program: PathBuf,
    directory: PathBuf,
    pub(super) seed: u64,
    full_pace: FullPace,
    /// Whether the speed of the cores is sampled: not where only the answers count.
    samples_pace: bool,
    /// Rounds of the work loop that make a microsecond, the same for all of Dyno's own servers; absent: each measures
    /// them itself.
    compute_rounds_per_us: Option<u64>,
    /// The control groups of both sides of the running cell, where they have a CPU quota.
    pub(super) quota: Option<QuotaGroups>,
    /// The kernel's threads that work for the load, as they were when the running cell began.
    pub(super) kernel_threads: KernelThreads,
}

impl System {
    /// A rig for these contestants. Files that they need are written below `directory`. From now on Ctrl-C and
    /// SIGTERM end the experiment in an orderly way.
    ///
    /// # Errors
    /// When this program's own file or the directory cannot be found.
    pub fn new(
        contestants: &[Contestant],
        cores: &Cores,
        directory: &Path,
        seed: u64,
    ) -> Result<Self, SystemError> {
        let program = std::env::current_exe().map_err(SystemError::OwnProgram)?;
        let directory = std::path::absolute(directory)
            .map_err(|error| SystemError::Directory { path: directory.to_path_buf(), error })?;
        take_signals()?;
        let contestants = contestants.iter().map(|one| (one.label.clone(), one.clone())).collect();
        let all = machine::cores();
        stay_beside(cores);
        Ok(System {
            began: Instant::now(),
            cores: all,
            contestants,
            program,
            directory,
            seed,
            full_pace: FullPace::default(),
            samples_pace: true,
            compute_rounds_per_us: None,
            quota: None,
            kernel_threads: KernelThreads::default(),
        })
    }

    /// The same rig for cells of which only the answers count: it takes no time to learn how fast the cores are.
    #[must_use]
    pub(crate) fn for_answers(self) -> Self {
        System { samples_pace: false, ..self }
    }

    /// Gives all of Dyno's own servers so many rounds of work for a microsecond, so that they do the same work.
    pub fn give_rounds(&mut self, per_us: Option<u64>) {
        self.compute_rounds_per_us = per_us;
    }

    /// The file of this program, which serves and loads as well.
    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// Keys and certificates of both sides, made when the first cell needs them.
    pub(super) fn credentials(&self) -> PathBuf {
        self.work().join("credentials")
    }

    /// The directory of what contestants and generator need.
    pub(super) fn work(&self) -> PathBuf {
        self.directory.join("work")
    }

    /// The file that one of Dyno's own servers has to give for this cell, where it is one of the workloads'.
    pub(super) fn file_of(&self, cell: &Cell, own: bool) -> Option<PathBuf> {
        if own { material::file_path(&self.work(), &cell.service) } else { None }
    }

    /// Waits until the generator reports that it starts: opening ten thousand connections takes a while, and so do
    /// sixty handshakes. If the generator ends before it starts, [`Rig::finish`] reports the reason.
    fn await_start(&self, generator: &mut RunningGenerator) {
        self.await_sign(generator, Sign::Started, generator.began + OPENING_LIMIT);
        generator.began = Instant::now();
    }

    /// Waits until the generator gives a sign, without waking up meanwhile: every wake-up would take time from it.
    fn await_sign(&self, generator: &RunningGenerator, sign: Sign, deadline: Instant) {
        while !self.interrupted() {
            let left = deadline.saturating_duration_since(Instant::now());
            match generator.signs.recv_timeout(left.min(Duration::from_millis(100))) {
                Err(RecvTimeoutError::Timeout) if left.is_zero() => return,
                Err(RecvTimeoutError::Timeout) => {}
                Ok(seen) if seen != sign => {}
                Ok(_) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

/// Keeps this thread to the generator's cores: observing a server costs CPU, which must not be taken from the server.
/// If the system refuses, there is only more noise.
fn stay_beside(cores: &Cores) {
    if !cores.shared() {
        let _ = machine::pin(&cores.generator);
    }
}

impl Rig for System {
    type Server = Running;
    type Generator = RunningGenerator;

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn cores(&self) -> usize {
        self.cores
    }

    fn unix_ms(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
    }

    fn sleep(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while !self.interrupted() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            thread::sleep(left.min(Duration::from_millis(100)));
        }
    }

    fn interrupted(&self) -> bool {
        interrupted()
    }

    fn start(&mut self, cell: &Cell) -> Result<Running, CellFault> {
        let contestant = self
            .contestants
            .get(&cell.contestant)
            .ok_or_else(|| CellFault::contract(format!("there is no contestant {}", cell.contestant)))?;
        stay_beside(&cell.cores);
        let mut extra = Vec::new();
        if contestant.own {
            let most = cell.load.connections + cell.load.beside() + 64;
            if let Some(workers) = cell.workers {
                extra.extend(["--workers".to_string(), workers.to_string()]);
            }
            if contestant.bounds_connections {
                extra.extend(["--max-connections".to_string(), most.to_string()]);
            }
            if let Some(files) = material::files(&self.work(), &cell.service)? {
                extra.extend(["--files".to_string(), files.display().to_string()]);
            }
            if let Some(rounds) = self.compute_rounds_per_us {
                extra.extend(["--compute-rounds-per-us".to_string(), rounds.to_string()]);
            }
            if cell.transport.is_secure() {
                let credentials = self.credentials();
                if !credentials.exists() {
                    // If the directory cannot be made, the keys cannot be made either, and their error is reported.
                    let _ = std::fs::create_dir_all(self.work());
                    credentials::create(&credentials).map_err(|error| {
                        CellFault::contract(format!("no keys for {}: {error}", cell.transport))
                    })?;
                }
                extra.extend(transport::of_server(cell.transport).map(String::from));
                extra.extend(["--credentials".to_string(), credentials.display().to_string()]);
            }
        }
        let (cores, work) = (&cell.cores.server, self.work());
        Running::start_within(contestant, &extra, cores, cell.step.is_counted(), &work, cell.load.quota)
    }

    fn sample(&mut self, server: &Running, generator: Option<&RunningGenerator>) -> Reading {
        let mut reading = Reading {
            began: self.now(),
            tree: tree::sample(server.pid(), server.cpu_group()),
            ..Reading::default()
        };
        reading.glance = self.glance(server, generator, &reading);
        Reading {
            machine: machine::sample(),
            kernel_threads: self.kernel_threads.cpu(),
            counters: server.counters(),
            network: network::sample(),
            quota: server.quota(),
            throttled: self.quota.as_ref().and_then(QuotaGroups::throttled),
            ended: self.now(),
            ..reading
        }
    }

    fn glance(
        &mut self,
        server: &Running,
        generator: Option<&RunningGenerator>,
        known: &Reading,
    ) -> CpuGlance {
        let generator = generator.map(|generator| generator.child.id() as i32);
        glance::take(&known.tree.members, server.cpu_group(), generator, || self.now())
    }

    fn memory(&mut self, server: &Running) -> Memory {
        memory::sample(server.pid(), server.cpu_group())
    }

    fn watch(&mut self, server: &Running, time: Duration) -> Vec<usize> {
        let end = self.now() + time;
        let mut seen = Vec::new();
        if server.cores == 1 {
            // One core runs one thread at a time, so there is nothing to count, and counting would cost time.
            self.sleep(time);
            return seen;
        }
        let threads: i64 =
            tree::members(server.pid(), server.cpu_group()).iter().map(|stat| stat.num_threads).sum();
        while threads <= WATCH_THREADS_LIMIT && self.now() + WATCH_INTERVAL < end && !self.interrupted() {
            thread::sleep(WATCH_INTERVAL);
            seen.push(tree::running(server.pid(), server.cpu_group()));
        }
        let left = end.saturating_sub(self.now());
        self.sleep(left);
        seen
    }

    fn begin(&mut self, server: &Running, cell: &Cell) -> Result<RunningGenerator, CellFault> {
        let idle = open_idle(server.address, cell.load.idle_connections)?;
        let slow = SlowClients::start(server.address, cell.load.slow_connections.unwrap_or(0))?;
        material::body(&self.work(), cell.load.body_bytes)?;
        let paced = if self.samples_pace { cell.cores.both() } else { Vec::new() };
        self.full_pace.meet(&paced);
        self.kernel_threads = KernelThreads::find();
        let mut command = Command::new(&self.program);
        command.args(self.load_arguments(&server.address.to_string(), cell));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        tame(&mut command, &cell.cores.generator, None);
        let mut child = command
            .spawn()
            .map_err(|error| CellFault::generator(format!("the generator cannot be started: {error}")))?;
        let output = child.stdout.take().map(drain);
        let (tell, signs) = mpsc::channel();
        let complaints = child.stderr.take().map(|from| drain_signs(from, tell));
        let (hold, began, pace) = (child.stdin.take(), Instant::now(), Watch::default());
        let mut generator =
            RunningGenerator { child, hold, signs, output, complaints, began, idle, slow, pace };
        self.await_start(&mut generator);
        generator.pace = Watch::start(&paced, self.began);
        // A contestant may start in a group of its own, and the generator inherits that of this program.
        // One whose quota is the subject may be stopped by it.
        let free = Some(server.pid() as u32).filter(|_| cell.load.quota.is_none());
        let groups = QuotaGroups::of(free.into_iter().chain([generator.child.id()]));
        self.quota = Some(groups).filter(|groups| groups.cores().is_some());
        Ok(generator)
    }

    fn await_over(&mut self, generator: &mut RunningGenerator, cell: &Cell) {
        // If it never comes, the end of the generator is awaited just as long.
        self.await_sign(generator, Sign::Over, deadline(generator, cell));
        // What the pace of a core is when nobody works on it is not asked for.
        generator.pace.pause();
    }

    fn finish(&mut self, mut generator: RunningGenerator, cell: &Cell) -> Result<Drive, CellFault> {
        let deadline = deadline(&generator, cell);
        drop(generator.hold.take());
        let status = loop {
            match generator.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < deadline && !self.interrupted() => {
                    thread::sleep(Duration::from_millis(1));
                }
                Ok(None) | Err(_) => {
                    return Err(CellFault::generator(format!(
                        "the generator did not end within {} s of its time and was killed",
                        GENERATOR_GRACE.as_secs()
                    )));
                }
            }
        };
        let beats = std::mem::take(&mut generator.pace).finish();
        let collect = |handle: Option<JoinHandle<String>>| {
            handle.and_then(|handle| handle.join().ok()).unwrap_or_default()
        };
        let text = collect(generator.output.take());
        let said = collect(generator.complaints.take());
        // Whatever its exit code is: a run that the generator declares void still has figures, and they are judged
        // here.
        if text.trim().is_empty() {
            let said = said.trim().replace('\n', " / ");
            return Err(CellFault::generator(format!("the generator gave no result ({status}): {said}")));
        }
        let mut drive = outcome::read(&text)?;
        let idle = generator.idle.iter().filter(|connection| is_open(connection)).count();
        let open = idle + generator.slow.open();
        drive.beats = beats.into_iter().map(|(core, beats)| self.full_pace.learn(core, beats)).collect();
        drive.figures.objections.extend(transport::objection(cell, &drive.figures));
        drive.figures.idle_open = (cell.load.beside() > 0).then_some(open as u32);
        Ok(drive)
    }

    fn wait(&mut self, server: &Running, cell: &Cell) -> Result<WaitingFigures, CellFault> {
        waiting::see(self, server, cell)
    }

    fn stop(&mut self, server: Running) -> Result<Farewell, CellFault> {
        server.stop()
    }
}

//! A server under test: a process, from its ready line to its account.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;

use crate::limits::{COMPUTE_ROUNDS_PER_US, KEPT_STDERR_BYTES, READY, STOP};
use crate::rows::Row;
use crate::spawner::{Confines, spawn};
use crate::suite::program;
use crate::tallies::Tallies;

/// A running server. Dropping it kills the process, whose children ask the kernel to die with it.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// The address on which it listens, port included.
    pub address: SocketAddr,
    /// Its process, which is also its process group.
    pub pid: Pid,
    /// How many workers it says that it has.
    pub workers: usize,
    /// How many it says that it was asked for.
    pub asked: usize,
    /// Where it takes orders.
    pub control: Option<String>,
    /// The path of the memory into which it writes a trace.
    pub trace: Option<String>,
    lines: Receiver<String>,
    stderr: Arc<Mutex<Vec<u8>>>,
    stderr_ended: Receiver<()>,
}

/// How a server ended.
#[derive(Debug)]
pub struct Ended {
    /// The status that wait(2) reports.
    pub status: ExitStatus,
    /// From the signal to the end of the last process that held its output.
    pub took: Duration,
    /// Its account; `None` when it printed none.
    pub tallies: Option<Tallies>,
    /// What it said on standard error.
    pub stderr: String,
}

#[derive(Deserialize)]
struct Ready {
    ready: bool,
    address: SocketAddr,
    pid: i32,
    name: String,
    #[serde(default)]
    control: Option<String>,
    #[serde(default)]
    trace: Option<String>,
    settings: ReadySettings,
}

#[derive(Deserialize)]
struct ReadySettings {
    workers: usize,
    /// Servers of earlier versions do not say it.
    #[serde(default)]
    workers_asked: usize,
}

impl Server {
    /// Starts `row` with its own arguments.
    ///
    /// # Errors
    /// In words, when no ready line comes.
    pub fn start(row: &Row) -> Result<Server, String> {
        Server::start_with(&row.arguments, None)
    }

    /// Starts `dyno serve` with `arguments`. `descriptors`: the most that the process may have open.
    ///
    /// # Errors
    /// In words, when no ready line comes.
    pub fn start_with(arguments: &[&str], descriptors: Option<u64>) -> Result<Server, String> {
        let confines = Confines { descriptors, group: None };
        let ended = |ended: Ended| format!("ended with {}; stderr: {}", ended.status, ended.stderr);
        Server::start_within(arguments, confines)?.map_err(ended)
    }

    /// Starts `dyno serve` with `arguments` at an address that is known beforehand.
    ///
    /// # Errors
    /// In words, when no ready line comes.
    pub fn start_at(arguments: &[&str], listen: &str) -> Result<Server, String> {
        let ended = |ended: Ended| format!("ended with {}; stderr: {}", ended.status, ended.stderr);
        let confines = Confines { descriptors: None, group: None };
        Server::launch(arguments, listen, confines)?.map_err(ended)
    }

    /// As [`Server::start_with`], for a server that may find no room: then the inner error tells how it has ended
    /// before it was ready.
    ///
    /// # Errors
    /// In words, when it neither gets ready nor ends.
    pub fn start_within(arguments: &[&str], confines: Confines) -> Result<Result<Server, Ended>, String> {
        Server::launch(arguments, "127.0.0.1:0", confines)
    }

    fn launch(arguments: &[&str], listen: &str, confines: Confines) -> Result<Result<Server, Ended>, String> {
        let mut command = Command::new(program());
        command.arg("serve").args(arguments).arg("--faults");
        if !arguments.contains(&"--take-over") {
            command.args(["--listen", listen]);
        }
        command.args(["--compute-rounds-per-us", &COMPUTE_ROUNDS_PER_US.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = spawn(command, confines).map_err(|error| format!("cannot start: {error}"))?;
        let pid = Pid::from_raw(child.id().cast_signed());
        let lines = read_lines(child.stdout.take().expect("piped"));
        let (stderr, stderr_ended) = keep(child.stderr.take().expect("piped"));
        let address = SocketAddr::from(([0, 0, 0, 0], 0));
        let (workers, asked, control, trace) = (0, 0, None, None);
        let mut server =
            Server { child, address, pid, workers, asked, control, trace, lines, stderr, stderr_ended };
        let line = match server.lines.recv_timeout(READY) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => return server.wait(STOP).map(Err),
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!("no ready line within {READY:?}; stderr: {}", server.stderr()));
            }
        };
        let ready: Ready = serde_json::from_str(&line).map_err(|error| format!("{line:?}: {error}"))?;
        if !ready.ready || ready.pid != pid.as_raw() || Some(&ready.name.as_str()) != arguments.first() {
            return Err(format!("a ready line that does not fit: {line}"));
        }
        (server.address, server.control, server.trace) = (ready.address, ready.control, ready.trace);
        (server.workers, server.asked) = (ready.settings.workers, ready.settings.workers_asked);
        Ok(Ok(server))
    }

    /// Sends a signal to the process.
    pub fn signal(&self, signal: Signal) {
        // A process that is gone shows in what the test looks at next.
        let _ = kill(self.pid, signal);
    }

    /// Sends a signal to the process and all its children at once, as a terminal does.
    pub fn signal_group(&self, signal: Signal) {
        let _ = kill(Pid::from_raw(-self.pid.as_raw()), signal);
    }

    /// SIGTERM, then [`Server::wait`].
    ///
    /// # Errors
    /// As [`Server::wait`].
    pub fn stop(self) -> Result<Ended, String> {
        self.signal(Signal::SIGTERM);
        self.wait(STOP)
    }

    /// SIGTERM; the end must come with exit code 0 and an account.
    ///
    /// # Errors
    /// In words, when it does not.
    pub fn stop_well(self) -> Result<Tallies, String> {
        let ended = self.stop()?;
        if ended.status.code() != Some(0) {
            return Err(format!("ended with {}; stderr: {}", ended.status, ended.stderr));
        }
        ended.tallies.ok_or_else(|| format!("no account at the end; stderr: {}", ended.stderr))
    }

    /// Waits until the process has ended, and with it every process that shares its standard output.
    ///
    /// # Errors
    /// In words, when the time-out passes first.
    pub fn wait(mut self, timeout: Duration) -> Result<Ended, String> {
        let start = Instant::now();
        let mut last = None;
        loop {
            match self.lines.recv_timeout(timeout.saturating_sub(start.elapsed())) {
                Ok(line) => last = Some(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    let gone = self.child.try_wait().ok().flatten();
                    return Err(format!(
                        "not over after {timeout:?}; the server itself: {gone:?}; stderr: {}",
                        self.stderr()
                    ));
                }
            }
        }
        let took = start.elapsed();
        // What was said last is on its way still; nobody can say more.
        let _ = self.stderr_ended.recv_timeout(timeout);
        let status = self.child.wait().map_err(|error| error.to_string())?;
        let tallies = last.and_then(|line| serde_json::from_str(&line).ok());
        Ok(Ended { status, took, tallies, stderr: self.stderr() })
    }

    /// Whether the process is still there.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it said on standard error so far, the end of it if it was much.
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr.lock().expect("no panic")).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a wait this is another process's number no more than ours: `Child` remembers that it was reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// The exit code, or 128 and the signal, as a shell says it.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| 128 + self.status.signal().unwrap_or(0))
    }
}

/// The lines of standard output as they come. The channel ends when the last process that holds the pipe has ended.
fn read_lines(stdout: ChildStdout) -> Receiver<String> {
    let (send, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// Collects standard error; the receiver ends with it.
fn keep(mut stderr: impl Read + Send + 'static) -> (Arc<Mutex<Vec<u8>>>, Receiver<()>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let store = Arc::clone(&kept);
    let (open, ended) = channel();
    thread::spawn(move || {
        let _open = open;
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = stderr.read(&mut piece) {
            let mut store = store.lock().expect("no panic");
            store.extend_from_slice(&piece[..count]);
            let surplus = store.len().saturating_sub(KEPT_STDERR_BYTES);
            store.drain(..surplus);
        }
    });
    (kept, ended)
}

//! Dyno's own processes in a calibration: the reference server, and the generator as users call it.

use std::io::{self, BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

use dyno_clients::outcome::Outcome;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::calibrate::error::CalibrationError;
use crate::calibrate::laws::LatencyLaw;
use crate::calibrate::reference::Account;
use dyno_measure::probe::machine::pin;

/// A running reference server; dropping it kills the process.
#[derive(Debug)]
pub(crate) struct LawServer {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
    /// Its address as a URL, for generators.
    pub(crate) url: String,
}

impl LawServer {
    /// The process, for its CPU time and for signals.
    pub(crate) fn process(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Ends the server, which then prints its account.
    ///
    /// # Errors
    /// When the server cannot be signalled, or prints no account.
    pub(crate) fn end(mut self) -> Result<Account, CalibrationError> {
        let mut line = String::new();
        let asked = kill(self.process(), Signal::SIGTERM).map_err(io::Error::from);
        let read = asked.and_then(|()| self.out.as_mut().map_or(Ok(0), |out| out.read_line(&mut line)));
        read.map_err(CalibrationError::Reference)?;
        serde_json::from_str(&line).map_err(|_| CalibrationError::NoAccount(line))
    }
}

impl Drop for LawServer {
    fn drop(&mut self) {
        // The process may have ended by itself; then nothing is left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> Result<Command, CalibrationError> {
    std::env::current_exe().map(Command::new).map_err(CalibrationError::OwnProgram)
}

/// Starts a reference server on `cpu`.
///
/// # Errors
/// When the server cannot be started.
pub(crate) fn start(law: LatencyLaw, cpu: Option<usize>) -> Result<LawServer, CalibrationError> {
    let mut command = program()?;
    command.args(["calibrate", "--reference", &law.to_string()]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = on_cpu(cpu, move || command.spawn())?.map_err(CalibrationError::Reference)?;
    let out = child.stdout.take().map(BufReader::new);
    let mut server = LawServer { child, out, url: String::new() };
    let mut line = String::new();
    if let Some(out) = &mut server.out {
        out.read_line(&mut line).map_err(CalibrationError::Reference)?;
    }
    let ready: serde_json::Value =
        serde_json::from_str(&line).map_err(|_| CalibrationError::NotReady(line))?;
    server.url = format!("http://{}/", ready["address"].as_str().unwrap_or_default());
    Ok(server)
}

/// Runs `dyno load` with `arguments` on the CPUs of the calling thread.
///
/// # Errors
/// When `dyno load` gives no result. A void run is a result.
pub(crate) fn load(url: &str, arguments: &[String]) -> Result<Outcome, CalibrationError> {
    let mut command = program()?;
    command.args(["load", url, "--expect", "service", "--quiet", "--format", "json"]).args(arguments);
    command.stdin(Stdio::null());
    let output = command.output().map_err(CalibrationError::Load)?;
    serde_json::from_slice(&output.stdout).map_err(|error| CalibrationError::NoResult {
        status: output.status,
        said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        error,
    })
}

/// Runs `work` on a thread that is pinned to `cpu`; processes that it starts inherit the pinning.
///
/// # Errors
/// When the thread may not run on the CPU.
pub(crate) fn on_cpu<T: Send>(
    cpu: Option<usize>,
    work: impl FnOnce() -> T + Send,
) -> Result<T, CalibrationError> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            if let Some(cpu) = cpu {
                pin(&[cpu]).map_err(|error| CalibrationError::Cpu { cpu, error })?;
            }
            Ok(work())
        });
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

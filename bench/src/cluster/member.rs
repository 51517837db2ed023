//! One server of a cluster: a process of this program.

use std::io::{BufRead, BufReader, Read as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use dyno_measure::rig::process::tame;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::exit::Failure;

/// A server of a cluster. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Member {
    child: Child,
    output: BufReader<ChildStdout>,
    status: Option<ExitStatus>,
    /// What it is in the cluster.
    pub(super) role: &'static str,
    /// Its architecture.
    pub(super) name: String,
    /// Where it listens.
    pub(super) address: String,
    /// Its ready line.
    pub(super) ready: Value,
}

impl Member {
    /// Starts `dyno serve` with `arguments`, and waits until it is ready.
    ///
    /// # Errors
    /// When it ends before; it has said why on standard error, which is ours.
    pub(super) fn start(role: &'static str, arguments: &[String], listen: &str) -> Result<Member, Failure> {
        let name = arguments[0].clone();
        let failed = |why: String| Failure::failed(format!("{role} {name} does not start: {why}"), "");
        let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
        let mut command = Command::new(program);
        command.arg("serve").args(arguments).args(["--listen", listen, "--json"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        // The signals for which the cluster waits are blocked, which a child inherits.
        // SAFETY: the closure runs between fork and exec and makes one system call, safe after a fork.
        unsafe { command.pre_exec(|| Ok(SigSet::empty().thread_set_mask()?)) };
        // The terminal's Ctrl-C is for the cluster, which ends the others in order.
        tame(&mut command, &[], None);
        let mut child = command.spawn().map_err(|error| failed(error.to_string()))?;
        let output = child.stdout.take().ok_or_else(|| failed("it has no output".into()))?;
        let (ready, address, output) = (Value::Null, String::new(), BufReader::new(output));
        let mut member = Member { child, output, status: None, role, name: name.clone(), address, ready };
        let line = member.line();
        member.ready = serde_json::from_str(&line).unwrap_or_default();
        let address =
            member.ready["address"].as_str().ok_or_else(|| failed("it has said why, above".into()))?;
        member.address = address.to_owned();
        Ok(member)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        // Whatever cannot be read is no line.
        let _ = self.output.read_line(&mut line);
        line.trim_end().to_owned()
    }

    /// What it has said last, once it has ended.
    pub(super) fn last_line(&mut self) -> String {
        let mut text = String::new();
        let _ = self.output.read_to_string(&mut text);
        text.lines().last().unwrap_or_default().to_owned()
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its status, if it has ended and nobody was told before.
    pub(super) fn has_ended(&mut self) -> Option<ExitStatus> {
        if self.status.is_some() {
            return None;
        }
        self.status = self.child.try_wait().ok().flatten();
        self.status
    }

    /// Whether it has ended, and somebody was told.
    pub(super) fn is_over(&self) -> bool {
        self.status.is_some()
    }

    /// Whether it has ended as it was asked to, or was gone before somebody asked.
    pub(super) fn ended_well(&self) -> bool {
        self.status.is_none_or(|status| status.success() || status.signal().is_some())
    }

    /// SIGTERM.
    pub(super) fn ask_to_end(&self) {
        if self.status.is_none() {
            let _ = kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM);
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // One that has ended is another process's number no more than ours: `Child` remembers that it was reaped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! The process group of a contestant: all of it ends with the contestant, whoever started what within it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use crate::limits::{GROUP_PAUSE, KILL_LIMIT, STOP_LIMIT};

/// A process that leads a group of its own. It is waited for last: until then its number belongs to nobody else, and
/// so does the number of the group.
#[derive(Debug)]
pub(crate) struct ProcessGroup {
    leader: Child,
    killed: bool,
    /// What the leader's end told; it can be asked for once.
    ended: Option<Ended>,
}

/// What the end of a process tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// CPU time of its whole life, with that of the children that it has waited for.
    pub(crate) cpu: Duration,
}

impl ProcessGroup {
    /// The group of a process that was started as its leader.
    pub(crate) fn led_by(leader: Child) -> Self {
        ProcessGroup { leader, killed: false, ended: None }
    }

    /// Process id of the leader.
    pub(crate) fn pid(&self) -> i32 {
        self.leader.id() as i32
    }

    /// Whether the leader has ended. Others of the group may live on.
    pub(crate) fn leader_has_ended(&self) -> bool {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        !matches!(waitid(Id::Pid(Pid::from_raw(self.pid())), flags), Ok(WaitStatus::StillAlive))
    }

    /// Asks the group to end, and waits until none of it is left or the time is over. The leader is asked first and
    /// alone, because it knows its children; the others when it has ended, or does not within a moment. Nobody is
    /// asked twice: a server that drains takes the second signal for the order to end at once.
    ///
    /// # Returns
    /// Whether all have ended.
    pub(crate) fn ask_to_end(&self) -> bool {
        let begun = Instant::now();
        let _ = kill(Pid::from_raw(self.pid()), Signal::SIGTERM);
        let mut all_asked = false;
        while begun.elapsed() < STOP_LIMIT {
            let leader_ended = self.leader_has_ended();
            if leader_ended && self.others().is_empty() {
                return true;
            }
            if !all_asked && (leader_ended || begun.elapsed() > GROUP_PAUSE) {
                for pid in self.others() {
                    let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
                }
                all_asked = true;
            }
            thread::sleep(Duration::from_millis(if leader_ended { 5 } else { 1 }));
        }
        false
    }

    /// Ends what is left of the group, and takes what the leader's end tells.
    pub(crate) fn end(&mut self) -> Option<Ended> {
        if !self.killed {
            let _ = killpg(Pid::from_raw(self.pid()), Signal::SIGKILL);
            // Whoever is dying still has its port and its memory, and the next cell needs both.
            let deadline = Instant::now() + KILL_LIMIT;
            while !self.others().is_empty() && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(2));
            }
            self.killed = true;
            self.ended = wait(self.pid());
        }
        self.ended
    }

    /// Living processes of the group but for its leader.
    fn others(&self) -> Vec<i32> {
        let group = self.pid();
        let all = procfs::process::all_processes().into_iter().flatten().flatten();
        let stats = all.filter_map(|process| process.stat().ok());
        let others = stats.filter(|stat| stat.pgrp == group && stat.pid != group);
        others.filter(|stat| !matches!(stat.state, 'Z' | 'X')).map(|stat| stat.pid).collect()
    }
}

/// Waits for the end of a child of this process, as [`Child::wait`] does, and takes the account of its life as well.
fn wait(pid: i32) -> Option<Ended> {
    let mut status = 0;
    // SAFETY: all zeros are a value of this structure of numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    loop {
        // SAFETY: both places outlive the call and have the types that it writes.
        let waited = unsafe { libc::wait4(pid, &mut status, 0, &mut usage) };
        match waited {
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
            -1 => return None,
            _ => {
                let time = |time: libc::timeval| {
                    Duration::from_secs(time.tv_sec.max(0) as u64)
                        + Duration::from_micros(time.tv_usec.max(0) as u64)
                };
                let cpu = time(usage.ru_utime) + time(usage.ru_stime);
                return Some(Ended { status: ExitStatus::from_raw(status), cpu });
            }
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

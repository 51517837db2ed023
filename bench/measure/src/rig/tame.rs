//! A process of an experiment before its program starts: its cores, its control groups, and its end.

use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// Makes `command` run only on `cores` (on all when empty), and in the control groups whose `entrances` these are. The
/// process does not receive the terminal's Ctrl-C, and the kernel ends it if this program dies.
pub fn tame(command: &mut Command, cores: &[usize], entrances: impl IntoIterator<Item = File>) {
    let entrances: Vec<File> = entrances.into_iter().collect();
    let mut set = CpuSet::new();
    let pinned = cores.iter().filter(|core| set.set(**core).is_ok()).count() > 0;
    command.process_group(0);
    // SAFETY: the closure runs between fork and exec and makes three system calls, all safe after a fork; it touches
    // no lock and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            for mut entrance in &entrances {
                // Who is not let in has no account of its own, which is seen afterwards.
                let _ = entrance.write(b"0");
            }
            if pinned {
                sched_setaffinity(Pid::from_raw(0), &set)?;
            }
            Ok(())
        });
    }
}

//! Starts processes from a thread that lives as long as this program.
//!
//! A server under test asks the kernel to be killed with its parent (prctl(2), PR_SET_PDEATHSIG), so that an
//! interrupted test program leaves nothing behind. The "parent" of that call is the thread that forked, and test
//! threads come and go.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};
use std::thread;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};

type Order = (Command, Sender<io::Result<Child>>);

static SPAWNER: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();

/// What confines a process from its first instruction on.
#[derive(Debug, Default)]
pub struct Confines {
    /// The most descriptors that it may have open, if lower than ours.
    pub descriptors: Option<u64>,
    /// The list of processes of a cgroup, which it enters.
    pub group: Option<File>,
}

/// Starts `command` in a process group of its own.
///
/// # Errors
/// What fork(2) and execve(2) say.
pub fn spawn(mut command: Command, confines: Confines) -> io::Result<Child> {
    let prepare = move || {
        set_pdeathsig(Signal::SIGKILL)?;
        // Whoever starts these tests by nohup(1) ignores SIGHUP, which a server would inherit and rightly obey.
        // SAFETY: no handler is installed, so nothing is called.
        unsafe { signal(Signal::SIGHUP, SigHandler::SigDfl)? };
        if let Some(mut group) = confines.group.as_ref() {
            // Zero: whoever writes it.
            group.write_all(b"0")?;
        }
        if let Some(descriptors) = confines.descriptors {
            let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
            let most = descriptors.min(hard);
            setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
        }
        Ok(())
    };
    command.process_group(0);
    // SAFETY: between fork and exec only system calls are made: nothing is allocated and no lock is taken.
    unsafe { command.pre_exec(prepare) };
    let (answer, answered) = channel();
    let spawner = SPAWNER.get_or_init(|| Mutex::new(start()));
    spawner.lock().expect("no panic").send((command, answer)).map_err(io::Error::other)?;
    answered.recv().map_err(io::Error::other)?
}

fn start() -> Sender<Order> {
    let (orders, ordered) = channel::<Order>();
    thread::spawn(move || {
        for (mut command, answer) in ordered {
            // Whoever asked may have given up.
            let _ = answer.send(command.spawn());
        }
    });
    orders
}

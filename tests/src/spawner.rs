//! Starts processes from a thread that lives as long as this program.
//!
//! A server under test asks the kernel to be killed with its parent (prctl(2), PR_SET_PDEATHSIG), so that an
//! interrupted test program leaves nothing behind. The "parent" of that call is the thread that forked, and test
//! threads come and go.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};
use std::thread;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;

type Order = (Command, Sender<io::Result<Child>>);

static SPAWNER: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();

/// Starts `command` in a process group of its own. `descriptors`: the most that it may have open, if lower than ours.
///
/// # Errors
/// What fork(2) and execve(2) say.
pub fn spawn(mut command: Command, descriptors: Option<u64>) -> io::Result<Child> {
    let prepare = move || {
        set_pdeathsig(Signal::SIGKILL)?;
        if let Some(descriptors) = descriptors {
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

//! Starts the threads of a chapter: as many as the system allows, up to the number that was asked for.

use std::fs;
use std::io::{self, Write, stderr};
use std::panic;
use std::process;
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crossbeam::channel::bounded;
use nix::sys::signal::{SigSet, SigmaskHow, pthread_sigmask};

use crate::limits::{THREAD_SETTLE_LIMIT, THREAD_STACK_BYTES};
use crate::trace::tracer::is_born;

/// Exit code of a process that was refused a thread while a library started several.
pub const REFUSED_EXIT: i32 = 1;

/// The system allows not even one worker.
#[derive(Debug, thiserror::Error)]
#[error("none of {wanted} workers can be started: {cause}")]
pub struct NoWorker {
    /// How many were asked for.
    pub wanted: usize,
    /// What the system said.
    pub cause: io::Error,
}

impl From<NoWorker> for io::Error {
    fn from(error: NoWorker) -> Self {
        io::Error::new(error.cause.kind(), error)
    }
}

/// Starts a thread that stands beside those that serve, for as long as the process lives. Signals are not for it, but
/// for the threads whose calls they interrupt.
///
/// # Errors
/// When the system refuses the thread.
pub fn beside(name: &str, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    // A thread inherits the mask of its maker.
    let usual = SigSet::thread_get_mask()?;
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None)?;
    let started = thread::Builder::new().name(name.into()).stack_size(THREAD_STACK_BYTES).spawn(work);
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&usual), None)?;
    started.map(drop)
}

/// Starts a thread for each place below `wanted`, until the system refuses one. `worker` makes what the thread of a
/// place runs.
///
/// # Returns
/// The threads that run; there are fewer than `wanted` where the system does not allow more.
///
/// # Errors
/// [`NoWorker`], when it allows none.
pub fn start<'scope, R, W>(
    scope: &'scope Scope<'scope, '_>,
    wanted: usize,
    stack_bytes: usize,
    worker: impl Fn(usize) -> W,
) -> io::Result<Vec<ScopedJoinHandle<'scope, R>>>
where
    R: Send + 'scope,
    W: FnOnce() -> R + Send + 'scope,
{
    let mut threads = Vec::with_capacity(wanted);
    for place in 0..wanted {
        let work = worker(place);
        let work = move || {
            is_born();
            work()
        };
        match thread::Builder::new().stack_size(stack_bytes).spawn_scoped(scope, work) {
            Ok(thread) => threads.push(thread),
            Err(cause) if place == 0 => return Err(NoWorker { wanted, cause }.into()),
            Err(_) => break,
        }
    }
    Ok(threads)
}

/// How many of `wanted` threads the system would start now: for a library that starts its threads itself and does not
/// survive a refusal. It starts them, ends them, and returns when the system has counted their end.
///
/// # Errors
/// As [`start`].
pub fn probe(wanted: usize) -> io::Result<usize> {
    let before = living();
    let allowed = thread::scope(|scope| {
        // All threads wait until the only sender is dropped, at the end of this closure.
        let (_open, end) = bounded::<()>(0);
        let waiter = |_| {
            let end = end.clone();
            move || end.recv().unwrap_or_default()
        };
        start(scope, wanted, THREAD_STACK_BYTES, waiter).map(|threads| threads.len())
    })?;
    let deadline = Instant::now() + THREAD_SETTLE_LIMIT;
    while living() > before && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    Ok(allowed)
}

/// Runs `start`, which starts the threads of a library and panics when one is refused. [`probe`] has made that
/// unlikely, but another process may have taken the places since. The process then ends with [`REFUSED_EXIT`]: it has
/// nothing to serve with, and a library that has started some of its threads may wait for them for ever while it
/// unwinds.
pub fn or_exit<T>(start: impl FnOnce() -> T) -> T {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(|panic| {
        let reason = panic.payload_as_str().unwrap_or("a thread is refused");
        // Standard error may be closed.
        let _ = writeln!(
            stderr(),
            "cannot start, the system allows fewer threads (ulimit -u, pids.max) than just now: {reason}"
        );
        process::exit(REFUSED_EXIT);
    }));
    let started = start();
    panic::set_hook(usual);
    started
}

/// The threads of this process; without /proc, none.
fn living() -> usize {
    fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

//! How a forked worker hears that there is an order for one of its requests: by SIGURG, whose handler rings what the
//! worker waits by, and shuts connections down whose requests are cancelled before they have come whole.
//!
//! SIGURG is the signal of urgent data, and the only one of the classical signals, beside SIGCHLD and SIGWINCH, that a
//! process ignores unless it asks for it: one that has ended its part in this loses nothing by a late one.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

use nix::errno::Errno;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, sigaction};
use nix::unistd::Pid;

/// The eventfd(2) by which the only thread of this process waits; -1: it has not waited yet.
static BELL: AtomicI32 = AtomicI32::new(-1);

/// What is done before the bell is rung.
static OBEY: OnceLock<fn()> = OnceLock::new();

/// From now on SIGURG ends a wait; `obey` is called before, in the signal handler, and must be async-signal-safe. Call
/// it before the first worker is forked.
///
/// # Errors
/// When sigaction(2) is refused.
pub fn install(obey: fn()) -> io::Result<()> {
    OBEY.get_or_init(|| obey);
    // Without SA_RESTART, so that a call that blocks returns.
    let ring = SigAction::new(SigHandler::Handler(on_urgent), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler touches only atomics and enters the kernel by calls that are async-signal-safe.
    unsafe { sigaction(Signal::SIGURG, &ring)? };
    Ok(())
}

/// A thread of this process waits by `bell`, which stays open as long as the thread. Where several do, nobody is called
/// by a signal.
pub fn hang(bell: BorrowedFd<'_>) {
    BELL.store(bell.as_raw_fd(), SeqCst);
}

/// Calls a worker. One that has ended is not there to be called.
pub fn ring(worker: Pid) {
    let _ = kill(worker, Signal::SIGURG);
}

/// Runs in the signal handler: atomics and async-signal-safe calls only.
extern "C" fn on_urgent(_signal: libc::c_int) {
    let bell = BELL.load(SeqCst);
    let errno = Errno::last_raw();
    if let Some(obey) = OBEY.get() {
        obey();
    }
    let one: u64 = 1;
    // SAFETY: write(2) of 8 bytes from a live local; a number that is not open gives an error, which is ignored.
    unsafe { libc::write(bell, (&raw const one).cast(), size_of::<u64>()) };
    Errno::set_raw(errno);
}

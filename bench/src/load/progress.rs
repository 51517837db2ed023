//! The start of a run, told, and ending it early.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::exit::Failure;

/// The line by which a run reports its start: all connections are open, and requests begin to fall due.
pub(crate) const STARTED: &str = "started";

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

extern "C" fn stop(_signal: libc::c_int) {
    // One atomic store: safe inside a signal handler.
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// Whether the user has asked for the end; whoever watches a run passes it on.
pub(crate) fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// From now on Ctrl-C, SIGTERM and SIGHUP (a lost terminal) end the run early, and the measurements so far are
/// reported; a second signal ends the program.
///
/// # Errors
/// When the system does not allow signal handlers.
pub(crate) fn stop_on_signals() -> Result<(), Failure> {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
    let action = SigAction::new(
        SigHandler::Handler(stop),
        SaFlags::SA_RESETHAND | SaFlags::SA_RESTART,
        SigSet::empty(),
    );
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let say = |e| Failure::failed(format!("cannot handle {signal}: {e}"), "");
        // SAFETY: the handler does nothing but store into an atomic.
        let before = unsafe { sigaction(signal, &action) }.map_err(say)?;
        if signal == Signal::SIGHUP && matches!(before.handler(), SigHandler::SigIgn) {
            // `nohup` has asked for it.
            // SAFETY: the action is the one that was there before.
            unsafe { sigaction(signal, &before) }.map_err(say)?;
        }
    }
    Ok(())
}

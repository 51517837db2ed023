//! Starts and reaps processes.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering::SeqCst};

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{
    SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, kill, sigaction, sigprocmask,
};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork, getpid, getppid};

use super::memory::{MemoryBudget, become_child};
use super::site::Site;
use crate::limits::MAX_PROCESSES;
use crate::trace::tracer;

/// Starts a child that does `work` and exits. It must be called while the process has only one thread: fork(2) copies
/// only the calling thread, and locks that other threads held would stay locked in the child for ever. The thread of a
/// [control port](crate::control::door) may be there, because it takes no lock that a child needs.
///
/// The child does not outlive its parent, however that ends. A child that is stopped by itself leaves the listener
/// alone, because other processes share it.
///
/// What the child holds of the [memory](super::memory) is counted under its `place`; whoever reaps the child has to
/// [bury](super::memory::MemoryBudget::bury) that.
///
/// # Errors
/// When the kernel has no room for one more process (EAGAIN, ENOMEM).
pub fn start(site: &Site, place: usize, work: impl FnOnce()) -> io::Result<Pid> {
    let parent = getpid();
    // A child that is started while the server stops inherits the stop request. The parent then asks it to stop once
    // more; if the child were not marked as a worker by then, this would be its second signal, and would end it at
    // once.
    let asks = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&asks), None)?;
    // SAFETY: the process has one thread; the callers promise it, and `dyno serve` starts none before but that of a
    // control port, which takes no lock that a child needs: the C library's own allocator is safe to use after fork(2).
    let forked = unsafe { fork() };
    if matches!(forked, Ok(ForkResult::Child)) {
        site.stop.become_worker();
    }
    sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&asks), None)
        .expect("sigprocmask(2) fails for bad arguments only");
    match forked? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            become_child(place);
            tracer::become_child();
            let _ = prctl::set_pdeathsig(Signal::SIGKILL);
            // The parent may have died before prctl(2) took effect.
            let orphaned = getppid() != parent;
            let worked = !orphaned && catch_unwind(AssertUnwindSafe(work)).is_ok();
            tracer::is_gone();
            // Not exit(3): the child must not run what the parent registered to run at its own exit.
            // SAFETY: _exit(2) does not return.
            unsafe { libc::_exit(i32::from(!worked)) }
        }
    }
}

/// Asks a child to stop. A child that has ended already is ignored.
pub fn ask_to_stop(child: Pid) {
    let _ = kill(child, Signal::SIGTERM);
}

/// Whether a child ended by a signal or with a failure.
pub fn is_crash(status: WaitStatus) -> bool {
    matches!(status, WaitStatus::Signaled(..)) || matches!(status, WaitStatus::Exited(_, code) if code != 0)
}

/// Children that nobody waits for one by one: the handler of SIGCHLD reaps them, as in UNP 5.9, and counts them.
///
/// The table is static because a signal handler has no other way to reach it.
static CHILDREN: [AtomicI32; MAX_PROCESSES] = [const { AtomicI32::new(0) }; MAX_PROCESSES];
static LIVING: AtomicUsize = AtomicUsize::new(0);
static CRASHED: AtomicUsize = AtomicUsize::new(0);
static MEMORY: OnceLock<&'static MemoryBudget> = OnceLock::new();

/// The children of a server that starts one for each connection.
#[derive(Debug)]
pub struct Children {
    /// So many of those that died have been swept up after.
    swept: AtomicUsize,
}

impl Children {
    /// From now on, children are reaped as soon as they end, and `memory` gets back what they held.
    ///
    /// # Errors
    /// When sigaction(2) is refused.
    pub fn reaped_by_signal(memory: &'static MemoryBudget) -> io::Result<Children> {
        MEMORY.get_or_init(|| memory);
        let action = SigAction::new(SigHandler::Handler(on_child), SaFlags::SA_RESTART, SigSet::empty());
        // SAFETY: the handler touches only atomics and waitpid(2), which is async-signal-safe.
        unsafe { sigaction(Signal::SIGCHLD, &action)? };
        Ok(Children { swept: AtomicUsize::new(0) })
    }

    /// How many children are alive.
    pub fn living(&self) -> usize {
        LIVING.load(SeqCst)
    }

    /// Starts one more child, see [`start`].
    ///
    /// # Errors
    /// When there is no room for it in the table or in the kernel.
    pub fn start(&self, site: &Site, work: impl FnOnce()) -> io::Result<()> {
        let crashed = CRASHED.load(SeqCst);
        if self.swept.swap(crashed, SeqCst) != crashed {
            site.services.sweep();
        }
        // SIGCHLD is blocked meanwhile: a child that ended before it was entered into the table would occupy its
        // place for ever.
        let chld = SigSet::from(Signal::SIGCHLD);
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&chld), None)?;
        let result = self.start_blocked(site, work);
        sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&chld), None)?;
        result
    }

    fn start_blocked(&self, site: &Site, work: impl FnOnce()) -> io::Result<()> {
        let place = CHILDREN.iter().position(|place| place.load(SeqCst) == 0);
        let place = place.ok_or(io::ErrorKind::QuotaExceeded)?;
        let child = start(site, place, work)?;
        CHILDREN[place].store(child.as_raw(), SeqCst);
        LIVING.fetch_add(1, SeqCst);
        Ok(())
    }

    /// Asks all children to stop and waits until they have. Each child keeps the drain limit by itself.
    ///
    /// # Returns
    /// How many children have ended by a signal or with a failure, now and before.
    ///
    /// # Errors
    /// When sigaction(2) is refused.
    pub fn stop_all(self) -> io::Result<usize> {
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        // SAFETY: the default disposition runs no code of ours.
        unsafe { sigaction(Signal::SIGCHLD, &default)? };
        for child in CHILDREN.iter().map(|place| place.load(SeqCst)).filter(|&child| child != 0) {
            ask_to_stop(Pid::from_raw(child));
        }
        let mut crashed = CRASHED.load(SeqCst);
        loop {
            match waitpid(None, None) {
                Ok(status) => crashed += usize::from(is_crash(status)),
                // No child is left.
                Err(Errno::ECHILD) => return Ok(crashed),
                // EINTR: the tick of the stop switch.
                Err(_) => {}
            }
        }
    }
}

/// Runs in the signal handler: atomics and async-signal-safe calls only.
extern "C" fn on_child(_signal: libc::c_int) {
    let errno = Errno::last_raw();
    loop {
        let mut status = 0;
        // SAFETY: waitpid(2) writes to a live local.
        let child = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
        if child <= 0 {
            break;
        }
        if let Some(place) = CHILDREN.iter().position(|place| place.load(SeqCst) == child) {
            if let Some(memory) = MEMORY.get() {
                memory.bury(place);
            }
            CHILDREN[place].store(0, SeqCst);
            LIVING.fetch_sub(1, SeqCst);
        }
        CRASHED.fetch_add(usize::from(status != 0), SeqCst);
    }
    Errno::set_raw(errno);
}

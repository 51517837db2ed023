//! Turns a signal into an orderly end.
//!
//! The first SIGTERM, SIGINT or SIGHUP asks the server to drain; a SIGTERM or SIGINT after it ends the process at
//! once. A SIGHUP after it changes nothing, because a terminal that is closed may send several. Everything that must
//! happen immediately happens in the signal handler, with calls that signal-safety(7) allows. So a server stops in
//! the same way whether it has one thread, a thousand, or none to spare:
//!
//! * the listener is shut down as soon as its queue is empty, so that a blocked accept(2) returns and no connection in
//!   the queue is lost; after a grace it is shut down in any case;
//! * connections that wait for their next request are shut down for reading, so that a blocked read(2) returns 0;
//! * an eventfd becomes readable and stays so, which is what readiness loops watch;
//! * an interval timer interrupts all other blocking calls, and past the drain limit cuts every connection.
//!
//! A listener that other processes hold as well, be it a superserver or a successor, is not shut: they go on with it
//! and with its queue.
//!
//! The handler finds connections in a table indexed by descriptor (`marks.rs`). The blocking driver and the tasks
//! mark their connections there; a loop need not, because it watches the eventfd and ends its connections itself.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::PollFlags;
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::marks::{Mark, Marks, Wake};
use super::wait::until_ready;
use crate::limits::{ACCEPT_GRACE, CUT_GRACE, STOP_TICK};
use crate::shared::{Shared, monotonic_ns};

/// Exit code of a process that got a second stop signal.
pub const SECOND_SIGNAL_EXIT: i32 = 130;

/// Exit code of a process whose services did not return even after their connections were cut.
pub const STUCK_EXIT: i32 = 1;

/// The stop switch of this process. There is one, because signals belong to the process.
#[derive(Debug)]
pub struct Stop {
    requested_at_ns: AtomicU64,
    drain: Duration,
    event: OwnedFd,
    listener: AtomicI32,
    is_worker: AtomicBool,
    /// Whether others go on with the listener, see the constants; workers that were forked know it as well.
    leaves_listener: Shared<AtomicU64>,
    marks: Marks,
}

/// The listener belongs to this server alone.
const KEPT: u64 = 0;

/// Others go on with it when this server stops.
const SHARED: u64 = 1;

/// A successor goes on with it now.
const GIVEN: u64 = 2;

static STOP: OnceLock<Stop> = OnceLock::new();

impl Stop {
    /// Installs the handlers of SIGTERM, SIGINT, SIGHUP and SIGALRM, and ignores SIGPIPE. A SIGHUP that is ignored
    /// already, as nohup(1) has it, stays ignored. Call it once, before any thread.
    ///
    /// # Errors
    /// When a system call is refused, or when the switch was installed before.
    pub fn install(drain: Duration, max_descriptors: usize) -> io::Result<&'static Stop> {
        STOP.set(Stop::new(drain, max_descriptors)?)
            .map_err(|_| io::Error::other("the stop switch is installed already"))?;
        // Without SA_RESTART, so that a call that blocks returns when the server stops.
        let ask = SigAction::new(SigHandler::Handler(on_stop), SaFlags::empty(), SigSet::empty());
        let tick = SigAction::new(SigHandler::Handler(on_tick), SaFlags::empty(), SigSet::empty());
        let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
        // SAFETY: both handlers touch only atomics and async-signal-safe system calls.
        unsafe {
            sigaction(Signal::SIGTERM, &ask)?;
            sigaction(Signal::SIGINT, &ask)?;
            // A closed terminal must not cost requests; what was started by nohup(1) goes on.
            if matches!(sigaction(Signal::SIGHUP, &ask)?.handler(), SigHandler::SigIgn) {
                sigaction(Signal::SIGHUP, &ignore)?;
            }
            sigaction(Signal::SIGALRM, &tick)?;
            sigaction(Signal::SIGPIPE, &ignore)?;
        }
        Ok(STOP.get().expect("set above"))
    }

    fn new(drain: Duration, max_descriptors: usize) -> io::Result<Stop> {
        let event = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Stop {
            requested_at_ns: AtomicU64::new(0),
            drain,
            event: event.into(),
            listener: AtomicI32::new(-1),
            is_worker: AtomicBool::new(false),
            leaves_listener: Shared::new(1)?,
            marks: Marks::new(max_descriptors),
        })
    }

    /// Sets the listener that the handler shuts down; `None`: no listener.
    pub fn own_listener(&self, listener: Option<BorrowedFd<'_>>) {
        self.listener.store(listener.map_or(-1, |fd| fd.as_raw_fd()), SeqCst);
    }

    /// From now on the listener belongs to others as well: a stop does not shut it.
    pub fn leave_listener(&self) {
        self.leaves_listener[0].store(SHARED, SeqCst);
    }

    /// From now on the listener belongs to this server alone.
    pub fn keep_listener(&self) {
        self.leaves_listener[0].store(KEPT, SeqCst);
    }

    /// Whether others go on with the listener.
    pub fn leaves_listener(&self) -> bool {
        self.leaves_listener[0].load(SeqCst) != KEPT
    }

    /// [Leaves the listener](Self::leave_listener) to a successor, unless the server was asked to stop before: then
    /// it may have shut it. A stop that is requested later finds the listener left.
    ///
    /// # Returns
    /// Whether the successor may have it.
    pub fn gives_listener(&self) -> bool {
        self.leaves_listener[0].store(GIVEN, SeqCst);
        if self.is_requested() {
            self.keep_listener();
        }
        self.has_given_listener()
    }

    /// Whether a successor goes on with the listener. Workers learn that before they are asked to stop.
    pub fn has_given_listener(&self) -> bool {
        self.leaves_listener[0].load(SeqCst) == GIVEN
    }

    /// Makes this process a worker of the process that was started. A worker leaves the listener alone, because its
    /// siblings share it, and takes a second stop signal for a repetition of the first: a terminal and a service
    /// manager signal the whole group, and then the parent asks its workers once more. A worker also ends when its
    /// parent does.
    pub fn become_worker(&self) {
        self.own_listener(None);
        self.is_worker.store(true, SeqCst);
    }

    /// Asks the server to stop, as the first signal does; nothing happens when it was asked before.
    pub fn request(&self) {
        if self.marks.request() {
            self.begin();
        }
    }

    /// What must happen at once. Async-signal-safe.
    fn begin(&self) {
        self.requested_at_ns.store(monotonic_ns().max(1), SeqCst);
        self.shut_listener();
        self.marks.for_each(Mark::Idle, |descriptor| shut(descriptor as RawFd, libc::SHUT_RD));
        let one: u64 = 1;
        let tick = libc::timeval { tv_sec: 0, tv_usec: STOP_TICK.subsec_micros().into() };
        let timer = libc::itimerval { it_interval: tick, it_value: tick };
        // SAFETY: write(2) of 8 bytes from a live local, and setitimer(2) with a live local; both only enter the
        // kernel.
        unsafe {
            libc::write(self.event.as_raw_fd(), (&raw const one).cast(), size_of::<u64>());
            libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut());
        }
    }

    /// Whether the server was asked to stop.
    pub fn is_requested(&self) -> bool {
        self.marks.is_requested()
    }

    /// Whether connections that have arrived before the stop may still be accepted; always, while no stop was
    /// requested.
    pub fn may_accept(&self) -> bool {
        !self.is_requested() || self.stopping_for() < ACCEPT_GRACE
    }

    /// For how long the server has been stopping. The request is marked first and its time is written down then; who
    /// looks in between sees a stop that has just begun.
    fn stopping_for(&self) -> Duration {
        match self.requested_at_ns.load(SeqCst) {
            0 => Duration::ZERO,
            since_ns => Duration::from_nanos(monotonic_ns().saturating_sub(since_ns)),
        }
    }

    /// Shuts the listener down if nobody waits in its queue, or if that has taken long enough.
    fn shut_listener(&self) {
        let listener = self.listener.load(SeqCst);
        if listener >= 0 && !self.leaves_listener() && (!self.may_accept() || !has_waiting(listener)) {
            shut(listener, libc::SHUT_RD);
        }
    }

    /// When connections that are still open will be cut; `None` while no stop was requested.
    pub fn deadline(&self) -> Option<Instant> {
        if self.requested_at_ns.load(SeqCst) == 0 {
            return None;
        }
        Some(Instant::now() + self.drain.saturating_sub(self.stopping_for()))
    }

    /// Marks a connection for the handler. Marking it idle after the stop was requested wakes it at once.
    pub fn mark(&self, connection: BorrowedFd<'_>, mark: Mark) {
        let descriptor = connection.as_raw_fd();
        let Ok(place) = usize::try_from(descriptor) else { return };
        if self.marks.mark(place, mark) == Wake::Now {
            shut(descriptor, libc::SHUT_RD);
        }
    }

    /// Whether the drain limit has passed: nobody gets an answer any more.
    pub fn is_over(&self) -> bool {
        self.is_requested() && self.stopping_for() >= self.drain
    }

    /// Waits for `time`, as a back end has it wait; a stopping server waits for none beyond its drain limit.
    pub fn sleep(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.is_requested() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.wait(left);
        }
        let end = self.deadline().map_or(end, |deadline| deadline.min(end));
        thread::sleep(end.saturating_duration_since(Instant::now()));
    }

    /// Waits for the stop signal, at most for `pause`.
    pub fn wait(&self, pause: Duration) {
        // An interrupted wait is only a shorter one.
        let _ = until_ready(self.event.as_fd(), PollFlags::POLLIN, pause);
    }
}

/// Readable from the stop request on, and never reset.
impl AsFd for Stop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

/// Runs in the signal handler: atomics and async-signal-safe calls only.
extern "C" fn on_stop(signal: libc::c_int) {
    let Some(stop) = STOP.get() else { return };
    if !stop.marks.request() && !stop.is_worker.load(SeqCst) {
        if signal == libc::SIGHUP {
            return;
        }
        // SAFETY: _exit(2) is async-signal-safe and does not return.
        unsafe { libc::_exit(SECOND_SIGNAL_EXIT) };
    }
    let errno = nix::errno::Errno::last_raw();
    stop.begin();
    nix::errno::Errno::set_raw(errno);
}

/// Runs in the signal handler. It interrupts a blocked call by running at all; then it enforces the drain limit.
extern "C" fn on_tick(_signal: libc::c_int) {
    let Some(stop) = STOP.get() else { return };
    // Any process may send SIGALRM; before the stop it means nothing.
    if stop.requested_at_ns.load(SeqCst) == 0 {
        return;
    }
    let errno = nix::errno::Errno::last_raw();
    stop.shut_listener();
    let stopping = stop.stopping_for();
    if stopping >= stop.drain + CUT_GRACE {
        // SAFETY: as in `on_stop`.
        unsafe { libc::_exit(STUCK_EXIT) };
    }
    if stopping >= stop.drain {
        stop.marks.for_each(Mark::Busy, |descriptor| shut(descriptor as RawFd, libc::SHUT_RDWR));
    }
    nix::errno::Errno::set_raw(errno);
}

/// Whether a connection waits in the queue of the listener. Async-signal-safe.
pub fn has_waiting(listener: RawFd) -> bool {
    let mut watched = libc::pollfd { fd: listener, events: libc::POLLIN, revents: 0 };
    // SAFETY: poll(2) with a live local and without a wait; a number that is no socket gives POLLNVAL.
    unsafe { libc::poll(&raw mut watched, 1, 0) == 1 && watched.revents == libc::POLLIN }
}

fn shut(descriptor: RawFd, how: i32) {
    // SAFETY: shutdown(2) only enters the kernel; a number that is no longer a socket gives an error, which is
    // ignored.
    unsafe { libc::shutdown(descriptor, how) };
}

/// Makes an owned descriptor of one that the kernel has just returned.
///
/// # Safety
/// `descriptor` must be open and have no other owner.
pub unsafe fn own(descriptor: RawFd) -> OwnedFd {
    // SAFETY: the caller's promise.
    unsafe { OwnedFd::from_raw_fd(descriptor) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_whose_time_is_not_written_down_yet_has_just_begun() {
        let stop = Stop::new(Duration::from_secs(5), 8).unwrap();
        assert!(stop.may_accept() && !stop.is_over() && stop.deadline().is_none(), "nobody has asked");
        assert!(stop.marks.request(), "a thread may look between this and the next step of the handler");
        assert!(stop.is_requested() && stop.may_accept() && !stop.is_over());
        stop.requested_at_ns.store(1, SeqCst);
        assert!(!stop.may_accept() && stop.is_over(), "that was long ago");
    }
}

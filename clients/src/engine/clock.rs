//! The clock of a run, and waiting on it to the microsecond.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::time::ClockId as ReadClockId;

use crate::limits::{POLL_GRAIN_NS, POLL_MAX, PREEMPTIONS_MAX, SPIN_FIRST_NS};

/// Token of the timer among the events of a thread; connections have the numbers below.
pub const TIMER: Token = Token(usize::MAX - 1);

/// The monotonic clock, ns.
///
/// # Panics
/// When the system has no monotonic clock, which Linux always has.
#[inline]
pub fn monotonic_ns() -> u64 {
    let now = ReadClockId::CLOCK_MONOTONIC.now().expect("Linux has a monotonic clock");
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}

/// ns since the start of the run.
#[derive(Debug, Clone, Copy)]
pub struct EngineClock {
    start_ns: u64,
}

impl EngineClock {
    /// A run that starts at `start_ns` of [`monotonic_ns`].
    pub fn starting_at(start_ns: u64) -> Self {
        EngineClock { start_ns }
    }

    /// A time of the run on the monotonic clock, ns.
    pub fn monotonic_ns(&self, run_ns: u64) -> u64 {
        self.start_ns + run_ns
    }

    /// A time of the monotonic clock in the run; 0 before the start.
    pub fn run_ns(&self, monotonic_ns: u64) -> u64 {
        monotonic_ns.saturating_sub(self.start_ns)
    }

    /// Now; 0 before the start.
    #[inline]
    pub fn now_ns(&self) -> u64 {
        monotonic_ns().saturating_sub(self.start_ns)
    }
}

/// Waits for events or for a time, whichever comes first.
///
/// It sleeps on a timer descriptor, which takes nanoseconds (epoll_wait takes milliseconds), until a short stretch
/// before the time, and spins that last stretch while it still looks for events. The stretch follows the machine: it
/// grows when a wake-up came too late, as idle cores of virtual machines do, and shrinks slowly again.
#[derive(Debug)]
pub struct Sleeper {
    timer: TimerFd,
    armed_ns: u64,
    spin_max_ns: u64,
    spin_ns: u64,
    preempted: u64,
}

impl Sleeper {
    /// Registers its timer with `poll`. It never spins longer than `spin_max_ns` at a time.
    ///
    /// # Errors
    /// What the system says.
    pub fn new(poll: &Poll, spin_max_ns: u64) -> io::Result<Self> {
        // For every wait that goes by a time-out and not by the timer descriptor: prctl(2), PR_SET_TIMERSLACK.
        nix::sys::prctl::set_timerslack(1)?;
        let timer =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        poll.registry().register(&mut SourceFd(&timer.as_fd().as_raw_fd()), TIMER, Interest::READABLE)?;
        let spin_ns = SPIN_FIRST_NS.min(spin_max_ns);
        Ok(Sleeper { timer, armed_ns: 0, spin_max_ns, spin_ns, preempted: 0 })
    }

    /// Waits from `now_ns` on for events, for the time `due_ns` (to the microsecond), or for `mark_ns` (to the
    /// millisecond).
    ///
    /// # Errors
    /// What the system says; an interruption by a signal is no error.
    pub fn wait(
        &mut self,
        poll: &mut Poll,
        events: &mut Events,
        clock: &EngineClock,
        now_ns: u64,
        due_ns: u64,
        mark_ns: u64,
    ) -> io::Result<()> {
        // A time-out of the poller is rounded up to a millisecond, so it serves only where nothing is due soon after.
        if due_ns >= mark_ns.saturating_add(POLL_GRAIN_NS) {
            return ignore_interruption(
                poll.poll(events, Some(Duration::from_nanos(mark_ns.saturating_sub(now_ns)))),
            );
        }
        if due_ns > now_ns + self.spin_ns {
            let wake_ns = clock.start_ns + (due_ns - self.spin_ns).min(mark_ns.max(now_ns));
            if self.armed_ns != wake_ns {
                self.armed_ns = wake_ns;
                let at = TimeSpec::from_duration(Duration::from_nanos(wake_ns));
                self.timer.set(Expiration::OneShot(at), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
            }
            ignore_interruption(poll.poll(events, Some(POLL_MAX)))?;
            if clock.now_ns() > due_ns {
                self.spin_ns = (self.spin_ns * 2).max(SPIN_FIRST_NS).min(self.spin_max_ns);
            }
            return Ok(());
        }
        loop {
            ignore_interruption(poll.poll(events, Some(Duration::ZERO)))?;
            if !events.is_empty() || clock.now_ns() >= due_ns {
                return Ok(());
            }
            std::hint::spin_loop();
        }
    }

    /// Adapts the spin to the company: who is preempted while spinning shares the core with somebody who needs it.
    /// `involuntary` is the thread's sum of involuntary context switches, asked at even intervals.
    pub fn yield_to_company(&mut self, involuntary: u64) {
        let fresh = involuntary - self.preempted.min(involuntary);
        self.preempted = involuntary;
        let first_ns = SPIN_FIRST_NS.min(self.spin_max_ns);
        self.spin_ns = if fresh >= PREEMPTIONS_MAX {
            self.spin_ns / 2
        } else if self.spin_ns < first_ns {
            (self.spin_ns + first_ns / 8).min(first_ns)
        } else {
            (self.spin_ns - self.spin_ns / 64).max(first_ns)
        };
    }
}

fn ignore_interruption(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(()),
        other => other,
    }
}

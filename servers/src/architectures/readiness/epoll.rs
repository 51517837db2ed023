//! # Idea
//! One thread serves all clients, and the kernel remembers which descriptors to watch: it is told once for each, and
//! afterwards it reports only those that are ready.
//!
//! # Picture
//! ```text
//!   accept -> epoll_ctl(add)          kernel: [ ready list ]
//!                                              |
//!             epoll_wait <---------------------+ -> serve the ready ones, again
//! ```
//!
//! # Price
//! O(ready), however many connections are idle. There is one system call for each new connection and one wait for
//! each batch; the rest is read and write, which no design avoids. Events are edge-triggered, that is, reported once:
//! the loop reads until a read returns less than there was room for.
//!
//! # Shines
//! With ten thousand idle clients and a few busy ones. The higher the load, the larger the batches and the cheaper
//! each request.
//!
//! # Breaks
//! With a service that computes or blocks: meanwhile all other connections wait. And one thread uses one core.
//! Overload control: see [the loop](super).
//!
//! # Lineage
//! Banga, Mogul, Druschel, *A Scalable and Explicit Event Delivery Mechanism for UNIX* (1999); kqueue (2000); Linux
//! 2.5.44 (2002). nginx, redis, libevent. Here through mio, which offers the same interface over kqueue.
//!
//! # Question
//! Events are edge-triggered. The loop reads 100 of the 200 bytes that have come and goes back to wait. What
//! happens?
//!
//! <details><summary>Answer</summary>
//!
//! It waits for ever if the client waits for its answer. The kernel reports the change from empty to not
//! empty once, and it was reported. Therefore the loop reads until there is no more to read.
//!
//! </details>

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Poll, Token};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::selector::{Interest, Ready, Selector};
use crate::drivers::workers::Alone;
use crate::kit::shortage::get_over_io;
use crate::kit::site::Site;
use crate::limits::{EVENTS_PER_WAIT, MAX_CONNECTIONS};

/// One thread, epoll.
pub const EPOLL: Architecture = Architecture {
    name: "epoll",
    idea: "one thread, epoll over all connections",
    family: Family::Readiness,
    concurrency: Concurrency::Many,
    anatomy: Anatomy {
        waits_by: WaitsBy::Epoll,
        served_by: ServedBy::Loops,
        started: Started::Nothing,
        hand_overs: HandOvers::Never,
        shares: Shares::Nothing,
    },
    wall: "one core; a service that computes makes everybody wait",
    knobs: &[Knob::MaxConnections],
    defaults: |_| Defaults { workers: 1, max_connections: MAX_CONNECTIONS, queue_places: 0 },
    source: include_str!("epoll.rs"),
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    let tally = site.tallies.of(0);
    super::run(Epoll::new()?, site, &site.listener, tally, &mut Alone { site, tally }, || site.ready(1))
}

/// An epoll instance, edge-triggered.
pub struct Epoll {
    poll: Poll,
    events: Events,
    /// For short waits: epoll_wait(2) counts in milliseconds, but the wait for a modelled back end is given in
    /// microseconds.
    alarm: TimerFd,
}

/// The token of the alarm.
const ALARM: Token = Token(usize::MAX - 3);

/// Waits shorter than this use the alarm; longer ones are deadlines, where a millisecond does not matter.
const ALARM_MAX: Duration = Duration::from_millis(100);

impl Selector for Epoll {
    fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let alarm =
            TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        let descriptor = alarm.as_fd().as_raw_fd();
        poll.registry().register(&mut SourceFd(&descriptor), ALARM, mio::Interest::READABLE)?;
        Ok(Epoll { poll, events: Events::with_capacity(EVENTS_PER_WAIT), alarm })
    }

    unsafe fn add(&mut self, descriptor: BorrowedFd<'_>, token: usize) -> io::Result<()> {
        self.poll.registry().register(
            &mut SourceFd(&descriptor.as_raw_fd()),
            Token(token),
            mio::Interest::READABLE,
        )
    }

    unsafe fn change(
        &mut self,
        descriptor: BorrowedFd<'_>,
        token: usize,
        interest: Interest,
    ) -> io::Result<()> {
        // An edge that nothing waits for costs nothing, so going back to reading needs no call.
        if interest != Interest::Write {
            return Ok(());
        }
        // Even if there is already room in the socket's buffer, this call reports it again (epoll_ctl(2),
        // EPOLL_CTL_MOD).
        let both = mio::Interest::READABLE | mio::Interest::WRITABLE;
        self.poll.registry().reregister(&mut SourceFd(&descriptor.as_raw_fd()), Token(token), both)
    }

    fn remove(&mut self, _descriptor: BorrowedFd<'_>) {
        // Closing the descriptor removes it (epoll(7)): no other descriptor refers to the connection.
    }

    fn forget(&mut self, descriptor: BorrowedFd<'_>) {
        // A descriptor that is not watched needs no forgetting.
        let _ = self.poll.registry().deregister(&mut SourceFd(&descriptor.as_raw_fd()));
    }

    fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        let precise = timeout.is_some_and(|timeout| !timeout.is_zero() && timeout < ALARM_MAX);
        let limit = match timeout {
            Some(timeout) if precise => {
                self.alarm.set(Expiration::OneShot(timeout.into()), TimerSetTimeFlags::empty())?;
                None
            }
            timeout => timeout,
        };
        if let Err(error) = self.poll.poll(&mut self.events, limit) {
            // mio has put nothing into the list.
            self.events.clear();
            get_over_io(error, timeout)?;
        }
        let others = self.events.iter().filter(|event| event.token() != ALARM);
        ready.extend(others.map(|event| Ready {
            token: event.token().0,
            ended: event.is_read_closed() || event.is_error(),
            gone: event.is_write_closed() || event.is_error(),
        }));
        Ok(())
    }
}

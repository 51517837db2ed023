//! Carrying one connection by calls that wait: the thread that serves it is occupied until the connection ends.
//!
//! What waiting means is left to the [`Wire`]: a kernel thread waits in read(2), a coroutine by letting others run.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::thread;
use std::time::Duration;

use super::session::{DriverStep, Session};
use crate::kit::call::call;
use crate::kit::clock::Clock;
use crate::kit::site::Site;
use crate::kit::stop::{Mark, Stop};
use crate::kit::tally::Tally;

/// A connection to wait on.
pub trait Wire {
    /// Waits for octets, hardly longer than `timeout`; 0 is the end of what the peer sends. `idle`: the peer owes
    /// nothing, and a stopping server may end the wait (with 0).
    ///
    /// # Errors
    /// [`io::ErrorKind::WouldBlock`] when timeout may be at its end, anything else when the connection is broken.
    fn read(&mut self, into: &mut [u8], timeout: Duration, idle: bool) -> io::Result<usize>;

    /// Waits until some of `octets` are on their way.
    ///
    /// # Errors
    /// As [`Wire::read`].
    fn write(&mut self, octets: &[u8], timeout: Duration) -> io::Result<usize>;

    /// Waits for a modelled back end.
    fn sleep(&mut self, wait: Duration);

    /// Tells the peer that nothing more will come.
    fn shut(&mut self);
}

/// Serves one connection until it ends.
pub fn serve(wire: &mut impl Wire, site: &Site, tally: &Tally) {
    let mut clock = Clock::new();
    let mut session = Session::new(site, tally, clock.now());
    // A broken connection is the peer's affair and has been counted; there is nobody left to tell.
    let _ = converse(wire, &mut session, &mut clock, site, tally);
}

fn converse(
    wire: &mut impl Wire,
    session: &mut Session<'_>,
    clock: &mut Clock,
    site: &Site,
    tally: &Tally,
) -> io::Result<()> {
    loop {
        while let Some(request) = session.next_request() {
            let reply = call(site, &request, tally);
            if let Some(wait) = reply.wait {
                wire.sleep(wait);
            }
            clock.tick();
            session.respond(reply.response, clock);
        }
        if site.stop.is_requested() {
            session.finish(clock.now());
        }
        let now = clock.now();
        let step = session.next_step(now);
        let time_left =
            session.deadline().map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(now));
        let moved = match step {
            DriverStep::Close => return Ok(()),
            DriverStep::Shut => {
                wire.shut();
                continue;
            }
            DriverStep::Write => wire.write(session.pending(now), time_left),
            DriverStep::Read | DriverStep::Respond => {
                let idle = session.is_idle();
                wire.read(session.spare(), time_left, idle)
            }
        };
        clock.tick();
        match moved {
            Ok(count) if step == DriverStep::Write => session.advance(count, clock.now()),
            Ok(count) => session.received(count, clock.now()),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => session.handle_deadline(clock.now()),
                io::ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
        }
    }
}

/// A connection that a kernel thread or a process waits on.
///
/// The time limits of its calls are socket options, so moving one costs a system call. It is moved only when a call
/// could otherwise sleep past the session's deadline; waking early costs nothing but a look at the clock.
#[derive(Debug)]
pub struct BlockingWire<'a> {
    stream: TcpStream,
    stop: &'a Stop,
    read_limit: TimeLimit,
    write_limit: TimeLimit,
}

impl<'a> BlockingWire<'a> {
    /// `stream` has inherited its time limits from the listener, see [`crate::kit::listen::listen`].
    pub fn new(stream: TcpStream, site: &'a Site) -> Self {
        site.stop.mark(stream.as_fd(), Mark::Busy);
        BlockingWire {
            stream,
            stop: site.stop,
            read_limit: TimeLimit::of(site.limits.idle_time),
            write_limit: TimeLimit::of(site.limits.write_time),
        }
    }
}

impl Wire for BlockingWire<'_> {
    fn read(&mut self, into: &mut [u8], timeout: Duration, idle: bool) -> io::Result<usize> {
        if !self.read_limit.serves(timeout) {
            self.read_limit = TimeLimit::of(timeout);
            self.stream.set_read_timeout(Some(self.read_limit.set))?;
        }
        if !idle {
            return self.stream.read(into);
        }
        self.stop.mark(self.stream.as_fd(), Mark::Idle);
        let count = self.stream.read(into);
        self.stop.mark(self.stream.as_fd(), Mark::Busy);
        count
    }

    fn write(&mut self, octets: &[u8], timeout: Duration) -> io::Result<usize> {
        if !self.write_limit.serves(timeout) {
            self.write_limit = TimeLimit::of(timeout);
            self.stream.set_write_timeout(Some(self.write_limit.set))?;
        }
        self.stream.write(octets)
    }

    fn sleep(&mut self, wait: Duration) {
        thread::sleep(wait);
    }

    fn shut(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// A time limit that a socket has, and the timeout that it serves.
///
/// The bounds are worked out when the limit moves, which is rare, and compared with for every call.
#[derive(Debug)]
struct TimeLimit {
    set: Duration,
    /// With less timeout than this, a call would sleep too far past the deadline.
    least: Duration,
    /// With more than this it would wake too often for nothing.
    most: Duration,
}

impl TimeLimit {
    fn of(timeout: Duration) -> Self {
        // Zero would mean no limit at all.
        let set = timeout.clamp(Duration::from_millis(1), Duration::from_secs(3600));
        // A tenth late, and the 10 ms that timers of the kernel may take besides, harm nobody.
        let least = set.saturating_sub(Duration::from_millis(10)) * 10 / 11;
        TimeLimit { set, least, most: set * 4 }
    }

    fn serves(&self, timeout: Duration) -> bool {
        let most = if self.set < Duration::from_secs(3600) { self.most } else { Duration::MAX };
        self.least <= timeout && timeout <= most
    }
}

impl Drop for BlockingWire<'_> {
    fn drop(&mut self) {
        self.stop.mark(self.stream.as_fd(), Mark::Free);
    }
}

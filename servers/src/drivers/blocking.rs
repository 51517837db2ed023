//! Carries one connection by calls that wait: the thread that serves the connection is occupied until it ends.
//!
//! How to wait is left to the [`Wire`]: a kernel thread waits in read(2), a coroutine waits by letting others run.

use std::io::{self, Read};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{MsgFlags, recv, send};

use super::attending::attend;
use super::selector::Interest;
use super::session::{DriverStep, Session};
use super::share::TurnShare;
pub use super::wire::Wire;
use crate::kit::call::call;
use crate::kit::clock::Clock;
use crate::kit::marks::Mark;
use crate::kit::site::{Origin, Site};
use crate::kit::stop::Stop;
use crate::kit::tally::Tally;
use crate::kit::wait::until_ready;
use crate::limits::DRAIN_LOOK;
use crate::trace::connection::ConnectionTrace;

/// Serves one connection until it ends.
pub fn serve(wire: &mut impl Wire, site: &Site, tally: &Tally) {
    let origin = wire.connection().map(|connection| site.origin_of(&connection)).unwrap_or_default();
    Conversation::new(site, origin, tally, Instant::now()).go_on(wire, site, tally);
}

/// Why a [`Conversation`] was broken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// It is over, and the connection may be closed.
    Ended,
    /// It waits for its client, and others wait for its worker.
    Waits(Interest),
    /// It could go on at once, but it has had its turn, and others wait for its worker.
    Ready,
}

/// What is said on one connection. Where it would wait while others wait for its worker, it is broken off, and can be
/// taken up again, by another worker as well.
pub struct Conversation<'a> {
    session: Session<'a>,
    clock: Clock,
    /// Since when its next request has waited, where that began before it was read: since the connection was accepted
    /// if it was there then, or since somebody told that it has come.
    since: Option<Instant>,
}

impl<'a> Conversation<'a> {
    /// The conversation on a connection from `origin` that was accepted at `accepted`: its deadlines count from there.
    pub fn new(site: &'a Site, origin: Origin, tally: &'a Tally, accepted: Instant) -> Self {
        let session = Session::new(site, tally, origin, accepted);
        Conversation { session, clock: Clock::new(), since: Some(accepted) }
    }

    /// Takes the conversation up, until it ends or [the wire](Wire::is_wanted) is wanted for others.
    pub fn go_on(&mut self, wire: &mut impl Wire, site: &Site, tally: &'a Tally) -> Pause {
        self.session.count_on(tally);
        self.session.hold_memory();
        self.clock.tick();
        // A broken connection concerns only its peer and has been counted; nobody is left to be told.
        let Conversation { session, clock, since } = self;
        converse(wire, session, clock, since, site, tally).unwrap_or(Pause::Ended)
    }

    /// Whoever watches the connection has learned that its client has sent something.
    pub fn called(&mut self, now: Instant) {
        self.since = Some(now);
    }

    /// Where it is written down what becomes of its requests; `None`: the connection is not traced.
    pub fn trace(&self) -> Option<&ConnectionTrace> {
        self.session.trace()
    }

    /// When the conversation is to be taken up, even if nothing has happened.
    pub fn deadline(&self) -> Option<Instant> {
        self.session.deadline()
    }

    /// Gives the client up before its time, with an answer that says so where one is due.
    pub fn give_up(&mut self, now: Instant) {
        self.session.give_up(now);
    }

    /// The next answer is to be the last one.
    pub fn finish(&mut self, now: Instant) {
        self.session.finish(now);
    }

    /// Frees the memory that a connection without a request does not need.
    pub fn free_memory(&mut self) {
        if self.session.is_idle() {
            self.session.drop_memory();
        }
    }
}

fn converse(
    wire: &mut impl Wire,
    session: &mut Session<'_>,
    clock: &mut Clock,
    since: &mut Option<Instant>,
    site: &Site,
    tally: &Tally,
) -> io::Result<Pause> {
    let mut share = TurnShare::new();
    loop {
        if share.is_used_up() {
            if wire.is_wanted(clock.now()) {
                return Ok(Pause::Ready);
            }
            wire.let_others_run();
            share = TurnShare::new();
        }
        while !share.is_used_up()
            && let Some(request) = session.next_request()
        {
            share.serve();
            let took_up = since.take().unwrap_or_else(|| clock.now());
            let reply = call(site, &request, tally, wire.connection(), took_up);
            clock.tick();
            let Some(response) = attend(wire, session, reply, site, tally, clock)? else {
                return Ok(Pause::Ended);
            };
            if let Some(connection) = wire.connection() {
                session.look_behind(connection, clock.now());
            }
            session.respond(response, clock);
        }
        if site.stop.is_requested() {
            session.finish(clock.now());
        }
        share.carry();
        let now = clock.now();
        let step = session.next_step(now);
        let deadline = session.deadline();
        let is_wanted = wire.is_wanted(now);
        let time_left = match deadline {
            _ if is_wanted => Duration::ZERO,
            Some(deadline) => deadline.saturating_duration_since(now).max(LEAST_WAIT),
            None => Duration::MAX,
        };
        let (idle, mut room) = (session.is_idle(), 0);
        let moved = match step {
            DriverStep::Close => return Ok(Pause::Ended),
            DriverStep::Shut => {
                wire.shut();
                continue;
            }
            DriverStep::Store => {
                session.store(now);
                // What has waited was its head; the body comes when its client sends it.
                *since = None;
                clock.tick();
                continue;
            }
            DriverStep::Write => {
                let octets = share.part(session.pending());
                wire.write(octets, time_left)
            }
            DriverStep::Read | DriverStep::Respond if !session.make_room(now) => continue,
            DriverStep::Read | DriverStep::Respond => {
                if site.admission.is_some() && since.is_some() && nothing_has_come(wire) {
                    // A client that takes its time does not wait for the server.
                    *since = None;
                }
                let spare = share.space(session.spare());
                room = spare.len();
                wire.read(spare, time_left, idle)
            }
        };
        clock.tick();
        match moved {
            // The stop switch has ended the wait. A request may be on its way until the grace is over.
            Ok(0) if step == DriverStep::Read && idle && site.stop.is_requested() => {
                session.finish(clock.now());
                wire.sleep(DRAIN_LOOK);
                session.handle_deadline(clock.tick());
            }
            Ok(count) if step == DriverStep::Write => {
                share.wrote(count);
                session.advance(count, clock.now());
            }
            Ok(count) => {
                share.read(count, room);
                session.received(count, clock.now());
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock if deadline.is_some_and(|deadline| deadline <= clock.now()) => {
                    session.handle_deadline(clock.now());
                }
                io::ErrorKind::WouldBlock if is_wanted => {
                    let interest = if step == DriverStep::Write { Interest::Write } else { Interest::Read };
                    return Ok(Pause::Waits(interest));
                }
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
                _ => return Err(error),
            },
        }
    }
}

/// Whether there is nothing to read on the connection, as far as the kernel knows.
fn nothing_has_come(wire: &impl Wire) -> bool {
    let is_ready = |connection| until_ready(connection, PollFlags::POLLIN, Duration::ZERO);
    wire.connection().is_some_and(|connection| matches!(is_ready(connection), Ok(false)))
}

/// The shortest wait: a timeout of zero asks for none at all.
const LEAST_WAIT: Duration = Duration::from_millis(1);

/// A connection on which a kernel thread or a process waits.
///
/// The time limit of a read is a socket option, so changing it costs a system call. It is changed only when a read
/// could otherwise sleep far past the session's deadline, or would wake far too often; waking early costs only a look
/// at the clock.
#[derive(Debug)]
pub struct BlockingWire<'a> {
    stream: TcpStream,
    stop: &'a Stop,
    read_limit: TimeLimit,
}

impl<'a> BlockingWire<'a> {
    /// `stream` must have inherited its time limit from the listener, see [`crate::kit::listen::listen`].
    pub fn new(stream: TcpStream, site: &'a Site) -> Self {
        site.stop.mark(stream.as_fd(), Mark::Busy);
        BlockingWire { stream, stop: site.stop, read_limit: TimeLimit::of(site.limits.idle_time) }
    }

    /// The connection itself.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Waits at most `timeout` for bytes, or for room in the kernel; whether there are any.
    ///
    /// # Errors
    /// Those that waiting does not cure.
    pub fn is_ready(&self, interest: Interest, timeout: Duration) -> io::Result<bool> {
        let side = if interest == Interest::Write { PollFlags::POLLOUT } else { PollFlags::POLLIN };
        until_ready(self.stream.as_fd(), side, timeout)
    }
}

impl Wire for BlockingWire<'_> {
    fn connection(&self) -> Option<BorrowedFd<'_>> {
        Some(self.stream.as_fd())
    }

    fn read(&mut self, into: &mut [u8], timeout: Duration, idle: bool) -> io::Result<usize> {
        if timeout.is_zero() {
            return Ok(recv(self.stream.as_raw_fd(), into, MsgFlags::MSG_DONTWAIT)?);
        }
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
        // A write(2) that waits returns late, with the little that it could place in the kernel at its start, and that
        // looks like progress. So the write itself never waits, and poll(2) waits for room.
        match send(self.stream.as_raw_fd(), octets, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
            Err(Errno::EAGAIN) if timeout.is_zero() => Err(io::ErrorKind::WouldBlock.into()),
            Err(Errno::EAGAIN) => {
                self.is_ready(Interest::Write, timeout)?;
                Err(io::ErrorKind::WouldBlock.into())
            }
            sent => Ok(sent?),
        }
    }

    fn sleep(&mut self, wait: Duration) {
        self.stop.sleep(wait);
    }

    fn shut(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
    }
}

/// The time limit that is set on a socket, and the range of timeouts for which it is good enough.
///
/// The bounds of the range are computed when the limit is changed, which is rare, and compared on every call.
#[derive(Debug)]
struct TimeLimit {
    set: Duration,
    /// For a timeout shorter than this, a call would sleep too far past the deadline.
    least: Duration,
    /// For a timeout longer than this, a call would wake too often without need.
    most: Duration,
}

impl TimeLimit {
    fn of(timeout: Duration) -> Self {
        // Zero would mean no limit at all.
        let set = timeout.clamp(Duration::from_millis(1), Duration::from_secs(3600));
        // It does no harm to be a tenth late, plus the 10 ms by which the kernel's timers may be late.
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

//! How long the only worker of a server waits for a client while other connections wait for it.
//!
//! There is no place to put a connection that waits for its client. So while others wait, a connection ends with its
//! next answer, and its client is waited for the shorter the more of them there are.

use std::io;
use std::net::TcpStream;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use super::blocking::{BlockingWire, Conversation, Pause, Wire};
use crate::kit::accept::waiting;
use crate::kit::site::Site;
use crate::kit::tally::Tally;
use crate::limits::{CROWD_LEAST_PATIENCE, CROWD_LOOK, CROWD_PATIENCE, CROWD_PROGRESS_BYTES, CROWD_TICK};

/// The patience of a worker.
pub struct Patience {
    site: &'static Site,
    /// Connections that waited at the last look.
    waiting: u32,
    next_look: Instant,
}

impl Patience {
    /// Whole patience.
    pub fn new(site: &'static Site) -> Self {
        Patience { site, waiting: 0, next_look: Instant::now() }
    }

    /// Serves a connection until it ends, or until patience does.
    pub fn serve(&mut self, stream: TcpStream, tally: &'static Tally) {
        let (site, now) = (self.site, Instant::now());
        // Declared first, so that the connection is closed last.
        let mut wire = BlockingWire::new(stream, site);
        let mut talk = Conversation::new(site, site.origin_of(wire.stream()), tally, now);
        // Most connections end before a look would be worth its call.
        self.next_look = now + CROWD_LOOK;
        if self.waiting > 0 {
            // One of those that waited was this one.
            self.waiting = waiting(&site.listener);
        }
        if self.waiting > 0 {
            talk.finish(now);
        }
        let mut wire = HurriedWire { wire: &mut wire, patience: self, moved: 0 };
        let mut spent = Duration::ZERO;
        let mut is_given_up = false;
        loop {
            let interest = match talk.go_on(&mut wire, site, tally) {
                Pause::Ended => return,
                Pause::Ready => None,
                Pause::Waits(interest) => Some(interest),
            };
            talk.finish(Instant::now());
            let Some(interest) = interest else { continue };
            if wire.moved >= CROWD_PROGRESS_BYTES {
                (wire.moved, spent) = (0, Duration::ZERO);
            }
            let left = wire.patience.whole().saturating_sub(spent);
            let start = Instant::now();
            if left < Duration::from_millis(1) || !wire.wire.is_ready(interest, left).unwrap_or(false) {
                if is_given_up {
                    return;
                }
                // What there is to say is said, if the kernel takes it at once.
                is_given_up = true;
                talk.give_up(Instant::now());
            }
            spent += start.elapsed();
        }
    }

    fn whole(&self) -> Duration {
        (CROWD_PATIENCE / self.waiting.max(1).saturating_pow(2)).max(CROWD_LEAST_PATIENCE)
    }
}

/// A connection whose worker looks now and then whether others wait.
struct HurriedWire<'a> {
    wire: &'a mut BlockingWire<'static>,
    patience: &'a mut Patience,
    /// Bytes that were moved since patience was whole.
    moved: usize,
}

impl Wire for HurriedWire<'_> {
    fn connection(&self) -> Option<BorrowedFd<'_>> {
        self.wire.connection()
    }

    fn read(&mut self, into: &mut [u8], timeout: Duration, idle: bool) -> io::Result<usize> {
        let count = self.wire.read(into, timeout.min(CROWD_TICK), idle)?;
        self.moved += count;
        Ok(count)
    }

    fn write(&mut self, octets: &[u8], timeout: Duration) -> io::Result<usize> {
        let count = self.wire.write(octets, timeout.min(CROWD_TICK))?;
        self.moved += count;
        Ok(count)
    }

    fn sleep(&mut self, wait: Duration) {
        self.wire.sleep(wait);
    }

    fn shut(&mut self) {
        self.wire.shut();
    }

    fn is_wanted(&mut self, now: Instant) -> bool {
        if now >= self.patience.next_look {
            self.patience.next_look = now + CROWD_LOOK;
            self.patience.waiting = waiting(&self.patience.site.listener);
        }
        self.patience.waiting > 0
    }
}

//! # Idea
//! One thread serves all clients. It asks the kernel which of them are ready, and never waits for one alone.
//!
//! # Picture
//! ```text
//!   { all descriptors, as bits } -> select(2) -> { ready ones }
//!                ^                                     |
//!                +----- again, when each is served ----+
//!                       until it would wait
//! ```
//!
//! # Price
//! Bitmaps of descriptors (one to read, one to write; a third tells of [urgent data](crate::under_way::urgent) where
//! that is wanted) are copied in and out and searched, by the kernel and by the loop, on every call: O(highest
//! descriptor), ready or not.
//!
//! # Shines
//! It exists on every system, and for a few dozen busy clients it is as good as anything.
//!
//! # Breaks
//! At descriptor 1,023: the bitmap has no more bits (`FD_SETSIZE`). A client beyond it gets a 503 at once. And select
//! does not say that a client has left: a connection with unread bytes is readable before and after. So the
//! [room](crate#glossary) watches connections whose requests wait. Overload control: see [the loop](super).
//!
//! # Lineage
//! 4.2BSD (1983); Stevens, *UNP* 6.8; thttpd and boa in their first years.
//!
//! # Question
//! A server has three connections, with the descriptors 5, 6 and 1,000. How many bits does the kernel look
//! at?
//!
//! <details><summary>Answer</summary>
//!
//! 1,001 in each bitmap: it goes up to the highest descriptor, not to the number of connections. One old
//! connection with a high number makes each call as expensive as a thousand would.
//!
//! </details>

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::sys::select::{FD_SETSIZE, FdSet, select};
use nix::sys::time::TimeVal;

use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::selector::{Interest, Ready, Selector};
use crate::drivers::workers::Alone;
use crate::kit::shortage::get_over;
use crate::kit::site::Site;
use crate::limits::MAX_CONNECTIONS;
use crate::under_way::urgent::{self, UrgentBy};

/// One thread, select(2).
pub const SELECT: Architecture = Architecture {
    name: "select",
    idea: "one thread, select(2) over all connections",
    family: Family::Readiness,
    concurrency: Concurrency::Many,
    anatomy: Anatomy {
        waits_by: WaitsBy::Select,
        served_by: ServedBy::Loops,
        started: Started::Nothing,
        hand_overs: HandOvers::Never,
        shares: Shares::Nothing,
    },
    wall: "1,024 descriptors; past them 503",
    knobs: &[Knob::MaxConnections],
    defaults: |_| Defaults { workers: 1, max_connections: MAX_CONNECTIONS, queue_places: 0 },
    source: include_str!("select.rs"),
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    let tally = site.tallies.of(0);
    super::run(Select::new()?, site, &site.listener, tally, &mut Alone { site, tally }, || site.ready(1))
}

/// The bitmaps of descriptors, and the token of each descriptor.
pub struct Select {
    read: FdSet<'static>,
    write: FdSet<'static>,
    /// Connections whose requests wait, where urgent data is wanted.
    except: Option<FdSet<'static>>,
    tokens: [usize; FD_SETSIZE],
}

impl Selector for Select {
    // A descriptor with bytes to read is readable, before its peer has ended its side and after.
    const REPORTS_ENDS: bool = false;

    fn new() -> io::Result<Self> {
        let except = urgent::is_wanted_by(UrgentBy::ThirdSet).then(FdSet::new);
        Ok(Select { read: FdSet::new(), write: FdSet::new(), except, tokens: [0; FD_SETSIZE] })
    }

    unsafe fn add(&mut self, descriptor: BorrowedFd<'_>, token: usize) -> io::Result<()> {
        let Some(place) = self.tokens.get_mut(raw(descriptor)) else {
            return Err(io::ErrorKind::QuotaExceeded.into());
        };
        *place = token;
        // SAFETY: the caller's promise.
        self.read.insert(unsafe { until_removed(descriptor) });
        Ok(())
    }

    unsafe fn change(
        &mut self,
        descriptor: BorrowedFd<'_>,
        _token: usize,
        interest: Interest,
    ) -> io::Result<()> {
        self.remove(descriptor);
        // SAFETY: the caller's promise.
        let descriptor = unsafe { until_removed(descriptor) };
        match interest {
            Interest::Nothing => {}
            Interest::End | Interest::Reset => {
                self.except.iter_mut().for_each(|except| except.insert(descriptor));
            }
            Interest::Read => self.read.insert(descriptor),
            Interest::Write => self.write.insert(descriptor),
        }
        Ok(())
    }

    fn remove(&mut self, descriptor: BorrowedFd<'_>) {
        // SAFETY: the descriptor is only looked up and taken out of the sets.
        let descriptor = unsafe { until_removed(descriptor) };
        self.read.remove(descriptor);
        self.write.remove(descriptor);
        self.except.iter_mut().for_each(|except| except.remove(descriptor));
    }

    fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        // select(2) overwrites the sets that it was given with its answer.
        let (mut read, mut write, mut except) = (self.read, self.write, self.except);
        let mut limit =
            timeout.map(|timeout| TimeVal::new(timeout.as_secs() as i64, timeout.subsec_micros().into()));
        match select(None, &mut read, &mut write, except.as_mut(), &mut limit) {
            Ok(_) => {}
            Err(error) => return get_over(error, timeout),
        }
        for set in [&read, &write] {
            let descriptors = set.fds(None);
            ready.extend(descriptors.map(|fd| Ready {
                token: self.tokens[raw(fd)],
                ended: false,
                gone: false,
            }));
        }
        if let Some(except) = &except {
            except.fds(None).for_each(urgent::look);
        }
        Ok(())
    }
}

/// The descriptor with the lifetime that a set needs. The type of a set cannot express that the descriptor leaves it
/// earlier.
///
/// # Safety
/// The descriptor must stay open until it is removed from the sets.
unsafe fn until_removed(descriptor: BorrowedFd<'_>) -> BorrowedFd<'static> {
    // SAFETY: the caller's promise.
    unsafe { BorrowedFd::borrow_raw(descriptor.as_raw_fd()) }
}

fn raw(descriptor: BorrowedFd<'_>) -> usize {
    descriptor.as_raw_fd() as usize
}

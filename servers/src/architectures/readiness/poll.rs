//! # Idea
//! As select, but with a list of descriptors instead of bitmaps.
//!
//! # Picture
//! ```text
//!   [ (fd, events) ... ] -> poll(2) -> [ (fd, events, ready) ... ]
//!             ^                                  |
//!             +----- again, when each ready -----+
//!                    one is served
//! ```
//!
//! # Price
//! The list is copied in and searched, by the kernel and by the loop, on every call: O(connections), ready or not.
//!
//! # Shines
//! There is no limit of 1,024 and no state in the kernel, and ppoll takes its timeout in nanoseconds. For a handful
//! of descriptors it is the simplest right choice.
//!
//! # Breaks
//! Slowly: with thousands of idle clients, each turn of the loop pays for all of them. Overload control: see [the
//! loop](super).
//!
//! # Lineage
//! System V Release 3 (1986); Stevens, *UNP* 6.10. Banga and Mogul, *Scalable Kernel Performance for Internet Servers*
//! (1998), measured why it had to be replaced.
//!
//! # Question
//! A thousand connections are open, and in each turn one of them is ready. How many entries are read for a
//! request?
//!
//! <details><summary>Answer</summary>
//!
//! A thousand by the kernel, which looks whether each is ready, and a thousand by the loop, which looks for
//! the one that is. With all thousand ready the same two thousand are the price of a thousand requests: what
//! hurts is idle connections.
//!
//! </details>

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use crate::architecture::{
    Anatomy, Architecture, Concurrency, Defaults, Family, HandOvers, Knob, ServedBy, Shares, Started, WaitsBy,
};
use crate::drivers::selector::{Interest, Ready, Selector};
use crate::drivers::workers::Alone;
use crate::kit::client::Client;
use crate::kit::shortage::get_over;
use crate::kit::site::Site;
use crate::limits::MAX_CONNECTIONS;
use crate::under_way::urgent::{self, UrgentBy};

/// One thread, poll(2).
pub const POLL: Architecture = Architecture {
    name: "poll",
    idea: "one thread, poll(2) over all connections",
    family: Family::Readiness,
    concurrency: Concurrency::Many,
    anatomy: Anatomy {
        waits_by: WaitsBy::Poll,
        served_by: ServedBy::Loops,
        started: Started::Nothing,
        hand_overs: HandOvers::Never,
        shares: Shares::Nothing,
    },
    wall: "each call looks at every connection",
    knobs: &[Knob::MaxConnections],
    defaults: |_| Defaults { workers: 1, max_connections: MAX_CONNECTIONS, queue_places: 0 },
    source: include_str!("poll.rs"),
    run,
};

fn run(site: &'static Site) -> io::Result<()> {
    let tally = site.tallies.of(0);
    super::run(Poll::new()?, site, &site.listener, tally, &mut Alone { site, tally }, || site.ready(1))
}

/// The list for poll(2), the tokens in the same order, and for each descriptor its index in both.
#[derive(Default)]
pub struct Poll {
    list: Vec<PollFd<'static>>,
    tokens: Vec<usize>,
    places: Vec<Option<usize>>,
}

impl Poll {
    /// # Safety
    /// The descriptor must stay open until it is removed.
    unsafe fn watch(&mut self, descriptor: BorrowedFd<'_>, token: usize, flags: PollFlags) {
        let known = descriptor.as_raw_fd() as usize;
        if known >= self.places.len() {
            self.places.resize(known + 1, None);
        }
        if let Some(place) = self.places[known] {
            self.list[place].set_events(flags);
        } else {
            self.places[known] = Some(self.list.len());
            // SAFETY: the caller's promise.
            let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor.as_raw_fd()) };
            self.list.push(PollFd::new(descriptor, flags));
            self.tokens.push(token);
        }
    }
}

impl Selector for Poll {
    fn new() -> io::Result<Self> {
        Ok(Self::default())
    }

    unsafe fn add(&mut self, descriptor: BorrowedFd<'_>, token: usize) -> io::Result<()> {
        // SAFETY: the caller's promise.
        unsafe { self.watch(descriptor, token, PollFlags::POLLIN) };
        Ok(())
    }

    unsafe fn change(
        &mut self,
        descriptor: BorrowedFd<'_>,
        token: usize,
        interest: Interest,
    ) -> io::Result<()> {
        let flags = match interest {
            // An entry that stays in the list reports errors on every call, even with no events asked for.
            Interest::Nothing => {
                self.remove(descriptor);
                return Ok(());
            }
            Interest::End => Client::flags(false) | urgent::poll_flags(),
            Interest::Reset => Client::flags(true) | urgent::poll_flags(),
            Interest::Read => PollFlags::POLLIN,
            Interest::Write => PollFlags::POLLOUT,
        };
        // SAFETY: the caller's promise.
        unsafe { self.watch(descriptor, token, flags) };
        Ok(())
    }

    fn remove(&mut self, descriptor: BorrowedFd<'_>) {
        let known = descriptor.as_raw_fd() as usize;
        let Some(place) = self.places.get_mut(known).and_then(Option::take) else { return };
        self.list.swap_remove(place);
        self.tokens.swap_remove(place);
        if let Some(moved) = self.list.get(place) {
            let moved = moved.as_fd().as_raw_fd() as usize;
            self.places[moved] = Some(place);
        }
    }

    fn wait(&mut self, timeout: Option<Duration>, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        match ppoll(&mut self.list, timeout.map(TimeSpec::from_duration), None) {
            Ok(_) => {}
            Err(error) => return get_over(error, timeout),
        }
        for (entry, &token) in self.list.iter().zip(&self.tokens) {
            if entry.any().unwrap_or(true) {
                let client = Client::seen(entry, entry.as_fd());
                let (ended, gone) = (client != Client::Stays, client == Client::Left);
                ready.push(Ready { token, ended, gone });
            }
        }
        if urgent::is_wanted_by(UrgentBy::Poll) {
            // The library gives no flags at all where it does not know one of them.
            let has_some =
                |entry: &&PollFd<'_>| entry.revents().is_none_or(|flags| flags.contains(PollFlags::POLLPRI));
            self.list.iter().filter(has_some).for_each(|entry| urgent::look(entry.as_fd()));
        }
        Ok(())
    }
}

//! Claims about waiting for many descriptors at once.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use dyno_analysis::textbook::TrialRounds;
use dyno_record::textbook::ClaimUnit;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::EventFd;
use nix::sys::select::{FdSet, select};

use super::claim::{Claim, Effort, Printed, TrialError, about, at_most};
use super::rounds::{each_ns, in_turns};

/// Descriptors of the larger set: select(2) takes 1,024 at most, and both sets are open at once.
const MANY: usize = 800;

/// Descriptors of the smaller set: a tenth.
const FEW: usize = MANY / 10;

/// Calls for one figure.
const CALLS: u32 = 300;

const SCALABLE: Printed = Printed {
    author: "G. Banga, J. C. Mogul and P. Druschel",
    work: "A Scalable and Explicit Event Delivery Mechanism for UNIX (USENIX 1999)",
    place: "section 2",
};

pub(super) const CLAIMS: [Claim; 3] = [
    Claim {
        name: "select-linear",
        group: "Watching",
        says: "What select costs grows with the descriptors it watches, ready or not.",
        source: SCALABLE,
        claimed: about(10.0),
        figures: &["800 descriptors", "80 descriptors"],
        unit: ClaimUnit::Ns,
        trial: "select is asked for 800 descriptors, and for 80, of which the last one is ready.",
        if_holds: "Every call hands the whole set to the kernel, which asks each descriptor.",
        if_not: "What a call costs before it looks at the first descriptor is not small beside the rest.",
        run: |effort| tenfold(effort, ask_select),
    },
    Claim {
        name: "poll-linear",
        group: "Watching",
        says: "poll has no limit of descriptors, and costs as much for each of them.",
        source: SCALABLE,
        claimed: about(10.0),
        figures: &["800 descriptors", "80 descriptors"],
        unit: ClaimUnit::Ns,
        trial: "As select-linear, by poll.",
        if_holds: "The table of descriptors is copied and walked in every call.",
        if_not: "What a call costs before it looks at the first descriptor is not small beside the rest.",
        run: |effort| tenfold(effort, ask_poll),
    },
    Claim {
        name: "epoll-constant",
        group: "Watching",
        says: "What epoll_wait costs depends on what is ready, not on what is watched.",
        source: Printed {
            author: "M. Kerrisk",
            work: "The Linux Programming Interface (2010)",
            place: "section 63.4.5",
        },
        claimed: at_most(1.25),
        figures: &["800 descriptors", "80 descriptors"],
        unit: ClaimUnit::Ns,
        trial: "As select-linear, by epoll_wait on an epoll that has them all.",
        if_holds: "A descriptor that becomes ready puts itself on a list, and the call reads the list.",
        if_not: "The memory of the larger set is not in the cache.",
        run: |effort| tenfold(effort, ask_epoll),
    },
];

/// Prepares a set of so many descriptors and gives what a call takes.
type Ask = fn(&[EventFd]) -> Result<f64, TrialError>;

fn tenfold(effort: &Effort, ask: Ask) -> Result<TrialRounds, TrialError> {
    // The smaller set first: it has the lower numbers, up to which select looks.
    let (few, many) = (set(FEW)?, set(MANY)?);
    in_turns(effort, || ask(&many), || ask(&few))
}

/// So many descriptors, of which the last one is ready.
fn set(count: usize) -> Result<Vec<EventFd>, TrialError> {
    let all = (0..count).map(|_| EventFd::new()).collect::<Result<Vec<_>, _>>()?;
    if let Some(last) = all.last() {
        last.write(1)?;
    }
    Ok(all)
}

/// Whether a call told of the one that is ready.
fn told(ready: i32) -> io::Result<()> {
    if ready == 1 { Ok(()) } else { Err(io::Error::other(format!("{ready} descriptors are ready, not one"))) }
}

fn ask_select(all: &[EventFd]) -> Result<f64, TrialError> {
    let mut watched = FdSet::new();
    all.iter().for_each(|one| watched.insert(one.as_fd()));
    let highest = all.last().map_or(0, |last| last.as_fd().as_raw_fd()) + 1;
    each_ns(CALLS, || {
        let mut read = watched;
        told(select(highest, &mut read, None, None, None)?)
    })
}

fn ask_poll(all: &[EventFd]) -> Result<f64, TrialError> {
    let mut watched: Vec<PollFd> =
        all.iter().map(|one| PollFd::new(one.as_fd(), PollFlags::POLLIN)).collect();
    each_ns(CALLS, || told(poll(&mut watched, PollTimeout::NONE)?))
}

fn ask_epoll(all: &[EventFd]) -> Result<f64, TrialError> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    all.iter().try_for_each(|one| epoll.add(one, EpollEvent::new(EpollFlags::EPOLLIN, 0)))?;
    let mut events = [EpollEvent::empty(); 8];
    each_ns(CALLS, || told(epoll.wait(&mut events, EpollTimeout::NONE)? as i32))
}

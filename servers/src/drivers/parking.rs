//! How a thread waits for a reply: by one poll(2) for the reply, for its client and for the stop switch.

use std::cell::OnceCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;

use crate::kit::client::Client;
use crate::kit::shortage::get_over;
use crate::kit::stop::Stop;
use crate::services::job::{For, JobSide};
use crate::under_way::{bell, urgent};

/// Why a wait has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happened {
    /// The time is over, or what was waited for has come, or nothing at all.
    GoOn,
    /// The client has ended its side, or has left.
    Client(Client),
    /// The server was asked to stop.
    Stopping,
}

/// What a waiting thread knows already, and does not want to hear again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known {
    /// The client has ended its side.
    pub ended: bool,
    /// The server was asked to stop.
    pub stopping: bool,
    /// Somebody else watches the client and the stop switch, and calls the thread by its waker.
    pub is_called: bool,
}

/// An eventfd(2) for each thread that waits for others.
struct Parker(EventFd);

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // It fails only when it was rung 2^64 times.
        let _ = self.0.write(1);
    }
}

thread_local! {
    static PARKER: OnceCell<Arc<Parker>> = const { OnceCell::new() };
}

fn parker() -> io::Result<Arc<Parker>> {
    PARKER.with(|parker| {
        if let Some(parker) = parker.get() {
            return Ok(Arc::clone(parker));
        }
        let flags = EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK;
        let new = Arc::new(Parker(EventFd::from_value_and_flags(0, flags)?));
        let parker = parker.get_or_init(|| new);
        bell::hang(parker.0.as_fd());
        Ok(Arc::clone(parker))
    })
}

/// Wakes the calling thread out of [`wait`].
///
/// # Errors
/// When the kernel has no descriptors left.
pub fn waker() -> io::Result<Waker> {
    Ok(Waker::from(parker()?))
}

/// Waits for `on`, at most `until` then, or until something else happens that is not `known`.
///
/// # Errors
/// When the kernel refuses.
pub fn wait(
    on: For,
    until: Option<Instant>,
    client: Option<BorrowedFd<'_>>,
    stop: &Stop,
    known: Known,
) -> io::Result<Happened> {
    let parker = if on != For::Time || known.is_called { Some(parker()?) } else { None };
    // Where there is nothing to watch, the stop switch stands in, and nothing is asked of it.
    let nothing = || PollFd::new(stop.as_fd(), PollFlags::empty());
    let own = match on {
        For::Descriptor(descriptor, side) => {
            let side = if side == JobSide::Read { PollFlags::POLLIN } else { PollFlags::POLLOUT };
            // SAFETY: the number is only handed to the kernel, which reports one that is not open.
            PollFd::new(unsafe { BorrowedFd::borrow_raw(descriptor) }, side)
        }
        For::Waker | For::Time => nothing(),
    };
    let bell =
        parker.as_ref().map_or_else(nothing, |parker| PollFd::new(parker.0.as_fd(), PollFlags::POLLIN));
    let flags = Client::flags(known.ended) | urgent::poll_flags();
    let peer = client.map_or_else(nothing, |client| PollFd::new(client, flags));
    let asked = if known.stopping || known.is_called { PollFlags::empty() } else { PollFlags::POLLIN };
    let mut watched = [peer, PollFd::new(stop.as_fd(), asked), own, bell];
    let left = until.map(|until| until.saturating_duration_since(Instant::now()));
    // The kernel takes no longer time than some decades.
    let left = left.map(|left| left.min(Duration::from_secs(3600)));
    if let Err(error) = ppoll(&mut watched, left.map(TimeSpec::from_duration), None) {
        get_over(error, left)?;
        return Ok(Happened::GoOn);
    }
    match client.map_or(Client::Stays, |client| Client::seen(&watched[0], client)) {
        Client::Left => return Ok(Happened::Client(Client::Left)),
        Client::Ended if !known.ended => return Ok(Happened::Client(Client::Ended)),
        Client::Ended | Client::Stays => {}
    }
    if flags.contains(PollFlags::POLLPRI) {
        client.into_iter().for_each(urgent::look);
    }
    if watched[1].any().unwrap_or(false) {
        return Ok(Happened::Stopping);
    }
    if let Some(parker) = parker {
        // Whatever is woken later rings again.
        let _ = parker.0.read();
    }
    Ok(Happened::GoOn)
}

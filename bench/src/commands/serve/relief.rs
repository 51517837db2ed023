//! What belongs to a listening socket until its server ends: the files of Unix sockets, the door for a successor, and
//! the word to a predecessor.

use std::io::stderr;
use std::mem;
use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::sync::{Arc, Mutex, PoisonError};

use dyno_servers::kit::listen::{ListenAddress, SocketFile};
use dyno_servers::kit::site::Site;
use dyno_servers::kit::stop::Stop;
use dyno_servers::take_over::door::{DoorNews, SuccessorDoor};
use dyno_servers::take_over::successor::{Predecessor, TakeOverError};
use nix::unistd::write;

use crate::exit::Failure;

/// What belongs to the socket.
#[derive(Default)]
pub(super) struct Keeping {
    pub(super) files: Vec<SocketFile>,
    pub(super) door: Option<SuccessorDoor>,
    /// Whether there is, or was, a door.
    pub(super) may_be_followed: bool,
    /// The socket of a predecessor's control port.
    pub(super) control: Option<TcpListener>,
    pub(super) relief: Relief,
}

/// How a server tells its predecessor that it serves. Without one there is nothing to tell.
#[derive(Clone, Default)]
pub(super) struct Relief(Option<Arc<Told>>);

struct Told {
    predecessor: Predecessor,
    /// Where files of the predecessor's are this server's from then on.
    addresses: Vec<ListenAddress>,
    outcome: Mutex<Outcome>,
}

#[derive(Default)]
struct Outcome {
    /// Whether this server has taken over.
    is_over: bool,
    files: Vec<SocketFile>,
    failure: Option<TakeOverError>,
}

pub(super) fn not_taken(error: &TakeOverError) -> Failure {
    let remedy = match error {
        TakeOverError::Nobody(..) => {
            "a server can be followed when it was started with --hand-over or --take-over"
        }
        TakeOverError::Stranger(_) => {
            "take over as the user who has started it, under the number that it runs as"
        }
        TakeOverError::Busy(_) => "wait until that one serves, and take over from it",
        TakeOverError::Stops | TakeOverError::Ended => "start a server with --listen in its place",
        TakeOverError::LeftOver(..) => "take a design with a loop for each socket, and as many --workers",
        TakeOverError::TooMany(_) => "start it with fewer --workers",
        TakeOverError::OtherVersion | TakeOverError::Silent(_) => "stop it, and start a server with --listen",
    };
    Failure::failed(format!("cannot take over: {error}"), remedy)
}

pub(super) fn told_of(news: DoorNews) -> String {
    match news {
        DoorNews::TakenOver(process) => format!("process {process} has taken over; draining"),
        DoorNews::GaveUp(process) => {
            format!("process {process} wanted to take over and has ended before it was ready; going on")
        }
        DoorNews::OneAtATime(process) => format!("process {process} was told that another one takes over"),
        DoorNews::OtherUser(process) => format!("process {process} of another user may not take over"),
        DoorNews::TooManySockets(count) => format!("{count} listening sockets are too many to be taken over"),
    }
}

/// Writes a line to standard error without its lock, which a worker that is forked at this moment could need.
pub(super) fn say_unlocked(line: &str) {
    // Standard error may be closed; that is no reason to stop serving.
    let _ = write(stderr(), format!("{line}\n").as_bytes());
}

impl Relief {
    /// The word to `predecessor`, whose files at `addresses` are this server's from then on.
    pub(super) fn of(predecessor: Predecessor, addresses: Vec<ListenAddress>) -> Self {
        Relief(Some(Arc::new(Told { predecessor, addresses, outcome: Mutex::default() })))
    }

    /// Tells the predecessor that this server serves.
    ///
    /// # Returns
    /// Whether it does: a predecessor that was asked to stop has shut the sockets, and then this server ends, too.
    pub(super) fn tell(&self, site: &Site) -> bool {
        let Some(told) = &self.0 else { return true };
        let result = match site.sharing.left_over() {
            0 => told.predecessor.relieve(),
            left => Err(TakeOverError::LeftOver(site.sharing.with_all(&site.listener, <[_]>::len), left)),
        };
        let mut outcome = told.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Err(error @ (TakeOverError::Ended | TakeOverError::Silent(_))) => {
                say_unlocked(&format!("{error}; going on in its place"));
            }
            Ok(()) => {}
            Err(error) => {
                outcome.failure = Some(error);
                site.stop.request();
                return false;
            }
        }
        site.stop.keep_listener();
        outcome.is_over = true;
        outcome.files = told.addresses.iter().filter_map(SocketFile::of).collect();
        true
    }

    /// Why the server could not take over; `None`: it has, or had nothing to take over.
    pub(super) fn failure(&self) -> Option<Failure> {
        let outcome = &mut self.0.as_ref()?.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        outcome.failure.take().map(|error| not_taken(&error))
    }
}

impl Keeping {
    /// The server has ended: the files of its sockets are removed, unless others go on with them. `control`: the file
    /// of its control port.
    pub(super) fn end(mut self, stop: &Stop, control: Option<SocketFile>) {
        let (mut files, mut has_served) = (mem::take(&mut self.files), true);
        files.extend(control);
        if let Some(told) = &self.relief.0 {
            let mut outcome = told.outcome.lock().unwrap_or_else(PoisonError::into_inner);
            files.append(&mut outcome.files);
            has_served = outcome.is_over;
        }
        if self.may_be_followed && has_served && stop.leaves_listener() {
            files.into_iter().for_each(mem::forget);
        }
    }
}

/// Who shuts the listener when the server stops.
pub(super) fn own(site: &Site) {
    site.stop.own_listener(Some(site.listener.as_fd()));
    if site.sharing.is_foreign() {
        site.stop.leave_listener();
    }
}

//! The predecessor's side: a thread that waits for somebody who takes over.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::geteuid;
use socket2::{Domain, Socket, Type};

use super::message::{Came, Message, VERSION, peer, receive, send};
use super::place::DoorPlace;
use crate::kit::listen::bind_path;
use crate::kit::shortage::get_over;
use crate::kit::site::Site;
use crate::kit::threads::beside;
use crate::limits::{TAKE_OVER_BACKLOG_TAKERS, TAKE_OVER_SOCKETS};

/// What happens at the door, for the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoorNews {
    /// This process serves now, and this server drains.
    TakenOver(i32),
    /// This process asked, and ended before it was ready; nothing has changed.
    GaveUp(i32),
    /// This process asked while another one takes over.
    OneAtATime(i32),
    /// This process belongs to another user.
    OtherUser(i32),
    /// This server has so many listening sockets, more than can be passed.
    TooManySockets(usize),
}

/// Where a server waits for its successor.
#[derive(Debug)]
pub struct SuccessorDoor {
    socket: OwnedFd,
    /// Whether it goes along to the successor: a path has one socket, and a name made of a process number is for that
    /// process alone.
    is_passed_on: bool,
    /// The socket of the control port.
    control: Option<OwnedFd>,
}

impl SuccessorDoor {
    /// Opens a door. Nobody but this user may connect to one that has a path.
    ///
    /// # Errors
    /// Those of bind(2) and listen(2), and of setting the permissions of the file.
    pub fn open(place: &DoorPlace) -> io::Result<SuccessorDoor> {
        let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None)?;
        match place {
            DoorPlace::Process(_) => socket.bind(&place.address()?)?,
            DoorPlace::Path(path) => {
                bind_path(&socket, path)?;
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
            }
        }
        socket.listen(TAKE_OVER_BACKLOG_TAKERS)?;
        Ok(SuccessorDoor {
            socket: socket.into(),
            is_passed_on: matches!(place, DoorPlace::Path(_)),
            control: None,
        })
    }

    /// A door that came from the predecessor.
    pub(super) fn passed_on(socket: OwnedFd) -> SuccessorDoor {
        SuccessorDoor { socket, is_passed_on: true, control: None }
    }

    /// The socket of the control port goes along to the successor.
    pub fn with_control(self, control: Option<OwnedFd>) -> SuccessorDoor {
        SuccessorDoor { control, ..self }
    }

    /// Waits there, on a thread of its own, until somebody has taken over or the server stops; `tell` hears what
    /// happens. The thread takes no lock that a forked worker could need, so `tell` must not, either. Call it before
    /// anything else starts a thread.
    ///
    /// # Errors
    /// When the system refuses the thread.
    pub fn watch(self, site: &'static Site, tell: impl Fn(DoorNews) + Send + 'static) -> io::Result<()> {
        // Without a flag that calls wait, because the thread waits for others besides.
        nix::fcntl::fcntl(&self.socket, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK))?;
        beside("take-over", move || {
            // A door that breaks leaves the server as it is: whoever wants to take over finds nobody.
            let _ = self.serve(site, &tell);
        })
    }

    fn serve(&self, site: &'static Site, tell: &dyn Fn(DoorNews)) -> io::Result<()> {
        let mut taker: Option<Taker> = None;
        while !site.stop.is_requested() {
            let watch = |one| PollFd::new(one, PollFlags::POLLIN);
            let mut watched = vec![watch(site.stop.as_fd()), watch(self.socket.as_fd())];
            watched.extend(taker.as_ref().map(|taker| watch(taker.socket.as_fd())));
            match poll(&mut watched, PollTimeout::NONE) {
                Ok(_) => {}
                Err(error) => get_over(error, None)?,
            }
            let happened = |place: usize| watched.get(place).is_some_and(|one| one.any().unwrap_or(true));
            let (has_knocked, has_spoken) = (happened(1), happened(2));
            if has_spoken && let Some(known) = &taker {
                match receive(&known.socket) {
                    Ok(Came::Message(Message::Ready, _)) => {
                        // A server without connections ends at once, so all is said before it stops.
                        let gives = site.stop.gives_listener();
                        let _ =
                            send(&known.socket, if gives { &Message::Yours } else { &Message::Stops }, &[]);
                        if gives {
                            tell(DoorNews::TakenOver(known.process));
                            site.stop.request();
                        }
                        return Ok(());
                    }
                    _ => {
                        tell(DoorNews::GaveUp(known.process));
                        taker = None;
                    }
                }
            }
            if has_knocked {
                self.let_in(site, &mut taker, tell)?;
            }
        }
        Ok(())
    }

    /// Takes whoever has knocked, unless somebody else is there.
    fn let_in(&self, site: &Site, taker: &mut Option<Taker>, tell: &dyn Fn(DoorNews)) -> io::Result<()> {
        let socket = match nix::sys::socket::accept4(
            self.socket.as_raw_fd(),
            nix::sys::socket::SockFlag::SOCK_CLOEXEC,
        ) {
            // SAFETY: the kernel has just made this descriptor for us.
            Ok(descriptor) => unsafe { crate::kit::stop::own(descriptor) },
            Err(Errno::EAGAIN) => return Ok(()),
            Err(error) => return get_over(error, None),
        };
        let Ok(who) = peer(&socket) else { return Ok(()) };
        let process = who.pid();
        if who.uid() != geteuid().as_raw() {
            tell(DoorNews::OtherUser(process));
            return Ok(());
        }
        if let Some(Taker { process: other, .. }) = taker {
            tell(DoorNews::OneAtATime(process));
            let _ = send(&socket, &Message::Busy { process: *other }, &[]);
            return Ok(());
        }
        let passed = site.sharing.with_all(&site.listener, |listeners| {
            let count = listeners.len();
            if count > TAKE_OVER_SOCKETS {
                tell(DoorNews::TooManySockets(count));
                return send(&socket, &Message::TooMany { listeners: count }, &[]).map(|()| false);
            }
            let mut all = listeners.to_vec();
            all.extend(self.is_passed_on.then(|| self.socket.as_raw_fd()));
            all.extend(self.control.as_ref().map(AsRawFd::as_raw_fd));
            let (door, control) = (self.is_passed_on, self.control.is_some());
            let message = Message::Sockets { version: VERSION, listeners: count, door, control };
            send(&socket, &message, &all).map(|()| true)
        });
        if passed.unwrap_or(false) {
            *taker = Some(Taker { socket, process });
        }
        Ok(())
    }
}

/// Whoever is about to take over.
struct Taker {
    socket: OwnedFd,
    process: i32,
}

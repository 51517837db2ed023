//! The successor's side: it asks for the sockets, starts with them, and says when it serves.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;

use nix::unistd::geteuid;
use socket2::{Domain, Socket, Type};

use super::door::SuccessorDoor;
use super::message::{Came, Message, VERSION, peer, receive, send};
use super::place::DoorPlace;
use crate::kit::adopt::{Adopted, adopt};
use crate::limits::TAKE_OVER_ANSWER;

/// Why nothing can be taken over.
#[derive(Debug, thiserror::Error)]
pub enum TakeOverError {
    /// Nobody waits there.
    #[error("nobody waits for a successor at {0}: {1}")]
    Nobody(DoorPlace, io::Error),
    /// It belongs to another user, or another process waits under its number.
    #[error("whoever waits at {0} is not a server of this user")]
    Stranger(DoorPlace),
    /// Somebody else does.
    #[error("process {0} is taking over already")]
    Busy(i32),
    /// It was asked to stop.
    #[error("the predecessor was asked to stop before")]
    Stops,
    /// It has more sockets than can be passed.
    #[error("the predecessor has {0} listening sockets, more than can be passed")]
    TooMany(usize),
    /// It says what this version does not know.
    #[error("the predecessor speaks another version")]
    OtherVersion,
    /// It has ended.
    #[error("the predecessor has ended")]
    Ended,
    /// The conversation broke off.
    #[error("the predecessor does not answer: {0}")]
    Silent(io::Error),
    /// There are fewer loops than listening sockets.
    #[error("the predecessor has {} listening sockets, and {} of them would be left without anybody to accept", .0 + .1, .1)]
    LeftOver(usize, usize),
}

/// What a predecessor has passed.
#[derive(Debug)]
pub struct PassedSockets {
    /// The listening socket.
    pub listener: TcpListener,
    /// Others on the same address.
    pub more: Vec<TcpListener>,
    /// The door at which this server can be followed in its turn, if it has a path.
    pub door: Option<SuccessorDoor>,
    /// The socket of its control port, if it has one.
    pub control: Option<TcpListener>,
    /// The predecessor.
    pub predecessor: Predecessor,
}

/// The server whose place is taken.
#[derive(Debug)]
pub struct Predecessor {
    socket: OwnedFd,
}

/// Asks the server that waits at `place` for its sockets. It goes on serving.
///
/// # Errors
/// [`TakeOverError`]; the predecessor goes on as before.
pub fn take_over(place: &DoorPlace) -> Result<PassedSockets, TakeOverError> {
    let nobody = |error| TakeOverError::Nobody(place.clone(), error);
    let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None).map_err(nobody)?;
    socket.set_read_timeout(Some(TAKE_OVER_ANSWER)).map_err(nobody)?;
    place.address().and_then(|address| socket.connect(&address)).map_err(nobody)?;
    let who = peer(&socket).map_err(nobody)?;
    let is_known = match place {
        DoorPlace::Process(process) => who.pid() == process.cast_signed(),
        // The door may have come to it from a predecessor of its own, and the kernel names whoever opened it.
        DoorPlace::Path(_) => true,
    };
    if who.uid() != geteuid().as_raw() || !is_known {
        return Err(TakeOverError::Stranger(place.clone()));
    }
    let (count, has_door, has_control, passed) = match receive(&socket).map_err(TakeOverError::Silent)? {
        Came::Message(Message::Sockets { version: VERSION, listeners, door, control }, passed) => {
            (listeners, door, control, passed)
        }
        Came::Message(Message::Busy { process }, _) => return Err(TakeOverError::Busy(process)),
        Came::Message(Message::TooMany { listeners }, _) => return Err(TakeOverError::TooMany(listeners)),
        Came::Nothing => return Err(TakeOverError::Ended),
        _ => return Err(TakeOverError::OtherVersion),
    };
    if passed.len() != count + usize::from(has_door) + usize::from(has_control) {
        return Err(TakeOverError::OtherVersion);
    }
    let mut descriptors = passed.into_iter();
    let mut listeners = Vec::with_capacity(count);
    for descriptor in descriptors.by_ref().take(count) {
        match adopt(descriptor) {
            Ok(Adopted::Listener(listener)) => listeners.push(listener),
            // The predecessor was asked to stop, and has shut it.
            Ok(Adopted::Connection(_)) | Err(_) => return Err(TakeOverError::Stops),
        }
    }
    let mut listeners = listeners.into_iter();
    let listener = listeners.next().ok_or(TakeOverError::OtherVersion)?;
    let door = if has_door { descriptors.next().map(SuccessorDoor::passed_on) } else { None };
    let control = descriptors.next().map(TcpListener::from);
    let predecessor = Predecessor { socket: socket.into() };
    Ok(PassedSockets { listener, more: listeners.collect(), door, control, predecessor })
}

impl Predecessor {
    /// Says that this server accepts connections now; the predecessor drains.
    ///
    /// # Errors
    /// [`TakeOverError`]. A predecessor that has [ended](TakeOverError::Ended) or is
    /// [silent](TakeOverError::Silent) is no reason not to serve.
    pub fn relieve(&self) -> Result<(), TakeOverError> {
        send(&self.socket, &Message::Ready, &[]).map_err(|_| TakeOverError::Ended)?;
        match receive(&self.socket).map_err(TakeOverError::Silent)? {
            Came::Message(Message::Yours, _) => Ok(()),
            Came::Message(Message::Stops, _) => Err(TakeOverError::Stops),
            Came::Nothing => Err(TakeOverError::Ended),
            Came::Message(..) | Came::Nonsense => Err(TakeOverError::OtherVersion),
        }
    }
}

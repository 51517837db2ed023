//! What predecessor and successor say to each other: one JSON object a message, and descriptors beside it.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, UnixCredentials, getsockopt, recvmsg, sendmsg,
};
use serde::{Deserialize, Serialize};

use crate::limits::{TAKE_OVER_MESSAGE_BYTES, TAKE_OVER_SOCKETS};

/// The version of what is said here. Another one is refused.
pub(super) const VERSION: u32 = 1;

/// One message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "kebab-case")]
pub(super) enum Message {
    /// Predecessor: here are so many listening sockets, after them the door, if it has a path, and the socket of the
    /// control port, if there is one.
    Sockets { version: u32, listeners: usize, door: bool, control: bool },
    /// Predecessor: this process is taking over already.
    Busy { process: i32 },
    /// Predecessor: too many sockets for one message.
    TooMany { listeners: usize },
    /// Successor: it serves.
    Ready,
    /// Predecessor: it drains.
    Yours,
    /// Predecessor: it was asked to stop before.
    Stops,
}

/// What has come.
pub(super) enum Came {
    /// A message.
    Message(Message, Vec<OwnedFd>),
    /// The end.
    Nothing,
    /// Something else.
    Nonsense,
}

/// Sends a message. It does not wait: a peer that reads nothing has lost it.
pub(super) fn send(socket: &impl AsFd, message: &Message, descriptors: &[RawFd]) -> io::Result<()> {
    let text = serde_json::to_vec(message)?;
    let rights = [ControlMessage::ScmRights(descriptors)];
    let rights = if descriptors.is_empty() { &[][..] } else { &rights };
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    sendmsg::<()>(socket.as_fd().as_raw_fd(), &[IoSlice::new(&text)], rights, flags, None)?;
    Ok(())
}

/// Takes the next message; waits for it as long as the socket's time limit says.
pub(super) fn receive(socket: &impl AsFd) -> io::Result<Came> {
    let mut text = [0; TAKE_OVER_MESSAGE_BYTES];
    let mut parts = [IoSliceMut::new(&mut text)];
    let mut rights = cmsg_space!([RawFd; TAKE_OVER_SOCKETS + 2]);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let received = recvmsg::<()>(socket.as_fd().as_raw_fd(), &mut parts, Some(&mut rights), flags)?;
    let octets = received.bytes;
    let mut descriptors = Vec::new();
    for message in received.cmsgs()? {
        if let ControlMessageOwned::ScmRights(came) = message {
            // SAFETY: the kernel has just made these descriptors for us.
            descriptors.extend(came.into_iter().map(|one| unsafe { OwnedFd::from_raw_fd(one) }));
        }
    }
    if octets == 0 {
        return Ok(Came::Nothing);
    }
    match serde_json::from_slice(&text[..octets]) {
        Ok(message) => Ok(Came::Message(message, descriptors)),
        Err(_) => Ok(Came::Nonsense),
    }
}

/// Who is at the other end, in the kernel's word.
pub(super) fn peer(socket: &impl AsFd) -> io::Result<UnixCredentials> {
    Ok(getsockopt(&socket.as_fd(), PeerCredentials)?)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpListener;

    use socket2::{Domain, Socket, Type};

    use super::*;

    #[test]
    fn messages_carry_sockets_and_anything_else_is_nonsense() {
        let (near, far) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sockets = Message::Sockets { version: VERSION, listeners: 1, door: false, control: false };
        send(&near, &sockets, &[listener.as_raw_fd()]).unwrap();
        send(&near, &Message::Ready, &[]).unwrap();
        let Came::Message(message, mut descriptors) = receive(&far).unwrap() else { panic!("no message") };
        assert_eq!((message, descriptors.len()), (sockets, 1));
        let passed = TcpListener::from(descriptors.remove(0));
        assert_eq!(passed.local_addr().unwrap(), listener.local_addr().unwrap());
        assert!(matches!(receive(&far).unwrap(), Came::Message(Message::Ready, none) if none.is_empty()));
        (&near).write_all(b"{\"say\":\"sockets\"}").unwrap();
        assert!(matches!(receive(&far).unwrap(), Came::Nonsense));
        drop(near);
        assert!(matches!(receive(&far).unwrap(), Came::Nothing));
    }
}

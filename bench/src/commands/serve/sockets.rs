//! `--listen`, `--hand-over`, `--take-over` and `--idle-exit`: where the listening socket comes from, and who goes on
//! with it.

use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use dyno_http::limits::Limits;
use dyno_servers::architecture::{Architecture, Concurrency};
use dyno_servers::architectures::ALL;
use dyno_servers::kit::adopt::{Adopted, FromSystemd, NotAdopted, adopt, descriptor_0, first_of_systemd};
use dyno_servers::kit::idle::end_when_idle;
use dyno_servers::kit::listen::{
    ListenAddress, NoAddress, SocketFile, address_of, listen, listen_beside_others,
};
use dyno_servers::kit::sharing::{Sharer, Sharing, prepare};
use dyno_servers::kit::site::Site;
use dyno_servers::limits::FOLLOWED_DRAIN_GRACE;
use dyno_servers::take_over::door::SuccessorDoor;
use dyno_servers::take_over::place::{DoorPlace, NoPlace};
use dyno_servers::take_over::successor::take_over;
use dyno_units::read::{self, ReadError};
use socket2::{Domain, Socket, Type};

use super::listen_failure;
use super::relief::{Keeping, Relief, not_taken, say_unlocked, told_of};
use crate::exit::Failure;
use crate::limits::{LONGEST_IDLE_EXIT_NS, SHORTEST_IDLE_EXIT_NS};

/// Where the listening socket comes from, and who goes on with it.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SocketOptions {
    /// Address and port to listen on, or unix:PATH; port 0 takes a free one. `adopt` takes the socket that a
    /// superserver has opened: systemd says so in LISTEN_FDS, inetd makes it descriptor 0 [default: what systemd has
    /// opened, else 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS", value_parser = listen_at)]
    listen: Option<ListenAt>,
    /// Let other servers of the same user listen at this port beside this one, each with a queue of its own; what
    /// stands in the queue of one that ends is reset. `dyno demo restart` shows how --take-over differs.
    #[arg(long, conflicts_with = "take_over")]
    reuse_port: bool,
    /// End as soon as there was no connection for so long, such as 30s: a superserver starts the server again.
    #[arg(long, value_name = "TIME", value_parser = idle_exit)]
    idle_exit: Option<Duration>,
    /// Let a later server of the same user take the listening socket over, at unix:PATH or by the number of this
    /// process.
    #[arg(long, value_name = "unix:PATH", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    hand_over: Option<HandOver>,
    /// Take the place of a server that was started with --hand-over, without a client noticing: its process number, or
    /// unix:PATH. It drains as soon as this one is ready. This one can be followed at the same place.
    #[arg(long, value_name = "PID|unix:PATH", value_parser = place, conflicts_with_all = ["listen", "hand_over"])]
    take_over: Option<DoorPlace>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum ListenAt {
    Address(ListenAddress),
    /// A socket that others have opened.
    Adopt,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HandOver {
    ByProcess,
    At(PathBuf),
}

impl FromStr for HandOver {
    type Err = NoDoor;

    fn from_str(text: &str) -> Result<Self, NoDoor> {
        match text.strip_prefix("unix:") {
            _ if text.is_empty() => Ok(HandOver::ByProcess),
            Some(path) if !path.is_empty() => Ok(HandOver::At(path.into())),
            _ => Err(NoDoor),
        }
    }
}

/// The text names no place for a successor.
#[derive(Debug, thiserror::Error)]
#[error("write --hand-over alone, or --hand-over=unix:PATH")]
struct NoDoor;

/// The time is no time, or makes no sense.
#[derive(Debug, thiserror::Error)]
enum NoIdleTime {
    #[error(transparent)]
    Unread(#[from] ReadError),
    #[error("write a time between 100ms and 720h")]
    OutOfRange,
}

fn listen_at(text: &str) -> Result<ListenAt, NoAddress> {
    if text == "adopt" { Ok(ListenAt::Adopt) } else { text.parse().map(ListenAt::Address) }
}

fn place(text: &str) -> Result<DoorPlace, NoPlace> {
    text.parse()
}

fn idle_exit(text: &str) -> Result<Duration, NoIdleTime> {
    let time_ns = read::duration_ns(text)?;
    if (SHORTEST_IDLE_EXIT_NS..=LONGEST_IDLE_EXIT_NS).contains(&time_ns) {
        Ok(Duration::from_nanos(time_ns))
    } else {
        Err(NoIdleTime::OutOfRange)
    }
}

/// Where a server listens when nobody says anything.
const USUAL: &str = "127.0.0.1:8080";

/// The listening socket, and what belongs to it until the server ends.
pub(super) struct Opened {
    pub(super) listener: TcpListener,
    /// Where it listens; `None` for a server that is started for one connection.
    pub(super) address: Option<ListenAddress>,
    pub(super) is_unix: bool,
    pub(super) sharing: Sharing,
    pub(super) keeping: Keeping,
}

impl SocketOptions {
    /// Where the server is asked to listen; `None`: at a socket that others have opened.
    pub(super) fn address(&self) -> Option<ListenAddress> {
        match &self.listen {
            _ if self.take_over.is_some() => None,
            Some(ListenAt::Address(address)) => Some(address.clone()),
            Some(ListenAt::Adopt) => None,
            None if matches!(FromSystemd::told(), FromSystemd::Sockets(_)) => None,
            None => USUAL.parse().ok(),
        }
    }

    /// How long idle connections are kept when the server stops, where the usual is `usual`.
    pub(super) fn drain_grace(&self, usual: Duration) -> Duration {
        let may_be_followed = self.hand_over.is_some() || self.take_over.is_some();
        if may_be_followed { FOLLOWED_DRAIN_GRACE } else { usual }
    }

    /// Refuses two sockets at once.
    ///
    /// # Errors
    /// Usage (2), naming both.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let FromSystemd::Sockets(count) = FromSystemd::told() else { return Ok(()) };
        let remedy = "leave the option out or write --listen adopt; or start the server without LISTEN_FDS";
        let other = match (&self.listen, &self.take_over) {
            (_, Some(place)) => format!("--take-over {place}"),
            (Some(ListenAt::Address(address)), None) => format!("--listen {address}"),
            (Some(ListenAt::Adopt) | None, None) if count == 1 => return Ok(()),
            (Some(ListenAt::Adopt) | None, None) => {
                return Err(Failure::usage(
                    format!(
                        "LISTEN_FDS={count}: systemd passes {count} sockets, and a server listens at one"
                    ),
                    "leave one ListenStream= in the socket unit, or start a server for each",
                ));
            }
        };
        Err(Failure::usage(format!("LISTEN_FDS={count} and {other} name two places to listen at"), remedy))
    }

    /// Opens, adopts or takes over the listening socket.
    ///
    /// # Errors
    /// A [`Failure`] with the remedy.
    pub(super) fn open(&self, architecture: &Architecture, limits: &Limits) -> Result<Opened, Failure> {
        if let Some(place) = &self.take_over {
            return taken(place, limits);
        }
        let Some(address) = self.address() else { return self.adopted(architecture, limits) };
        if self.reuse_port && !address.is_tcp() {
            return Err(Failure::usage(
                "a Unix socket has one queue, and no port that two servers could share",
                "leave --reuse-port out, or listen at an address",
            ));
        }
        let refused = |error| listen_failure(&address, &error);
        let open = if self.reuse_port { listen_beside_others } else { listen };
        let listener = open(&address, limits).map_err(refused)?;
        let mut files: Vec<_> = SocketFile::of(&address).into_iter().collect();
        let (mut door, mut sharer) = (None, Sharer::Nobody);
        if let Some(hand_over) = &self.hand_over {
            let place = match hand_over {
                HandOver::ByProcess => DoorPlace::Process(std::process::id()),
                HandOver::At(path) => DoorPlace::Path(path.clone()),
            };
            door = Some(open_door(&place)?);
            files.extend(file_of(&place));
            // The flag belongs to the socket, so it is set before there is a second process.
            listener.set_nonblocking(true).map_err(refused)?;
            sharer = Sharer::Successor;
        }
        let is_unix = !address.is_tcp();
        let keeping = Keeping { files, may_be_followed: door.is_some(), door, ..Keeping::default() };
        let sharing = Sharing::new(sharer, Vec::new());
        Ok(Opened { listener, address: Some(address), is_unix, sharing, keeping })
    }

    fn adopted(&self, architecture: &Architecture, limits: &Limits) -> Result<Opened, Failure> {
        if self.hand_over.is_some() || self.reuse_port {
            return Err(Failure::usage(
                "the superserver has this socket already, and keeps it when the server ends",
                "leave --hand-over and --reuse-port out: the next client starts the next server",
            ));
        }
        let (descriptor, what) = match FromSystemd::told() {
            FromSystemd::Sockets(_) => (first_of_systemd(), "descriptor 3, the first of LISTEN_FDS,"),
            FromSystemd::Nothing | FromSystemd::OfAnother | FromSystemd::Unreadable => {
                (descriptor_0().ok(), "descriptor 0")
            }
        };
        let descriptor = descriptor.ok_or_else(|| unadopted(&format!("{what} is closed")))?;
        match adopt(descriptor)
            .map_err(|why: NotAdopted| unadopted(&format!("{what} cannot be adopted: {why}")))?
        {
            Adopted::Listener(listener) => {
                prepare(&listener, limits)
                    .map_err(|error| Failure::failed(format!("cannot use the socket: {error}"), ""))?;
                let address = address_of(&listener);
                let is_unix = !address.as_ref().is_some_and(ListenAddress::is_tcp);
                let sharing = Sharing::new(Sharer::Superserver, Vec::new());
                let keeping = Keeping::default();
                Ok(Opened { listener, address, is_unix, sharing, keeping })
            }
            Adopted::Connection(connection) => only(architecture, connection),
        }
    }

    /// Starts what stands beside the server: the door, and whoever looks whether anybody is there.
    ///
    /// # Errors
    /// Failed (1), when the system refuses a thread.
    pub(super) fn watch(
        &self,
        site: &'static Site,
        keeping: &mut Keeping,
        control: Option<OwnedFd>,
    ) -> Result<(), Failure> {
        let refused = |error| Failure::failed(format!("cannot start a thread: {error}"), "");
        if let Some(door) = keeping.door.take() {
            door.with_control(control).watch(site, |news| say_unlocked(&told_of(news))).map_err(refused)?;
        }
        if let Some(time) = self.idle_exit {
            end_when_idle(site, time).map_err(refused)?;
        }
        Ok(())
    }
}

/// A server for the one connection that inetd has accepted.
fn only(architecture: &Architecture, connection: TcpStream) -> Result<Opened, Failure> {
    if architecture.concurrency != Concurrency::One {
        let fit = ALL.iter().filter(|one| one.concurrency == Concurrency::One).map(|one| one.name);
        let fit = fit.collect::<Vec<_>>().join(", ");
        return Err(Failure::usage(
            format!(
                "descriptor 0 is one connection, as inetd's `nowait` gives it, and {} accepts its connections itself",
                architecture.name
            ),
            format!(
                "write `wait` instead of `nowait` there, or take a design for one connection at a time: {fit}"
            ),
        ));
    }
    // Nothing can be accepted from a socket that has no address, so the server ends after the one.
    let nobody = Socket::new(Domain::UNIX, Type::STREAM, None)
        .map_err(|error| Failure::failed(format!("cannot open a socket: {error}"), ""))?;
    let is_unix = address_of(&connection).is_none_or(|address| !address.is_tcp());
    let keeping = Keeping::default();
    let sharing = Sharing::of_connection(connection);
    Ok(Opened { listener: nobody.into(), address: None, is_unix, sharing, keeping })
}

fn taken(place: &DoorPlace, limits: &Limits) -> Result<Opened, Failure> {
    let passed = take_over(place).map_err(|error| not_taken(&error))?;
    prepare(&passed.listener, limits)
        .map_err(|error| Failure::failed(format!("cannot use the socket: {error}"), ""))?;
    let address = address_of(&passed.listener);
    let is_unix = !address.as_ref().is_some_and(ListenAddress::is_tcp);
    let door = passed.door.map_or_else(|| open_door(&DoorPlace::Process(std::process::id())), Ok)?;
    let mut addresses: Vec<_> = address.iter().cloned().collect();
    // Its control port's file is this server's as well, whether it has such a port or not.
    addresses.extend(passed.control.as_ref().and_then(address_of));
    if let DoorPlace::Path(path) = place {
        addresses.push(ListenAddress::Unix(path.clone()));
    }
    let relief = Relief::of(passed.predecessor, addresses);
    let (files, control) = (Vec::new(), passed.control);
    let keeping = Keeping { files, door: Some(door), may_be_followed: true, control, relief };
    let sharing = Sharing::new(Sharer::Predecessor, passed.more);
    Ok(Opened { listener: passed.listener, address, is_unix, sharing, keeping })
}

fn open_door(place: &DoorPlace) -> Result<SuccessorDoor, Failure> {
    SuccessorDoor::open(place).map_err(|error| match place {
        DoorPlace::Path(path) => listen_failure(&ListenAddress::Unix(path.clone()), &error),
        DoorPlace::Process(_) => Failure::failed(format!("cannot wait for a successor: {error}"), ""),
    })
}

fn file_of(place: &DoorPlace) -> Option<SocketFile> {
    match place {
        DoorPlace::Path(path) => SocketFile::of(&ListenAddress::Unix(path.clone())),
        DoorPlace::Process(_) => None,
    }
}

fn unadopted(why: &str) -> Failure {
    let stray = match FromSystemd::told() {
        FromSystemd::OfAnother => "; LISTEN_FDS is meant for another process, as LISTEN_PID says",
        FromSystemd::Unreadable => "; LISTEN_FDS and LISTEN_PID are no numbers",
        FromSystemd::Nothing | FromSystemd::Sockets(_) => "",
    };
    Failure::usage(
        format!("{why}{stray}"),
        "--listen adopt wants a socket that listens: start the server by `dyno superserver`, inetd, a socket unit of \
         systemd, or `systemd-socket-activate -l 8080 dyno serve NAME`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_to_be_followed_at_has_a_path_or_is_made_of_the_process() {
        assert_eq!("".parse::<HandOver>().unwrap(), HandOver::ByProcess);
        assert_eq!("unix:/run/a".parse::<HandOver>().unwrap(), HandOver::At("/run/a".into()));
        for text in ["unix:", "/run/a", "17"] {
            assert!(text.parse::<HandOver>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_idle_server_is_given_a_time_that_makes_sense() {
        assert_eq!(idle_exit("30s").unwrap(), Duration::from_secs(30));
        for text in ["0s", "1ms", "100d", "soon", ""] {
            assert!(idle_exit(text).is_err(), "{text}");
        }
    }
}

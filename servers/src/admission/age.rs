//! For how long a request has waited, as far as somebody knows.
//!
//! | whose knowledge | sees | is blind to |
//! |---|---|---|
//! | the server's | what it was told of: accepted, reported as readable, put into a queue | the listener's queue, receive buffers, threads that have no core |
//! | the kernel's | all that, from when the last octets arrived, in steps of its timer (1 to 10 ms) and at least | what waits in the client |
//! | the client's | the whole wait | nothing; but a client may lie, and its clock must be the server's |

use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::{Duration, Instant};

use nix::time::ClockId;

use super::AgeFrom;
use crate::limits::DUE_AGE_MAX;
use crate::services::service::FieldLookup;

/// The field in which a client says when it wanted to send the request: nanoseconds of the monotonic clock, which all
/// processes of a host share.
pub const DUE_FIELD: &str = "Dyno-Due";

/// Knows how old requests are, and counts nanoseconds from its making on.
#[derive(Debug)]
pub struct AgeClock {
    from: AgeFrom,
    origin: Instant,
    /// The step in which the kernel counts.
    tick: Duration,
}

impl AgeClock {
    /// A clock that counts ages from there.
    pub fn new(from: AgeFrom) -> Self {
        // Nothing that is asked about lies before it.
        let now = Instant::now();
        AgeClock { from, origin: now.checked_sub(DUE_AGE_MAX).unwrap_or(now), tick: tick() }
    }

    /// An instant as nanoseconds.
    pub fn ns(&self, instant: Instant) -> u64 {
        instant.saturating_duration_since(self.origin).as_nanos() as u64
    }

    /// For how long a request has waited at `now` which the server `took_up` then and which came on `connection`.
    pub fn waited(
        &self,
        now: Instant,
        took_up: Instant,
        connection: Option<BorrowedFd<'_>>,
        fields: &dyn FieldLookup,
    ) -> Duration {
        let known = now.saturating_duration_since(took_up);
        // A request that came just before a tick is nearly a whole one younger than the kernel says. Taken at its word,
        // clients that come one after the other would seem to wait for each other.
        let at_least = |since: Duration| since.saturating_sub(self.tick);
        let received = || known.max(connection.and_then(since_received).map_or(Duration::ZERO, at_least));
        match self.from {
            AgeFrom::Accept => known,
            AgeFrom::Receive => received(),
            AgeFrom::Due => fields.get(DUE_FIELD).and_then(since_due).unwrap_or_else(received),
        }
    }
}

/// The step of the kernel's timer (clock_getres(2)): a clock that is coarse moves with it.
fn tick() -> Duration {
    ClockId::CLOCK_MONOTONIC_COARSE.res().map_or(Duration::ZERO, Duration::from)
}

/// Since when `due` is over, if that makes sense on this host: a clock of another one tells nothing here.
fn since_due(due: &str) -> Option<Duration> {
    let due = Duration::from_nanos(due.parse().ok()?);
    let now = Duration::from(ClockId::CLOCK_MONOTONIC.now().ok()?);
    let age = now.saturating_sub(due);
    (age <= DUE_AGE_MAX && due <= now + DUE_AGE_MAX).then_some(age)
}

/// How long ago the kernel received the last octets on this connection (tcp(7), TCP_INFO). `None`: it is no TCP
/// connection, or the kernel does not say.
fn since_received(connection: BorrowedFd<'_>) -> Option<Duration> {
    let mut info = MaybeUninit::<libc::tcp_info>::zeroed();
    let mut length = size_of::<libc::tcp_info>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` octets into memory that is large enough.
    let result = unsafe {
        libc::getsockopt(
            connection.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    // SAFETY: it is made of integers and was zeroed, so what the kernel has not written is valid, too.
    let info = unsafe { info.assume_init() };
    (result == 0).then(|| Duration::from_millis(info.tcpi_last_data_recv.into()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::thread::sleep;

    use super::*;

    struct Due(String);

    impl FieldLookup for Due {
        fn all(&self, name: &str) -> Vec<&str> {
            if name == DUE_FIELD { vec![&self.0] } else { Vec::new() }
        }

        fn each(&self, _take: &mut dyn FnMut(&str, &[u8])) {}

        fn host(&self) -> &str {
            ""
        }
    }

    #[test]
    fn the_kernel_knows_for_how_long_octets_wait_before_and_after_the_connection_is_accepted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"x").unwrap();
        sleep(Duration::from_millis(60));
        let (mut server, _) = listener.accept().unwrap();
        let waited = since_received(server.as_fd()).unwrap();
        assert!(waited >= Duration::from_millis(50), "{waited:?}");
        server.read_exact(&mut [0]).unwrap();
        assert!(since_received(server.as_fd()).unwrap() >= waited, "reading changes nothing");
        client.write_all(b"y").unwrap();
        let read = server.read(&mut [0; 2]).unwrap();
        assert!(read == 1 && since_received(server.as_fd()).unwrap() < Duration::from_secs(1));
        let (one, _other) = UnixStream::pair().unwrap();
        assert_eq!(since_received(one.as_fd()), None);
    }

    #[test]
    fn each_arm_goes_by_what_it_knows() {
        let now = Instant::now();
        let took_up = now.checked_sub(Duration::from_millis(3)).unwrap();
        let monotonic = Duration::from(ClockId::CLOCK_MONOTONIC.now().unwrap());
        let due = |ago: Duration| Due((monotonic - ago).as_nanos().to_string());
        let waited = |from, fields: &Due| AgeClock::new(from).waited(now, took_up, None, fields).as_millis();
        let second = due(Duration::from_secs(1));
        assert_eq!(waited(AgeFrom::Accept, &second), 3);
        assert_eq!(waited(AgeFrom::Receive, &second), 3);
        assert!((1_000..30_000).contains(&waited(AgeFrom::Due, &second)));
        for nonsense in ["", "-1", "soon", "99999999999999999999999", "1e9", "18446744073709551615"] {
            assert_eq!(waited(AgeFrom::Due, &Due(nonsense.into())), 3, "{nonsense:?}");
        }
        // A clock of another host, and one that is somewhat ahead.
        assert_eq!(waited(AgeFrom::Due, &due(DUE_AGE_MAX + Duration::from_secs(1))), 3);
        assert_eq!(
            waited(AgeFrom::Due, &Due((monotonic + Duration::from_secs(1)).as_nanos().to_string())),
            0
        );
    }
}

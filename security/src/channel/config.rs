//! The configuration of one end of the channel: its own identity, the peers that it accepts, and its bounds.

use super::credential::Credential;
use super::message::Suite;
use super::trust::Trust;
use crate::limits;
use crate::signature::SigningKey;
use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The identity of one end: its private key, and the credential that the peer gets to see.
#[derive(Debug)]
pub struct Identity {
    /// The private key that signs our handshakes.
    pub key: SigningKey,
    /// The public key that the peer gets to see, perhaps with a certificate.
    pub credential: Credential,
}

impl Identity {
    /// A key without a certificate: the peer must have pinned it.
    pub fn bare(key: SigningKey) -> Self {
        Identity { credential: Credential::bare(*key.public()), key }
    }

    /// An identity with a fresh key that is stored nowhere.
    pub fn throw_away() -> Self {
        Identity::bare(SigningKey::generate().0)
    }
}

/// Translates instants into calendar time, which certificates need. It rests on one pair of readings of both clocks,
/// and on how long the machine has been suspended since: instants stand still meanwhile.
#[derive(Debug, Clone, Copy)]
pub struct Calendar {
    instant: Instant,
    unix_s: u64,
    suspended: fn() -> Duration,
    suspended_before: Duration,
}

/// For how long this machine has been suspended since it was started.
fn suspended() -> Duration {
    let read = |clock| clock_gettime(clock).map_or(Duration::ZERO, Duration::from);
    read(ClockId::CLOCK_BOOTTIME).saturating_sub(read(ClockId::CLOCK_MONOTONIC))
}

impl Calendar {
    /// `unix_s` (seconds since 1970) was the time at `instant`.
    pub fn new(instant: Instant, unix_s: u64) -> Self {
        Calendar::with_suspension(instant, unix_s, || Duration::ZERO)
    }

    /// The same on a machine that has been suspended for as long as `suspended` says when it is asked.
    pub fn with_suspension(instant: Instant, unix_s: u64, suspended: fn() -> Duration) -> Self {
        Calendar { instant, unix_s, suspended, suspended_before: suspended() }
    }

    /// Reads the clocks of the system, once for each configuration, and the time of suspension for each certificate; no
    /// other place of the channel reads a clock. Calendar time goes on with the instants, so a server that runs for
    /// months, or a laptop that sleeps for days, sees certificates expire. The calendar does not notice when the
    /// system's clock is set; that is by minutes at most, and matters to no certificate.
    fn from_system() -> Self {
        let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Calendar::with_suspension(Instant::now(), unix_s, suspended)
    }

    /// Seconds since 1970 at `now`.
    pub fn unix_s(&self, now: Instant) -> u64 {
        let asleep = (self.suspended)().saturating_sub(self.suspended_before);
        self.unix_s.saturating_add((now.saturating_duration_since(self.instant) + asleep).as_secs())
    }
}

/// The bounds of a session, with the values of [`crate::limits`] unless told otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The time in which a handshake must be done.
    pub handshake: Duration,
    /// How many handshakes may be under way at one acceptor.
    pub half_open: usize,
    /// After so many records the sender changes its key.
    pub rekey_records: u64,
    /// After so many octets of plaintext the sender changes its key.
    pub rekey_octets: u64,
    /// After so much time the sender changes its key.
    pub rekey_time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            handshake: limits::HANDSHAKE_TIME,
            half_open: limits::HALF_OPEN_HANDSHAKES,
            rekey_records: limits::REKEY_RECORDS,
            rekey_octets: limits::REKEY_OCTETS,
            rekey_time: limits::REKEY_TIME,
        }
    }
}

/// The configuration of one end.
#[derive(Debug)]
pub struct Config {
    /// Our own identity.
    pub identity: Identity,
    /// The peers that we accept.
    pub trust: Trust,
    /// Cipher suites: those that an initiator offers, the most wanted first, and those that a responder takes. The
    /// initiator's order decides.
    pub suites: Vec<Suite>,
    /// For which application the session is, 0 to 255 octets: both ends must say the same. One identity key can serve
    /// two applications that have different ones.
    pub context: Vec<u8>,
    /// For an initiator: whether it keeps the tickets that it is given and resumes sessions by them.
    pub resumes: bool,
    /// For a responder: whether it gives a ticket to each initiator that wants one, and takes those that it has given.
    /// One that does not makes a full handshake each time.
    pub gives_tickets: bool,
    /// Limits of time, number and size.
    pub bounds: Bounds,
    /// Tells the calendar time, to check whether certificates are valid.
    pub calendar: Calendar,
}

impl Config {
    /// The classical suites, no context, no resumption of our own and tickets for who asks, the usual bounds, the
    /// system's calendar. An offer of a hybrid suite costs its initiator a pair of keys and 1,184 octets whether it is
    /// taken or not, so it is made when it is asked for.
    pub fn new(identity: Identity, trust: Trust) -> Self {
        Config {
            identity,
            trust,
            suites: Suite::CLASSICAL.to_vec(),
            context: Vec::new(),
            resumes: false,
            gives_tickets: true,
            bounds: Bounds::default(),
            calendar: Calendar::from_system(),
        }
    }
}

//! What one end of the channel is configured with: who we are, whom we accept, and the bounds.

use super::credential::Credential;
use super::message::Suite;
use super::trust::Trust;
use crate::limits;
use crate::signature::SigningKey;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Who we are: a private key and what we show of it.
#[derive(Debug)]
pub struct Identity {
    /// The private key.
    pub key: SigningKey,
    /// What the peer gets to see.
    pub credential: Credential,
}

impl Identity {
    /// A key without a certificate: the peer must have pinned it.
    pub fn bare(key: SigningKey) -> Self {
        Identity { credential: Credential::bare(*key.public()), key }
    }

    /// A throw-away identity, made now and kept nowhere.
    pub fn throw_away() -> Self {
        Identity::bare(SigningKey::generate().0)
    }
}

/// Translates instants into calendar time, for certificates: one pair of readings, taken outside.
#[derive(Debug, Clone, Copy)]
pub struct Calendar {
    instant: Instant,
    unix_s: u64,
}

impl Calendar {
    /// `unix_s` (seconds since 1970) was the time at `instant`.
    pub fn new(instant: Instant, unix_s: u64) -> Self {
        Calendar { instant, unix_s }
    }

    /// From both clocks of the system: the only place of the channel that reads a clock, once for each configuration. Calendar
    /// time goes on with the instants, so a server that runs for months sees certificates expire. What it does not see is a
    /// calendar that is set anew; a minute of that matters to no certificate.
    pub fn from_system() -> Self {
        let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Calendar::new(Instant::now(), unix_s)
    }

    /// Seconds since 1970 at `now`.
    pub fn unix_s(&self, now: Instant) -> u64 {
        self.unix_s.saturating_add(now.saturating_duration_since(self.instant).as_secs())
    }
}

/// The bounds of a session, with the values of [`crate::limits`] unless told otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Time for the handshake.
    pub handshake: Duration,
    /// Handshakes under way at one acceptor.
    pub half_open: usize,
    /// Records under one sending key.
    pub rekey_records: u64,
    /// Octets under one sending key.
    pub rekey_octets: u64,
    /// Time under one sending key.
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

/// Everything that both ends need.
#[derive(Debug)]
pub struct Config {
    /// Who we are.
    pub identity: Identity,
    /// Whom we accept.
    pub trust: Trust,
    /// Suites, most wanted first; the initiator's order decides.
    pub suites: Vec<Suite>,
    /// Bounds.
    pub bounds: Bounds,
    /// Calendar time.
    pub calendar: Calendar,
}

impl Config {
    /// Both suites, the usual bounds, the system's calendar.
    pub fn new(identity: Identity, trust: Trust) -> Self {
        Config {
            identity,
            trust,
            suites: Suite::ALL.to_vec(),
            bounds: Bounds::default(),
            calendar: Calendar::from_system(),
        }
    }
}

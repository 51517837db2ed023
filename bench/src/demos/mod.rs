//! The demonstrations of `dyno demo`: one file each, one row in the table.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::exit::Failure;

pub(crate) mod access;
pub(crate) mod channel;
pub(crate) mod diffie_hellman;
pub(crate) mod encryption;
pub(crate) mod envelopes;
pub(crate) mod forward_secrecy;
mod healing;
pub(crate) mod interrupt;
pub(crate) mod mitm;
pub(crate) mod replay;
pub(crate) mod restart;
pub(crate) mod resumption;
pub(crate) mod signature;
pub(crate) mod stage;
mod ticket_key;
pub(crate) mod truncation;
pub mod wire;

/// A demonstration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Demo {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it shows, in one line.
    pub(crate) idea: &'static str,
    /// Plays the demonstration on the stage.
    pub(crate) run: fn(&mut stage::Stage, &Choices) -> Result<(), Failure>,
}

/// Options of the command line that only some demonstrations read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Choices {
    /// Show what the wire carries.
    pub(crate) tap: bool,
    /// Wait for the other terminal here.
    pub(crate) listen: Option<SocketAddr>,
    /// Call the other terminal there.
    pub(crate) connect: Option<SocketAddr>,
    /// The other terminal's key.
    pub(crate) peer: Option<String>,
    /// A credentials directory for a party in a process of its own.
    pub(crate) credentials: Option<PathBuf>,
    /// Be one party in a process of its own.
    pub(crate) party: Option<Party>,
}

/// A party that runs in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Party {
    /// Waits for an exchange without signatures.
    BobUnsigned,
    /// Starts an exchange without signatures.
    AliceUnsigned,
    /// Waits for the channel.
    BobSigned,
    /// Starts the channel.
    AliceSigned,
}

/// All of them, in the order of a lecture.
pub(crate) const ALL: [Demo; 13] = [
    encryption::DEMO,
    replay::DEMO,
    diffie_hellman::DEMO,
    mitm::DEMO,
    signature::DEMO,
    envelopes::DEMO,
    channel::DEMO,
    truncation::DEMO,
    forward_secrecy::DEMO,
    resumption::DEMO,
    access::DEMO,
    interrupt::DEMO,
    restart::DEMO,
];

/// Their names, in the same order.
pub(crate) fn names() -> [&'static str; ALL.len()] {
    ALL.map(|demo| demo.name)
}

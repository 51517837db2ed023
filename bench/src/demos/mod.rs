//! The demonstrations of `dyno demo`: one file each, one row in the table.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::exit::Failure;

pub mod channel;
pub mod diffie_hellman;
pub mod encryption;
pub mod envelopes;
pub mod forward_secrecy;
pub mod mitm;
pub mod replay;
pub mod signature;
pub mod stage;
pub mod truncation;
pub mod wire;

/// A demonstration.
#[derive(Debug, Clone, Copy)]
pub struct Demo {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it shows, in one line.
    pub idea: &'static str,
    /// Plays it.
    pub run: fn(&mut stage::Stage, &Choices) -> Result<(), Failure>,
}

/// What the command line chose; most demonstrations have no choice.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Show what the wire carries.
    pub tap: bool,
    /// Wait for the other terminal here.
    pub listen: Option<SocketAddr>,
    /// Call the other terminal there.
    pub connect: Option<SocketAddr>,
    /// The other terminal's key.
    pub peer: Option<String>,
    /// A credentials directory for a party in a process of its own.
    pub credentials: Option<PathBuf>,
    /// Be one party in a process of its own.
    pub party: Option<Party>,
}

/// A party that runs in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Party {
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
pub const ALL: [Demo; 9] = [
    encryption::DEMO,
    replay::DEMO,
    diffie_hellman::DEMO,
    mitm::DEMO,
    signature::DEMO,
    envelopes::DEMO,
    channel::DEMO,
    truncation::DEMO,
    forward_secrecy::DEMO,
];

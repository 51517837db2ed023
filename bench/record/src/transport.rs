//! The transport of a cell, as a word in the records.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which transport carries the requests of a cell.
///
/// The transports themselves are in the security crate. A program that reads records needs only their names, and none
/// of the cryptography behind them.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum TransportKind {
    /// Nothing between TCP and HTTP.
    #[default]
    Plain,
    /// Dyno's own secure channel, with X25519 alone.
    Channel,
    /// The channel with ML-KEM-768 beside X25519.
    Hybrid,
    /// The channel, to which each client comes back by the ticket of its last session, without signatures.
    Resumed,
    /// TLS 1.3.
    Tls,
}

impl TransportKind {
    /// All transports, in the order of reports.
    pub const ALL: [TransportKind; 5] = [
        TransportKind::Plain,
        TransportKind::Channel,
        TransportKind::Hybrid,
        TransportKind::Resumed,
        TransportKind::Tls,
    ];

    /// Its word in records, labels and options.
    pub fn word(self) -> &'static str {
        match self {
            TransportKind::Plain => "plain",
            TransportKind::Channel => "channel",
            TransportKind::Hybrid => "hybrid",
            TransportKind::Resumed => "resumed",
            TransportKind::Tls => "tls",
        }
    }

    /// The label of a contestant behind this transport that takes part without a transport as well: `epoll+tls`.
    pub fn label_behind(self, label: &str) -> String {
        if self.is_secure() { format!("{label}+{self}") } else { label.to_string() }
    }

    /// Whether it encrypts.
    pub fn is_secure(self) -> bool {
        match self {
            TransportKind::Plain => false,
            TransportKind::Channel | TransportKind::Hybrid | TransportKind::Resumed | TransportKind::Tls => {
                true
            }
        }
    }
}

impl fmt::Display for TransportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

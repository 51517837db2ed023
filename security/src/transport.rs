//! Which transport lies between the socket and HTTP: one vocabulary for command lines, configuration files and records.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What lies between the socket and HTTP. Text, JSON and TOML all write it as [`Transport::name`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// HTTP goes over TCP as it is.
    #[default]
    Plain,
    /// Dyno's own secure channel ([`crate::channel`]).
    Channel,
    /// TLS 1.3 ([`crate::tls`]).
    Tls,
}

impl Transport {
    /// Every transport, in the order of reports.
    pub const ALL: [Transport; 3] = [Transport::Plain, Transport::Channel, Transport::Tls];

    /// The word for it on command lines and in records.
    pub const fn name(self) -> &'static str {
        match self {
            Transport::Plain => "plain",
            Transport::Channel => "channel",
            Transport::Tls => "tls",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no transport.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no transport `{0}`: plain, channel or tls")]
pub struct UnknownTransport(pub String);

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(text: &str) -> Result<Self, UnknownTransport> {
        let found = Transport::ALL.into_iter().find(|transport| transport.name() == text);
        found.ok_or_else(|| UnknownTransport(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Transport, UnknownTransport};

    #[test]
    fn text_and_json_use_the_same_words() {
        for transport in Transport::ALL {
            assert_eq!(transport.to_string().parse(), Ok(transport));
            assert_eq!(serde_json::to_string(&transport).unwrap(), format!("\"{transport}\""));
            assert_eq!(serde_json::from_str::<Transport>(&format!("\"{transport}\"")).unwrap(), transport);
        }
        assert_eq!("TLS".parse::<Transport>(), Err(UnknownTransport("TLS".into())));
        assert_eq!(format!("{:<9}|", Transport::Tls), "tls      |", "a name can be padded");
    }
}

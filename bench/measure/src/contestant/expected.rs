//! What the answers of a server that is not Dyno's are held against.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What every body of its answers must be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum BodyRule {
    /// That of the first answer.
    #[default]
    Same,
    /// Any: only the status is verified. For answers with a time, an id or a count in them.
    Status,
    /// This text.
    Text(String),
}

/// A word that names no body to expect.
#[derive(Debug, thiserror::Error)]
#[error("'{0}' is no body to expect: same, status or text:...")]
pub struct NoBodyRule(String);

impl FromStr for BodyRule {
    type Err = NoBodyRule;

    fn from_str(word: &str) -> Result<Self, NoBodyRule> {
        match word {
            "same" => Ok(BodyRule::Same),
            "status" => Ok(BodyRule::Status),
            other => match other.strip_prefix("text:") {
                Some(text) => Ok(BodyRule::Text(text.to_string())),
                None => Err(NoBodyRule(other.to_string())),
            },
        }
    }
}

impl TryFrom<String> for BodyRule {
    type Error = NoBodyRule;

    fn try_from(word: String) -> Result<Self, NoBodyRule> {
        word.parse()
    }
}

impl From<BodyRule> for String {
    fn from(body: BodyRule) -> String {
        body.to_string()
    }
}

/// As `dyno load --expect` takes it.
impl fmt::Display for BodyRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BodyRule::Same => f.write_str("same"),
            BodyRule::Status => f.write_str("status"),
            BodyRule::Text(text) => write!(f, "text:{text}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_is_written() {
        for word in ["same", "status", "text:", "text:Hello, World!\n", "text:same"] {
            assert_eq!(word.parse::<BodyRule>().unwrap().to_string(), word);
        }
        for word in ["", "Same", "text", "file:/x", "service"] {
            assert!(word.parse::<BodyRule>().is_err(), "{word}");
        }
    }
}

//! Who asks: the names that the transport has proved of the peer.

use std::fmt;

/// Whoever asks. A peer may have several names (two entries of the trust file, two names in a certificate): a rule that
/// names one of them speaks of it, so a `deny` holds under whichever name it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Principal<'a> {
    names: &'a [String],
}

impl<'a> Principal<'a> {
    /// Nobody that is known.
    pub const ANONYMOUS: Principal<'static> = Principal { names: &[] };

    /// The peer with these names, as [`peer_names`](crate::pipe::Pipe::peer_names) gives them; without any it is
    /// anonymous.
    pub fn named(names: &'a [String]) -> Principal<'a> {
        Principal { names }
    }

    /// Whether nobody knows who it is.
    pub fn is_anonymous(self) -> bool {
        self.names.is_empty()
    }

    pub(super) fn names(self) -> &'a [String] {
        self.names
    }
}

/// The names for a log; whatever characters a certificate has, they stay in one line.
impl fmt::Display for Principal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_anonymous() {
            return f.write_str("nobody known");
        }
        for (index, name) in self.names.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", alias " })?;
            if is_plain(name) { f.write_str(name) } else { write!(f, "{name:?}") }?;
        }
        Ok(())
    }
}

/// Whether a name has only letters, digits and `-_.@:[]`: such a name can stand in a policy.
pub(super) fn is_plain(name: &str) -> bool {
    name.chars().all(|letter| letter.is_alphanumeric() || "-_.@:[]".contains(letter))
}

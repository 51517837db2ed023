//! Well-known servers, recognized when installed.

use crate::contestant::Contestant;

/// The peers that this machine has.
pub fn installed() -> Vec<Contestant> {
    Vec::new()
}

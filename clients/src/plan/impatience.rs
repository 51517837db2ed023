//! Clients that do not wait for ever: how long they wait, whether they try again, and what they tell the server.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The field in which the server is told when the request was due: nanoseconds of the monotonic clock, which all
/// processes of a host share. Written down here a second time and on purpose, as all that both sides know.
pub const DUE_FIELD: &str = "Dyno-Due";

/// Digits of that figure; all of them are always sent, so that a request can be prepared before its time is known.
pub const DUE_DIGITS: usize = 20;

/// How patient clients are. By default they wait as long as the timeout allows, and try once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Impatience {
    /// From when a request is due until its client gives it up and closes the connection, ns; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience_ns: Option<u64>,
    /// How often a request that was refused, given up or cut off is tried again.
    #[serde(default)]
    pub retries: u8,
    /// Pause before the first retry, ns; it doubles with each, and half of it more or less is left to chance.
    #[serde(default)]
    pub backoff_ns: u64,
    /// Whether the server is told when a request was due.
    #[serde(default)]
    pub tells_due: bool,
}

impl Impatience {
    /// Whether a 503 is an outcome of its own, and no failure: clients expect that an overloaded server refuses them.
    pub fn expects_refusals(&self) -> bool {
        self.patience_ns.is_some() || self.retries > 0
    }

    /// When a request that came to nothing at `now_ns` is tried again, after `attempt` retries; `chance` lies between 0
    /// and 1.
    pub fn again_ns(&self, attempt: u8, now_ns: u64, chance: f64) -> Option<u64> {
        if attempt >= self.retries {
            return None;
        }
        let pause_ns = self.backoff_ns.saturating_mul(1 << u64::from(attempt).min(20));
        Some(now_ns.saturating_add((pause_ns as f64 * (0.5 + chance)) as u64))
    }
}

/// Where in the octets of a request its [`DUE_FIELD`] is written.
pub fn due_place(wire: &[u8]) -> Option<usize> {
    let start = format!("\r\n{DUE_FIELD}: {}", "0".repeat(DUE_DIGITS));
    let at = wire.windows(start.len()).position(|part| part == start.as_bytes())?;
    Some(at + start.len() - DUE_DIGITS)
}

/// The value to be written over in [`DUE_FIELD`].
pub fn due_blank() -> String {
    "0".repeat(DUE_DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::request::RequestParts;

    #[test]
    fn pauses_double_and_are_spread() {
        let impatience = Impatience { retries: 3, backoff_ns: 100, ..Impatience::default() };
        let again = |attempt, chance| impatience.again_ns(attempt, 1_000, chance);
        assert_eq!([again(0, 0.5), again(1, 0.5), again(2, 0.5)], [Some(1_100), Some(1_200), Some(1_400)]);
        assert_eq!((again(0, 0.0), again(0, 1.0), again(3, 0.5)), (Some(1_050), Some(1_150), None));
        assert_eq!(Impatience::default().again_ns(0, 0, 0.5), None);
    }

    #[test]
    fn the_place_of_the_due_time_is_found() {
        let parts = RequestParts { target: "/".into(), authority: "a".into(), ..RequestParts::default() };
        let request = parts.prepare().unwrap().telling_due();
        let at = request.due_at.unwrap();
        let told = String::from_utf8(request.wire).unwrap();
        assert_eq!(told, format!("GET / HTTP/1.1\r\n{DUE_FIELD}: {}\r\nHost: a\r\n\r\n", due_blank()));
        assert_eq!(&told[at..at + DUE_DIGITS], due_blank());
        assert_eq!(due_place(b"GET / HTTP/1.1\r\n\r\n"), None);
    }
}

//! What to do about a failure, in the words of the command line: for the operator of our side, never for the peer.

use crate::channel::session as channel;
use crate::channel::trust;
use crate::pipe::Failure;
use crate::tls::session as tls;

const OTHER_TRANSPORT: &str = "run both sides with the same --transport";
const NAMES: &str = "the names in the URL and in the certificate must be the same";
const CLOCKS: &str = "it needs a new certificate, or one of us needs the right time";

/// A failure, and the remedy: short enough for a line of a terminal.
const REMEDIES: [(Failure, &str); 13] = [
    (trust::UNKNOWN, "if it is the right one: --peer with its key, or --credentials DIR"),
    (trust::EXPIRED, CLOCKS),
    (trust::WRONG_NAME, NAMES),
    (channel::SPEAKS_HTTP, OTHER_TRANSPORT),
    (channel::SPEAKS_TLS, OTHER_TRANSPORT),
    (channel::CUT_IN_HANDSHAKE, "its stderr says why: it may not have our key, or another --transport"),
    (tls::UNKNOWN, "if it is the right one: --trust with its authority, or --credentials DIR"),
    (tls::EXPIRED, CLOCKS),
    (tls::WRONG_NAME, NAMES),
    (tls::SPEAKS_CHANNEL, OTHER_TRANSPORT),
    (tls::NOT_TLS, OTHER_TRANSPORT),
    (tls::REFUSED_BY_PEER, "its stderr says why: it may want a certificate that it can trust"),
    (tls::CUT_IN_HANDSHAKE, "its stderr says why: it may speak another --transport"),
];

/// The remedy for the failure whose reason stands in `text`, if there is one to name.
pub fn of(text: &str) -> Option<&'static str> {
    REMEDIES.iter().find(|(failure, _)| text.contains(failure.reason)).map(|(_, remedy)| *remedy)
}

#[cfg(test)]
mod tests {
    use super::{REMEDIES, of};

    #[test]
    fn each_failure_has_its_own_remedy() {
        for (failure, remedy) in &REMEDIES {
            assert_eq!(of(&format!("no connection: {failure}")), Some(*remedy), "{failure}");
            assert!(remedy.len() <= 74, "{remedy}");
        }
        assert_eq!(of("no connection: connection refused"), None);
    }
}

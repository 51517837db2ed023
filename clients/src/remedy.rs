//! What to do about an answer that never came, in the words of the command line.

use dyno_security::pipe::error::PipeError;
use dyno_security::transport::Transport::{Channel, Plain, Tls};

const REMEDIES: [(PipeError, &str); 10] = [
    (
        PipeError::OtherTransport(Plain),
        "the other side runs with --transport plain; give both sides the same",
    ),
    (
        PipeError::OtherTransport(Channel),
        "the other side runs with --transport channel; give both sides the same",
    ),
    (PipeError::OtherTransport(Tls), "the other side runs with --transport tls; give both sides the same"),
    (PipeError::NotTls, "run both sides with the same --transport"),
    (PipeError::UnknownKey, "if it is the right one: --peer with its key, or --credentials DIR"),
    (PipeError::UnknownAuthority, "if it is the right one: --trust with its authority, or --credentials DIR"),
    (PipeError::Expired, "it needs a new certificate, or one of us needs the right time"),
    (PipeError::WrongName, "the names in the URL and in the certificate must be the same"),
    (PipeError::RefusedByPeer, "its stderr says why: it may want a certificate that it can trust"),
    (PipeError::CutInHandshake, "its stderr says why: it may not know us, or speak another --transport"),
];

/// Nothing came before the end of the stream.
pub const SILENT: &str = "closed without one octet of an answer";

/// What came is a record of TLS (RFC 8446, 5.1).
pub const SPEAKS_TLS: &str = "the server answers in TLS, not in HTTP";

const PERHAPS_SECURE: &str = "does the server speak --transport tls or --transport channel?";

/// The remedy for the failure that `text` tells of, over the transport of that name, if there is one to name.
pub fn of(transport: &str, text: &str) -> Option<&'static str> {
    let known = REMEDIES.iter().find(|(error, _)| text.contains(error.reason())).map(|(_, remedy)| *remedy);
    if known.is_some() || transport != "plain" {
        return known;
    }
    if text.contains(SPEAKS_TLS) {
        return Some("--transport tls with whom to trust: --credentials DIR or --trust FILE");
    }
    // Whoever closes with octets unread resets the connection.
    let cut = text.contains(SILENT) || text.contains("reset by peer") || text.contains("Broken pipe");
    cut.then_some(PERHAPS_SECURE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_security::transport::Transport;

    #[test]
    fn a_stranger_is_told_apart_from_a_broken_connection() {
        let advised = [
            PipeError::NotTls,
            PipeError::UnknownKey,
            PipeError::UnknownAuthority,
            PipeError::Expired,
            PipeError::WrongName,
            PipeError::RefusedByPeer,
            PipeError::CutInHandshake,
        ];
        for error in advised {
            assert!(of("tls", error.reason()).is_some(), "{error}");
        }
        for transport in Transport::ALL {
            let remedy = of("tls", PipeError::OtherTransport(transport).reason());
            let option = format!("--transport {transport}");
            assert!(remedy.is_some_and(|remedy| remedy.contains(&option)), "{remedy:?}");
        }
        assert_eq!(of("tls", PipeError::Truncated.reason()), None);
    }

    #[test]
    fn only_a_plain_connection_that_was_cut_may_want_another_transport() {
        for text in [SILENT, "Connection reset by peer (os error 104)"] {
            assert_eq!(of("plain", text), Some(PERHAPS_SECURE));
            assert_eq!(of("tls", text), None);
        }
        assert!(of("plain", SPEAKS_TLS).is_some_and(|remedy| remedy.contains("--transport tls")));
        assert_eq!(of("plain", "no complete answer in time"), None);
        for (error, remedy) in &REMEDIES {
            assert_eq!(of("tls", &format!("no connection: {error}")), Some(*remedy), "{error}");
            assert!(remedy.len() <= 74, "{remedy}");
        }
    }
}

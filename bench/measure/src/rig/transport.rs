//! The transport of a cell as options of `dyno serve` and `dyno load`, and whether a run was what it was to be.

use std::path::Path;

use dyno_record::cell::Cell;
use dyno_record::load::LoadFigures;
use dyno_record::transport::TransportKind;
use dyno_security::credentials;

use crate::limits::RESUMED_SHARE_MIN;

/// The word of `--transport`.
fn carrier(transport: TransportKind) -> &'static str {
    match transport {
        TransportKind::Plain => "plain",
        TransportKind::Channel | TransportKind::Hybrid | TransportKind::Resumed => "channel",
        TransportKind::Tls => "tls",
    }
}

/// The options of a server, which takes every suite and gives a ticket to who wants one.
pub(super) fn of_server(transport: TransportKind) -> impl Iterator<Item = &'static str> {
    ["--transport", carrier(transport)].into_iter()
}

/// The options of a client, which decides upon the kind of handshake.
pub(super) fn of_client(transport: TransportKind) -> impl Iterator<Item = &'static str> {
    let further: &[&str] = match transport {
        TransportKind::Plain | TransportKind::Tls | TransportKind::Channel => &[],
        TransportKind::Hybrid => &["--suite", "x25519-mlkem768-aes256gcm"],
        TransportKind::Resumed => &["--tickets", "yes"],
    };
    of_server(transport).chain(further.iter().copied())
}

/// The options by which both sides speak a transport, server and client, with the credentials in a directory, which is
/// made where it is not there.
///
/// # Errors
/// When the keys cannot be made.
pub fn options(
    transport: TransportKind,
    directory: &Path,
) -> Result<[Vec<String>; 2], credentials::CredentialsError> {
    if !transport.is_secure() {
        return Ok([Vec::new(), Vec::new()]);
    }
    if !directory.exists() {
        credentials::create(directory)?;
    }
    let place = ["--credentials".to_string(), directory.display().to_string()];
    let words = |words: &mut dyn Iterator<Item = &'static str>| {
        words.map(String::from).chain(place.clone()).collect()
    };
    Ok([words(&mut of_server(transport)), words(&mut of_client(transport))])
}

/// What is to be said against a run of connections that were to be resumed and were not: its price is that of another
/// kind of handshake. The first connections of a run, which have no ticket yet, are too few for that.
pub(super) fn objection(cell: &Cell, load: &LoadFigures) -> Option<String> {
    let is_asked = cell.transport == TransportKind::Resumed && cell.load.requests_per_connection.is_some();
    let share = load.resumed_share.filter(|share| is_asked && *share < RESUMED_SHARE_MIN)?;
    Some(format!("only {:.0} % of the sessions were resumed", share * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_transport_has_its_options() {
        let words = |transport| {
            let (server, client): (Vec<_>, Vec<_>) =
                (of_server(transport).collect(), of_client(transport).collect());
            (server.join(" "), client.join(" "))
        };
        for transport in TransportKind::ALL {
            let (server, client) = words(transport);
            assert!(client.starts_with(&server), "{transport}: the same kind at both ends");
        }
        assert_eq!(words(TransportKind::Resumed).1, "--transport channel --tickets yes");
        assert_eq!(words(TransportKind::Hybrid).1, "--transport channel --suite x25519-mlkem768-aes256gcm");
    }
}

//! What the user can do about an error of a library: the libraries say what is wrong, the program says which option
//! mends it.

pub(crate) mod files;

use dyno_clients::engine::EngineError;
use dyno_clients::failure::Cause;
use dyno_clients::limits;
use dyno_clients::plan::error::PlanError;
use dyno_measure::campaign::EndedEarly;
use dyno_measure::contestant::error::ContestantError;
use dyno_measure::rig::system::SystemError;
use dyno_record::store::StoreError;
use dyno_report::error::ReportError;
use dyno_security::pipe::alert::Alert;
use dyno_security::pipe::error::PipeError;
use dyno_security::transport::Transport;
use dyno_servers::architectures::ALL;

use crate::exit::{Exit, Failure};
use crate::meant::{NameKind, meant};

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::Open { .. } => Failure::failed(message, "choose another place with --output DIR"),
            StoreError::Append { .. } => {
                Failure::failed(message, "make room on the disk, then continue with --resume")
            }
            StoreError::Encode(_) | StoreError::Unreadable { .. } => Failure::failed(message, ""),
            StoreError::Missing { .. } => Failure::usage(
                message,
                "name a directory that an experiment has written, such as dyno-results/latest",
            ),
            StoreError::Empty(_) => Failure::usage(message, "measure again; the file is empty or cut off"),
            StoreError::OtherSchema { .. } => {
                Failure::usage(message, "read them with the version of dyno that wrote them")
            }
            StoreError::Taken(directory) => Failure::usage(
                message,
                format!("name another --output, or continue it: --resume {}", directory.display()),
            ),
            StoreError::Locked(_) => Failure::usage(
                message,
                "wait until that one has ended, or name another place with --output DIR",
            ),
            StoreError::Damaged { .. } | StoreError::Nonsense { .. } => Failure::failed(
                message,
                "remove the damaged line; the cell can be measured again with --resume",
            ),
        }
    }
}

impl From<ContestantError> for Failure {
    fn from(error: ContestantError) -> Self {
        let message = error.to_string();
        match error {
            ContestantError::Unknown { ref name, .. } => {
                let names: Vec<&str> = ALL.iter().map(|architecture| architecture.name).collect();
                let guess = meant(name, NameKind::Architecture);
                Failure::usage(message, format!("{guess}The names are: {}", names.join(" ")))
            }
            ContestantError::NoArms { architecture, .. } => {
                Failure::usage(message, format!("say {architecture}"))
            }
            ContestantError::OwnProgram(_) => Failure::failed(message, ""),
            ContestantError::Unreadable { .. } => {
                Failure::usage(message, "name a TOML file with [[server]] tables: name and command of each")
            }
            ContestantError::NoProgram { .. } => {
                Failure::usage(message, "install it, or write its whole path into the command")
            }
            ContestantError::PeerMissing { label } => Failure::usage(
                message,
                format!(
                    "install it (apt-get install {}), or leave it out",
                    label.split('-').next().unwrap_or(&label).replace("apache", "apache2")
                ),
            ),
            ContestantError::NoCommand(_) => {
                Failure::usage(message, "give program and arguments, such as [\"caddy\", \"run\"]")
            }
            ContestantError::NoPath { .. } => {
                Failure::usage(message, "give what follows the host in its URLs, such as /index.html")
            }
            ContestantError::NoDirectory { .. } => {
                Failure::usage(message, "give `cwd` a directory that is there, or leave it out")
            }
            ContestantError::NoVariable { .. } => {
                Failure::usage(message, "write `env` as { NAME = \"value\" }")
            }
            ContestantError::NoServers { .. } => Failure::usage(
                message,
                "a server needs name and command, and may have idea, connections, ready, path, expect, cwd and env",
            ),
            ContestantError::UnknownKey { .. } => Failure::usage(
                message,
                "it holds [[server]] tables; an experiment with its servers is started by `dyno run FILE`",
            ),
        }
    }
}

impl From<SystemError> for Failure {
    fn from(error: SystemError) -> Self {
        Failure::failed(error.to_string(), "")
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Failure::failed(error.to_string(), "")
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error {
            EngineError::Plan(_) => Failure::usage(message, "see `dyno load --help`"),
            EngineError::Unreachable { cause, .. } => {
                let usual = "is the server up, with this transport? `dyno probe URL` shows one request";
                let remedy = match cause {
                    Cause::Pipe(error) => of_pipe(error),
                    // The server let nobody in, so what it speaks is not known.
                    Cause::Silent | Cause::SpeaksTls | Cause::Reset | Cause::Other => None,
                };
                Failure::failed(message, remedy.unwrap_or(usual))
            }
            EngineError::StartPassed { .. } => {
                Failure::failed(message, "choose a later --start-at: connections are opened before it")
            }
            EngineError::Descriptors(_) | EngineError::Poller(_) => {
                Failure::failed(message, format!("at most {} connections", limits::CONNECTIONS_MAX))
            }
        }
    }
}

/// What to do about an answer that never came for that cause, over that transport; `None` where the cause suggests
/// nothing.
pub(crate) fn of(cause: Cause, transport: Transport) -> Option<&'static str> {
    match (cause, transport) {
        (Cause::Pipe(error), _) => of_pipe(error),
        (Cause::SpeaksTls, Transport::Plain) => {
            Some("write https://, and whom to trust: --trust FILE or --credentials DIR")
        }
        // A server of another transport closes with octets unread, which resets the connection.
        (Cause::Silent | Cause::Reset, Transport::Plain) => {
            Some("does the server speak TLS (https://), or --transport channel?")
        }
        (Cause::Silent | Cause::SpeaksTls | Cause::Reset, Transport::Channel | Transport::Tls)
        | (Cause::Other, _) => None,
    }
}

/// The remedy for a transport that gave up. A fault of the peer's program has none, and neither has one of ours.
fn of_pipe(error: PipeError) -> Option<&'static str> {
    Some(match error {
        PipeError::OtherTransport(Transport::Plain) => {
            "the other side runs with --transport plain; give both sides the same"
        }
        PipeError::OtherTransport(Transport::Channel) => {
            "the other side runs with --transport channel; give both sides the same"
        }
        PipeError::OtherTransport(Transport::Tls) => {
            "the other side runs with --transport tls; give both sides the same"
        }
        PipeError::NotTls => "run both sides with the same --transport",
        PipeError::UnknownKey => "if it is the right one: --peer with its key, or --credentials DIR",
        PipeError::UnknownAuthority => {
            "if it is the right one: --trust with its authority; --insecure checks nothing"
        }
        PipeError::Expired => "it needs a new certificate, or one of us needs the right time",
        PipeError::WrongName => "the names in the URL and in the certificate must be the same",
        PipeError::AuthorityAsServer => "if it is the right one: --trust with this very certificate",
        PipeError::OtherVersion => "let it speak TLS 1.3: nothing older is spoken here",
        PipeError::RefusedByPeer(alert) => return of_alert(alert),
        PipeError::CutInHandshake => "its stderr says why: it may not know us, or speak another --transport",
        PipeError::BadMessage
        | PipeError::NothingInCommon
        | PipeError::OtherContext
        | PipeError::NoCertificate
        | PipeError::BadCertificate
        | PipeError::Revoked
        | PipeError::Truncated
        | PipeError::TooSlow
        | PipeError::TooManyHandshakes
        | PipeError::NoRandomness
        | PipeError::TooEarly
        | PipeError::ClosedForSending
        | PipeError::AlreadyFailed => return None,
    })
}

/// The remedy for a TLS alert of the peer. What it says of our own messages is for its program or ours to mend.
fn of_alert(alert: Alert) -> Option<&'static str> {
    Some(match alert {
        Alert::HandshakeFailure | Alert::InsufficientSecurity => {
            "let it allow a suite of TLS 1.3, with X25519, P-256 or P-384"
        }
        Alert::ProtocolVersion => "let it speak TLS 1.3: nothing older is spoken here",
        Alert::NoApplicationProtocol => "let it offer http/1.1 (ALPN) beside what it speaks",
        Alert::UnrecognizedName => "write the URL with a name that it serves",
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateUnknown
        | Alert::CertificateRevoked => {
            "give another --certificate; its stderr says what is wrong with this one"
        }
        Alert::CertificateExpired => "give another --certificate, or set the clocks right",
        Alert::UnknownCa => "let it trust the authority of our certificate, or give another --certificate",
        Alert::CertificateRequired => "give one: --certificate FILE with --key FILE, or --credentials DIR",
        Alert::AccessDenied => "let it allow the owner of our certificate, or give another --certificate",
        Alert::DecryptError | Alert::InternalError | Alert::OurMessage | Alert::Other => {
            "its stderr says why, if anything does"
        }
    })
}

/// A URL that leads nowhere, as a failure of its command; `example` shows what one looks like.
pub(crate) fn unresolved(error: &PlanError, example: &str) -> Failure {
    let remedy = match error {
        PlanError::Backslash(_) => "write %5C, or send it as it is: --path-as-is",
        PlanError::TwoSockets(_) => "leave --unix-socket out, or write http://",
        _ => example,
    };
    Failure::usage(error.to_string(), remedy)
}

/// An experiment that ended before its time, as a failure of its command.
pub(crate) fn stopped(stop: EndedEarly, remedy: &str) -> Failure {
    match stop {
        EndedEarly::Broken(error) => error.into(),
        EndedEarly::Interrupted => {
            Failure { exit: Exit::Interrupted, ..Failure::failed("interrupted", remedy) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_clients::exchange::ExchangeError;
    use dyno_clients::failure::RequestFailure;

    /// Each failure of a transport that has a remedy.
    const ADVISED: [PipeError; 12] = [
        PipeError::OtherTransport(Transport::Plain),
        PipeError::OtherTransport(Transport::Channel),
        PipeError::OtherTransport(Transport::Tls),
        PipeError::NotTls,
        PipeError::UnknownKey,
        PipeError::UnknownAuthority,
        PipeError::Expired,
        PipeError::WrongName,
        PipeError::AuthorityAsServer,
        PipeError::OtherVersion,
        PipeError::RefusedByPeer(Alert::ProtocolVersion),
        PipeError::CutInHandshake,
    ];

    #[test]
    fn a_stranger_is_told_apart_from_a_broken_connection() {
        for error in ADVISED {
            assert!(of(Cause::Pipe(error), Transport::Tls).is_some(), "{error}");
        }
        for transport in Transport::ALL {
            let remedy = of(Cause::Pipe(PipeError::OtherTransport(transport)), Transport::Tls);
            let option = format!("--transport {transport}");
            assert!(remedy.is_some_and(|remedy| remedy.contains(&option)), "{remedy:?}");
        }
        assert_eq!(of(Cause::Pipe(PipeError::Truncated), Transport::Tls), None);
    }

    #[test]
    fn only_a_plain_connection_that_was_cut_may_want_another_transport() {
        for cause in [Cause::Silent, Cause::Reset] {
            let perhaps_secure = "does the server speak TLS (https://), or --transport channel?";
            assert_eq!(of(cause, Transport::Plain), Some(perhaps_secure));
            assert_eq!(of(cause, Transport::Tls), None);
        }
        let speaks_tls = of(Cause::SpeaksTls, Transport::Plain);
        assert!(speaks_tls.is_some_and(|remedy| remedy.contains("https://")));
        assert_eq!(of(Cause::Other, Transport::Plain), None);
    }

    #[test]
    fn a_failed_transport_has_the_same_remedy_wherever_it_is_met() {
        for error in ADVISED {
            let remedy = of(Cause::Pipe(error), Transport::Tls).unwrap();
            assert!(remedy.len() <= 78, "{remedy}");
            assert_eq!(of(Cause::Pipe(error), Transport::Plain), Some(remedy), "{error}");
            assert_eq!(of(ExchangeError::Carrier(error).cause(), Transport::Tls), Some(remedy), "{error}");
            assert_eq!(of(RequestFailure::Transport(error).cause(), Transport::Tls), Some(remedy), "{error}");
            let address = std::net::SocketAddr::from(([127, 0, 0, 1], 80)).into();
            let cause = Cause::Pipe(error);
            let failure: Failure =
                EngineError::Unreachable { address, reason: error.to_string(), cause }.into();
            assert_eq!(failure.remedy, remedy, "{error}");
        }
    }

    /// Each alert of RFC 8446 (B.2), and 41 of TLS 1.2: a word that its reason holds, and one of its remedy.
    #[test]
    fn each_alert_has_its_words_and_its_remedy() {
        for (number, says, mends) in [
            (10, "malformed", "stderr"),
            (20, "malformed", "stderr"),
            (22, "malformed", "stderr"),
            (40, "handshake_failure", "suite"),
            (41, "certificate_required", "--certificate"),
            (42, "bad_certificate", "--certificate"),
            (43, "unsupported_certificate", "--certificate"),
            (44, "certificate_revoked", "--certificate"),
            (45, "certificate_expired", "clocks"),
            (46, "certificate_unknown", "--certificate"),
            (47, "malformed", "stderr"),
            (48, "unknown_ca", "trust the authority"),
            (49, "access_denied", "allow the owner"),
            (50, "malformed", "stderr"),
            (51, "decrypt_error", "stderr"),
            (70, "protocol_version", "TLS 1.3"),
            (71, "insufficient_security", "suite"),
            (80, "internal_error", "stderr"),
            (86, "TLS alert", "stderr"),
            (109, "malformed", "stderr"),
            (110, "malformed", "stderr"),
            (112, "unrecognized_name", "URL"),
            (113, "TLS alert", "stderr"),
            (115, "TLS alert", "stderr"),
            (116, "certificate_required", "--credentials"),
            (120, "no_application_protocol", "http/1.1"),
            (255, "TLS alert", "stderr"),
        ] {
            let error = PipeError::RefusedByPeer(Alert::of(number));
            let remedy = of(Cause::Pipe(error), Transport::Tls).unwrap();
            assert!(error.to_string().contains(says), "{number}: {error}");
            assert!(remedy.contains(mends) && remedy.len() <= 80, "{number}: {remedy}");
            let blames_certificate = error.to_string().contains("certificate");
            assert_eq!(
                blames_certificate,
                (41..=46).contains(&number) || matches!(number, 48 | 49 | 116),
                "{error}"
            );
        }
    }
}

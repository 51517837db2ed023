//! The options of `--transport`, the same for servers and clients.

use std::path::PathBuf;
use std::sync::Once;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use dyno_security::channel::message::Suite;
use dyno_security::channel::name::PeerName;
use dyno_security::credentials::{self, Fallback, Files, ServerIdentity, ServerSide};
use dyno_security::pipe::Connector;
use dyno_security::signature::{BadKey, PublicKey};
use dyno_security::transport::Transport;
use nix::sys::resource::{Resource, setrlimit};

use crate::exit::Failure;
use crate::print::errln;

/// What lies between the socket and HTTP, and whom to trust.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Transport")]
pub(crate) struct Options {
    /// plain, channel (Dyno's own) or tls (TLS 1.3) [default: plain; tls to an https:// URL].
    #[arg(long, value_name = "NAME")]
    transport: Option<Transport>,
    /// A directory made by `dyno keys`, with everything for both sides.
    #[arg(long, value_name = "DIR")]
    credentials: Option<PathBuf>,
    /// Our private key: PKCS#8 in PEM, mode 600.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// TLS: our certificate chain in PEM. The channel: our certificate, as `dyno keys certify` writes it.
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Whom to trust. The channel: lines `peer NAME KEY` (NAME is the URL's host, or [host]:port) and `authority KEY`;
    /// TLS: certificates in PEM, and without it the authorities of this system. A server without it serves every
    /// client.
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
    /// The channel: accept this key of the peer (ed25519:HEX) and no other, whatever a trust file says.
    #[arg(long, value_name = "KEY", value_parser = parse_key, conflicts_with = "trust")]
    peer: Option<PublicKey>,
    /// The channel: the suites to offer (the most wanted first) or, for a server, to take: x25519-aes256gcm,
    /// x25519-chacha20poly1305, and the same with x25519-mlkem768, which a later quantum computer cannot read
    /// [default: a client offers the first two, a server takes all].
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    suite: Vec<Suite>,
    /// The channel: whether a client comes back by the tickets that it was given, without signatures, and whether a
    /// server gives and takes tickets [default: a client does not, a server does].
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no(), hide_possible_values = true)]
    tickets: Option<bool>,
}

/// Two words for what clap would call true and false.
fn yes_or_no() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["yes", "no"]).map(|word| word == "yes")
}

/// The same for clients, who can be told not to look.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Transport")]
pub(crate) struct ClientOptions {
    #[command(flatten)]
    options: Options,
    /// TLS: take whoever answers for the server, and check nothing. Whoever is in the way can then read it all.
    #[arg(long)]
    insecure: bool,
}

impl ClientOptions {
    /// The transport to a URL, `secure` if it begins with https, and the client's end of it for the server that the
    /// URL calls `name`; none for plain.
    ///
    /// # Errors
    /// Usage (2), naming the file or the options, and the remedy.
    pub(crate) fn connector(
        &self,
        secure: bool,
        name: &PeerName,
    ) -> Result<(Transport, Option<Box<dyn Connector>>), Failure> {
        let transport = match (secure, self.options.transport) {
            (false, chosen) => chosen.unwrap_or_default(),
            (true, None | Some(Transport::Tls)) => Transport::Tls,
            (true, Some(other @ (Transport::Plain | Transport::Channel))) => {
                let message = format!("https:// means TLS, and --transport {other} does not");
                return Err(Failure::usage(message, "write http://, or leave --transport out"));
            }
        };
        if self.insecure && transport != Transport::Tls {
            let message = format!("--insecure means nothing to --transport {transport}");
            return Err(Failure::usage(message, "leave it out, or write https://"));
        }
        if self.insecure && self.options.trust.is_some() {
            let message = "--insecure checks nothing, and --trust says whom to trust";
            return Err(Failure::usage(message, "leave one of them out"));
        }
        hide_secrets(transport);
        let fallback = if self.insecure { Fallback::Anyone } else { Fallback::System };
        let files = Files { fallback, ..self.options.files(transport)? };
        let connector = credentials::connector(transport, &files, name)?;
        if self.insecure {
            warn_unchecked();
        }
        Ok((transport, connector))
    }
}

/// Says once that nobody knows who the server is.
fn warn_unchecked() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        errln!("dyno: --insecure: nothing is checked, and whoever answers is taken for the server");
    });
}

fn parse_key(text: &str) -> Result<PublicKey, BadKey> {
    text.parse()
}

impl Options {
    /// The transport of a server.
    pub(crate) fn of_server(&self) -> Transport {
        self.transport.unwrap_or_default()
    }

    fn files(&self, transport: Transport) -> Result<Files, Failure> {
        let given = [
            ("--credentials", self.credentials.is_some()),
            ("--key", self.key.is_some()),
            ("--certificate", self.certificate.is_some()),
            ("--trust", self.trust.is_some()),
            ("--peer", self.peer.is_some()),
            ("--suite", !self.suite.is_empty()),
            ("--tickets", self.tickets.is_some()),
        ];
        let useless = given.into_iter().find(|(name, given)| {
            *given
                && match transport {
                    Transport::Plain => true,
                    Transport::Channel => false,
                    Transport::Tls => ["--peer", "--suite", "--tickets"].contains(name),
                }
        });
        if let Some((name, _)) = useless {
            let message = format!("{name} means nothing to --transport {transport}");
            return Err(Failure::usage(message, "leave it out, or choose another transport"));
        }
        Ok(Files {
            directory: self.credentials.clone(),
            key: self.key.clone(),
            certificate: self.certificate.clone(),
            trust: self.trust.clone(),
            peer: self.peer,
            suites: (!self.suite.is_empty()).then(|| self.suite.clone()),
            tickets: self.tickets,
            fallback: Fallback::Nobody,
        })
    }

    /// The server's end; `None` for plain. From here on the process leaves no core dump.
    ///
    /// # Errors
    /// Usage (2), naming the file and the remedy.
    pub(crate) fn acceptor(&self) -> Result<Option<ServerSide>, Failure> {
        let transport = self.of_server();
        hide_secrets(transport);
        Ok(credentials::acceptor(transport, &self.files(transport)?)?)
    }
}

fn hide_secrets(transport: Transport) {
    if transport != Transport::Plain {
        leave_no_core_dump();
    }
}

/// Two lines for the operator of a server: how its clients can know it, and which of them it serves.
pub(crate) fn describe(identity: &ServerIdentity, serves_anybody: bool) -> String {
    let shown = match identity {
        ServerIdentity::Key(key) => format!("channel identity {key}; clients pin it with --peer"),
        ServerIdentity::Certificate(path) => format!("TLS 1.3 with the certificate {}", path.display()),
        ServerIdentity::ThrowAwayCertificate => {
            "TLS 1.3 with a throw-away certificate that nobody can check (curl -k)".into()
        }
    };
    let clients = if serves_anybody {
        "serves every client, whoever it is; --trust FILE serves only those that it names"
    } else {
        "serves only clients that prove to be among the trusted"
    };
    format!("{shown}\n{clients}")
}

/// From now on a crash of this process or of its children writes no memory anywhere.
///
/// The limit covers dumps to files; a dump that is piped to a program ignores it (core(5)), so the filter leaves every
/// mapping out as well. The process stays "dumpable", or its parent could not read its figures in /proc.
pub(crate) fn leave_no_core_dump() {
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let _ = std::fs::write("/proc/self/coredump_filter", "0");
}

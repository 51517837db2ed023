//! `dyno keys`: fresh credentials for both secure transports and both sides; an authority of the channel, and its
//! certificates.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use dyno_security::channel::certificate;
use dyno_security::channel::credential::KeyUsage;
use dyno_security::channel::name;
use dyno_security::credentials;
use dyno_security::limits::CERTIFICATE_DAYS;
use dyno_security::signature::keyfile::{self, KeyFileError};
use dyno_security::signature::{BadKey, PublicKey, SigningKey};

use super::CommandResult;
use crate::exit::{Exit, Failure};
use crate::print::outln;
use crate::remedy::files;
use crate::transport::leave_no_core_dump;

/// Make a directory of fresh keys and certificates for --transport channel and tls, server and client; or be an
/// authority of the channel (`authority`, `certify`).
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    disable_help_subcommand = true,
    subcommand_value_name = "WHAT",
    after_help = "Try it:\n  dyno keys /tmp/keys\n  dyno serve epoll --transport channel --credentials /tmp/keys"
)]
pub(crate) struct Arguments {
    /// The directory to make; it must not exist.
    #[arg(value_name = "DIR", required = true)]
    directory: Option<PathBuf>,
    /// Days for which the TLS certificates are valid; the channel's keys have no end.
    #[arg(long, value_name = "N", default_value_t = CERTIFICATE_DAYS, value_parser = days())]
    days: u32,
    #[command(subcommand)]
    what: Option<What>,
}

fn days() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=36_500)
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make the key of an authority of the channel, and print the line by which trust files name it.
    #[command(after_help = "Try it:\n  dyno keys authority /tmp/authority.key >> /tmp/keys/trust")]
    Authority {
        /// The file to make; it must not exist. Keep it off the machines that it certifies.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Certify a key of the channel: whose it is, what it is for, and for how long.
    #[command(
        override_usage = "dyno keys certify NAME --serve --authority FILE --key KEY [OPTIONS]\n       \
                          dyno keys certify NAME --connect --authority FILE --key KEY [OPTIONS]",
        after_help = "Try it:\n  dyno keys certify localhost --serve --authority /tmp/authority.key \\\n      \
                      --key /tmp/keys/channel-server.key\n  \
                      dyno keys certify alice --connect --authority /tmp/authority.key \\\n      \
                      --key /tmp/keys/channel-client.key"
    )]
    Certify(Certify),
}

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("usage").required(true).args(["serve", "connect"])))]
struct Certify {
    /// Whose key it is: for a server the host of its URLs, or [host]:port; for a client any name.
    #[arg(value_name = "NAME")]
    name: String,
    /// The authority's private key, made by `dyno keys authority`.
    #[arg(long, value_name = "FILE")]
    authority: PathBuf,
    /// The key to certify: the file of the private key, or ed25519:HEX.
    #[arg(long, value_name = "KEY")]
    key: Subject,
    /// The key belongs to a server.
    #[arg(long)]
    serve: bool,
    /// The key belongs to a client.
    #[arg(long)]
    connect: bool,
    /// Days for which the certificate is valid. There is no revocation, so this is what a thief has.
    #[arg(long, value_name = "N", default_value_t = CERTIFICATE_DAYS, value_parser = days())]
    days: u32,
    /// The file to make [default: the key's, ending in .cert].
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What is certified.
#[derive(Debug, Clone)]
enum Subject {
    Public(PublicKey),
    File(PathBuf),
}

impl FromStr for Subject {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        match text.starts_with("ed25519:") {
            true => text.parse().map(Subject::Public),
            false => Ok(Subject::File(text.into())),
        }
    }
}

/// Makes the directory, the authority or the certificate.
///
/// # Errors
/// Usage (2) for keys and names that cannot be used; failed (1) when a file exists or cannot be written.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    leave_no_core_dump();
    match (&arguments.what, &arguments.directory) {
        (Some(What::Authority { file }), _) => authority(file),
        (Some(What::Certify(certify)), _) => certify.run(),
        (None, directory) => directory.as_ref().map_or(Ok(Exit::Success), |dir| make(dir, arguments.days)),
    }
}

fn make(directory: &Path, days: u32) -> CommandResult {
    credentials::create_valid(directory, days)
        .map_err(|error| Failure::failed(error.to_string(), "choose a directory that does not exist yet"))?;
    outln!("{}: credentials for the channel and for TLS, server and client", directory.display());
    Ok(Exit::Success)
}

fn authority(file: &Path) -> CommandResult {
    let (key, document) = SigningKey::generate();
    keyfile::write(file, &document)
        .map_err(|error| Failure::failed(error.to_string(), "choose a file that does not exist yet"))?;
    outln!("authority {}", key.public());
    Ok(Exit::Success)
}

fn read(file: &Path) -> Result<SigningKey, Failure> {
    let of = |error: KeyFileError| Failure::usage(error.to_string(), files::of_key(&error));
    keyfile::read(file).map_err(of)
}

impl Certify {
    fn run(&self) -> CommandResult {
        let authority = read(&self.authority)?;
        let (key, beside) = match &self.key {
            Subject::Public(key) => (*key, None),
            Subject::File(file) => (*read(file)?.public(), Some(file.with_extension("cert"))),
        };
        if key == *authority.public() {
            let message = "an authority does not certify its own key: whoever is trusted by it would be it";
            return Err(Failure::usage(message, "name the key of a server or of a client with --key"));
        }
        let Some(out) = self.out.clone().or(beside) else {
            let message = "a public key lies in no file, so the certificate has no place";
            return Err(Failure::usage(message, "name the file to make: --out FILE"));
        };
        let usage = if self.serve { KeyUsage::Serve } else { KeyUsage::Connect };
        let unix_s = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let name = name::canonical(&self.name);
        let credential = certificate::issue(&authority, key, usage, &name, unix_s, self.days)
            .map_err(|error| Failure::usage(error.to_string(), "choose a shorter name, or one at all"))?;
        certificate::write(&out, &credential).map_err(|error| {
            Failure::failed(error.to_string(), "move the old one away, or choose --out FILE")
        })?;
        let days = self.days;
        outln!("{}: {key} is `{name}`, to {usage}, for {days} days", out.display());
        Ok(Exit::Success)
    }
}

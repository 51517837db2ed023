//! `dyno keys DIR`: fresh credentials for both secure transports and both sides.

use std::path::PathBuf;

use dyno_security::credentials;
use dyno_security::limits::CERTIFICATE_DAYS;

use super::CommandResult;
use crate::exit::{Exit, Failure};
use crate::print::outln;
use crate::transport::leave_no_core_dump;

/// Make a directory of fresh keys and certificates for --transport channel and tls, server and client.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Try it:\n  dyno keys /tmp/keys\n  dyno serve epoll --transport channel --credentials /tmp/keys"
)]
pub(crate) struct Arguments {
    /// The directory to make; it must not exist.
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Days for which the TLS certificates are valid; the channel's keys have no end.
    #[arg(long, value_name = "N", default_value_t = CERTIFICATE_DAYS, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
}

/// Makes the directory.
///
/// # Errors
/// Failed (1) when it exists or cannot be written.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    leave_no_core_dump();
    credentials::create_valid(&arguments.directory, arguments.days)
        .map_err(|error| Failure::failed(error.to_string(), "choose a directory that does not exist yet"))?;
    outln!("{}: credentials for the channel and for TLS, server and client", arguments.directory.display());
    Ok(Exit::Success)
}

//! `--control ADDRESS`: a second door, for orders.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;

use dyno_http::limits::Limits;
use dyno_servers::control::door::{self, Priority};
use dyno_servers::control::register::Register;
use dyno_servers::kit::listen::{ListenAddress, SocketFile, address_of, listen};
use dyno_servers::kit::stop::Stop;

use super::{address, listen_failure};
use crate::exit::Failure;
use crate::print::errln;

/// How what is under way is interrupted.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Control")]
pub(super) struct ControlOptions {
    /// Also listen here for `dyno control`, on a thread of its own: it lists the requests that are under way, holds,
    /// resumes and cancels them. Whoever can connect may, so it is a loopback address or unix:PATH.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    control: Option<ListenAddress>,
}

/// A control port that is served.
pub(super) struct ControlPort {
    pub(super) register: &'static Register,
    /// Where it listens, port included.
    pub(super) address: String,
    _file: Option<SocketFile>,
}

impl ControlOptions {
    /// Refuses an address where others than this machine's users could give orders.
    ///
    /// # Errors
    /// Usage (2), which names the address and the remedy.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match &self.control {
            Some(ListenAddress::Tcp(address)) if !address.ip().to_canonical().is_loopback() => {
                Err(Failure::usage(
                    format!(
                        "whoever connects to {address} could cancel requests, and it is no loopback address: a control \
                         port there needs a secure transport, which it does not have"
                    ),
                    "listen on 127.0.0.1, [::1] or unix:PATH; from elsewhere, `ssh -L 9901:127.0.0.1:9901` leads there",
                ))
            }
            Some(ListenAddress::Tcp(_) | ListenAddress::Unix(_)) | None => Ok(()),
        }
    }

    /// Opens the port, if one was asked for, before anything else starts a thread or a process.
    ///
    /// # Errors
    /// Failed (1), when the address cannot be listened on or the system refuses what the port needs.
    pub(super) fn open(&self, stop: &'static Stop) -> Result<Option<ControlPort>, Failure> {
        let Some(wanted) = &self.control else { return Ok(None) };
        let refused = |error| Failure::failed(format!("cannot serve {wanted}: {error}"), "");
        let listener = listen(wanted, &Limits::default()).map_err(|error| listen_failure(wanted, &error))?;
        let file = SocketFile::of(wanted);
        if let ListenAddress::Unix(path) = wanted {
            // The file decides who may connect.
            set_permissions(path, Permissions::from_mode(0o600)).map_err(refused)?;
        }
        let address = address_of(&listener).map_or_else(|| wanted.to_string(), |address| address.to_string());
        let register: &'static Register = Box::leak(Box::new(Register::new().map_err(refused)?));
        let scheduled = match door::open(listener, register, stop).map_err(refused)? {
            Priority::Raised => "it runs before the threads that serve",
            Priority::Usual => {
                "it runs as the threads that serve do: priority needs CAP_SYS_NICE or `ulimit -e`"
            }
        };
        errln!("`dyno control {address}` gives orders; {scheduled}");
        Ok(Some(ControlPort { register, address, _file: file }))
    }
}

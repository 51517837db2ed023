//! `--control ADDRESS` and `--urgent`: a second door, for orders; and the order that comes by the first.

use std::fs::{Permissions, set_permissions};
use std::net::TcpListener;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;

use dyno_http::limits::Limits;
use dyno_security::transport::Transport;
use dyno_servers::architecture::Architecture;
use dyno_servers::control::door::{self, Priority};
use dyno_servers::kit::listen::{ListenAddress, SocketFile, address_of, listen};
use dyno_servers::kit::stop::Stop;
use dyno_servers::under_way::register::Register;
use dyno_servers::under_way::urgent::UrgentBy;

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
    /// An urgent octet of TCP (MSG_OOB) cancels the request that its client waits for. RFC 6093 advises new programs
    /// against urgent data: systems differ in which octet is meant, machines on the way make it an ordinary one, a
    /// second one displaces it, and no secure transport protects it. It is here to be seen; use --control.
    #[arg(long)]
    urgent: bool,
}

/// How what is under way is interrupted, once that is set up.
pub(super) struct Interruptions {
    pub(super) register: &'static Register,
    /// Where the control port listens, port included.
    pub(super) address: Option<String>,
    /// A duplicate of its socket, for a successor.
    pub(super) socket: Option<OwnedFd>,
    /// `None` for a port that came from a predecessor, whose file it is until it has given way.
    pub(super) file: Option<SocketFile>,
}

impl ControlOptions {
    /// Refuses an address where others than this machine's users could give orders.
    ///
    /// # Errors
    /// Usage (2), which names the address and the remedy.
    pub(super) fn check(
        &self,
        architecture: &Architecture,
        listen: Option<&ListenAddress>,
        transport: Transport,
    ) -> Result<(), Failure> {
        let misfit = match (listen, transport) {
            _ if !self.urgent => None,
            _ if architecture.anatomy.urgent_by() == UrgentBy::Nothing => Some(
                "this design sees no urgent data: a receive is always under way, and passes the octet by",
            ),
            (Some(ListenAddress::Unix(_)), _) => Some("a Unix socket carries no urgent data on many kernels"),
            (_, Transport::Plain) => None,
            (_, Transport::Channel | Transport::Tls) => Some(
                "urgent data goes beside the records of a transport, so anybody on the way could send it",
            ),
        };
        if let Some(reason) = misfit {
            return Err(Failure::usage(reason, "leave --urgent out; --control gives the same orders"));
        }
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

    /// Sets up what was asked for, before anything else starts a thread or a process; `None`: nothing was. The port
    /// is the one that a predecessor has `passed` if it has the same address.
    ///
    /// # Errors
    /// Failed (1), when the address cannot be listened on or the system refuses what the port needs.
    pub(super) fn open(
        &self,
        architecture: &Architecture,
        stop: &'static Stop,
        passed: Option<TcpListener>,
    ) -> Result<Option<Interruptions>, Failure> {
        if self.control.is_none() && !self.urgent {
            return Ok(None);
        }
        let refused = |error| Failure::failed(format!("cannot take orders: {error}"), "");
        let register = Register::open().map_err(refused)?;
        if self.urgent {
            let by = architecture.anatomy.urgent_by();
            register.obey_urgent_data(by);
            errln!(
                "an urgent octet cancels what its client waits for; {} learns of it by {}",
                architecture.name,
                by.name()
            );
        }
        let Some(wanted) = &self.control else {
            return Ok(Some(Interruptions { register, address: None, socket: None, file: None }));
        };
        let passed = passed.filter(|passed| address_of(passed).as_ref() == Some(wanted));
        let file = if passed.is_some() { None } else { Some(wanted) };
        let open = || listen(wanted, &Limits::default());
        let listener = passed.map_or_else(open, Ok).map_err(|error| listen_failure(wanted, &error))?;
        let file = file.and_then(SocketFile::of);
        let socket = listener.as_fd().try_clone_to_owned().map_err(refused)?;
        if let ListenAddress::Unix(path) = wanted {
            // The file decides who may connect.
            set_permissions(path, Permissions::from_mode(0o600)).map_err(refused)?;
        }
        let address = address_of(&listener).map_or_else(|| wanted.to_string(), |address| address.to_string());
        let scheduled = match door::open(listener, register, stop).map_err(refused)? {
            Priority::RealTime => "its thread runs before all others (SCHED_RR)",
            Priority::Raised => "its thread has a larger share than those that serve (nice -10)",
            Priority::Usual => {
                "its thread runs as those that serve do: priority needs CAP_SYS_NICE or `ulimit -e`"
            }
        };
        errln!("`dyno control {address}` gives orders; {scheduled}");
        Ok(Some(Interruptions { register, address: Some(address), socket: Some(socket), file }))
    }
}

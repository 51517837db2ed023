//! What the user can do about an error of a library: the libraries say what is wrong, the program says which option mends it.

use dyno_measure::campaign::Stop;
use dyno_measure::contestant::error::ContestantError;
use dyno_measure::rig::system::SystemError;
use dyno_record::store::StoreError;
use dyno_report::error::ReportError;
use dyno_servers::architectures::ALL;

use crate::exit::{Exit, Failure};

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
            StoreError::NewerSchema { .. } => {
                Failure::usage(message, "use the version of dyno that wrote them, or a newer one")
            }
            StoreError::Damaged { .. } => Failure::failed(
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
            ContestantError::Unknown { guess, .. } => {
                let names: Vec<&str> = ALL.iter().map(|architecture| architecture.name).collect();
                let guess = guess.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
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
            ContestantError::NoCommand(_) => {
                Failure::usage(message, "give program and arguments, such as [\"caddy\", \"run\"]")
            }
            ContestantError::NoServers { .. } => Failure::usage(message, "a server needs name and command"),
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

/// An experiment that ended before its time, as a failure of its command.
pub fn stopped(stop: Stop, remedy: &str) -> Failure {
    match stop {
        Stop::Broken(error) => error.into(),
        Stop::Interrupted => Failure { exit: Exit::Interrupted, ..Failure::failed("interrupted", remedy) },
    }
}

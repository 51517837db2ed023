//! What the user can do about an error of a library: the libraries say what is wrong, the program says which option
//! mends it.

use dyno_clients::engine::EngineError;
use dyno_clients::limits;
use dyno_clients::plan::error::PlanError;
use dyno_measure::campaign::EndedEarly;
use dyno_measure::contestant::error::ContestantError;
use dyno_measure::rig::system::SystemError;
use dyno_record::store::StoreError;
use dyno_report::error::ReportError;
use dyno_security::credentials::CredentialsError;
use dyno_security::signature::keyfile::KeyFileError;
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

impl From<CredentialsError> for Failure {
    fn from(error: CredentialsError) -> Self {
        Failure::usage(error.to_string(), of_credentials(&error))
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error {
            EngineError::Plan(_) => Failure::usage(message, "see `dyno load --help`"),
            EngineError::Unreachable { .. } => {
                let usual = "is the server up, with this transport? `dyno probe URL` shows one request";
                let remedy = dyno_clients::remedy::of("", &message).unwrap_or(usual);
                Failure::failed(message, remedy)
            }
            EngineError::Descriptors(_) | EngineError::Poller(_) => {
                Failure::failed(message, format!("at most {} connections", limits::CONNECTIONS_MAX))
            }
        }
    }
}

/// A URL that leads nowhere, as a failure of its command; `example` shows what one looks like.
pub(crate) fn unresolved(error: &PlanError, example: &str) -> Failure {
    let remedy = match error {
        PlanError::Https => {
            "write http:// and --transport tls, with whom to trust: --credentials DIR or --trust FILE"
        }
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

const KEYS: &str = "`dyno keys DIR` makes a directory with all that both sides need";

/// The remedy for files that cannot be used.
fn of_credentials(error: &CredentialsError) -> &'static str {
    match error {
        CredentialsError::NobodyToTrust => {
            "give --credentials DIR (made by `dyno keys DIR`), --trust FILE or --peer KEY"
        }
        CredentialsError::NoKey => "give --key FILE as well",
        CredentialsError::KeyFile(KeyFileError::TooOpen { .. }) => "only its owner may read it: chmod 600",
        CredentialsError::KeyFile(
            KeyFileError::File { .. } | KeyFileError::NoPem { .. } | KeyFileError::Key { .. },
        )
        | CredentialsError::File { .. }
        | CredentialsError::NoCertificate { .. }
        | CredentialsError::TrustFile { .. }
        | CredentialsError::Tls(_)
        | CredentialsError::CannotMake(_) => KEYS,
    }
}

#[cfg(test)]
mod tests {
    use super::{KEYS, of_credentials};
    use dyno_security::credentials::CredentialsError;
    use dyno_security::signature::keyfile::KeyFileError;

    #[test]
    fn a_file_that_others_may_read_is_not_made_anew() {
        let path = std::path::PathBuf::from("server.key");
        let too_open = KeyFileError::TooOpen { path: path.clone(), mode: 0o644 };
        assert!(of_credentials(&too_open.into()).contains("chmod 600"));
        assert_eq!(of_credentials(&CredentialsError::NoCertificate { path }), KEYS);
        assert!(of_credentials(&CredentialsError::NobodyToTrust).contains("--peer"));
    }
}

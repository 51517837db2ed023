//! What the user can do about a failure, in the words of the command line. The libraries say what happened; only the program
//! knows its own options.

use dyno_security::credentials::CredentialsError;
use dyno_security::signature::keyfile::KeyFileError;

const KEYS: &str = "`dyno keys DIR` makes a directory with all that both sides need";

/// The remedy for files that cannot be used.
pub fn of_credentials(error: &CredentialsError) -> &'static str {
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

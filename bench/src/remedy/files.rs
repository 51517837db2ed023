//! The remedies for files of keys, certificates and trusted keys.

use dyno_security::access::file::PolicyFileError;
use dyno_security::channel::certificate::CertificateFault;
use dyno_security::channel::trust::TrustFileError;
use dyno_security::credentials::CredentialsError;
use dyno_security::files::FileFault;
use dyno_security::signature::keyfile::{KeyFileError, KeyForm};
use dyno_security::tls::trust::ConfigError;

use crate::exit::Failure;

impl From<CredentialsError> for Failure {
    fn from(error: CredentialsError) -> Self {
        Failure::usage(error.to_string(), of_credentials(&error))
    }
}

impl From<PolicyFileError> for Failure {
    fn from(error: PolicyFileError) -> Self {
        let remedy = match &error {
            PolicyFileError::File(file) => match &file.fault {
                FileFault::System(_) => "--policy wants a file of rules, one a line: allow WHO VERBS OBJECT",
                fault => of_file(fault),
            },
            PolicyFileError::NotText { .. } | PolicyFileError::Policy { .. } => {
                "a policy has lines `allow|deny WHO VERBS OBJECT`, `group NAME MEMBER...` and `user WHO ACCOUNT`"
            }
        };
        Failure::usage(error.to_string(), remedy)
    }
}

const KEYS: &str = "`dyno keys DIR` makes a directory with all that both sides need";
const TO_PKCS8: &str = "openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW; chmod 600 NEW";

fn of_credentials(error: &CredentialsError) -> &'static str {
    match error {
        CredentialsError::NobodyToTrust => {
            "give --credentials DIR (made by `dyno keys DIR`), --trust FILE or --peer KEY"
        }
        CredentialsError::NoKey => "give --key FILE as well",
        CredentialsError::KeyAlone => "give --certificate FILE as well",
        CredentialsError::Tls(ConfigError::NoSystemAuthorities) => {
            "install them (ca-certificates), or say whom to trust: --trust FILE"
        }
        CredentialsError::KeyFile(error) => of_key(error),
        CredentialsError::Certificate(error) => of_certificate(&error.fault),
        CredentialsError::TrustFile { error: TrustFileError::NoEntry { .. }, .. } => {
            "add a line for it, `peer NAME KEY`; or accept one key: --peer KEY"
        }
        CredentialsError::File(error) => of_file(&error.fault),
        CredentialsError::Directory { .. }
        | CredentialsError::NoCertificate { .. }
        | CredentialsError::TrustFile {
            error: TrustFileError::Malformed { .. } | TrustFileError::Key { .. },
            ..
        }
        | CredentialsError::TrustFile { error: TrustFileError::NotText { .. }, .. }
        | CredentialsError::Tls(
            ConfigError::Tls(_) | ConfigError::NothingToTrust | ConfigError::BadName(_),
        )
        | CredentialsError::CannotMake(_) => KEYS,
    }
}

/// Of a certificate of the channel.
pub(crate) fn of_certificate(fault: &CertificateFault) -> &'static str {
    match fault {
        CertificateFault::File(fault) => of_file(fault),
        CertificateFault::Malformed => "`dyno keys certify` writes one; TLS has certificates of another form",
        CertificateFault::OtherKey { .. } => "give the key that it was made for, or have this one certified",
        CertificateFault::OtherUsage { .. } => "dyno keys certify with --serve or --connect, as it is used",
        CertificateFault::Expired { .. } => "have the key certified anew: dyno keys certify",
        CertificateFault::NotYet { .. } => "set the clock of this machine, or wait",
    }
}

pub(crate) fn of_key(error: &KeyFileError) -> &'static str {
    match error {
        KeyFileError::File(error) => of_file(&error.fault),
        KeyFileError::NoPem { .. } => KEYS,
        KeyFileError::Key { .. } => "the channel wants Ed25519: openssl genpkey -algorithm ed25519 -out NEW",
        KeyFileError::OtherForm { form, .. } => match form {
            KeyForm::Sec1 | KeyForm::Pkcs1 | KeyForm::Encrypted => TO_PKCS8,
            KeyForm::Der => "openssl pkcs8 -inform DER -topk8 -nocrypt -in OLD -out NEW; chmod 600 NEW",
            // openssl does not read the form of ssh, and TLS 1.3 has no use for DSA.
            KeyForm::OpenSsh | KeyForm::Dsa => "make a new one: openssl genpkey -algorithm ed25519 -out NEW",
            KeyForm::Public => {
                "--key wants the private key, --certificate and --trust what everybody may see"
            }
        },
    }
}

pub(crate) fn of_file(fault: &FileFault) -> &'static str {
    match fault {
        FileFault::System(_) => KEYS,
        FileFault::NotRegular => "copy it into a regular file, mode 600",
        FileFault::OtherOwner { .. } => "only your own files and those of root are read: copy it, or chown",
        FileFault::Readable { .. } => "only its owner may read it: chmod 600",
        FileFault::Writable { .. } => "only its owner may change it: chmod go-w",
        FileFault::TooLong { .. } => "name the file that holds what is needed, and nothing else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dyno_security::files::FileError;

    #[test]
    fn each_fault_of_a_file_has_the_remedy_that_mends_it() {
        let of = |fault| of_credentials(&CredentialsError::File(FileError { path: "x".into(), fault }));
        assert!(of(FileFault::Readable { mode: 0o644 }).contains("chmod 600"));
        assert!(of(FileFault::Writable { mode: 0o666 }).contains("chmod go-w"));
        assert!(of(FileFault::OtherOwner { owner: 7 }).contains("chown"));
        let none = CredentialsError::NoCertificate { path: "x".into() };
        assert_eq!(of_credentials(&none), KEYS);
        assert!(of_credentials(&CredentialsError::NobodyToTrust).contains("--peer"));
    }

    #[test]
    fn a_key_of_another_form_is_turned_into_pkcs8_and_not_made_anew() {
        for form in KeyForm::ALL {
            let error = KeyFileError::OtherForm { path: "x".into(), form };
            let remedy = of_credentials(&error.into());
            let convert = "-topk8 -nocrypt";
            let can = matches!(form, KeyForm::Sec1 | KeyForm::Pkcs1 | KeyForm::Encrypted | KeyForm::Der);
            assert_eq!(remedy.contains(convert), can, "{form}: {remedy}");
        }
    }
}

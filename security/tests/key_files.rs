//! Key files are written in the form that every program reads, and read only from those who alone can have written
//! them; what is no PKCS#8 is told by its name.

use dyno_security::credentials::{self, CredentialsError, Files, SERVER_NAME};
use dyno_security::files::FileFault;
use dyno_security::signature::SigningKey;
use dyno_security::signature::keyfile::{self, KeyFileError, KeyForm};
use dyno_security::transport::Transport;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

/// A key of RFC 8410 in both versions of PKCS#8 (sections 10.3); their public key is that of section 10.1.
const VERSION_1: &str = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
const VERSION_2: &str = "MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                         oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB\n\
                         Z9w7lshQhqowtrbLDFw4rXAxZuE=";
const PUBLIC: &str = "ed25519:19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1";

fn write(path: &Path, octets: impl AsRef<[u8]>, mode: u32) {
    let _ = fs::remove_file(path);
    fs::write(path, octets).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn section(label: &str, body: &str) -> String {
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[test]
fn both_versions_of_pkcs8_are_read_and_the_first_is_written() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("key");
    for body in [VERSION_1, VERSION_2] {
        for text in [
            section("PRIVATE KEY", body),
            section("PRIVATE KEY", body).replace('\n', "\r\n"),
            format!("Bag Attributes\n{}", section("PRIVATE KEY", body)),
            section("CERTIFICATE", "AAAA") + &section("PRIVATE KEY", body),
        ] {
            write(&path, &text, 0o600);
            assert_eq!(keyfile::read(&path).unwrap().public().to_string(), PUBLIC, "{text}");
        }
    }
    let (key, document) = SigningKey::generate();
    // RFC 8410, 7 and 10.3: version 0, the algorithm, a key of 32 octets, and nothing behind it.
    let start = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    assert_eq!((document.len(), &document[..16]), (48, &start[..]));
    assert_eq!(SigningKey::from_pkcs8(&document).unwrap().public(), key.public());
    assert_ne!(SigningKey::generate().1, document);
    let directory = place.path().join("credentials");
    credentials::create(&directory).unwrap();
    for name in ["channel-server.key", "channel-client.key", "tls-server.key", "tls-client.key"] {
        assert_eq!(keyfile::read_pkcs8(&directory.join(name)).unwrap()[..16], start, "{name}");
    }
}

#[test]
fn a_key_of_another_form_is_told_by_its_name() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("key");
    let body = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp";
    let locked = format!("Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n{body}");
    let der = SigningKey::generate().1.to_vec();
    let long_der = [&[0x30, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
    let cases: Vec<(Vec<u8>, Option<KeyForm>)> = [
        (section("EC PRIVATE KEY", body), Some(KeyForm::Sec1)),
        (section("EC PARAMETERS", "AAAA") + &section("EC PRIVATE KEY", body), Some(KeyForm::Sec1)),
        (section("RSA PRIVATE KEY", body), Some(KeyForm::Pkcs1)),
        (section("DSA PRIVATE KEY", body), Some(KeyForm::Dsa)),
        (section("ENCRYPTED PRIVATE KEY", body), Some(KeyForm::Encrypted)),
        (section("EC PRIVATE KEY", &locked), Some(KeyForm::Encrypted)),
        (section("RSA PRIVATE KEY", &locked), Some(KeyForm::Encrypted)),
        (section("OPENSSH PRIVATE KEY", body), Some(KeyForm::OpenSsh)),
        (section("CERTIFICATE", body), Some(KeyForm::Public)),
        (section("PUBLIC KEY", body), Some(KeyForm::Public)),
        (section("PRIVATE KEY", "?"), None),
        ("-----BEGIN PRIVATE KEY-----\n".into(), None),
        (String::new(), None),
        ("not a key".into(), None),
    ]
    .into_iter()
    .map(|(text, form)| (text.into_bytes(), form))
    .chain([(der, Some(KeyForm::Der)), (long_der, Some(KeyForm::Der))])
    .collect();
    for (octets, form) in cases {
        write(&path, &octets, 0o600);
        let told = keyfile::read(&path).unwrap_err();
        let text = String::from_utf8_lossy(&octets);
        match (&told, form) {
            (KeyFileError::OtherForm { form: found, .. }, Some(form)) => assert_eq!(*found, form, "{text}"),
            (KeyFileError::NoPem { .. }, None) => {}
            _ => panic!("{text}: {told}"),
        }
        assert!(told.to_string().contains("key"), "the file is named: {told}");
    }
    // PKCS#8, and yet no Ed25519: an X25519 key.
    let other = VERSION_1.replacen("K2Vw", "K2Vu", 1);
    write(&path, section("PRIVATE KEY", &other), 0o600);
    assert!(matches!(keyfile::read(&path), Err(KeyFileError::Key { .. })));
}

/// The fault of the file that is told.
fn fault<T>(result: Result<T, CredentialsError>) -> Option<FileFault> {
    match result.err()? {
        CredentialsError::File(error) | CredentialsError::KeyFile(KeyFileError::File(error)) => {
            Some(error.fault)
        }
        _ => None,
    }
}

/// Every file that a side reads, with what others must not do with it.
const FILES: [(&str, Transport, bool); 7] = [
    ("channel-client.key", Transport::Channel, true),
    ("channel-server.key", Transport::Channel, true),
    ("trust", Transport::Channel, false),
    ("tls-client.key", Transport::Tls, true),
    ("tls-client.pem", Transport::Tls, false),
    ("tls-server.key", Transport::Tls, true),
    ("authority.pem", Transport::Tls, false),
];

#[test]
fn files_that_others_can_change_or_own_are_refused_on_both_sides() {
    let place = tempfile::tempdir().unwrap();
    for (name, transport, secret) in FILES {
        let directory = place.path().join(name);
        credentials::create(&directory).unwrap();
        let files = Files::in_directory(&directory);
        let path = directory.join(name);
        let made = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(made, if secret { 0o600 } else { 0o644 }, "{name}");
        let trust =
            Some(directory.join(if transport == Transport::Channel { "trust" } else { "authority.pem" }));
        let read = || {
            let server = credentials::acceptor(transport, &Files { trust: trust.clone(), ..files.clone() });
            let client = credentials::connector(transport, &files, &SERVER_NAME.into());
            fault(server.map(|_| ())).or(fault(client.map(|_| ())))
        };
        assert!(read().is_none(), "{name}");
        for mode in [0o640, 0o604, 0o644, 0o660, 0o606, 0o666, 0o622] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let told = read();
            let right = match told {
                Some(FileFault::Readable { mode: found }) => secret && found == mode,
                Some(FileFault::Writable { mode: found }) => found == mode && mode & 0o022 != 0,
                None => !secret && mode & 0o022 == 0,
                _ => false,
            };
            assert!(right, "{name} {mode:o}: {told:?}");
        }
        fs::set_permissions(&path, Permissions::from_mode(made)).unwrap();
        // Only root can give a file away, so only root can try this.
        if chown(&path, Some(12_345), None).is_ok() {
            let told = read();
            assert!(matches!(told, Some(FileFault::OtherOwner { owner: 12_345 })), "{name}: {told:?}");
        } else {
            println!("SKIP: {name} of another owner needs root");
        }
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR).unwrap();
        // Nobody writes to the pipe: a reader that waited for it would wait for ever.
        assert!(matches!(read(), Some(FileFault::NotRegular)), "{name}");
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(read(), Some(FileFault::NotRegular)), "{name}");
        fs::remove_dir(&path).unwrap();
        write(&path, vec![b'#'; 2 << 20], 0o600);
        assert!(matches!(read(), Some(FileFault::TooLong { .. })), "{name}");
    }
}

#[test]
fn a_key_is_never_written_over_another() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("key");
    let (key, document) = SigningKey::generate();
    keyfile::write(&path, &document).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(keyfile::read(&path).unwrap().public(), key.public());
    assert!(keyfile::write(&path, &document).is_err());
    assert_eq!(key.public().to_string().parse(), Ok(*key.public()));
}

//! A credentials directory serves both sides of both transports; what is wrong with a file is said.

mod support;

use dyno_security::credentials::{self, CredentialsError, Files, SERVER_NAME};
use dyno_security::transport::Transport;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

#[test]
fn a_directory_serves_both_sides_of_each_transport() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("credentials");
    credentials::create(&directory).unwrap();
    assert!(credentials::create(&directory).is_err(), "an existing directory is left alone");
    let files = Files::in_directory(&directory);
    assert!(credentials::acceptor(Transport::Plain, &files).unwrap().is_none());
    for kind in [Transport::Channel, Transport::Tls] {
        let trust = directory.join(if kind == Transport::Channel { "trust" } else { "authority.pem" });
        for server_files in [files.clone(), Files { trust: Some(trust), ..files.clone() }] {
            let now = Instant::now();
            let mut server =
                credentials::acceptor(kind, &server_files).unwrap().unwrap().acceptor.accept(now);
            let mut client =
                credentials::connector(kind, &files, &SERVER_NAME.into()).unwrap().unwrap().connect(now);
            client.send(b"hello").unwrap();
            assert_eq!(support::settle(&mut *client, &mut *server, now).unwrap().1, b"hello", "{kind}");
        }
    }
}

#[test]
fn wrong_files_are_named_with_the_reason() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("credentials");
    credentials::create(&directory).unwrap();
    let files = Files::in_directory(&directory);
    let text =
        |result: Result<_, CredentialsError>| result.err().map(|e: CredentialsError| e.to_string()).unwrap();
    let connect = |kind, files: &Files| credentials::connector(kind, files, &SERVER_NAME.into()).map(|_| ());

    for transport in [Transport::Channel, Transport::Tls] {
        let result = connect(transport, &Files::default());
        assert!(matches!(result, Err(CredentialsError::NobodyToTrust)), "{transport}: {result:?}");
    }
    let alone = Files { certificate: Some(directory.join("tls-server.pem")), ..Files::default() };
    let result = credentials::acceptor(Transport::Tls, &alone).map(|_| ());
    assert!(matches!(result, Err(CredentialsError::NoKey)), "{result:?}");

    let key = directory.join("channel-client.key");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    assert!(text(connect(Transport::Channel, &files)).contains("(mode 644)"));
    fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, "not a key").unwrap();
    assert!(text(connect(Transport::Channel, &files)).contains("PEM"));

    fs::write(directory.join("trust"), "peer localhost ed25519:00\n").unwrap();
    assert!(text(connect(Transport::Channel, &files)).contains("line 1"));
    fs::write(directory.join("trust"), "# nobody\n").unwrap();
    assert!(text(connect(Transport::Channel, &files)).contains("`localhost`"));

    fs::write(directory.join("tls-client.pem"), "").unwrap();
    assert!(text(connect(Transport::Tls, &files)).contains("no certificate"));
    fs::remove_file(directory.join("authority.pem")).unwrap();
    assert!(text(connect(Transport::Tls, &files)).contains("authority.pem"));
}

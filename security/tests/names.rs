//! The name of a server binds: a client takes the keys and certificates of the host that it wants to reach, and of no
//! other.

mod support;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::credential::{Credential, KeyUsage};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::name::PeerName;
use dyno_security::channel::trust::Trust;
use dyno_security::credentials::{self, CredentialsError, Files};
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::{SigningKey, keyfile};
use dyno_security::transport::Transport;
use std::fs;
use std::time::Instant;

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

/// The lines of a trust file, the host and port of the URL, and the numbers of the servers that are accepted.
type Case = (&'static [(&'static str, u8)], &'static str, Option<u16>, &'static [u8]);

const FILES: [Case; 24] = [
    (&[("localhost", 1)], "localhost", None, &[1]),
    (&[("localhost", 1)], "localhost", Some(8080), &[1]),
    (&[("localhost", 1)], "LOCALHOST", None, &[1]),
    (&[("Bank.Example.", 1)], "bank.example", None, &[1]),
    (&[("bank", 1)], "localhost", None, &[]),
    (&[("localhost", 1)], "bank", None, &[]),
    (&[("localhost", 1)], "localhost.evil", None, &[]),
    (&[("localhost", 1)], "sub.localhost", None, &[]),
    // A loopback address is localhost, unless it has an entry of its own.
    (&[("localhost", 1)], "127.0.0.1", Some(8080), &[1]),
    (&[("localhost", 1)], "127.0.0.5", None, &[1]),
    (&[("localhost", 1)], "::1", None, &[1]),
    (&[("127.0.0.1", 2), ("localhost", 1)], "127.0.0.1", None, &[2]),
    (&[("localhost", 1), ("127.0.0.1", 2)], "127.0.0.1", None, &[2]),
    (&[("localhost", 1), ("127.0.0.1", 2)], "localhost", None, &[1]),
    (&[("127.0.0.1", 2)], "localhost", None, &[]),
    (&[("localhost", 1)], "10.0.0.1", None, &[]),
    (&[("0:0:0:0:0:0:0:1", 3)], "::1", None, &[3]),
    // A port is part of the name where it is written.
    (&[("[bank]:8443", 1)], "bank", Some(8443), &[1]),
    (&[("[bank]:8443", 1)], "bank", Some(8444), &[]),
    (&[("[bank]:8443", 1)], "bank", None, &[]),
    (&[("bank", 2), ("[bank]:8443", 1)], "bank", Some(8443), &[1]),
    (&[("[bank]:8443", 1), ("bank", 2)], "bank", Some(1), &[2]),
    (&[("[::1]:8443", 1), ("localhost", 2)], "::1", Some(8443), &[1]),
    // Several keys under one name: a server whose key is being changed.
    (&[("bank", 1), ("bank", 2), ("shop", 3)], "bank", None, &[1, 2]),
];

#[test]
fn a_trust_file_holds_many_hosts_and_each_has_its_own_keys() {
    for (lines, host, port, accepted) in FILES {
        let text: String =
            lines.iter().map(|(name, number)| format!("peer {name} {}\n", key(*number).public())).collect();
        let parsed = Trust::parse(&text, Some(&PeerName::of_host(host, port)));
        let taken = |number| {
            parsed.as_ref().is_ok_and(|trust| {
                let bare = Credential::bare(*key(number).public());
                trust.check(&bare, KeyUsage::Serve, 0).is_ok()
            })
        };
        let found: Vec<_> = [1, 2, 3].into_iter().filter(|&number| taken(number)).collect();
        assert_eq!(found, accepted, "{host} {port:?} by\n{text}");
        if accepted.is_empty() {
            let told = parsed.unwrap_err().to_string();
            assert!(told.contains(&host.to_ascii_lowercase()), "{told}");
        }
    }
}

#[test]
fn a_certificate_is_for_the_host_that_is_wanted() {
    let now = Instant::now();
    for (certified, host, port, fits) in [
        ("bank", "bank", None, true),
        ("Bank.", "bank", Some(8443), true),
        ("[bank]:8443", "bank", Some(8443), true),
        ("[bank]:8443", "bank", Some(8444), false),
        ("localhost", "bank", None, false),
        ("bank", "localhost", None, false),
        ("localhost", "127.0.0.1", None, true),
        ("127.0.0.1", "localhost", None, false),
    ] {
        let credential =
            Credential::certify(&key(9), *key(1).public(), KeyUsage::Serve, certified, 0, u64::MAX).unwrap();
        let server = ChannelServer::new(Config::new(Identity { key: key(1), credential }, Trust::anyone()));
        let wanted = PeerName::of_host(host, port);
        let file = format!("authority {}\n", key(9).public());
        for trust in
            [Trust::authority(*key(9).public(), Some(&wanted)), Trust::parse(&file, Some(&wanted)).unwrap()]
        {
            let client = ChannelClient::new(Config::new(Identity::throw_away(), trust));
            let result = support::settle(&mut client.session(now), &mut server.session(now), now);
            let expected = if fits { Ok(()) } else { Err(PipeError::WrongName) };
            assert_eq!(result.map(|_| ()), expected, "certified {certified}, wanted {host} {port:?}");
        }
    }
}

/// A key that is pinned stands instead of the file's keys, on both sides; it widens nothing.
#[test]
fn a_pinned_key_replaces_the_file() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("credentials");
    credentials::create(&directory).unwrap();
    let ours = Files::in_directory(&directory);
    let at = |name: &str| keyfile::read(&directory.join(name)).unwrap();
    let (server_key, client_key) = (*at("channel-server.key").public(), *at("channel-client.key").public());
    let stranger = *key(7).public();
    let now = Instant::now();
    let meet = |server: &Files, client: &Files| {
        let acceptor = credentials::acceptor(Transport::Channel, server).unwrap().unwrap().acceptor;
        let connector =
            credentials::connector(Transport::Channel, client, &"localhost".into()).unwrap().unwrap();
        let (mut left, mut right) = (connector.connect(now), acceptor.accept(now));
        support::settle(&mut *left, &mut *right, now).is_ok() && right.is_established()
    };
    let pins = |key| Files { peer: Some(key), ..ours.clone() };
    let lists = |key| Files { trust: Some(directory.join("trust")), ..pins(key) };
    assert!(meet(&ours, &ours) && meet(&ours, &pins(server_key)) && meet(&pins(client_key), &ours));
    assert!(!meet(&ours, &pins(stranger)), "the directory names the server, and another key is pinned");
    assert!(!meet(&ours, &lists(stranger)), "the same with the file named");
    assert!(!meet(&pins(stranger), &ours), "a server that pins another client");
    assert!(!meet(&lists(stranger), &ours), "the same with a guest list beside it");
    assert!(meet(&lists(client_key), &lists(server_key)));
    // A pinned server needs no entry in the file, and its name is not asked for.
    fs::write(directory.join("trust"), "# nobody\n").unwrap();
    assert!(meet(&ours, &pins(server_key)) && !meet(&ours, &pins(stranger)));
    let unnamed = credentials::connector(Transport::Channel, &ours, &"localhost".into()).err();
    assert!(matches!(unnamed, Some(CredentialsError::TrustFile { .. })));
}

#[test]
fn a_server_knows_whether_it_serves_anybody() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("credentials");
    credentials::create(&directory).unwrap();
    let ours = Files::in_directory(&directory);
    for (transport, list) in [(Transport::Channel, "trust"), (Transport::Tls, "authority.pem")] {
        let side = |files: &Files| credentials::acceptor(transport, files).unwrap().unwrap().serves_anybody;
        assert!(side(&ours) && side(&Files::default()), "{transport}");
        assert!(!side(&Files { trust: Some(directory.join(list)), ..ours.clone() }), "{transport}");
    }
    let pinned = Files { peer: Some(*key(1).public()), ..ours };
    assert!(!credentials::acceptor(Transport::Channel, &pinned).unwrap().unwrap().serves_anybody);
}

//! Who a server knows: the names that each transport proves, and what a log is told of a peer that was refused.

mod support;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::credential::{Credential, KeyUsage};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::error::PipeError;
use dyno_security::pipe::{Acceptor, Connector, Pipe};
use dyno_security::signature::SigningKey;
use dyno_security::tls::certificate::ThrowAwayAuthority;
use dyno_security::tls::endpoint::{TlsClient, TlsServer};
use std::time::Instant;

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// What the server finds out about a client, and whether it serves it.
fn met(client: &dyn Connector, server: &dyn Acceptor) -> (Vec<String>, Option<String>, Option<PipeError>) {
    let now = Instant::now();
    let (mut left, mut right) = (client.connect(now), server.accept(now));
    assert!(right.peer_names().is_empty() && right.peer_shown().is_none(), "nothing is proved yet");
    let error = support::settle(&mut *left, &mut *right, now).err();
    (right.peer_names().to_vec(), right.peer_shown(), error)
}

fn channel(identity: Identity, trust: Trust) -> (Vec<String>, Option<String>, Option<PipeError>) {
    let server = ChannelServer::new(Config::new(Identity::throw_away(), trust));
    let client = ChannelClient::new(Config::new(identity, Trust::pinned(*server.public())));
    met(&client, &server)
}

fn certified(name: &str, until_s: u64) -> Identity {
    let (key, authority) = (key(1), key(9));
    let credential =
        Credential::certify(&authority, *key.public(), KeyUsage::Connect, name, 0, until_s).unwrap();
    Identity { key, credential }
}

#[test]
fn the_channel_knows_a_client_by_its_key_or_by_its_certificate() {
    let (one, two) = (*key(1).public(), *key(2).public());
    let file = |text: String| Trust::parse(&text, None).unwrap();
    let authority = *key(9).public();
    for (what, identity, trust, names) in [
        (
            "an entry",
            Identity::bare(key(1)),
            file(format!("peer Alice. {one}\npeer bob {two}\n")),
            vec!["alice"],
        ),
        (
            "two entries",
            Identity::bare(key(1)),
            file(format!("peer alice {one}\npeer [Bank]:80 {one}\n")),
            vec!["alice", "[bank]:80"],
        ),
        ("a certificate", certified("Alice", u64::MAX), Trust::authority(authority, None), vec!["alice"]),
        (
            "an entry before a certificate",
            certified("root", u64::MAX),
            file(format!("authority {authority}\npeer alice {one}\n")),
            vec!["alice"],
        ),
        ("everybody is served", Identity::bare(key(1)), Trust::anyone(), vec![]),
        ("everybody is served, with a name", certified("alice", u64::MAX), Trust::anyone(), vec![]),
        (
            "everybody is served, some are known",
            Identity::bare(key(1)),
            Trust { anyone: true, ..file(format!("peer alice {one}\n")) },
            vec!["alice"],
        ),
    ] {
        let (found, shown, error) = channel(identity, trust);
        assert_eq!((found.as_slice(), error), (owned(&names).as_slice(), None), "{what}");
        assert!(shown.unwrap().contains(&one.to_string()), "{what}");
    }
    let (found, ..) = channel(Identity::bare(key(1)), Trust::pinned(one));
    assert_eq!(found, [one.to_string()], "a key without a name is its own");
}

#[test]
fn a_log_is_told_who_was_refused() {
    let one = key(1).public().to_string();
    let (names, shown, error) = channel(Identity::bare(key(1)), Trust::pinned(*key(2).public()));
    assert_eq!((names, error), (vec![], Some(PipeError::UnknownKey)));
    assert_eq!(shown, Some(format!("key {one}")));
    let (names, shown, error) = channel(certified("al\nice", 5), Trust::authority(*key(9).public(), None));
    assert_eq!((names, error), (vec![], Some(PipeError::Expired)));
    assert_eq!(shown, Some(format!("key {one} with a certificate for \"al\\nice\"")));
}

#[test]
fn tls_knows_a_client_by_its_certificate_alone() {
    let authority = ThrowAwayAuthority::generate().unwrap();
    let roots = [authority.certificate()];
    let certified = |names: &[&str]| authority.issue(names).unwrap();
    let open = TlsServer::new(certified(&["localhost"]), None).unwrap();
    let closed = TlsServer::new(certified(&["localhost"]), Some(&roots)).unwrap();
    let client = |own| TlsClient::new(&roots, "localhost", own).unwrap();
    // The first name is the common name as well.
    for (names, known) in
        [(vec!["client"], vec!["client"]), (vec!["Alice", "bob.example"], vec!["alice", "bob.example"])]
    {
        let (found, shown, error) = met(&client(Some(certified(&names))), &closed);
        assert_eq!((found.as_slice(), error), (owned(&known).as_slice(), None), "{names:?}");
        assert!(shown.unwrap().contains(known[0]));
        // Nobody asked for it, so it was not shown.
        assert_eq!(met(&client(Some(certified(&names))), &open), (vec![], None, None));
    }
    assert_eq!(met(&client(None), &open), (vec![], None, None));
    let (names, _, error) = met(&client(None), &closed);
    assert_eq!((names, error), (vec![], Some(PipeError::NoCertificate)));
}

#[test]
fn a_failed_session_knows_nobody() {
    let (client, server) = support::mutual();
    let now = Instant::now();
    let (mut left, mut right) = (client.session(now), server.session(now));
    support::settle(&mut left, &mut right, now).unwrap();
    assert_eq!(right.peer_names(), [client.public().to_string()]);
    assert!(right.receive(&[0; 40], &mut Vec::new(), now).is_err());
    assert!(right.peer_names().is_empty());
}

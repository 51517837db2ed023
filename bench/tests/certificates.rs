//! `dyno keys authority` and `dyno keys certify`: certificates of the channel in the hands of servers and clients, and
//! `--suite`.

mod support;

use std::fs;
use std::path::Path;

use support::{Ended, Running, dyno};
use tempfile::TempDir;

/// A directory with credentials, an authority, and a server's trust file that names the authority alone.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Place { directory: tempfile::tempdir().unwrap() };
        assert_eq!(place.run("keys {}/keys").code, 0);
        let authority = place.run("keys authority {}/authority.key");
        assert!(authority.code == 0 && authority.stdout.starts_with("authority ed25519:"), "{authority:?}");
        fs::write(place.path("trust"), &authority.stdout).unwrap();
        place
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// Words of a command line in which {} is this place.
    fn run(&self, words: &str) -> Ended {
        dyno(&words.replace("{}", self.directory.path().to_str().unwrap()), &[])
    }

    fn certify(&self, words: &str) -> Ended {
        self.run(&format!("keys certify {words}"))
    }

    /// A server that trusts the authority alone, with these options more.
    fn serve(&self, more: &[&str]) -> Running {
        let (keys, trust) = (self.path("keys"), self.path("trust"));
        let mut options = vec!["--transport", "channel", "--credentials", &keys, "--trust", &trust];
        options.extend(more);
        Running::serve(&[&["--listen", "127.0.0.1:0"][..], &options].concat())
    }

    fn probe(&self, server: &Running, more: &str) -> Ended {
        self.run(&format!(
            "probe http://{}/ --transport channel --credentials {{}}/keys {more}",
            server.address
        ))
    }
}

const SERVER: &str = "--serve --authority {}/authority.key --key {}/keys/channel-server.key";
const CLIENT: &str = "--connect --authority {}/authority.key --key {}/keys/channel-client.key";

#[test]
fn certificates_let_both_sides_in_without_a_pinned_key() {
    let place = Place::new();
    let before = place.serve(&[]);
    assert_ne!(place.probe(&before, "").code, 0, "no certificate, and nobody has pinned the key");
    for words in [format!("localhost {SERVER} --days 2"), format!("alice {CLIENT} --days 1")] {
        let done = place.certify(&words);
        assert!(done.code == 0 && done.stdout.contains("days"), "{done:?}");
    }
    let server = place.serve(&[]);
    let answer = place.probe(&server, "--trust {}/trust");
    assert!(answer.code == 0, "{answer:?}");
    // Named by hand, under load as well.
    let by_hand =
        "--trust {}/trust --key {}/keys/channel-client.key --certificate {}/keys/channel-client.cert";
    let load = format!("load http://{}/ -n 20 -c 2 -w 0 -q --transport channel {by_hand}", server.address);
    let loaded = place.run(&load);
    assert!(loaded.answered("load"), "{loaded:?}");
    // The server's certificate is for localhost and for no other name.
    let elsewhere = Place::new();
    fs::copy(place.path("authority.key"), elsewhere.path("its.key")).unwrap();
    assert_eq!(
        elsewhere.certify("bank --serve --authority {}/its.key --key {}/keys/channel-server.key").code,
        0
    );
    assert_eq!(
        elsewhere.certify("bob --connect --authority {}/its.key --key {}/keys/channel-client.key").code,
        0
    );
    fs::copy(place.path("trust"), elsewhere.path("trust")).unwrap();
    let bank = elsewhere.serve(&[]);
    let refused = elsewhere.probe(&bank, "--trust {}/trust");
    assert!(refused.code != 0 && refused.stderr.contains("another name"), "{refused:?}");
    // And a client with a certificate of an authority that the server does not know stays outside.
    let stranger = Place::new();
    assert_eq!(stranger.certify(&format!("alice {CLIENT}")).code, 0);
    let trust = format!("--trust {}", place.path("trust"));
    assert_ne!(stranger.probe(&server, &trust).code, 0);
}

#[test]
fn a_certificate_that_does_not_fit_is_told_before_anything_starts() {
    let place = Place::new();
    assert_eq!(place.certify(&format!("localhost {SERVER} --out {{}}/server.cert")).code, 0);
    assert_eq!(place.certify(&format!("alice {CLIENT} --out {{}}/client.cert")).code, 0);
    fs::write(place.path("empty.cert"), "nothing\n").unwrap();
    let serve = "serve epoll --listen 127.0.0.1:0 --transport channel";
    for (words, said) in [
        (format!("{serve} --credentials {{}}/keys --certificate {{}}/client.cert"), "is for the key"),
        (
            format!("{serve} --key {{}}/keys/channel-client.key --certificate {{}}/client.cert"),
            "is to connect, and it is wanted to serve",
        ),
        (format!("{serve} --credentials {{}}/keys --certificate {{}}/empty.cert"), "no certificate of the channel"),
        (format!("{serve} --credentials {{}}/keys --certificate {{}}/keys/tls-server.pem"), "no certificate of the channel"),
        (format!("{serve} --credentials {{}}/keys --certificate {{}}/nowhere"), "nowhere"),
        (format!("{serve} --certificate {{}}/server.cert"), "private key"),
        ("probe http://localhost:1/ --transport channel --credentials {}/keys --key {}/keys/channel-server.key --certificate {}/server.cert".into(), "is to serve, and it is wanted to connect"),
        (format!("{serve} --suite aes"), "x25519-mlkem768-aes256gcm"),
        ("serve epoll --listen 127.0.0.1:0 --transport tls --suite x25519-aes256gcm".into(), "--suite means nothing"),
        ("serve epoll --listen 127.0.0.1:0 --suite x25519-aes256gcm".into(), "--suite means nothing"),
    ] {
        let refused = place.run(&words);
        assert_eq!(refused.code, 2, "{words}: {refused:?}");
        assert!(refused.stderr.contains(said), "{words}: {refused:?}");
    }
}

#[test]
fn what_cannot_be_certified_is_told_with_its_remedy() {
    let place = Place::new();
    let long = "x".repeat(256);
    for (words, code, said) in [
        ("alice --connect --authority {}/nowhere --key {}/keys/channel-client.key".to_owned(), 2, "nowhere"),
        ("alice --connect --authority {}/keys/trust --key {}/keys/channel-client.key".into(), 2, "others"),
        ("alice --connect --authority {}/authority.key --key {}/nowhere".into(), 2, "nowhere"),
        ("alice --connect --authority {}/authority.key --key ed25519:00".into(), 2, "Ed25519"),
        ("alice --connect --authority {}/authority.key --key {}/authority.key".into(), 2, "its own key"),
        ("alice --authority {}/authority.key --key {}/keys/channel-client.key".into(), 2, "--serve"),
        (format!("alice --serve {CLIENT}"), 2, "--serve"),
        (format!("alice {CLIENT} --days 0"), 2, "1..=36500"),
        (format!("{long} {CLIENT}"), 2, "1 to 255"),
        (format!("alice {CLIENT} --out {{}}/trust"), 1, "exists"),
    ] {
        let refused = place.certify(&words);
        assert_eq!(refused.code, code, "{words}: {refused:?}");
        assert!(refused.stderr.contains(said), "{words}: {refused:?}");
    }
    assert!(!Path::new(&place.path("keys/channel-client.cert")).exists());
    let existing = place.run("keys authority {}/authority.key");
    assert!(existing.code == 1 && existing.stderr.contains("exists"), "{existing:?}");
    // A public key is enough, and then the file has to be named.
    let shown = fs::read_to_string(place.path("keys/trust")).unwrap();
    let key = shown.lines().find_map(|line| line.strip_prefix("peer client ")).unwrap();
    let words = format!("alice --connect --authority {{}}/authority.key --key {key}");
    let refused = place.certify(&words);
    assert!(refused.code == 2 && refused.stderr.contains("--out"), "{refused:?}");
    assert_eq!(place.certify(&format!("{words} --out {{}}/alice.cert")).code, 0);
    let by_hand = "--trust {}/trust --certificate {}/alice.cert --key {}/keys/channel-client.key";
    assert_eq!(place.certify(&format!("localhost {SERVER}")).code, 0);
    let server = place.serve(&[]);
    assert_eq!(place.probe(&server, by_hand).code, 0);
}

#[test]
fn suites_are_chosen_on_the_command_line() {
    let place = Place::new();
    let keys = place.path("keys");
    let server =
        Running::serve(&["--listen", "127.0.0.1:0", "--transport", "channel", "--credentials", &keys]);
    for suite in [
        "x25519-aes256gcm",
        "x25519-chacha20poly1305",
        "x25519-mlkem768-aes256gcm",
        "x25519-mlkem768-chacha20poly1305",
        "x25519-mlkem768-aes256gcm,x25519-aes256gcm",
    ] {
        let answer = place.probe(&server, &format!("--suite {suite}"));
        assert_eq!(answer.code, 0, "{suite}: {answer:?}");
    }
    let strict = Running::serve(&[
        "--listen",
        "127.0.0.1:0",
        "--transport",
        "channel",
        "--credentials",
        &keys,
        "--suite",
        "x25519-mlkem768-aes256gcm",
    ]);
    assert_eq!(place.probe(&strict, "--suite x25519-mlkem768-aes256gcm").code, 0);
    assert_ne!(place.probe(&strict, "").code, 0, "a server can refuse what is classical");
}

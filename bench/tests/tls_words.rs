//! What `dyno probe` and `dyno load` say when TLS does not come about: against `openssl s_server` with other settings,
//! and against a peer that sends one alert.

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use support::{Running, dyno, side_by_side};

fn openssl(place: &Path, words: &str) -> bool {
    let mut command = Command::new("openssl");
    command.args(words.split_whitespace()).current_dir(place).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// A self-signed certificate NAME.pem with NAME.key.
fn certificate(place: &Path, name: &str, more: &str) {
    let made = format!(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {name}.key -out {name}.pem {more}"
    );
    assert!(openssl(place, &made), "{made}");
}

fn s_server(place: &Path, words: &str) -> Running {
    let mut command = Command::new("openssl");
    command.args(["s_server", "-accept", "127.0.0.1:0", "-www"]).args(words.split_whitespace());
    Running::start(command.current_dir(place), |line| line.strip_prefix("ACCEPT ").map(str::to_owned))
}

const LOCAL: &str = "-subj /CN=localhost -addext subjectAltName=DNS:localhost";

#[test]
fn servers_of_openssl_are_told_by_what_is_wrong_with_them() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    if !openssl(place, "version") {
        eprintln!("skipped: openssl is not installed");
        return;
    }
    // CA:TRUE is what `openssl req -x509` makes when it is told nothing else.
    certificate(place, "authority", LOCAL);
    certificate(place, "leaf", &format!("{LOCAL} -addext basicConstraints=critical,CA:FALSE"));
    certificate(place, "other", &format!("{LOCAL} -addext basicConstraints=critical,CA:FALSE"));
    certificate(place, "elsewhere", "-subj /CN=elsewhere -addext subjectAltName=DNS:elsewhere");
    certificate(
        place,
        "client",
        &format!("{LOCAL} -addext extendedKeyUsage=clientAuth -addext basicConstraints=CA:FALSE"),
    );
    let trusting = |name: &str| format!("--trust {}/{name}.pem", place.display());
    let stranger = format!(
        "{} --certificate {place}/other.pem --key {place}/other.key",
        trusting("leaf"),
        place = place.display()
    );
    let cases = [
        ("-cert authority.pem -key authority.key", trusting("authority"), &[][..]),
        ("-cert leaf.pem -key leaf.key", trusting("leaf"), &[]),
        ("-cert leaf.pem -key leaf.key -alpn h2,http/1.1", trusting("leaf"), &[]),
        ("-cert authority.pem -key authority.key", "--insecure".into(), &[]),
        ("-cert authority.pem -key authority.key", trusting("leaf"), &["CA:TRUE", "this very certificate"]),
        ("-cert authority.pem -key authority.key", String::new(), &["CA:TRUE", "this very certificate"]),
        (
            "-cert leaf.pem -key leaf.key",
            trusting("authority"),
            &["authority that we do not trust", "--trust"],
        ),
        ("-cert elsewhere.pem -key elsewhere.key", trusting("elsewhere"), &["another name", "URL"]),
        ("-cert client.pem -key client.key", trusting("client"), &["another name or role"]),
        ("-cert leaf.pem -key leaf.key -tls1_2", trusting("leaf"), &["TLS 1.3", "protocol_version"]),
        ("-cert leaf.pem -key leaf.key -alpn h2", trusting("leaf"), &["no_application_protocol", "http/1.1"]),
        ("-cert leaf.pem -key leaf.key -groups P-521", trusting("leaf"), &["handshake_failure", "X25519"]),
        (
            "-cert leaf.pem -key leaf.key -ciphersuites TLS_AES_128_CCM_SHA256",
            trusting("leaf"),
            &["handshake_failure", "suite"],
        ),
        (
            "-cert leaf.pem -key leaf.key -cert2 leaf.pem -key2 leaf.key -servername a.b -servername_fatal",
            trusting("leaf"),
            &["unrecognized_name", "URL"],
        ),
        (
            "-cert leaf.pem -key leaf.key -Verify 1 -verify_return_error",
            trusting("leaf"),
            &["certificate_required", "--certificate FILE"],
        ),
        (
            "-cert leaf.pem -key leaf.key -Verify 1 -verify_return_error",
            stranger,
            &["unknown_ca", "--certificate"],
        ),
    ];
    side_by_side(&cases, |(settings, options, says)| {
        let server = s_server(place, settings);
        let url = format!("https://localhost:{}/", server.port());
        let ended = dyno(&format!("probe {url} {options}"), &[]);
        let missing: Vec<_> = says.iter().filter(|word| !ended.stderr.contains(*word)).collect();
        assert!(missing.is_empty(), "{settings} {options}: {missing:?} in {ended:?}");
        assert_eq!(ended.code, i32::from(!says.is_empty()), "{settings} {options}: {ended:?}");
        assert!(!ended.stderr.contains("is the server running"), "{settings} {options}: {ended:?}");
        let load = dyno(&format!("load {url} {options} -n 4 -c 2 -w 0 -q"), &[]);
        let told = format!("{}{}", load.stdout, load.stderr);
        match says.first() {
            None => assert!(ended.stdout.contains("200"), "{settings} {options}: {ended:?}"),
            Some(word) => assert!(load.code != 0 && told.contains(word), "{settings} {options}: {load:?}"),
        }
    });
}

/// A peer that answers each connection with this alert, in a record as RFC 8446 (5.1, 6) writes it.
fn alerting(number: u8) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // Closing over unread octets would reset the connection before the alert is read.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&[21, 3, 3, 0, 2, 2, number]);
        }
    });
    format!("https://localhost:{port}/")
}

#[test]
fn each_alert_is_told_by_its_name_in_probe_and_load() {
    let alerts = [
        (40, "handshake_failure"),
        (42, "bad_certificate"),
        (43, "unsupported_certificate"),
        (44, "certificate_revoked"),
        (45, "certificate_expired"),
        (46, "certificate_unknown"),
        (48, "unknown_ca"),
        (49, "access_denied"),
        (51, "decrypt_error"),
        (70, "protocol_version"),
        (71, "insufficient_security"),
        (80, "internal_error"),
        (112, "unrecognized_name"),
        (116, "certificate_required"),
        (120, "no_application_protocol"),
        (10, "malformed"),
        (199, "TLS alert"),
    ];
    side_by_side(&alerts, |(number, says)| {
        let url = alerting(*number);
        for words in [format!("probe {url}"), format!("load {url} -n 4 -c 2 -w 0 -q")] {
            let ended = dyno(&format!("{words} --insecure"), &[]);
            assert!(ended.code == 1 && ended.stderr.contains(says), "{words}, {number}: {ended:?}");
        }
    });
}

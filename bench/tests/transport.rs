//! `dyno keys` and `dyno serve --transport`: both secure transports under real servers, and what goes wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dyno_bench::demos::wire::WireLine;
use dyno_security::credentials::{self, Files, SERVER_NAME};
use dyno_security::pipe::Pipe;
use dyno_security::transport::Transport;

const DYNO: &str = env!("CARGO_BIN_EXE_dyno");

/// A server; killed when dropped, whatever happens.
struct Served {
    child: Child,
    address: String,
}

impl Served {
    fn start(architecture: &str, options: &[&str]) -> Self {
        let mut command = Command::new(DYNO);
        command
            .args(["serve", architecture, "--listen", "127.0.0.1:0", "--compute-rounds-per-us", "100"])
            .args(options);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        Served { child, address: ready["address"].as_str().unwrap().into() }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(address: &str, kind: Transport, files: &Files) -> std::io::Result<String> {
    let connector = credentials::connector(kind, files, &SERVER_NAME.into()).unwrap().unwrap();
    let mut line = WireLine::new(TcpStream::connect(address)?, connector.connect(Instant::now()))?;
    line.establish()?;
    line.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let answer = line.read_to_end()?;
    line.close()?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn keys(place: &Path, name: &str) -> String {
    let directory = place.join(name).display().to_string();
    assert!(Command::new(DYNO).args(["keys", &directory]).stdout(Stdio::null()).status().unwrap().success());
    directory
}

#[test]
fn servers_speak_both_and_serve_on_after_every_kind_of_stranger() {
    let place = tempfile::tempdir().unwrap();
    let (ours, foreign) = (keys(place.path(), "ours"), keys(place.path(), "foreign"));
    let files = Files::in_directory(Path::new(&ours));
    for kind in [Transport::Channel, Transport::Tls] {
        let name = kind.name();
        let trust = format!("{ours}/{}", if kind == Transport::Channel { "trust" } else { "authority.pem" });
        for architecture in ["thread-pool", "fork", "epoll"] {
            let server = Served::start(
                architecture,
                &["--transport", name, "--credentials", &ours, "--trust", &trust],
            );
            let answer = ask(&server.address, kind, &files).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{architecture} {name}: {answer}");
            // Somebody with keys that nobody knows; plain HTTP; garbage; silence in the middle of the handshake.
            assert!(ask(&server.address, kind, &Files::in_directory(Path::new(&foreign))).is_err());
            for words in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0xff; 100]] {
                let mut stranger = TcpStream::connect(&server.address).unwrap();
                stranger.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                stranger.write_all(words).unwrap();
                let mut told = Vec::new();
                let _ = stranger.read_to_end(&mut told);
                assert!(
                    told.len() <= 7,
                    "{architecture} {name}: at most a TLS alert, not {} octets",
                    told.len()
                );
            }
            let other = if kind == Transport::Channel { Transport::Tls } else { Transport::Channel };
            assert!(ask(&server.address, other, &files).is_err());
            let silent = TcpStream::connect(&server.address).unwrap();
            let answer = ask(&server.address, kind, &files).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{architecture} {name} serves on");
            drop(silent);
        }
    }
}

/// After a fork nothing random is shared: every session of a forking server has ephemeral keys and a transcript of
/// its own.
#[test]
fn forked_workers_share_no_random_state() {
    let place = tempfile::tempdir().unwrap();
    let files = Files::in_directory(Path::new(&keys(place.path(), "ours")));
    let directory = files.directory.clone().unwrap().display().to_string();
    for architecture in ["fork", "prefork"] {
        let server = Served::start(architecture, &["--transport", "channel", "--credentials", &directory]);
        let mut seen = std::collections::HashSet::new();
        for _ in 0..20 {
            // A message 1 that never changes would get equal answers from equal random state.
            let connector =
                credentials::connector(Transport::Channel, &files, &SERVER_NAME.into()).unwrap().unwrap();
            let mut pipe = connector.connect(Instant::now());
            let mut stream = TcpStream::connect(&server.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            stream.write_all(pipe.pending()).unwrap();
            pipe.advance(pipe.pending().len());
            // kind, length, version, suite, then the responder's ephemeral key.
            let mut reply = [0; 3 + 2 + 32];
            stream.read_exact(&mut reply).unwrap();
            assert!(seen.insert(reply[5..].to_vec()), "{architecture}: an ephemeral key came twice");
        }
    }
}

#[test]
fn options_that_make_no_sense_are_told() {
    let fails = |arguments: &[&str]| {
        let out = Command::new(DYNO)
            .args(["serve", "epoll", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(2));
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    assert!(fails(&["--transport", "ssl"]).contains("plain, channel or tls"));
    assert!(fails(&["--credentials", "/nowhere"]).contains("--transport plain"));
    assert!(fails(&["--transport", "channel", "--credentials", "/nowhere"]).contains("/nowhere"));
    assert!(fails(&["--transport", "channel", "--peer", "ed25519:00"]).contains("Ed25519"));
    for words in [&["--tickets", "no"][..], &["--tickets", "no", "--transport", "tls"]] {
        assert!(fails(words).contains("--tickets means nothing to --transport"), "{words:?}");
    }
    assert!(fails(&["--transport", "channel", "--tickets", "maybe"]).contains("yes, no"));
}

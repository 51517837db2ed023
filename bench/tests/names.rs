//! Whom the program takes for the server of a URL, by each command that talks to one.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use dyno_security::signature::SigningKey;

const DYNO: &str = env!("CARGO_BIN_EXE_dyno");

/// A server; killed when dropped.
struct Served {
    child: Child,
    port: u16,
}

impl Served {
    fn start(options: &[&str]) -> Self {
        let mut command = Command::new(DYNO);
        command.args(["serve", "epoll", "--listen", "127.0.0.1:0", "--compute-rounds-per-us", "100"]);
        let mut child = command.args(options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        let port = ready["address"].as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
        Served { child, port }
    }

    /// What it has said on standard error when it has ended.
    fn said(mut self) -> String {
        self.child.kill().unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn keys(place: &Path) -> String {
    let directory = place.join("keys").display().to_string();
    assert!(Command::new(DYNO).args(["keys", &directory]).stdout(Stdio::null()).status().unwrap().success());
    directory
}

/// Whether each command that talks to a server takes the one at `host`.
fn takes(host: &str, port: u16, options: &[&str]) -> bool {
    let url = format!("http://{host}:{port}/");
    let few = ["--warmup", "0s", "-n", "4", "-c", "1"];
    let page = format!("{url}pages/1/100");
    let commands: [(&str, &str, &[&str]); 3] =
        [("probe", &url, &[]), ("load", &url, &few), ("browse", &page, &[])];
    let taken = commands.map(|(command, url, more)| {
        let played = Command::new(DYNO)
            .args([command, url, "--transport", "channel", "--timeout", "5s"])
            .args(options)
            .args(more)
            .output()
            .unwrap();
        played.status.success()
    });
    assert!(taken == [true; 3] || taken == [false; 3], "{url} {options:?}: {taken:?}");
    taken[0]
}

#[test]
fn the_host_of_the_url_is_the_name_for_every_command() {
    let place = tempfile::tempdir().unwrap();
    let directory = keys(place.path());
    let server = Served::start(&["--transport", "channel", "--credentials", &directory]);
    let port = server.port;
    let trusted = fs::read_to_string(format!("{directory}/trust")).unwrap();
    let line = trusted.lines().find(|line| line.starts_with("peer localhost")).unwrap();
    let (ours, other) = (line.rsplit_once(' ').unwrap().1, SigningKey::generate().0.public().to_string());
    let file = place.path().join("trust").display().to_string();
    let exact = format!("peer [127.0.0.1]:{port} {ours}\npeer 127.0.0.1 {other}\n");
    let elsewhere = format!("peer [127.0.0.1]:{} {ours}\npeer 127.0.0.1 {other}\n", port ^ 1);
    for (host, lines, taken) in [
        ("127.0.0.1", format!("peer localhost {ours}\n"), true),
        ("localhost", format!("peer localhost {ours}\n"), true),
        ("127.0.0.1", format!("peer 127.0.0.1 {other}\npeer localhost {ours}\n"), false),
        ("127.0.0.1", format!("peer 127.0.0.1 {ours}\npeer localhost {other}\n"), true),
        ("localhost", format!("peer 127.0.0.1 {ours}\npeer localhost {other}\n"), false),
        ("127.0.0.1", format!("peer bank {ours}\n"), false),
        ("127.0.0.1", exact, true),
        ("127.0.0.1", elsewhere, false),
    ] {
        fs::write(&file, &lines).unwrap();
        assert_eq!(takes(host, port, &["--trust", &file]), taken, "{host} by\n{lines}");
    }
    for (key, taken) in [(ours, true), (&other, false)] {
        assert_eq!(takes("127.0.0.1", port, &["--peer", key]), taken);
        assert_eq!(takes("127.0.0.1", port, &["--credentials", &directory, "--peer", key]), taken);
    }
    let both = ["probe", "http://127.0.0.1:1/", "--transport", "channel", "--peer", ours, "--trust", &file];
    assert_eq!(Command::new(DYNO).args(both).output().unwrap().status.code(), Some(2));
}

#[test]
fn a_server_says_at_its_start_whom_it_serves() {
    let place = tempfile::tempdir().unwrap();
    let directory = keys(place.path());
    for (transport, list) in [("channel", "trust"), ("tls", "authority.pem")] {
        let list = format!("{directory}/{list}");
        let options = ["--transport", transport, "--credentials", &directory];
        let anybody = Served::start(&options).said();
        assert!(anybody.contains("every client") && anybody.contains("--trust"), "{transport}: {anybody}");
        let listed = Served::start(&[&options[..], &["--trust", &list]].concat()).said();
        assert!(listed.contains("only clients") && !listed.contains("every client"), "{transport}: {listed}");
    }
}

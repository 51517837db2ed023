//! A service that is not there, or whose answers do not verify, is refused by every experiment before its first cell.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use support::side_by_side;

const EXPERIMENTS: [&str; 4] = ["compare", "curve", "scale", "connections"];

fn dyno(place: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dyno"));
    command.args(arguments).current_dir(place).stdin(Stdio::null()).output().unwrap()
}

/// What the program says of a command line that it refuses as wrong usage.
fn refused(place: &Path, arguments: &[&str]) -> String {
    let output = dyno(place, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(said.contains("--service"), "the remedy names the option: {said}");
    said
}

#[test]
fn a_path_that_is_no_service_is_refused_by_every_experiment() {
    let place = tempfile::tempdir().unwrap();
    let mut lines = Vec::new();
    for experiment in EXPERIMENTS {
        for service in ["/nonesuch", "/wait/soon", "/files/absent"] {
            lines.extend(["--dry-run", "--quiet"].map(|last| (experiment, service, last)));
        }
    }
    side_by_side(&lines, |(experiment, service, last)| {
        let said =
            refused(place.path(), &[experiment, "epoll", "fork", "--service", service, "--quick", last]);
        let told = format!("{service} cannot be measured: epoll: ");
        assert!(said.contains(&told), "{experiment}: {said}");
        assert_eq!(said.matches("cannot be measured").count(), 1, "once: {said}");
    });
    assert!(!place.path().join("dyno-results").exists(), "nothing was begun");
}

#[test]
fn it_is_refused_behind_every_transport() {
    let place = tempfile::tempdir().unwrap();
    let said = refused(
        place.path(),
        &["compare", "epoll", "--transports", "plain,channel,tls", "--service", "/nonesuch", "--dry-run"],
    );
    for label in ["epoll", "epoll+channel", "epoll+tls"] {
        assert!(said.contains(label), "{label}: {said}");
    }
}

#[test]
fn a_server_of_ones_own_is_asked_as_well() {
    let place = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_dyno");
    let file = format!(
        "[[server]]\nname = 'mine'\ncommand = ['{program}', 'serve', 'poll', '--listen', '127.0.0.1:{{port}}']\n"
    );
    fs::write(place.path().join("servers.toml"), file).unwrap();
    let said = refused(
        place.path(),
        &["compare", "--servers", "servers.toml", "--service", "/nonesuch", "--dry-run"],
    );
    assert!(said.contains("mine: "), "{said}");
    let output =
        dyno(place.path(), &["compare", "--servers", "servers.toml", "--service", "/json", "--dry-run"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_service_that_is_there_is_planned_however_long_it_takes() {
    let place = tempfile::tempdir().unwrap();
    let services =
        ["/", "/json", "/bytes/100000", "/compute/100", "/wait/2000000", "/mix", "/mix/3", "/pages/4/10"];
    side_by_side(&services, |service| {
        let output = dyno(place.path(), &["compare", "epoll", "--service", service, "--dry-run"]);
        assert!(output.status.success(), "{service}: {}", String::from_utf8_lossy(&output.stderr));
    });
}

/// A server whose every answer is another one, at a path of its own and by a variable of its own.
const COUNTER: &str = "
import http.server, os
class Counter(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    count = 0
    def do_GET(self):
        Counter.count += 1
        body = (os.environ['GREETING'] + ' %09d' % Counter.count).encode()
        self.send_response(200 if self.path == '/api/now' else 404)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Counter).serve_forever()
";

#[test]
fn a_server_whose_answers_differ_takes_part_when_its_table_says_so() {
    if Command::new("python3").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no python3");
        return;
    }
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("site")).unwrap();
    fs::write(place.path().join("site/counter.py"), COUNTER).unwrap();
    let table = |rest: &str| {
        format!(
            "[[server]]\nname = 'counter'\ncommand = ['python3', './counter.py']\ncwd = 'site'\n\
             env = {{ PORT = '{{port}}', GREETING = 'hi' }}\n{rest}\n"
        )
    };
    let planned = |rest: &str| {
        fs::write(place.path().join("servers.toml"), table(rest)).unwrap();
        let output = dyno(place.path(), &["compare", "--servers", "servers.toml", "--dry-run"]);
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = planned("");
    assert!(code == Some(2) && said.contains("status 404") && said.contains("a path of its own"), "{said}");
    for expected in ["", "expect = 'same'", "expect = 'text:hello'"] {
        let (code, said) = planned(&format!("path = '/api/now'\n{expected}"));
        assert_eq!(code, Some(2), "{expected}: {said}");
        assert!(said.contains("/api/now cannot be measured: counter: "), "{expected}: {said}");
        assert!(said.contains("expect = \"status\""), "{expected}: {said}");
    }
    let (code, said) = planned("path = '/api/now'\nexpect = 'status'");
    assert_eq!(code, Some(0), "{said}");
    for (rest, words) in [
        ("path = 'api'", "'api' is no path"),
        ("expect = 'nothing'", "same, status or text:..."),
        ("paths = '/'", "paths"),
    ] {
        let (code, said) = planned(rest);
        assert!(code == Some(2) && said.contains(words), "{rest}: {said}");
    }
}

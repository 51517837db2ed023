//! What the tests of `dyno watch` share: it is started, asked, and ended in order.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// How long anything may take that happens at once on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A watch that runs until this is dropped.
pub(crate) struct Watch {
    child: Child,
    /// Where the page is, without the token.
    pub(crate) address: String,
    pub(crate) token: String,
    /// The whole address that was printed.
    pub(crate) url: String,
}

impl Watch {
    /// Starts it on a free port, with these options.
    pub(crate) fn start(options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dyno"))
            .args(["watch", "--listen", "127.0.0.1:0"])
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let url = url.trim().to_string();
        let (page, token) = url.split_once('#').expect("the address has a token");
        let address = page.trim_start_matches("http://").split('/').next().unwrap().to_string();
        Watch { child, address, token: token.to_string(), url: url.clone() }
    }

    /// Sends a request with these fields, and returns the status with the whole answer.
    pub(crate) fn ask(&self, line: &str, fields: &[(&str, &str)], body: &str) -> (u16, String) {
        let mut stream = self.connect();
        let host = if fields.iter().any(|(name, _)| *name == "Host") {
            String::new()
        } else {
            format!("Host: {}\r\n", self.address)
        };
        let fields: String = fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        write!(
            stream,
            "{line} HTTP/1.1\r\n{host}{fields}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        // Who is refused in the middle of a body may be reset.
        let _ = stream.read_to_string(&mut answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        (status, answer)
    }

    /// Gives an order as this watcher.
    pub(crate) fn order(&self, watcher: u64, order: &str) -> (u16, String) {
        let body = format!("{{\"watcher\":{watcher},\"order\":{order}}}");
        self.ask("POST /orders", &[("Dyno-Token", &self.token)], &body)
    }

    /// Listens to its events.
    pub(crate) fn listen(&self) -> Events {
        let mut stream = self.connect();
        write!(stream, "GET /events?token={} HTTP/1.1\r\nHost: {}\r\n\r\n", self.token, self.address)
            .unwrap();
        let mut events = Events { lines: BufReader::new(stream), watcher: 0 };
        let (_, hello) = events.next(|kind, _| kind == "hello");
        events.watcher = hello["watcher"].as_u64().unwrap();
        events
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// The processes that it has started and that live.
    pub(crate) fn children(&self) -> Vec<i32> {
        let pid = self.child.id();
        let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        list.split_whitespace().filter_map(|child| child.parse().ok()).collect()
    }

    /// Ends it as Ctrl-C does, and returns its exit code.
    pub(crate) fn end(&mut self) -> i32 {
        let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGINT);
        self.child.wait().unwrap().code().unwrap_or(128)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.end();
        }
    }
}

/// Events as they come.
pub(crate) struct Events {
    lines: BufReader<TcpStream>,
    /// The number of this watcher.
    pub(crate) watcher: u64,
}

impl Events {
    /// The next event that `is_wanted`. It panics when none comes in time.
    pub(crate) fn next(&mut self, is_wanted: impl Fn(&str, &Value) -> bool) -> (String, Value) {
        let mut kind = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).expect("events go on"), 0, "the events have ended");
            if let Some(name) = line.strip_prefix("event: ") {
                kind = name.trim().to_string();
            } else if let Some(data) = line.strip_prefix("data: ") {
                let value = serde_json::from_str(data).expect("an event is JSON");
                if is_wanted(&kind, &value) {
                    return (kind, value);
                }
            }
        }
    }

    /// The next state of affairs.
    pub(crate) fn state(&mut self) -> Value {
        self.next(|kind, _| kind == "state").1
    }
}

//! The load on a watched server, and errands beside it: processes of this program, as in experiments.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};

use dyno_clients::plan::request::known_answer;
use dyno_measure::rig::process::tame;
use dyno_security::transport::Transport;

use super::sampler::{SharedBoard, with};
use super::settings::{WatchedDesign, WatchedLoad};
use crate::limits::WATCH_BURST_REQUESTS;

/// What the processes of a watch have in common.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    /// This program.
    pub(crate) program: PathBuf,
    /// Keys and certificates of both sides.
    pub(crate) credentials: PathBuf,
    /// Rounds of the work loop that make a microsecond: the same for all servers.
    pub(crate) rounds_per_us: Option<u64>,
}

/// The options of a transport, the same for both ends.
pub(crate) fn transport(transport: Transport, credentials: &Path) -> Vec<String> {
    match transport {
        Transport::Plain => Vec::new(),
        Transport::Channel | Transport::Tls => vec![
            "--transport".into(),
            transport.name().into(),
            "--credentials".into(),
            credentials.display().to_string(),
        ],
    }
}

/// A running generator; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct LoadProcess {
    child: Child,
    readers: Vec<JoinHandle<String>>,
}

impl LoadProcess {
    /// Starts the load on a design at `address`; its news go on `board`.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub(crate) fn start(
        tools: &Tools,
        design: &WatchedDesign,
        load: &WatchedLoad,
        connections: u32,
        address: SocketAddr,
        board: &SharedBoard,
    ) -> std::io::Result<Self> {
        let mut arguments = arguments(load, connections, address);
        arguments.extend(transport(design.transport, &tools.credentials));
        let mut command = Command::new(&tools.program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        tame(&mut command, &[], None);
        let mut child = command.spawn()?;
        let (news, words) = (child.stdout.take(), child.stderr.take());
        let board = board.clone();
        let readers = vec![
            thread::spawn(move || {
                for line in
                    news.into_iter().flat_map(|news| BufReader::new(news).lines()).map_while(Result::ok)
                {
                    if let Ok(line) = serde_json::from_str(&line) {
                        with(&board, |board| board.news = line);
                    }
                }
                String::new()
            }),
            thread::spawn(move || {
                let mut said = String::new();
                if let Some(words) = words {
                    let _ = words.take(4096).read_to_string(&mut said);
                }
                said
            }),
        ];
        Ok(LoadProcess { child, readers })
    }

    /// What it said when it ended; `None` while it runs.
    pub(crate) fn ended(&mut self) -> Option<String> {
        self.child.try_wait().ok()??;
        let said = self.readers.drain(..).map(|reader| reader.join().unwrap_or_default());
        let said: String = said.collect();
        let line = said.lines().next().unwrap_or("the load is over").trim_start_matches("dyno: ");
        Some(line.to_string())
    }
}

impl Drop for LoadProcess {
    fn drop(&mut self) {
        // Its connections end with it, as those of clients that go.
        let _ = self.child.kill();
        let _ = self.child.wait();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
    }
}

/// The command line of the load.
fn arguments(load: &WatchedLoad, connections: u32, address: SocketAddr) -> Vec<String> {
    let url = format!("http://{address}{}", load.path);
    let words = ["load", &url, "--news", "--duration", "24h", "--warmup", "0", "--spin", "0", "--no-pin"];
    let mut arguments: Vec<String> = words.map(String::from).into();
    let mut option = |name: &str, value: String| arguments.extend([name.to_string(), value]);
    option("--connections", connections.to_string());
    if let Some(rate) = load.rate_per_s {
        option("--rate", rate.to_string());
    }
    if load.fresh {
        option("--requests-per-connection", "1".into());
    }
    if known_answer(&load.path, b"").is_some() {
        option("--expect", "service".into());
    }
    arguments
}

/// What comes beside the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BesideLoad {
    /// So many requests at once, each on a connection of its own.
    AtOnce(u32),
    /// So many requests a second, for so many seconds.
    Surge(u32, u32),
}

/// An errand beside the load: requests that come, and end. What they do to the load is seen; they have no figures of
/// their own.
#[derive(Debug)]
pub(crate) struct Errand(Child);

impl Errand {
    /// Sends requests for `path`.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub(crate) fn send(
        tools: &Tools,
        design: &WatchedDesign,
        path: &str,
        beside: BesideLoad,
        address: SocketAddr,
    ) -> std::io::Result<Self> {
        let url = format!("http://{address}{path}");
        let words = ["load", &url, "--quiet", "--warmup", "0", "--spin", "0", "--no-pin", "--timeout", "40s"];
        let mut command = Command::new(&tools.program);
        command.args(words);
        match beside {
            BesideLoad::AtOnce(many) => {
                let many = many.clamp(1, WATCH_BURST_REQUESTS).to_string();
                command.args(["--requests", &many, "--connections", &many]);
            }
            BesideLoad::Surge(rate, seconds) => {
                let (rate, duration) = (rate.to_string(), format!("{seconds}s"));
                let most = WATCH_BURST_REQUESTS.to_string();
                command.args(["--rate", &rate, "--duration", &duration, "--connections", &most]);
            }
        }
        command.args(transport(design.transport, &tools.credentials));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        tame(&mut command, &[], None);
        command.spawn().map(Errand)
    }

    /// Whether it is over.
    pub(crate) fn is_over(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Errand {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_that_of_the_settings() {
        let load = |rate_per_s, fresh, path: &str| {
            let load = WatchedLoad { path: path.into(), rate_per_s, connections: 9, fresh, slow_clients: 0 };
            arguments(&load, load.connections, "127.0.0.1:80".parse().unwrap()).join(" ")
        };
        let open = load(Some(300), true, "/wait/5000");
        for words in [
            "load http://127.0.0.1:80/wait/5000 ",
            "--connections 9",
            "--rate 300",
            "--requests-per-connection 1",
            "--expect service",
        ] {
            assert!(open.contains(words), "{words}: {open}");
        }
        let closed = load(None, false, "/pages");
        assert!(!closed.contains("--rate") && !closed.contains("--requests-per"), "{closed}");
        assert!(!closed.contains("--expect"), "pages differ from server to server");
    }

    #[test]
    fn both_ends_are_told_their_transport() {
        assert!(transport(Transport::Plain, Path::new("keys")).is_empty());
        for kind in [Transport::Channel, Transport::Tls] {
            let told = transport(kind, Path::new("keys")).join(" ");
            assert_eq!(told, format!("--transport {} --credentials keys", kind.name()));
        }
    }
}

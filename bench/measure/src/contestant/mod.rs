//! The contestants: programs that are started by a command, report when they are ready, and end on SIGTERM.

use std::path::{Path, PathBuf};

use dyno_analysis::explanation::build::Build;
use dyno_record::header::ContestantLine;
use dyno_record::transport::TransportKind;

use crate::contestant::expected::BodyRule;

pub mod control;
pub mod error;
pub mod expected;
pub mod faulty;
pub mod foreign;
pub mod named;
pub(crate) mod options;
pub mod own;
pub mod peers;

/// A program that takes part in an experiment.
#[derive(Debug, Clone, PartialEq)]
pub struct Contestant {
    /// Label, unique in an experiment.
    pub label: String,
    /// One line on what it is.
    pub idea: String,
    /// The family of its architecture, for grouping and colours.
    pub family: String,
    /// The command: program and arguments. In arguments, `{port}` and `{cores}` are replaced.
    pub command: Vec<String>,
    /// Files that it needs, written before it starts; `{port}`, `{cores}` and `{dir}` are replaced.
    pub files: Vec<(PathBuf, String)>,
    /// How it reports that it is ready.
    pub ready: ReadySign,
    /// How many connections it serves at once.
    pub concurrency: AtOnce,
    /// Whether the number of its workers can be set by `--workers`.
    pub has_workers: bool,
    /// Whether it takes `--max-connections`.
    pub bounds_connections: bool,
    /// Whether the limit of tower may stand around its services.
    pub has_tower: bool,
    /// The transport that carries its requests.
    pub transport: TransportKind,
    /// Whether it is `dyno serve`, which takes `--transport` and more.
    pub own: bool,
    /// Those facts of its construction that decide what a request costs.
    pub build: Build,
    /// What it is asked for instead of the experiment's service.
    pub path: Option<String>,
    /// What its answers are held against, where no service of Dyno documents them.
    pub expect: BodyRule,
    /// The directory in which it starts; that of this program where there is none.
    pub directory: Option<PathBuf>,
    /// What is added to its environment; in values, `{port}`, `{cores}` and `{dir}` are replaced.
    pub variables: Vec<(String, String)>,
}

/// How a contestant reports that it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadySign {
    /// It prints one line of JSON: `{"ready":true,"address":"127.0.0.1:PORT",...}`.
    Line,
    /// The port that was chosen for it accepts connections.
    Connect,
}

/// How many connections a contestant serves at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtOnce {
    /// One: all others wait in the accept queue.
    One,
    /// As many as it has workers.
    Workers,
    /// As many as there are descriptors.
    Many,
}

impl Contestant {
    /// The contestant's line in the header of the records.
    pub fn line(&self) -> ContestantLine {
        ContestantLine {
            label: self.label.clone(),
            idea: self.idea.clone(),
            family: self.family.clone(),
            command: self.command.clone(),
        }
    }

    /// How many of `wanted` lasting connections it can serve without starving any.
    pub fn connections(&self, wanted: u32) -> u32 {
        if self.concurrency == AtOnce::One { 1 } else { wanted }
    }

    /// The number of workers that `connections` lasting connections need, where each worker serves one.
    pub fn workers(&self, connections: u32) -> Option<u32> {
        (self.has_workers && self.concurrency == AtOnce::Workers).then_some(connections)
    }
}

/// Each of Dyno's own contestants behind each of these transports. A foreign contestant is taken as it is, and only
/// without a secure transport. With more than one transport, those that are not plain get labels such as `epoll+tls`.
pub fn behind(contestants: &[Contestant], transports: &[TransportKind]) -> Vec<Contestant> {
    let mut found = Vec::new();
    for contestant in contestants {
        for &transport in transports.iter().filter(|transport| contestant.own || !transport.is_secure()) {
            let mut one = Contestant { transport, ..contestant.clone() };
            if transports.len() > 1 {
                one.label = transport.label_behind(&one.label);
            }
            found.push(one);
        }
    }
    found
}

/// Gives each contestant a unique label: the second one of the same name gets `#2`.
pub fn label_apart(contestants: &mut [Contestant]) {
    let mut seen: Vec<String> = Vec::new();
    for contestant in contestants {
        let before = seen.iter().filter(|label| **label == contestant.label).count();
        seen.push(contestant.label.clone());
        if before > 0 {
            contestant.label = format!("{}#{}", contestant.label, before + 1);
        }
    }
}

/// The build of the contestant with that label. A second one of the same name, an arm, one behind a transport, and one
/// of another build of Dyno are built as the name itself.
pub fn build_of(label: &str) -> Build {
    let name = label.split(['#', ':', '+', '/', named::OF_PROGRAM]).next().unwrap_or(label);
    own::build_of(name).or_else(|| peers::build_of(name)).unwrap_or(Build::UNKNOWN)
}

/// The same for a command that starts in a directory: a relative path with a slash begins there.
pub(crate) fn find_from(directory: Option<&Path>, program: &str) -> Option<PathBuf> {
    match directory {
        Some(directory) if program.contains('/') => {
            Some(directory.join(program)).filter(|file| file.is_file())
        }
        _ => find(program),
    }
}

/// Finds a program by its path, or by its name on the search path and in the directories where systems keep servers.
pub fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|file| file.is_file());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arms_namesakes_and_transports_are_built_alike() {
        for (label, name) in [("fork#2", "fork"), ("io-uring:tuned", "io-uring"), ("epoll+tls", "epoll")] {
            assert_eq!(build_of(label), build_of(name), "{label}");
        }
        assert_ne!(build_of("epoll"), build_of("fork"));
        assert_ne!(build_of("apache-prefork"), Build::UNKNOWN, "a peer tells how it is built");
        assert_eq!(build_of("caddy"), Build::UNKNOWN);
    }
}

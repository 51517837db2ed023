//! Servers that are not Dyno's: a few lines of TOML each.
//!
//! ```toml
//! [[server]]
//! name = "caddy"
//! command = ["caddy", "file-server", "--listen", "127.0.0.1:{port}", "--root", "/srv/www"]
//! idea = "a goroutine per connection"   # optional
//! connections = "many"                  # optional: one, workers or many
//! ready = "connect"                     # optional: connect (its port takes connections) or line
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::contestant::{AtOnce, Contestant, ReadySign, find};
use dyno_analysis::explanation::build::Build;
use dyno_record::transport::TransportKind;

use crate::contestant::error::ContestantError;

/// A file with servers only, or a whole experiment (`dyno run`), whose other keys are read elsewhere.
#[derive(Debug, Deserialize)]
struct File {
    experiment: Option<String>,
    #[serde(rename = "server")]
    servers: Vec<ServerTable>,
    #[serde(flatten)]
    others: BTreeMap<String, toml::Value>,
}

/// One server of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServerTable {
    name: String,
    command: Vec<String>,
    #[serde(default)]
    idea: String,
    #[serde(default)]
    connections: Connections,
    #[serde(default)]
    ready: ReadyBy,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Connections {
    One,
    Workers,
    #[default]
    Many,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ReadyBy {
    #[default]
    Connect,
    Line,
}

impl ServerTable {
    /// The contestant that the table describes.
    ///
    /// # Errors
    /// When the command is empty.
    pub fn contestant(&self) -> Result<Contestant, ContestantError> {
        if self.command.is_empty() {
            return Err(ContestantError::NoCommand(self.name.clone()));
        }
        let mut contestant = bare(&self.name, self.command.clone());
        if !self.idea.is_empty() {
            contestant.idea.clone_from(&self.idea);
        }
        contestant.concurrency = match self.connections {
            Connections::One => AtOnce::One,
            Connections::Workers => AtOnce::Workers,
            Connections::Many => AtOnce::Many,
        };
        contestant.ready = match self.ready {
            ReadyBy::Connect => ReadySign::Connect,
            ReadyBy::Line => ReadySign::Line,
        };
        Ok(contestant)
    }
}

/// A foreign contestant of which only the command is given.
pub fn bare(name: &str, command: Vec<String>) -> Contestant {
    Contestant {
        label: name.to_string(),
        idea: "a foreign server".to_string(),
        family: "foreign".to_string(),
        command,
        files: Vec::new(),
        ready: ReadySign::Connect,
        concurrency: AtOnce::Many,
        has_workers: false,
        bounds_connections: false,
        transport: TransportKind::Plain,
        own: false,
        build: Build::UNKNOWN,
    }
}

/// Reads the servers of a file.
///
/// # Errors
/// When the file cannot be read, or is not what is described above; the error text gives line and column.
pub fn read(path: &Path) -> Result<Vec<Contestant>, ContestantError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ContestantError::Unreadable { path: path.to_path_buf(), error })?;
    all_installed(parse(&text, &path.display().to_string())?)
}

/// The contestants that these tables describe.
///
/// # Errors
/// When a command is empty, or its program is not installed.
pub fn installed(servers: &[ServerTable]) -> Result<Vec<Contestant>, ContestantError> {
    all_installed(servers.iter().map(ServerTable::contestant).collect::<Result<_, _>>()?)
}

fn all_installed(found: Vec<Contestant>) -> Result<Vec<Contestant>, ContestantError> {
    let missing =
        |contestant: &&Contestant| contestant.command.first().is_some_and(|program| find(program).is_none());
    match found.iter().find(missing) {
        None => Ok(found),
        Some(contestant) => Err(ContestantError::NoProgram {
            label: contestant.label.clone(),
            program: contestant.command[0].clone(),
        }),
    }
}

fn parse(text: &str, name: &str) -> Result<Vec<Contestant>, ContestantError> {
    let file: File =
        toml::from_str(text).map_err(|error| ContestantError::NoServers { name: name.to_string(), error })?;
    if let (None, Some(key)) = (&file.experiment, file.others.keys().next()) {
        return Err(ContestantError::UnknownKey { name: name.to_string(), key: key.clone() });
    }
    file.servers.iter().map(ServerTable::contestant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_lines_make_a_contestant() {
        let found =
            parse("[[server]]\nname = 'x'\ncommand = ['x', '{port}']\nconnections = 'one'\n", "f").unwrap();
        assert_eq!(found[0].label, "x");
        assert_eq!(found[0].concurrency, AtOnce::One);
        assert_eq!(found[0].ready, ReadySign::Connect);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_position() {
        let error = parse("[[server]]\nname = 'x'\ncomand = ['x']\n", "f").unwrap_err();
        assert!(matches!(error, ContestantError::NoServers { .. }));
        let words = error.to_string();
        assert!(words.contains("line 3") && words.contains("comand"), "{words}");
    }

    #[test]
    fn an_empty_command_is_refused() {
        assert!(parse("[[server]]\nname = 'x'\ncommand = []\n", "f").is_err());
    }
}

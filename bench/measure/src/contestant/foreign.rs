//! Servers that are not Dyno's: a few lines of TOML each.
//!
//! ```toml
//! [[server]]
//! name = "caddy"
//! command = ["caddy", "file-server", "--listen", "127.0.0.1:{port}", "--root", "/srv/www"]
//! idea = "a goroutine per connection"   # optional
//! connections = "many"                  # optional: one, workers or many
//! ready = "connect"                     # optional: connect (its port takes connections) or line
//! path = "/index.html"                  # optional: what it is asked for, instead of the experiment's service
//! expect = "same"                       # optional: same (as its first answer), status (any body), or text:...
//! cwd = "/srv"                          # optional: the directory in which it starts, and where its command begins
//! env = { GOMAXPROCS = "{cores}" }      # optional: added to its environment
//! ```
//!
//! In `command` and `env`, `{port}`, `{cores}` (how many it has) and `{dir}` (a directory for its files) are replaced.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::contestant::expected::BodyRule;
use crate::contestant::{AtOnce, Contestant, ReadySign, find_from};
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default)]
    expect: BodyRule,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cwd: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<String, String>,
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
    /// When the command is empty, the path begins with no slash, a variable has no name that a system takes, or the
    /// directory is not there.
    pub fn contestant(&self) -> Result<Contestant, ContestantError> {
        if self.command.is_empty() {
            return Err(ContestantError::NoCommand(self.name.clone()));
        }
        if let Some(path) = self.path.as_ref().filter(|path| !path.starts_with('/')) {
            return Err(ContestantError::NoPath { label: self.name.clone(), path: path.clone() });
        }
        let is_name = |name: &str| !name.is_empty() && !name.contains(['=', '\0']);
        if let Some(variable) = self.env.keys().find(|name| !is_name(name)) {
            return Err(ContestantError::NoVariable { label: self.name.clone(), variable: variable.clone() });
        }
        if let Some(directory) = self.cwd.as_ref().filter(|directory| !directory.is_dir()) {
            return Err(ContestantError::NoDirectory {
                label: self.name.clone(),
                directory: directory.clone(),
            });
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
        contestant.path.clone_from(&self.path);
        contestant.expect = self.expect.clone();
        contestant.directory.clone_from(&self.cwd);
        contestant.variables = self.env.clone().into_iter().collect();
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
        has_tower: false,
        transport: TransportKind::Plain,
        own: false,
        build: Build::UNKNOWN,
        path: None,
        expect: BodyRule::default(),
        directory: None,
        variables: Vec::new(),
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
    let missing = |contestant: &&Contestant| {
        let directory = contestant.directory.as_deref();
        contestant.command.first().is_some_and(|program| find_from(directory, program).is_none())
    };
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
        assert_eq!((&found[0].path, &found[0].expect), (&None, &BodyRule::Same));
    }

    #[test]
    fn a_server_tells_what_it_is_asked_for_what_it_answers_and_where_it_runs() {
        let text = "[[server]]\nname = 'x'\ncommand = ['./x']\npath = '/api?id=7'\nexpect = 'status'\n\
                    cwd = '/'\nenv = { PORT = '{port}', A = '' }\n";
        let found = &parse(text, "f").unwrap()[0];
        assert_eq!(found.path.as_deref(), Some("/api?id=7"));
        assert_eq!(found.expect, BodyRule::Status);
        assert_eq!(found.directory.as_deref(), Some(Path::new("/")));
        let variables = [("A", ""), ("PORT", "{port}")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(found.variables, variables);
        // What is recorded for --resume is what was read.
        let table: File = toml::from_str(text).unwrap();
        let again = toml::to_string(&table.servers[0]).unwrap();
        assert_eq!(toml::from_str::<ServerTable>(&again).unwrap(), table.servers[0], "{again}");
    }

    #[test]
    fn what_makes_no_sense_for_a_server_is_refused_by_its_name() {
        for (key, words) in [
            ("path = 'api'", "x: 'api' is no path"),
            ("cwd = '/no/such/directory'", "x: there is no directory /no/such/directory"),
            ("env = { 'A=B' = '1' }", "x: 'A=B' is no name of a variable"),
            ("env = { '' = '1' }", "x: '' is no name of a variable"),
            ("expect = 'nothing'", "'nothing' is no body to expect: same, status or text:..."),
            ("expect = ''", "is no body to expect"),
        ] {
            let error = parse(&format!("[[server]]\nname = 'x'\ncommand = ['x']\n{key}\n"), "f").unwrap_err();
            assert!(error.to_string().contains(words), "{key}: {error}");
        }
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

//! `dyno run FILE`: an experiment from a file.
//!
//! ```toml
//! experiment = "compare"          # compare, curve, scale or connections
//! names = ["epoll", "fork"]
//! connections = 64
//! blocks = 7
//! duration = "1s"
//!
//! [[server]]                      # any number of servers of your own, see `contestant::foreign`
//! name = "caddy"
//! command = ["caddy", "file-server", "--listen", "127.0.0.1:{port}", "--root", "/srv/www"]
//! ```

use std::path::PathBuf;

use clap::Parser;
use serde::Deserialize;

use super::{Dyno, Outcome};
use crate::exit::Failure;
use dyno_measure::contestant::foreign::Server;
use dyno_record::experiment::Experiment;

/// Run an experiment that a TOML file describes. Its keys are the names of the options; options given here override it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A file:\n  experiment = \"compare\"\n  names = [\"epoll\", \"fork\"]\n  blocks = 7\n  duration = \"1s\"\n\n\
                        Try it:\n  dyno run experiment.toml -- --dry-run"
)]
pub struct Arguments {
    /// The file
    file: PathBuf,
    /// Options of the experiment that override the file, behind `--`
    #[arg(last = true)]
    options: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    experiment: Experiment,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    peers: bool,
    #[serde(default)]
    quick: bool,
    #[serde(default)]
    thorough: bool,
    servers: Option<String>,
    #[serde(default, rename = "server")]
    inline: Vec<Server>,
    service: Option<String>,
    #[serde(alias = "transport")]
    transports: Option<String>,
    connections: Option<u32>,
    counts: Option<Vec<u32>>,
    blocks: Option<u32>,
    duration: Option<String>,
    warm_up: Option<String>,
    server_cores: Option<String>,
    generator_cores: Option<String>,
    threshold: Option<String>,
    rate: Option<String>,
    limit: Option<String>,
    seed: Option<u64>,
    output: Option<String>,
}

/// Runs the experiment.
///
/// # Errors
/// When the file cannot be read or does not describe one, with line and column.
pub fn run(arguments: &Arguments) -> Outcome {
    experiment(arguments)?.run()
}

/// The experiment that the file describes.
///
/// # Errors
/// When the file cannot be read or does not describe one, with line and column.
pub fn experiment(arguments: &Arguments) -> Result<Dyno, Failure> {
    let name = arguments.file.display().to_string();
    let text = std::fs::read_to_string(&arguments.file).map_err(|error| {
        Failure::usage(format!("cannot read {name}: {error}"), "`dyno run --help` shows such a file")
    })?;
    let mut line = command_line(&text, &name)?;
    line.extend(arguments.options.iter().cloned());
    // Help and wrong usage speak for themselves, and end the program as everywhere.
    Ok(Dyno::try_parse_from(line).unwrap_or_else(|usage| usage.exit()))
}

/// The command line that a file stands for.
fn command_line(text: &str, name: &str) -> Result<Vec<String>, Failure> {
    let file: File = toml::from_str(text).map_err(|error| {
        Failure::usage(
            format!("{name} describes no experiment\n{error}"),
            "the keys are the options of the experiment; see `dyno compare --help`",
        )
    })?;
    if !file.inline.is_empty() && file.servers.is_some() {
        return Err(Failure::usage(
            format!("{name} names a file of servers and describes servers itself"),
            "move all of them to one of the two",
        ));
    }
    let experiment = file.experiment;
    let mut line = vec!["dyno".to_string(), experiment.to_string()];
    line.extend(file.names);
    for (option, wanted) in [("--peers", file.peers), ("--quick", file.quick), ("--thorough", file.thorough)]
    {
        if wanted {
            line.push(option.to_string());
        }
    }
    // The file itself is a file of servers, for those who look for its `[[server]]` alone.
    let servers = if file.inline.is_empty() { file.servers } else { Some(name.to_string()) };
    let counts =
        file.counts.map(|counts| counts.iter().map(ToString::to_string).collect::<Vec<_>>().join(","));
    let options = [
        ("--servers", servers),
        ("--service", file.service),
        ("--transports", file.transports),
        ("--connections", file.connections.map(|count| count.to_string())),
        ("--counts", counts),
        ("--blocks", file.blocks.map(|blocks| blocks.to_string())),
        ("--duration", file.duration),
        ("--warm-up", file.warm_up),
        ("--server-cores", file.server_cores),
        ("--generator-cores", file.generator_cores),
        ("--threshold", file.threshold),
        ("--rate", file.rate),
        ("--limit", file.limit),
        ("--seed", file.seed.map(|seed| seed.to_string())),
        ("--output", file.output),
    ];
    for (option, value) in options {
        line.extend(value.into_iter().flat_map(|value| [option.to_string(), value]));
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_options() {
        let text = "experiment = 'compare'\nnames = ['epoll']\nblocks = 7\nwarm-up = '1s'\npeers = true\n";
        let line = command_line(text, "f").unwrap();
        assert_eq!(line, ["dyno", "compare", "epoll", "--peers", "--blocks", "7", "--warm-up", "1s"]);
        assert!(Dyno::try_parse_from(line).is_ok());
    }

    #[test]
    fn servers_of_the_file_take_part() {
        let text =
            "experiment = 'compare'\nnames = ['epoll']\n[[server]]\nname = 'x'\ncommand = ['x', '{port}']\n";
        let line = command_line(text, "f.toml").unwrap();
        assert_eq!(line, ["dyno", "compare", "epoll", "--servers", "f.toml"]);
        let failure = command_line(&text.replace("command", "comand"), "f").unwrap_err();
        assert!(failure.message.contains("line 5") && failure.message.contains("comand"), "{failure}");
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_position() {
        let failure = command_line("experiment = 'compare'\nblokcs = 7\n", "f").unwrap_err();
        assert!(
            failure.message.contains("line 2, column 1") && failure.message.contains("blokcs"),
            "{failure}"
        );
    }
}

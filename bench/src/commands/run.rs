//! `dyno run FILE`: an experiment from a file.
//!
//! ```toml
//! experiment = "compare"          # compare, curve, scale, connections, waiting or duel
//! names = ["epoll", "fork"]
//! connections = 64
//! blocks = 7
//! duration = "1s"
//!
//! [[server]]                      # any number of servers of your own, see `contestant::foreign`
//! name = "caddy"
//! command = ["caddy", "file-server", "--listen", "127.0.0.1:{port}", "--root", "/srv/www"]
//! ```

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Command, FromArgMatches};
use dyno_record::experiment::Experiment;
use serde::Deserialize;

use super::experiment::options::Options;
use super::experiment::spec::Spec;
use crate::exit::Failure;

/// Run an experiment that a TOML file describes. Its keys are the names of the options; options given here override it.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "A file:\n  experiment = \"compare\"\n  names = [\"epoll\", \"fork\"]\n  blocks = 7\n  duration = \"1s\"\n\n\
                        Try it:\n  dyno run experiment.toml --dry-run"
)]
pub(crate) struct Arguments {
    /// The file
    file: PathBuf,
    /// Options of the experiment, which override the file
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    options: Vec<String>,
}

impl Arguments {
    /// The arguments of `dyno run` from the words after it.
    ///
    /// # Errors
    /// clap's own, when the words are no such arguments.
    pub(super) fn of(words: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Self, clap::Error> {
        let command = Arguments::augment_args(Command::new("dyno run")).no_binary_name(true);
        let words = words.into_iter().map(Into::into);
        Arguments::from_arg_matches(&command.try_get_matches_from(words)?)
    }

    /// The settings of the file, and the options on top of it.
    ///
    /// # Errors
    /// When the file cannot be read or does not describe an experiment, with line and column.
    pub(super) fn options(&self) -> Result<Options, Failure> {
        let name = self.file.display().to_string();
        let text = std::fs::read_to_string(&self.file).map_err(|error| {
            Failure::usage(format!("cannot read {name}: {error}"), "`dyno run --help` shows such a file")
        })?;
        let spec = read(&text, &name)?;
        // Help and usage errors are printed by clap, and end the program as for every command.
        // Earlier versions wanted `--` before them.
        let words = self.options.iter().skip_while(|word| *word == "--");
        let options = Options::on_top_of(spec, words).unwrap_or_else(|usage| usage.exit());
        if options.resume.is_some() {
            return Err(Failure::usage(
                "an experiment goes on as it was asked for, whatever a file says now",
                format!("say `dyno {} --resume DIR`", options.spec.experiment.command()),
            ));
        }
        Ok(options)
    }
}

/// The settings that the file `name` with this text contains.
fn read(text: &str, name: &str) -> Result<Spec, Failure> {
    /// The only key without a default; parsing [`Spec`] would therefore not notice that it is missing.
    #[derive(Deserialize)]
    struct Named {
        #[serde(rename = "experiment")]
        _experiment: Experiment,
    }
    toml::from_str::<Named>(text).and_then(|_| toml::from_str(text)).map_err(|error| {
        Failure::usage(
            format!("{name} describes no experiment\n{error}"),
            "the keys are the options of the experiment; see `dyno compare --help`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_options() {
        let text = "experiment = 'curve'\nnames = ['epoll']\nblocks = 7\nwarm-up = '1s'\npeers = true\n";
        let spec = read(text, "f").unwrap();
        let words = ["epoll", "--peers", "--blocks", "7", "--warm-up", "1s"];
        assert_eq!(spec, Options::on_top_of(Spec::of(Experiment::Curve), words).unwrap().spec);
    }

    #[test]
    fn servers_of_the_file_take_part() {
        let text =
            "experiment = 'compare'\nnames = ['epoll']\n[[server]]\nname = 'x'\ncommand = ['x', '{port}']\n";
        assert_eq!(read(text, "f.toml").unwrap().own_servers.len(), 1);
        let failure = read(&text.replace("command", "comand"), "f").unwrap_err();
        assert!(failure.message.contains("line 5") && failure.message.contains("comand"), "{failure}");
        let both = text.replace("names", "servers = 'other.toml'\nnames");
        assert!(read(&both, "f").unwrap().check().is_err());
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_position() {
        let failure = read("experiment = 'compare'\nblokcs = 7\n", "f").unwrap_err();
        assert!(
            failure.message.contains("line 2, column 1") && failure.message.contains("blokcs"),
            "{failure}"
        );
    }

    #[test]
    fn a_value_that_makes_no_sense_is_refused_with_its_position() {
        for (line, said) in [("blocks = 0", "between 1 and 1000"), ("duration = '1x'", "unit of time")] {
            let failure = read(&format!("experiment = 'compare'\n{line}\n"), "f").unwrap_err();
            assert!(failure.message.contains("line 2") && failure.message.contains(said), "{failure}");
        }
        let failure = read("blocks = 7\n", "f").unwrap_err();
        assert!(failure.message.contains("experiment"), "a file that names no experiment: {failure}");
    }
}

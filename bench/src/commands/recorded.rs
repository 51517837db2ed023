//! The options of an experiment, read from the header of its records.
//!
//! Headers carry a `spec` with the options. Older ones have only the command line, which is parsed again: with the
//! options of today, and for `dyno run FILE` with the file of today.

use std::path::Path;

use dyno_record::experiment::Experiment;
use dyno_record::header::Header;
use serde_json::Value;

use super::experiment::options::Options;
use super::experiment::spec::Spec;
use super::run;
use crate::exit::Failure;

/// The options of the experiment with this header.
///
/// # Errors
/// Usage (2) when the records do not contain them, or contain options that no longer exist.
pub(crate) fn spec(header: &Header, directory: &Path) -> Result<Spec, Failure> {
    let unknown =
        |why: String| Failure::usage(format!("{} {why}", directory.display()), "begin a new experiment");
    let Some(spec) = &header.spec else {
        return match of_command(header.experiment, &header.command) {
            Ok(Options { resume: None, spec, .. }) => Ok(spec),
            Ok(_) => Err(unknown(
                "was continued by a version of dyno that did not record what was asked for".into(),
            )),
            Err(Unread::Words(error)) => {
                Err(unknown(format!("began with a command line that is none any more: {error}")))
            }
            Err(Unread::File(failure)) => Err(failure),
        };
    };
    serde_json::from_value(Value::Object(spec.clone()))
        .map_err(|error| unknown(format!("began with options that are none any more: {error}")))
}

/// Why a recorded command line cannot be used.
#[derive(Debug)]
enum Unread {
    /// It has words that are no longer options.
    Words(clap::Error),
    /// It names a file that is no experiment any more.
    File(Failure),
}

/// The options of a recorded command line: `dyno compare epoll --blocks 7`, or `dyno run FILE -- OPTIONS`.
fn of_command(experiment: Experiment, command: &[String]) -> Result<Options, Unread> {
    let words = command.iter().skip(2);
    if command.get(1).is_some_and(|word| word == "run") {
        return run::Arguments::of(words).map_err(Unread::Words)?.options().map_err(Unread::File);
    }
    Options::on_top_of(Spec::of(experiment), words).map_err(Unread::Words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_of_old_records_is_read_again() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let line = words("./dyno curve epoll fork -q --blocks 7 --limit 5ms -o there");
        let spec = of_command(Experiment::Curve, &line).unwrap().spec;
        assert_eq!(spec.names, ["epoll", "fork"]);
        assert_eq!((spec.experiment, spec.limit().p99_ns), (Experiment::Curve, 5_000_000));
        assert!(of_command(Experiment::Curve, &words("dyno curve --no-such-option")).is_err());
    }
}

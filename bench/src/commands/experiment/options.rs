//! The command line of an experiment: its settings, and the options of this start.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use super::reads::shown_in;
use super::spec::Spec;

/// The options of every command that runs an experiment.
#[derive(Debug, Clone, Args)]
#[command(mut_args(only_of_a_new_one))]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) spec: Spec,
    /// Continue the experiment in DIR (the newest one when no DIR is given) as it was asked for: cells that are done
    /// are not measured again, void ones are
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub(crate) resume: Option<Option<PathBuf>>,
    /// Continue even though another build of dyno began the experiment
    #[arg(long, requires = "resume")]
    pub(crate) other_program: bool,
    /// Print the plan and how long it takes, and measure nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// No progress on stderr
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl Options {
    /// Parses a command line on top of `spec`: the options that it names replace those of `spec`, and all others
    /// stay.
    ///
    /// # Errors
    /// clap's own, when the words are no command line of the experiment, or when they ask for its help.
    pub(crate) fn on_top_of(
        spec: Spec,
        words: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Self, clap::Error> {
        let command =
            Command::new(spec.experiment.command()).bin_name(format!("dyno {}", spec.experiment.command()));
        let command = Options::augment_args(command).mut_args(shown_in(spec.experiment));
        let words = words.into_iter().map(Into::into);
        let mut options = Options { spec, resume: None, other_program: false, dry_run: false, quiet: false };
        let mut matches = command.no_binary_name(true).try_get_matches_from(words)?;
        keep_given(&mut matches);
        options.update_from_arg_matches_mut(&mut matches)?;
        Ok(options)
    }
}

/// Options that describe the experiment make no sense beside `--resume`, because a continued experiment keeps those
/// with which it began.
fn only_of_a_new_one(option: Arg) -> Arg {
    let of_this_start =
        ["resume", "other_program", "dry_run", "quiet"].into_iter().any(|name| option.get_id() == name);
    if of_this_start { option } else { option.conflicts_with("resume") }
}

/// Removes default values, so that only options remain that the user typed.
fn keep_given(matches: &mut ArgMatches) {
    let names: Vec<String> = matches.ids().map(ToString::to_string).collect();
    for name in names {
        if matches.value_source(&name) == Some(ValueSource::DefaultValue) {
            // All names come from these matches, so none is unknown.
            let _ = matches.try_clear_id(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use dyno_record::experiment::Experiment;

    use super::*;

    fn file() -> Spec {
        let text = "experiment = 'compare'\nnames = ['epoll']\nblocks = 7\nquick = true\nthreshold = '10%'\n";
        toml::from_str(text).unwrap()
    }

    #[test]
    fn options_replace_what_they_name_and_leave_the_rest() {
        let options = Options::on_top_of(file(), ["fork", "--blocks", "3", "--dry-run"]).unwrap();
        let wanted = Spec { names: vec!["fork".into()], blocks: Some("3".parse().unwrap()), ..file() };
        assert_eq!(options.spec, wanted);
        assert!(options.dry_run && !options.quiet);
        assert_eq!(Options::on_top_of(file(), [""; 0]).unwrap().spec, file());
    }

    #[test]
    fn nothing_but_the_place_is_said_of_an_experiment_that_goes_on() {
        let refused = |words: &[&str]| {
            let spec = Spec::of(Experiment::Curve);
            Options::on_top_of(spec, words).unwrap_err().to_string()
        };
        assert!(refused(&["--resume", "--limit", "5ms"]).contains("cannot be used with"));
        assert!(refused(&["epoll", "--resume", "x"]).contains("cannot be used with"));
        let options = Options::on_top_of(Spec::of(Experiment::Curve), ["--resume", "--quiet"]).unwrap();
        assert!(options.resume == Some(None) && options.quiet);
    }
}

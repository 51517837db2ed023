//! One file for each command: its arguments, and what it does with them.

use clap::{Arg, CommandFactory, FromArgMatches};
use dyno_record::experiment::Experiment;

use self::experiment::conduct::Count;
use crate::exit::{Exit, Failure};

/// The result of a command: how it ended, or why it could not.
pub(crate) type CommandResult = Result<Exit, Failure>;

pub(crate) mod begin;
pub(crate) mod browse;
pub(crate) mod calibrate;
pub(crate) mod choose;
pub(crate) mod ci;
pub(crate) mod cluster;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod connections;
pub(crate) mod control;
pub(crate) mod count;
pub(crate) mod curve;
pub(crate) mod deadlines;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod duel;
pub(crate) mod experiment;
pub(crate) mod explain;
pub(crate) mod guest;
pub(crate) mod isolation;
pub(crate) mod keys;
pub(crate) mod learn;
pub(crate) mod list;
pub(crate) mod load;
pub(crate) mod man;
pub(crate) mod merge;
pub(crate) mod overload;
pub(crate) mod overview;
pub(crate) mod probe;
pub(crate) mod recorded;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod scale;
pub(crate) mod serve;
pub(crate) mod superserver;
pub(crate) mod textbook;
pub(crate) mod trace;
pub(crate) mod turns;
pub(crate) mod waiting;
pub(crate) mod watch;
pub(crate) mod workloads;

/// A dynamometer for servers: every architecture on one test bench.
#[derive(Debug, clap::Parser)]
#[command(name = "dyno", version, propagate_version = true, max_term_width = 80)]
pub(crate) struct Dyno {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Compare(Box<compare::Arguments>),
    Curve(Box<curve::Arguments>),
    Scale(Box<scale::Arguments>),
    Connections(Box<connections::Arguments>),
    Waiting(Box<waiting::Arguments>),
    Count(count::Arguments),
    Isolation(Box<isolation::Arguments>),
    Overload(Box<overload::Arguments>),
    Duel(Box<duel::Arguments>),
    Run(run::Arguments),
    Choose(choose::Arguments),
    Explain(explain::Arguments),
    Trace(trace::Arguments),
    Report(report::Arguments),
    Diff(diff::Arguments),
    Serve(Box<serve::Arguments>),
    Superserver(superserver::Arguments),
    Cluster(cluster::Arguments),
    Control(control::Arguments),
    Learn(learn::Arguments),
    Textbook(textbook::Arguments),
    Watch(Box<watch::Arguments>),
    List(list::Arguments),
    Load(Box<load::Arguments>),
    Merge(merge::Arguments),
    Probe(Box<probe::Arguments>),
    Browse(Box<browse::Arguments>),
    Keys(keys::Arguments),
    Demo(demo::Arguments),
    Doctor(doctor::Arguments),
    Calibrate(calibrate::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    #[command(hide = true)]
    Guest(guest::Arguments),
    #[command(hide = true)]
    Turns(turns::Arguments),
}

impl Dyno {
    /// Reads the command line of this process.
    ///
    /// # Errors
    /// clap's own, when the command line makes no sense, or when it asks for help or the version.
    pub(crate) fn read() -> Result<Self, clap::Error> {
        let command =
            overview::grouped(Dyno::command()).mut_subcommands(|one| one.mut_args(negative_as_value));
        let matches = command.try_get_matches()?;
        Dyno::from_arg_matches(&matches)
    }

    /// Runs the command.
    ///
    /// # Errors
    /// A [`Failure`] with its exit code, written for the user.
    pub(crate) fn run(self) -> CommandResult {
        match self.command {
            Command::Demo(arguments) => demo::run(&arguments),
            Command::Keys(arguments) => keys::run(&arguments),
            Command::Compare(arguments) => match arguments.ci {
                Some(old) => ci::run(&old, arguments.options),
                None => {
                    let count = arguments.count.then_some(count::beside as Count);
                    begin::run_and(Experiment::Compare, arguments.options, count)
                }
            },
            Command::Curve(arguments) => begin::run(Experiment::Curve, arguments.options),
            Command::Scale(arguments) => begin::run(Experiment::Scale, arguments.options),
            Command::Connections(arguments) => begin::run(Experiment::Connections, arguments.options),
            Command::Isolation(arguments) => begin::run(Experiment::Isolation, arguments.options),
            Command::Overload(arguments) => begin::run(Experiment::Overload, arguments.options),
            Command::Duel(arguments) => begin::run(Experiment::Duel, arguments.options),
            Command::Waiting(arguments) => begin::run(Experiment::Waiting, arguments.options),
            Command::Report(arguments) => report::run(&arguments),
            Command::Diff(arguments) => diff::run(&arguments),
            Command::Choose(arguments) => choose::run(&arguments),
            Command::Explain(arguments) => explain::run(&arguments),
            Command::Trace(arguments) => trace::run(&arguments),
            Command::Run(arguments) => {
                let options = arguments.options()?;
                begin::run(options.spec.experiment, options)
            }
            Command::Doctor(arguments) => doctor::run(&arguments),
            Command::Completions(arguments) => completions::run(&arguments),
            Command::Man(arguments) => man::run(&arguments),
            Command::Browse(arguments) => browse::run(&arguments),
            Command::Calibrate(arguments) => calibrate::run(&arguments),
            Command::Learn(arguments) => learn::run(&arguments),
            Command::Textbook(arguments) => textbook::run(&arguments),
            Command::Watch(arguments) => watch::run(&arguments),
            Command::List(arguments) => list::run(&arguments),
            Command::Load(arguments) => load::run(&arguments),
            Command::Merge(arguments) => merge::run(&arguments),
            Command::Probe(arguments) => probe::run(&arguments),
            Command::Serve(arguments) => serve::run(&arguments),
            Command::Superserver(arguments) => superserver::run(&arguments),
            Command::Cluster(arguments) => cluster::run(&arguments),
            Command::Control(arguments) => control::run(&arguments),
            Command::Count(arguments) => count::run(&arguments),
            Command::Guest(arguments) => guest::run(&arguments),
            Command::Turns(arguments) => turns::run(&arguments),
        }
    }
}

/// An option that takes `-1` as its value, so that the refusal names the option.
fn negative_as_value(option: Arg) -> Arg {
    let takes_value = !option.is_positional() && option.get_action().takes_values();
    option.allow_negative_numbers(takes_value)
}

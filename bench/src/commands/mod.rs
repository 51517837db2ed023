//! One file a command: its arguments, and what it does with them.

use dyno_record::experiment::Experiment;

use crate::exit::{Exit, Failure};

/// What a command gives back: how it ended, or why it could not.
pub type Outcome = Result<Exit, Failure>;

pub mod begin;
pub mod browse;
pub mod calibrate;
pub mod compare;
pub mod completions;
pub mod connections;
pub mod curve;
pub mod deadlines;
pub mod demo;
pub mod diff;
pub mod doctor;
pub mod experiment;
pub mod explain;
pub mod keys;
pub mod list;
pub mod load;
pub mod man;
pub mod probe;
pub mod recorded;
pub mod remedy;
pub mod report;
pub mod run;
pub mod scale;
pub mod serve;
pub mod transport;

/// A dynamometer for servers: every architecture on one test bench.
#[derive(Debug, clap::Parser)]
#[command(name = "dyno", version, propagate_version = true, max_term_width = 100)]
pub struct Dyno {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Keys(keys::Arguments),
    Compare(Box<compare::Arguments>),
    Curve(Box<curve::Arguments>),
    Scale(Box<scale::Arguments>),
    Connections(Box<connections::Arguments>),
    List(list::Arguments),
    Load(Box<load::Arguments>),
    Report(report::Arguments),
    Diff(diff::Arguments),
    Explain(explain::Arguments),
    Run(run::Arguments),
    Doctor(doctor::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
    Browse(Box<browse::Arguments>),
    Calibrate(calibrate::Arguments),
    Probe(Box<probe::Arguments>),
    Serve(Box<serve::Arguments>),
}

impl Dyno {
    /// Runs the command that was asked for.
    ///
    /// # Errors
    /// A [`Failure`] with its exit code, for the user to read.
    pub fn run(self) -> Outcome {
        match self.command {
            Command::Demo(arguments) => demo::run(&arguments),
            Command::Keys(arguments) => keys::run(&arguments),
            Command::Compare(arguments) => begin::run(Experiment::Compare, arguments.options),
            Command::Curve(arguments) => begin::run(Experiment::Curve, arguments.options),
            Command::Scale(arguments) => begin::run(Experiment::Scale, arguments.options),
            Command::Connections(arguments) => begin::run(Experiment::Connections, arguments.options),
            Command::Report(arguments) => report::run(&arguments),
            Command::Diff(arguments) => diff::run(&arguments),
            Command::Explain(arguments) => explain::run(&arguments),
            Command::Run(arguments) => {
                let options = arguments.options()?;
                begin::run(options.spec.experiment, options)
            }
            Command::Doctor(arguments) => doctor::run(&arguments),
            Command::Completions(arguments) => completions::run(&arguments),
            Command::Man(arguments) => man::run(&arguments),
            Command::Browse(arguments) => browse::run(&arguments),
            Command::Calibrate(arguments) => calibrate::run(&arguments),
            Command::List(arguments) => list::run(&arguments),
            Command::Load(arguments) => load::run(&arguments),
            Command::Probe(arguments) => probe::run(&arguments),
            Command::Serve(arguments) => serve::run(&arguments),
        }
    }
}

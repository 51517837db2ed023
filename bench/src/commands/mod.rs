//! One file a command: its arguments, and what it does with them.

use crate::exit::{Exit, Failure};

/// What a command gives back: how it ended, or why it could not.
pub type Outcome = Result<Exit, Failure>;

pub mod demo;
pub mod keys;
pub mod compare;
pub mod list;
pub mod load;
pub mod report;
pub mod serve;
pub mod transport;
pub mod shared;

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
    List(list::Arguments),
    Load(Box<load::Arguments>),
    Report(report::Arguments),
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
            Command::Compare(arguments) => compare::run(&arguments),
            Command::Report(arguments) => report::run(&arguments),
            Command::List(arguments) => list::run(&arguments),
            Command::Load(arguments) => load::run(&arguments),
            Command::Serve(arguments) => serve::run(&arguments),
        }
    }
}

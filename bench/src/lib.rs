//! The program `dyno`: its command line, experiments, measurement, audit, statistics and report.

use clap::Parser;

pub mod audit;
pub mod calibrate;
pub mod commands;
pub mod contestant;
pub mod demos;
pub mod difference;
pub mod doctor;
pub mod environment;
pub mod exit;
pub mod experiment;
pub mod explanation;
pub mod figures;
pub mod floor;
pub mod limits;
pub mod load;
pub mod plan;
pub mod probe;
pub mod progress;
pub mod record;
pub mod relay;
pub mod report;
pub mod results;
pub mod rig;
pub mod runner;
pub mod secrets;
pub mod session;
pub mod show;
pub mod statistics;
pub mod suggest;
pub mod unit_costs;

/// Parses the command line, runs the command, tells a failure on stderr.
///
/// # Returns
/// The exit code, as documented in [`exit`].
pub fn main() -> std::process::ExitCode {
    let result = match commands::Dyno::try_parse() {
        Ok(dyno) => dyno.run(),
        Err(usage) => {
            let _ = usage.print();
            return if usage.use_stderr() { exit::Exit::Usage } else { exit::Exit::Success }.into();
        }
    };
    match result {
        Ok(exit) => exit.into(),
        Err(failure) => {
            eprintln!("{failure}");
            failure.exit.into()
        }
    }
}

//! `--resume`: the experiment goes on as it was asked for, so nobody has to say it again.

use std::path::Path;

use clap::Parser;

use super::shared::Shared;
use super::{Command, Dyno, run};
use crate::exit::Failure;
use crate::results;
use dyno_record::experiment::Experiment;
use dyno_record::store;

impl Dyno {
    /// The experiment that is to be continued, with the options that it began with; any other command stays what it is.
    ///
    /// # Errors
    /// When there is no such experiment, or its command line is none any more.
    pub fn resumed(mut self) -> Result<Self, Failure> {
        let Some((name, shared)) = experiment(&mut self.command) else { return Ok(self) };
        let Some(place) = shared.resume.take() else { return Ok(self) };
        let (quiet, dry_run) = (shared.quiet, shared.dry_run);
        let directory = place.map_or_else(|| results::latest(Some(name)), Ok)?;
        let before = store::read(&directory)?;
        let header = &before.header;
        if header.experiment != name {
            return Err(Failure::usage(
                format!("{} holds the experiment {}", directory.display(), header.experiment),
                format!("say `dyno {} --resume {}`", header.experiment, directory.display()),
            ));
        }
        let mut dyno = began(&header.command, &directory)?;
        if let Some((_, shared)) = experiment(&mut dyno.command) {
            shared.resume = Some(Some(directory));
            shared.before = Some(before);
            shared.output = None;
            shared.quiet |= quiet;
            shared.dry_run |= dry_run;
        }
        Ok(dyno)
    }
}

/// What a recorded command line asked for.
fn began(line: &[String], directory: &Path) -> Result<Dyno, Failure> {
    let dyno = Dyno::try_parse_from(line).map_err(|error| {
        Failure::usage(
            format!("{} began with a command line that is none any more: {error}", directory.display()),
            "begin a new experiment",
        )
    })?;
    match &dyno.command {
        Command::Run(arguments) => run::experiment(arguments),
        _ => Ok(dyno),
    }
}

/// The options that all experiments share, and the name of this one.
fn experiment(command: &mut Command) -> Option<(Experiment, &mut Shared)> {
    match command {
        Command::Compare(arguments) => Some((Experiment::Compare, &mut arguments.shared)),
        Command::Curve(arguments) => Some((Experiment::Curve, &mut arguments.shared)),
        Command::Scale(arguments) => Some((Experiment::Scale, &mut arguments.shared)),
        Command::Connections(arguments) => Some((Experiment::Connections, &mut arguments.shared)),
        _ => None,
    }
}

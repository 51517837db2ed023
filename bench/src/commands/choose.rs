//! `dyno choose`: the architectures for one's own numbers, from a result of workloads.

use std::path::{Path, PathBuf};

use dyno_analysis::levelling::Levelled;
use dyno_analysis::workloads::choice::{Wish, needed, offers};
use dyno_analysis::workloads::matrix;
use dyno_measure::contestant::own::most_cores;
use dyno_record::experiment::Experiment;
use dyno_record::store;

use super::CommandResult;
use crate::choice;
use crate::exit::{Exit, Failure};
use crate::numbers;
use crate::print::out;
use crate::results;

/// Choose an architecture for numbers of your own: who carries the load for least CPU, how many cores the rate needs,
/// who jams or fails, and what of that was measured.
///
/// Reads a result of `dyno compare` with workloads, and measures nothing.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Try it:\n  dyno compare                 # measures the workloads, about ten minutes\n  \
                        dyno choose --rate 30k --connections 5000 --wait 20ms --compute 50us --limit 20ms\n\n\
                        Exit codes: 0 there is a choice, 1 the result cannot be read, 2 wrong usage or a result that lacks a workload, 5 no architecture is a choice."
)]
pub(crate) struct Arguments {
    /// Directory of the result [default: the newest with workloads]
    directory: Option<PathBuf>,
    /// Requests a second
    #[arg(long, short, value_name = "RATE", value_parser = numbers::rate_per_s)]
    rate: f64,
    /// Connections at once
    #[arg(long, short, value_name = "N", default_value = "64", value_parser = numbers::connections)]
    connections: u32,
    /// How long each request waits for a back end, such as 20ms
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = numbers::pause_ns)]
    wait: u64,
    /// CPU work of each request, such as 50us
    #[arg(long, value_name = "TIME", default_value = "0", value_parser = numbers::pause_ns)]
    compute: u64,
    /// The 99th percentile that may be added to wait and work
    #[arg(long, value_name = "TIME", default_value = "10ms", value_parser = numbers::limit_ns)]
    limit: u64,
}

/// Prints the choice.
///
/// # Errors
/// Usage (2) when there is no such result, or it lacks a workload that is needed; failed (1) when it cannot be read.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let wish = Wish {
        connections: arguments.connections,
        wait_ns: arguments.wait,
        compute_ns: arguments.compute,
        rate_per_s: arguments.rate,
        limit_ns: arguments.limit,
    };
    if wish.rate_per_s <= 0.0 {
        return Err(Failure::usage(
            "a rate of none needs no server",
            "say how many requests a second: --rate 30k",
        ));
    }
    let measure = format!("measure it with `dyno compare --services {}`", needed(&wish).join(","));
    let directory = match &arguments.directory {
        Some(directory) => directory.clone(),
        None => results::latest_of(Experiment::Workloads).ok_or_else(|| {
            Failure::usage(
                format!("there are no results with workloads in {}", results::ROOT),
                measure.clone(),
            )
        })?,
    };
    let records = Levelled::of(store::read(&directory)?);
    if records.header.experiment != Experiment::Workloads {
        return Err(Failure::usage(
            format!(
                "{} holds the experiment {}, and no workloads",
                directory.display(),
                records.header.experiment
            ),
            measure,
        ));
    }
    let matrix = matrix(&records);
    let Some(offers) = offers(&matrix, &wish, most_cores) else {
        return Err(Failure::usage(lacks(&directory, &wish, &matrix), measure));
    };
    out!("{}", choice::show(&matrix, &wish, &offers, &records.header, &directory));
    let is_any = offers.first().is_some_and(|offer| offer.obstacle.is_none());
    Ok(if is_any { Exit::Success } else { Exit::Invalid })
}

/// Which workloads a result lacks.
fn lacks(directory: &Path, wish: &Wish, matrix: &dyno_analysis::workloads::Matrix) -> String {
    let known = |name: &&str| matrix.rows.iter().any(|row| row.workload.name == *name);
    let lacking: Vec<&str> = needed(wish).into_iter().filter(|name| !known(name)).collect();
    format!("{} holds no figures of {}", directory.display(), lacking.join(" and "))
}

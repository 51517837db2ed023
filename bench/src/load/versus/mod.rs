//! Several servers against each other: blocks in which each is loaded once, so that what the machine does meanwhile
//! meets all of them alike, and ratios within the blocks.

mod blocks;
mod findings;
mod show;

use std::path::Path;

use dyno_units::paint::Paint;

use crate::exit::{Exit, Failure};
use crate::limits::{LOAD_DURATION_NS, VERSUS_SIDES, VERSUS_THRESHOLD};
use crate::load::carry::Watching;
use crate::load::options::{How, TargetOptions};
use crate::load::progress;
use crate::load::view::Wanted;
use crate::load::write::{Format, put_or_show};
use crate::print::PAINT;

/// What is compared, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Versus<'a> {
    /// The first server, and how it is asked.
    pub(crate) target: &'a TargetOptions,
    /// The URLs of the others.
    pub(crate) others: &'a [String],
    /// The load of each block.
    pub(crate) how: &'a How,
    /// Blocks.
    pub(crate) blocks: u32,
    /// Share of failed requests that makes a block void.
    pub(crate) errors_max: f64,
}

/// Runs the blocks and writes what they say.
///
/// # Errors
/// Options that are of one run alone, a server that is not there, a result that cannot be written.
pub(crate) fn run(versus: Versus, quiet: bool, format: Format, output: &Path) -> Result<Exit, Failure> {
    let Versus { target, others, how, blocks, errors_max } = versus;
    refuse(how, others)?;
    let (block_ns, warm_up_ns) = blocks::lengths(how, how.duration.unwrap_or(LOAD_DURATION_NS), blocks);
    let how = &How { duration: Some(block_ns), warmup: warm_up_ns, ..how.clone() };
    let mut sides = blocks::sides(target, others, how, errors_max)?;
    blocks::place(&mut sides, how);
    progress::stop_on_signals()?;
    let watching = Watching {
        view: if quiet { Wanted::Nothing } else { Wanted::Lines },
        announce_start: false,
        hold: false,
        abort_on: &[],
    };
    let whole = blocks::run(&mut sides, blocks, how.seed, watching)?;
    let (first, rest) = sides.split_at(1);
    let ratios: Vec<_> =
        rest.iter().map(|other| findings::ratios(&first[0], other, VERSUS_THRESHOLD, how.seed)).collect();
    let paint = if output == Path::new("-") { PAINT } else { Paint(false) };
    let found = show::RivalTables { sides: &sides, ratios: &ratios, whole };
    put_or_show(&found.written(format, paint)?, output)?;
    let decided = ratios.iter().all(|all| all.iter().any(findings::RivalRatio::is_decided));
    Ok(match (whole, decided) {
        (false, _) => Exit::Interrupted,
        (true, false) => Exit::Invalid,
        (true, true) => Exit::Success,
    })
}

fn refuse(how: &How, others: &[String]) -> Result<(), Failure> {
    if others.len() >= VERSUS_SIDES {
        return Err(Failure::usage(format!("at most {VERSUS_SIDES} servers are compared at a time"), ""));
    }
    let shaped = how.rate.as_deref().is_some_and(|rate| rate.contains([',']) || rate.contains(".."));
    if shaped
        || how.arrivals.as_deref().is_some_and(|process| process.starts_with("trace:"))
        || how.requests.is_some()
    {
        let remedy = "leave --requests, ramps, steps and traces out, or load each by itself";
        return Err(Failure::usage("servers are compared at one rate, for a time", remedy));
    }
    Ok(())
}

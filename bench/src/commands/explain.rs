//! `dyno explain A B`: why does A cost more than B?

mod latency;
mod told;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use super::CommandResult;
use super::experiment::values::{BlockCount, CellTime};
use crate::exit::{Exit, Failure};
use crate::limits::{EXPLAIN_CONNECTIONS, EXPLAIN_WARM_UP_MS, UNIT_COST_ATTEMPTS};
use crate::print::{errln, out};
use crate::progress::Reporter;
use crate::remedy::stopped;
use crate::results;
use crate::scratch::Scratch;
use dyno_analysis::explanation::blocks::{self, Block, Explained, Seen};
use dyno_analysis::explanation::{Side, units};
use dyno_analysis::unit::Unit;
use dyno_measure::campaign::Campaign;
use dyno_measure::contestant::{self, Contestant, named};
use dyno_measure::environment;
use dyno_measure::experiment::explain::{self as experiment, Probes};
use dyno_measure::place::Placement;
use dyno_measure::probe::pace;
use dyno_measure::rig::system::System;
use dyno_measure::setup::Setup;
use dyno_measure::unit_costs::cost_apart;
use dyno_record::experiment::Experiment;
use dyno_record::store;

/// Say in words and figures why a request costs more with A than with B: counts per request times what one costs on
/// this machine, and the rest that this does not explain.
///
/// Both are measured now, with the unit costs in between. Figures of an earlier comparison are taken with --results;
/// the machine may have been faster or slower then, and the rest is larger for it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Try it:\n  dyno explain fork epoll\n  dyno explain epoll nginx\n  \
                        dyno compare fork epoll --quick && dyno explain fork epoll --results\n\n\
                        Exit codes: 0 the difference is explained under one kind of load at least, 1 the run\nfailed, 2 wrong usage, 5 under none: more than 15 % of it is left, or it may be noise.")]
pub(crate) struct Arguments {
    /// The one: a name from `dyno list`, a server of others such as nginx, or `../old/dyno:epoll` of another build
    one: String,
    /// The other
    other: String,
    /// Blocks: each measures both, and every unit cost, once
    #[arg(long, value_name = "N", default_value = "24")]
    blocks: BlockCount,
    /// Time measured in each cell
    #[arg(long, value_name = "TIME", default_value = "200ms")]
    duration: CellTime,
    /// Explain a comparison in which both took part, and measure unit costs alone [the newest when no DIR is given]
    #[arg(long, value_name = "DIR", num_args = 0..=1, conflicts_with_all = ["blocks", "duration"])]
    results: Option<Option<PathBuf>>,
    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

/// Prints the explanation.
///
/// # Errors
/// When a name is unknown, or no cell of both counts.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let given = [arguments.one.as_str(), arguments.other.as_str()];
    let contestants = match arguments.results {
        None => Some(both(given)?),
        Some(_) => None,
    };
    // An architecture of another build has a label of its own.
    let cores = Placement::here().halves();
    let traced = contestants.clone().into_iter().flatten().collect::<Vec<_>>();
    let labels = contestants.as_ref().map(|both| both.each_ref().map(|one| one.label.clone()));
    let names = labels.as_ref().map_or(given, |labels| labels.each_ref().map(String::as_str));
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    let mut blocks = match &arguments.results {
        None => measured(arguments, contestants.into_iter().flatten().collect(), seed)?,
        Some(directory) => {
            // Of several workloads there is no one pair of costs to explain.
            let newest = || match results::latest_of(Experiment::Compare) {
                Some(newest) => Ok(newest),
                None => results::latest(Some(Experiment::Compare)),
            };
            let directory = directory.clone().map_or_else(newest, Ok)?;
            vec![compared(&directory, names)?]
        }
    };
    let (left_out, measured) = blocks::keep_usual(&mut blocks);
    let sides = names.map(|name| Side { name, build: contestant::build_of(name) });
    let found = blocks::findings(&blocks, sides, seed);
    if found.is_empty() {
        return Err(Failure::failed(
            "no cell of both counts",
            "measure again on a quieter machine, or longer",
        ));
    }
    let all: Vec<&Block> = blocks.iter().collect();
    let prices = units(names.map(contestant::build_of)).into_iter();
    let prices: Vec<_> = prices.map(|unit| (unit, blocks::cost(&all, unit).map(|cost| cost.ns))).collect();
    out!("{}", told::prices(&prices, [left_out, measured]));
    found.iter().for_each(|finding| out!("\n{}", told::finding(names, finding)));
    match latency::latency(&traced, &cores) {
        Ok(told) => told.into_iter().for_each(|words| out!("\n{words}\n")),
        Err(failure) => errln!("no trace of the two: {}", failure.message),
    }
    Ok(if found.iter().any(Explained::is_explained) { Exit::Success } else { Exit::Invalid })
}

/// Both contestants, by their names.
fn both(names: [&str; 2]) -> Result<[Contestant; 2], Failure> {
    if names[0] == names[1] {
        return Err(Failure::usage(
            format!("{} costs what it costs", names[0]),
            "name two, or say `dyno compare A A` to see that nothing differs",
        ));
    }
    Ok([named::named(names[0])?, named::named(names[1])?])
}

/// Measures both, and unit costs in between.
fn measured(arguments: &Arguments, contestants: Vec<Contestant>, seed: u64) -> Result<Vec<Block>, Failure> {
    let builds = [0, 1].map(|which: usize| contestant::build_of(&contestants[which].label));
    // Well-known servers have files.
    let scratch = Scratch::make("explain")?;
    let setup = Setup {
        contestants,
        service: "/".into(),
        cores: Placement::here().halves(),
        placement: None,
        connections: EXPLAIN_CONNECTIONS,
        blocks: arguments.blocks.get(),
        warm_up_ms: EXPLAIN_WARM_UP_MS,
        warm_up_fixed: true,
        warm_ups_ms: BTreeMap::new(),
        duration_ms: arguments.duration.get(),
        seed,
    };
    let environment = environment::read();
    let mut progress = Reporter::new(arguments.quiet);
    if !environment.optimized {
        progress.warn_of_slow_program();
    }
    let here = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    let rig = System::new(&setup.contestants, &setup.cores, scratch.path(), seed)?;
    let beside = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    let mut campaign = Campaign::new(rig, None, Vec::new(), &environment.machine_id, &mut progress);
    // Unit costs use the server's core, which this program keeps off while cells are measured.
    let core = setup.cores.server.first().copied().unwrap_or_default();
    let mut price = |unit: Unit| on(&here, &beside, || cost_apart(unit).ok());
    let mut probes = Probes { price: &mut price, pace_ns: &mut || pace::call_ns_on(core) };
    let ended = experiment::run(&mut campaign, &setup, &units(builds), &mut probes);
    drop(campaign);
    progress.finish();
    ended.map_err(|stop| stopped(stop, "explain again"))
}

/// Does something on other cores, and comes back.
fn on<T>(there: &CpuSet, back: &CpuSet, work: impl FnOnce() -> T) -> T {
    let _ = sched_setaffinity(Pid::from_raw(0), there);
    let done = work();
    let _ = sched_setaffinity(Pid::from_raw(0), back);
    done
}

/// What was measured before, with unit costs of now.
fn compared(directory: &Path, names: [&str; 2]) -> Result<Block, Failure> {
    let records = store::read(directory)?;
    if records.header.experiment != Experiment::Compare {
        return Err(Failure::usage(
            format!("{} holds the experiment {}", directory.display(), records.header.experiment),
            format!("measure both under one load: dyno explain {} {}", names[0], names[1]),
        ));
    }
    for name in names {
        if !records.header.contestants.iter().any(|line| line.label == name) {
            return Err(Failure::usage(
                format!("{name} took no part in {}", directory.display()),
                format!("measure both: dyno explain {} {}", names[0], names[1]),
            ));
        }
    }
    let mut block = Block::default();
    block.cells.extend(records.cells.into_iter().map(|what| Seen { what, pace_ns: None }));
    let core = Placement::here().halves().server.first().copied().unwrap_or_default();
    for unit in (0..UNIT_COST_ATTEMPTS).flat_map(|_| units(names.map(contestant::build_of))) {
        let before = pace::call_ns_on(core);
        let found = cost_apart(unit).ok();
        let pace_ns = before.zip(pace::call_ns_on(core)).map(|(before, after)| [before, after]);
        block.costs.extend(found.map(|cost| Seen { what: (unit, cost), pace_ns }));
    }
    Ok(block)
}

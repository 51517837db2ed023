//! `dyno load URL`: the load generator.

use std::sync::Arc;

use clap::Args;
use clap::builder::Resettable;
use dyno_clients::engine::appointment::{ClockReading, StartTime};
use dyno_clients::outcome::Outcome as Run;
use dyno_clients::plan::Plan;
use dyno_clients::plan::address::ServerAddress;
use dyno_clients::plan::place::Place;
use dyno_clients::verdict::condition::{self, Condition};
use dyno_measure::probe::machine::online_cores;
use dyno_units::read;

use super::CommandResult;
use crate::exit::{Exit, Failure};
use crate::limits::VERSUS_BLOCKS;
use crate::load::part::{self, PartOptions};
use crate::load::result::{ConditionOptions, ResultOptions, conclude};
use crate::load::spread::{self, SpreadOptions};
use crate::load::versus::{self, Versus};
use crate::load::view::Wanted;
use crate::load::{carry, news, options, plan, progress, route, write};

/// Load an HTTP server, and measure latency without coordinated omission.
///
/// Latency is counted from the moment at which the plan wanted a request to start, not from when it was sent: with
/// --rate, requests fall due by the clock whatever the server does, and a request that must wait (for the
/// generator, or for a free connection) has that waiting counted. So a stall of the server shows up in full.
/// The naive figure, from the send, stands beside it as `response`. Nothing is corrected afterwards.
///
/// Without --rate the loop is closed: each connection sends its next request when the answer is there. That
/// finds the server's capacity, and hides its stalls, as every closed loop does.
///
/// HTTP/1.1 is spoken, over TCP, a Unix socket, TLS 1.3 (https://) or Dyno's channel; HTTP/2 is not.
///
/// Each run is audited: was the generator late, saturated or stopped, does Little's law hold, is the arrival
/// process the planned one, was the run steady? Rate and latencies have a verdict each: sound, doubtful, at
/// least (a lower bound), or void. The run ends with code 5 when what it is for is void: the rate in a closed
/// loop, both figures otherwise. Where the generator is full, a closed loop tells its rate as "at least", and
/// its latencies are void.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) target: options::TargetOptions,
    /// Further servers: all are loaded in turn, in blocks, and the ratios of rate, CPU and latency are told.
    #[arg(value_name = "URL", help_heading = Resettable::Reset, conflicts_with_all = ["html", "hlog", "require", "fail_if", "abort_on", "strict", "statistics", "announce_start", "dry_run", "part", "start_at", "to"])]
    others: Vec<String>,
    /// Blocks in which several servers are loaded in turn; --duration is for all blocks of a server together.
    #[arg(long, value_name = "N", help_heading = "Target", requires = "others", default_value_t = VERSUS_BLOCKS, value_parser = clap::value_parser!(u32).range(1..=1000))]
    blocks: u32,
    #[command(flatten)]
    pub(crate) how: options::How,
    #[command(flatten)]
    pub(crate) spread: SpreadOptions,
    #[command(flatten)]
    pub(crate) part: PartOptions,
    #[command(flatten)]
    result: ResultOptions,
    #[command(flatten)]
    conditions: ConditionOptions,
    /// End the run as soon as this holds, such as errors>1% or p99>1s, keep what was measured, and exit with code 3.
    /// Can be repeated.
    #[arg(long, value_name = "CONDITION", value_delimiter = ',', value_parser = condition::parse_live, help_heading = "Conditions")]
    abort_on: Vec<Condition>,
    /// Share of failed requests that makes the run void.
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = read::share, help_heading = "Conditions")]
    errors_max: f64,
    /// Say nothing while the run goes on.
    #[arg(short, long, help_heading = "Result")]
    quiet: bool,
    /// While the run goes on, write a line now and then also on a terminal that can be drawn on.
    #[arg(long, conflicts_with = "quiet", help_heading = "Result")]
    no_view: bool,
    /// Say on standard error when all connections are open and the load starts.
    #[arg(long, hide = true)]
    announce_start: bool,
    /// Say on standard error when the load is over, and keep the connections open until standard input ends.
    #[arg(long, hide = true)]
    hold: bool,
    /// Write news of the run ten times a second, as lines of JSON, and no result.
    #[arg(long, hide = true, conflicts_with_all = ["part", "start_at"])]
    news: bool,
    /// Show the plan, send nothing.
    #[arg(long, help_heading = "Load")]
    dry_run: bool,
}

const AFTER_HELP: &str = "\
Examples:
  dyno load http://127.0.0.1:8080/                     closed loop, 64 connections
  dyno load http://127.0.0.1:8080/ --rate 10k          open loop, Poisson arrivals
  dyno load http://127.0.0.1:8080/ --rate 1k..50k/30s  a ramp
  dyno load http://127.0.0.1:8080/ --rate 5k --html run.html --require 'p99<5ms'
  dyno load http://127.0.0.1:8080/ --rate 10k --abort-on 'errors>1%'
  dyno load http://127.0.0.1:8080/ http://127.0.0.1:8081/  two, and their ratio
  dyno load https://localhost:8443/ --trust ca.pem     TLS 1.3; without --trust
                                           the system says whom to trust
  dyno load unix:/run/server.sock:/json                a Unix socket
  dyno load http://a:8080/ --to a:8080,b:8080,c:8080   the rate by servers
  dyno load http://server:8080/ --rate 300k --part 2/3 --start-at $at -o 2.json
                                           one of three hosts: `dyno merge`

Exit codes: 0 fine, 1 the run failed, 2 wrong usage; 3 a --require does not
hold, or had too few answers to be known, a --fail-if holds, or an --abort-on
ended the run; 5 what the run is for is void, or a condition is about a figure
that is void or a bound that does not decide, or --strict and any figure is one;
130 interrupted (what was measured is written, marked as partial).";

impl Arguments {
    /// The plan of the load on its one server, of which no address has been tried.
    ///
    /// # Errors
    /// A usage failure that names the options that do not go together.
    pub(crate) fn plan(&self) -> Result<(Plan, Place), Failure> {
        plan::build(&self.target, &self.how, self.errors_max)
    }
}

/// Runs the load.
///
/// # Errors
/// A [`Failure`](crate::exit::Failure): usage (2), or a server that cannot be reached (1).
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    if !arguments.others.is_empty() {
        return versus(arguments);
    }
    refuse_beside_servers(arguments)?;
    let (mut plan, mut place) = plan::build(&arguments.target, &arguments.how, arguments.errors_max)?;
    let share = arguments.part.part;
    plan.share = share.unwrap_or_default();
    if arguments.dry_run {
        write::plan(&plan, arguments.result.format)?;
        return Ok(Exit::Success);
    }
    let start_time = arguments.part.start_time()?;
    arguments.result.try_places()?;
    let servers = arguments.spread.servers(&place, arguments.target.place.timeout)?;
    if servers.len() > 1 || servers.iter().any(|addresses| addresses.len() > 1) {
        return spread(arguments, plan, &servers);
    }
    if let Some(only) = servers.into_iter().flatten().next() {
        place.addresses = vec![only];
    }
    plan.address = route::reachable(&place, arguments.target.place.timeout)?;
    let server = plan.address.clone();
    plan::place(&mut plan, &arguments.how, &[server]);
    carry::learn(&mut plan)?;
    progress::stop_on_signals()?;
    if arguments.news {
        news::run(plan)?;
        return Ok(Exit::Success);
    }
    let server_ahead = match (share, start_time) {
        (Some(_), StartTime::Appointed(start_ns)) => part::server_clock(&plan, &place, start_ns),
        _ => None,
    };
    let watching = carry::Watching {
        view: match (arguments.quiet, arguments.no_view) {
            (true, _) => Wanted::Nothing,
            (false, true) => Wanted::Lines,
            (false, false) => Wanted::Screen,
        },
        announce_start: arguments.announce_start,
        hold: arguments.hold,
        abort_on: &arguments.abort_on,
    };
    let plan = Arc::new(plan);
    let before = ClockReading::now();
    let (mut outcome, measured) = carry::run_at(start_time, &plan, watching)?;
    advise_pinning(&mut outcome);
    if let (Some(_), StartTime::Appointed(start_ns)) = (share, start_time) {
        let (clock, done) = ((before, server_ahead), (outcome, measured));
        return part::write(&plan, start_ns, clock, done, &arguments.result.output, arguments.quiet);
    }
    conclude(outcome, &arguments.result, &arguments.conditions)
}

/// Refuses options that a load of one service on several servers does not read.
fn refuse_beside_servers(arguments: &Arguments) -> Result<(), Failure> {
    let (result, conditions) = (&arguments.result, &arguments.conditions);
    let given = [
        ("--part", arguments.part.part.is_some()),
        ("--start-at", arguments.part.is_appointed()),
        ("--html", result.html.is_some()),
        ("--hlog", result.hlog.is_some()),
        ("--statistics", result.statistics),
        ("--require", !conditions.require.is_empty()),
        ("--fail-if", !conditions.fail_if.is_empty()),
        ("--strict", conditions.strict),
        ("--abort-on", !arguments.abort_on.is_empty()),
        ("--dry-run", arguments.dry_run),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) if !arguments.spread.to.is_empty() => Err(Failure::usage(
            format!("{option} is of one run, and --to makes one for each number of servers"),
            "leave it out, or load each server by itself",
        )),
        _ => Ok(()),
    }
}

/// The load of one service on several servers.
fn spread(arguments: &Arguments, plan: Plan, servers: &[Vec<ServerAddress>]) -> CommandResult {
    progress::stop_on_signals()?;
    let watching = carry::Watching {
        view: if arguments.quiet { Wanted::Nothing } else { Wanted::Lines },
        announce_start: false,
        hold: false,
        abort_on: &[],
    };
    let result = (arguments.result.format, arguments.result.output.as_path());
    spread::run(plan, servers, &arguments.how, watching, result)
}

fn versus(arguments: &Arguments) -> CommandResult {
    write::try_place(&arguments.result.output)?;
    let versus = Versus {
        target: &arguments.target,
        others: &arguments.others,
        how: &arguments.how,
        blocks: arguments.blocks,
        errors_max: arguments.errors_max,
    };
    versus::run(versus, arguments.quiet, arguments.result.format, &arguments.result.output)
}

/// Says by which option the generator gets a core of its own, where it has none and there are several.
fn advise_pinning(outcome: &mut Run) {
    if !outcome.plan.placement.cores.is_empty() || online_cores().len() < 2 {
        return;
    }
    for finding in &mut outcome.audit.findings {
        if finding.remedy.contains("core of its own") || finding.remedy.contains("one of its own") {
            finding.remedy += " (--cpu)";
        }
    }
}

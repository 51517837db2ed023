//! `dyno load URL`: the load generator.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use dyno_clients::engine::{self, live::Live};
use dyno_clients::outcome::{Outcome as Run, Partial};
use dyno_clients::plan::Plan;
use dyno_clients::verdict::judge::judge;
use dyno_clients::verdict::threshold::{self, Condition};
use dyno_measure::probe::machine::online_cores;
use dyno_units::read;

use super::CommandResult;
use crate::exit::{Exit, Failure};
use crate::load::{options, plan, progress, route, write};
use crate::print::errln;
use crate::remedy;
use dyno_units::verdict::Verdict;

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
    #[command(flatten)]
    pub(crate) how: options::How,
    /// text, json, csv or markdown.
    #[arg(long, value_enum, default_value_t = write::Format::Text)]
    format: write::Format,
    /// Where the result goes; `-` is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Write the histograms as an HDR log, too.
    #[arg(long, value_name = "FILE")]
    hlog: Option<PathBuf>,
    /// Exit with code 3 if this holds, such as p99>5ms, response.p50>=1ms, errors>0.1%, rate<10k. Can be repeated.
    #[arg(long, value_name = "CONDITION", value_parser = threshold::parse)]
    fail_if: Vec<Condition>,
    /// Share of failed requests that makes the run void.
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = read::share)]
    errors_max: f64,
    /// End with code 5 also when any figure is void or only a lower bound, and not only what the run is for.
    #[arg(long)]
    strict: bool,
    /// No progress line.
    #[arg(short, long)]
    quiet: bool,
    /// Say on standard error when all connections are open and the load starts.
    #[arg(long, hide = true)]
    announce_start: bool,
    /// Show the plan, send nothing.
    #[arg(long)]
    dry_run: bool,
}

const AFTER_HELP: &str = "\
Examples:
  dyno load http://127.0.0.1:8080/                       closed loop, 64 connections, 10 s
  dyno load http://127.0.0.1:8080/ --rate 10k            open loop, Poisson arrivals
  dyno load http://127.0.0.1:8080/ --rate 1k..50k/30s    a ramp
  dyno load https://localhost:8443/ --trust ca.pem       TLS 1.3; without --trust the system says whom to trust
  dyno load unix:/run/server.sock:/json                  a Unix socket
  dyno load http://127.0.0.1:8080/json --expect service --fail-if 'p99>5ms'

Exit codes: 0 fine, 1 the run failed, 2 wrong usage, 3 a --fail-if is true, 5 what the run is for is void, or a
--fail-if is about a figure that is void or a bound that does not decide, or --strict and any figure is one;
130 interrupted (what was measured is written, marked as partial).";

/// Runs the load.
///
/// # Errors
/// A [`Failure`]: usage (2), or a server that cannot be reached (1).
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let (mut plan, place) = plan::build(&arguments.target, &arguments.how, arguments.errors_max)?;
    if arguments.dry_run {
        write::plan(&plan, arguments.format)?;
        return Ok(Exit::Success);
    }
    for path in [Some(&arguments.output), arguments.hlog.as_ref()].into_iter().flatten() {
        write::try_place(path)?;
    }
    plan.address = route::reachable(&place, arguments.target.place.timeout)?;
    let mut outcome = carry_out(plan, !arguments.quiet, arguments.announce_start)?;
    advise_pinning(&mut outcome, &arguments.how);
    outcome.thresholds = arguments.fail_if.iter().map(|condition| condition.check(&outcome)).collect();
    write::outcome(&outcome, arguments.format, &arguments.output)?;
    if let Some(path) = &arguments.hlog {
        write::hlog(&outcome, path)?;
    }
    Ok(exit(&outcome, arguments.strict))
}

/// Learns what has to be learned, runs the plan, shows progress on a terminal, and ends early on Ctrl-C.
fn carry_out(mut plan: Plan, progress: bool, announce_start: bool) -> Result<Run, Failure> {
    let transport = plan.transport.transport();
    dyno_clients::run::learn(&mut plan).map_err(|error| {
        let usual = "try `dyno probe URL` to see what the server answers";
        Failure::failed(error.to_string(), remedy::of(error.cause(), transport).unwrap_or(usual))
    })?;
    let plan = Arc::new(plan);
    let live = Arc::new(Live::new(plan.threads));
    progress::stop_on_signals(&live)?;
    let mut bar = progress::Bar::new(&plan, progress);
    let mut unannounced = announce_start;
    let measured = engine::run(&plan, &live, &mut |glance| {
        if live.is_started() && std::mem::take(&mut unannounced) {
            errln!("{}", progress::STARTED);
        }
        bar.show(glance);
    });
    bar.clear();
    Ok(judge(&plan, &measured?, |cause| remedy::of(cause, transport)))
}

/// Says by which option the generator gets a core of its own, where it has none and there are several.
fn advise_pinning(outcome: &mut Run, how: &options::How) {
    if !how.cpu.is_empty() || online_cores().len() < 2 {
        return;
    }
    for finding in &mut outcome.audit.findings {
        if finding.remedy.contains("core of its own") || finding.remedy.contains("one of its own") {
            finding.remedy += " (--cpu)";
        }
    }
}

fn exit(outcome: &Run, strict: bool) -> Exit {
    let audit = &outcome.audit;
    let invalid = audit.verdict == Verdict::Void
        || outcome.thresholds.iter().any(|t| t.undecided)
        || strict && !(audit.rate.is_value() && audit.latency.is_value());
    if outcome.partial == Some(Partial::Interrupted) {
        Exit::Interrupted
    } else if invalid {
        Exit::Invalid
    } else if outcome.thresholds.iter().any(|t| t.failed) {
        Exit::ThresholdMissed
    } else {
        Exit::Success
    }
}

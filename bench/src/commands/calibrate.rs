//! `dyno calibrate`: load generators against servers whose latency law is known.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use dyno_units::read;
use nix::unistd::{SysconfVar, sysconf};
use serde_json::json;

use super::CommandResult;
use crate::calibrate::cases::{self, FULL, QUICK};
use crate::calibrate::laws::LatencyLaw;
use crate::calibrate::reference;
use crate::calibrate::stand::Stand;
use crate::exit::{Exit, Failure};
use crate::limits::{CALIBRATION_PATIENCE, CALIBRATION_PATIENCE_QUICK};
use crate::load::progress;
use crate::print::outln;

/// Hold load generators against servers whose latency law is known.
///
/// Starts reference servers (a constant delay, M/D/1 and M/M/1 queues, a server that stands still for a while), loads
/// them with `dyno load` and with whichever of wrk, wrk2, ab, h2load, hey, oha, autocannon, vegeta and zrk are
/// installed, and prints for each the load that arrived, the true value, the reported one, the error, the error that
/// is allowed, and a verdict. All tools of a case get one job, and are held against one truth by one rule: the law
/// applied to the planned load, and of a constant delay what the server itself measured. Dyno's own rows decide the
/// exit code; the others show what coordinated omission hides. A value that is wrong while other programs had the
/// machine, or while the server was later than its law, is void, not wrong; so is a negative time. A void run is made
/// again at once, up to three times.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nine of ten of Dyno's values are right, 1 they are not, 2 wrong usage, \
5 they are not, and something disturbed them."
)]
pub(crate) struct Arguments {
    /// The short form (a minute or two), with wider tolerances, for a machine that is not quiet.
    #[arg(long)]
    quick: bool,
    /// Runs of each of Dyno's stall cases; nine of ten shall be right.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    repeat: u32,
    /// Time for repeating void runs, in all [default: 10m; 1m with --quick].
    #[arg(long, value_name = "TIME", value_parser = read::duration_ns)]
    patience: Option<u64>,
    /// JSON lines instead of a table.
    #[arg(long)]
    json: bool,
    /// Only the cases whose law contains this text.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Serve a law and nothing else: delay:TIME or queue:service=TIME, behind which ,exponential=SEED and
    /// ,stall=TIME,from=TIME,period=TIME may stand.
    #[arg(long, value_name = "LAW", conflicts_with_all = ["quick", "repeat", "patience", "json", "only"])]
    reference: Option<LatencyLaw>,
    /// Where the reference server listens.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", requires = "reference")]
    listen: SocketAddr,
}

/// Runs the calibration, or a reference server.
///
/// # Errors
/// A [`Failure`] when a process cannot be started; a wrong value is an exit code, not an error.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    if let Some(law) = arguments.reference {
        return serve(law, arguments.listen);
    }
    let usual = if arguments.quick { CALIBRATION_PATIENCE_QUICK } else { CALIBRATION_PATIENCE };
    let patience = arguments.patience.map_or(usual, Duration::from_nanos);
    let mut stand = Stand::new(arguments.json, arguments.only.clone(), arguments.repeat, patience);
    stand.begin();
    let scale = if arguments.quick { &QUICK } else { &FULL };
    for case in cases::ALL {
        case(&mut stand, scale)
            .map_err(|error| Failure::failed(error.to_string(), "see `dyno calibrate --help`"))?;
    }
    if let (Some(only), true) = (&arguments.only, stand.is_empty()) {
        let form = if arguments.quick { " of the short form" } else { "" };
        return Err(Failure::usage(
            format!("--only: no law{form} contains '{only}'"),
            "such as delay, stall, M/D/1, M/M/1 or lag; run without it to see them all",
        ));
    }
    Ok(stand.end())
}

fn serve(law: LatencyLaw, address: SocketAddr) -> CommandResult {
    let mut ready = |address: SocketAddr| {
        let line = json!({"ready": true, "address": address.to_string(), "pid": std::process::id(),
            "name": "reference", "settings": {"law": law.to_string()}});
        outln!("{line}");
    };
    progress::stop_on_signals()?;
    // The number of cores of the machine, not of this process, which is pinned to one of them.
    let cores = sysconf(SysconfVar::_NPROCESSORS_ONLN).ok().flatten();
    let awake = cores.is_some_and(|cores| cores > 1);
    let account = reference::serve(law, address, awake, progress::is_interrupted, &mut ready)
        .map_err(|e| Failure::failed(format!("the reference server: {e}"), "choose another --listen"))?;
    outln!("{}", json!(account));
    Ok(Exit::Success)
}

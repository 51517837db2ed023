//! `dyno turns`: the generator of a duel, which loads two servers in turn and waits for a word before each group.

use std::io::{self, BufRead};

use clap::{Args, Command, FromArgMatches};
use dyno_clients::books::bursts::GroupOrder;
use dyno_clients::engine::alternate;
use dyno_clients::plan::{Plan, SecondServer};
use dyno_record::contract::TurnsPlan;

use super::{CommandResult, load};
use crate::exit::{Exit, Failure};
use crate::load::{carry, route};
use crate::print::outln;

/// Load two servers in turn, in short bursts. `dyno duel` starts it.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The plan, as JSON
    plan: String,
}

/// Opens the connections to both servers, and runs a group of bursts for each order that it reads.
///
/// # Errors
/// Usage (2) for a plan that is none; failed (1) when a server cannot be reached.
pub(crate) fn run(arguments: &Arguments) -> CommandResult {
    let plan: TurnsPlan = serde_json::from_str(&arguments.plan).map_err(|error| {
        Failure::usage(format!("this is no plan of turns: {error}"), "say `dyno duel A B`")
    })?;
    let [one, other] = &plan.sides;
    let (mut both, other) = (plan_of(one, "say `dyno duel A B`")?, plan_of(other, "say `dyno duel A B`")?);
    both.rival = Some(SecondServer {
        address: other.address,
        transport: other.transport,
        connections: other.connections,
    });
    both.mix.extend(other.mix);
    let mut orders = io::stdin().lock().lines();
    let mut next = |told: Option<&_>| -> Option<GroupOrder> {
        // Nothing else is written here, so whoever measures reads a line for each of its own.
        outln!("{}", serde_json::to_string(&told).unwrap_or_default());
        serde_json::from_str(&orders.next()?.ok()?).ok()
    };
    alternate::run(&both, u64::from(plan.burst_us) * 1_000, &mut next)?;
    Ok(Exit::Success)
}

/// The plan of a load in the words of `dyno load`, which has learned what its answers must be.
///
/// # Errors
/// Usage (2), with this remedy, for words that make no plan; failed (1) when the server cannot be reached.
pub(super) fn plan_of(words: &[String], remedy: &str) -> Result<Plan, Failure> {
    let command = load::Arguments::augment_args(Command::new("load")).no_binary_name(true);
    let arguments = command
        .try_get_matches_from(words)
        .and_then(|matches| load::Arguments::from_arg_matches(&matches))
        .map_err(|error| Failure::usage(error.to_string(), remedy))?;
    let (mut plan, place) = arguments.plan()?;
    plan.address = route::reachable(&place, plan.timeout_ns)?;
    carry::learn(&mut plan)?;
    Ok(plan)
}

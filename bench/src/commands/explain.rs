//! `dyno explain A B`: why does A cost more than B?

use std::path::PathBuf;

use super::Outcome;
use crate::exit::{Exit, Failure};
use crate::experiment::compare::CAPACITY;
use crate::explanation::{Explanation, explain};
use crate::record::store;
use crate::unit_costs::{ALL, Cost};
use crate::{results, show};

/// Say in words and figures why a request costs more with A than with B: counts per request times what one costs on this
/// machine, and the rest that this does not explain.
#[derive(Debug, clap::Args)]
#[command(after_help = "Try it:\n  dyno compare fork epoll --quick && dyno explain fork epoll")]
pub struct Arguments {
    /// The one
    one: String,
    /// The other
    other: String,
    /// Results of a comparison in which both took part [default: the newest]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
}

/// Prints the explanation.
///
/// # Errors
/// When there is no comparison in which both took part and count.
pub fn run(arguments: &Arguments) -> Outcome {
    let directory = arguments.results.clone().map_or_else(|| results::latest(Some("compare")), Ok)?;
    let records = store::read(&directory)?;
    for name in [&arguments.one, &arguments.other] {
        if !records.header.contestants.iter().any(|line| line.label == *name) {
            return Err(Failure::usage(
                format!("{name} took no part in {}", directory.display()),
                format!("measure both: dyno compare {} {}", arguments.one, arguments.other),
            ));
        }
    }
    let costs: Vec<(&str, Option<Cost>)> = ALL.iter().map(|unit| (unit.name, unit.cost())).collect();
    let found = explain(&records, &arguments.one, &arguments.other, |unit| {
        costs.iter().find(|(name, _)| *name == unit.name).and_then(|(_, cost)| *cost)
    });
    if found.is_empty() {
        return Err(Failure::failed(
            "no cell of both counts",
            "measure again on a quieter machine, or longer",
        ));
    }
    anstream::println!("What one costs on this machine, on one core:");
    for (unit, (_, cost)) in ALL.iter().zip(&costs) {
        anstream::println!(
            "  {:<60} {:>10}",
            unit.what,
            cost.map_or("not available".into(), |cost| show::time(cost.ns))
        );
    }
    for explanation in &found {
        print(arguments, explanation);
    }
    Ok(Exit::Success)
}

fn print(arguments: &Arguments, explanation: &Explanation) {
    let [one, other] = explanation.cpu_ns;
    let load =
        if explanation.step == CAPACITY { "over lasting connections" } else { "with a connection each" };
    let difference = one - other;
    let word = if difference >= 0.0 { "more" } else { "less" };
    anstream::println!(
        "\nA request {load} costs {} of CPU with {} and {} with {}: {} {word}.",
        show::time(one),
        arguments.one,
        show::time(other),
        arguments.other,
        show::time(difference.abs()),
    );
    anstream::println!(
        "  {:<18} {:>11} {:>11} {:>11} {:>11}",
        "per request",
        shortened(&arguments.one),
        shortened(&arguments.other),
        "one costs",
        "adds"
    );
    for reason in &explanation.reasons {
        let [first, second] = reason.cost_ns;
        let cost = if reason.per_request[0] > 0.0 { first } else { second };
        anstream::println!(
            "  {:<18} {:>11} {:>11} {:>11} {:>11}",
            reason.what,
            show::three(reason.per_request[0]),
            show::three(reason.per_request[1]),
            show::time(cost),
            show::time(reason.adds_ns()),
        );
    }
    for what in &explanation.not_available {
        anstream::println!("  {what:<18} not available");
    }
    let rest = explanation.unexplained_ns();
    anstream::println!(
        "  {:<18} {:>47} ({} of the difference)",
        "not explained",
        show::time(rest),
        show::share((rest / difference).abs())
    );
}

fn shortened(name: &str) -> String {
    name.chars().take(11).collect()
}

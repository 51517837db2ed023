//! One service on several servers: connections are spread over them, and the rate is told against their number.

use std::fmt::Write;
use std::path::Path;

use clap::Args;
use dyno_clients::outcome::{Outcome, Partial};
use dyno_clients::plan::address::ServerAddress;
use dyno_clients::plan::error::PlanError;
use dyno_clients::plan::place::{Place, addresses, reachable_of};
use dyno_clients::plan::{Length, Pace, Plan};
use dyno_units::paint::Paint;
use dyno_units::show;
use dyno_units::verdict::Verdict;
use serde_json::json;

use crate::exit::{Exit, Failure};
use crate::limits::SPREAD_SERVERS;
use crate::load::carry::{self, Watching};
use crate::load::write::{Format, put_or_show};
use crate::load::{options::How, plan, progress};
use crate::print::{PAINT, errln};

/// Where a service is besides the host of its URL.
#[derive(Debug, Clone, Args)]
pub(crate) struct SpreadOptions {
    /// The servers of the URL's service, such as 10.0.0.1:8080,10.0.0.2:8080: connections are spread over them,
    /// and over all addresses of a name; the rate is told against their number.
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Target")]
    pub(crate) to: Vec<String>,
}

impl SpreadOptions {
    /// The addresses of each server that was named, as far as they take connections.
    ///
    /// # Errors
    /// What is wrong with one (2), or that it is not there (1).
    pub(crate) fn servers(&self, place: &Place, timeout_ns: u64) -> Result<Vec<Vec<ServerAddress>>, Failure> {
        if self.to.len() > SPREAD_SERVERS {
            return Err(Failure::usage(format!("--to: at most {SPREAD_SERVERS} servers at a time"), ""));
        }
        let port = place.url.port_or_known_default().unwrap_or(80);
        let of = |text: &String| {
            let wrong = |error: PlanError| match error {
                PlanError::Unreachable(_) => {
                    Failure::failed(error.to_string(), "is the server up, on one of these addresses?")
                }
                _ => Failure::usage(
                    format!("--to: {error}"),
                    "a server is such as 10.0.0.2:8080 or unix:/run/b.sock",
                ),
            };
            addresses(text, port).and_then(|all| reachable_of(all, timeout_ns)).map_err(wrong)
        };
        self.to.iter().map(of).collect()
    }
}

/// Widths of the columns of the table: 80 in all.
const COLUMNS: [usize; 9] = [7, 11, 9, 9, 9, 9, 7, 9, 10];

/// The rate over so many servers.
struct SpreadRun {
    servers: usize,
    outcome: Outcome,
}

/// Loads the first server, the first two, and so on, and writes the rate against their number. In an open loop the rate
/// is that of the plan, and all are loaded once.
///
/// # Errors
/// A server that is not there, or a result that cannot be written.
pub(crate) fn run(
    base: Plan,
    servers: &[Vec<ServerAddress>],
    how: &How,
    watching: Watching,
    (format, output): (Format, &Path),
) -> Result<Exit, Failure> {
    let numbers: Vec<usize> = match base.pace {
        Pace::Closed { .. } => (1..=servers.len()).collect(),
        Pace::Open { .. } => vec![servers.len()],
    };
    let mut runs: Vec<SpreadRun> = Vec::new();
    for number in &numbers {
        let mut own = servers[..*number].iter().flatten().cloned();
        let mut plan = base.clone();
        plan.address = own.next().unwrap_or(plan.address);
        plan.others = own.collect();
        if let Length::Duration(ns) = base.length {
            plan.length = Length::Duration((ns / numbers.len() as u64).max(1));
        }
        let all: Vec<ServerAddress> = servers.iter().flatten().cloned().collect();
        plan::place(&mut plan, how, &all);
        carry::learn(&mut plan)?;
        if watching.view != crate::load::view::Wanted::Nothing {
            errln!("{} of {}", show::many(*number as u64, "server"), servers.len());
        }
        let outcome = carry::run(plan, watching)?;
        runs.push(SpreadRun { servers: *number, outcome });
        if progress::is_interrupted() {
            break;
        }
    }
    let paint = if output == Path::new("-") { PAINT } else { Paint(false) };
    put_or_show(&written(&base, &runs, format, paint), output)?;
    Ok(exit(&runs))
}

fn exit(runs: &[SpreadRun]) -> Exit {
    if runs.iter().any(|run| run.outcome.partial == Some(Partial::Interrupted)) {
        Exit::Interrupted
    } else if runs.iter().all(|run| run.outcome.audit.rate == Verdict::Void) {
        Exit::Invalid
    } else {
        Exit::Success
    }
}

impl SpreadRun {
    /// Answers a second; `None` where they are void.
    fn rate(&self) -> Option<f64> {
        (self.outcome.audit.rate != Verdict::Void).then_some(self.outcome.rates.achieved_per_s)
    }

    /// How many times as much as one server; `None` where one of both is void, or where the generator was the limit.
    fn speed_up(&self, runs: &[SpreadRun]) -> Option<f64> {
        let one = runs.iter().find(|run| run.servers == 1)?;
        let are_values = [self, one].iter().all(|run| run.outcome.audit.rate.is_value());
        let of_one = one.outcome.rates.achieved_per_s;
        (are_values && of_one > 0.0).then(|| self.outcome.rates.achieved_per_s / of_one)
    }
}

fn written(plan: &Plan, runs: &[SpreadRun], format: Format, paint: Paint) -> String {
    let mut out = String::new();
    if format == Format::Json {
        let of = |run: &SpreadRun| json!({"servers": run.servers, "speed_up": run.speed_up(runs), "outcome": run.outcome});
        let value = json!({"url": plan.url, "runs": runs.iter().map(of).collect::<Vec<_>>()});
        let _ = writeln!(out, "{value:#}");
        return out;
    }
    let columns =
        ["servers", "answers/s", "speed-up", "of ideal", "p50", "p99", "failed", "rate", "latencies"];
    let rows = runs.iter().map(|run| {
        let (total, counts) = (&run.outcome.latency.total, &run.outcome.counts);
        let at = |quantile| total.percentile_ns(quantile).map_or("–".into(), |ns| show::time(ns as f64));
        let speed_up = run.speed_up(runs);
        [
            run.servers.to_string(),
            run.rate().map_or("–".into(), |rate| {
                format!("{}{}", run.outcome.audit.rate.sign(), show::rate(rate))
            }),
            speed_up.map_or("–".into(), show::ratio),
            speed_up.map_or("–".into(), |ratio| show::share(ratio / run.servers as f64)),
            at(0.5),
            at(0.99),
            show::whole(counts.failed),
            run.outcome.audit.rate.name().to_string(),
            run.outcome.audit.latency.name().to_string(),
        ]
    });
    match format {
        Format::Csv => {
            let _ = writeln!(out, "{}", columns.join(","));
            rows.for_each(|row| {
                let _ = writeln!(out, "{}", row.join(","));
            });
        }
        Format::Markdown => {
            let _ = writeln!(out, "| {} |\n|{}", columns.join(" | "), "---:|".repeat(columns.len()));
            rows.for_each(|row| {
                let _ = writeln!(out, "| {} |", row.join(" | "));
            });
        }
        Format::Text | Format::Json => {
            let line = |cells: &[String]| -> String {
                let all = cells.iter().zip(COLUMNS).map(|(cell, width)| format!("{cell:>width$}"));
                all.collect::<String>().trim_end().to_owned()
            };
            let _ = writeln!(out, "{}  {}\n", paint.bold("dyno load"), plan.url);
            let _ = writeln!(out, "{}", paint.dim(&line(&columns.map(str::to_owned))));
            rows.for_each(|row| {
                let _ = writeln!(out, "{}", line(&row));
            });
            let bound = runs.iter().any(|run| run.outcome.audit.rate == Verdict::AtLeast);
            if bound {
                let note = "≥ the generator was the limit there: give it --threads and cores of its own";
                let _ = writeln!(out, "\n{}", paint.dim(note));
            }
            for run in runs {
                for error in run.outcome.errors.iter().take(1) {
                    let _ = writeln!(out, "{} servers: {}", run.servers, error.example);
                }
            }
        }
    }
    out
}

//! One part of a load that several hosts make together: when it starts, what is found out about its clock until then,
//! and the file that it leaves for `dyno merge`.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use dyno_clients::engine::appointment::{ClockReading, StartTime};
use dyno_clients::engine::measured::Measured;
use dyno_clients::exchange::exchange;
use dyno_clients::limits::APPOINTED_MAX_NS;
use dyno_clients::outcome::parts::Offset;
use dyno_clients::outcome::{Outcome, Partial};
use dyno_clients::parts::server_clock::{DateBounds, date_in};
use dyno_clients::parts::{LoadPart, PartClock, clock};
use dyno_clients::plan::Plan;
use dyno_clients::plan::place::Place;
use dyno_clients::plan::request::RequestParts;
use dyno_clients::plan::share::PlanShare;
use dyno_clients::report::text;
use dyno_units::show;

use crate::exit::{Exit, Failure};
use crate::limits::{CLOCK_ASK_NS, CLOCK_KNOWN_NS, CLOCK_QUESTIONS, CLOCK_REST_NS};
use crate::load::{progress, write};
use crate::numbers;
use crate::print::PAINT;

/// What makes a load one of several.
#[derive(Debug, Args)]
#[command(next_help_heading = "Several hosts")]
pub(crate) struct PartOptions {
    /// Make one part of a load, such as 2/3, on each of several hosts, with all other options the same: rate,
    /// connections and requests are those of all together. --output gets a file for `dyno merge`.
    #[arg(
        long,
        value_name = "I/N",
        value_parser = PlanShare::parse,
        requires = "start_at",
        conflicts_with_all = ["format", "html", "hlog", "statistics", "require", "fail_if", "abort_on", "strict"]
    )]
    pub(crate) part: Option<PlanShare>,
    /// Start at this time by the host's clock: 2026-11-26T18:00:00Z, or seconds since 1970 as `date +%s` has them.
    #[arg(long, value_name = "TIME", value_parser = numbers::instant_ns)]
    start_at: Option<u64>,
}

impl PartOptions {
    /// Whether a time for the start is given.
    pub(crate) fn is_appointed(&self) -> bool {
        self.start_at.is_some()
    }

    /// When the load starts.
    ///
    /// # Errors
    /// That the time has passed, or is too far ahead.
    pub(crate) fn start_time(&self) -> Result<StartTime, Failure> {
        let Some(start_ns) = self.start_at else { return Ok(StartTime::WhenReady) };
        let now_ns = ClockReading::now().unix_ns;
        let (start, now) = (moment(start_ns), moment(now_ns));
        if start_ns <= now_ns {
            let ago = show::time((now_ns - start_ns) as f64);
            return Err(Failure::usage(
                format!("--start-at: {start} was {ago} ago: the clock of this host says {now}"),
                "choose a time that leaves each host some seconds to start the program",
            ));
        }
        if start_ns - now_ns > APPOINTED_MAX_NS {
            return Err(Failure::usage(
                format!("--start-at: {start} is more than a day ahead: the clock of this host says {now}"),
                "give seconds since 1970, as `date +%s` has them, or 2026-11-26T18:00:00Z",
            ));
        }
        Ok(StartTime::Appointed(start_ns))
    }
}

/// A time as the user knows it.
fn moment(unix_ns: u64) -> String {
    format!("{} UTC", show::moment(unix_ns / 1_000_000))
}

/// How far the server's clock is from this one's, as far as there is time to find out before the connections are to be
/// opened; nothing where the server tells no dates.
pub(crate) fn server_clock(plan: &Plan, place: &Place, start_ns: u64) -> Option<Offset> {
    let parts = RequestParts {
        method: "HEAD".into(),
        target: place.target.clone(),
        authority: place.authority.clone(),
        close: true,
        ..RequestParts::default()
    };
    let wire = parts.prepare().ok()?.wire;
    let mut bounds = DateBounds::default();
    let unix_ns = || ClockReading::now().unix_ns;
    for _ in 0..CLOCK_QUESTIONS {
        let ask_ns = bounds.ask_at_ns(unix_ns());
        if ask_ns + CLOCK_REST_NS > start_ns || progress::is_interrupted() || bounds.is_within(CLOCK_KNOWN_NS)
        {
            break;
        }
        std::thread::sleep(Duration::from_nanos(ask_ns.saturating_sub(unix_ns())));
        let asked_ns = unix_ns();
        let answer = exchange(&plan.address, &plan.transport, &wire, true, CLOCK_ASK_NS).ok()?;
        bounds.answered(date_in(&answer.head)?, asked_ns, unix_ns());
    }
    bounds.offset()
}

/// Writes the file of a part and shows the part on the terminal. What it is worth is said by whoever merges: of
/// itself a part that was measured is no failure, whatever its audit says.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write(
    plan: &Plan,
    start_ns: u64,
    (before, server_ahead): (ClockReading, Option<Offset>),
    (outcome, measured): (Outcome, Measured),
    output: &Path,
    quiet: bool,
) -> Result<Exit, Failure> {
    let after = ClockReading::now();
    let clock = PartClock { before, after, told: clock::told(before, after, server_ahead) };
    let part = LoadPart::new(plan, start_ns, clock, measured, outcome.audit.clone());
    let json = serde_json::to_string_pretty(&part)
        .map_err(|error| Failure::failed(format!("cannot write JSON: {error}"), ""))?;
    write::put_or_show(&(json + "\n"), output)?;
    if output != Path::new("-") && !quiet {
        let folded = text::Statistics::Folded("a part of a load: `dyno merge` makes one result of all");
        write::put(&text::summary(&outcome, PAINT, folded), Path::new("-"))?;
    }
    let cut = outcome.partial == Some(Partial::Interrupted);
    Ok(if cut { Exit::Interrupted } else { Exit::Success })
}

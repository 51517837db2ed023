//! The result of an experiment in words: the verdict at the top of the page.

use crate::found::Found;
use crate::memory;
use crate::words;
use dyno_analysis::comparison::Model;
use dyno_analysis::critical::{RateStanding, Tries};
use dyno_analysis::curves::{self, CurveFinding, Recovery, Unfound};
use dyno_analysis::figure::RowFigure;
use dyno_analysis::levelling::Levelled;
use dyno_analysis::points::{AxisKind, IDLE, QUOTA, Trail, TrailPoint};
use dyno_units::show;

/// Some paragraphs of plain text.
pub(crate) fn paragraphs(model: &Model, records: &Levelled, found: &Found) -> Vec<String> {
    let mut paragraphs = match found {
        Found::Compared(_) => return words::paragraphs(model),
        // How far it may be believed stands with the figures, so that the table is seen first.
        Found::Workloads(matrix) => return crate::workloads::words::verdict(matrix),
        Found::Counted(rows) => crate::instructions::paragraphs(rows),
        Found::InTurn(rows) => crate::turns::paragraphs(rows),
        Found::Isolated(rows) => crate::isolation::paragraphs(rows),
        Found::Overloaded(rows) => crate::overload::paragraphs(rows),
        Found::Waited(rows) => crate::waiting::paragraphs(rows),
        Found::Along(axis, trails) => match axis.kind {
            AxisKind::Cores => {
                // What shares of cores do stands in a table of its own.
                let whole = trails.iter().filter(|trail| !trail.line.label.ends_with(QUOTA));
                whole.filter_map(scale).collect()
            }
            AxisKind::Connections => trails.iter().filter_map(connections).collect(),
            AxisKind::Offered => curves(records),
        },
    };
    paragraphs.extend(words::bearings(model));
    paragraphs
}

fn scale(trail: &Trail) -> Option<String> {
    let first = trail.points.first()?;
    let is_whole = |point: &&TrailPoint| !point.shared && !point.siblings && point.rate.value().is_some();
    let last = trail.points.iter().rfind(is_whole)?;
    let base = first.rate.value()?;
    if last.x <= first.x {
        return Some(format!(
            "{}: {} on one core. There are no further cores that the generator does not need, so nothing is said of scaling.",
            trail.line.label,
            words::rate(&first.rate)
        ));
    }
    let speed_up = last.rate.value()? / base * first.x;
    let with_siblings = trail.points.iter().rfind(|point| point.siblings && point.rate.value().is_some());
    let siblings = with_siblings.map_or(String::new(), |point| {
        format!(" With siblings that share their units, {} in all: {}.", point.x, words::rate(&point.rate))
    });
    Some(format!(
        "{}: {} on {}, {} of one core ({} a core).{siblings}",
        trail.line.label,
        words::rate(&last.rate),
        show::about(last.x, "core"),
        show::ratio(speed_up),
        show::share(speed_up / last.x)
    ))
}

fn connections(trail: &Trail) -> Option<String> {
    let (who, how) = match trail.line.label.strip_suffix(IDLE) {
        Some(label) => (label, ", all but ten of them silent,"),
        None => (trail.line.label.as_str(), ""),
    };
    let wall = trail.points.iter().find(|point| point.wall.is_some());
    let within =
        |point: &&TrailPoint| wall.is_none_or(|wall| point.x < wall.x) && point.rate.value().is_some();
    let Some(held) = trail.points.iter().rfind(within) else {
        return Some(match wall.and_then(|wall| Some((wall.x, wall.wall.as_deref()?))) {
            Some((x, why)) => format!("{who} failed at {}{how}: {why}.", show::about(x, "connection")),
            None => format!("{who}{how}: no cell counts, so nothing is said."),
        });
    };
    let each = |figure: &RowFigure| {
        figure.value().map_or("an unknown part".to_string(), |growth| memory::each(growth, held.x))
    };
    let mut words = format!(
        "{who} held {}{how} with {} of its own memory and {} of the kernel's (both ends) for each",
        show::about(held.x, "connection"),
        each(&held.memory),
        each(&held.kernel_memory),
    );
    // A trickle of requests is enough for a median; a 99th percentile needs longer cells.
    words += &match (held.p99_ns.value(), held.p50_ns.value()) {
        (Some(p99), _) => format!("; p99 was {}.", show::time(p99)),
        (None, Some(p50)) => format!("; the median latency was {}.", show::time(p50)),
        (None, None) => ".".to_string(),
    };
    if let Some((x, why)) = wall.and_then(|wall| Some((wall.x, wall.wall.as_deref()?))) {
        words += &format!(" It failed at {}: {why}.", show::rate(x));
    } else if let Some(void) = trail.points.iter().find(|point| point.x > held.x && point.rate.void > 0) {
        words += &format!(" Above that no cell counts: {}.", void.rate.reason);
    }
    Some(words)
}

fn curves(records: &Levelled) -> Vec<String> {
    curves::findings(records).iter().map(curve).collect()
}

fn curve(finding: &CurveFinding) -> String {
    let who = &finding.contestant;
    if let Some(unfound) = &finding.unfound {
        return match unfound {
            Unfound::NotReached => format!(
                "{who}: the experiment was interrupted before anything was searched for; when it is resumed, it goes on there."
            ),
            Unfound::NoCapacity(why) => {
                format!("{who}: no critical point was searched for, because its capacity is void: {why}.")
            }
            Unfound::Unconfirmed(None) => {
                format!("{who}: no critical point was found: no rate that was tried kept the limit.")
            }
            Unfound::Unconfirmed(Some(best)) => format!(
                "{who}: no critical point is confirmed. The highest rate that kept the limit at all is {}/s, {}.",
                show::rate(best.rate_per_s),
                times(best.tries)
            ),
        };
    }
    format!(
        "{who}: {}. Beyond that it is {}. After a spike to twice that rate {}.",
        critical(finding).unwrap_or_default(),
        finding.beyond.words(),
        match finding.recovery {
            Recovery::After(0) => "latency was back to normal at once".to_string(),
            Recovery::After(ms) =>
                format!("latency was back to normal after {}", show::time(ms as f64 * 1e6)),
            Recovery::Never => "it did not recover within the run".to_string(),
            Recovery::Unknown =>
                "the way back is not known: its cell is void or was not measured".to_string(),
        }
    )
}

/// Where the critical point lies, and how sure that is.
fn critical(finding: &CurveFinding) -> Option<String> {
    let low = finding.bracket.confirmed?;
    let p99 = finding.p99_there_ns.map_or(String::new(), |p99| format!(", p99 {}", show::time(p99)));
    let kept =
        format!("{}/s (confirmed: kept the limit {}{p99})", show::rate(low.rate_per_s), times(low.tries));
    let Some(high) = finding.bracket.beyond else {
        return Some(format!("the critical point is at least {kept}; no higher rate was tried"));
    };
    let rate = show::rate(high.rate_per_s);
    Some(match high.standing() {
        RateStanding::Unmeasured => {
            format!("the critical point is at least {kept}; at {rate}/s no cell counts")
        }
        RateStanding::Refuted => {
            format!("the critical point lies between {kept} and {rate}/s (refuted: {})", times(high.tries))
        }
        _ => format!(
            "the critical point lies between {kept} and {rate}/s (not confirmed: {})",
            times(high.tries)
        ),
    })
}

/// `3 of 4 times`
fn times(tries: Tries) -> String {
    format!("{} of {}", tries.kept, show::count((tries.kept + tries.missed) as usize, "time"))
}

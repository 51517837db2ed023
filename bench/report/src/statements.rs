//! The result of an experiment in words: the verdict at the top of the page.

use crate::words;
use dyno_analysis::comparison::{Model, RowFigure};
use dyno_analysis::curves::{self, Recovery};
use dyno_analysis::levelling::Levelled;
use dyno_analysis::points::{self, Trail, TrailPoint};
use dyno_record::experiment::Experiment;
use dyno_units::show;

/// Some paragraphs of plain text.
pub(crate) fn paragraphs(model: &Model, records: &Levelled) -> Vec<String> {
    let mut found = match points::axis(records.header.experiment) {
        None => return words::paragraphs(model),
        Some(axis) => {
            let trails = points::trails(records, axis);
            match records.header.experiment {
                Experiment::Scale => trails.iter().filter_map(scale).collect(),
                Experiment::Connections => trails.iter().filter_map(connections).collect(),
                Experiment::Curve | Experiment::Compare => curves(records),
            }
        }
    };
    found.extend(words::bearings(model));
    found
}

fn scale(trail: &Trail) -> Option<String> {
    let first = trail.points.first()?;
    let last = trail.points.iter().rfind(|point| !point.shared && point.rate.value().is_some())?;
    let base = first.rate.value()?;
    if last.x <= first.x {
        return Some(format!(
            "{}: {} on one core. There are no further cores that the generator does not need, so nothing is said of scaling.",
            trail.line.label,
            words::rate(&first.rate)
        ));
    }
    let speed_up = last.rate.value()? / base * first.x;
    Some(format!(
        "{}: {} on {} cores, {} of one core ({} a core).",
        trail.line.label,
        words::rate(&last.rate),
        last.x,
        show::ratio(speed_up),
        show::share(speed_up / last.x)
    ))
}

fn connections(trail: &Trail) -> Option<String> {
    let (who, how) = match trail.line.label.strip_suffix(points::IDLE) {
        Some(label) => (label, ", all but ten of them silent,"),
        None => (trail.line.label.as_str(), ""),
    };
    let wall = trail.points.iter().find(|point| point.wall.is_some());
    let within =
        |point: &&TrailPoint| wall.is_none_or(|wall| point.x < wall.x) && point.rate.value().is_some();
    let Some(held) = trail.points.iter().rfind(within) else {
        return Some(match wall.and_then(|wall| Some((wall.x, wall.wall.as_deref()?))) {
            Some((x, why)) => format!("{who} failed at {} connections{how}: {why}.", show::rate(x)),
            None => format!("{who}{how}: no cell counts, so nothing is said."),
        });
    };
    let each = |figure: &RowFigure| {
        figure.value().map_or("an unknown part".to_string(), |growth| show::bytes(growth / held.x))
    };
    let mut words = format!(
        "{who} held {} connections{how} with {} of its own memory and {} of the kernel's (both ends) for each",
        show::rate(held.x),
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
    curves::findings(records)
        .iter()
        .map(|finding| {
            let Some(critical) = finding.critical_per_s else {
                return format!("{}: no critical point was found, so there is no curve.", finding.contestant);
            };
            format!(
                "{} kept the limit up to {}/s{}. Beyond that it is {}. After a spike to twice that rate {}.",
                finding.contestant,
                show::rate(critical),
                finding.p99_there_ns.map_or(String::new(), |p99| {
                    format!(" (measured again, p99 there was {})", show::time(p99))
                }),
                finding.beyond.words(),
                match finding.recovery {
                    Recovery::After(0) => "latency was back to normal at once".to_string(),
                    Recovery::After(ms) =>
                        format!("latency was back to normal after {}", show::time(ms as f64 * 1e6)),
                    Recovery::Never => "it did not recover within the run".to_string(),
                    Recovery::Unknown =>
                        "the way back is not known: the cell of the spike is void".to_string(),
                }
            )
        })
        .collect()
}

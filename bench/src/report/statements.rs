//! What an experiment says, in words: the verdict that stands first.

use crate::record::store::Records;
use crate::report::curves;
use crate::report::model::{Measured, Model};
use crate::report::points::{self, Trail};
use crate::report::words;
use crate::show;

/// Some paragraphs of plain text.
pub fn paragraphs(model: &Model, records: &Records) -> Vec<String> {
    let mut found = match points::axis(&records.header.experiment) {
        None => return words::paragraphs(model),
        Some(axis) => {
            let trails = points::trails(records, axis);
            match records.header.experiment.as_str() {
                "scale" => trails.iter().filter_map(scale).collect(),
                "connections" => trails.iter().filter_map(connections).collect(),
                _ => curves(records),
            }
        }
    };
    // Without rows of a comparison these are what the audit and the floor say.
    found.extend(words::paragraphs(model));
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
    let held = trail.points.iter().take_while(|point| point.rate.value().is_some()).last()?;
    let each = |figure: &Measured| {
        figure.value().map_or("an unknown part".to_string(), |growth| show::bytes(growth / held.x))
    };
    let mut words = format!(
        "{} held {} connections with {} of its own memory and {} of the kernel's (both ends) for each; p99 was {}.",
        trail.line.label,
        show::rate(held.x),
        each(&held.memory),
        each(&held.kernel_memory),
        held.p99_ns.value().map_or("not known".to_string(), show::time)
    );
    if let Some(wall) = trail.points.iter().find(|point| point.rate.value().is_none()) {
        words += &format!(" It failed at {}: {}.", show::rate(wall.x), wall.rate.reason);
    }
    Some(words)
}

fn curves(records: &Records) -> Vec<String> {
    curves::findings(records)
        .iter()
        .map(|finding| {
            let critical = finding
                .critical_per_s
                .map_or("not found".to_string(), |rate| format!("{}/s", show::rate(rate)));
            format!(
                "{}: critical point {critical}; {}; back to normal after a spike: {}.",
                finding.contestant,
                finding.beyond.words(),
                finding.recovery.words()
            )
        })
        .collect()
}

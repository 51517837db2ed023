//! What the experiments along an axis open with: the rate that keeps the limit, the rate on the most cores, the memory
//! of a connection.

use std::collections::BTreeMap;

use dyno_analysis::critical::limit_of;
use dyno_analysis::curves::{self, CurveFinding, Unfound};
use dyno_analysis::figure::RowFigure;
use dyno_analysis::levelling::Levelled;
use dyno_analysis::points::{IDLE, QUOTA, Trail, TrailPoint};
use dyno_analysis::tiers::{Entrant, Figured, of_ends, of_figures};
use dyno_units::show;

use super::compare::sure;
use super::{Opening, Quantity};

fn per_second(value: f64) -> String {
    format!("{}/s", show::rate(value))
}

/// The trails on whole cores.
fn without_quota(trails: &[Trail]) -> Vec<Trail> {
    trails.iter().filter(|trail| !trail.line.label.ends_with(QUOTA)).cloned().collect()
}

/// The highest rates that keep the limit.
pub(crate) fn curve(records: &Levelled) -> Option<Opening> {
    let findings = curves::findings(records);
    let family = |label: &str| {
        let line = records.header.contestants.iter().find(|line| line.label == label);
        line.map_or(String::new(), |line| line.family.clone())
    };
    let entrants = findings.iter().filter_map(|finding| {
        let low = finding.critical_per_s()?;
        let beyond = finding.bracket.beyond.map(|rate| rate.rate_per_s);
        Some(Entrant {
            label: finding.contestant.clone(),
            family: family(&finding.contestant),
            value: low,
            ends: (low, beyond.unwrap_or(f64::INFINITY)),
            at_least: beyond.is_none(),
        })
    });
    let limit = limit_of(&records.header)
        .map_or(String::new(), |limit| format!(" (p99 within {})", show::time(limit.p99_ns as f64)));
    let quantity = Quantity {
        noun: format!("the rate that keeps the limit{limit}"),
        best: format!("the highest rate that keeps the limit{limit}"),
        axis: "confirmed rate that keeps the limit, requests a second",
        told: per_second,
        shown: show::rate,
        binary: false,
        higher: true,
        sure: "Ranges go from confirmed to refuted rates; a tie is where they overlap.".into(),
    };
    let without = findings.iter().filter(|finding| finding.critical_per_s().is_none());
    Some(Opening {
        tiers: of_ends(entrants.collect())?,
        quantity,
        cells: BTreeMap::new(),
        left_out: without.map(|finding| (finding.contestant.clone(), unfound(finding))).collect(),
        besides: Vec::new(),
    })
}

fn unfound(finding: &CurveFinding) -> String {
    match &finding.unfound {
        Some(Unfound::NoCapacity(why)) => format!("void: {why}"),
        Some(Unfound::Unconfirmed(_)) => "too few cells: no rate is confirmed".to_string(),
        Some(Unfound::NotReached) | None => "not measured".to_string(),
    }
}

/// A point of each trail, as far as it has a figure there.
fn at<'t>(trails: &'t [Trail], x: f64, read: fn(&TrailPoint) -> &RowFigure) -> Vec<Figured<'t>> {
    let here = trails.iter().filter_map(|trail| {
        let point = trail.points.iter().find(|point| point.x == x)?;
        Some(Figured { label: &trail.line.label, family: &trail.line.family, figure: read(point) })
    });
    here.filter(|one| one.figure.value().is_some()).collect()
}

fn opening(
    records: &Levelled,
    figured: &[Figured],
    quantity: Quantity,
    besides: Vec<String>,
) -> Option<Opening> {
    let tiers = of_figures(figured, quantity.higher, records.header.threshold, records.header.seed)?;
    let cells = figured
        .iter()
        .map(|one| (one.label.to_string(), one.figure.by_round.values().copied().collect()))
        .collect();
    Some(Opening { quantity, tiers, cells, left_out: Vec::new(), besides })
}

/// The rates on the most cores that the servers had for themselves.
pub(crate) fn scale(records: &Levelled, trails: &[Trail]) -> Option<Opening> {
    // Shares of cores stand in sections of their own.
    let trails = &without_quota(trails)[..];
    let own = |point: &&TrailPoint| !point.shared && point.rate.value().is_some();
    let most =
        trails.iter().flat_map(|trail| &trail.points).filter(own).map(|point| point.x).reduce(f64::max)?;
    let on = format!(" on {}", show::count(most as usize, "core"));
    let quantity = Quantity {
        noun: format!("capacity{on}"),
        best: format!("the highest capacity{on}"),
        axis: "requests a second on the most cores that were the server's own",
        told: per_second,
        shown: show::rate,
        binary: false,
        higher: true,
        sure: sure(records.header.threshold),
    };
    let mut besides = Vec::new();
    if most > 1.0 {
        let gains = trails.iter().filter_map(|trail| {
            let rate = |x: f64| trail.points.iter().find(|point| point.x == x)?.rate.value();
            Some((rate(most)? / rate(1.0)?, trail.line.label.as_str()))
        });
        let gains: Vec<(f64, &str)> = gains.collect();
        let best = gains.iter().copied().max_by(|one, other| one.0.total_cmp(&other.0));
        let least = gains.iter().copied().min_by(|one, other| one.0.total_cmp(&other.0));
        if let Some(((best, who), (least, other))) = best.zip(least) {
            besides.push(format!(
                "From one core to {most} the rate grew {} with {who}{}.",
                show::ratio(best),
                if who == other {
                    String::new()
                } else {
                    format!(" and {} with {other}", show::ratio(least))
                }
            ));
        }
    } else {
        besides.push(
            "The machine has no further core that the generator does not need, so nothing is said of scaling.".into(),
        );
    }
    let figured = at(trails, most, |point| &point.rate);
    opening(records, &figured, quantity, besides)
}

/// Who held how many connections, and what the memory of one was at the most that all of these held.
pub(crate) fn connections(records: &Levelled, trails: &[Trail]) -> Option<Opening> {
    let mut trails = trails.to_vec();
    // The connections of the idle trail are the many; where there is one, it tells what a connection takes.
    if trails.iter().any(|trail| trail.line.label.ends_with(IDLE)) {
        trails.retain(|trail| trail.line.label.ends_with(IDLE));
    }
    for trail in &mut trails {
        if let Some(label) = trail.line.label.strip_suffix(IDLE) {
            trail.line.label = label.to_string();
        }
    }
    let places = || trails.iter().flat_map(|trail| &trail.points).map(|point| point.x);
    let most = places().reduce(f64::max)?;
    let held = |trail: &&Trail| {
        trail.points.iter().find(|point| point.x == most).is_some_and(|point| point.rate.value().is_some())
    };
    let walls: Vec<String> = trails
        .iter()
        .filter_map(|trail| {
            let wall = trail.points.iter().find(|point| point.wall.is_some())?;
            Some(format!("{} at {}", trail.line.label, show::rate(wall.x)))
        })
        .collect();
    let holders = trails.iter().filter(held).count();
    let mut besides = Vec::new();
    if holders == trails.len() {
        besides.push(format!("All held {}.", show::about(most, "connection")));
    } else {
        besides.push(format!("{holders} of {} held {}.", trails.len(), show::about(most, "connection")));
    }
    if !walls.is_empty() {
        besides.push(format!("A wall was met by {}.", walls.join(", ")));
    }
    // Where nobody holds the most, the comparison is made at the most that somebody holds.
    let with_memory = |point: &&TrailPoint| point.memory.value().is_some();
    let x = trails
        .iter()
        .flat_map(|trail| &trail.points)
        .filter(with_memory)
        .map(|point| point.x)
        .reduce(f64::max)?;
    let over = format!(" with {}", show::about(x, "connection"));
    let quantity = Quantity {
        noun: format!("memory above idle{over}"),
        best: format!("the least memory above idle{over}"),
        axis: "memory above idle with the most connections",
        told: show::bytes,
        shown: show::bytes,
        binary: true,
        higher: false,
        sure: sure(records.header.threshold),
    };
    let figured = at(&trails, x, |point| &point.memory);
    opening(records, &figured, quantity, besides)
}

//! Latency against offered load, a chart for each contestant: the limit, the critical point, the way up and the way
//! back.

use dyno_analysis::critical::limit_of;
use dyno_analysis::curves;
use dyno_analysis::levelling::Levelled;
use dyno_analysis::points::Trail;
use dyno_analysis::sweep::{Sweep, SweepStep, sweep};
use dyno_units::show;

use crate::charts::escape;
use crate::charts::paths::{self, Path, PathAxes};
use crate::finding::list;

/// On the way back a rate counts as slower from this ratio on: what scatters between blocks is less.
const SLOWER: f64 = 2.0;

/// Label, and its chart.
pub(crate) fn charts(records: &Levelled, trails: &[Trail]) -> Vec<(String, String)> {
    let limit = limit_of(&records.header);
    let known: Vec<(&Trail, Option<Sweep>)> =
        trails.iter().map(|trail| (trail, sweep(records, &trail.line.label))).collect();
    let paths: Vec<Vec<Path>> = known.iter().map(|(trail, sweep)| of(trail, sweep.as_ref())).collect();
    let all = || paths.iter().flatten().flat_map(|path| &path.points);
    let axes = PathAxes {
        titles: ("offered requests a second", "99th percentile"),
        names: Vec::new(),
        shown: (show::rate, show::time),
        log: (true, true),
        limit: limit
            .map(|limit| (limit.p99_ns as f64, format!("limit: {}", show::time(limit.p99_ns as f64)))),
        values: (all().map(|point| point.0).collect(), all().map(|point| point.1).collect()),
    };
    let one = |(number, (trail, _)): (usize, &(&Trail, Option<Sweep>))| {
        let others: Vec<Path> = paths
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number)
            .filter_map(|(_, paths)| paths.first().cloned())
            .collect();
        let title = format!("{}: latency against offered load, up and back", trail.line.label);
        (trail.line.label.clone(), paths::draw(&title, &axes, &paths[number], &others))
    };
    known.iter().enumerate().map(one).collect()
}

fn of(trail: &Trail, sweep: Option<&Sweep>) -> Vec<Path> {
    let family = || trail.line.family.clone();
    let known = || trail.points.iter().filter_map(|point| Some((point, point.p99_ns.value()?)));
    let steady = Path {
        label: trail.line.label.clone(),
        family: family(),
        points: known().map(|(point, p99)| (point.x, p99)).collect(),
        ring: known().position(|(point, _)| point.critical),
        is_way_back: false,
    };
    let steps = |steps: &[SweepStep]| steps.iter().map(|step| (step.offered_per_s, step.p99_ns)).collect();
    let back = sweep.filter(|sweep| sweep.back.len() > 1).map(|sweep| Path {
        label: "way back".into(),
        family: family(),
        points: steps(&sweep.back),
        is_way_back: true,
        ring: None,
    });
    [steady].into_iter().filter(|path| !path.points.is_empty()).chain(back).collect()
}

/// Who is slower on the way back from overload than on the way up.
pub(crate) fn words(records: &Levelled) -> String {
    let mut slower = Vec::new();
    let mut as_before = 0;
    for line in &records.header.contestants {
        let Some(Sweep { up, back }) = sweep(records, &line.label) else { continue };
        let at = |steps: &[SweepStep], rate: f64| {
            steps.iter().find(|step| curves::is_critical(step.offered_per_s, rate)).map(|step| step.p99_ns)
        };
        let ratios =
            back.iter().skip(1).filter_map(|step| Some((step.p99_ns / at(&up, step.offered_per_s)?, step)));
        match ratios.max_by(|one, other| one.0.total_cmp(&other.0)) {
            Some((ratio, step)) if ratio > SLOWER => {
                slower.push((line.label.as_str(), ratio, step.offered_per_s));
            }
            Some(_) => as_before += 1,
            None => {}
        }
    }
    slower.sort_by(|one, other| other.1.total_cmp(&one.1));
    match (slower.first(), as_before) {
        (None, 0) => "No sweep up and back counts.".to_string(),
        (None, _) => "On the way back from overload nobody was slower than on the way up.".to_string(),
        (Some((who, ratio, rate)), _) => {
            let names: Vec<&str> = slower.iter().map(|one| one.0).collect();
            format!(
                "On the way back from overload {} {} slower than on the way up: {who} {} times at {}/s.",
                list(&names),
                if names.len() == 1 { "was" } else { "were" },
                show::three(*ratio),
                show::rate(*rate)
            )
        }
    }
}

/// The part of the page.
pub(crate) fn section(records: &Levelled, trails: &[Trail]) -> String {
    let charts: String = charts(records, trails)
        .into_iter()
        .map(|(_, svg)| format!("<figure class=\"chart\">{svg}</figure>"))
        .collect();
    format!(
        "<p>{}</p><p class=\"note\">Solid: each rate for itself, over all blocks. Dashed and hollow: the same server on its way back from twice the critical rate. A ring: the critical point, where it is confirmed. In grey: all the others.</p><div class=\"charts small\">{charts}</div>",
        escape(&words(records))
    )
}

//! Speed-up against cores, beside the ideal.

use dyno_analysis::points::{Trail, TrailPoint};
use dyno_units::show;

use crate::charts::paths::{self, Path, PathAxes};
use crate::sections::noted;

/// Who gains most and who least; `None` where nobody has more than one number of cores for itself.
fn words(lines: &[Path]) -> Option<String> {
    let ends = lines.iter().filter_map(|path| path.points.last().map(|end| (path.label.as_str(), *end)));
    let known: Vec<(&str, (f64, f64))> = ends.filter(|(_, end)| end.0 > 1.0).collect();
    let best = known.iter().max_by(|one, other| one.1.1.total_cmp(&other.1.1))?;
    let least = known.iter().min_by(|one, other| one.1.1.total_cmp(&other.1.1))?;
    let told = |(who, (cores, speed_up)): &(&str, (f64, f64))| {
        format!(
            "{who} is {} as fast on {} ({} of the ideal)",
            show::ratio(*speed_up),
            show::count(*cores as usize, "core"),
            show::share((speed_up / cores * 1000.0).round() / 1000.0)
        )
    };
    Some(if known.len() == 1 {
        format!("{}.", told(best))
    } else {
        format!("{}; {}.", told(best), told(least))
    })
}

/// The chart with its words; `None` where there is no speed-up to show.
pub(crate) fn picture(trails: &[Trail]) -> Option<(String, String)> {
    let of = |trail: &Trail| {
        let own = |point: &&TrailPoint| !point.shared && point.rate.value().is_some();
        let base = trail.points.iter().filter(own).find(|point| point.x == 1.0)?.rate.value()?;
        let points =
            trail.points.iter().filter(own).filter_map(|point| Some((point.x, point.rate.value()? / base)));
        Some(Path {
            label: trail.line.label.clone(),
            family: trail.line.family.clone(),
            points: points.collect(),
            ..Path::default()
        })
    };
    let lines: Vec<Path> = trails.iter().filter_map(of).collect();
    let words = words(&lines)?;
    let places = || lines.iter().flat_map(|path| &path.points);
    let most = places().map(|point| point.0).fold(1.0, f64::max);
    let ideal = Path { label: "ideal".into(), points: vec![(1.0, 1.0), (most, most)], ..Path::default() };
    let mut names: Vec<f64> = places().map(|point| point.0).collect();
    names.sort_by(f64::total_cmp);
    names.dedup();
    let axes = PathAxes {
        titles: ("server cores", "times as fast as on one"),
        names: names.into_iter().map(|cores| (cores, show::rate(cores))).collect(),
        shown: (show::rate, show::ratio),
        log: (false, false),
        limit: None,
        values: (vec![1.0, most], places().map(|point| point.1).chain([most]).collect()),
    };
    Some((words.clone(), paths::draw(&words, &axes, &lines, &[ideal])))
}

/// The figure for the page.
pub(crate) fn figure(trails: &[Trail]) -> Option<String> {
    let (words, svg) = picture(trails)?;
    Some(noted(&words, "The grey line is the ideal: n cores, n times as fast as one.", &svg))
}

//! What latency costs: CPU per request against the 99th percentile, and whom nobody beats in both.

use dyno_analysis::comparison::{Model, Row};
use dyno_analysis::edge::on_edge;
use dyno_statistics::bootstrap::Interval;
use dyno_units::show;

use crate::charts::scatter::{self, Scatter, ScatterPoint};
use crate::finding::list;
use crate::sections::noted;

/// The chart; `None` where fewer than two have both figures.
pub(crate) fn figure(model: &Model) -> Option<String> {
    let (words, svg) = picture(model)?;
    let note = "CPU of the server per request under full load, and the 99th percentile at the common rate; lower and further left is better. The line is the edge that nobody has crossed; the crosses are 95 % intervals.";
    Some(noted(&words, note, &svg))
}

/// The picture and what it shows; `None` where fewer than two have both figures.
pub(crate) fn picture(model: &Model) -> Option<(String, String)> {
    let both = |row: &Row| Some((row.cpu_at_capacity_ns.interval?, row.p99_ns.interval?));
    let known: Vec<(&Row, Interval, Interval)> =
        model.rows.iter().filter_map(|row| both(row).map(|(cpu, p99)| (row, cpu, p99))).collect();
    if known.len() < 2 {
        return None;
    }
    let edge = on_edge(&known.iter().map(|(_, cpu, p99)| (cpu.value, p99.value)).collect::<Vec<_>>());
    let point = |((row, cpu, p99), on_edge): (&(&Row, Interval, Interval), &bool)| ScatterPoint {
        label: row.label.clone(),
        family: row.family.clone(),
        x: (cpu.value, cpu.ends()),
        y: (p99.value, p99.ends()),
        on_edge: *on_edge,
    };
    let points: Vec<ScatterPoint> = known.iter().zip(&edge).map(point).collect();
    let first: Vec<&str> =
        points.iter().filter(|point| point.on_edge).map(|point| point.label.as_str()).collect();
    let others = points.len() - first.len();
    let words = match others {
        0 => format!("Nobody is beaten in both: {} trade CPU for latency.", list(&first)),
        1 => format!("Nobody beats {} in both CPU and latency; 1 other is beaten in both.", list(&first)),
        _ => {
            format!(
                "Nobody beats {} in both CPU and latency; {others} others are beaten in both.",
                list(&first)
            )
        }
    };
    let picture = Scatter {
        title: &words,
        axes: ("CPU per request under full load", "99th percentile at the common rate"),
        shown: (show::time, show::time),
        points: &points,
    };
    Some((words.clone(), scatter::draw(&picture)))
}

//! The points along an axis as a table for the terminal.

use std::fmt::Write;

use dyno_analysis::figure::RowFigure;
use dyno_analysis::points::{Axis, Trail};
use dyno_units::show;

use dyno_units::text::{cut, wrap};

use crate::memory::each;

/// The points as a table of 80 columns.
pub(crate) fn render(axis: Axis, trails: &[Trail]) -> String {
    let mut text = format!(
        "\n{:<25} {:>11} {:>12} {:>9} {:>9} {:>9}\n",
        "",
        axis.name.split(' ').next_back().unwrap_or_default(),
        if axis.counts_connections { "memory each" } else { "requests/s" },
        "p50",
        "p99",
        "CPU/req"
    );
    for trail in trails {
        for point in &trail.points {
            let sign = if point.rate.at_least { ">" } else { "" };
            let figure = |figure: &RowFigure, shown: fn(f64) -> String| match figure.value() {
                Some(value) => shown(value),
                None if point.wall.is_some() => "wall".to_string(),
                None if figure.void > 0 => "void".to_string(),
                None => "-".to_string(),
            };
            let _ = writeln!(
                text,
                "{:<25} {:>11} {:>12} {:>9} {:>9} {:>9}",
                cut(&trail.line.label, 25),
                format!(
                    "{}{}{}",
                    show::rate(point.x),
                    if point.siblings { "+" } else { "" },
                    if point.shared { "*" } else { "" }
                ),
                match point.memory.value().filter(|_| axis.counts_connections) {
                    Some(growth) => each(growth, point.x),
                    // The rate is the same at all of these points, so only a failure is shown.
                    None if axis.counts_connections && point.rate.value().is_some() => "-".to_string(),
                    None => format!("{sign}{}", figure(&point.rate, show::rate)),
                },
                figure(&point.p50_ns, show::time),
                figure(&point.p99_ns, show::time),
                figure(&point.cpu_ns, show::time),
            );
            if point.rate.value().is_none() && !point.rate.reason.is_empty() {
                let why = wrap(
                    &format!("{}: {}", if point.wall.is_some() { "wall" } else { "void" }, point.rate.reason),
                    76,
                );
                why.lines().for_each(|line| text += &format!("    {line}\n"));
            }
        }
    }
    let points = || trails.iter().flat_map(|trail| &trail.points);
    if points().any(|point| point.rate.at_least) {
        text += "\n>  at least: the server was not the bottleneck\n";
    }
    if points().any(|point| point.siblings) {
        text += "\n+  siblings: some of these share the execution units of one core (SMT)\n";
    }
    if points().any(|point| point.shared) {
        text += "\n*  server and generator shared cores: what one used, the other lacked\n";
    }
    text
}

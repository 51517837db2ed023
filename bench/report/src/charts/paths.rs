//! A small chart of some lines before the grey lines of all others: one chart for each family or contestant, all of
//! them with the same axes, so that none hides another.

use std::fmt::Write;

use crate::charts::grid::Grid;
use crate::charts::marker::marker;
use crate::charts::scale::ChartScale;
use crate::charts::{Shown, class, escape, tick, width};

/// One line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Path {
    /// What it shows; written at its end.
    pub label: String,
    /// Class of its colour.
    pub family: String,
    /// The points, in the order in which they are joined.
    pub points: Vec<(f64, f64)>,
    /// Drawn with dashes and hollow points: the way back.
    pub is_way_back: bool,
    /// Place of the point with a ring around it.
    pub ring: Option<usize>,
}

/// The axes that all charts of a set share.
#[derive(Debug, Clone)]
pub(crate) struct PathAxes<'a> {
    /// What they show.
    pub titles: (&'a str, &'a str),
    /// Marks of the horizontal axis with names; round values where there are none.
    pub names: Vec<(f64, String)>,
    /// How values are written.
    pub shown: (Shown, Shown),
    /// Whether each is logarithmic.
    pub log: (bool, bool),
    /// A height that is marked, with its name.
    pub limit: Option<(f64, String)>,
    /// All values of each, so that every chart of the set has the same ends.
    pub values: (Vec<f64>, Vec<f64>),
}

const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 230.0;
const TITLE: f64 = 24.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = HEIGHT - 42.0;
const LABEL_DISTANCE: f64 = 12.0;

/// Draws one chart of a set: `others` in grey, `own` before them.
pub(crate) fn draw(title: &str, axes: &PathAxes, own: &[Path], others: &[Path]) -> String {
    let limit = axes.limit.iter().map(|limit| limit.0);
    let y = ChartScale::over(axes.log.1, axes.values.1.iter().copied().chain(limit), BOTTOM, TOP);
    let rows: Vec<(f64, String)> =
        y.ticks().into_iter().map(|value| (y.place(value), tick(&(axes.shown.1)(value)))).collect();
    let left = TITLE + width(rows.iter().map(|row| row.1.as_str()));
    let right = WIDTH - 12.0 - width(own.iter().map(|path| path.label.as_str())).min(WIDTH / 2.6);
    let x = match axes.names.is_empty() {
        true => ChartScale::over(axes.log.0, axes.values.0.iter().copied(), left, right),
        false => {
            let names = axes.names.iter().map(|name| name.0);
            ChartScale::between(names.chain(axes.values.0.iter().copied()), left, right)
        }
    };
    let columns = match axes.names.is_empty() {
        true => x.ticks().into_iter().map(|value| (x.place(value), tick(&(axes.shown.0)(value)))).collect(),
        false => axes.names.iter().map(|(value, name)| (x.place(*value), name.clone())).collect(),
    };
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\" class=\"figure paths\">",
        escape(title)
    );
    svg += &Grid {
        columns,
        rows,
        across: (left, right),
        down: (TOP, BOTTOM),
        height: HEIGHT,
        titles: axes.titles,
    }
    .draw();
    if let Some((value, name)) = &axes.limit {
        let place = y.place(*value);
        let _ = write!(
            svg,
            "<line class=\"limit\" x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"{place:.1}\" y2=\"{place:.1}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            left + 4.0,
            place - 4.0,
            escape(name)
        );
    }
    for path in others {
        let _ = write!(svg, "<path class=\"behind\" d=\"{}\"/>", drawn(path, &x, &y));
    }
    let mut ends: Vec<(f64, f64, &Path)> = Vec::new();
    for (number, path) in own.iter().enumerate() {
        one(&mut svg, path, (&x, &y), if path.is_way_back { 1 } else { number % 4 }, axes);
        let last = if path.is_way_back { path.points.first() } else { path.points.last() };
        ends.extend(last.map(|last| (x.place(last.0), y.place(last.1), path)));
    }
    labels(&mut svg, ends, right);
    svg.push_str("</svg>");
    svg
}

fn drawn(path: &Path, x: &ChartScale, y: &ChartScale) -> String {
    let places = path.points.iter().map(|point| format!("{:.1} {:.1}", x.place(point.0), y.place(point.1)));
    let places: Vec<String> = places.collect();
    if places.is_empty() { String::new() } else { format!("M{}", places.join("L")) }
}

fn one(svg: &mut String, path: &Path, (x, y): (&ChartScale, &ChartScale), dash: usize, axes: &PathAxes) {
    let family = class(&path.family);
    let _ = write!(
        svg,
        "<g class=\"series f-{family}\" data-label=\"{}\"><path class=\"line dash-{dash}\" d=\"{}\"/>",
        escape(&path.label),
        drawn(path, x, y)
    );
    for (number, point) in path.points.iter().enumerate() {
        let (place, height) = (x.place(point.0), y.place(point.1));
        if path.ring == Some(number) {
            let _ = write!(svg, "<circle class=\"ring\" cx=\"{place:.1}\" cy=\"{height:.1}\" r=\"6.6\"/>");
        }
        let hollow = if path.is_way_back { " hollow" } else { "" };
        let at = match axes.names.is_empty() {
            true => format!(" at {}", (axes.shown.0)(point.0)),
            false => String::new(),
        };
        let _ = write!(
            svg,
            "<path class=\"dot{hollow} small\" d=\"{}\"><title>{}</title></path>",
            marker(&family, place, height),
            escape(&format!("{}{at}: {}", path.label, (axes.shown.1)(point.1)))
        );
    }
    svg.push_str("</g>");
}

/// Names at the ends of the lines, moved apart where they would overlap.
fn labels(svg: &mut String, mut ends: Vec<(f64, f64, &Path)>, right: f64) {
    ends.sort_by(|one, other| one.1.total_cmp(&other.1));
    let mut heights: Vec<f64> = ends.iter().map(|end| end.1).collect();
    for place in 1..heights.len() {
        heights[place] = heights[place].max(heights[place - 1] + LABEL_DISTANCE);
    }
    let mut lowest = BOTTOM + 4.0;
    for height in heights.iter_mut().rev() {
        *height = height.min(lowest);
        lowest = *height - LABEL_DISTANCE;
    }
    for ((place, from, path), height) in ends.into_iter().zip(heights) {
        let _ = write!(
            svg,
            "<g class=\"end f-{}\" data-label=\"{}\"><path class=\"leader\" d=\"M{:.1} {from:.1}L{:.1} {height:.1}\"/><text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            class(&path.family),
            escape(&path.label),
            place + 4.0,
            right + 6.0,
            right + 8.0,
            height + 4.0,
            escape(&path.label)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_told_apart_and_the_limit_is_drawn() {
        let path = |label: &str, is_way_back| Path {
            label: label.into(),
            family: "readiness".into(),
            points: vec![(1.0, 10.0), (2.0, 100.0)],
            is_way_back,
            ring: Some(1),
        };
        let shown: fn(f64) -> String = |value| format!("{value}");
        let axes = PathAxes {
            titles: ("x", "y"),
            names: Vec::new(),
            shown: (shown, shown),
            log: (false, true),
            limit: Some((50.0, "limit: 50".into())),
            values: (vec![1.0, 2.0], vec![10.0, 100.0]),
        };
        let svg = draw("t", &axes, &[path("up", false), path("down", true)], &[path("other", false)]);
        assert_eq!((svg.matches("hollow").count(), svg.matches("class=\"ring\"").count()), (2, 2));
        assert!(
            svg.contains("dash-1") && svg.contains("limit: 50") && svg.contains("class=\"behind\""),
            "{svg}"
        );
    }
}

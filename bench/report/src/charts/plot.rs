//! Lines and areas over one axis, for a run's own figures: without markers, because they have hundreds of points.

use std::fmt::Write;

use crate::charts::grid::Grid;
use crate::charts::scale::ChartScale;
use crate::charts::{class, escape, tick, width};

/// A line, or the area under it.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlotLine {
    /// What it shows; class of its colour as well.
    pub name: &'static str,
    /// The points from left to right. Where two neighbours are further apart than usual the line goes on all the same.
    pub points: Vec<(f64, f64)>,
    /// Drawn as steps and filled down to the axis.
    pub filled: bool,
}

/// The horizontal axis.
#[derive(Debug, Clone)]
pub(crate) enum PlotAxis {
    /// From zero, with round values.
    Linear(fn(f64) -> String),
    /// Logarithmic.
    Log(fn(f64) -> String),
    /// Marks with names of their own.
    Named(Vec<(f64, String)>),
}

/// A plot.
#[derive(Debug, Clone)]
pub(crate) struct Plot<'a> {
    /// Title for readers who cannot see it.
    pub title: &'a str,
    /// Horizontal axis, and what it shows.
    pub x: (PlotAxis, &'a str),
    /// Vertical axis, never of names.
    pub y: (PlotAxis, &'a str),
    /// A stretch of the horizontal axis that is set apart, and why.
    pub apart: Option<(f64, f64, &'a str)>,
    /// The lines.
    pub lines: Vec<PlotLine>,
}

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 280.0;
const TITLE: f64 = 26.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = WIDTH - 22.0;
const BOTTOM: f64 = HEIGHT - 44.0;

/// Draws the plot.
pub(crate) fn draw(plot: &Plot) -> String {
    let points = || plot.lines.iter().flat_map(|line| &line.points);
    let heights = || points().map(|point| point.1);
    let y = match plot.y.0 {
        PlotAxis::Log(_) => ChartScale::log(heights(), BOTTOM, TOP),
        _ => ChartScale::linear(heights(), BOTTOM, TOP),
    };
    let shown = |value: f64| match plot.y.0 {
        PlotAxis::Linear(shown) | PlotAxis::Log(shown) => tick(&shown(value)),
        PlotAxis::Named(_) => String::new(),
    };
    let names: Vec<String> = y.ticks().into_iter().map(shown).collect();
    let left = TITLE + width(names.iter().map(String::as_str));
    let places = || points().map(|point| point.0);
    let x = match &plot.x.0 {
        PlotAxis::Linear(_) => ChartScale::between(places().chain([0.0]), left, RIGHT),
        PlotAxis::Log(_) => ChartScale::log(places(), left, RIGHT),
        PlotAxis::Named(names) => {
            ChartScale::between(places().chain(names.iter().map(|name| name.0)), left, RIGHT)
        }
    };
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\" class=\"figure\">",
        escape(plot.title)
    );
    if let Some((from, to, why)) = plot.apart {
        let (from, to) = (x.place(from), x.place(to));
        let _ = write!(
            svg,
            "<rect class=\"apart\" x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
            (to - from).max(0.0),
            BOTTOM - TOP,
            escape(why)
        );
    }
    svg.push_str(&grid(plot, (&x, &y), &names, left));
    for (kin, line) in plot.lines.iter().enumerate() {
        one(&mut svg, (&x, &y), line, kin);
    }
    svg.push_str("</svg>");
    svg
}

fn grid(plot: &Plot, (x, y): (&ChartScale, &ChartScale), rows: &[String], left: f64) -> String {
    let columns: Vec<(f64, String)> = match &plot.x.0 {
        PlotAxis::Linear(shown) => even_ticks(plot, *shown),
        PlotAxis::Log(shown) => x.ticks().into_iter().map(|value| (value, tick(&shown(value)))).collect(),
        PlotAxis::Named(names) => names.clone(),
    };
    let heights = y.ticks().into_iter().map(|value| y.place(value));
    Grid {
        columns: columns.into_iter().map(|(value, name)| (x.place(value), name)).collect(),
        rows: heights.zip(rows.iter().cloned()).collect(),
        across: (left, RIGHT),
        down: (TOP, BOTTOM),
        height: HEIGHT,
        titles: (plot.x.1, plot.y.1),
    }
    .draw()
}

/// Round values of a linear horizontal axis, which ends where the points do.
fn even_ticks(plot: &Plot, shown: fn(f64) -> String) -> Vec<(f64, String)> {
    let last = plot.lines.iter().flat_map(|line| &line.points).map(|point| point.0).fold(0.0, f64::max);
    let marks = ChartScale::linear([last / 1.06].into_iter(), 0.0, 1.0).ticks();
    marks
        .into_iter()
        .filter(|value| *value <= last * 1.000_001)
        .map(|value| (value, tick(&shown(value))))
        .collect()
}

fn one(svg: &mut String, (x, y): (&ChartScale, &ChartScale), line: &PlotLine, kin: usize) {
    let family = class(line.name);
    let drawn = line.points.iter().filter(|point| point.0.is_finite() && point.1.is_finite());
    let places = drawn.map(|point| (x.place(point.0), y.place(point.1)));
    let title = escape(line.name);
    if line.filled {
        let mut path = String::new();
        let mut before: Option<(f64, f64)> = None;
        for (place, height) in places {
            let _ = match before {
                None => write!(path, "M{place:.1} {BOTTOM}V{height:.1}"),
                Some(_) => write!(path, "H{place:.1}V{height:.1}"),
            };
            before = Some((place, height));
        }
        let _ = write!(
            svg,
            "<path class=\"area f-{family}\" d=\"{path}V{BOTTOM}Z\"><title>{title}</title></path>"
        );
        return;
    }
    let path: Vec<String> = places.map(|(place, height)| format!("{place:.1} {height:.1}")).collect();
    if path.len() > 1 {
        let _ = write!(
            svg,
            "<g class=\"f-{family}\" data-label=\"{title}\"><path class=\"line dash-{}\" d=\"M{}\"><title>{title}</title></path></g>",
            kin % 4,
            path.join("L")
        );
    }
}

/// The names of the lines in their colours.
pub(crate) fn legend(names: &[(&str, &str)]) -> String {
    let items: String = names
        .iter()
        .map(|(name, meaning)| {
            format!("<li class=\"f-{}\"><span>{}</span></li>", class(name), escape(meaning))
        })
        .collect();
    format!("<ul class=\"legend\">{items}</ul>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<(f64, f64)>, filled: bool) -> Plot<'static> {
        Plot {
            title: "t",
            x: (PlotAxis::Linear(|value| format!("{value}")), "x"),
            y: (PlotAxis::Linear(|value| format!("{value}")), "y"),
            apart: Some((0.0, 1.0, "warm-up & more")),
            lines: vec![PlotLine { name: "a", points, filled }],
        }
    }

    #[test]
    fn nothing_leaves_the_frame_whatever_the_values_are() {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e300, 5.0] {
            for filled in [false, true] {
                let svg = draw(&plot(vec![(0.0, 1.0), (1.0, value), (2.0, 2.0)], filled));
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{value} {filled}: {svg}");
            }
        }
        assert!(draw(&plot(Vec::new(), false)).ends_with("</svg>"));
        assert!(draw(&plot(vec![(0.0, 1.0), (10.0, 1.0)], false)).contains("warm-up &amp; more"));
    }

    #[test]
    fn a_time_axis_ends_with_the_run() {
        let names = even_ticks(&plot(vec![(0.0, 1.0), (10.0, 1.0)], false), |value| format!("{value}"));
        assert_eq!(names.last().unwrap().1, "10");
    }
}

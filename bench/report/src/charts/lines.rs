//! Lines over two axes, either of them logarithmic.

use std::fmt::Write;

use crate::charts::grid::Grid;
use crate::charts::marker::marker;
use crate::charts::scale::ChartScale;
use crate::charts::{class, escape, tick, width};

/// One point of a line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dot {
    /// Place on the horizontal axis.
    pub x: f64,
    /// Place on the vertical axis.
    pub y: f64,
    /// Ends of the interval.
    pub interval: Option<(f64, f64)>,
    /// Drawn hollow, because the value is "at least".
    pub hollow: bool,
    /// Drawn with a ring around it, because it is the point that a search was for.
    pub ringed: bool,
    /// The text of the tooltip.
    pub title: String,
}

/// One line.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChartLine {
    /// The contestant.
    pub label: String,
    /// Class of its colour.
    pub family: String,
    /// The points, in the order in which they are joined.
    pub dots: Vec<Dot>,
}

/// One axis.
#[derive(Debug, Clone)]
pub(crate) struct ChartAxis<'a> {
    /// What it shows.
    pub title: &'a str,
    /// Whether it is logarithmic.
    pub log: bool,
    /// How values are written.
    pub shown: fn(f64) -> String,
    /// Whether round values are powers of two.
    pub binary: bool,
    /// Marks with names of their own, instead of round values.
    pub names: Vec<(f64, String)>,
}

/// The frame of the chart.
#[derive(Debug, Clone)]
pub(crate) struct Frame<'a> {
    /// Title for readers who cannot see the chart.
    pub title: &'a str,
    /// Horizontal axis.
    pub x: ChartAxis<'a>,
    /// Vertical axis.
    pub y: ChartAxis<'a>,
    /// Heights that are marked across the chart, with their names.
    pub marks: Vec<(f64, String)>,
}

/// As wide as the bar charts, so that both stand side by side.
const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 330.0;
/// Room for the title of the vertical axis; the room for its names depends on them.
const TITLE: f64 = 26.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 44.0;
const LABEL_DISTANCE: f64 = 12.5;

/// Number of lines from which on the intervals would only hide each other; then only that of a highlighted line is
/// shown.
const CROWD: usize = 6;

/// Draws the chart.
pub(crate) fn draw(frame: &Frame, lines: &[ChartLine]) -> String {
    let dots = || lines.iter().flat_map(|line| &line.dots);
    let heights = dots().flat_map(|dot| [dot.y].into_iter().chain(dot.interval.map(|interval| interval.1)));
    let lows = dots().filter_map(|dot| dot.interval.map(|interval| interval.0));
    let marks = frame.marks.iter().map(|mark| mark.0);
    let y = ChartScale::over(frame.y.log, heights.chain(lows).chain(marks), HEIGHT - BOTTOM, TOP)
        .in_binary(frame.y.binary);
    let names: Vec<String> = y.ticks().into_iter().map(|value| tick(&(frame.y.shown)(value))).collect();
    let left = TITLE + width(names.iter().map(String::as_str));
    let right = WIDTH - 14.0 - width(lines.iter().map(|line| line.label.as_str())).min(WIDTH / 2.2);
    let x = if frame.x.names.is_empty() {
        ChartScale::over(frame.x.log, dots().map(|dot| dot.x), left, right).in_binary(frame.x.binary)
    } else {
        ChartScale::between(frame.x.names.iter().map(|name| name.0), left + 16.0, right - 16.0)
    };
    let crowd = if lines.len() > CROWD { " crowd" } else { "" };
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\" class=\"figure{crowd}\">",
        escape(&format!("{}; its values stand in the table", frame.title))
    );
    svg.push_str(&grid(frame, &x, &y, (left, right)));
    for (height, name) in &frame.marks {
        let place = y.place(*height);
        let _ = write!(
            svg,
            "<line class=\"mark\" x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"{place:.1}\" y2=\"{place:.1}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            right - 4.0,
            place - 3.0,
            escape(name)
        );
    }
    for (place, line) in lines.iter().enumerate() {
        // A family has one colour, so its members differ in their dashes.
        let kin = lines[..place].iter().filter(|other| other.family == line.family).count();
        svg.push_str(&one(&x, &y, line, kin));
    }
    svg.push_str(&labels(&x, &y, lines, right));
    svg.push_str("</svg>");
    svg
}

fn grid(frame: &Frame, x: &ChartScale, y: &ChartScale, across: (f64, f64)) -> String {
    let named = |value: f64, shown: fn(f64) -> String| tick(&shown(value));
    let columns: Vec<(f64, String)> = if frame.x.names.is_empty() {
        x.ticks().into_iter().map(|value| (x.place(value), named(value, frame.x.shown))).collect()
    } else {
        frame.x.names.iter().map(|(value, name)| (x.place(*value), name.clone())).collect()
    };
    let rows = y.ticks().into_iter().map(|value| (y.place(value), named(value, frame.y.shown))).collect();
    let titles = (frame.x.title, frame.y.title);
    Grid { columns, rows, across, down: (TOP, HEIGHT - BOTTOM), height: HEIGHT, titles }.draw()
}

fn one(x: &ChartScale, y: &ChartScale, line: &ChartLine, kin: usize) -> String {
    let family = class(&line.family);
    let mut svg = format!("<g class=\"series f-{family}\" data-label=\"{}\">", escape(&line.label));
    let path: Vec<String> =
        line.dots.iter().map(|dot| format!("{:.1} {:.1}", x.place(dot.x), y.place(dot.y))).collect();
    if path.len() > 1 {
        let _ = write!(
            svg,
            "<path class=\"line dash-{}\" d=\"M{}\"><title>{}</title></path>",
            kin % 4,
            path.join("L"),
            escape(&line.label)
        );
    }
    for dot in &line.dots {
        let (place, height) = (x.place(dot.x), y.place(dot.y));
        if let Some((low, high)) = dot.interval {
            let _ = write!(
                svg,
                "<path class=\"whisker\" d=\"M{place:.1} {:.1}V{:.1}\"/>",
                y.place(low),
                y.place(high)
            );
        }
        if dot.ringed {
            let _ = write!(svg, "<circle class=\"ring\" cx=\"{place:.1}\" cy=\"{height:.1}\" r=\"6.6\"/>");
        }
        let hollow = if dot.hollow { " hollow" } else { "" };
        let _ = write!(
            svg,
            "<path class=\"dot{hollow}\" d=\"{}\"><title>{}</title></path>",
            marker(&family, place, height),
            escape(&dot.title)
        );
    }
    svg.push_str("</g>");
    svg
}

/// Names at the right ends of the lines, moved apart where they would overlap.
fn labels(x: &ChartScale, y: &ChartScale, lines: &[ChartLine], right: f64) -> String {
    let mut ends: Vec<(f64, f64, &ChartLine)> = lines
        .iter()
        .filter(|line| !line.label.is_empty())
        .filter_map(|line| line.dots.last().map(|dot| (y.place(dot.y), x.place(dot.x), line)))
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut places: Vec<f64> = ends.iter().map(|end| end.0).collect();
    for row in 1..places.len() {
        places[row] = places[row].max(places[row - 1] + LABEL_DISTANCE);
    }
    // Names that were pushed beyond the bottom move up again, and push those above them.
    let mut limit = HEIGHT - BOTTOM + 4.0;
    for place in places.iter_mut().rev() {
        *place = place.min(limit);
        limit = *place - LABEL_DISTANCE;
    }
    let mut svg = String::new();
    for ((height, end, line), place) in ends.iter().zip(places) {
        let _ = write!(
            svg,
            "<g class=\"end f-{}\" data-label=\"{}\"><path class=\"leader\" d=\"M{:.1} {height:.1}L{:.1} {place:.1}\"/><text class=\"name\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
            class(&line.family),
            escape(&line.label),
            end + 4.0,
            right + 8.0,
            right + 10.0,
            place + 4.0,
            escape(&line.label)
        );
    }
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_do_not_overlap() {
        let line = |label: &str, y: f64| ChartLine {
            label: label.into(),
            dots: vec![Dot { x: 1.0, y, ..Dot::default() }, Dot { x: 2.0, y, ..Dot::default() }],
            ..ChartLine::default()
        };
        let axis = |title| ChartAxis {
            title,
            log: false,
            shown: |value| format!("{value}"),
            binary: false,
            names: Vec::new(),
        };
        let frame = Frame { title: "t", x: axis("x"), y: axis("y"), marks: vec![(1.0, "floor".into())] };
        let lines: Vec<ChartLine> =
            (0..16).map(|row| line(&format!("line{row}"), 1.0 + f64::from(row) / 100.0)).collect();
        let svg = draw(&frame, &lines);
        let mut heights: Vec<f64> = svg
            .split("<text class=\"name\"")
            .skip(1)
            .map(|rest| rest.split('"').nth(3).unwrap().parse().unwrap())
            .collect();
        heights.sort_by(f64::total_cmp);
        assert_eq!(heights.len(), 16);
        assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= LABEL_DISTANCE - 0.2), "{heights:?}");
        assert!(svg.contains("floor"));
    }
}

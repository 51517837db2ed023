//! Horizontal bars: one row for each contestant, with stacked parts, an interval, and marks for doubtful values.

use std::fmt::Write;

use crate::charts::rows::{self, AXIS_ROOM, RowAxis};
use crate::charts::scale::ChartScale;
use crate::charts::{class, escape, width};

/// One bar.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChartBar {
    /// The contestant.
    pub label: String,
    /// Class of its colour.
    pub family: String,
    /// Parts from left to right: class and value; one part for a plain bar.
    pub parts: Vec<(String, f64)>,
    /// Ends of the interval.
    pub interval: Option<(f64, f64)>,
    /// The values of single cells, drawn as dots.
    pub cells: Vec<f64>,
    /// Whether the value is "at least".
    pub at_least: bool,
    /// Why it is void; empty when it is not.
    pub void: String,
}

/// The frame of the chart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    /// Title for readers who cannot see the chart.
    pub title: &'a str,
    /// What the axis shows.
    pub axis: &'a str,
    /// How values are written.
    pub shown: fn(f64) -> String,
    /// Whether the axis is logarithmic.
    pub log: bool,
    /// Whether round values are powers of two.
    pub binary: bool,
    /// A value that is marked across all bars, with its name.
    pub mark: Option<(f64, &'a str)>,
}

/// Narrow enough to be read on a phone; on a wide screen two charts stand side by side.
const WIDTH: f64 = 440.0;
/// Room for the value behind the longest bar.
const RIGHT: f64 = 70.0;
const TOP: f64 = 4.0;
const ROW: f64 = 21.0;

/// Draws the chart.
pub(crate) fn draw(frame: &Frame, bars: &[ChartBar]) -> String {
    let left = 10.0 + width(bars.iter().map(|bar| bar.label.as_str())).min(WIDTH / 2.0);
    let bottom = TOP + ROW * bars.len() as f64;
    let height = bottom + AXIS_ROOM;
    let ends = bars.iter().flat_map(|bar| {
        let whole: f64 = bar.parts.iter().map(|part| part.1).sum();
        let ends = [Some(whole), bar.interval.map(|interval| interval.1)].into_iter().flatten();
        ends.chain(bar.cells.iter().copied())
    });
    let scale = ChartScale::over(frame.log, ends.chain(frame.mark.map(|mark| mark.0)), left, WIDTH - RIGHT)
        .in_binary(frame.binary);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\" class=\"figure\">",
        escape(&spoken(frame, bars))
    );
    let axis = RowAxis {
        scale: &scale,
        shown: frame.shown,
        title: frame.axis,
        across: (left, WIDTH - RIGHT),
        down: (TOP, bottom),
    };
    axis.draw(&mut svg);
    for (row, bar) in bars.iter().enumerate() {
        svg.push_str(&one(frame, &scale, bar, left, TOP + ROW * row as f64));
    }
    if let Some((value, name)) = frame.mark {
        let x = scale.place(value);
        let _ = write!(
            svg,
            "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"><title>{}</title></line>",
            escape(&format!("{name}: {}", (frame.shown)(value)))
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The text of the chart for readers who cannot see it.
fn spoken(frame: &Frame, bars: &[ChartBar]) -> String {
    let each: Vec<String> = bars
        .iter()
        .map(|bar| {
            let value = (frame.shown)(bar.parts.iter().map(|part| part.1).sum());
            match (bar.void.is_empty(), bar.at_least) {
                (false, _) => format!("{} void", bar.label),
                (_, true) => format!("{} at least {value}", bar.label),
                _ => format!("{} {value}", bar.label),
            }
        })
        .collect();
    format!("{}: {}", frame.title, each.join(", "))
}

fn one(frame: &Frame, scale: &ChartScale, bar: &ChartBar, left: f64, top: f64) -> String {
    let middle = top + ROW / 2.0;
    let mut svg = String::new();
    rows::begin(&mut svg, &bar.label, &bar.family, (left, middle));
    if !bar.void.is_empty() {
        let reason = escape(&format!("void: {}", bar.void));
        let _ = write!(
            svg,
            "<rect class=\"void\" x=\"{left}\" y=\"{:.1}\" width=\"46\" height=\"{:.1}\"><title>{reason}</title></rect>",
            top + 3.0,
            ROW - 6.0,
        );
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{}\" y=\"{:.1}\">void<title>{reason}</title></text></g>",
            left + 10.0,
            middle + 4.0
        );
        return svg;
    }
    let mut sum = 0.0;
    for (part, value) in &bar.parts {
        let from = if sum == 0.0 { left } else { scale.place(sum) };
        sum += value;
        let name = if part.is_empty() { String::new() } else { format!("{part}: ") };
        let _ = write!(
            svg,
            "<rect class=\"bar f-{} p-{}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
            class(&bar.family),
            class(part),
            top + 3.0,
            (scale.place(sum) - from).max(0.5),
            ROW - 6.0,
            escape(&format!("{}: {name}{}", bar.label, (frame.shown)(*value)))
        );
    }
    rows::dots(&mut svg, &bar.cells, scale, middle);
    let farthest = bar.cells.iter().map(|cell| scale.place(*cell)).fold(0.0, f64::max);
    let mut end = scale.place(sum).max(farthest);
    if let Some(ends) = bar.interval {
        end = end.max(rows::whisker(&mut svg, ends, scale, middle, frame.shown));
    }
    let sign = if bar.at_least { "≥ " } else { "" };
    let _ = write!(
        svg,
        "<text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{sign}{}</text></g>",
        end + 6.0,
        middle + 4.0,
        escape(&(frame.shown)(sum))
    );
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame<'static> {
        Frame {
            title: "t",
            axis: "a",
            shown: |value| format!("{value}"),
            log: false,
            binary: false,
            mark: Some((5.0, "base")),
        }
    }

    #[test]
    fn a_void_bar_is_drawn_with_its_reason() {
        let bar = ChartBar { label: "<x>".into(), void: "no & reason".into(), ..ChartBar::default() };
        let svg = draw(&frame(), &[bar]);
        assert!(svg.contains("void: no &amp; reason") && svg.contains("&lt;x&gt;"), "{svg}");
    }

    #[test]
    fn at_least_is_said() {
        let bar = ChartBar {
            label: "x".into(),
            parts: vec![(String::new(), 7.0)],
            at_least: true,
            ..ChartBar::default()
        };
        assert!(draw(&frame(), &[bar]).contains("≥ 7"));
    }
}

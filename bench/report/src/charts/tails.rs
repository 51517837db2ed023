//! Latencies as rows of dots: one row for each contestant, on one logarithmic axis, the shortest tail first.

use std::fmt::Write;

use crate::charts::rows::{self, AXIS_ROOM, RowAxis};
use crate::charts::scale::ChartScale;
use crate::charts::{escape, width};

/// One contestant.
#[derive(Debug, Clone, Default)]
pub(crate) struct TailRow {
    /// The contestant.
    pub label: String,
    /// Class of its colour.
    pub family: String,
    /// Percentiles from left to right: name and value. The last one is what rows are sorted by.
    pub dots: Vec<(&'static str, f64)>,
    /// Ends of the interval of the last one.
    pub ends: Option<(f64, f64)>,
    /// Why there is no value; empty where there is one.
    pub void: String,
}

/// The picture.
#[derive(Debug, Clone)]
pub(crate) struct Tails<'a> {
    /// The text for readers who cannot see it.
    pub title: &'a str,
    /// What the axis shows.
    pub axis: &'a str,
    /// Values that are marked across all rows, with their names.
    pub marks: Vec<(f64, String)>,
    /// The best first.
    pub rows: Vec<TailRow>,
}

const WIDTH: f64 = 560.0;
const RIGHT: f64 = 76.0;
const ROW: f64 = 20.0;
/// Room above the rows for the names of marks.
const TOP: f64 = 6.0;
const MARK: f64 = 13.0;
const REASON: usize = 50;

/// Draws the picture.
pub(crate) fn draw(picture: &Tails, shown: fn(f64) -> String) -> String {
    let left = 12.0 + width(picture.rows.iter().map(|row| row.label.as_str())).min(WIDTH / 3.0);
    let top = TOP + MARK * picture.marks.len() as f64;
    let bottom = top + ROW * picture.rows.len() as f64;
    let values = picture.rows.iter().flat_map(|row| {
        let ends = row.ends.into_iter().flat_map(|ends| [ends.0, ends.1]);
        row.dots.iter().map(|dot| dot.1).chain(ends)
    });
    let marks = picture.marks.iter().map(|mark| mark.0);
    let scale = ChartScale::log(values.chain(marks), left + 4.0, WIDTH - RIGHT);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\" class=\"figure tails\">",
        bottom + AXIS_ROOM,
        escape(picture.title)
    );
    for (place, _) in picture.rows.iter().enumerate().filter(|(place, _)| place % 2 == 0) {
        let _ = write!(
            svg,
            "<rect class=\"band\" x=\"0\" y=\"{:.1}\" width=\"{WIDTH}\" height=\"{ROW}\"/>",
            top + ROW * place as f64
        );
    }
    let axis = RowAxis {
        scale: &scale,
        shown,
        title: picture.axis,
        across: (left, WIDTH - RIGHT),
        down: (top, bottom),
    };
    axis.draw(&mut svg);
    for (number, (value, name)) in picture.marks.iter().enumerate() {
        let (x, y) = (scale.place(*value), TOP + MARK * (number as f64 + 0.7));
        let (aside, anchor) = if x > WIDTH / 2.0 { (-4.0, "end") } else { (4.0, "start") };
        let _ = write!(
            svg,
            "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{bottom}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
            y - 8.0,
            x + aside,
            y,
            escape(name)
        );
    }
    for (place, row) in picture.rows.iter().enumerate() {
        one(&mut svg, shown, &scale, row, left, top + ROW * (place as f64 + 0.5));
    }
    svg.push_str("</svg>");
    svg
}

fn one(
    svg: &mut String,
    shown: fn(f64) -> String,
    scale: &ChartScale,
    row: &TailRow,
    left: f64,
    middle: f64,
) {
    rows::begin(svg, &row.label, &row.family, (left, middle));
    let (Some(first), Some(last)) = (row.dots.first(), row.dots.last()) else {
        let short: String = row.void.chars().take(REASON).collect();
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">void: {}<title>{}</title></text></g>",
            left + 6.0,
            middle + 4.0,
            escape(&short),
            escape(&row.void)
        );
        return;
    };
    let _ = write!(
        svg,
        "<line class=\"reach\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\"/>",
        scale.place(first.1),
        scale.place(last.1)
    );
    let mut end = scale.place(last.1);
    if let Some(ends) = row.ends {
        end = end.max(rows::whisker(svg, ends, scale, middle, shown));
    }
    for (number, (name, value)) in row.dots.iter().enumerate() {
        let size = [2.6, 3.4, 4.4][number.min(2)];
        let hollow = if number == 0 && row.dots.len() > 1 { " hollow" } else { "" };
        let _ = write!(
            svg,
            "<circle class=\"dot{hollow}\" cx=\"{:.1}\" cy=\"{middle:.1}\" r=\"{size}\"><title>{}</title></circle>",
            scale.place(*value),
            escape(&format!("{} {name}: {}", row.label, shown(*value)))
        );
    }
    let _ = write!(
        svg,
        "<text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
        end + 8.0,
        middle + 4.0,
        escape(&shown(last.1))
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_percentile_has_a_dot_and_the_last_its_interval() {
        let rows = vec![
            TailRow {
                label: "<a>".into(),
                dots: vec![("p50", 1e5), ("p90", 3e5), ("p99", 1e6)],
                ends: Some((9e5, 2e6)),
                ..TailRow::default()
            },
            TailRow { label: "b".into(), void: "no & more".into(), ..TailRow::default() },
        ];
        let picture = Tails { title: "t", axis: "a", marks: vec![(5e4, "floor".into())], rows };
        let svg = draw(&picture, |value| format!("{value}"));
        assert_eq!((svg.matches("<circle").count(), svg.matches("class=\"whisker\"").count()), (3, 1));
        assert!(svg.contains("void: no &amp; more") && svg.contains("floor") && svg.contains("&lt;a&gt;"));
    }
}

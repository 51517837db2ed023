//! Stacked bars whose parts have colours of their own: of what something is made, a row for each contestant.

use std::fmt::Write;

use crate::charts::rows::{self, AXIS_ROOM, RowAxis};
use crate::charts::scale::ChartScale;
use crate::charts::{Shown, escape, width};

/// One contestant.
#[derive(Debug, Clone, Default)]
pub(crate) struct StackRow {
    /// The contestant.
    pub label: String,
    /// Class of the colour of its name.
    pub family: String,
    /// The parts from left to right: class, what it is, value.
    pub parts: Vec<(&'static str, &'static str, f64)>,
    /// The whole; what its parts leave of it is drawn as the rest, and where they are more it is marked.
    pub whole: f64,
}

/// The picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stack<'a> {
    /// The text for readers who cannot see it.
    pub title: &'a str,
    /// What the axis shows.
    pub axis: &'a str,
    /// How values are written.
    pub shown: Shown,
    /// What the rest is.
    pub rest: &'a str,
    /// From top to bottom.
    pub rows: &'a [StackRow],
}

const WIDTH: f64 = 560.0;
/// Room for the value behind the longest bar.
const RIGHT: f64 = 70.0;
const TOP: f64 = 4.0;
const ROW: f64 = 21.0;
/// Height of a line of the key, which has two columns above the rows.
const KEY: f64 = 15.0;

/// Draws the picture.
pub(crate) fn draw(picture: &Stack) -> String {
    let left = 12.0 + width(picture.rows.iter().map(|row| row.label.as_str())).min(WIDTH / 3.0);
    let key = known(picture);
    let top = TOP + KEY * key.len().div_ceil(2) as f64;
    let bottom = top + ROW * picture.rows.len() as f64;
    let sum = |row: &StackRow| row.parts.iter().map(|part| part.2).sum::<f64>();
    let ends = picture.rows.iter().map(|row| sum(row).max(row.whole));
    let scale = ChartScale::linear(ends, left, WIDTH - RIGHT);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\" class=\"figure stack\">",
        bottom + AXIS_ROOM,
        escape(picture.title)
    );
    let axis = RowAxis {
        scale: &scale,
        shown: picture.shown,
        title: picture.axis,
        across: (left, WIDTH - RIGHT),
        down: (top, bottom),
    };
    for (number, (class, what)) in key.iter().enumerate() {
        let (x, y) = (8.0 + WIDTH / 2.0 * (number % 2) as f64, TOP + KEY * (number / 2) as f64);
        let _ = write!(
            svg,
            "<rect class=\"bar f-part-{class}\" x=\"{x}\" y=\"{y}\" width=\"10\" height=\"10\"/><text class=\"tick\" x=\"{}\" y=\"{}\">{}</text>",
            x + 15.0,
            y + 9.0,
            escape(what)
        );
    }
    axis.draw(&mut svg);
    for (place, row) in picture.rows.iter().enumerate() {
        one(&mut svg, picture, &scale, row, (left, top + ROW * place as f64));
    }
    svg.push_str("</svg>");
    svg
}

/// What has a colour in the picture, in the order in which it is drawn.
fn known<'a>(picture: &Stack<'a>) -> Vec<(&'static str, &'a str)> {
    let mut found: Vec<(&'static str, &'a str)> = Vec::new();
    for row in picture.rows {
        for &(class, what, _) in &row.parts {
            if !found.iter().any(|known| known.0 == class) {
                found.push((class, what));
            }
        }
    }
    found.push(("rest", picture.rest));
    found
}

fn one(svg: &mut String, picture: &Stack, scale: &ChartScale, row: &StackRow, (left, top): (f64, f64)) {
    let middle = top + ROW / 2.0;
    rows::begin(svg, &row.label, &row.family, (left, middle));
    let mut sum = 0.0;
    let rest = (row.whole - row.parts.iter().map(|part| part.2).sum::<f64>()).max(0.0);
    let rest = (rest > 0.0).then_some(("rest", picture.rest, rest));
    for (class, what, value) in row.parts.iter().copied().chain(rest) {
        let from = scale.place(sum);
        sum += value;
        let _ = write!(
            svg,
            "<rect class=\"bar f-part-{class}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
            top + 3.0,
            (scale.place(sum) - from).max(0.0),
            ROW - 6.0,
            escape(&format!("{}: {what}: {}", row.label, (picture.shown)(value)))
        );
    }
    if sum > row.whole * 1.001 {
        let x = scale.place(row.whole);
        let _ = write!(
            svg,
            "<line class=\"limit\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"><title>{}</title></line>",
            top + 1.0,
            top + ROW - 1.0,
            escape(&format!("{}: measured: {}", row.label, (picture.shown)(row.whole)))
        );
    }
    let _ = write!(
        svg,
        "<text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{}</text></g>",
        scale.place(sum) + 6.0,
        middle + 4.0,
        escape(&(picture.shown)(row.whole))
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(label: &str, parts: &[f64], whole: f64) -> StackRow {
        let parts = parts.iter().map(|value| ("switches", "context switches", *value)).collect();
        StackRow { label: label.into(), family: "threads".into(), parts, whole }
    }

    #[test]
    fn parts_and_rest_make_the_whole_and_too_much_is_marked() {
        let rows = [row("<a>", &[3.0, 4.0], 10.0), row("b", &[30.0], 20.0), row("c", &[], 5.0)];
        let svg =
            draw(&Stack { title: "t", axis: "x", shown: |v| format!("{v}"), rest: "the rest", rows: &rows });
        assert_eq!(svg.matches("f-part-switches").count(), 3 + 1);
        assert_eq!(
            svg.matches("f-part-rest").count(),
            2 + 1,
            "where parts are more than the whole nothing is left"
        );
        assert_eq!(svg.matches("class=\"limit\"").count(), 1);
        assert!(svg.contains("b: measured: 20") && svg.contains("&lt;a&gt;: the rest: 3"), "{svg}");
        assert!(!svg.contains("NaN") && !svg.contains("width=\"-"), "{svg}");
    }
}

//! How all stand: bars with the values of single cells on them, in bands of ties.

use std::fmt::Write;

use crate::charts::rows::{self, AXIS_ROOM, RowAxis};
use crate::charts::scale::ChartScale;
use crate::charts::{escape, width};

/// One contestant.
#[derive(Debug, Clone, Default)]
pub(crate) struct StandingRow {
    /// The contestant.
    pub label: String,
    /// Class of its colour.
    pub family: String,
    /// Its value; absent where there is none, and `words` tells why.
    pub value: Option<f64>,
    /// Ends of the interval.
    pub ends: Option<(f64, f64)>,
    /// The values of single cells.
    pub cells: Vec<f64>,
    /// Whether the value is "at least".
    pub at_least: bool,
    /// Which tie it belongs to, from 0; absent where that is not known.
    pub group: Option<usize>,
    /// What is said of it.
    pub words: String,
}

/// The picture.
#[derive(Debug, Clone)]
pub(crate) struct Standings<'a> {
    /// The text for readers who cannot see it.
    pub title: &'a str,
    /// What the axis shows.
    pub axis: &'a str,
    /// How values are written.
    pub shown: fn(f64) -> String,
    /// Whether round values are powers of two.
    pub binary: bool,
    /// The best first.
    pub rows: Vec<StandingRow>,
}

const WIDTH: f64 = 560.0;
/// Room for value and words behind the bars.
const RIGHT: f64 = 148.0;
const VALUE: f64 = 62.0;
const TOP: f64 = 4.0;
const ROW: f64 = 20.0;
/// Characters of a reason that have room beside a name.
const REASON: usize = 56;

/// Draws the picture.
pub(crate) fn draw(picture: &Standings) -> String {
    let left = 12.0 + width(picture.rows.iter().map(|row| row.label.as_str())).min(WIDTH / 3.0);
    let bottom = TOP + ROW * picture.rows.len() as f64;
    let height = bottom + AXIS_ROOM;
    let ends = picture.rows.iter().flat_map(|row| {
        row.value.into_iter().chain(row.ends.map(|ends| ends.1)).chain(row.cells.iter().copied())
    });
    let scale = ChartScale::linear(ends, left, WIDTH - RIGHT).in_binary(picture.binary);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\" class=\"figure standings\">",
        escape(picture.title)
    );
    bands(&mut svg, &picture.rows);
    let axis = RowAxis {
        scale: &scale,
        shown: picture.shown,
        title: picture.axis,
        across: (left, WIDTH - RIGHT),
        down: (TOP, bottom),
    };
    axis.draw(&mut svg);
    for (place, row) in picture.rows.iter().enumerate() {
        one(&mut svg, picture.shown, &scale, row, left, TOP + ROW * place as f64);
    }
    svg.push_str("</svg>");
    svg
}

/// Every second group has a band behind it, so that ties are seen without reading.
fn bands(svg: &mut String, rows: &[StandingRow]) {
    for (place, row) in rows.iter().enumerate() {
        if row.group.is_some_and(|group| group % 2 == 0) {
            let _ = write!(
                svg,
                "<rect class=\"band\" x=\"0\" y=\"{:.1}\" width=\"{WIDTH}\" height=\"{ROW}\"/>",
                TOP + ROW * place as f64
            );
        }
    }
}

fn one(
    svg: &mut String,
    shown: fn(f64) -> String,
    scale: &ChartScale,
    row: &StandingRow,
    left: f64,
    top: f64,
) {
    let middle = top + ROW / 2.0;
    rows::begin(svg, &row.label, &row.family, (left, middle));
    let Some(value) = row.value else {
        let short: String = row.words.chars().take(REASON).collect();
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{}<title>{}</title></text></g>",
            left + 4.0,
            middle + 4.0,
            escape(&short),
            escape(&row.words)
        );
        return;
    };
    let sign = if row.at_least { "≥ " } else { "" };
    let text = format!("{sign}{}", shown(value));
    let _ = write!(
        svg,
        "<rect class=\"bar{}\" x=\"{left}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
        if row.at_least { " p-together" } else { "" },
        top + 3.5,
        (scale.place(value) - left).max(0.5),
        ROW - 7.0,
        escape(&format!("{}: {text}", row.label))
    );
    rows::dots(svg, &row.cells, scale, middle);
    if let Some(ends) = row.ends {
        rows::whisker(svg, ends, scale, middle, shown);
    }
    let (end, foot) = (WIDTH - RIGHT + VALUE, middle + 4.0);
    let _ = write!(
        svg,
        "<text class=\"value\" x=\"{end:.1}\" y=\"{foot:.1}\" text-anchor=\"end\">{}</text><text class=\"words\" x=\"{:.1}\" y=\"{foot:.1}\">{}</text></g>",
        escape(&text),
        end + 8.0,
        escape(&row.words)
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_have_bands_cells_have_dots_and_who_has_no_value_has_a_reason() {
        let row = |label: &str, value: f64, group| StandingRow {
            label: label.into(),
            value: Some(value),
            cells: vec![value * 0.9, value * 1.1],
            ends: Some((value * 0.95, value * 1.05)),
            group,
            ..StandingRow::default()
        };
        let rows = vec![
            row("a", 10.0, Some(0)),
            row("b", 9.9, Some(0)),
            row("c", 5.0, Some(1)),
            row("<d>", 4.0, None),
            StandingRow { label: "e".into(), words: "void: no & more".into(), ..StandingRow::default() },
        ];
        let svg = draw(&Standings { title: "t", axis: "a", shown: |v| format!("{v}"), binary: false, rows });
        assert_eq!(svg.matches("class=\"band\"").count(), 2);
        assert_eq!(svg.matches("class=\"cell\"").count(), 8);
        assert!(svg.contains("void: no &amp; more") && svg.contains("&lt;d&gt;"), "{svg}");
        assert!(!svg.contains("NaN"));
    }
}

//! A figure over time as a row of shades for each contestant.

use std::fmt::Write;

use crate::charts::{escape, rows, width};

/// One contestant.
#[derive(Debug, Clone, Default)]
pub(crate) struct HeatRow {
    /// The contestant.
    pub label: String,
    /// Class of its colour.
    pub family: String,
    /// The cells, one for each block: the values of each, from its begin to its end.
    pub cells: Vec<Vec<f64>>,
}

/// The picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heat<'a> {
    /// The text for readers who cannot see it.
    pub title: &'a str,
    /// What the horizontal axis shows.
    pub axis: &'a str,
    /// How values are written.
    pub shown: fn(f64) -> String,
    /// From top to bottom.
    pub rows: &'a [HeatRow],
}

const WIDTH: f64 = 560.0;
const RIGHT: f64 = WIDTH - 8.0;
const ROW: f64 = 18.0;
const TOP: f64 = 22.0;
/// Between two cells.
const GAP: f64 = 3.0;
/// Columns of all cells together: more could not be told apart.
const COLUMNS: usize = 120;
/// Shades from the least to the most.
const SHADES: usize = 6;

/// The bounds of the shades: even steps of a logarithmic scale from the least to the most.
fn bounds(rows: &[HeatRow]) -> Option<(f64, f64)> {
    let values = || rows.iter().flat_map(|row| row.cells.iter().flatten()).filter(|value| **value > 0.0);
    let low = values().copied().reduce(f64::min)?;
    let high = values().copied().reduce(f64::max)?;
    Some((low, high.max(low * 1.01)))
}

fn shade(value: f64, (low, high): (f64, f64)) -> usize {
    let share = (value / low).ln() / (high / low).ln();
    ((share * SHADES as f64) as usize).min(SHADES - 1)
}

/// The worst of each of so many columns: a stall has to be seen.
fn columns(values: &[f64], most: usize) -> Vec<f64> {
    let size = values.len().div_ceil(most.max(1)).max(1);
    values.chunks(size).map(|chunk| chunk.iter().copied().fold(0.0, f64::max)).collect()
}

/// Draws the picture; nothing where there is no value.
pub(crate) fn draw(picture: &Heat) -> Option<String> {
    let bounds = bounds(picture.rows)?;
    let left = 12.0 + width(picture.rows.iter().map(|row| row.label.as_str())).min(WIDTH / 3.0);
    let bottom = TOP + ROW * picture.rows.len() as f64;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"{}\" class=\"figure heat\">",
        bottom + 22.0,
        escape(picture.title)
    );
    key(&mut svg, picture, bounds, left);
    for (number, row) in picture.rows.iter().enumerate() {
        let top = TOP + ROW * number as f64;
        rows::begin(&mut svg, &row.label, &row.family, (left, top + ROW / 2.0));
        cells(&mut svg, picture, row, bounds, (left, top));
        svg.push_str("</g>");
    }
    let _ = write!(
        svg,
        "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text></svg>",
        (left + RIGHT) / 2.0,
        bottom + 15.0,
        escape(picture.axis)
    );
    Some(svg)
}

/// What the shades mean.
fn key(svg: &mut String, picture: &Heat, bounds: (f64, f64), left: f64) {
    let step = (bounds.1 / bounds.0).powf(1.0 / SHADES as f64);
    let across = (RIGHT - left) / SHADES as f64;
    for number in 0..SHADES {
        let x = left + across * number as f64;
        let from = bounds.0 * step.powi(i32::try_from(number).unwrap_or_default());
        let _ = write!(
            svg,
            "<rect class=\"heat-{number}\" x=\"{x:.1}\" y=\"2\" width=\"10\" height=\"10\"/><text class=\"tick\" x=\"{:.1}\" y=\"11\">{}</text>",
            x + 13.0,
            escape(&(picture.shown)(from))
        );
    }
}

fn cells(svg: &mut String, picture: &Heat, row: &HeatRow, bounds: (f64, f64), (left, top): (f64, f64)) {
    let count = row.cells.len().max(1) as f64;
    let room = (RIGHT - left - GAP * (count - 1.0)) / count;
    for (number, cell) in row.cells.iter().enumerate() {
        let values = columns(cell, COLUMNS / row.cells.len().max(1));
        let across = room / values.len().max(1) as f64;
        let begin = left + (room + GAP) * number as f64;
        let mut from = 0;
        // Neighbours of one shade are one piece.
        while from < values.len() {
            let own = shade(values[from], bounds);
            let until = (from..values.len())
                .find(|place| shade(values[*place], bounds) != own)
                .unwrap_or(values.len());
            let worst = values[from..until].iter().copied().fold(0.0, f64::max);
            let _ = write!(
                svg,
                "<rect class=\"heat-{own}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
                begin + across * from as f64,
                top + 2.0,
                across * (until - from) as f64,
                ROW - 4.0,
                escape(&format!("{}{}: up to {}", row.label, named(number, row), (picture.shown)(worst)))
            );
            from = until;
        }
    }
}

/// Which cell it is, where there are several.
fn named(number: usize, row: &HeatRow) -> String {
    if row.cells.len() > 1 { format!(", block {}", number + 1) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_seen_however_many_values_a_column_holds() {
        let mut values = vec![1e5; 1_000];
        values[500] = 1e8;
        let rows = [HeatRow { label: "a".into(), cells: vec![values.clone(), values], ..HeatRow::default() }];
        let svg = draw(&Heat { title: "t", axis: "x", shown: |v| format!("{v}"), rows: &rows }).unwrap();
        assert_eq!(svg.matches("heat-5").count(), 1 + 2, "the key, and both cells");
        assert!(svg.matches("<rect").count() < 20, "neighbours of one shade are one piece");
        let none = [HeatRow { label: "a".into(), cells: vec![vec![]], ..HeatRow::default() }];
        assert!(draw(&Heat { title: "t", axis: "x", shown: |v| format!("{v}"), rows: &none }).is_none());
    }

    #[test]
    fn shades_are_even_steps_from_the_least_to_the_most() {
        assert_eq!([1.0, 3.0, 11.0, 99.0, 100.0].map(|value| shade(value, (1.0, 100.0))), [0, 1, 3, 5, 5]);
    }
}

//! The map of designs and workloads as a picture of its own.

use std::fmt::Write;

use dyno_analysis::workloads::{Matrix, Standing};

use super::section::{shade, sign};
use super::{SHARE_WORDS, legend, mark, percent};
use crate::charts::{escape, rows, width};

const ROW: f64 = 20.0;
const COLUMN: f64 = 52.0;
const TOP: f64 = 26.0;
/// Between two places.
const GAP: f64 = 1.5;
/// Of the legend below the map, for each line.
const LINE: f64 = 17.0;

/// Draws the map; nothing where there is no workload or no design.
pub(crate) fn svg(matrix: &Matrix, words: &str) -> Option<String> {
    if matrix.rows.is_empty() || matrix.designs.is_empty() {
        return None;
    }
    let left = 14.0 + width(matrix.designs.iter().map(|line| line.label.as_str()));
    let (across, bottom) =
        (left + COLUMN * matrix.rows.len() as f64 + 6.0, TOP + ROW * matrix.designs.len() as f64);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {across:.0} {:.0}\" role=\"img\" aria-label=\"{}\" class=\"figure places\">",
        bottom + 2.0 * LINE + 8.0,
        escape(words)
    );
    for (number, row) in matrix.rows.iter().enumerate() {
        let _ = write!(
            svg,
            "<text class=\"name\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}<title>{}</title></text>",
            left + COLUMN * (number as f64 + 0.5),
            TOP - 8.0,
            escape(&row.workload.name),
            escape(&row.workload.idea)
        );
    }
    for (place, line) in matrix.designs.iter().enumerate() {
        let top = TOP + ROW * place as f64;
        rows::begin(&mut svg, &line.label, &line.family, (left, top + ROW / 2.0));
        for number in 0..matrix.rows.len() {
            one(&mut svg, matrix, place, number, (left + COLUMN * number as f64, top));
        }
        svg.push_str("</g>");
    }
    below(&mut svg, matrix, bottom + LINE);
    svg.push_str("</svg>");
    Some(svg)
}

/// A design under a workload: a shade, and its share of the best with the sign of how it stands.
fn one(svg: &mut String, matrix: &Matrix, place: usize, number: usize, (x, y): (f64, f64)) {
    let row = &matrix.rows[number];
    let score = &row.scores[place];
    let (sign, words) = sign(&score.standing);
    let kind = shade(score);
    let shown = percent(score).map(|percent| percent.to_string()).unwrap_or_default();
    let _ = write!(
        svg,
        "<g class=\"place {kind}\"><rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{} under {}: {words}</title></rect>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{shown}{sign}</text></g>",
        x + GAP / 2.0,
        y + GAP / 2.0,
        COLUMN - GAP,
        ROW - GAP,
        escape(&matrix.designs[place].label),
        escape(&row.workload.name),
        x + COLUMN / 2.0,
        y + ROW / 2.0 + 4.0,
    );
}

/// What the numbers and the signs are.
fn below(svg: &mut String, matrix: &Matrix, y: f64) {
    let standings =
        [Standing::Best, Standing::Jammed, Standing::Fails(String::new()), Standing::Unknown(String::new())];
    let known = legend(matrix);
    let signs = standings.iter().filter(|one| known.iter().any(|(known, _)| *known == mark(one)));
    let signs: Vec<String> = signs
        .map(|standing| {
            let (sign, words) = sign(standing);
            format!("{sign} {words}")
        })
        .collect();
    let short = SHARE_WORDS.split_once(':').map_or(SHARE_WORDS, |(short, _)| short);
    for (number, words) in
        [format!("{short}, by rate and by CPU per request."), signs.join(" \u{b7} ")].iter().enumerate()
    {
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"8\" y=\"{:.1}\">{}</text>",
            y + LINE * number as f64,
            escape(words)
        );
    }
}

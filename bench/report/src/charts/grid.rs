//! The grid behind lines: marks across both axes with their names, and what the axes show.

use std::fmt::Write;

use crate::charts::escape;

/// A grid; all places are those of the drawing.
#[derive(Debug)]
pub(crate) struct Grid<'a> {
    /// Marks of the horizontal axis, with their names.
    pub columns: Vec<(f64, String)>,
    /// Marks of the vertical axis, with their names.
    pub rows: Vec<(f64, String)>,
    /// From where to where it goes, from left to right.
    pub across: (f64, f64),
    /// From where to where it goes, from top to bottom.
    pub down: (f64, f64),
    /// The height of the chart, below whose middle the horizontal axis is named.
    pub height: f64,
    /// What the horizontal axis shows, and the vertical one.
    pub titles: (&'a str, &'a str),
}

impl Grid<'_> {
    /// Draws it.
    pub(crate) fn draw(&self) -> String {
        let mut svg = String::new();
        let ((left, right), (top, bottom)) = (self.across, self.down);
        for (place, name) in &self.columns {
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{place:.1}\" x2=\"{place:.1}\" y1=\"{top}\" y2=\"{bottom}\"/><text class=\"tick\" x=\"{place:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 16.0,
                escape(name)
            );
        }
        for (place, name) in &self.rows {
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{left:.1}\" x2=\"{right:.1}\" y1=\"{place:.1}\" y2=\"{place:.1}\"/><text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left - 6.0,
                place + 4.0,
                escape(name)
            );
        }
        let _ = write!(
            svg,
            "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text><text class=\"axis\" transform=\"translate(12 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            (left + right) / 2.0,
            self.height - 8.0,
            escape(self.titles.0),
            (top + bottom) / 2.0,
            escape(self.titles.1)
        );
        svg
    }
}

//! What pictures share that have a row for each contestant and one horizontal axis: the axis with its grid, names,
//! values of single cells, and intervals.

use std::fmt::Write;

use crate::charts::scale::ChartScale;
use crate::charts::{Shown, class, escape, tick};

/// The horizontal axis below the rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowAxis<'a> {
    /// From values to places.
    pub scale: &'a ChartScale,
    /// How values are written.
    pub shown: Shown,
    /// What it shows.
    pub title: &'a str,
    /// From where to where the grid goes, from left to right.
    pub across: (f64, f64),
    /// The same from top to bottom.
    pub down: (f64, f64),
}

/// Room below the rows for the marks of the axis and what it shows.
pub(crate) const AXIS_ROOM: f64 = 38.0;

impl RowAxis<'_> {
    /// Draws grid, marks and title.
    pub(crate) fn draw(&self, svg: &mut String) {
        let (top, bottom) = self.down;
        for value in self.scale.ticks() {
            let x = self.scale.place(value);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top}\" y2=\"{bottom}\"/><text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                bottom + 14.0,
                escape(&tick(&(self.shown)(value)))
            );
        }
        let _ = write!(
            svg,
            "<text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            (self.across.0 + self.across.1) / 2.0,
            bottom + 31.0,
            escape(self.title)
        );
    }
}

/// Begins the group of a row, with the contestant's name left of `left`; the caller ends it.
pub(crate) fn begin(svg: &mut String, label: &str, family: &str, (left, middle): (f64, f64)) {
    let _ = write!(
        svg,
        "<g class=\"row f-{}\" data-label=\"{1}\"><text class=\"name\" x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\">{1}</text>",
        class(family),
        escape(label),
        left - 6.0,
        middle + 4.0
    );
}

/// The values of single cells as dots.
pub(crate) fn dots(svg: &mut String, cells: &[f64], scale: &ChartScale, middle: f64) {
    for (number, cell) in cells.iter().enumerate() {
        // Values that are alike lie beside each other, not on each other.
        let aside = [0.0, -3.2, 3.2, -1.6, 1.6][number % 5];
        let _ = write!(
            svg,
            "<circle class=\"cell\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.6\"/>",
            scale.place(*cell),
            middle + aside
        );
    }
}

/// Draws a 95 % interval before whatever lies behind it, and gives the place where it ends.
pub(crate) fn whisker(
    svg: &mut String,
    (low, high): (f64, f64),
    scale: &ChartScale,
    middle: f64,
    shown: Shown,
) -> f64 {
    let (from, to) = (scale.place(low), scale.place(high));
    let path = format!(
        "M{from:.1} {0:.1}V{1:.1}M{from:.1} {middle:.1}H{to:.1}M{to:.1} {0:.1}V{1:.1}",
        middle - 4.0,
        middle + 4.0
    );
    let _ = write!(
        svg,
        "<path class=\"halo\" d=\"{path}\"/><path class=\"whisker\" d=\"{path}\"><title>{}</title></path>",
        escape(&format!("95 % interval: {} to {}", shown(low), shown(high)))
    );
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale() -> ChartScale {
        ChartScale::linear([100.0].into_iter(), 50.0, 200.0)
    }

    #[test]
    fn an_axis_names_its_marks_and_nothing_escapes() {
        let mut svg = String::new();
        let axis = RowAxis {
            scale: &scale(),
            shown: |value| format!("{value}"),
            title: "a < b",
            across: (50.0, 200.0),
            down: (4.0, 44.0),
        };
        axis.draw(&mut svg);
        assert_eq!(svg.matches("class=\"grid\"").count(), scale().ticks().len());
        assert!(
            svg.contains(">50</text>") && svg.contains("a &lt; b") && svg.contains("x=\"125.0\""),
            "{svg}"
        );
        begin(&mut svg, "<x>", "A b", (50.0, 10.0));
        assert!(svg.contains("f-a-b") && !svg.contains("<x>"), "{svg}");
    }

    #[test]
    fn an_interval_ends_where_its_higher_value_lies() {
        let mut svg = String::new();
        let end = whisker(&mut svg, (20.0, 80.0), &scale(), 10.0, |value| format!("{value}"));
        assert!((end - scale().place(80.0)).abs() < 1e-9);
        assert!(svg.contains("95 % interval: 20 to 80") && svg.contains("class=\"halo\""), "{svg}");
        dots(&mut svg, &[1.0, 1.0, 1.0], &scale(), 10.0);
        assert_eq!(svg.matches("class=\"cell\"").count(), 3);
    }
}

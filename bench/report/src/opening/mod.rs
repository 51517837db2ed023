//! The answer: one sentence with its ratios and their confidence, and one picture. Every form of a report opens with
//! both.
//!
//! What comes next in every form is the place for a table of several workloads: the first of
//! [`sections::all`](crate::sections::all) on the page, what follows [`terminal`] and [`markdown`] elsewhere.

pub(crate) mod along;
pub(crate) mod compare;
pub(crate) mod picture;
pub(crate) mod sentence;

use std::collections::BTreeMap;

use dyno_analysis::comparison::Model;
use dyno_analysis::levelling::Levelled;
use dyno_analysis::points::AxisKind;
use dyno_analysis::tiers::Tiers;
use dyno_units::text::wrap;

use crate::found::Found;

/// Columns of a terminal.
const COLUMNS: usize = 80;

/// What is ranked, in words.
#[derive(Debug, Clone)]
pub(crate) struct Quantity {
    /// `capacity`
    pub noun: String,
    /// `the highest capacity`
    pub best: String,
    /// What the axis shows.
    pub axis: &'static str,
    /// How values are written in sentences.
    pub told: fn(f64) -> String,
    /// How they are written in the picture, whose axis tells the unit.
    pub shown: fn(f64) -> String,
    /// Whether round values are powers of two.
    pub binary: bool,
    /// Whether a higher value is better.
    pub higher: bool,
    /// How a tie is told, and how sure the ratios are.
    pub sure: String,
}

/// The answer of a report.
#[derive(Debug, Clone)]
pub(crate) struct Opening {
    /// What is ranked.
    pub quantity: Quantity,
    /// How all stand.
    pub tiers: Tiers,
    /// The values of single cells, by label.
    pub cells: BTreeMap<String, Vec<f64>>,
    /// Those without a value, and why.
    pub left_out: Vec<(String, String)>,
    /// What has to be said besides: sentences.
    pub besides: Vec<String>,
}

impl Opening {
    /// The answer of an experiment; `None` where nothing was measured that could be ranked.
    pub(crate) fn of(model: &Model, records: &Levelled, found: &Found) -> Option<Opening> {
        match found {
            Found::Compared(_) => compare::opening(model),
            Found::Along(axis, trails) => match axis.kind {
                AxisKind::Offered => along::curve(records),
                AxisKind::Cores => along::scale(records, trails),
                AxisKind::Connections => along::connections(records, trails),
            },
            Found::Counted(_)
            | Found::InTurn(_)
            | Found::Isolated(_)
            | Found::Overloaded(_)
            | Found::Waited(_)
            | Found::Workloads(_) => None,
        }
    }

    /// The sentence, with what has to be said besides.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = vec![sentence::of(&self.quantity, &self.tiers)];
        words.extend(self.besides.iter().cloned());
        words
    }
}

/// The answer for a terminal of 80 columns.
pub(crate) fn terminal(opening: Option<&Opening>) -> String {
    let Some(opening) = opening else { return String::new() };
    let mut text = format!("\n{}", picture::text(opening));
    for words in opening.words() {
        text += &format!("\n{}\n", wrap(&words, COLUMNS));
    }
    text
}

/// The answer as Markdown.
pub(crate) fn markdown(opening: Option<&Opening>) -> String {
    let Some(opening) = opening else { return String::new() };
    let words: String = opening.words().iter().map(|words| format!("{words}\n\n")).collect();
    format!("{words}```text\n{}```\n\n", picture::text(opening))
}

//! The comparison as text, Markdown, CSV and JSON.

use std::fmt::Write;

use dyno_clients::outcome::Outcome;
use dyno_clients::report::{csv, text};
use dyno_statistics::verdict::ComparisonVerdict;
use dyno_units::paint::Paint;
use dyno_units::show;
use dyno_units::text::{cut_middle, wrap};
use serde_json::{Value, json};

use super::blocks::Rival;
use super::findings::{RivalFigure, RivalRatio, middle};
use crate::exit::Failure;
use crate::limits::TERMINAL_COLUMNS;
use crate::load::write::Format;

/// What was found: the sides, and the ratios of the first to each other one.
pub(crate) struct RivalTables<'a> {
    pub(crate) sides: &'a [Rival],
    pub(crate) ratios: &'a [Vec<RivalRatio>],
    pub(crate) whole: bool,
}

impl RivalTables<'_> {
    /// In the format that was asked for.
    ///
    /// # Errors
    /// When it cannot be written as JSON, which would be a fault of this program.
    pub(crate) fn written(&self, format: Format, paint: Paint) -> Result<String, Failure> {
        match format {
            Format::Text => Ok(self.text(paint)),
            Format::Markdown => Ok(self.markdown()),
            Format::Csv => Ok(self.csv()),
            Format::Json => serde_json::to_string_pretty(&self.json())
                .map(|text| text + "\n")
                .map_err(|error| Failure::failed(format!("cannot write JSON: {error}"), "")),
        }
    }

    /// Sentences on every other side.
    fn sentences(&self) -> Vec<String> {
        let first = self.sides[0].letter.to_string();
        let others = self.sides[1..].iter().zip(self.ratios);
        others
            .flat_map(|(other, ratios)| {
                let first = first.clone();
                ratios.iter().map(move |ratio| ratio.words(&first, &other.letter.to_string()))
            })
            .collect()
    }

    /// Rows: each side, and each other side's ratio; as many cells as there are figures, and the failures.
    fn rows(&self) -> Vec<(String, Vec<String>)> {
        let mut rows = Vec::new();
        for side in self.sides {
            let mut cells: Vec<String> = RivalFigure::ALL
                .map(|figure| match middle(figure, side) {
                    (None, _) => "–".to_string(),
                    (Some(value), _) => figure.shown(value),
                })
                .to_vec();
            cells.push(show::whole(side.blocks.iter().map(|block| block.outcome.counts.failed).sum()));
            rows.push((side.letter.to_string(), cells));
        }
        for (other, ratios) in self.sides[1..].iter().zip(self.ratios) {
            let shown = |of: fn(&dyno_statistics::bootstrap::Interval) -> String| -> Vec<String> {
                ratios.iter().map(|one| one.comparison.ratio.as_ref().map_or("–".into(), of)).collect()
            };
            rows.push((
                format!("{} : {}", self.sides[0].letter, other.letter),
                shown(|r| show::ratio(r.value)),
            ));
            let ends = |ratio: &dyno_statistics::bootstrap::Interval| {
                format!("{}–{}", show::three(ratio.low), show::three(ratio.high))
            };
            rows.push((String::new(), shown(ends)));
        }
        rows
    }

    fn text(&self, paint: Paint) -> String {
        let mut out = String::new();
        let blocks = self.sides[0].blocks.len();
        let _ = writeln!(
            out,
            "{}  {} in turn, {}",
            paint.bold("dyno load"),
            self.sides.len(),
            show::count(blocks, "block")
        );
        for side in self.sides {
            let _ = writeln!(out, "  {}  {}", side.letter, cut_middle(&side.url, TERMINAL_COLUMNS - 5));
        }
        if let Some(block) = self.sides[0].blocks.first() {
            let _ = writeln!(out, "     each block: {}", text::plan_line(&block.outcome.plan));
        }
        out.push('\n');
        for sentence in self.sentences() {
            let _ = writeln!(out, "{}", wrap(&sentence, TERMINAL_COLUMNS));
        }
        if !self.whole {
            out += "interrupted: these are the blocks that were done\n";
        }
        out.push('\n');
        let heads = RivalFigure::ALL.map(RivalFigure::name).into_iter().chain(["failed"]);
        let heading: String = heads.map(|name| format!("{name:>14}")).collect();
        let _ = writeln!(out, "{}", paint.dim(&format!("{:<8}{heading}", "")));
        for (name, cells) in self.rows() {
            let cells: String = cells.iter().map(|cell| format!("{cell:>14}")).collect();
            let _ = writeln!(out, "{name:<8}{cells}");
        }
        let _ = writeln!(out, "\n{}", paint.dim(&wrap(&self.legend(), TERMINAL_COLUMNS)));
        out
    }

    fn legend(&self) -> String {
        let counted = |side: &Rival| middle(RivalFigure::P99, side).1;
        let least = self.sides.iter().map(counted).min().unwrap_or(0);
        let blocks = self.sides[0].blocks.len();
        let void = match blocks - least.min(blocks) {
            0 => String::new(),
            void => format!(" {void} of {blocks} blocks do not count for latencies: they are void there."),
        };
        format!(
            "Medians of the blocks; below them the ratio, taken within the blocks, and the interval that holds it with \
             95 % confidence. A dash: not measured.{void}"
        )
    }

    fn markdown(&self) -> String {
        let mut out = String::new();
        for side in self.sides {
            let _ = writeln!(out, "- {}: `{}`", side.letter, side.url);
        }
        let heads: Vec<&str> =
            RivalFigure::ALL.map(RivalFigure::name).into_iter().chain(["failed"]).collect();
        let _ = writeln!(out, "\n| | {} |\n|---|{}", heads.join(" | "), "---:|".repeat(heads.len()));
        for (name, mut cells) in self.rows() {
            cells.resize(heads.len(), String::new());
            let _ = writeln!(out, "| {name} | {} |", cells.join(" | "));
        }
        let _ = writeln!(out, "\n{}", self.sentences().join("\n"));
        out
    }

    fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        let blocks = self.sides.iter().flat_map(|side| &side.blocks);
        blocks.map(|block| &block.outcome)
    }

    fn csv(&self) -> String {
        let rows: String = self.outcomes().map(|outcome| csv::row(outcome) + "\n").collect();
        format!("{}\n{rows}", csv::heading())
    }

    fn json(&self) -> Value {
        let sides: Vec<Value> = self
            .sides
            .iter()
            .map(|side| {
                let blocks: Vec<Value> = side
                    .blocks
                    .iter()
                    .map(|block| json!({ "cpu_per_answer_ns": block.cpu_per_answer_ns, "outcome": block.outcome }))
                    .collect();
                json!({ "name": side.letter, "url": side.url, "blocks": blocks })
            })
            .collect();
        let ratio = |(other, ratio): (&Rival, &RivalRatio)| {
            let found = ratio.comparison.ratio;
            json!({
                "figure": ratio.figure,
                "of": self.sides[0].letter,
                "to": other.letter,
                "ratio": found.map(|r| r.value),
                "low": found.map(|r| r.low),
                "high": found.map(|r| r.high),
                "blocks": found.map_or(0, |r| r.observations),
                "verdict": match ratio.comparison.verdict {
                    ComparisonVerdict::Higher => "higher",
                    ComparisonVerdict::Lower => "lower",
                    ComparisonVerdict::NoDifferenceSeen => "no-difference-seen",
                    ComparisonVerdict::TooFewBlocks => "too-few-blocks",
                },
            })
        };
        let pairs = self.sides[1..].iter().zip(self.ratios);
        let ratios: Vec<Value> =
            pairs.flat_map(|(other, all)| all.iter().map(move |one| (other, one))).map(ratio).collect();
        json!({ "schema_version": 1, "interrupted": !self.whole, "sides": sides, "ratios": ratios })
    }
}

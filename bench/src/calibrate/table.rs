//! What a calibration prints: for each tool, law and quantity the truth, the report, the error, the verdict.

use serde::Serialize;

use dyno_clients::report::paint::Paint;
use dyno_clients::units::show_ns;
use dyno_clients::verdict::Verdict;

/// One comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The law, in words.
    pub law: String,
    /// The tool, in words.
    pub tool: String,
    /// What is compared: a percentile, the mean wait, a lag.
    pub quantity: String,
    /// The truth, ns; for a lag and other limits: the most that it may be.
    pub true_ns: f64,
    /// The report, ns; absent when the tool does not tell it.
    pub reported_ns: Option<f64>,
    /// By how much the report may be off, as a share of the truth; absent: it may be at most the truth.
    pub tolerance: Option<f64>,
    /// Whether a miss is a failure of the calibration; for foreign tools it is a finding.
    pub binding: bool,
}

impl Row {
    /// The error as a share of the truth.
    pub fn error(&self) -> Option<f64> {
        self.reported_ns.map(|reported| reported / self.true_ns - 1.0)
    }

    /// Whether the report is right.
    pub fn is_right(&self) -> bool {
        match (self.error(), self.tolerance) {
            (None, _) => false,
            (Some(error), Some(tolerance)) => error.abs() <= tolerance,
            (Some(error), None) => error <= 0.0,
        }
    }

    fn word(&self) -> (Verdict, String) {
        match (self.error(), self.is_right()) {
            (None, _) => (Verdict::Doubtful, "not told".into()),
            (Some(_), true) => (Verdict::Sound, "right".into()),
            (Some(error), false) if !self.binding && error < -0.5 => (Verdict::Void, "hides it".into()),
            (Some(_), false) => (Verdict::Void, "WRONG".into()),
        }
    }
}

/// The heading.
pub fn heading(paint: Paint) -> String {
    paint.dim(&format!(
        "{:<22} {:<17} {:<10} {:>8} {:>8} {:>8}\n",
        "law", "tool", "quantity", "true", "told", "error"
    ))
}

/// One row, with its line end.
pub fn line(row: &Row, paint: Paint) -> String {
    let told = row.reported_ns.map_or("–".into(), show_ns);
    let error = match (row.error(), row.tolerance) {
        (None, _) => "–".into(),
        (Some(error), Some(_)) => format!("{:+.1} %", error * 100.0),
        (Some(_), None) => "at most".into(),
    };
    let (verdict, word) = row.word();
    format!(
        "{:<22} {:<17} {:<10} {:>8} {:>8} {:>8} {}\n",
        row.law,
        row.tool,
        row.quantity,
        show_ns(row.true_ns),
        told,
        error,
        paint.verdict(verdict, &word)
    )
}

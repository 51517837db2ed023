//! The output of a calibration: for each tool, law and quantity the truth, the report, the error and the verdict.

use serde::Serialize;

use crate::limits::CALIBRATION_OTHERS_SHARE;
use dyno_units::paint::Paint;
use dyno_units::show;
use dyno_units::verdict::Verdict;
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct CalibrationRow {
    /// The law, in words.
    pub(crate) law: String,
    /// The tool, in words.
    pub(crate) tool: String,
    /// The quantity that is compared: a percentile, the mean wait, a lag.
    pub(crate) quantity: String,
    /// The truth, ns; for a lag and other limits the largest value that is allowed.
    pub(crate) true_ns: f64,
    /// The report, ns; absent when the tool does not report the quantity.
    pub(crate) reported_ns: Option<f64>,
    /// How far the report may be from the truth, as a share of the truth; absent when the truth is a limit.
    pub(crate) tolerance: Option<f64>,
    /// Whether a wrong report is a failure of the calibration; for foreign tools it is only shown.
    pub(crate) binding: bool,
    /// How much of the machine other programs and the hypervisor used meanwhile, in cores.
    pub(crate) others_share: f64,
}

/// The outcome of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowStanding {
    /// The report is within its tolerance.
    Right,
    /// The report is outside of its tolerance, and no other program used the machine.
    Wrong,
    /// The report is outside of its tolerance, and other programs used the machine, so nothing follows from it.
    Void,
    /// The tool does not report the quantity.
    NotTold,
}

impl CalibrationRow {
    /// The error as a share of the truth.
    pub(crate) fn error(&self) -> Option<f64> {
        self.reported_ns.map(|reported| reported / self.true_ns - 1.0)
    }

    /// Whether the report is right.
    pub(crate) fn is_right(&self) -> bool {
        match (self.error(), self.tolerance) {
            (None, _) => false,
            (Some(error), Some(tolerance)) => error.abs() <= tolerance,
            (Some(error), None) => error <= 0.0,
        }
    }

    /// The outcome of the comparison.
    pub(crate) fn standing(&self) -> RowStanding {
        match self.error() {
            None => RowStanding::NotTold,
            Some(_) if self.is_right() => RowStanding::Right,
            Some(_) if self.binding && self.others_share > CALIBRATION_OTHERS_SHARE => RowStanding::Void,
            Some(_) => RowStanding::Wrong,
        }
    }

    fn word(&self) -> (Verdict, String) {
        match (self.standing(), self.error()) {
            (RowStanding::NotTold, _) => (Verdict::Doubtful, "not told".into()),
            (RowStanding::Right, _) => (Verdict::Sound, "right".into()),
            (RowStanding::Void, _) => (Verdict::Doubtful, "void".into()),
            (RowStanding::Wrong, Some(error)) if !self.binding && error < -0.5 => {
                (Verdict::Void, "hides it".into())
            }
            (RowStanding::Wrong, _) => (Verdict::Void, "WRONG".into()),
        }
    }
}
pub(crate) fn heading(paint: Paint) -> String {
    paint.dim(&format!(
        "{:<20} {:<14} {:<9} {:>7} {:>7} {:>8}\n",
        "law", "tool", "quantity", "true", "told", "error"
    ))
}

/// One row, with its line end.
pub(crate) fn line(row: &CalibrationRow, paint: Paint) -> String {
    let told = row.reported_ns.map_or("–".into(), show::time);
    let error = match (row.error(), row.tolerance) {
        (None, _) => "–".into(),
        (Some(error), Some(_)) => format!("{:+.1} %", error * 100.0),
        (Some(_), None) => "at most".into(),
    };
    let (verdict, word) = row.word();
    format!(
        "{:<20} {:<14} {:<9} {:>7} {:>7} {:>8} {}\n",
        row.law,
        row.tool,
        row.quantity,
        show::time(row.true_ns),
        told,
        error,
        paint.verdict(verdict.tone(), &word)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(reported_ns: Option<f64>, others_share: f64, binding: bool) -> CalibrationRow {
        CalibrationRow {
            law: "stall 0.1 s each 1 s".into(),
            tool: "dyno, constant".into(),
            quantity: "mean wait".into(),
            true_ns: 100.0,
            reported_ns,
            tolerance: Some(0.02),
            binding,
            others_share,
        }
    }

    #[test]
    fn a_busy_machine_excuses_what_is_wrong_and_nothing_else() {
        for (reported_ns, others_share, binding, standing, word) in [
            (Some(101.0), 0.0, true, RowStanding::Right, "right"),
            (Some(101.0), 0.9, true, RowStanding::Right, "right"),
            (Some(103.0), 0.0, true, RowStanding::Wrong, "WRONG"),
            (Some(97.0), 0.2, true, RowStanding::Void, "void"),
            (Some(97.0), 0.2, false, RowStanding::Wrong, "WRONG"),
            (Some(10.0), 0.0, false, RowStanding::Wrong, "hides it"),
            (None, 0.9, true, RowStanding::NotTold, "not told"),
        ] {
            let row = row(reported_ns, others_share, binding);
            assert_eq!((row.standing(), row.word().1.as_str()), (standing, word));
            assert!(line(&row, Paint(false)).trim_end().chars().count() <= 80);
        }
    }
}

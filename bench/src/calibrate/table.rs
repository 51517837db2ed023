//! The output of a calibration: for each law and tool the load that arrived, and for each quantity the truth, the
//! report, the error, the error that is allowed, and the verdict.

use serde::Serialize;

use crate::calibrate::reference::Arrived;
use crate::limits::{CALIBRATION_LATE_SHARE, CALIBRATION_OTHERS_SHARE};
use dyno_units::paint::Paint;
use dyno_units::show;
use dyno_units::verdict::Verdict;

/// One comparison.
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
    /// How much later than its law the reference server was, ns: an error that no tool is to blame for.
    pub(crate) server_late_ns: f64,
}

/// The outcome of a comparison, by one rule for every tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowStanding {
    /// The report is within its tolerance.
    Right,
    /// The report is outside of its tolerance, and nothing disturbed it.
    Wrong,
    /// The report is outside of its tolerance, and something disturbed it; or it cannot be, such as a negative time.
    Void,
    /// The tool does not report the quantity.
    NotTold,
}

impl CalibrationRow {
    /// The error as a share of the truth.
    pub(crate) fn error(&self) -> Option<f64> {
        self.reported_ns.map(|reported| reported / self.true_ns - 1.0)
    }

    /// The outcome of the comparison.
    pub(crate) fn standing(&self) -> RowStanding {
        let (Some(reported_ns), Some(error)) = (self.reported_ns, self.error()) else {
            return RowStanding::NotTold;
        };
        let allowed = self.tolerance.unwrap_or(0.0);
        let fits = match self.tolerance {
            Some(tolerance) => error.abs() <= tolerance,
            None => error <= 0.0,
        };
        let others = self.others_share > CALIBRATION_OTHERS_SHARE;
        let late =
            self.tolerance.is_some() && self.server_late_ns > allowed * self.true_ns * CALIBRATION_LATE_SHARE;
        match fits {
            _ if reported_ns < 0.0 => RowStanding::Void,
            true => RowStanding::Right,
            false if others || late => RowStanding::Void,
            false => RowStanding::Wrong,
        }
    }
}

impl RowStanding {
    /// As the table says it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            RowStanding::Right => "right",
            RowStanding::Wrong => "wrong",
            RowStanding::Void => "void",
            RowStanding::NotTold => "not told",
        }
    }

    fn verdict(self) -> Verdict {
        match self {
            RowStanding::Right => Verdict::Sound,
            RowStanding::Wrong => Verdict::Void,
            RowStanding::Void | RowStanding::NotTold => Verdict::Doubtful,
        }
    }
}

/// The head of the table.
pub(crate) fn heading(paint: Paint) -> String {
    paint.dim(&format!(
        "{:<17} {:<10} {:>8} {:>8} {:>9} {:>8}\n",
        "tool", "quantity", "true", "told", "error", "allowed"
    ))
}

/// One row, with its line end.
pub(crate) fn line(row: &CalibrationRow, paint: Paint) -> String {
    let told = row.reported_ns.map_or("–".into(), show::time);
    let error = match (row.error(), row.tolerance) {
        (Some(error), Some(_)) => format!("{:+.1} %", error * 100.0),
        (None, _) | (_, None) => "–".into(),
    };
    let allowed = row.tolerance.map_or("at most".into(), |tolerance| format!("±{}", show::share(tolerance)));
    let standing = row.standing();
    format!(
        "{:<17} {:<10} {:>8} {told:>8} {error:>9} {allowed:>8} {}\n",
        row.tool,
        row.quantity,
        show::time(row.true_ns),
        paint.verdict(standing.verdict().tone(), standing.word())
    )
}

/// The load that arrived at the server, with its line end: what a tool was asked for and made of it.
pub(crate) fn arrived_line(tool: &str, planned_per_s: Option<f64>, arrived: &Arrived) -> String {
    let rate = |per_s: f64| format!("{}/s", show::rate(per_s));
    format!(
        "{tool:<17} {:<10} {:>8} {:>8}  gaps vary by {:.2}\n",
        "arrivals",
        planned_per_s.map_or("–".into(), rate),
        rate(arrived.rate_per_s),
        arrived.gap_variation
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(reported_ns: Option<f64>, others_share: f64, server_late_ns: f64) -> CalibrationRow {
        CalibrationRow {
            law: "stall 0.1 s each 1 s".into(),
            tool: "dyno, constant".into(),
            quantity: "mean wait".into(),
            true_ns: 100.0,
            reported_ns,
            tolerance: Some(0.02),
            binding: true,
            others_share,
            server_late_ns,
        }
    }

    #[test]
    fn what_disturbed_a_run_excuses_what_is_wrong_and_nothing_else_for_every_tool() {
        for (reported_ns, others_share, late_ns, standing) in [
            (Some(101.0), 0.0, 0.0, RowStanding::Right),
            (Some(101.0), 0.9, 9.0, RowStanding::Right),
            (Some(103.0), 0.0, 0.5, RowStanding::Wrong),
            (Some(97.0), 0.2, 0.0, RowStanding::Void),
            (Some(103.0), 0.0, 2.0, RowStanding::Void),
            (Some(10.0), 0.0, 0.0, RowStanding::Wrong),
            // A mean wait below zero, as the floor of the machine was measured in a worse moment than the wait.
            (Some(-732.0), 0.0, 0.0, RowStanding::Void),
            (None, 0.9, 9.0, RowStanding::NotTold),
        ] {
            for (tool, binding) in
                [("dyno, constant", true), ("dyno, closed loop", false), ("autocannon", false)]
            {
                let row =
                    CalibrationRow { tool: tool.into(), binding, ..row(reported_ns, others_share, late_ns) };
                assert_eq!(row.standing(), standing, "{row:?}");
                assert!(line(&row, Paint(false)).trim_end().chars().count() <= 80);
            }
        }
        let limit = CalibrationRow { tolerance: None, ..row(Some(101.0), 0.0, 50.0) };
        assert_eq!(limit.standing(), RowStanding::Wrong);
        assert_eq!(CalibrationRow { others_share: 0.2, ..limit }.standing(), RowStanding::Void);
    }

    #[test]
    fn every_line_of_a_table_fits_a_terminal() {
        let arrived = Arrived { requests: 5, rate_per_s: 123_456.7, gap_variation: 20.7 };
        let mut worst = row(Some(-123_456_789.0), 0.0, 0.0);
        worst.tool = "dyno, closed loop".into();
        worst.tolerance = Some(0.125);
        for text in [
            heading(Paint(false)),
            line(&worst, Paint(false)),
            arrived_line("dyno, closed loop", Some(20_000.0), &arrived),
            arrived_line("wrk", None, &arrived),
        ] {
            assert!(text.trim_end().chars().count() <= 80, "{text}");
        }
        assert!(line(&worst, Paint(false)).contains("±12.5 %"));
    }
}

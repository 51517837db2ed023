//! One job for all generators, and one form for what they report of it.

use dyno_units::show;

/// A load: what each generator of a case is asked for. One that cannot keep a rate goes as fast as its connections let
/// it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Job {
    pub(crate) connections: u32,
    /// Requests a second.
    pub(crate) rate_per_s: f64,
    /// Length, run-in not included.
    pub(crate) seconds: u64,
}

impl Job {
    /// For generators whose connections keep a rate each.
    pub(crate) fn rate_per_connection(&self) -> f64 {
        self.rate_per_s / f64::from(self.connections)
    }

    /// As the case is headed.
    pub(crate) fn words(&self) -> String {
        format!(
            "{}/s, {}, {} s",
            self.rate_per_s,
            show::many(u64::from(self.connections), "connection"),
            self.seconds
        )
    }
}

/// The quantiles that are asked of a report.
pub(crate) const QUANTILES: [f64; 4] = [0.5, 0.95, 0.99, 0.999];

/// What a generator reports.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ToolReport {
    pub(crate) mean_ns: Option<f64>,
    /// Percentiles: quantile and ns.
    pub(crate) percentiles: Vec<(f64, f64)>,
}

impl ToolReport {
    /// Of single latencies, ns.
    pub(crate) fn of_values(mut values: Vec<f64>) -> Self {
        if values.is_empty() {
            return ToolReport::default();
        }
        values.sort_by(f64::total_cmp);
        // The smallest value below or at which the share of the quantile lies.
        let at = |q: f64| values[((values.len() as f64 * q).ceil() as usize).clamp(1, values.len()) - 1];
        ToolReport {
            mean_ns: Some(values.iter().sum::<f64>() / values.len() as f64),
            percentiles: QUANTILES.iter().map(|&q| (q, at(q))).collect(),
        }
    }

    /// The value at `quantile`, if it was reported.
    pub(crate) fn quantile_ns(&self, quantile: f64) -> Option<f64> {
        self.percentiles.iter().find(|p| (p.0 - quantile).abs() < 1e-9).map(|p| p.1)
    }
}

//! Shares of cores as containers have them: a control group may use so much CPU time in each period, and stands still
//! for the rest of it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a control group may use.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct CpuQuota {
    /// Thousandths of a core.
    pub millicores: u32,
    /// Length of a period, in microseconds.
    pub period_us: u32,
}

impl CpuQuota {
    /// In cores.
    pub fn cores(self) -> f64 {
        f64::from(self.millicores) / 1e3
    }

    /// CPU time in each period, in microseconds.
    pub fn quota_us(self) -> u64 {
        u64::from(self.millicores) * u64::from(self.period_us) / 1000
    }

    /// Cores that a server needs to use it up: whole ones, and no more of them than are needed.
    pub fn whole_cores(self) -> usize {
        self.millicores.div_ceil(1000).max(1) as usize
    }
}

impl fmt::Display for CpuQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cores, period_ms) = (self.cores(), f64::from(self.period_us) / 1e3);
        write!(f, "{cores} of a core in each {period_ms} ms")
    }
}

/// What a quota did to a contestant, from the end of the warm-up until the load was over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct QuotaFigures {
    /// Time in which that was counted, in seconds.
    pub seconds: f64,
    /// Periods in which the group ran at all.
    pub periods: u64,
    /// Those of them in which it was stopped.
    pub throttled_periods: u64,
    /// For how long it was stopped, added up over its cores, in seconds.
    pub throttled_seconds: f64,
}

impl QuotaFigures {
    /// Share of the periods in which the group was stopped; `None` without any.
    pub fn throttled_share(&self) -> Option<f64> {
        (self.periods > 0).then(|| self.throttled_periods as f64 / self.periods as f64)
    }

    /// For which share of the time each of so many cores stood still in the mean.
    pub fn still_share(&self, cores: usize) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.throttled_seconds / self.seconds / cores.max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_in_the_units_of_the_kernel_and_of_people() {
        let quota = |millicores| CpuQuota { millicores, period_us: 100_000 };
        assert_eq!((quota(250).quota_us(), quota(1_500).quota_us()), (25_000, 150_000));
        assert_eq!([250, 1_000, 1_500, 2_000].map(|m| quota(m).whole_cores()), [1, 1, 2, 2]);
        assert_eq!(quota(250).to_string(), "0.25 of a core in each 100 ms");
        let figures =
            QuotaFigures { seconds: 2.0, periods: 20, throttled_periods: 15, throttled_seconds: 1.5 };
        assert_eq!((figures.throttled_share(), figures.still_share(2)), (Some(0.75), Some(0.375)));
        assert_eq!(QuotaFigures::default().throttled_share(), None);
    }
}

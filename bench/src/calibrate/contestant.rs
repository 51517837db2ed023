//! Who takes part in a calibration: Dyno's generator in several ways of using it, and those of others.

use dyno_clients::outcome::Outcome as Run;

use crate::calibrate::error::CalibrationError;
use crate::calibrate::job::{Job, QUANTILES, Report};
use crate::calibrate::own;
use crate::calibrate::tools::{self, Tool};

/// A generator, and how it is used.
pub(crate) enum Contestant {
    /// `dyno load --rate`, with these words for the arrivals.
    Dyno { arrivals: &'static str, seed: u64 },
    /// What `dyno load --rate` tells from the send on, as a generator does that corrects nothing.
    Naive,
    /// `dyno load` without a rate.
    ClosedLoop,
    /// A generator by others.
    Tool(&'static Tool),
}

impl Contestant {
    /// The others that are installed.
    pub(crate) fn others() -> impl Iterator<Item = Contestant> {
        tools::ALL.iter().filter(|tool| tool.is_installed()).map(Contestant::Tool)
    }

    /// In the table.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Contestant::Dyno { arrivals: "poisson", .. } => "dyno, poisson",
            Contestant::Dyno { .. } => "dyno",
            Contestant::Naive => "dyno, naive",
            Contestant::ClosedLoop => "dyno, closed loop",
            Contestant::Tool(tool) => tool.name,
        }
    }

    /// Whether its values decide about the calibration.
    pub(crate) fn is_binding(&self) -> bool {
        matches!(self, Contestant::Dyno { .. })
    }

    /// Whether it was asked to keep the rate of its job.
    pub(crate) fn keeps_rate(&self) -> bool {
        match self {
            Contestant::Dyno { .. } | Contestant::Naive => true,
            Contestant::ClosedLoop => false,
            Contestant::Tool(tool) => tool.keeps_rate,
        }
    }

    /// Does the job on the CPUs of the calling thread.
    ///
    /// # Errors
    /// When the generator gives no result.
    pub(crate) fn run(&self, job: &Job, url: &str) -> Result<(Report, Option<Run>), CalibrationError> {
        let (connections, rate, seconds) = (job.connections, job.rate_per_s, job.seconds);
        let words = match self {
            Contestant::Tool(tool) => return Ok((tool.run(job, url)?, None)),
            Contestant::Dyno { arrivals, seed } => {
                format!(
                    "-c {connections} --rate {rate} --arrivals {arrivals} -d {seconds}s -w 1s --seed {seed}"
                )
            }
            Contestant::Naive => {
                format!("-c {connections} --rate {rate} --arrivals constant -d {seconds}s -w 1s")
            }
            Contestant::ClosedLoop => format!("-c {connections} -d {seconds}s -w 0"),
        };
        let words: Vec<String> = words.split_whitespace().map(String::from).collect();
        let run = own::load(url, &words)?;
        let told = if matches!(self, Contestant::Naive) { &run.latency.response } else { &run.latency.total };
        let at = |&quantile: &f64| Some((quantile, told.percentile_ns(quantile)? as f64));
        let percentiles = QUANTILES.iter().filter_map(at).collect();
        Ok((Report { mean_ns: Some(told.mean_ns), percentiles }, Some(run)))
    }
}

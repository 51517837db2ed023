//! Who takes part in a calibration: Dyno's generator in several ways of using it, and those of others.

use dyno_clients::outcome::Outcome as Run;

use crate::calibrate::error::CalibrationError;
use crate::calibrate::job::{Job, QUANTILES, ToolReport};
use crate::calibrate::own;
use crate::calibrate::tools::{self, Tool};

/// A generator, and how it is used.
pub(crate) enum Participant {
    /// `dyno load --rate`, with these words for the arrivals.
    Dyno { arrivals: &'static str, seed: u64 },
    /// What `dyno load --rate` tells from the send on, as a generator does that corrects nothing.
    Naive,
    /// `dyno load` without a rate.
    ClosedLoop,
    /// A generator by others.
    Tool(&'static Tool),
}

impl Participant {
    /// The others that are installed.
    pub(crate) fn others() -> impl Iterator<Item = Participant> {
        tools::ALL.iter().filter(|tool| tool.is_installed()).map(Participant::Tool)
    }

    /// In the table.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Participant::Dyno { arrivals: "poisson", .. } => "dyno, poisson",
            Participant::Dyno { .. } => "dyno",
            Participant::Naive => "dyno, naive",
            Participant::ClosedLoop => "dyno, closed loop",
            Participant::Tool(tool) => tool.name,
        }
    }

    /// Whether its values decide about the calibration.
    pub(crate) fn is_binding(&self) -> bool {
        matches!(self, Participant::Dyno { .. })
    }

    /// Whether it was asked to keep the rate of its job.
    pub(crate) fn keeps_rate(&self) -> bool {
        match self {
            Participant::Dyno { .. } | Participant::Naive => true,
            Participant::ClosedLoop => false,
            Participant::Tool(tool) => tool.keeps_rate,
        }
    }

    /// Does the job on the CPUs of the calling thread.
    ///
    /// # Errors
    /// When the generator gives no result.
    pub(crate) fn run(&self, job: &Job, url: &str) -> Result<(ToolReport, Option<Run>), CalibrationError> {
        let (connections, rate, seconds) = (job.connections, job.rate_per_s, job.seconds);
        let words = match self {
            Participant::Tool(tool) => return Ok((tool.run(job, url)?, None)),
            Participant::Dyno { arrivals, seed } => {
                format!(
                    "-c {connections} --rate {rate} --arrivals {arrivals} -d {seconds}s -w 1s --seed {seed}"
                )
            }
            Participant::Naive => {
                format!("-c {connections} --rate {rate} --arrivals constant -d {seconds}s -w 1s")
            }
            Participant::ClosedLoop => format!("-c {connections} -d {seconds}s -w 0"),
        };
        let words: Vec<String> = words.split_whitespace().map(String::from).collect();
        let run = own::load(url, &words)?;
        let told =
            if matches!(self, Participant::Naive) { &run.latency.response } else { &run.latency.total };
        let at = |&quantile: &f64| Some((quantile, told.percentile_ns(quantile)? as f64));
        let percentiles = QUANTILES.iter().filter_map(at).collect();
        Ok((ToolReport { mean_ns: Some(told.mean_ns), percentiles }, Some(run)))
    }
}

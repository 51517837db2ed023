//! What has to be known of a plan to judge a run of it. It can be written to a file, where a plan itself, with its keys
//! and the octets of its requests, cannot.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::as_run::{Load, PlanAsRun};
use crate::plan::pacer::Arrivals;
use crate::plan::share::PlanShare;
use crate::plan::{Pace, Plan};

/// The terms of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Terms {
    /// The plan, with every default filled in.
    pub plan: PlanAsRun,
    /// Whether connections end during the run because the plan wants it.
    pub come_and_go: bool,
    /// Share of failed requests from which on the run is void.
    pub errors_max: f64,
    /// Octets of each request of the mix, head and body.
    pub request_octets: Vec<u64>,
    /// The recorded arrivals; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<TraceTerms>,
}

/// What tells one recorded trace from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceTerms {
    /// How many arrivals it has.
    pub arrivals: u64,
    /// When the last of them is due, ns from the start.
    pub last_ns: u64,
    /// A checksum of all their times (FNV-1a of 32 bits).
    pub checksum: u32,
}

impl Terms {
    /// The terms of a plan.
    pub fn of(plan: &Plan) -> Self {
        let trace = match &plan.pace {
            Pace::Open { arrivals: Arrivals::Trace(times), .. } => Some(TraceTerms::of(times)),
            Pace::Open { .. } | Pace::Closed { .. } => None,
        };
        Terms {
            plan: plan.as_run(),
            come_and_go: plan.come_and_go(),
            errors_max: plan.errors_max,
            request_octets: plan.mix.iter().map(|request| request.wire.len() as u64).collect(),
            trace,
        }
    }

    /// Which part of the plan was run.
    pub fn share(&self) -> PlanShare {
        self.plan.part.unwrap_or_default()
    }

    /// What of the planned rate the run was to offer.
    pub fn rate_share(&self) -> f64 {
        1.0 / f64::from(self.share().of.max(1))
    }

    /// When the last request may fall due, ns from the start; `None` if only their number ends the run.
    pub fn end_ns(&self) -> Option<u64> {
        self.plan.duration_ns.map(|ns| self.plan.warmup_ns.saturating_add(ns))
    }

    /// Whether the loop is closed and without a pause, so that the run finds a rate.
    pub fn finds_rate(&self) -> bool {
        self.plan.load == Load::Closed { think_ns: 0 }
    }

    /// The same of all parts together, on whatever cores each of them ran.
    #[must_use]
    pub fn of_whole(&self) -> Terms {
        let plan = PlanAsRun { part: None, placement: Default::default(), ..self.plan.clone() };
        Terms { plan, ..self.clone() }
    }
}

impl TraceTerms {
    fn of(times: &[u64]) -> Self {
        let octets = times.iter().flat_map(|time| time.to_le_bytes());
        let checksum =
            octets.fold(0x811c_9dc5_u32, |sum, octet| (sum ^ u32::from(octet)).wrapping_mul(0x0100_0193));
        TraceTerms {
            arrivals: times.len() as u64,
            last_ns: times.last().copied().unwrap_or_default(),
            checksum,
        }
    }
}

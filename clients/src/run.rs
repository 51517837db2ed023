//! From a plan to its outcome: runs the engine, closes the books, calls the audit.

use std::sync::Arc;

use crate::books::glance::Glance;
use crate::books::series::Spread;
use crate::books::tally::RunTally;
use crate::engine::live::Live;
use crate::engine::usage::Meter;
use crate::engine::{self, EngineError, Measured};
use crate::exchange::{Exchange, ExchangeError, exchange};
use crate::failure::Cause;
use crate::limits::DEPENDENCE_INTERVALS_MIN;
use crate::outcome::verdict::Figures;
use crate::outcome::{Counts, Distribution, Generator, Latency, Outcome, Rates, SCHEMA_VERSION};
use crate::plan::as_run::Stretch;
use crate::plan::request::ExpectedBody;
use crate::plan::{Pace, Plan};
use crate::verdict::facts::{AnswerFacts, Facts, GeneratorFacts, LatencyFacts, PlanFacts};
use crate::verdict::self_check::audit;

/// Carries out `plan` and judges the run. `watch` gets news some ten times a second; `live` can end the run early.
/// A program that knows what its user can do about failures calls [`engine::run`] and [`judge`] instead.
///
/// # Errors
/// [`EngineError`] when no run could be made. A bad run is no error: its audit says so.
pub fn run(
    plan: &Arc<Plan>,
    live: &Arc<Live>,
    watch: &mut dyn FnMut(&Glance),
) -> Result<Outcome, EngineError> {
    let measured = engine::run(plan, live, watch)?;
    Ok(judge(plan, &measured, |_| None))
}

/// Why the first answer to a request is not known.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// No answer came.
    #[error("{request}: {error}")]
    Exchange {
        /// The request, as method and target.
        request: String,
        /// What went wrong.
        error: ExchangeError,
    },
    /// An answer came that is not the expected one.
    #[error("{request}: the first answer has status {status}")]
    Status {
        /// The request, as method and target.
        request: String,
        /// The status of the answer.
        status: u16,
    },
}

impl LearnError {
    /// What it suggests.
    pub fn cause(&self) -> Cause {
        match self {
            LearnError::Exchange { error, .. } => error.cause(),
            LearnError::Status { .. } => Cause::Other,
        }
    }
}

/// Fetches the answer of each request that shall always get the same, once, and expects it from then on.
///
/// # Errors
/// Says which request got no answer, or not the expected status.
pub fn learn(plan: &mut Plan) -> Result<(), LearnError> {
    for request in &mut plan.mix {
        if !matches!(request.expect.body, ExpectedBody::Same) {
            continue;
        }
        let of = || format!("{} {}", request.method, request.target);
        let Exchange { status, body, .. } =
            exchange(&plan.address, &plan.transport, &request.wire, request.is_head(), plan.timeout_ns)
                .map_err(|error| LearnError::Exchange { request: of(), error })?;
        if !request.expect.accepts_status(status) {
            return Err(LearnError::Status { request: of(), status });
        }
        request.expect.body = ExpectedBody::Exactly(body.into());
    }
    Ok(())
}

/// Closes the books of a run and calls the audit. `advise` names the remedy where nothing but failures came, by the
/// cause of most of them. Pure: the tests judge runs that were never made.
pub fn judge(
    plan: &Plan,
    measured: &Measured,
    advise: impl FnOnce(Cause) -> Option<&'static str>,
) -> Outcome {
    let tally = &measured.tally;
    let window = Window::of(plan, measured);
    let dependence = dependence(&window.spread(tally), &tally.total.distribution(1.0));
    let latency = latency(tally, dependence);
    let rates = rates(&tally.counts, window.seconds);
    let generator = generator(&measured.meters, tally.counts.completed);
    let halves = window.halves().map(|half| half.spread(tally));
    let facts = Facts {
        plan: plan_facts(plan),
        window_ns: measured.window_ns,
        partial: measured.partial.map(|partial| (partial, measured.ended_ns)),
        rates: rates.clone(),
        answers: answer_facts(&tally.counts, tally.usual_cause().and_then(advise)),
        latency: latency_facts(tally, &latency.total, &halves),
        connections: measured.connections.clone(),
        generator: GeneratorFacts {
            busy_share: generator.busy_share,
            preempted_per_s: generator.switches_involuntary as f64 / window.seconds,
        },
        figures: figures(plan, measured, &halves, dependence),
    };
    Outcome {
        schema_version: SCHEMA_VERSION,
        program: format!("dyno {}", env!("CARGO_PKG_VERSION")),
        started_unix_ms: measured.started_unix_ms,
        plan: plan.as_run(),
        partial: measured.partial,
        window_ns: measured.window_ns,
        counts: tally.counts.clone(),
        rates,
        latency,
        errors: tally.errors(),
        series: tally.series.series(),
        generator,
        connections: measured.connections.clone(),
        audit: audit(&facts),
        thresholds: Vec::new(),
    }
}

/// The measured window, or a part of it.
struct Window {
    from_ns: u64,
    to_ns: u64,
    /// Its length, and above zero for whatever is divided by it.
    seconds: f64,
}

impl Window {
    fn of(plan: &Plan, measured: &Measured) -> Self {
        Window::between(plan.warmup_ns, plan.warmup_ns + measured.window_ns)
    }

    fn between(from_ns: u64, to_ns: u64) -> Self {
        Window { from_ns, to_ns, seconds: ((to_ns - from_ns) as f64 / 1e9).max(1e-9) }
    }

    fn halves(&self) -> [Window; 2] {
        let middle_ns = self.from_ns + (self.to_ns - self.from_ns) / 2;
        [Window::between(self.from_ns, middle_ns), Window::between(middle_ns, self.to_ns)]
    }

    /// The means of the intervals that lie in it.
    fn spread(&self, tally: &RunTally) -> Spread {
        tally.series.spread(self.from_ns, self.to_ns)
    }
}

fn latency(tally: &RunTally, dependence: f64) -> Latency {
    Latency {
        total: tally.total.distribution(dependence),
        response: tally.response.distribution(dependence),
        wait: tally.wait.distribution(dependence),
        lag: tally.lag.distribution(dependence),
        connect: tally.connect.distribution(1.0),
    }
}

fn rates(counts: &Counts, window_s: f64) -> Rates {
    Rates {
        offered_per_s: counts.intended as f64 / window_s,
        sent_per_s: counts.sent as f64 / window_s,
        achieved_per_s: counts.completed_in_window as f64 / window_s,
        received_octets_per_s: counts.received_octets as f64 / window_s,
    }
}

fn plan_facts(plan: &Plan) -> PlanFacts {
    let (open_loop, steady) = match &plan.pace {
        Pace::Closed { .. } => (false, true),
        Pace::Open { stretches, .. } => (true, is_steady(stretches)),
    };
    PlanFacts {
        open_loop,
        steady,
        connects_on_demand: plan.come_and_go(),
        backlog: plan.backlog,
        errors_max: plan.errors_max,
    }
}

/// Whether all of the profile has one rate; a trace has none.
fn is_steady(stretches: &[Stretch]) -> bool {
    let Some(first) = stretches.first() else { return false };
    stretches.iter().all(|s| s.from_per_s == first.from_per_s && s.to_per_s == first.from_per_s)
}

fn answer_facts(counts: &Counts, remedy: Option<&'static str>) -> AnswerFacts {
    AnswerFacts {
        completed: counts.completed,
        failed: counts.failed,
        waited_share: counts.waited as f64 / counts.completed.max(1) as f64,
        remedy,
    }
}

fn latency_facts(tally: &RunTally, total: &Distribution, halves: &[Spread; 2]) -> LatencyFacts {
    let error2 = |s: &Spread| if s.count == 0 { 0.0 } else { s.between_ns2 / s.count as f64 };
    let histogram = tally.total.histogram();
    LatencyFacts {
        p50_ns: histogram.value_at_quantile(0.5),
        p99_ns: histogram.value_at_quantile(0.99),
        mean_ns: total.mean_ns,
        halves_error_ns: (error2(&halves[0]) + error2(&halves[1])).sqrt(),
        percentiles: total.percentiles.iter().map(|p| (p.quantile, p.effective_beyond)).collect(),
    }
}

fn figures(plan: &Plan, measured: &Measured, halves: &[Spread; 2], dependence: f64) -> Figures {
    let tally = &measured.tally;
    let window_ns = measured.window_ns.max(1) as f64;
    let lag = tally.lag.histogram();
    Figures {
        lag_p50_ns: lag.value_at_quantile(0.5),
        lag_p99_ns: lag.value_at_quantile(0.99),
        in_system_mean: tally.in_system_area() / window_ns,
        in_system_predicted: tally.time_in_system_ns() / window_ns,
        arrivals: match &plan.pace {
            // The server decides about the arrivals of a closed loop.
            Pace::Closed { .. } => Vec::new(),
            Pace::Open { arrivals, stretches } => tally.arrivals.test(arrivals.name(), stretches),
        },
        first_half_mean_ns: halves[0].mean_ns,
        second_half_mean_ns: halves[1].mean_ns,
        dependence,
    }
}

/// How many samples are worth one independent one: the spread of the intervals' means against what independent samples
/// would show (the F statistic of a one-way analysis of variance); at least 1.
fn dependence(spread: &Spread, total: &Distribution) -> f64 {
    let variance = total.stdev_ns * total.stdev_ns;
    if spread.intervals < DEPENDENCE_INTERVALS_MIN || variance <= 0.0 {
        1.0
    } else {
        (spread.between_ns2 / variance).max(1.0)
    }
}

fn generator(meters: &[Meter], completed: u64) -> Generator {
    let mut sum = Generator::default();
    let mut threads_ns: u64 = 0;
    for meter in meters {
        let (elapsed_ns, busy_ns, usage) = meter.used();
        if elapsed_ns == 0 {
            continue;
        }
        threads_ns += elapsed_ns;
        sum.busy_share = sum.busy_share.max(busy_ns as f64 / elapsed_ns as f64);
        sum.cpu_ns += usage.user_ns + usage.system_ns;
        sum.cpu_user_ns += usage.user_ns;
        sum.switches_voluntary += usage.voluntary;
        sum.switches_involuntary += usage.involuntary;
        sum.resident_max_octets = sum.resident_max_octets.max(usage.resident_max_octets);
    }
    if threads_ns > 0 {
        sum.cpu_share = sum.cpu_ns as f64 / threads_ns as f64;
    }
    if completed > 0 {
        sum.cpu_per_request_ns = sum.cpu_ns as f64 / completed as f64;
    }
    sum
}

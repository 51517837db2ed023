//! From a plan to its outcome: runs the engine, closes the books, calls the audit.

use std::sync::Arc;

use crate::books::glance::Glance;
use crate::books::series::Spread;
use crate::engine::live::Live;
use crate::engine::{self, EngineError, Measured};
use crate::exchange::{Exchange, ExchangeError, exchange};
use crate::failure::Cause;
use crate::outcome::verdict::Figures;
use crate::outcome::{Distribution, Generator, Latency, Outcome, Rates, SCHEMA_VERSION};
use crate::plan::request::ExpectedBody;
use crate::plan::{Pace, Plan};
use crate::verdict::facts::Facts;
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
            exchange(plan.address, &plan.transport, &request.wire, request.is_head(), plan.timeout_ns)
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
    let window_s = (measured.window_ns as f64 / 1e9).max(1e-9);
    let (from_ns, to_ns) = (plan.warmup_ns, plan.warmup_ns + measured.window_ns);
    let dependence = dependence(&tally.series.spread(from_ns, to_ns), &tally.total.distribution(1.0));
    let latency = Latency {
        total: tally.total.distribution(dependence),
        response: tally.response.distribution(dependence),
        wait: tally.wait.distribution(dependence),
        lag: tally.lag.distribution(dependence),
        connect: tally.connect.distribution(1.0),
    };
    let counts = tally.counts.clone();
    let rates = Rates {
        offered_per_s: counts.intended as f64 / window_s,
        sent_per_s: counts.sent as f64 / window_s,
        achieved_per_s: counts.completed_in_window as f64 / window_s,
        received_octets_per_s: counts.received_octets as f64 / window_s,
    };
    let (generator, busy_share) = generator(measured, counts.completed);
    let middle_ns = from_ns + measured.window_ns / 2;
    let (first, second) = (tally.series.spread(from_ns, middle_ns), tally.series.spread(middle_ns, to_ns));
    let error2 = |s: &Spread| if s.count == 0 { 0.0 } else { s.between_ns2 / s.count as f64 };
    let (open_loop, steady_plan, process, stretches) = match &plan.pace {
        Pace::Closed { .. } => (false, true, "", &[][..]),
        Pace::Open { arrivals, stretches } => {
            let first = stretches.first().map_or(0.0, |s| s.from_per_s);
            let steady = !stretches.is_empty()
                && stretches.iter().all(|s| s.from_per_s == first && s.to_per_s == first);
            (true, steady, arrivals.name(), &stretches[..])
        }
    };
    let lag = |q: f64| tally.lag.histogram().value_at_quantile(q);
    let facts = Facts {
        open_loop,
        steady_plan,
        connects_on_demand: plan.requests_per_connection.is_some(),
        offered_per_s: rates.offered_per_s,
        sent_per_s: rates.sent_per_s,
        achieved_per_s: rates.achieved_per_s,
        window_ns: measured.window_ns,
        completed: counts.completed,
        failed: counts.failed,
        errors_max: plan.errors_max,
        total_p50_ns: tally.total.histogram().value_at_quantile(0.5),
        total_p99_ns: tally.total.histogram().value_at_quantile(0.99),
        total_mean_ns: latency.total.mean_ns,
        waited_share: counts.waited as f64 / counts.completed.max(1) as f64,
        busy_share,
        preempted_per_s: generator.switches_involuntary as f64 / window_s,
        partial: measured.partial.map(|p| (p, measured.ended_ns)),
        remedy: tally.usual_cause().and_then(advise),
        backlog: plan.backlog,
        connections: (measured.connections.planned, measured.connections.open_max),
        halves_error_ns: (error2(&first) + error2(&second)).sqrt(),
        percentiles: latency.total.percentiles.iter().map(|p| (p.quantile, p.effective_beyond)).collect(),
        figures: Figures {
            lag_p50_ns: lag(0.5),
            lag_p99_ns: lag(0.99),
            in_system_mean: tally.in_system_area() / (measured.window_ns.max(1) as f64),
            in_system_predicted: tally.time_in_system_ns() / (measured.window_ns.max(1) as f64),
            arrivals: tally.arrivals.test(process, stretches),
            first_half_mean_ns: first.mean_ns,
            second_half_mean_ns: second.mean_ns,
            dependence,
        },
    };
    Outcome {
        schema_version: SCHEMA_VERSION,
        program: format!("dyno {}", env!("CARGO_PKG_VERSION")),
        started_unix_ms: measured.started_unix_ms,
        plan: plan.as_run(),
        partial: measured.partial,
        window_ns: measured.window_ns,
        counts,
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

/// How many samples are worth one independent one: the spread of the intervals' means against what independent samples
/// would show (the F statistic of a one-way analysis of variance); at least 1.
fn dependence(spread: &Spread, total: &Distribution) -> f64 {
    let variance = total.stdev_ns * total.stdev_ns;
    if spread.intervals < 10 || variance <= 0.0 { 1.0 } else { (spread.between_ns2 / variance).max(1.0) }
}

fn generator(measured: &Measured, completed: u64) -> (Generator, f64) {
    let mut sum = Generator::default();
    let (mut busy_share, mut threads_ns): (f64, u64) = (0.0, 0);
    for meter in &measured.meters {
        let (elapsed_ns, busy_ns, usage) = meter.used();
        if elapsed_ns == 0 {
            continue;
        }
        threads_ns += elapsed_ns;
        busy_share = busy_share.max(busy_ns as f64 / elapsed_ns as f64);
        sum.cpu_ns += usage.user_ns + usage.system_ns;
        sum.cpu_user_ns += usage.user_ns;
        sum.switches_voluntary += usage.voluntary;
        sum.switches_involuntary += usage.involuntary;
        sum.resident_max_octets = sum.resident_max_octets.max(usage.resident_max_octets);
    }
    sum.busy_share = busy_share;
    if threads_ns > 0 {
        sum.cpu_share = sum.cpu_ns as f64 / threads_ns as f64;
    }
    if completed > 0 {
        sum.cpu_per_request_ns = sum.cpu_ns as f64 / completed as f64;
    }
    (sum, busy_share)
}

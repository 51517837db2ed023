//! From the books of a run to its outcome: closes them and calls the audit.

use crate::books::division::Division;
use crate::books::early::Early;
use crate::books::histogram::Recorder;
use crate::books::series::Spread;
use crate::books::steps::StepTally;
use crate::books::tally::RunTally;
use crate::engine::measured::Measured;
use crate::failure::Cause;
use crate::limits::{DEPENDENCE_INTERVALS_MIN, LAG_P99_VOID_NS, LATE_GROWTH};
use crate::outcome::impatience::Impatient;
use crate::outcome::verdict::Figures;
use crate::outcome::{
    Counts, Distribution, ErrorKind, Generator, Latency, Outcome, RateStep, Rates, SCHEMA_VERSION,
};
use crate::plan::Plan;
use crate::plan::as_run::{Load, Stretch};
use crate::plan::terms::Terms;
use crate::verdict::facts::{AnswerFacts, Facts, GeneratorFacts, LatencyFacts, PlanFacts, StepFacts};
use crate::verdict::self_check::audit;

/// Closes the books of a run and calls the audit. `advise` names the remedy where nothing but failures came, by the
/// cause of most of them. Pure: the tests judge runs that were never made.
pub fn judge(
    plan: &Plan,
    measured: &Measured,
    advise: impl FnOnce(Cause) -> Option<&'static str>,
) -> Outcome {
    judge_by(&Terms::of(plan), measured, advise)
}

/// The same by the terms of a plan that was run elsewhere.
pub fn judge_by(
    terms: &Terms,
    measured: &Measured,
    advise: impl FnOnce(Cause) -> Option<&'static str>,
) -> Outcome {
    let tally = &measured.tally;
    let window = Window::of(terms, measured);
    let (counts, recorded) = recorded(tally);
    let dependence = dependence(&window.spread(tally), &recorded.total.distribution(1.0));
    let latency = latency(tally, &recorded, dependence);
    let rates = rates(&tally.counts, window.seconds);
    let generator = generator(measured, tally.counts.completed_in_window);
    let halves = window.halves().map(|half| half.spread(tally));
    let figures = figures(terms, measured, &recorded, &halves, dependence);
    let facts = Facts {
        plan: plan_facts(terms),
        window_ns: measured.window_ns,
        partial: measured.partial.map(|partial| (partial, measured.ended_ns)),
        rates: rates.clone(),
        answers: AnswerFacts {
            early_only: counts.completed > tally.counts.completed,
            unfinished: unfinished(tally),
            stalls_ns: tally.stalls.lengths_ns(),
            let_go: tally.impatient.abandoned + tally.impatient.refused,
            unsent: tally.impatient.abandoned_unsent,
            ..answer_facts(&counts, tally.usual_cause().and_then(advise))
        },
        latency: latency_facts(terms, tally, &recorded, &latency.total, &halves),
        connections: measured.connections.clone(),
        generator: GeneratorFacts {
            busy_share: generator.busy_share,
            // Each host has its own cores.
            preempted_per_s: generator.switches_involuntary as f64
                / window.seconds
                / f64::from(measured.hosts.max(1)),
            delayed_share: generator.delayed_share,
            run_ns: measured.ended_ns,
            absence: measured.absence,
            lost_ns: (figures.own_share * measured.window_ns as f64) as u64,
            throttled_periods: generator.throttled_periods,
        },
        figures,
    };
    Outcome {
        schema_version: SCHEMA_VERSION,
        program: format!("dyno {}", env!("CARGO_PKG_VERSION")),
        started_unix_ms: measured.started_unix_ms,
        plan: terms.plan.clone(),
        partial: measured.partial,
        window_ns: measured.window_ns,
        counts,
        rates,
        latency,
        errors: tally.errors(),
        series: tally.series.series(),
        steps: tally.steps.all().iter().map(|one| step(one, terms.rate_share())).collect(),
        impatient: terms.plan.impatience.expects_refusals().then(|| Impatient {
            good_per_s: tally.impatient.good as f64 / window.seconds,
            ..tally.impatient.clone()
        }),
        generator,
        connections: measured.connections.clone(),
        audit: audit(&facts),
        thresholds: Vec::new(),
        parts: Vec::new(),
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
    fn of(terms: &Terms, measured: &Measured) -> Self {
        let from_ns = terms.plan.warmup_ns;
        Window::between(from_ns, from_ns + measured.window_ns)
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

/// What the latencies of a run are taken from.
struct Recorded<'a> {
    total: &'a Recorder,
    response: &'a Recorder,
    wait: &'a Recorder,
    lag: &'a Recorder,
    division: &'a Division,
}

/// The books of the requests that were due in the window, and their counts. Where a server is so far behind
/// that it has answered none of those, those that it did answer in the window.
fn recorded(tally: &RunTally) -> (Counts, Recorded<'_>) {
    let counts = tally.counts.clone();
    match tally.early.as_deref() {
        Some(Early { total, response, wait, lag, division }) if counts.completed == 0 => {
            let completed = total.count();
            (Counts { completed, ..counts }, Recorded { total, response, wait, lag, division })
        }
        _ => {
            let RunTally { total, response, wait, lag, division, .. } = tally;
            (counts, Recorded { total, response, wait, lag, division })
        }
    }
}

fn latency(tally: &RunTally, recorded: &Recorded, dependence: f64) -> Latency {
    Latency {
        total: recorded.total.distribution(dependence),
        response: recorded.response.distribution(dependence),
        wait: recorded.wait.distribution(dependence),
        lag: recorded.lag.distribution(dependence),
        reading: recorded.division.reading(recorded.total.count()).distribution(dependence),
        connect: tally.connect.distribution(1.0),
    }
}

/// A step, of whose planned rate the run was to offer a share.
fn step(step: &StepTally, share: f64) -> RateStep {
    let count = step.total.count();
    RateStep {
        start_ns: step.stretch.0,
        length_ns: step.stretch.1 - step.stretch.0,
        from_per_s: share * step.rate.0,
        to_per_s: share * step.rate.1,
        answered_per_s: step.answered_per_s(),
        completed: count,
        failed: step.failed,
        total: step.total.distribution(1.0),
        wait_mean_ns: step.wait_ns as f64 / count.max(1) as f64,
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

fn plan_facts(terms: &Terms) -> PlanFacts {
    let plan = &terms.plan;
    let (open_loop, steady) = match &plan.load {
        Load::Closed { .. } => (false, true),
        Load::Open { stretches, .. } => (true, is_steady(stretches)),
    };
    PlanFacts {
        open_loop,
        steady,
        finds_rate: terms.finds_rate(),
        connects_on_demand: terms.come_and_go,
        impatient: plan.impatience.expects_refusals(),
        backlog: terms.share().of_part(plan.backlog, plan.threads),
        errors_max: terms.errors_max,
    }
}

/// Whether all of the profile has one rate; a trace has none.
fn is_steady(stretches: &[Stretch]) -> bool {
    let Some(first) = stretches.first() else { return false };
    stretches.iter().all(|s| s.from_per_s == first.from_per_s && s.to_per_s == first.from_per_s)
}

fn unfinished(tally: &RunTally) -> u64 {
    let errors = tally.errors();
    errors.iter().filter(|error| error.kind == ErrorKind::Unfinished).map(|error| error.count).sum()
}

fn answer_facts(counts: &Counts, remedy: Option<&'static str>) -> AnswerFacts {
    AnswerFacts {
        completed: counts.completed,
        failed: counts.failed,
        waited_share: counts.waited as f64 / counts.completed.max(1) as f64,
        early_only: false,
        unfinished: 0,
        let_go: 0,
        unsent: 0,
        stalls_ns: Vec::new(),
        remedy,
    }
}

fn latency_facts(
    terms: &Terms,
    tally: &RunTally,
    recorded: &Recorded,
    total: &Distribution,
    halves: &[Spread; 2],
) -> LatencyFacts {
    let histogram = recorded.total.histogram();
    LatencyFacts {
        p50_ns: histogram.value_at_quantile(0.5),
        p99_ns: histogram.value_at_quantile(0.99),
        mean_ns: total.mean_ns,
        halves_error_ns: error_ns(halves),
        percentiles: total.percentiles.iter().map(|p| (p.quantile, p.effective_beyond)).collect(),
        made_late: made_late(recorded, total),
        steps: step_facts(tally, terms.rate_share()),
    }
}

/// Standard error of the difference between the means of two halves.
fn error_ns(halves: &[Spread; 2]) -> f64 {
    let error2 = |s: &Spread| if s.count == 0 { 0.0 } else { s.between_ns2 / s.count as f64 };
    (error2(&halves[0]) + error2(&halves[1])).sqrt()
}

/// The lowest of the percentiles told that the generator's own part has made much larger.
fn made_late(recorded: &Recorded, total: &Distribution) -> Option<(f64, u64, u64)> {
    let rest = recorded.division.rest(recorded.response);
    let told = total.percentiles.iter().map(|p| (p.quantile, p.value_ns, rest.value_at_quantile(p.quantile)));
    told.into_iter().find(|&(_, total_ns, rest_ns)| {
        let own_ns = total_ns.saturating_sub(rest_ns);
        own_ns > LAG_P99_VOID_NS && total_ns as f64 > LATE_GROWTH * rest_ns as f64
    })
}

fn step_facts(tally: &RunTally, share: f64) -> Vec<StepFacts> {
    let steps = (1u64..).zip(tally.steps.all()).filter(|(_, step)| step.is_level());
    steps
        .map(|(number, step)| {
            let halves =
                Window::between(step.stretch.0, step.stretch.1).halves().map(|half| half.spread(tally));
            StepFacts {
                number,
                offered_per_s: share * step.rate.0,
                answered_per_s: step.answered_per_s(),
                halves_mean_ns: [halves[0].mean_ns, halves[1].mean_ns],
                halves_error_ns: error_ns(&halves),
            }
        })
        .collect()
}

fn figures(
    terms: &Terms,
    measured: &Measured,
    recorded: &Recorded,
    halves: &[Spread; 2],
    dependence: f64,
) -> Figures {
    let tally = &measured.tally;
    let window_ns = measured.window_ns.max(1) as f64;
    let lag = recorded.lag.histogram();
    let (own, rest) = (recorded.division.own(recorded.lag), recorded.division.rest(recorded.response));
    Figures {
        lag_p50_ns: lag.value_at_quantile(0.5),
        lag_p99_ns: lag.value_at_quantile(0.99),
        own_p50_ns: own.value_at_quantile(0.5),
        own_p99_ns: own.value_at_quantile(0.99),
        rest_p50_ns: rest.value_at_quantile(0.5),
        rest_p99_ns: rest.value_at_quantile(0.99),
        own_share: own_share(terms, recorded),
        in_system_mean: tally.in_system_area() / window_ns,
        in_system_predicted: tally.time_in_system_ns() / window_ns,
        arrivals: match &terms.plan.load {
            // The server decides about the arrivals of a closed loop.
            Load::Closed { .. } => Vec::new(),
            Load::Open { arrivals, stretches } => {
                tally.arrivals.test(arrivals, stretches, terms.rate_share())
            }
        },
        first_half_mean_ns: halves[0].mean_ns,
        second_half_mean_ns: halves[1].mean_ns,
        dependence,
    }
}

/// Share of the time of all requests, with the planned pauses between them, that was the generator's own.
fn own_share(terms: &Terms, recorded: &Recorded) -> f64 {
    let count = recorded.total.count();
    let think_ns = match terms.plan.load {
        Load::Closed { think_ns } => u128::from(think_ns) * u128::from(count),
        Load::Open { .. } => 0,
    };
    let own_ns = recorded.lag.sum_ns() + recorded.division.reading(count).sum_ns();
    own_ns as f64 / (recorded.total.sum_ns() + think_ns).max(1) as f64
}

/// How many samples are worth one independent one: the spread of the intervals' means against what independent
/// samples would show (the F statistic of a one-way analysis of variance); at least 1.
fn dependence(spread: &Spread, total: &Distribution) -> f64 {
    let variance = total.stdev_ns * total.stdev_ns;
    if spread.intervals < DEPENDENCE_INTERVALS_MIN || variance <= 0.0 {
        1.0
    } else {
        (spread.between_ns2 / variance).max(1.0)
    }
}

fn generator(measured: &Measured, completed: u64) -> Generator {
    let mut sum = Generator {
        paused_ns: measured.absence.sum_ns,
        paused_longest_ns: measured.absence.longest_ns,
        stopped_ns: measured.absence.stopped_ns,
        throttled_periods: measured.throttled_periods,
        ..Generator::default()
    };
    let mut threads_ns: u64 = 0;
    for meter in &measured.meters {
        let (elapsed_ns, busy_ns, usage) = meter.used();
        if elapsed_ns == 0 {
            continue;
        }
        threads_ns += elapsed_ns;
        sum.busy_share = sum.busy_share.max(busy_ns as f64 / elapsed_ns as f64);
        sum.delayed_share = sum.delayed_share.max(usage.delayed_ns as f64 / elapsed_ns as f64);
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

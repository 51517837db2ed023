//! The cases of a calibration: for each law, what generators report of one job is held against the truth.
//!
//! The truth is what the law makes of the load that was planned. Where a server was later than its law, its own account
//! tells by how much: of a constant delay the account is the truth, and elsewhere a value is void that the lateness
//! could have spoiled.

use dyno_clients::outcome::Distribution;
use dyno_clients::plan::pacer::{Arrivals, Pacer};
use dyno_clients::plan::profile;
use dyno_units::show;

use crate::calibrate::error::CalibrationError;
use crate::calibrate::job::Job;
use crate::calibrate::laws::{LatencyLaw, Stall, mean_wait_ns, path_means_ns, quantile_ns};
use crate::calibrate::participant::Participant;
use crate::calibrate::stand::{Encounter, Question, Stand};

const S: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

/// A case: one law, with all reports that are compared with it.
pub(crate) type Case = fn(&mut Stand, &CaseScale) -> Result<(), CalibrationError>;

/// The size of a calibration: lengths, utilizations and tolerances. A law has one tolerance, the same for all tools.
pub(crate) struct CaseScale {
    window_s: u64,
    stall_ns: u64,
    rhos: &'static [f64],
    queue_rhos: &'static [f64],
    tolerance_even: f64,
    tolerance_poisson: f64,
    tolerance_mean: f64,
    lag_limits_ns: Option<(f64, f64)>,
    little: f64,
}

/// The whole calibration, with the tolerances that Dyno claims to keep.
pub(crate) const FULL: CaseScale = CaseScale {
    window_s: 20,
    stall_ns: S,
    rhos: &[0.2, 0.5, 0.8],
    queue_rhos: &[0.3, 0.5, 0.7],
    tolerance_even: 0.02,
    tolerance_poisson: 0.05,
    tolerance_mean: 0.10,
    lag_limits_ns: Some((5_000.0, 50_000.0)),
    little: 0.02,
};

/// A fifth of the length, and tolerances that hold even on a machine with other work.
pub(crate) const QUICK: CaseScale = CaseScale {
    window_s: 4,
    stall_ns: S / 5,
    rhos: &[0.5],
    queue_rhos: &[0.5],
    tolerance_even: 0.10,
    tolerance_poisson: 0.25,
    tolerance_mean: 0.35,
    lag_limits_ns: None,
    little: 0.05,
};

/// Every case, in order.
pub(crate) const ALL: [Case; 5] = [delay, omission, stalls, queues, lag];

const EVEN: Participant = Participant::Dyno { arrivals: "constant", seed: 1 };

fn at(distribution: &Distribution, quantile: f64) -> Option<f64> {
    distribution.percentile_ns(quantile).map(|ns| ns as f64)
}

/// What every tool is asked: a percentile.
fn percentile(measured: &Encounter, quantile: f64, true_ns: f64, tolerance: f64) -> Question {
    Question {
        quantity: show::quantile(quantile),
        true_ns,
        told_ns: measured.report.quantile_ns(quantile),
        tolerance: Some(tolerance),
        server_late_ns: at(&measured.account.late, 0.99).unwrap_or(0.0),
    }
}

/// Little's law: the mean number in the system against rate times mean latency; only Dyno tells the first.
fn little(measured: &Encounter, tolerance: f64) -> Option<Question> {
    let run = measured.run.as_ref()?;
    let mean_ns = run.latency.total.mean_ns;
    // Rate times mean latency as in the textbook, including the requests that cross the edges of the window.
    let predicted = run.counts.completed as f64 / run.window_ns.max(1) as f64 * mean_ns;
    // Both are compared as times: the measured mean, and the one that follows from the number in the system.
    let told_ns = mean_ns * run.audit.figures.in_system_mean / predicted;
    Some(Question {
        quantity: "Little".into(),
        true_ns: mean_ns,
        told_ns: Some(told_ns),
        tolerance: Some(tolerance),
        server_late_ns: 0.0,
    })
}

/// A constant delay: every tool should report it. The truth is the delay that the server measured, not the one that it
/// was told: the server may have been late.
fn delay(stand: &mut Stand, scale: &CaseScale) -> Result<(), CalibrationError> {
    let (name, law) = ("delay 5 ms", LatencyLaw::Delay { delay_ns: 5 * MS });
    if !stand.is_wanted(name) {
        return Ok(());
    }
    let job = Job { connections: 16, rate_per_s: 1_000.0, seconds: (scale.window_s / 5).max(2) };
    stand.head(name, &job);
    for participant in std::iter::once(EVEN).chain(Participant::others()) {
        stand.compare((name, law), &participant, &job, |measured| {
            let told = [0.5, 0.99].map(|q| {
                let true_ns = at(&measured.account.took, q).unwrap_or(5e6);
                let asked = percentile(measured, q, true_ns, scale.tolerance_even);
                Question { server_late_ns: 0.0, ..asked }
            });
            let little = little(measured, scale.little).filter(|_| participant.is_binding());
            told.into_iter().chain(little).collect()
        })?;
    }
    Ok(())
}

/// Coordinated omission: 100 ms of standstill each second, four connections.
fn omission(stand: &mut Stand, scale: &CaseScale) -> Result<(), CalibrationError> {
    let name = "stall 0.1 s each 1 s";
    if !stand.is_wanted(name) {
        return Ok(());
    }
    let stall = Some(Stall { from_ns: S / 2, length_ns: 100 * MS, period_ns: S });
    let law = LatencyLaw::Queue { service_ns: 50_000, seed: None, stall };
    let job = Job { connections: 4, rate_per_s: 2_000.0, seconds: scale.window_s / 2 };
    let truth = |q: f64| quantile_ns(law, job.rate_per_s, job.seconds * S, q).unwrap_or(0.0);
    stand.head(name, &job);
    let own = [EVEN, Participant::Naive, Participant::ClosedLoop];
    for participant in own.into_iter().chain(Participant::others()) {
        stand.compare((name, law), &participant, &job, |measured| {
            let told = [0.95, 0.99].map(|q| percentile(measured, q, truth(q), scale.tolerance_even));
            let little = little(measured, scale.little).filter(|_| participant.is_binding());
            told.into_iter().chain(little).collect()
        })?;
    }
    Ok(())
}

/// One stall in a run, at several utilizations, for even and for Poisson arrivals.
fn stalls(stand: &mut Stand, scale: &CaseScale) -> Result<(), CalibrationError> {
    let job = Job { connections: 64, rate_per_s: 20_000.0, seconds: scale.window_s };
    for &rho in scale.rhos {
        let name = format!("one stall, rho {rho}");
        if !stand.is_wanted(&name) {
            continue;
        }
        stand.head(&name, &job);
        for (arrivals, tolerance) in
            [("constant", scale.tolerance_even), ("poisson", scale.tolerance_poisson)]
        {
            // The warm-up is 1 s; the backlog of the stall is served long before the end.
            let stall =
                Some(Stall { from_ns: S + scale.window_s * S / 5, length_ns: scale.stall_ns, period_ns: 0 });
            let law =
                LatencyLaw::Queue { service_ns: (rho / job.rate_per_s * 1e9) as u64, seed: None, stall };
            for run in 0..stand.repeat {
                let participant = Participant::Dyno { arrivals, seed: u64::from(run) + 1 };
                stand.compare((&name, law), &participant, &job, |measured| {
                    let told = [0.95, 0.99, 0.999].into_iter().filter_map(|q| {
                        let truth = quantile_ns(law, job.rate_per_s, job.seconds * S, q)?;
                        Some(percentile(measured, q, truth, tolerance))
                    });
                    told.chain(little(measured, scale.little)).collect()
                })?;
            }
        }
    }
    Ok(())
}

/// Rate of the queues. It is low, so that services and waits are long compared with what a busy host adds to some
/// requests.
const QUEUE_RATE_PER_S: f64 = 500.0;

/// The run-in of `dyno load` in a calibration.
const RUN_IN_NS: u64 = S;

/// M/D/1 and M/M/1: the mean wait, after the floor of the machine has been measured and taken away.
///
/// In a run of some thousand arrivals the mean wait differs from the textbook's by chance. But the wait of these very
/// arrivals can be computed too: Dyno is judged by that, and the textbook's mean is shown beside it.
fn queues(stand: &mut Stand, scale: &CaseScale) -> Result<(), CalibrationError> {
    let job = Job { connections: 64, rate_per_s: QUEUE_RATE_PER_S, seconds: scale.window_s };
    let participant = Participant::Dyno { arrivals: "poisson", seed: 3 };
    for (kind, seed) in [("M/D/1", None), ("M/M/1", Some(7))] {
        for &rho in scale.queue_rhos {
            let name = format!("{kind}, rho {rho}");
            if !stand.is_wanted(&name) {
                continue;
            }
            stand.head(&name, &job);
            let service_ns = (rho / QUEUE_RATE_PER_S * 1e9) as u64;
            let law = LatencyLaw::Queue { service_ns, seed, stall: None };
            let short = Job { seconds: (scale.window_s / 4).max(2), ..job.clone() };
            let floor = stand.measure(LatencyLaw::Delay { delay_ns: service_ns }, &participant, &short)?;
            let floor_ns = floor.report.mean_ns.unwrap_or(0.0) - service_ns as f64;
            let (path_wait_ns, path_service_ns) = path_truth(law, scale.window_s);
            stand.compare((&name, law), &participant, &job, |measured| {
                let told_ns = measured.report.mean_ns.map(|mean_ns| mean_ns - path_service_ns - floor_ns);
                let wait = |quantity: &str, true_ns: f64| Question {
                    quantity: quantity.into(),
                    true_ns,
                    told_ns,
                    tolerance: Some(scale.tolerance_mean),
                    server_late_ns: measured.account.late.mean_ns,
                };
                let mut asked = vec![wait("mean wait", path_wait_ns)];
                asked.extend(little(measured, scale.little));
                asked
            })?;
            if let Some(book_ns) = mean_wait_ns(law, QUEUE_RATE_PER_S) {
                stand.note(&format!(
                    "  the textbook's mean wait is {}, that of these arrivals {}",
                    show::time(book_ns),
                    show::time(path_wait_ns)
                ));
            }
        }
    }
    Ok(())
}

/// The mean wait and the mean service time of these very arrivals, ns.
fn path_truth(law: LatencyLaw, window_s: u64) -> (f64, f64) {
    let Ok(stretches) = profile::parse(&QUEUE_RATE_PER_S.to_string(), window_s * S + RUN_IN_NS) else {
        return (f64::NAN, f64::NAN);
    };
    let mut pacer = Pacer::new(Arrivals::Poisson, stretches, 3, 0, 1);
    let arrivals = std::iter::from_fn(|| {
        let at = pacer.peek_ns();
        pacer.advance();
        at
    });
    path_means_ns(law, arrivals, RUN_IN_NS)
}

/// The generator's own lateness, with a core of its own, at about half of the rate that it can send.
fn lag(stand: &mut Stand, scale: &CaseScale) -> Result<(), CalibrationError> {
    let Some((p50_ns, p99_ns)) = scale.lag_limits_ns else { return Ok(()) };
    let participant = Participant::Dyno { arrivals: "poisson", seed: 1 };
    for rate_per_s in [10_000.0, 50_000.0, 100_000.0] {
        let name = format!("lag at {}/s", show::rate(rate_per_s));
        if !stand.is_wanted(&name) {
            continue;
        }
        let job = Job { connections: 64, rate_per_s, seconds: 5 };
        stand.head(&name, &job);
        stand.compare((&name, LatencyLaw::Delay { delay_ns: 0 }), &participant, &job, |measured| {
            let lag = measured.run.as_ref().map(|run| &run.latency.lag);
            let limits = [(0.5, p50_ns), (0.99, p99_ns)];
            let ask = |(q, limit_ns): (f64, f64)| Question {
                quantity: format!("lag {}", show::quantile(q)),
                true_ns: limit_ns,
                told_ns: lag.and_then(|lag| at(lag, q)),
                tolerance: None,
                server_late_ns: 0.0,
            };
            limits.map(ask).into()
        })?;
    }
    Ok(())
}

//! The cases of a calibration: for each law, the reports of load generators are compared with the truth.

use dyno_clients::outcome::Distribution;
use dyno_clients::plan::pacer::{Arrivals, Pacer};
use dyno_clients::plan::profile;
use dyno_units::show;

use crate::calibrate::error::CalibrationError;
use crate::calibrate::laws::{LatencyLaw, Stall, mean_wait_ns, path_means_ns, quantile_ns};
use crate::calibrate::own;
use crate::calibrate::stand::Stand;
use crate::calibrate::tools::{self, Job};

const S: u64 = 1_000_000_000;
const MS: u64 = 1_000_000;

/// A case: one law, with all reports that are compared with it.
pub(crate) type Case = fn(&mut Stand, &CaseScale) -> Result<(), CalibrationError>;

/// The size of a calibration: lengths, utilizations and tolerances.
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

/// A constant delay: every tool should report it.
fn delay(stand: &mut Stand, scale: &CaseScale) -> Result<(), CalibrationError> {
    let (name, law) = ("delay 5 ms", LatencyLaw::Delay { delay_ns: 5 * MS });
    if !stand.is_wanted(name) {
        return Ok(());
    }
    let seconds = (scale.window_s / 5).max(2) as u32;
    let server = own::start(law, stand.server_cpu)?;
    let run = stand.load(&server, &format!("-c 16 --rate 1k -d {seconds}s -w 500ms"))?;
    stand.little(name, "dyno", &run, scale.little);
    // The truth is the delay that the server measured, not the one that it was told: the server may have been late.
    let account = server.end()?;
    let at = |d: &Distribution, q: f64| d.percentile_ns(q).map(|ns| ns as f64);
    for q in [0.5, 0.99] {
        let (took, told) = (at(&account.took, q), at(&run.latency.total, q));
        stand.compare(name, "reference", show::quantile(q), 5e6, took, Some(0.02));
        stand.compare(name, "dyno", show::quantile(q), took.unwrap_or(5e6), told, Some(scale.tolerance_even));
    }
    let server = own::start(law, stand.server_cpu)?;
    let job = Job { url: server.url.clone(), connections: 4, rate_per_s: 500.0, seconds };
    for tool in tools::ALL.iter().filter(|t| t.is_installed()) {
        let report = own::on_cpu(stand.generator_cpu, || tool.run(&job))??;
        stand.compare(
            name,
            tool.name,
            "p50".into(),
            5e6,
            report.quantile_ns(0.5).or(report.mean_ns),
            Some(0.02),
        );
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
    let seconds = (scale.window_s / 2) as u32;
    let rate_per_s = 2_000.0;
    let window_ns = u64::from(seconds) * S;
    let truth = |q: f64| quantile_ns(law, rate_per_s, window_ns, q).unwrap_or(0.0);
    let server = own::start(law, stand.server_cpu)?;
    let run = stand.load(&server, &format!("-c 4 --rate 2k --arrivals constant -d {seconds}s -w 1s"))?;
    let at = |d: &Distribution, q: f64| d.percentile_ns(q).map(|ns| ns as f64);
    for q in [0.95, 0.99] {
        stand.compare(
            name,
            "dyno",
            show::quantile(q),
            truth(q),
            at(&run.latency.total, q),
            Some(scale.tolerance_even),
        );
    }
    stand.little(name, "dyno", &run, scale.little);
    stand.compare(
        name,
        "dyno, naive",
        "p99".into(),
        truth(0.99),
        at(&run.latency.response, 0.99),
        Some(0.05),
    );
    let closed = stand.load(&server, &format!("-c 4 -d {seconds}s -w 0"))?;
    stand.compare(
        name,
        "dyno, closed",
        "p99".into(),
        truth(0.99),
        at(&closed.latency.total, 0.99),
        Some(0.05),
    );
    let job = Job { url: server.url.clone(), connections: 4, rate_per_s, seconds };
    for tool in tools::ALL.iter().filter(|t| t.is_installed()) {
        let report = own::on_cpu(stand.generator_cpu, || tool.run(&job))??;
        stand.compare(name, tool.name, "p99".into(), truth(0.99), report.quantile_ns(0.99), Some(0.05));
    }
    Ok(())
}

/// One stall in a run, at several utilizations, for even and for Poisson arrivals.
fn stalls(stand: &mut Stand, scale: &CaseScale) -> Result<(), CalibrationError> {
    let rate_per_s = 20_000.0;
    for &rho in scale.rhos {
        for (arrivals, tolerance) in
            [("constant", scale.tolerance_even), ("poisson", scale.tolerance_poisson)]
        {
            let name = format!("one stall, rho {rho}");
            if !stand.is_wanted(&name) {
                continue;
            }
            // The warm-up is 1 s; the backlog of the stall is served long before the end.
            let stall =
                Some(Stall { from_ns: S + scale.window_s * S / 5, length_ns: scale.stall_ns, period_ns: 0 });
            let law = LatencyLaw::Queue { service_ns: (rho / rate_per_s * 1e9) as u64, seed: None, stall };
            for run in 0..stand.repeat {
                let server = own::start(law, stand.server_cpu)?;
                let words = format!(
                    "-c 64 --rate 20k --arrivals {arrivals} -d {}s -w 1s --seed {}",
                    scale.window_s,
                    run + 1
                );
                let outcome = stand.load(&server, &words)?;
                let tool = format!("dyno, {arrivals}");
                for q in [0.95, 0.99, 0.999] {
                    let Some(truth) = quantile_ns(law, rate_per_s, scale.window_s * S, q) else { continue };
                    let told = outcome.latency.total.percentile_ns(q).map(|ns| ns as f64);
                    stand.compare(&name, &tool, show::quantile(q), truth, told, Some(tolerance));
                }
                stand.little(&name, &tool, &outcome, scale.little);
            }
        }
    }
    Ok(())
}

/// Rate of the queues. It is low, so that services and waits are long compared with what a busy host adds to some
/// requests.
const QUEUE_RATE_PER_S: f64 = 500.0;

/// M/D/1 and M/M/1: the mean wait, after the floor of the machine has been measured and taken away.
///
/// In a run of some thousand arrivals the mean wait differs from the textbook's by chance. But the wait of these very
/// arrivals can be computed too: Dyno is judged by that, and the textbook's mean is shown beside it.
fn queues(stand: &mut Stand, scale: &CaseScale) -> Result<(), CalibrationError> {
    for (kind, seed) in [("M/D/1", None), ("M/M/1", Some(7))] {
        for &rho in scale.queue_rhos {
            let name = format!("{kind}, rho {rho}");
            if !stand.is_wanted(&name) {
                continue;
            }
            let service_ns = (rho / QUEUE_RATE_PER_S * 1e9) as u64;
            let law = LatencyLaw::Queue { service_ns, seed, stall: None };
            let words = |seconds: u64| {
                format!("-c 64 --rate {QUEUE_RATE_PER_S} --arrivals poisson -d {seconds}s -w 500ms --seed 3")
            };
            let floor_ns = {
                let server = own::start(LatencyLaw::Delay { delay_ns: service_ns }, stand.server_cpu)?;
                let run = stand.load(&server, &words((scale.window_s / 4).max(2)))?;
                run.latency.total.mean_ns - service_ns as f64
            };
            let server = own::start(law, stand.server_cpu)?;
            let run = stand.load(&server, &words(scale.window_s))?;
            let (path_wait_ns, path_service_ns) = path_truth(law, scale.window_s);
            let told = Some(run.latency.total.mean_ns - path_service_ns - floor_ns);
            let tolerance = Some(scale.tolerance_mean);
            stand.compare(&name, "dyno", "mean wait".into(), path_wait_ns, told, tolerance);
            if let Some(book_ns) = mean_wait_ns(law, QUEUE_RATE_PER_S) {
                stand.compare(&name, "dyno, textbook", "mean wait".into(), book_ns, told, tolerance);
            }
            stand.little(&name, "dyno", &run, scale.little);
        }
    }
    Ok(())
}

/// The mean wait and the mean service time of these very arrivals, ns.
fn path_truth(law: LatencyLaw, window_s: u64) -> (f64, f64) {
    let Ok(stretches) = profile::parse(&QUEUE_RATE_PER_S.to_string(), window_s * S + S / 2) else {
        return (f64::NAN, f64::NAN);
    };
    let mut pacer = Pacer::new(Arrivals::Poisson, stretches, 3, 0, 1);
    let arrivals = std::iter::from_fn(|| {
        let at = pacer.peek_ns();
        pacer.advance();
        at
    });
    path_means_ns(law, arrivals, S / 2)
}

/// The generator's own lateness, with a core of its own, at about half of the rate that it can send.
fn lag(stand: &mut Stand, scale: &CaseScale) -> Result<(), CalibrationError> {
    let Some((p50_ns, p99_ns)) = scale.lag_limits_ns else { return Ok(()) };
    for rate in ["10k", "50k", "100k"] {
        let name = format!("lag at {rate}/s");
        if !stand.is_wanted(&name) {
            continue;
        }
        let server = own::start(LatencyLaw::Delay { delay_ns: 0 }, stand.server_cpu)?;
        let run = stand.load(&server, &format!("-c 64 --rate {rate} -d 5s -w 1s"))?;
        for (q, limit) in [(0.5, p50_ns), (0.99, p99_ns)] {
            let told = run.latency.lag.percentile_ns(q).map(|ns| ns as f64);
            stand.compare(&name, "dyno", format!("lag {}", show::quantile(q)), limit, told, None);
        }
    }
    Ok(())
}

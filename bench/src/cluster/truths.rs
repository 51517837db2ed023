//! What each policy comes to, by the code that dispatches, in a farm that exists in numbers alone.

use dyno_proxy::lab::{Lab, Truth};
use dyno_proxy::names::PolicyName;
use serde_json::{Value, json};

use crate::limits::{TRUTH_BALANCERS, TRUTH_LOAD, TRUTH_REQUESTS, TRUTH_SLOWNESS};

/// A policy in the four situations.
#[derive(Debug)]
struct Row {
    policy: PolicyName,
    /// Equal backends and one first tier.
    equal: Truth,
    /// One of the backends slow.
    slow: Truth,
    /// Several first tiers, few and many.
    several: [Truth; 2],
}

/// The table for so many backends of so many workers.
pub(crate) fn table(backends: usize, workers: usize, as_json: bool) -> String {
    let rows: Vec<_> = PolicyName::ALL.map(|policy| row(policy, backends, workers)).into();
    if as_json { json(&rows, backends, workers).to_string() } else { text(&rows, backends, workers) }
}

fn row(policy: PolicyName, backends: usize, workers: usize) -> Row {
    let lab = Lab {
        speeds: vec![1.0; backends],
        workers,
        balancers: 1,
        load: TRUTH_LOAD,
        requests: TRUTH_REQUESTS,
        seed: 1,
    };
    let mut speeds = lab.speeds.clone();
    if let Some(last) = speeds.last_mut() {
        *last /= TRUTH_SLOWNESS;
    }
    let slow = Lab { speeds, ..lab.clone() };
    let several = TRUTH_BALANCERS.map(|balancers| Lab { balancers, ..lab.clone() }.truth(policy));
    Row { policy, equal: lab.truth(policy), slow: slow.truth(policy), several }
}

fn text(rows: &[Row], backends: usize, workers: usize) -> String {
    let [few, many] = TRUTH_BALANCERS;
    let mut lines = vec![
        format!(
            "{backends} backends of {workers} workers at {:.0} % of what they can do, simulated; times in mean service times",
            TRUTH_LOAD * 100.0
        ),
        String::new(),
        format!(
            "{:<12}{:>7}{:>8}{:>8}{:>17}{:>14}{:>14}",
            "policy",
            "p50",
            "p99",
            "p99.9",
            format!("p99, one {TRUTH_SLOWNESS:.0}x slow"),
            format!("p99, {few} tiers"),
            format!("p99, {many} tiers")
        ),
    ];
    let p99 =
        |truth: &Truth| if truth.grows { "grows".to_owned() } else { format!("{:.1}", truth.percentiles[1]) };
    lines.extend(rows.iter().map(|row| {
        let [p50, _, p999] = row.equal.percentiles;
        format!(
            "{:<12}{p50:>7.1}{:>8}{p999:>8.1}{:>17}{:>14}{:>14}",
            row.policy.name(),
            p99(&row.equal),
            p99(&row.slow),
            p99(&row.several[0]),
            p99(&row.several[1])
        )
    }));
    lines.push(String::new());
    lines.push(
        "grows: a queue grows as long as one looks. Several first tiers know only their own requests.".into(),
    );
    lines.join("\n")
}

fn json(rows: &[Row], backends: usize, workers: usize) -> Value {
    let figures = |truth: &Truth| {
        let [p50, p99, p999] = truth.percentiles;
        json!({"mean": truth.mean, "p50": p50, "p99": p99, "p99.9": p999, "grows": truth.grows, "shares": truth.shares})
    };
    let [few, many] = TRUTH_BALANCERS;
    let row = |row: &Row| {
        json!({
            "policy": row.policy.name(),
            "equal": figures(&row.equal),
            "one_slow": figures(&row.slow),
            "several_tiers": [
                {"tiers": few, "figures": figures(&row.several[0])},
                {"tiers": many, "figures": figures(&row.several[1])},
            ],
        })
    };
    json!({
        "backends": backends, "workers": workers, "load": TRUTH_LOAD, "slowness": TRUTH_SLOWNESS,
        "requests": TRUTH_REQUESTS, "simulated": true, "policies": rows.iter().map(row).collect::<Vec<_>>(),
    })
}

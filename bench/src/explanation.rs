//! Why one architecture costs more than another: counts per request times unit costs, and the rest that they do not explain.

use crate::experiment::compare::{CAPACITY, CONNECT};
use crate::record::measured::Record;
use crate::record::store::Records;
use crate::statistics::sample::median;
use crate::unit_costs::{FAULT, FORK, SPAWN, SWITCH, Unit};

/// One reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// What is counted.
    pub what: &'static str,
    /// How many more of it a request takes.
    pub more_per_request: f64,
    /// What one costs, in nanoseconds.
    pub cost_ns: f64,
}

impl Reason {
    /// What it adds to a request, in nanoseconds.
    pub fn adds_ns(&self) -> f64 {
        self.more_per_request * self.cost_ns
    }
}

/// Why a request costs more with one than with the other, under one kind of load.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The step of the comparison that it is about.
    pub step: &'static str,
    /// CPU per request of both, in nanoseconds.
    pub cpu_ns: [f64; 2],
    /// What was counted.
    pub reasons: Vec<Reason>,
    /// What could not be counted for one of them.
    pub not_available: Vec<&'static str>,
}

impl Explanation {
    /// The difference that no reason explains, in nanoseconds.
    pub fn unexplained_ns(&self) -> f64 {
        self.cpu_ns[0] - self.cpu_ns[1] - self.reasons.iter().map(Reason::adds_ns).sum::<f64>()
    }
}

/// Explains the difference between two contestants of a comparison, for lasting connections and for a connection each.
pub fn explain(
    records: &Records,
    one: &str,
    other: &str,
    cost: impl Fn(&Unit) -> Option<f64>,
) -> Vec<Explanation> {
    [CAPACITY, CONNECT].into_iter().filter_map(|step| of_step(records, [one, other], step, &cost)).collect()
}

fn of_step(
    records: &Records,
    names: [&str; 2],
    step: &'static str,
    cost: &impl Fn(&Unit) -> Option<f64>,
) -> Option<Explanation> {
    let figure = |name: &str, read: &dyn Fn(&Record) -> Option<f64>| -> Option<f64> {
        let values: Vec<f64> = records
            .cells
            .iter()
            .filter(|record| record.trial.cell.contestant == name && record.trial.cell.step == step)
            .filter(|record| record.counted().is_some())
            .filter_map(read)
            .collect();
        (!values.is_empty()).then(|| median(&values))
    };
    let cpu = |name: &str| figure(name, &|record| record.cpu_per_request_ns());
    let mut explanation = Explanation {
        step,
        cpu_ns: [cpu(names[0])?, cpu(names[1])?],
        reasons: Vec::new(),
        not_available: Vec::new(),
    };

    let per_request = |per_s: Option<f64>, record: &Record| Some(per_s? / record.counted()?.rate_per_s);
    let switches = |name: &str| {
        figure(name, &|record| {
            let server = record.server.as_ref()?;
            // Each switch away is one back, so the two kinds together are the switches of a thread.
            per_request(Some(server.switches_voluntary_per_s? + server.switches_involuntary_per_s?), record)
        })
    };
    let faults =
        |name: &str| figure(name, &|record| per_request(record.server.as_ref()?.faults_minor_per_s, record));
    let connections = |name: &str| {
        figure(name, &|record| {
            record.trial.cell.load.requests_per_connection.map(|requests| 1.0 / f64::from(requests))
        })
        .unwrap_or(0.0)
    };
    let lives = |name: &str, whose: &str| if base(name) == whose { connections(name) } else { 0.0 };

    let mut add = |what: &'static str, unit: &Unit, counts: [Option<f64>; 2]| match (counts, cost(unit)) {
        ([Some(one), Some(other)], Some(cost_ns)) => {
            explanation.reasons.push(Reason { what, more_per_request: one - other, cost_ns });
        }
        _ => explanation.not_available.push(what),
    };
    // The life of a process or thread holds its own switches and faults, so they are not counted twice.
    let forks = names.map(|name| lives(name, "fork"));
    let spawns = names.map(|name| lives(name, "thread-per-connection"));
    let short_lived = forks.iter().chain(&spawns).any(|count| *count > 0.0);
    if !short_lived {
        add("context switches", &SWITCH, names.map(switches));
        add("page faults", &FAULT, names.map(faults));
    }
    add("processes", &FORK, forks.map(Some));
    add("threads", &SPAWN, spawns.map(Some));
    explanation.reasons.retain(|reason| reason.more_per_request != 0.0);
    Some(explanation)
}

/// The name without the number that tells namesakes apart, and without its arm.
fn base(label: &str) -> &str {
    label.split(['#', ':']).next().unwrap_or(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_what_no_reason_explains() {
        let reason = |more_per_request, cost_ns| Reason { what: "x", more_per_request, cost_ns };
        let explanation = Explanation {
            step: CAPACITY,
            cpu_ns: [30_000.0, 20_000.0],
            reasons: vec![reason(2.0, 3_000.0), reason(-1.0, 500.0)],
            not_available: Vec::new(),
        };
        assert_eq!(explanation.unexplained_ns(), 4_500.0);
        assert_eq!(base("io-uring:tuned#2"), "io-uring");
    }
}

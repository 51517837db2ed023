//! Why one architecture costs more than another: counts per request times unit costs, and the rest that they do not explain.
//!
//! Costs come from the timed cells, counts from the counted ones (see [`COUNTED_STEPS`](crate::record::cell::COUNTED_STEPS)) where
//! they have them, and else from the timed ones. Hand-overs are known from the chapters; births from the kind of load.

use crate::experiment::compare::{CAPACITY, CONNECT, COUNTS};
use crate::experiment::pilot::PILOT;
use crate::record::measured::Record;
use crate::record::server::ServerFigures;
use crate::record::store::Records;
use crate::statistics::sample::median;
use crate::unit_costs::{
    CALL, COPY, Cost, EVENT, FAULT, FORK, HAND_OVER, PROCESS_SWITCH, SPAWN, SWITCH, Unit, WOKEN,
    WOKEN_PROCESS,
};

/// One reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// What is counted.
    pub what: &'static str,
    /// How many of it a request takes, with each of the two.
    pub per_request: [f64; 2],
    /// What one costs, in nanoseconds, with each of the two.
    pub cost_ns: [f64; 2],
}

impl Reason {
    /// What it adds to a request, in nanoseconds.
    pub fn adds_ns(&self) -> f64 {
        self.per_request[0] * self.cost_ns[0] - self.per_request[1] * self.cost_ns[1]
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

/// How an architecture is made, as far as it decides what is counted.
struct Build {
    /// Whoever serves connections are processes of their own, so a switch changes the page table.
    processes: bool,
    /// Born for each connection.
    born: Option<&'static Unit>,
    /// Messages between threads for each connection.
    hand_overs_per_connection: f64,
    /// Messages between threads for each request.
    hand_overs_per_request: f64,
    /// Ready connections that epoll tells of, for each request.
    events_per_request: f64,
}

/// From the chapters; one that is not here hands nothing over and bears nobody.
fn build(label: &str) -> Build {
    let name = label.split(['#', ':', '+']).next().unwrap_or(label);
    let (hand_overs_per_connection, hand_overs_per_request) = match name {
        "thread-pool" => (1.0, 0.0),
        // There to the workers, and back to the reactor.
        "half-sync-half-async" | "work-stealing" => (0.0, 2.0),
        _ => (0.0, 0.0),
    };
    Build {
        processes: matches!(name, "fork" | "prefork" | "apache-prefork"),
        born: match name {
            "fork" => Some(&FORK),
            "thread-per-connection" => Some(&SPAWN),
            _ => None,
        },
        hand_overs_per_connection,
        hand_overs_per_request,
        events_per_request: if name == "epoll" { 1.0 } else { 0.0 },
    }
}

/// Explains the difference between two contestants of a comparison, for lasting connections and for a connection each.
pub fn explain(
    records: &Records,
    one: &str,
    other: &str,
    cost: impl Fn(&Unit) -> Option<Cost>,
) -> Vec<Explanation> {
    [(CAPACITY, PILOT), (CONNECT, COUNTS)]
        .into_iter()
        .filter_map(|steps| of_step(records, [one, other], steps, &cost))
        .collect()
}

/// Median over the cells of a step that count.
fn figure(records: &Records, name: &str, step: &str, read: &dyn Fn(&Record) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = records
        .cells
        .iter()
        .filter(|record| record.trial.cell.contestant == name && record.trial.cell.step == step)
        .filter(|record| record.counted().is_some())
        .filter_map(read)
        .collect();
    (!values.is_empty()).then(|| median(&values))
}

fn of_step(
    records: &Records,
    names: [&str; 2],
    (step, counted): (&'static str, &str),
    cost: &impl Fn(&Unit) -> Option<Cost>,
) -> Option<Explanation> {
    let cpu = |name: &str| figure(records, name, step, &Record::cpu_per_request_ns);
    let counts = |read: fn(&ServerFigures) -> Option<f64>| {
        names.map(|name| {
            let per_request =
                |record: &Record| Some(read(record.server.as_ref()?)? / record.counted()?.rate_per_s);
            figure(records, name, counted, &per_request).or_else(|| figure(records, name, step, &per_request))
        })
    };
    let builds = names.map(build);
    let connections = if step == CONNECT { 1.0 } else { 0.0 };
    let mut found = Explanation {
        step,
        cpu_ns: [cpu(names[0])?, cpu(names[1])?],
        reasons: Vec::new(),
        not_available: Vec::new(),
    };
    let mut add =
        |what: &'static str, counts: [Option<f64>; 2], costs: [Option<f64>; 2]| match (counts, costs) {
            ([Some(one), Some(other)], [Some(first), Some(second)]) => {
                let reason = Reason { what, per_request: [one, other], cost_ns: [first, second] };
                if reason.adds_ns() != 0.0 {
                    found.reasons.push(reason);
                }
            }
            _ => found.not_available.push(what),
        };
    let ns = |unit: &Unit| cost(unit).map(|cost| cost.ns);
    // What the birth of a process or thread, or a hand-over, contains of switches and faults is in its own price.
    let born = |build: &Build| build.born.and_then(cost).filter(|_| connections > 0.0);
    let handed_over =
        |build: &Build| build.hand_overs_per_connection * connections + build.hand_overs_per_request;
    let beyond = |counts: [Option<f64>; 2], contained: fn(&Cost) -> f64| {
        [0, 1].map(|which| {
            let build = &builds[which];
            let inside = born(build).map_or(0.0, |cost| contained(&cost))
                + cost(&HAND_OVER).map_or(0.0, |cost| contained(&cost)) * handed_over(build);
            counts[which].map(|count| (count - inside).max(0.0))
        })
    };
    for (what, unit) in [("processes", &FORK), ("threads", &SPAWN)] {
        let births = builds.each_ref().map(|build| {
            Some(if build.born.is_some_and(|born| born.name == unit.name) { connections } else { 0.0 })
        });
        add(what, births, [ns(unit); 2]);
    }
    // Lasting connections wake their sixty-four servers in turn; with a connection each, the one who was last awake is woken.
    let switch = |build: &Build| {
        ns(match (step == CAPACITY, build.processes) {
            (true, true) => &WOKEN_PROCESS,
            (true, false) => &WOKEN,
            (false, true) => &PROCESS_SWITCH,
            (false, false) => &SWITCH,
        })
    };
    add(
        "context switches",
        beyond(counts(|server| server.switches_per_s), |cost| cost.switches),
        builds.each_ref().map(switch),
    );
    add(
        "page faults",
        beyond(counts(|server| server.faults_minor_per_s), |cost| cost.faults),
        // A child shares its pages with its parent until it writes to them.
        builds.each_ref().map(|build| ns(if build.processes { &COPY } else { &FAULT })),
    );
    add("events", builds.each_ref().map(|build| Some(build.events_per_request)), [ns(&EVENT); 2]);
    add("system calls", counts(|server| server.system_calls_per_s), [ns(&CALL); 2]);
    add("hand-overs", builds.each_ref().map(|build| Some(handed_over(build))), [ns(&HAND_OVER); 2]);
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_what_no_reason_explains() {
        let reason = |per_request, cost_ns| Reason { what: "x", per_request, cost_ns };
        let explanation = Explanation {
            step: CAPACITY,
            cpu_ns: [30_000.0, 20_000.0],
            reasons: vec![reason([3.0, 1.0], [3_000.0, 3_000.0]), reason([0.0, 1.0], [500.0, 500.0])],
            not_available: Vec::new(),
        };
        assert_eq!(explanation.unexplained_ns(), 10_000.0 - 6_000.0 + 500.0);
    }

    #[test]
    fn an_arm_and_a_namesake_are_built_alike() {
        assert!(build("fork#2").processes && build("prefork+tls").processes);
        assert_eq!(build("half-sync-half-async").hand_overs_per_request, 2.0);
        assert!(build("io-uring:tuned").born.is_none());
    }
}

//! Why one architecture costs more than another: counts per request times unit costs, and the rest that they do not
//! explain.
//!
//! CPU per request comes from the timed cells. Counts come from them too where they have them, and else from the
//! counted ones (see [`Step::is_counted`]). The number of hand-overs follows from how a server is built; threads and
//! processes started per request follow from whether connections are reused.

pub mod blocks;
pub mod build;
pub mod stack;
pub mod verdict;

use crate::cost_part::CostPart;
use crate::explanation::build::{AnsweredBy, Build};
use crate::unit::{Cost, Unit};
use dyno_record::load::LoadFigures;
use dyno_record::measured::Record;
use dyno_record::server::ServerFigures;
use dyno_record::step::Step;
use dyno_statistics::sample::median;
use dyno_units::show;

/// Share of the difference from which on a reason is named in words.
const WORTH_NAMING: f64 = 0.10;

/// One reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The kind of part of a request that it is.
    pub part: CostPart,
    /// What is counted.
    pub what: &'static str,
    /// How many of it a request takes, with each of the two.
    pub per_request: [f64; 2],
    /// What one costs, in nanoseconds, with each of the two.
    pub cost_ns: [f64; 2],
    /// What one is, with each of the two.
    pub is: [&'static str; 2],
}

impl Reason {
    /// What it adds to a request, in nanoseconds.
    pub fn adds_ns(&self) -> f64 {
        self.per_request[0] * self.cost_ns[0] - self.per_request[1] * self.cost_ns[1]
    }

    /// Which of the two has more of it: the one whose price is worth showing.
    pub fn dearer(&self) -> usize {
        usize::from(self.per_request[1] * self.cost_ns[1] > self.per_request[0] * self.cost_ns[0])
    }
}

/// Why a request costs more with one than with the other, under one kind of load.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The step of the comparison that it is about.
    pub step: Step,
    /// CPU per request of both, in nanoseconds.
    pub cpu_ns: [f64; 2],
    /// What was counted.
    pub reasons: Vec<Reason>,
    /// What could not be counted for one of them.
    pub not_available: Vec<&'static str>,
    /// The part of that CPU which was spent outside the kernel, where the system tells it.
    pub outside_kernel_ns: Option<[f64; 2]>,
}

impl Explanation {
    /// What the one costs more than the other, in nanoseconds.
    pub fn difference_ns(&self) -> f64 {
        self.cpu_ns[0] - self.cpu_ns[1]
    }

    /// The difference that no reason explains, in nanoseconds.
    pub fn unexplained_ns(&self) -> f64 {
        self.difference_ns() - self.reasons.iter().map(Reason::adds_ns).sum::<f64>()
    }

    /// The same as a share of the difference, never negative.
    pub fn unexplained_share(&self) -> f64 {
        (self.unexplained_ns() / self.difference_ns()).abs()
    }

    /// The reasons that matter, in words, the strongest first. When one is larger than the whole difference, or all of
    /// them together are, a share would say nothing, and each is given as a time.
    pub fn words(&self, names: [&str; 2]) -> String {
        let difference = self.difference_ns();
        let as_times = self.largest_share() > 1.0 || self.explained_share() > 1.0;
        let mut shares: Vec<(f64, &Reason)> =
            self.reasons.iter().map(|reason| (reason.adds_ns() / difference, reason)).collect();
        shares.retain(|(share, _)| share.abs() >= WORTH_NAMING);
        shares.sort_by(|one, other| other.0.total_cmp(&one.0));
        let named: Vec<String> = shares
            .iter()
            .map(|(share, reason)| {
                let which = reason.dearer();
                let (count, other) = (reason.per_request[which], reason.per_request[1 - which]);
                let part = if as_times {
                    format!("{} {}", show::time(reason.adds_ns().abs()), more_or_less(reason.adds_ns()))
                } else {
                    format!("{} of it", show::share(*share))
                };
                format!(
                    "{part}: {} takes {} {} a request ({}), {} takes {}.",
                    names[which],
                    show::three(count),
                    reason.what,
                    reason.is[which],
                    names[1 - which],
                    if other == 0.0 { "none".to_string() } else { show::three(other) },
                )
            })
            .collect();
        named.join("\n")
    }
}

/// How a cost compares with another.
fn more_or_less(difference_ns: f64) -> &'static str {
    if difference_ns >= 0.0 { "more" } else { "less" }
}

/// One of the two that are compared.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Its label in the records.
    pub name: &'a str,
    /// How it is built.
    pub build: Build,
}

/// The unit costs that explaining the difference between these two takes, in the order in which they are best measured.
pub fn units(builds: [Build; 2]) -> Vec<Unit> {
    let mut wanted = vec![Unit::SystemCall, Unit::WakeClient];
    for build in builds {
        for step in [Step::Capacity, Step::Connect] {
            wanted.extend([build.switch(step), build.fault()]);
            wanted.extend(build.takes(step).iter().map(|(unit, _)| *unit));
        }
    }
    Unit::ALL.into_iter().filter(|unit| wanted.contains(unit)).collect()
}

/// The same for the stacks of all these.
pub fn units_of(builds: &[Build]) -> Vec<Unit> {
    let wanted: Vec<Unit> = builds.iter().flat_map(|build| units([*build; 2])).collect();
    Unit::ALL.into_iter().filter(|unit| wanted.contains(unit)).collect()
}

/// Explains the difference between two contestants, for lasting connections and for a connection each.
pub fn explain(cells: &[&Record], sides: [Side; 2], cost: &dyn Fn(Unit) -> Option<Cost>) -> Vec<Explanation> {
    let steps = [(Step::Capacity, Step::Pilot), (Step::Connect, Step::Counts)];
    steps.into_iter().filter_map(|steps| of_step(cells, sides, steps, cost)).collect()
}

/// The cells of a step that count.
fn counting<'a>(cells: &[&'a Record], name: &str, step: Step) -> impl Iterator<Item = &'a Record> {
    let is_of =
        move |record: &&Record| record.trial.cell.contestant == name && record.trial.cell.step == step;
    cells.iter().copied().filter(is_of).filter(|record| record.counted().is_some())
}

/// Median over the cells of a step that count.
fn figure(cells: &[&Record], name: &str, step: Step, read: &dyn Fn(&Record) -> Option<f64>) -> Option<f64> {
    median(&counting(cells, name, step).filter_map(read).collect::<Vec<_>>())
}

/// The share of CPU that was spent in the kernel, over the cells of a step that count. The system counts it in ticks,
/// of which a short cell has few, so their mean says more than a median.
fn mean_system_share(cells: &[&Record], name: &str, step: Step) -> Option<f64> {
    let shares: Vec<f64> =
        counting(cells, name, step).filter_map(|record| record.server.as_ref()?.system_share).collect();
    (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64)
}

fn of_step(
    cells: &[&Record],
    sides: [Side; 2],
    (step, counted): (Step, Step),
    cost: &dyn Fn(Unit) -> Option<Cost>,
) -> Option<Explanation> {
    let names = sides.map(|side| side.name);
    let cpu = |name: &str| figure(cells, name, step, &Record::cpu_as_measured_ns);
    let counts = |read: &dyn Fn(&LoadFigures, &ServerFigures) -> Option<f64>| {
        names.map(|name| {
            let per_request = |record: &Record| {
                let load = record.counted().filter(|load| load.rate_per_s > 0.0)?;
                Some(read(load, record.server.as_ref()?)? / load.rate_per_s)
            };
            figure(cells, name, step, &per_request).or_else(|| figure(cells, name, counted, &per_request))
        })
    };
    let builds = sides.map(|side| side.build);
    let takes = builds.each_ref().map(|build| build.takes(step));
    // What a step contains of switches and faults is in its own price.
    let beyond = |counts: [Option<f64>; 2], contained: fn(&Cost) -> f64| {
        [0, 1].map(|which| {
            let inside =
                |(unit, count): &(Unit, f64)| count * cost(*unit).map_or(0.0, |cost| contained(&cost));
            counts[which].map(|count| (count - takes[which].iter().map(inside).sum::<f64>()).max(0.0))
        })
    };
    let mut found = Explanation {
        step,
        cpu_ns: [cpu(names[0])?, cpu(names[1])?],
        reasons: Vec::new(),
        not_available: Vec::new(),
        outside_kernel_ns: None,
    };
    let outside = |name: &str| Some(cpu(name)? * (1.0 - mean_system_share(cells, name, step)?));
    found.outside_kernel_ns = outside(names[0]).zip(outside(names[1])).map(|(one, other)| [one, other]);
    let mut add = |part: CostPart, what: &'static str, counts: [Option<f64>; 2], units: [Unit; 2]| {
        let costs = units.map(|unit| cost(unit).map(|cost| cost.ns));
        match (counts, costs) {
            ([Some(0.0), Some(0.0)], _) => {}
            ([Some(one), Some(other)], [Some(first), Some(second)]) => found.reasons.push(Reason {
                part,
                what,
                per_request: [one, other],
                cost_ns: [first, second],
                is: units.map(Unit::what),
            }),
            _ => found.not_available.push(what),
        }
    };
    let known = [
        (CostPart::Started, "processes", Unit::Fork),
        (CostPart::Started, "threads", Unit::SpawnForConnection),
        (CostPart::HandOvers, "hand-overs", Unit::HandOver),
        (CostPart::HandOvers, "pool calls", Unit::CallPool),
        (CostPart::HandOvers, "pool calls", Unit::CallPoolForConnection),
        (CostPart::HandOvers, "tasks woken", Unit::WakeTask),
        (CostPart::HandOvers, "tasks started", Unit::TaskForConnection),
        (CostPart::HandOvers, "coroutines resumed", Unit::ResumeCoroutine),
        (CostPart::HandOvers, "coroutines started", Unit::CoroutineForConnection),
        (CostPart::HandOvers, "connections queued", Unit::QueueConnection),
        (CostPart::Events, "connections watched", Unit::WatchConnection),
        (CostPart::Events, "events", Unit::Event),
    ];
    for (part, what, unit) in known {
        let count = |takes: &Vec<(Unit, f64)>| {
            Some(takes.iter().filter(|(taken, _)| *taken == unit).map(|(_, count)| count).sum())
        };
        add(part, what, takes.each_ref().map(count), [unit; 2]);
    }
    add(
        CostPart::Switches,
        "context switches",
        beyond(counts(&|_, server| server.switches_per_s), |cost| cost.switches),
        builds.each_ref().map(|build| build.switch(step)),
    );
    add(
        CostPart::PageFaults,
        "page faults",
        beyond(counts(&|_, server| server.faults_minor_per_s), |cost| cost.faults),
        builds.each_ref().map(Build::fault),
    );
    add(
        CostPart::ClientsWoken,
        "clients woken",
        counts(&|load, _| load.generator_sleeps_per_s),
        [Unit::WakeClient; 2],
    );
    // With a connection each, everybody accepts, receives, sends and closes; the other calls are in the prices above.
    // So are those of a pool, a task or a coroutine beyond the loop's.
    if step == Step::Capacity && builds.iter().all(|build| build.answered_by == AnsweredBy::Itself) {
        add(
            CostPart::SystemCalls,
            "system calls",
            counts(&|_, server| server.system_calls_per_s),
            [Unit::SystemCall; 2],
        );
    }
    Some(found)
}

#[cfg(test)]
mod tests;

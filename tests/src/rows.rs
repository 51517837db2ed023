//! What suites are mounted on: every architecture, and every arm of those that have two.

use dyno_servers::architecture::{Architecture, Concurrency, Family, Knob};
use dyno_servers::architectures::ALL;

/// One contestant.
#[derive(Debug, Clone)]
pub struct Row {
    /// What stands in the test's name: the architecture, and its arm if there are two.
    pub name: String,
    /// Its chapter.
    pub architecture: &'static Architecture,
    /// What follows `serve` on the command line.
    pub arguments: Vec<&'static str>,
}

impl Row {
    /// Whether the chapter reads `knob`.
    pub fn reads(&self, knob: Knob) -> bool {
        self.architecture.knobs.contains(&knob)
    }

    /// Whether it serves one connection at a time.
    pub fn is_alone(&self) -> bool {
        self.architecture.concurrency == Concurrency::One
    }

    /// Whether its workers are processes.
    pub fn has_processes(&self) -> bool {
        self.architecture.family == Family::Processes
    }

    /// Whether it speaks through hyper instead of our own core.
    pub fn is_hyper(&self) -> bool {
        self.architecture.name == "hyper"
    }

    /// The arguments, and `more`.
    pub fn with(&self, more: &[&'static str]) -> Vec<&'static str> {
        let mut arguments = self.arguments.clone();
        arguments.extend(more);
        arguments
    }

    /// The arguments, with `--workers N` where the chapter reads it.
    pub fn with_workers(&self, workers: &'static str) -> Vec<&'static str> {
        if self.reads(Knob::Workers) { self.with(&["--workers", workers]) } else { self.arguments.clone() }
    }

    /// How many clients it serves at once, if that is `most` or less.
    pub fn clients(&self, most: usize) -> usize {
        if self.is_alone() { 1 } else { most }
    }
}

/// All rows, in chapter order.
pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for architecture in ALL {
        let name = architecture.name;
        if architecture.knobs.contains(&Knob::Arm) {
            for arm in ["plain", "tuned"] {
                let arguments = vec![name, "--arm", arm];
                rows.push(Row { name: format!("{name}-{arm}"), architecture, arguments });
            }
        } else {
            rows.push(Row { name: name.into(), architecture, arguments: vec![name] });
        }
    }
    rows
}

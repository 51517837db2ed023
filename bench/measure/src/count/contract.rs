//! What the two sides of the serial line tell each other: the plan lies in the image of the guest, and the guest
//! answers with lines of JSON.

use dyno_record::cell::Cell;
use dyno_record::header::Environment;
use serde::{Deserialize, Serialize};

/// What the guest is to do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GuestPlan {
    /// The cells, each with a number of requests.
    pub cells: Vec<Cell>,
    /// How often each is counted.
    pub blocks: u32,
    /// Seed of the generator.
    pub seed: u64,
}

/// A line of the guest. Other lines come from its kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "guest", rename_all = "kebab-case")]
pub enum GuestLine {
    /// The guest has booted.
    Booted {
        /// The machine that it sees.
        environment: Box<Environment>,
        /// Nanoseconds of its clock that an instruction took, in a loop of known length.
        ns_per_instruction: f64,
    },
    /// A cell was counted once.
    Counted {
        /// Number of the cell in the plan.
        cell: usize,
        /// Number of the block.
        block: u32,
        /// What the two loads took: one of the planned number of requests, and one of twice as many.
        loads: [LoadAccount; 2],
    },
    /// Events of a cell were counted by the kernel, which makes each of them take longer.
    Events {
        /// Number of the cell in the plan.
        cell: usize,
        /// What happened in the same two loads.
        loads: [EventAccount; 2],
    },
    /// A cell could not be counted, or not to its end.
    Failed {
        /// Number of the cell in the plan.
        cell: usize,
        /// Why.
        words: String,
    },
    /// The guest could not do anything at all.
    Broken {
        /// Why.
        words: String,
    },
    /// All cells are done.
    Done,
}

/// The time that all threads of a side ran during one load, in nanoseconds of the guest's clock: in instructions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadAccount {
    /// Requests that were answered rightly.
    pub answered: u64,
    /// The contestant.
    pub server: u64,
    /// The generator.
    pub generator: u64,
    /// The program that starts both, and the kernel's own threads.
    pub others: u64,
    /// All threads of the machine, by an account of its own; absent where the kernel does not keep it.
    pub all: Option<u64>,
}

/// What the contestant did during one load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventAccount {
    /// System calls; absent where the kernel does not count them.
    pub system_calls: Option<u64>,
    /// Context switches.
    pub switches: Option<u64>,
}

impl GuestLine {
    /// The line as text, without its end.
    ///
    /// # Panics
    /// Never: it consists of numbers and words.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("numbers and words can be written")
    }

    /// Reads a line; `None` for one of the kernel.
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text.trim()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_apart_from_those_of_the_kernel() {
        let line = GuestLine::Failed { cell: 3, words: "no\nluck".into() };
        assert_eq!(GuestLine::read(&format!("{}\r\n", line.to_text())), Some(line));
        assert_eq!(GuestLine::read(&GuestLine::Done.to_text()), Some(GuestLine::Done));
        for text in ["", "[    0.000000] Linux version 6.1", "{\"guest\":\"unknown\"}", "{}", "5"] {
            assert_eq!(GuestLine::read(text), None, "{text}");
        }
    }
}

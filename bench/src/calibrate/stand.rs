//! Compares the reports of load generators with the truth. It decides on which CPUs processes run, and prints the
//! table of results.

use std::io::Write;
use std::time::{Duration, Instant};

use dyno_clients::outcome::Outcome as Run;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::time::ClockId;

use crate::calibrate::error::CalibrationError;
use crate::calibrate::own::{self, LawServer};
use crate::calibrate::table::{CalibrationRow, RowStanding, heading, line};
use crate::calibrate::tools;
use crate::exit::Exit;
use crate::print::{PAINT, out, outln};
use dyno_measure::probe::machine;

/// A running calibration: its CPUs, and the rows of its table so far.
pub(crate) struct Stand {
    json: bool,
    only: Option<String>,
    /// Runs of each stall case.
    pub(crate) repeat: u32,
    /// CPU of the reference servers; `None`: any.
    pub(crate) server_cpu: Option<usize>,
    /// CPU of the generators; `None`: any.
    pub(crate) generator_cpu: Option<usize>,
    /// How much of the machine other programs used during the last run, in cores.
    others_share: f64,
    rows: Vec<CalibrationRow>,
}

impl Stand {
    /// A calibration with one core for the server and another for the generator, if there are two.
    pub(crate) fn new(json: bool, only: Option<String>, repeat: u32) -> Self {
        let mut cpus = machine::online_cores().into_iter();
        let (first, second) = (cpus.next(), cpus.next());
        Stand {
            json,
            only,
            repeat,
            server_cpu: second.and(first),
            generator_cpu: second,
            others_share: 0.0,
            rows: Vec::new(),
        }
    }

    /// Prints on which CPUs processes run, which generators are missing, and the heading of the table.
    pub(crate) fn begin(&self) {
        if self.json {
            return;
        }
        match (self.server_cpu, self.generator_cpu) {
            (Some(server), Some(generator)) => {
                outln!("reference server on CPU {server}, generator on CPU {generator}");
            }
            _ => outln!("one CPU for server and generator: nothing here will be exact"),
        }
        let missing: Vec<&str> = tools::ALL.iter().filter(|t| !t.is_installed()).map(|t| t.name).collect();
        if !missing.is_empty() {
            outln!("not installed: {}", missing.join(", "));
        }
        out!("\n{}", heading(PAINT));
    }

    /// Whether a law was asked for.
    pub(crate) fn is_wanted(&self, law: &str) -> bool {
        self.only.as_ref().is_none_or(|only| law.contains(only.as_str()))
    }

    fn add(&mut self, row: CalibrationRow) {
        if self.json {
            let mut value = serde_json::to_value(&row).unwrap_or_default();
            value["right"] = row.is_right().into();
            outln!("{value}");
        } else {
            out!("{}", line(&row, PAINT));
        }
        // A row takes seconds to measure, and is shown at once.
        let _ = std::io::stdout().flush();
        self.rows.push(row);
    }

    /// Adds the comparison of a report with the truth. A wrong report counts as void if other programs used the
    /// machine during the last run.
    pub(crate) fn compare(
        &mut self,
        law: &str,
        tool: &str,
        quantity: String,
        truth: f64,
        told: Option<f64>,
        tolerance: Option<f64>,
    ) {
        let beside = ["naive", "closed", "textbook"];
        let binding = tool.starts_with("dyno") && !beside.iter().any(|word| tool.contains(word));
        self.add(CalibrationRow {
            law: law.into(),
            tool: tool.into(),
            quantity,
            true_ns: truth,
            reported_ns: told,
            tolerance,
            binding,
            others_share: self.others_share,
        });
    }

    /// Adds a comparison by Little's law: the mean number in the system against rate times mean latency.
    pub(crate) fn little(&mut self, law: &str, tool: &str, run: &Run, tolerance: f64) {
        let mean_ns = run.latency.total.mean_ns;
        // Rate times mean latency as in the textbook, including the requests that cross the edges of the window.
        let predicted = run.counts.completed as f64 / run.window_ns.max(1) as f64 * mean_ns;
        let measured = run.audit.figures.in_system_mean;
        // Both are compared as times: the mean latency that follows from the number in the system, and the measured
        // one.
        self.compare(
            law,
            tool,
            "Little".into(),
            mean_ns,
            Some(mean_ns * measured / predicted),
            Some(tolerance),
        );
    }

    /// Loads a reference server with Dyno, and measures how much of the machine other programs use meanwhile.
    ///
    /// # Errors
    /// When Dyno gives no result.
    pub(crate) fn load(&mut self, server: &LawServer, words: &str) -> Result<Run, CalibrationError> {
        let words: Vec<String> = words.split_whitespace().map(String::from).collect();
        let (begin, before, own) = (Instant::now(), machine::sample(), own_cpu(server));
        let run = own::load(&server.url, &words, self.generator_cpu);
        let after = machine::sample();
        let used = (after.busy + after.steal).saturating_sub(before.busy + before.steal);
        let others = used.saturating_sub(own_cpu(server).saturating_sub(own));
        self.others_share = others.as_secs_f64() / begin.elapsed().as_secs_f64();
        run
    }

    /// Prints the summary, and returns the exit code that follows from it.
    pub(crate) fn end(self) -> Exit {
        let own = self.rows.iter().filter(|r| r.binding).count();
        let is = |standing| self.rows.iter().filter(|r| r.binding && r.standing() == standing).count();
        let (wrong, void) = (is(RowStanding::Wrong) + is(RowStanding::NotTold), is(RowStanding::Void));
        if !self.json {
            outln!(
                "\nDyno: {} of {own} values right, {void} void (others had the machine)",
                own - wrong - void
            );
        }
        // Nine of ten are enough: Poisson arrivals are random, and some runs miss their tolerance by chance.
        match () {
            () if wrong * 10 > own => Exit::Failed,
            () if (wrong + void) * 10 > own => Exit::Invalid,
            () => Exit::Success,
        }
    }
}

/// CPU time of the generators so far, and of a reference server: getrusage(2), clock_getcpuclockid(3).
fn own_cpu(server: &LawServer) -> Duration {
    let children = getrusage(UsageWho::RUSAGE_CHILDREN)
        .map_or(0, |usage| usage.user_time().num_microseconds() + usage.system_time().num_microseconds());
    let clock = ClockId::pid_cpu_clock_id(server.process()).and_then(ClockId::now);
    let reference = clock.map_or(0, |time| time.num_microseconds());
    Duration::from_micros(u64::try_from(children + reference).unwrap_or(0))
}

//! Progress of an experiment on stderr: a bar on a terminal, plain lines elsewhere.

use std::collections::HashMap;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::limits::TERMINAL_COLUMNS;
use crate::print::errln;
use dyno_analysis::spoilt;
use dyno_measure::campaign::CampaignProgress;
use dyno_record::cell::Trial;
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_units::show;
use dyno_units::text::wrap;
use dyno_units::verdict::Verdict;

/// Progress on stderr.
#[derive(Debug)]
pub(crate) struct Reporter {
    quiet: bool,
    bar: Option<ProgressBar>,
    /// The block that was last reported: whether it was the pilot, and its number.
    last_block: Option<(bool, u32)>,
    /// The trials whose latest record is void, by their keys, each with the kind of reason.
    void: HashMap<String, &'static str>,
}

impl Reporter {
    /// A reporter; a quiet one reports only void cells.
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = (!quiet && std::io::stderr().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len}  {wide_msg}") {
                bar.set_style(style);
            }
            bar
        });
        Reporter { quiet, bar, last_block: None, void: HashMap::new() }
    }

    /// Prints a line of its own, above the bar.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None if self.quiet => {}
            None => errln!("{line}"),
        }
    }

    /// Warns, in lines that fit the terminal.
    pub(crate) fn warn(&self, words: &str) {
        self.say(&wrap(&format!("warning: {words}"), TERMINAL_COLUMNS));
    }

    /// Warns that this program was built without optimization.
    pub(crate) fn warn_of_slow_program(&self) {
        self.warn(
            "this program was built without optimization; its figures say nothing (cargo run --release)",
        );
    }

    /// Ends the bar.
    ///
    /// # Returns
    /// How many cells were void, and for what, in words; `None` where none was.
    pub(crate) fn finish(self) -> Option<String> {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        (!self.void.is_empty()).then(|| spoilt::told(&self.void.values().copied().collect::<Vec<_>>()))
    }
}

fn place(trial: &Trial) -> String {
    let cell = &trial.cell;
    format!("{} {} ({})", cell.step, cell.contestant, cell.load.words())
}

impl CampaignProgress for Reporter {
    fn begin(&mut self, trial: &Trial, done: usize, planned: usize, left: Duration) {
        if let Some(bar) = &self.bar {
            bar.set_length(planned as u64);
            bar.set_position(done as u64);
            let void =
                if !self.void.is_empty() { format!(", {} void", self.void.len()) } else { String::new() };
            let cell = &trial.cell;
            bar.set_message(format!("{} left{void}: {} {}", show::span(left), cell.step, cell.contestant));
            return;
        }
        let block = (trial.cell.step == Step::Pilot, trial.block);
        if self.last_block != Some(block) {
            let name = if block.0 { Step::Pilot.to_string() } else { format!("block {}", block.1 + 1) };
            self.say(&format!("{name}: {done} of {planned} cells done, {} left", show::span(left)));
            self.last_block = Some(block);
        }
    }

    fn end(&mut self, record: &Record, known_before: bool) {
        if record.audit.verdict != Verdict::Void {
            self.void.remove(&record.trial.key());
            return;
        }
        if !known_before {
            self.void.insert(record.trial.key(), spoilt::kind(record));
            // On a terminal the bar counts them, and the report has their reasons.
            if self.bar.is_none() {
                errln!("void: {}: {}", place(&record.trial), record.audit.reason());
            }
        }
    }
}

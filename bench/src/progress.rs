//! Progress of an experiment on stderr: a bar on a terminal, plain lines elsewhere.

use std::collections::HashSet;
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::limits::TERMINAL_COLUMNS;
use crate::print::errln;
use dyno_measure::campaign::CampaignProgress;
use dyno_record::cell::Trial;
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_units::show;
use dyno_units::verdict::Verdict;

/// Progress on stderr.
#[derive(Debug)]
pub(crate) struct Reporter {
    quiet: bool,
    bar: Option<ProgressBar>,
    /// The block that was last reported: whether it was the pilot, and its number.
    last_block: Option<(bool, u32)>,
    /// The keys of the trials whose latest record is void.
    void: HashSet<String>,
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
        Reporter { quiet, bar, last_block: None, void: HashSet::new() }
    }

    /// Prints a line of its own, above the bar.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None if self.quiet => {}
            None => errln!("{line}"),
        }
    }

    /// Warns that this program was built without optimization.
    pub(crate) fn warn_of_slow_program(&self) {
        self.say("warning: this program was built without optimization; its figures say nothing (cargo run --release)");
    }

    /// Ends the bar.
    ///
    /// # Returns
    /// How many cells were void.
    pub(crate) fn finish(self) -> usize {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        self.void.len()
    }
}

/// The text, cut to one line.
fn cut(text: &str) -> String {
    if text.chars().count() <= TERMINAL_COLUMNS {
        return text.to_string();
    }
    text.chars().take(TERMINAL_COLUMNS - 1).chain(['…']).collect()
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
            self.void.insert(record.trial.key());
            let (cell, reason) = (&record.trial.cell, record.audit.reason());
            match &self.bar {
                // The report has the whole reason; here it is cut to one line, or the bar would leave the screen.
                Some(bar) => bar.println(cut(&format!("void: {} {}: {reason}", cell.step, cell.contestant))),
                None => errln!("void: {}: {reason}", place(&record.trial)),
            }
        }
    }
}

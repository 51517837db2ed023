//! Progress of an experiment on stderr: a bar on a terminal, plain lines elsewhere.

use std::collections::{BTreeMap, HashMap};
use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::limits::TERMINAL_COLUMNS;
use crate::print::errln;
use dyno_measure::campaign::CampaignProgress;
use dyno_record::audit::Law;
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
        (!self.void.is_empty()).then(|| counted(self.void.values().copied()))
    }
}

/// `7 void cells (4 other programs, 3 steal)`
fn counted(reasons: impl Iterator<Item = &'static str>) -> String {
    let mut by_reason: BTreeMap<&str, usize> = BTreeMap::new();
    reasons.for_each(|reason| *by_reason.entry(reason).or_default() += 1);
    let mut each: Vec<(&str, usize)> = by_reason.into_iter().collect();
    each.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let all = each.iter().map(|(_, count)| count).sum();
    let words: Vec<String> = each.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    format!("{} ({})", show::count(all, "void cell"), words.join(", "))
}

/// What made a cell void, in a word or two.
fn kind(record: &Record) -> &'static str {
    if record.audit.wall().is_some() {
        return "wall";
    }
    let worst = record.audit.findings.first();
    match worst.map(|finding| finding.law) {
        Some(Law::MachineIdle) => "other programs",
        Some(Law::Steal) => "steal",
        Some(Law::Unthrottled) => "CPU quota",
        Some(Law::GeneratorOnTime | Law::GeneratorUnsaturated) => "generator",
        Some(Law::LittlesLaw | Law::UtilizationLaw) => "figures that contradict each other",
        Some(Law::RateEven | Law::CostEven) => "uneven within the window",
        Some(Law::Unwatched) => "slower while clocks were read",
        _ => "other reasons",
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
            self.void.insert(record.trial.key(), kind(record));
            // On a terminal the bar counts them, and the report has their reasons.
            if self.bar.is_none() {
                errln!("void: {}: {}", place(&record.trial), record.audit.reason());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn void_cells_are_counted_by_reason_the_most_frequent_first() {
        let reasons = ["steal", "other programs", "steal", "other programs", "other programs"];
        assert_eq!(counted(reasons.into_iter()), "5 void cells (3 other programs, 2 steal)");
        assert_eq!(counted(["wall"].into_iter()), "1 void cell (1 wall)");
    }
}

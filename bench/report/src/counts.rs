//! Counted instructions as a part of another report: what a request costs on any machine, beside what it cost on this.

use dyno_analysis::instructions::{self, CountRow};
use dyno_analysis::levelling::Levelled;
use dyno_statistics::rank::correlation;

use crate::instructions as shown;
use crate::section::Section;
use crate::sections::count;
use crate::words;

/// What the part is called.
const TITLE: &str = "Instructions, counted in an emulated machine";

/// Pairs from which on an order means something.
const PAIRS_MIN: usize = 4;

/// A count that was made beside a comparison.
pub(crate) struct CountPart {
    rows: Vec<CountRow>,
    /// Whether instructions and CPU time put the architectures into the same order.
    agreement: Option<String>,
}

impl CountPart {
    /// Of the records of a count, and of the CPU time that a request took each contestant, by label, ns.
    pub(crate) fn of(records: &Levelled, cpu_ns: &[(String, f64)]) -> Self {
        let rows = instructions::rows(records);
        let agreement = agreement(&rows, cpu_ns);
        CountPart { rows, agreement }
    }

    fn words(&self) -> Vec<String> {
        self.agreement.iter().cloned().chain(shown::paragraphs(&self.rows)).collect()
    }

    /// For a terminal of 80 columns.
    pub(crate) fn terminal(&self) -> String {
        let table = shown::terminal(&self.rows);
        format!("\n{TITLE}\n{table}{}", words::wrapped(&self.words()))
    }

    /// For Markdown.
    pub(crate) fn markdown(&self) -> String {
        let table = shown::markdown_table(&self.rows);
        format!("\n### {TITLE}\n\n{table}\n{}\n", self.words().join("\n\n"))
    }

    /// For the page.
    pub(crate) fn section(&self) -> Section {
        let words = words::html(&self.words());
        Section {
            id: "counted",
            title: TITLE.into(),
            body: count::bar_charts(&self.rows) + &format!("<div class=\"words\">{words}</div>"),
        }
    }
}

fn agreement(rows: &[CountRow], cpu_ns: &[(String, f64)]) -> Option<String> {
    let pairs = rows.iter().filter_map(|row| {
        let (_, cpu) = cpu_ns.iter().find(|(label, _)| *label == row.line.label)?;
        Some((row.request.all.value()?, *cpu))
    });
    let (counted, measured): (Vec<f64>, Vec<f64>) = pairs.unzip();
    if counted.len() < PAIRS_MIN {
        return None;
    }
    let same = correlation(&counted, &measured)?;
    Some(format!(
        "Instructions and CPU time put the {} into {} order: their rank correlation is {same:.2} (1 is the same order, 0 is none). Where they part, caches, wake-ups and waits for memory decide, and those only a clock sees.",
        counted.len(),
        if same >= 0.9 { "much the same" } else { "a different" },
    ))
}

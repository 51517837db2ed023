//! The page of one run of a load generator: what it says, its figures over time, its latencies, its audit.

mod pictures;
mod table;

use askama::Template;
use dyno_units::verdict::Verdict;

use crate::error::ReportError;
use crate::page::{Page, SCRIPT, STYLE};
use crate::prose;
use crate::section::Section;

pub use self::table::RunTable;
use self::table::rendered;

/// What the page shows. Times are ns unless a name says otherwise.
#[derive(Debug, Clone, Default)]
pub struct RunPage {
    /// Its heading.
    pub title: String,
    /// When, where, and by which plan.
    pub facts: String,
    /// The verdict on what the run was for.
    pub verdict: Verdict,
    /// What came out, in plain sentences, the verdict first.
    pub sentences: Vec<String>,
    /// Every doubt and what to do about it.
    pub doubts: Vec<(String, String)>,
    /// The run over time, warm-up included.
    pub moments: Vec<Moment>,
    /// Length of the warm-up, s.
    pub warm_up_s: f64,
    /// Latencies by quantile, up to where at least one answer lies beyond; from when requests were due, and from when
    /// they were sent.
    pub due_spectrum: Vec<(f64, u64)>,
    /// The second of them.
    pub sent_spectrum: Vec<(f64, u64)>,
    /// The quantile beyond which fewer answers lie than a percentile needs.
    pub known_to: f64,
    /// Answers by latency: where a class begins, and its share of all.
    pub classes: Vec<(u64, f64)>,
    /// Tables, each with its place on the page.
    pub tables: Vec<RunTable>,
    /// Name and version of the program.
    pub version: String,
    /// The command line.
    pub command: String,
}

/// An interval of a run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moment {
    /// When it began, s from the start of the run.
    pub at_s: f64,
    /// Requests sent a second.
    pub sent_per_s: f64,
    /// Verified answers a second.
    pub answered_per_s: f64,
    /// Failures in it.
    pub failed: u64,
    /// Percentiles of its answers; 0 where there were none.
    pub p50_ns: u64,
    /// The 99th.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

impl RunPage {
    /// The page as HTML: one file that loads nothing and reads without scripts.
    ///
    /// # Errors
    /// When it cannot be rendered, which would be a fault of this program.
    pub fn html(&self) -> Result<String, ReportError> {
        let warned = usize::from(self.verdict == Verdict::Void).min(self.sentences.len());
        let (warnings, sentences) = self.sentences.split_at(warned);
        let doubts = self.doubts.iter().map(|(doubt, remedy)| format!("{doubt}. What helps: {remedy}."));
        let page = Page {
            title: self.title.clone(),
            facts: self.facts.clone(),
            opening: "What it says",
            style: STYLE,
            style_hash: prose::sha256_base64(STYLE),
            script: SCRIPT,
            script_hash: prose::sha256_base64(SCRIPT),
            answer: String::new(),
            warnings: warnings.to_vec(),
            paragraphs: sentences.iter().cloned().chain(doubts.map(|text| capital(&text))).collect(),
            sections: self.sections(),
            version: &self.version,
            origin: "from one run",
            command: self.command.clone(),
            data: "{\"cells\":[],\"first\":0}".into(),
        };
        page.render().map_err(ReportError::Page)
    }

    fn sections(&self) -> Vec<Section> {
        let mut parts = Vec::new();
        if self.moments.len() > 1 {
            parts.push(Section { id: "time", title: "Over time".into(), body: self.over_time() });
        }
        if !self.due_spectrum.is_empty() {
            parts.push(Section { id: "latency", title: "Latencies".into(), body: self.latencies() });
        }
        for table in &self.tables {
            let body = rendered(table);
            match parts.iter_mut().find(|part| part.id == table.id) {
                Some(part) => part.body += &body,
                None => parts.push(Section { id: table.id, title: table.title.into(), body }),
            }
        }
        parts
    }
}

/// The text as a sentence begins; a name such as p99 stays as it is.
fn capital(text: &str) -> String {
    if text.split(' ').next().is_some_and(|word| word.contains(|letter: char| letter.is_ascii_digit())) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

//! The page of one run of a load generator: what it says, its figures over time, its latencies, its audit.

use askama::Template;
use dyno_units::show;
use dyno_units::verdict::Verdict;

use crate::charts::escape;
use crate::charts::plot::{self, Plot, PlotAxis, PlotLine};
use crate::error::ReportError;
use crate::page::{Page, SCRIPT, STYLE};
use crate::prose;
use crate::section::Section;
use crate::sections::{chart, charts};

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

/// A table.
#[derive(Debug, Clone, Default)]
pub struct RunTable {
    /// Anchor of the part of the page that it stands in, and begins if it is the first there.
    pub id: &'static str,
    /// Heading of that part.
    pub title: &'static str,
    /// What it shows.
    pub caption: &'static str,
    /// Heads of its columns; none for a list of names and values.
    pub head: Vec<String>,
    /// Its rows; the first cell is the head of its row.
    pub rows: Vec<Vec<String>>,
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

    fn over_time(&self) -> String {
        let line = |name, of: fn(&Moment) -> f64| PlotLine {
            name,
            points: self.moments.iter().map(|moment| (moment.at_s, of(moment))).collect(),
            filled: false,
        };
        // An interval without answers has no latency, and the line goes over it.
        let latency = |name, of: fn(&Moment) -> u64| PlotLine {
            name,
            points: self.moments.iter().filter(|m| of(m) > 0).map(|m| (m.at_s, of(m) as f64)).collect(),
            filled: false,
        };
        let apart = (self.warm_up_s > 0.0).then_some((0.0, self.warm_up_s, "warm-up, not counted"));
        let seconds = || (PlotAxis::Linear(show::three), "seconds from the start");
        let rate = Plot {
            title: "Requests sent and answered a second, over time",
            x: seconds(),
            y: (PlotAxis::Linear(show::rate), "requests/s"),
            apart,
            lines: vec![line("answered", |m| m.answered_per_s), line("sent", |m| m.sent_per_s)],
        };
        let percentiles = Plot {
            title: "Latencies over time",
            x: seconds(),
            y: (PlotAxis::Log(show::time), "latency"),
            apart,
            lines: vec![
                latency("p50", |m| m.p50_ns),
                latency("p99", |m| m.p99_ns),
                latency("max", |m| m.max_ns),
            ],
        };
        let names = [("answered", "answered"), ("sent", "sent")];
        let rate = plot::draw(&rate) + &plot::legend(&names);
        let names = [("p50", "half were faster"), ("p99", "99 of 100 were faster"), ("max", "the slowest")];
        let percentiles = plot::draw(&percentiles) + &plot::legend(&names);
        let head = ["second", "sent/s", "answered/s", "failed", "p50", "p99", "max"];
        let time = |ns: u64| if ns == 0 { "–".to_string() } else { show::time(ns as f64) };
        let row = |m: &Moment| {
            vec![
                format!("{:.2}", m.at_s),
                show::rate(m.sent_per_s),
                show::rate(m.answered_per_s),
                show::whole(m.failed),
                time(m.p50_ns),
                time(m.p99_ns),
                time(m.max_ns),
            ]
        };
        let table = rendered(&RunTable {
            caption: "Every interval; requests count where they were sent, answers where they came.",
            head: head.map(String::from).to_vec(),
            rows: self.moments.iter().map(row).collect(),
            ..RunTable::default()
        });
        let figures =
            [chart("How much was sent and answered", &rate), chart("How long answers took", &percentiles)];
        charts(&figures) + &format!("<details><summary>The same as a table</summary>{table}</details>")
    }

    fn latencies(&self) -> String {
        // On this axis each step to the right is a tenth of the answers: one more nine.
        let nines = |quantile: f64| -(1.0 - quantile).log10();
        let line = |name, spectrum: &[(f64, u64)]| PlotLine {
            name,
            points: spectrum.iter().map(|&(quantile, ns)| (nines(quantile), ns as f64)).collect(),
            filled: false,
        };
        let last = self.due_spectrum.last().map_or(0.0, |point| point.0);
        let marks = [0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999_999];
        let names = marks.into_iter().filter(|mark| *mark <= last);
        let spectrum = Plot {
            title: "Latency by percentile, one more nine with each step",
            x: (
                PlotAxis::Named(names.map(|mark| (nines(mark), show::quantile(mark))).collect()),
                "percentile",
            ),
            y: (PlotAxis::Log(show::time), "latency"),
            apart: (self.known_to < last)
                .then(|| (nines(self.known_to), nines(last), "fewer than ten answers lie beyond")),
            lines: vec![line("due", &self.due_spectrum), line("sent", &self.sent_spectrum)],
        };
        let names = [("due", "from when a request was due"), ("sent", "from when it was sent")];
        let spectrum = plot::draw(&spectrum) + &plot::legend(&names);
        let histogram = Plot {
            title: "Share of the answers by latency",
            x: (PlotAxis::Log(show::time), "latency, from when a request was due"),
            y: (PlotAxis::Linear(show::share), "of the answers"),
            apart: None,
            lines: vec![PlotLine {
                name: "due",
                points: self.classes.iter().map(|&(ns, share)| (ns as f64, share)).collect(),
                filled: true,
            }],
        };
        charts(&[
            chart("What share of the answers was faster", &spectrum),
            chart("How the answers spread", &(plot::draw(&histogram) + &plot::legend(&names[..1]))),
        ])
    }
}

/// A table that scrolls where it is too wide.
fn rendered(table: &RunTable) -> String {
    let mut html = String::new();
    let row = |cells: &[String]| -> String {
        let one = |(place, cell): (usize, &String)| match place {
            0 => format!("<th scope=\"row\">{}</th>", escape(cell)),
            _ if table.head.is_empty() => format!("<td class=\"text\">{}</td>", escape(cell)),
            _ => format!("<td>{}</td>", escape(cell)),
        };
        format!("<tr>{}</tr>", cells.iter().enumerate().map(one).collect::<String>())
    };
    html += "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"";
    html += &escape(table.caption);
    html += &format!("\"><table><caption>{}</caption>", escape(table.caption));
    if !table.head.is_empty() {
        let one = |(place, name): (usize, &String)| {
            format!(
                "<th scope=\"col\"{}>{}</th>",
                if place == 0 { " class=\"text\"" } else { "" },
                escape(name)
            )
        };
        html += &format!(
            "<thead><tr>{}</tr></thead>",
            table.head.iter().enumerate().map(one).collect::<String>()
        );
    }
    html += &format!(
        "<tbody>{}</tbody></table></div>",
        table.rows.iter().map(|cells| row(cells)).collect::<String>()
    );
    html
}

/// The text as a sentence begins; a name such as p99 stays as it is.
fn capital(text: &str) -> String {
    if text.split(' ').next().is_some_and(|word| word.contains(|letter: char| letter.is_ascii_digit())) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

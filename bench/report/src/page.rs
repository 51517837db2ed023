//! The page: one file that loads nothing, with charts that work without scripts.

use askama::Template;
use dyno_record::cell::Cell;
use dyno_record::experiment::Experiment;
use dyno_record::step::Step;

use crate::charts::escape;
use crate::counts::CountPart;
use crate::error::ReportError;
use crate::found::Found;
use crate::glossary;
use crate::machine;
use crate::opening::{self, Opening};
use crate::prose;
use crate::section::Section;
use crate::sections;
use crate::statements;
use crate::who::{self, ChapterText};
use crate::words;
use dyno_analysis::comparison::Model;
use dyno_analysis::levelling::{Levelled, LevelledCell};
use dyno_record::header::Header;
use dyno_units::show;
use dyno_units::verdict::Verdict;

#[derive(Template)]
#[template(path = "report.html")]
pub(crate) struct Page<'a> {
    pub(crate) title: String,
    pub(crate) facts: String,
    /// Heading of the first box.
    pub(crate) opening: &'a str,
    pub(crate) style: &'a str,
    pub(crate) style_hash: String,
    pub(crate) script: &'a str,
    pub(crate) script_hash: String,
    /// The answer as HTML, before everything else; empty where a page has none.
    pub(crate) answer: String,
    pub(crate) warnings: Vec<String>,
    pub(crate) paragraphs: Vec<String>,
    pub(crate) sections: Vec<Section>,
    pub(crate) version: &'a str,
    /// What it was made from.
    pub(crate) origin: &'a str,
    pub(crate) command: String,
    pub(crate) data: String,
}

pub(crate) const STYLE: &str = concat!(
    include_str!("page/palette.css"),
    include_str!("page/style.css"),
    include_str!("page/figures.css"),
    include_str!("page/isolation.css"),
    include_str!("page/workloads.css")
);
pub(crate) const SCRIPT: &str = include_str!("page/script.js");

/// The page of an experiment.
///
/// # Errors
/// When it cannot be rendered, which would be a fault of this program.
pub(crate) fn render(
    model: &Model,
    records: &Levelled,
    found: &Found,
    opening: Option<&Opening>,
    counts: Option<&CountPart>,
    chapters: &[ChapterText],
) -> Result<String, ReportError> {
    let header = &records.header;
    let paragraphs = statements::paragraphs(model, records, found);
    let mut parts = sections::all(model, records, found);
    parts.extend(counts.map(CountPart::section));
    if opening.is_some() {
        let words = words::html(&paragraphs);
        parts.push(Section {
            id: "says",
            title: "What it says".into(),
            body: format!("<div class=\"words\">{words}</div>"),
        });
    }
    if !matches!(header.experiment, Experiment::Waiting | Experiment::Isolation) {
        parts.push(series(records));
    }
    parts.push(cells(records));
    parts.push(Section { id: "machine", title: "The machine".into(), body: machine::render(header) });
    parts.push(Section {
        id: "method",
        title: "How it is measured".into(),
        body: prose::html(prose::METHODOLOGY),
    });
    parts.push(Section { id: "bias", title: "What not to believe".into(), body: prose::html(prose::BIAS) });
    parts.push(glossary::section());
    parts.push(who::section(header, chapters));
    let page = Page {
        title: title(header),
        facts: facts(header),
        opening: if opening.is_some() { "The answer" } else { "What it says" },
        style: STYLE,
        style_hash: prose::sha256_base64(STYLE),
        script: SCRIPT,
        script_hash: prose::sha256_base64(SCRIPT),
        answer: opening.map_or(String::new(), |opening| answer(model, opening)),
        warnings: warnings(header, records),
        paragraphs: if opening.is_some() { Vec::new() } else { paragraphs },
        sections: parts,
        version: &header.environment.dyno,
        origin: "from records alone",
        command: header.command.join(" "),
        data: data(records).map_err(ReportError::Series)?,
    };
    page.render().map_err(ReportError::Page)
}

/// Sentence and picture beside each other, with the legend of both.
fn answer(model: &Model, opening: &Opening) -> String {
    let words = opening.words();
    let (first, besides) =
        words.split_first().map_or(("", [].as_slice()), |(first, rest)| (first.as_str(), rest));
    let (first, sure) = match first.strip_suffix(&opening.quantity.sure) {
        Some(first) => (first.trim_end(), opening.quantity.sure.as_str()),
        None => (first, ""),
    };
    let besides = words::html(besides);
    format!(
        "<div class=\"answer\"><div><p class=\"lead\">{}</p>{besides}<p class=\"note\">{}</p><details class=\"key\"><summary>What void, wall, at least and too few mean</summary>{}</details></div>\
         <figure class=\"chart\">{}{}</figure></div>",
        escape(first),
        escape(
            format!(
                "{sure} {} whiskers are intervals; a band of one shade is a tie.",
                if opening.cells.is_empty() { "The" } else { "Dots are single cells, the" }
            )
            .trim_start()
        ),
        glossary::signs(),
        sections::legend(model),
        opening::picture::svg(opening),
    )
}

fn title(header: &Header) -> String {
    let names: Vec<&str> = header.contestants.iter().map(|line| line.label.as_str()).collect();
    let who = match names.len() {
        0..=4 => names.join(", "),
        many => format!("{many} servers"),
    };
    format!("dyno {}: {who}", header.experiment)
}

fn facts(header: &Header) -> String {
    let environment = &header.environment;
    format!(
        "{} UTC · {}, {} · Linux {} · {}, seed {}",
        show::moment(header.began_unix_ms),
        environment.processor,
        show::count(environment.cores, "core"),
        environment.kernel,
        show::count(header.blocks as usize, "block"),
        header.seed
    )
}

fn warnings(header: &Header, records: &Levelled) -> Vec<String> {
    let mut found = Vec::new();
    if !header.environment.optimized {
        found.push(
            "Built without optimization: these figures say nothing about the architectures.".to_string(),
        );
    }
    let is_timed = !matches!(header.experiment, Experiment::Count | Experiment::Isolation);
    if is_timed && records.cells.iter().any(|record| record.trial.cell.cores.shared()) {
        found.push("Server and generator shared cores: what one used, the other lacked.".to_string());
    }
    let void = records.cells.iter().filter(|record| record.audit.verdict == Verdict::Void).count();
    if void * 2 > records.cells.len() {
        found.push(format!("More than half of the cells are void ({void} of {}).", records.cells.len()));
    }
    found
}

fn series(records: &Levelled) -> Section {
    let own = "<div class=\"script\"><p><label>Cell: <select id=\"series-cell\"></select></label></p>\
                <ul class=\"legend\"><li class=\"f-rate\"><span>right answers a second (left)</span></li><li class=\"f-p99\"><span>99th percentile (right)</span></li></ul>\
                <canvas id=\"series\" role=\"img\" aria-labelledby=\"series-words\"></canvas><p class=\"note\"><output id=\"series-words\"></output></p></div>\
                <noscript><p class=\"note\">The series is drawn by a script; its figures are in records.jsonl.</p></noscript>";
    let (title, body) = match sections::latency::over_time(records) {
        Some(heat) => ("Over time", sections::charts(&[heat, format!("<div>{own}</div>")])),
        None => ("One cell over time", own.to_string()),
    };
    Section { id: "time", title: title.into(), body }
}

/// Every cell with what the audit says of it.
fn cells(records: &Levelled) -> Section {
    let mut rows = String::new();
    for record in &records.cells {
        let cell = &record.trial.cell;
        let audit = &record.audit;
        let verdict = match (audit.verdict, audit.latency) {
            (verdict, Verdict::Void) if verdict != Verdict::Void => {
                format!("{}; latencies void", verdict.name())
            }
            (verdict, _) => verdict.name().to_string(),
        };
        let doubts: Vec<&str> = record.audit.findings.iter().map(|finding| finding.words.as_str()).collect();
        let rate = record.load.as_ref().map(|load| load.rate_per_s);
        let p99 = record.load.as_ref().and_then(|load| load.total.at_ns(99.0));
        rows += &format!(
            "<tr><th scope=\"row\">{0}</th><td class=\"text\">{1}</td><td>{2}</td><td class=\"text\">{3}</td>\
             <td data-value=\"{4}\">{5}</td><td data-value=\"{6}\">{7}</td><td class=\"text{8}\">{9}</td><td class=\"text\">{10}</td></tr>",
            escape(&cell.contestant),
            escape(&step(cell)),
            record.trial.block + 1,
            escape(&cell.load.words()),
            rate.map(|rate| rate.to_string()).unwrap_or_default(),
            rate.map_or("–".to_string(), show::rate),
            p99.map(|ns| ns.to_string()).unwrap_or_default(),
            p99.map_or("–".to_string(), |ns| show::time(ns as f64)),
            if record.audit.verdict == Verdict::Void { " void" } else { "" },
            verdict,
            escape(&doubts.join("; ")),
        );
    }
    let head = sections::head(&[
        ("server", false),
        ("step", false),
        ("block", true),
        ("load", false),
        ("requests/s", true),
        ("p99", true),
        ("audit", false),
        ("doubts", false),
    ]);
    let body = format!(
        "<details><summary>All {} cells, with what the audit says of each</summary>\
         <div class=\"tools script\"><label>Filter: <input data-filter=\"cells-table\" placeholder=\"void epoll\"></label><output data-count=\"cells-table\"></output></div>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"All cells\"><table id=\"cells-table\" data-sort><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>",
        records.cells.len(),
    );
    Section { id: "cells", title: "Every cell and its audit".into(), body }
}

/// The step of a cell, with the name of its workload where it has one.
fn step(cell: &Cell) -> String {
    let workload = cell.load.workload.as_ref();
    workload.map_or_else(|| cell.step.to_string(), |name| format!("{name} {}", cell.step))
}

/// The data of the script: name and series of each cell. `<` is escaped, so that no text can end the element.
fn data(records: &Levelled) -> Result<String, serde_json::Error> {
    let one = |record: &LevelledCell| {
        let cell = &record.trial.cell;
        let series: Vec<_> = record
            .load
            .iter()
            .flat_map(|load| &load.series)
            .map(|point| serde_json::json!([point.at_ms, point.rate_per_s.round() as u64, point.p99_ns]))
            .collect();
        serde_json::json!({
            "of": cell.contestant,
            "name": format!("{} {}, block {}", cell.contestant, step(cell), record.trial.block + 1),
            "series": series,
        })
    };
    let cells: Vec<_> = records.cells.iter().map(one).collect();
    // The first cell to show: the one of a spike, or else a cell of the experiment itself.
    let own = match records.header.experiment {
        Experiment::Compare => Step::Capacity,
        Experiment::Curve => Step::Curve,
        Experiment::Scale => Step::Scale,
        Experiment::Connections => Step::Connections,
        Experiment::Count => Step::Instructions,
        Experiment::Isolation => Step::Isolation,
        Experiment::Overload => Step::Overload,
        Experiment::Duel => Step::Duel,
        Experiment::Workloads => Step::Capacity,
        Experiment::Waiting => Step::WaitingJam,
    };
    let wanted = [Step::CurveSpike, Step::OverloadSpike, own, Step::Capacity];
    let first = wanted
        .iter()
        .find_map(|step| records.cells.iter().position(|record| record.trial.cell.step == *step))
        .unwrap_or(0);
    Ok(serde_json::to_string(&serde_json::json!({ "cells": cells, "first": first }))?.replace('<', "\\u003c"))
}

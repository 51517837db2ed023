//! The parts of the page that show figures, by experiment.

use crate::charts::marker::marker;
use crate::charts::{class, escape};
use crate::found::Found;
use crate::glossary;
use crate::section::Section;
use crate::who;
use dyno_analysis::comparison::Model;
use dyno_analysis::levelling::Levelled;

pub(crate) mod along;
pub(crate) mod compare;
pub(crate) mod count;
pub(crate) mod duel;
pub(crate) mod hockey;
pub(crate) mod isolation;
pub(crate) mod latency;
pub(crate) mod overload;
pub(crate) mod quota;
pub(crate) mod speed_up;
pub(crate) mod stack;
pub(crate) mod trade;
pub(crate) mod waiting;

/// All parts that an experiment has.
pub(crate) fn all(model: &Model, records: &Levelled, found: &Found) -> Vec<Section> {
    match found {
        Found::Compared(stacks) => compare::sections(model, records, stacks),
        Found::Along(axis, trails) => along::sections(model, records, *axis, trails),
        Found::Counted(rows) => count::sections(model, rows),
        Found::InTurn(rows) => duel::sections(model, rows),
        Found::Isolated(rows) => isolation::sections(rows),
        Found::Overloaded(rows) => overload::sections(model, rows),
        Found::Waited(rows) => waiting::sections(model, rows),
        Found::Workloads(matrix) => crate::workloads::section::sections(matrix, model),
    }
}

/// Head cells with buttons to sort by: name, and whether the column holds numbers. Of rates the highest is the best,
/// and of all other figures the lowest.
pub(crate) fn head(columns: &[(&str, bool)]) -> String {
    columns
        .iter()
        .map(|(name, number)| {
            let (kind, class) = if *number { ("number", "") } else { ("text", " class=\"text\"") };
            let best = if *number && name.ends_with("/s") { "high" } else { "low" };
            format!(
                "<th scope=\"col\" data-kind=\"{kind}\" data-best=\"{best}\"{class}><button type=\"button\">{}</button></th>",
                glossary::marked(name)
            )
        })
        .collect()
}

/// The head cell of a contestant's row: its name, which leads to its entry, what it is, and its family.
pub(crate) fn name_cell(label: &str, idea: &str, family: &str) -> String {
    format!(
        "<th scope=\"row\" data-value=\"{}\" title=\"{}\"><span>{}</span> <small class=\"f-{}\">{}</small></th>",
        escape(label),
        escape(idea),
        who::link(label),
        class(family),
        escape(family),
    )
}

/// The same where there is room for the name alone.
pub(crate) fn short_name_cell(label: &str) -> String {
    row_name_cell(label, &who::link(label))
}

/// The head cell of a row that is sorted by `label` and shows `html`.
pub(crate) fn row_name_cell(label: &str, html: &str) -> String {
    format!("<th scope=\"row\" data-value=\"{}\">{html}</th>", escape(label))
}

/// Charts side by side where there is room.
pub(crate) fn charts(figures: &[String]) -> String {
    format!("<div class=\"charts\">{}</div>", figures.concat())
}

/// A chart with its caption.
pub(crate) fn chart(caption: &str, svg: &str) -> String {
    format!("<figure class=\"chart\"><figcaption>{}</figcaption>{svg}</figure>", escape(caption))
}

/// A chart whose caption is what it shows, with a note on what is drawn.
pub(crate) fn noted(finding: &str, note: &str, svg: &str) -> String {
    format!(
        "<figure class=\"chart\"><figcaption>{} <small>{}</small></figcaption>{svg}</figure>",
        escape(finding),
        escape(note)
    )
}

/// The same in two scales.
pub(crate) fn noted_in_two_scales(
    finding: &str,
    note: &str,
    log_first: bool,
    draw: impl Fn(bool) -> String,
) -> String {
    let chart = chart_in_two_scales(finding, log_first, draw);
    chart.replacen("</figcaption>", &format!(" <small>{}</small></figcaption>", escape(note)), 1)
}

/// A chart in two scales; scripts switch between them, and without scripts the first one is shown.
pub(crate) fn chart_in_two_scales(caption: &str, log_first: bool, draw: impl Fn(bool) -> String) -> String {
    format!(
        "<figure class=\"chart\"><figcaption>{} <button type=\"button\" class=\"script\" data-scale aria-pressed=\"false\">{} scale</button></figcaption>\
         <div data-variant>{}</div><div data-variant hidden>{}</div></figure>",
        escape(caption),
        if log_first { "linear" } else { "logarithmic" },
        draw(log_first),
        draw(!log_first),
    )
}

/// The colours of the families, and their markers.
pub(crate) fn legend(model: &Model) -> String {
    let mut families: Vec<&str> = model.header.contestants.iter().map(|line| line.family.as_str()).collect();
    let mut seen = std::collections::BTreeSet::new();
    families.retain(|family| seen.insert(*family));
    let items: String = families
        .iter()
        .map(|family| {
            format!(
                "<li class=\"f-{0}\"><svg class=\"key\" viewBox=\"-6 -6 12 12\" aria-hidden=\"true\"><path class=\"dot\" d=\"{1}\"/></svg><span>{2}</span></li>",
                class(family),
                marker(family, 0.0, 0.0),
                escape(family)
            )
        })
        .collect();
    format!("<ul class=\"legend\" aria-label=\"Colours and markers by family\">{items}</ul>")
}

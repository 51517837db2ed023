//! The parts of the page: the heat map, which one when, and the figures behind them.

use dyno_analysis::comparison::Model;
use dyno_analysis::workloads::{Matrix, Score, Standing, WorkloadRow};
use dyno_units::show;

use super::words::advice;
use super::{FIGURES, SHARE_WORDS, Shown, legend, percent};
use crate::charts::{class, escape};
use crate::section::Section;
use crate::who;
use crate::words::{bearings, html};

/// The parts of the page.
pub(crate) fn sections(matrix: &Matrix, model: &Model) -> Vec<Section> {
    let section = |id, title: &str, body| Section { id, title: title.to_string(), body };
    vec![
        section("workloads", "Designs and workloads", heat_map(matrix)),
        section("when", "Which one when", when(matrix)),
        section("figures", "The figures behind it", figures(matrix, model)),
    ]
}

/// Steps of the colours; the last is the strongest.
const STEPS: u32 = 5;

/// The mark of a design on the page, where signs may be wider than on a terminal.
pub(super) fn sign(standing: &Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Best => ("\u{2605}", "among the best"),
        Standing::Jammed => ("~", "jams"),
        Standing::Fails(_) => ("\u{2715}", "fails"),
        Standing::Unknown(_) => ("?", "not decided"),
        Standing::Costly => ("", "carries the load for more CPU"),
        Standing::Slower => ("", "answers less"),
        Standing::Missing => ("–", "not measured"),
    }
}

/// The class of its colour.
pub(super) fn shade(score: &Score) -> String {
    match (&score.standing, percent(score)) {
        (Standing::Fails(_), _) => "heat-fails".to_string(),
        (Standing::Jammed, _) => "heat-jams".to_string(),
        (Standing::Best, _) => "heat-best".to_string(),
        (_, Some(percent)) => format!("heat-{}", percent * STEPS / 101),
        (_, None) => "heat-none".to_string(),
    }
}

fn heat_map(matrix: &Matrix) -> String {
    let body = body(matrix, |row, place| {
        let score = &row.scores[place];
        let (sign, words) = sign(&score.standing);
        let kind = shade(score);
        let number = percent(score).map(|percent| percent.to_string()).unwrap_or_default();
        format!(
            "<td class=\"{kind}\" title=\"{}\">{number}<span aria-label=\"{words}\">{sign}</span></td>",
            escape(&remark(matrix, row, place, score, words))
        )
    });
    let signs =
        [Standing::Best, Standing::Jammed, Standing::Fails(String::new()), Standing::Unknown(String::new())];
    let items: String = signs
        .iter()
        .filter(|standing| legend(matrix).iter().any(|(mark, _)| *mark == super::mark(standing)))
        .map(|standing| {
            let (sign, words) = sign(standing);
            format!("<li><b>{sign}</b> {words}</li>")
        })
        .collect();
    format!(
        "<p class=\"note\">{} Two designs with a star under one workload tie: no difference was seen between them.</p>\
         <ul class=\"heat-legend\">{items}</ul>{}",
        escape(SHARE_WORDS),
        scrolled("heat", "Designs and workloads", &body)
    )
}

/// What is told where a pointer rests on a place of the map.
fn remark(matrix: &Matrix, row: &WorkloadRow, place: usize, score: &Score, words: &str) -> String {
    let mut parts = vec![format!("{} under {}: {words}", matrix.designs[place].label, row.workload.name)];
    if let Standing::Fails(why) | Standing::Unknown(why) = &score.standing
        && !why.is_empty()
    {
        parts.push(why.clone());
    }
    let unit = row.workload.unit();
    parts.extend(score.rate.value().map(|rate| format!("{}/s", show::rate(rate))));
    parts.extend(score.cpu_ns.value().map(|ns| format!("{} of CPU per {unit}", show::time(ns))));
    parts.extend(score.p99_ns.value().map(|ns| format!("p99 {}", show::time(ns))));
    parts.extend(score.seen.busy_share.map(|busy| format!("{} of its cores in use", show::share(busy))));
    parts.join("; ")
}

/// Head and rows of a table of all designs and workloads.
fn body(matrix: &Matrix, shown: impl Fn(&WorkloadRow, usize) -> String) -> String {
    let heads: String = matrix
        .rows
        .iter()
        .map(|row| {
            let (name, idea) = (escape(&row.workload.name), escape(&row.workload.idea));
            format!("<th scope=\"col\"><abbr title=\"{idea}\">{name}</abbr></th>")
        })
        .collect();
    let rows: String = matrix
        .designs
        .iter()
        .enumerate()
        .map(|(place, line)| {
            let cells: String = matrix.rows.iter().map(|row| shown(row, place)).collect();
            format!(
                "<tr><th scope=\"row\" title=\"{}\"><span class=\"f-{}\">\u{25cf}</span> {}</th>{cells}</tr>",
                escape(&line.idea),
                class(&line.family),
                who::link(&line.label)
            )
        })
        .collect();
    format!(
        "<thead><tr><th scope=\"col\" class=\"text\">architecture</th>{heads}</tr></thead><tbody>{rows}</tbody>"
    )
}

fn scrolled(kind: &str, label: &str, table: &str) -> String {
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\"><table class=\"{kind}\">{table}</table></div>"
    )
}

/// The advice for each workload.
fn when(matrix: &Matrix) -> String {
    let rows: String = matrix
        .rows
        .iter()
        .map(|row| {
            let advice = advice(matrix, row);
            let take = match advice.take.as_str() {
                "" => "not decided".to_string(),
                take => escape(take),
            };
            format!(
                "<tr><th scope=\"row\">{} <small>{}</small></th><td class=\"text\"><b>{take}</b> <small>{}</small></td><td class=\"text\">{}</td></tr>",
                escape(&row.workload.name),
                escape(&row.workload.idea),
                escape(&advice.because),
                escape(&advice.others.join(" ")),
            )
        })
        .collect();
    let head = "<thead><tr><th scope=\"col\" class=\"text\">workload</th><th scope=\"col\" class=\"text\">take</th><th scope=\"col\" class=\"text\">the others</th></tr></thead>";
    scrolled("when", "Which one when", &format!("{head}<tbody>{rows}</tbody>"))
}

/// Each figure with its interval.
fn figures(matrix: &Matrix, model: &Model) -> String {
    let one = |(place, figure): (usize, &Shown)| {
        let Shown { title, read, shown, .. } = *figure;
        let table = body(matrix, |row, place| {
            let score = &row.scores[place];
            let Some(interval) = read(score).interval else {
                return "<td data-value=\"\">–</td>".to_string();
            };
            let bound = figure.bound(score);
            format!(
                "<td>{bound}{} <small>{}</small></td>",
                shown(interval.value),
                show::range(interval.low, interval.high, shown)
            )
        });
        let open = if place == 0 { " open" } else { "" };
        format!("<details{open}><summary>{title}</summary>{}</details>", scrolled("figures", title, &table))
    };
    let rates: Vec<String> = matrix
        .rows
        .iter()
        .filter_map(|row| Some(format!("{} {}/s", row.workload.name, show::rate(row.common_per_s?))))
        .collect();
    let note = format!(
        "<p class=\"note\">Medians with 95 % intervals. ≥: the generator was full. Latencies are taken at one rate for all, half of what the design in the middle answers ({}); where all clients wait, in the closed loop. A design that cannot answer that rate has none there.</p>",
        escape(&rates.join(", "))
    );
    let trust = html(&bearings(model));
    trust + &note + &FIGURES.iter().enumerate().map(one).collect::<String>()
}

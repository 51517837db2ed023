//! Table and charts of two that took turns.

use dyno_analysis::comparison::Model;
use dyno_analysis::duel::{DuelRow, DuelSide};
use dyno_analysis::figure::RowFigure;
use dyno_statistics::bootstrap::Interval;
use dyno_statistics::verdict::Comparison;
use dyno_units::show;

use crate::charts::bars::{self, ChartBar, Frame};
use crate::charts::escape;
use crate::section::Section;
use crate::sections::compare::value_cell;
use crate::sections::{chart_in_two_scales, charts, head, legend};
use crate::turns::with_interval;
use crate::who;

/// The parts of the page.
pub(crate) fn sections(model: &Model, rows: &[DuelRow]) -> Vec<Section> {
    let section = |id, title: &str, body| Section { id, title: title.to_string(), body };
    let both = [
        bar_chart(rows, "CPU of a request.", "CPU", show::time, |side| &side.cpu_ns),
        bar_chart(rows, "Requests a second in its own bursts.", "requests/s", show::rate, |side| {
            &side.rate_per_s
        }),
    ];
    vec![
        section("duel", "In turn", legend(model) + &charts(&both)),
        section("table", "Side by side", table(rows)),
    ]
}

fn table(rows: &[DuelRow]) -> String {
    let columns = head(&[
        ("A", false),
        ("B", false),
        ("CPU / request, A", true),
        ("CPU / request, B", true),
        ("A to B", true),
        ("A, requests/s", true),
        ("B, requests/s", true),
        ("A to B, rate", true),
    ]);
    let name = |side: &DuelSide| {
        format!(
            "<td class=\"text\" data-value=\"{0}\" title=\"{1}\"><span>{4}</span> <small class=\"f-{3}\">{2}</small></td>",
            escape(&side.line.label),
            escape(&side.line.idea),
            escape(&side.line.family),
            crate::charts::class(&side.line.family),
            who::link(&side.line.label),
        )
    };
    let ratio = |comparison: &Comparison| match &comparison.ratio {
        Some(ratio) => format!("<td data-value=\"{}\">{}</td>", ratio.value, with_interval(ratio)),
        None => "<td data-value=\"\">–</td>".to_string(),
    };
    let body: String = rows
        .iter()
        .map(|row| {
            let [one, other] = &row.sides;
            format!(
                "<tr>{}{}{}{}{}{}{}{}</tr>",
                name(one),
                name(other),
                value_cell(&one.cpu_ns, show::time),
                value_cell(&other.cpu_ns, show::time),
                ratio(&row.cpu),
                value_cell(&one.rate_per_s, show::rate),
                value_cell(&other.rate_per_s, show::rate),
                ratio(&row.rate),
            )
        })
        .collect();
    format!(
        "<p class=\"note\">Medians of all bouts; 95 % intervals beside them. Ratios are taken within each bout, so they are narrower than the figures.</p>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Results side by side\"><table id=\"main-table\" data-sort><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>"
    )
}

fn bar_chart(
    rows: &[DuelRow],
    caption: &str,
    axis: &'static str,
    shown: fn(f64) -> String,
    read: fn(&DuelSide) -> &RowFigure,
) -> String {
    let bar = |side: &DuelSide| {
        let figure = read(side);
        ChartBar {
            label: side.line.label.clone(),
            family: side.line.family.clone(),
            parts: figure.value().map(|value| vec![(String::new(), value)]).unwrap_or_default(),
            interval: figure.interval.map(Interval::ends),
            cells: figure.by_round.values().copied().collect(),
            at_least: figure.at_least,
            void: if figure.value().is_none() { figure.reason.clone() } else { String::new() },
        }
    };
    let bars: Vec<ChartBar> = rows.iter().flat_map(|row| &row.sides).map(bar).collect();
    let draw = |log: bool| {
        let frame = Frame { title: caption, axis, shown, log, binary: false, mark: None };
        bars::draw(&frame, &bars)
    };
    chart_in_two_scales(caption, false, draw)
}

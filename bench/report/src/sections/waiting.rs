//! The jam matrix, and what waiters take.

use dyno_analysis::comparison::Model;
use dyno_analysis::figure::RowFigure;
use dyno_analysis::waiting::{Others, WaitingRow, ladder};
use dyno_statistics::bootstrap::Interval;
use dyno_units::show;

use crate::charts::bars::{self, ChartBar, Frame};
use crate::section::Section;
use crate::sections::compare::value_cell;
use crate::sections::{chart_in_two_scales, charts, head, legend, name_cell};
use crate::waiting::{per_second, stopped, told};

/// The parts of the page.
pub(crate) fn sections(model: &Model, rows: &[WaitingRow]) -> Vec<Section> {
    let section = |id, title: &str, body| Section { id, title: title.to_string(), body };
    let both = [
        bar_chart(rows, "Memory of a waiter.", "memory", true, |row| &row.memory, show::bytes),
        bar_chart(rows, "Let go after a FIN.", "time", false, |row| &row.fin_ns, show::time),
        bar_chart(rows, "Let go after a reset.", "time", false, |row| &row.reset_ns, show::time),
    ];
    vec![
        section("jam", "Who stands still while others wait", matrix(rows)),
        section("waiters", "What a waiter takes, and how soon it is let go", legend(model) + &charts(&both)),
        section("table", "Side by side", table(rows)),
    ]
}

fn named(row: &WaitingRow) -> String {
    name_cell(&row.line.label, &row.line.idea, &row.line.family)
}

fn matrix(rows: &[WaitingRow]) -> String {
    let numbers = ladder(rows);
    let heads: String = numbers.iter().map(|number| format!("<th scope=\"col\">{number}</th>")).collect();
    let body: String = rows
        .iter()
        .map(|row| {
            // Beyond the number that stops a server there is nothing to try.
            let cells: String = numbers
                .iter()
                .map(|number| match row.beside.get(number) {
                    Some(others @ Others::Served(ns)) => {
                        format!("<td data-value=\"{ns}\">{}</td>", told(others))
                    }
                    Some(Others::StoodStill) => "<td class=\"void\">still</td>".to_string(),
                    None if row.stops().is_some_and(|(least, _)| least <= *number) => {
                        "<td class=\"void\">still</td>".to_string()
                    }
                    None => "<td>–</td>".to_string(),
                })
                .collect();
            format!("<tr>{}{cells}<td>{}</td></tr>", named(row), stopped(row))
        })
        .collect();
    format!(
        "<p class=\"note\">Median time of a request on a new connection while so many others wait for a back end; \"still\": two in a row had no answer within half a second. Pools had four workers.</p>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Jam matrix\"><table id=\"jam-table\"><thead><tr><th scope=\"col\" class=\"text\">requests that wait</th>{heads}<th scope=\"col\">stopped by</th></tr></thead><tbody>{body}</tbody></table></div>"
    )
}

fn table(rows: &[WaitingRow]) -> String {
    let columns = head(&[
        ("architecture", false),
        ("stopped by", true),
        ("memory / waiter", true),
        ("kernel memory / waiter", true),
        ("CPU / waiter", true),
        ("let go after FIN", true),
        ("let go after reset", true),
    ]);
    let body: String = rows
        .iter()
        .map(|row| {
            format!(
                "<tr>{}<td data-value=\"{}\">{}</td>{}{}{}{}{}</tr>",
                named(row),
                row.stops().map_or(String::new(), |(least, _)| least.to_string()),
                stopped(row),
                value_cell(&row.memory, show::bytes),
                value_cell(&row.kernel, show::bytes),
                value_cell(&row.cpu_ns, per_second),
                value_cell(&row.fin_ns, show::time),
                value_cell(&row.reset_ns, show::time),
            )
        })
        .collect();
    format!(
        "<p class=\"note\">Medians of all blocks; 95 % intervals beside them. Memory is the growth of the server's own; where each waiter takes one of the workers that were there before, it is all that the server has, divided. The kernel's is that of the whole machine, both ends of a connection included.</p>\
         <div class=\"tools script\"><label>Filter: <input data-filter=\"main-table\" placeholder=\"threads\"></label><output data-count=\"main-table\"></output></div>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Results side by side\"><table id=\"main-table\" data-sort><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>"
    )
}

/// The bars of one figure, the least first.
fn bar_chart(
    rows: &[WaitingRow],
    caption: &str,
    axis: &str,
    binary: bool,
    read: fn(&WaitingRow) -> &RowFigure,
    shown: fn(f64) -> String,
) -> String {
    let mut order: Vec<&WaitingRow> = rows.iter().collect();
    order.sort_by(|one, other| {
        let cost = |row: &WaitingRow| read(row).value().unwrap_or(f64::INFINITY);
        cost(one).total_cmp(&cost(other))
    });
    let bar = |row: &&WaitingRow| {
        let figure = read(row);
        ChartBar {
            label: row.line.label.clone(),
            family: row.line.family.clone(),
            parts: figure.value().map(|value| vec![(String::new(), value)]).unwrap_or_default(),
            interval: figure.interval.map(Interval::ends),
            cells: figure.by_round.values().copied().collect(),
            at_least: false,
            void: if figure.value().is_none() { figure.reason.clone() } else { String::new() },
        }
    };
    let bars: Vec<ChartBar> = order.iter().map(bar).collect();
    let draw = |log: bool| {
        let frame = Frame { title: caption, axis, shown, log, binary, mark: None };
        bars::draw(&frame, &bars)
    };
    // Memory spans decades.
    chart_in_two_scales(caption, binary, draw)
}

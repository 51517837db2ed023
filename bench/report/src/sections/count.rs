//! Tables and charts of a count of instructions.

use dyno_analysis::comparison::Model;
use dyno_analysis::figure::RowFigure;
use dyno_analysis::instructions::{CountRow, Instructions, baseline};
use dyno_statistics::bootstrap::Interval;
use dyno_units::show;

use crate::charts::bars::{self, ChartBar, Frame};
use crate::charts::escape;
use crate::section::Section;
use crate::sections::compare::value_cell;
use crate::sections::{chart_in_two_scales, charts, head, legend, name_cell};

/// The parts of the page.
pub(crate) fn sections(model: &Model, rows: &[CountRow]) -> Vec<Section> {
    let section = |id, title: &str, body| Section { id, title: title.to_string(), body };
    vec![
        section("instructions", "Instructions", legend(model) + &bar_charts(rows)),
        section("table", "Side by side", table(rows)),
    ]
}

/// Both figures as bars.
pub(crate) fn bar_charts(rows: &[CountRow]) -> String {
    charts(&[
        bar_chart(rows, "Instructions per request over lasting connections.", |row| &row.request.all),
        bar_chart(rows, "Instructions per request with a connection each.", |row| &row.connection.all),
    ])
}

fn table(rows: &[CountRow]) -> String {
    let columns = head(&[
        ("architecture", false),
        ("instructions / request", true),
        ("to baseline", true),
        ("system calls", true),
        ("switches", true),
        ("instructions / connection", true),
        ("to baseline", true),
        ("system calls", true),
        ("switches", true),
    ]);
    let base = baseline(rows);
    let ratio = |own: &RowFigure, base: Option<&RowFigure>| match own
        .value()
        .zip(base.and_then(RowFigure::value))
    {
        Some((own, base)) => format!("<td data-value=\"{}\">{}</td>", own / base, show::ratio(own / base)),
        None => "<td data-value=\"\">–</td>".to_string(),
    };
    let body: String = rows
        .iter()
        .map(|row| {
            let of = |what: fn(&CountRow) -> &Instructions| {
                let own = what(row);
                value_cell(&own.all, show::rate)
                    + &ratio(&own.all, base.map(|base| &what(base).all))
                    + &value_cell(&own.system_calls, show::three)
                    + &value_cell(&own.switches, show::three)
            };
            format!(
                "<tr{}>{}{}{}</tr>",
                if base == Some(row) { " class=\"baseline\"" } else { "" },
                name_cell(&row.line.label, &row.line.idea, &row.line.family),
                of(|row| &row.request),
                of(|row| &row.connection),
            )
        })
        .collect();
    let name = base.map_or("none", |base| base.line.label.as_str());
    format!(
        "<p class=\"note\">Medians of all blocks; 95 % intervals beside them. The kernel's instructions on the time of the server are included. The baseline is {}.</p>\
         <div class=\"tools script\"><label>Filter: <input data-filter=\"main-table\" placeholder=\"threads\"></label><output data-count=\"main-table\"></output></div>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Results side by side\"><table id=\"main-table\" data-sort><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>",
        escape(name),
    )
}

/// The bars of one figure, the cheapest first.
fn bar_chart(rows: &[CountRow], caption: &str, read: fn(&CountRow) -> &RowFigure) -> String {
    let mut order: Vec<&CountRow> = rows.iter().collect();
    order.sort_by(|one, other| {
        let cost = |row: &CountRow| read(row).value().unwrap_or(f64::INFINITY);
        cost(one).total_cmp(&cost(other))
    });
    let bar = |row: &&CountRow| {
        let figure = read(row);
        ChartBar {
            cells: Vec::new(),
            label: row.line.label.clone(),
            family: row.line.family.clone(),
            parts: figure.value().map(|value| vec![(String::new(), value)]).unwrap_or_default(),
            interval: figure.interval.map(Interval::ends),
            at_least: false,
            void: if figure.value().is_none() { figure.reason.clone() } else { String::new() },
        }
    };
    let bars: Vec<ChartBar> = order.iter().map(bar).collect();
    let draw = |log: bool| {
        let frame =
            Frame { title: caption, axis: "instructions", shown: show::rate, log, binary: false, mark: None };
        bars::draw(&frame, &bars)
    };
    chart_in_two_scales(caption, false, draw)
}

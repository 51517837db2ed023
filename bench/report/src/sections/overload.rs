//! Table and chart of overload controls.

use dyno_analysis::comparison::Model;
use dyno_analysis::overload::{OverloadRow, best};
use dyno_record::experiment::OVERLOAD_TIMES;
use dyno_units::show;

use crate::charts::escape;
use crate::charts::lines::{self, ChartAxis, ChartLine, Dot, Frame};
use crate::section::Section;
use crate::sections::compare::value_cell;
use crate::sections::{chart, charts, head, legend, row_name_cell};
use crate::who;

/// The parts of the page.
pub(crate) fn sections(model: &Model, rows: &[OverloadRow]) -> Vec<Section> {
    let section = |id, title: &str, body| Section { id, title: title.to_string(), body };
    let without: Vec<&OverloadRow> = rows.iter().filter(|row| row.control == "none").collect();
    let both = [
        chart("Good-put without control, as a share of the peak.", &draw(&without)),
        chart("Good-put with the best control of each architecture.", &draw(&best(rows))),
    ];
    vec![
        section("overload", "Good-put against offered load", legend(model) + &charts(&both)),
        section("table", "The figures", table(rows)),
    ]
}

fn draw(rows: &[&OverloadRow]) -> String {
    let line = |row: &&OverloadRow| {
        let dots = row.points.iter().filter_map(|point| {
            let share = point.of_peak? * point.times.min(1.0);
            let title = format!("{} at {} times: {}", row.line.label, point.times, show::share(share));
            Some(Dot { x: point.times, y: share, title, ..Dot::default() })
        });
        let dots: Vec<Dot> = dots.collect();
        ChartLine { label: row.line.label.clone(), family: row.line.family.clone(), dots }
    };
    let lines: Vec<ChartLine> = rows.iter().map(line).filter(|line| !line.dots.is_empty()).collect();
    let names = OVERLOAD_TIMES.iter().map(|times| (*times, format!("{times}x"))).collect();
    let axis = |title, log, names| ChartAxis { title, log, shown: show::three, binary: false, names };
    let frame = Frame {
        title: "good-put as a share of the peak against offered load",
        x: axis("offered load, in peaks", true, names),
        y: axis("share of the peak", false, Vec::new()),
        marks: Vec::new(),
    };
    lines::draw(&frame, &lines)
}

fn table(rows: &[OverloadRow]) -> String {
    let columns = head(&[
        ("architecture", false),
        ("control", false),
        ("offered", true),
        ("good/s", true),
        ("of the peak", true),
        ("of the possible", true),
        ("p99", true),
        ("CPU / right answer", true),
        ("normal again", false),
        ("with retries", false),
    ]);
    let share = |share: Option<f64>| match share {
        Some(share) => format!("<td data-value=\"{share}\">{}</td>", show::share(share)),
        None => "<td data-value=\"\">–</td>".to_string(),
    };
    let body: String = rows
        .iter()
        .flat_map(|row| row.points.iter().map(move |point| (row, point)))
        .map(|(row, point)| {
            format!(
                "<tr>{}<td class=\"text\">{}</td><td data-value=\"{2}\">{2}x</td>{3}{4}{5}{6}{7}<td class=\"text\">{8}</td><td class=\"text\">{9}</td></tr>",
                row_name_cell(&row.architecture, &who::link_as(&row.line.label, &row.architecture)),
                escape(&row.control),
                point.times,
                value_cell(&point.good, show::rate),
                share(point.of_peak),
                share(point.of_possible),
                value_cell(&point.p99_ns, show::time),
                value_cell(&point.cpu_ns, show::time),
                row.spike.words(),
                row.storm.words(),
            )
        })
        .collect();
    format!(
        "<p class=\"note\">Good-put counts right answers within the patience of their clients. What is possible: of k requests in the time of one answer a server that refuses at the share r of its cost serves (1 - k r)/(1 - r); r is what an answer without work takes. At half load shares are of what was offered.</p>\
         <div class=\"tools script\"><label>Filter: <input data-filter=\"main-table\" placeholder=\"deadline\"></label><output data-count=\"main-table\"></output></div>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"All points\"><table id=\"main-table\" data-sort><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div>"
    )
}

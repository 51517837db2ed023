//! The picture of an experiment of isolation, architecture by fault, and its tables.

use dyno_analysis::isolation::{FaultCell, IsolationRow, faults};
use dyno_record::isolation::{Mending, PlantedFault};
use dyno_units::show;

use crate::charts::{class, escape};
use crate::isolation::{back, mended, percent};
use crate::section::Section;
use crate::sections::{head, short_name_cell};
use crate::who;

/// The parts of the page.
pub(crate) fn sections(rows: &[IsolationRow]) -> Vec<Section> {
    let section = |id, title: &str, body| Section { id, title: title.to_string(), body };
    vec![
        section("radius", "Who suffers, and for how long", key() + &matrix(rows)),
        section("table", "Each fault of each server", table(rows)),
    ]
}

/// A sign for what mended the server: whoever sees no colours reads it.
fn sign(mending: Mending) -> &'static str {
    match mending {
        Mending::NotNeeded => "",
        Mending::PerConnection => "+",
        Mending::Respawn => "↻",
        Mending::Weakened => "▾",
        Mending::Hung => "■",
        Mending::Gone => "✕",
    }
}

/// What colours and signs mean.
fn key() -> String {
    let shades = [
        ("h0", "nobody else"),
        ("h1", "up to 25 %"),
        ("h2", "up to 50 %"),
        ("h3", "more"),
        ("h4", "everybody"),
    ];
    let shades: String = shades
        .iter()
        .map(|(class, words)| format!("<li class=\"{class}\"><span>{words}</span></li>"))
        .collect();
    let signs = [Mending::PerConnection, Mending::Respawn, Mending::Weakened, Mending::Hung, Mending::Gone];
    let signs: String =
        signs.iter().map(|one| format!("<li><b>{}</b> {}</li>", sign(*one), mended(*one))).collect();
    format!(
        "<p class=\"note\">One handler fails (or one worker is killed) while 64 other connections are watched: some have requests under way, some are idle, some are opened afterwards. A cell shows the share of them that were cut off, refused, or made to wait for more than 300 ms, and below it when the server was as it was before, and by what.</p>\
         <ul class=\"legend shades\" aria-label=\"Colours by share of the others\">{shades}</ul><ul class=\"cures\" aria-label=\"Signs\">{signs}</ul>"
    )
}

fn matrix(rows: &[IsolationRow]) -> String {
    let faults = faults(rows);
    let heads: String = faults
        .iter()
        .map(|fault| {
            format!("<th scope=\"col\" title=\"{}\"><span>{fault}</span></th>", escape(fault.idea()))
        })
        .collect();
    let body: String = rows
        .iter()
        .map(|row| {
            let cells: String = faults.iter().map(|fault| square(row.cell(*fault), *fault)).collect();
            format!(
                "<tr><th scope=\"row\" title=\"{}\"><span class=\"f-{}\">{}</span></th>{cells}</tr>",
                escape(&row.line.idea),
                class(&row.line.family),
                who::link(&row.line.label)
            )
        })
        .collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Architecture by fault\"><table class=\"radius\"><thead><tr><th scope=\"col\" class=\"text\">others hurt by</th>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
    )
}

/// One cell of the matrix.
fn square(cell: Option<&FaultCell>, fault: PlantedFault) -> String {
    let known = cell.and_then(|cell| Some((cell, cell.hurt_share()?, cell.mending()?)));
    let Some((cell, share, mending)) = known else {
        let reason = cell.map_or("", |cell| cell.reason.as_str());
        return format!(
            "<td class=\"void\" title=\"{}\">{}</td>",
            escape(reason),
            if cell.is_some() { "void" } else { "–" }
        );
    };
    let shade = match share {
        0.0 => "h0",
        share if share <= 0.25 => "h1",
        share if share <= 0.5 => "h2",
        share if share < dyno_analysis::limits::EVERYBODY_SHARE => "h3",
        _ => "h4",
    };
    let doubt = if cell.is_stable() {
        String::new()
    } else {
        format!("<i>{}/{}</i>", cell.agreeing(), cell.blocks.len())
    };
    format!(
        "<td class=\"{shade}\" data-value=\"{share}\" title=\"{}\"><b>{}</b><small>{} {}</small>{doubt}</td>",
        escape(&told(cell, fault, mending)),
        percent(share),
        sign(mending),
        // On a narrow page the sign stands above.
        back(cell).replace(' ', "\u{a0}"),
    )
}

/// A cell in words.
fn told(cell: &FaultCell, fault: PlantedFault, mending: Mending) -> String {
    let fates = cell.victims();
    let agreement = if cell.is_stable() {
        String::new()
    } else {
        format!("; {} of {} blocks agree", cell.agreeing(), cell.blocks.len())
    };
    format!(
        "{}: of {} victims {} cut off, {} refused, {} stalled; {}{agreement}",
        fault.idea(),
        fates.all(),
        fates.cut,
        fates.refused,
        fates.stalled,
        mended(mending),
    )
}

fn table(rows: &[IsolationRow]) -> String {
    let columns = head(&[
        ("architecture", false),
        ("fault", false),
        ("others hurt", true),
        ("cut off", true),
        ("refused", true),
        ("stalled", true),
        ("longest wait", true),
        ("as before", true),
        ("by what", false),
        ("blocks", true),
    ]);
    let body: String =
        rows.iter().flat_map(|row| row.cells.iter().map(|cell| line(&row.line.label, cell))).collect();
    format!(
        "<details><summary>All cells, with what became of the victims and by what the server is as it was</summary>\
         <div class=\"tools script\"><label>Filter: <input data-filter=\"main-table\" placeholder=\"prefork abort\"></label><output data-count=\"main-table\"></output></div>\
         <div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Each fault of each server\"><table id=\"main-table\" data-sort><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table></div></details>"
    )
}

fn line(label: &str, cell: &FaultCell) -> String {
    let fates = cell.victims();
    let number = |value: Option<f64>, shown: &dyn Fn(f64) -> String| match value {
        Some(value) => format!("<td data-value=\"{value}\">{}</td>", shown(value)),
        None => "<td data-value=\"\">–</td>".to_string(),
    };
    let of_blocks = |count: u32| {
        let each = f64::from(count) / cell.blocks.len().max(1) as f64;
        number((!cell.blocks.is_empty()).then_some(each), &show::three)
    };
    let again = back(cell);
    let words = match cell.mending() {
        Some(mending) => mended(mending).to_string(),
        None => format!("void: {}", cell.reason),
    };
    format!(
        "<tr>{0}<td class=\"text\">{1}</td>{2}{3}{4}{5}{6}<td data-value=\"{7}\">{7}</td><td class=\"text\">{8}</td><td data-value=\"{9}\">{9} of {10}</td></tr>",
        short_name_cell(label),
        cell.fault,
        number(cell.hurt_share(), &percent),
        of_blocks(fates.cut),
        of_blocks(fates.refused),
        of_blocks(fates.stalled),
        number(cell.longest_ns(), &show::time),
        escape(&again),
        escape(&words),
        cell.agreeing(),
        cell.blocks.len() + cell.void,
    )
}

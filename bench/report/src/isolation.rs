//! What a fault costs others: the table for a terminal, for a README, and in words.

use std::fmt::Write;

use dyno_analysis::comparison::Model;
use dyno_analysis::isolation::{BackAgain, FaultCell, IsolationRow, Radius, faults};
use dyno_record::isolation::{Mending, PlantedFault};
use dyno_units::show;

use crate::table_cell::cell;
use crate::words;

/// What stands behind the share of the victims: by what the server is as it was, in one sign.
fn sign(mending: Mending) -> &'static str {
    match mending {
        Mending::NotNeeded => "",
        Mending::PerConnection => "+",
        Mending::Respawn => "r",
        Mending::Weakened => "-",
        Mending::Hung => "!",
        Mending::Gone => "x",
    }
}

/// The same in words.
pub(crate) fn mended(mending: Mending) -> &'static str {
    match mending {
        Mending::NotNeeded => "nothing had to be mended",
        Mending::PerConnection => {
            "each connection has a process or thread of its own, and the next gets a new one"
        }
        Mending::Respawn => "its master has started another process",
        Mending::Weakened => "by nothing: a worker stays occupied, or memory is kept",
        Mending::Hung => "by nothing: it lives, and serves no new client",
        Mending::Gone => "by nothing: the server has ended",
    }
}

const LABEL: usize = 21;

/// The matrix for a terminal of 80 columns.
pub(crate) fn terminal(rows: &[IsolationRow]) -> String {
    let faults = faults(rows);
    let width = |fault: PlantedFault| fault.word().len().max(6);
    let mut text = format!("\n{:<LABEL$}", "others hurt by");
    for fault in &faults {
        let width = width(*fault);
        let _ = write!(text, " {:>width$}", fault.word());
    }
    text.push('\n');
    for row in rows {
        let _ = write!(text, "{:<LABEL$}", row.line.label.chars().take(LABEL).collect::<String>());
        for fault in &faults {
            let width = width(*fault);
            let _ = write!(text, " {:>width$}", row.cell(*fault).map_or("-".to_string(), short));
        }
        text.push('\n');
    }
    text.push('\n');
    let occurs =
        |wanted: Mending| rows.iter().flat_map(|row| &row.cells).any(|cell| cell.mending() == Some(wanted));
    let all = [Mending::PerConnection, Mending::Respawn, Mending::Weakened, Mending::Hung, Mending::Gone];
    for mending in all.into_iter().filter(|one| occurs(*one)) {
        let words = match mending {
            Mending::PerConnection => "each connection has its own: the next gets a new one",
            other => mended(other),
        };
        let _ = writeln!(text, "{}  {words}", sign(mending));
    }
    if rows.iter().flat_map(|row| &row.cells).any(|cell| !cell.is_stable()) {
        let _ = writeln!(text, "~  blocks disagree: what most of them saw");
    }
    text
}

/// `12%r`: the share of the victims, and what mended the server.
fn short(cell: &FaultCell) -> String {
    let (Some(share), Some(mending)) = (cell.hurt_share(), cell.mending()) else { return "void".into() };
    let doubt = if cell.is_stable() { "" } else { "~" };
    format!("{doubt}{}{}", percent(share), sign(mending))
}

/// A share of 64 in whole per cent; what is not nothing is never shown as nothing, nor all but one as all.
pub(crate) fn percent(share: f64) -> String {
    let whole = (share * 100.0).round();
    match share {
        0.0 => "0".to_string(),
        share if share < 1.0 => format!("{}%", whole.clamp(1.0, 99.0)),
        _ => "100%".to_string(),
    }
}

/// When the server was as it was before, or what it is instead, in a word or two.
pub(crate) fn back(cell: &FaultCell) -> String {
    let otherwise = match cell.mending() {
        Some(Mending::Weakened) => "weaker",
        Some(Mending::Hung) => "hangs",
        Some(Mending::Gone) => "gone",
        Some(Mending::NotNeeded | Mending::PerConnection | Mending::Respawn) => "not seen",
        None => "–",
    };
    match cell.back_again() {
        Some(BackAgain::AtOnce) => "at once".to_string(),
        Some(BackAgain::After(ns)) => show::time(ns),
        Some(BackAgain::Not) | None => otherwise.to_string(),
    }
}

/// The matrix for a README.
pub(crate) fn markdown(rows: &[IsolationRow], model: &Model) -> String {
    let faults = faults(rows);
    let heads: Vec<&str> = faults.iter().map(|fault| fault.word()).collect();
    let mut text =
        format!("| architecture | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(faults.len()));
    for row in rows {
        let shown = |fault: &PlantedFault| {
            let Some(own) = row.cell(*fault) else { return "–".to_string() };
            let Some(share) = own.hurt_share() else { return "void".to_string() };
            let doubt = if own.is_stable() { "" } else { " (blocks disagree)" };
            format!("{}, {}{doubt}", percent(share), back(own))
        };
        let cells: Vec<String> = faults.iter().map(shown).collect();
        let _ = writeln!(text, "| {} | {} |", cell(&row.line.label), cells.join(" | "));
    }
    let told = format!(
        "Share of the victims that were cut off, refused or stalled, and when the server was as it was before, or that it is weaker (a worker is lost, memory is kept), hangs or is gone. Medians of {}. {}.",
        show::count(model.header.blocks as usize, "block"),
        words::measured(&model.header),
    );
    text + &words::below_table(&told, paragraphs(rows), model)
}

/// The result in words.
pub(crate) fn paragraphs(rows: &[IsolationRow]) -> Vec<String> {
    let mut found = Vec::new();
    found.extend(control(rows));
    found.extend(reaches(rows));
    found.extend(respawn(rows));
    found.extend(unstable(rows));
    found.extend(void(rows));
    found
}

/// What happened without a fault.
fn control(rows: &[IsolationRow]) -> Option<String> {
    let known: Vec<(&IsolationRow, f64)> =
        rows.iter().filter_map(|row| Some((row, row.cell(PlantedFault::Control)?.hurt_share()?))).collect();
    let hurt: Vec<&IsolationRow> =
        known.iter().filter(|(_, share)| *share > 0.0).map(|(row, _)| *row).collect();
    match (known.is_empty(), hurt.is_empty()) {
        (true, _) => None,
        (false, true) => Some(
            "Without a fault nobody was hurt, so what is said here is the work of the faults.".to_string(),
        ),
        (false, false) => Some(format!(
            "Even without a fault others were hurt with {}: their faults cannot be told from that.",
            listed(&hurt, &known.iter().map(|(row, _)| *row).collect::<Vec<_>>())
        )),
    }
}

/// How far the faults reach, those that do the same together.
fn reaches(rows: &[IsolationRow]) -> Vec<String> {
    let mut found: Vec<(Vec<PlantedFault>, String)> = Vec::new();
    for fault in faults(rows) {
        let Some(words) = reach(rows, fault) else { continue };
        match found.iter_mut().find(|(_, known)| *known == words) {
            Some((alike, _)) => alike.push(fault),
            None => found.push((vec![fault], words)),
        }
    }
    let head = |faults: &[PlantedFault]| {
        let names: Vec<&str> = faults.iter().map(|fault| fault.word()).collect();
        match faults {
            [fault] => format!("{fault} ({})", fault.idea()),
            _ => joined(&names),
        }
    };
    found.iter().map(|(faults, words)| format!("{}: {words}", head(faults))).collect()
}

/// How far a fault reaches, with whom.
fn reach(rows: &[IsolationRow], fault: PlantedFault) -> Option<String> {
    let known: Vec<&IsolationRow> =
        rows.iter().filter(|row| row.cell(fault).and_then(FaultCell::radius).is_some()).collect();
    let with = |radius: Radius| -> Vec<&IsolationRow> {
        rows.iter().filter(|row| row.cell(fault).and_then(FaultCell::radius) == Some(radius)).collect()
    };
    let parts: Vec<String> = [Radius::Everybody, Radius::OwnWorker, Radius::OwnConnection]
        .into_iter()
        .filter_map(|radius| {
            let who = with(radius);
            (!who.is_empty()).then(|| {
                let what = match radius {
                    Radius::Everybody => "everybody suffers",
                    Radius::OwnWorker => "some others suffer",
                    Radius::OwnConnection => "nobody else suffers",
                };
                format!("{what} with {}", listed(&who, &known))
            })
        })
        .collect();
    let ends = ending(&known, fault).map_or(String::new(), |words| format!(" {words}"));
    (!parts.is_empty()).then(|| format!("{}.{ends}", parts.join("; ")))
}

/// What is left of the servers after a fault, where it is not whole.
fn ending(rows: &[&IsolationRow], fault: PlantedFault) -> Option<String> {
    let with = |wanted: Mending| -> Vec<&IsolationRow> {
        rows.iter()
            .copied()
            .filter(|row| row.cell(fault).and_then(FaultCell::mending) == Some(wanted))
            .collect()
    };
    let weakened = match fault {
        PlantedFault::Leak => "The memory is kept until the server ends with",
        _ => "What is occupied stays so with",
    };
    let kinds = [
        (Mending::Gone, "The server has ended with"),
        (Mending::Hung, "It lives and serves nobody with"),
        (Mending::Weakened, weakened),
    ];
    let parts: Vec<String> = kinds
        .into_iter()
        .map(|(mending, words)| (with(mending), words))
        .filter(|(who, _)| !who.is_empty())
        .map(|(who, words)| format!("{words} {}.", listed(&who, rows)))
        .collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Who starts workers again, and how soon.
fn respawn(rows: &[IsolationRow]) -> Option<String> {
    let mut times: Vec<(f64, &str)> = Vec::new();
    for row in rows {
        let of = |cell: &FaultCell| match (cell.mending(), cell.back_again()) {
            (Some(Mending::Respawn), Some(BackAgain::After(ns))) => Some(ns),
            _ => None,
        };
        times.extend(row.cells.iter().filter_map(of).map(|ns| (ns, row.line.label.as_str())));
    }
    times.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (first, last) = (times.first()?, times.last()?);
    let mut names: Vec<&str> = times.iter().map(|(_, name)| *name).collect();
    names.sort_unstable();
    names.dedup();
    let (soonest, latest) = (show::time(first.0), show::time(last.0));
    let time = if soonest == latest { soonest } else { format!("{soonest} to {latest}") };
    Some(format!(
        "A process that had ended was replaced by its master with {}, after {time}.",
        names.join(", ")
    ))
}

fn unstable(rows: &[IsolationRow]) -> Option<String> {
    let each: Vec<String> = rows
        .iter()
        .flat_map(|row| row.cells.iter().map(move |cell| (row, cell)))
        .filter(|(_, cell)| !cell.is_stable())
        .map(|(row, cell)| {
            format!("{} {} ({} of {})", row.line.label, cell.fault, cell.agreeing(), cell.blocks.len())
        })
        .collect();
    (!each.is_empty())
        .then(|| format!("Blocks disagree, so what most of them saw is shown, of: {}.", each.join(", ")))
}

fn void(rows: &[IsolationRow]) -> Option<String> {
    let mut each: Vec<(&str, &str, Vec<&str>)> = Vec::new();
    for row in rows {
        for cell in row.cells.iter().filter(|cell| cell.blocks.is_empty()) {
            let (label, reason) = (row.line.label.as_str(), cell.reason.as_str());
            match each.iter_mut().find(|(who, why, _)| (*who, *why) == (label, reason)) {
                Some((.., faults)) => faults.push(cell.fault.word()),
                None => each.push((label, reason, vec![cell.fault.word()])),
            }
        }
    }
    let words: Vec<String> =
        each.iter().map(|(who, why, faults)| format!("{who}, {}: {why}", joined(faults))).collect();
    (!words.is_empty()).then(|| format!("Nothing is known of {}.", words.join("; ")))
}

/// Some of these names, in as few words as there are.
fn listed(some: &[&IsolationRow], all: &[&IsolationRow]) -> String {
    let names = |rows: &[&IsolationRow]| {
        joined(&rows.iter().map(|row| row.line.label.as_str()).collect::<Vec<&str>>())
    };
    let others: Vec<&IsolationRow> =
        all.iter().copied().filter(|row| !some.iter().any(|one| one.line.label == row.line.label)).collect();
    match (some.len(), others.len()) {
        (1, 0) => names(some),
        (count, 0) => format!("all {count}"),
        (some_count, others_count) if some_count > 3 && others_count < some_count => {
            format!("all but {}", names(&others))
        }
        _ => names(some),
    }
}

/// `a, b and c`
fn joined(names: &[&str]) -> String {
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_string(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

//! What a comparison opens with: capacity; or what a request costs, where capacities are only bounds.

use dyno_analysis::comparison::{Model, Row};
use dyno_analysis::figure::RowFigure;
use dyno_analysis::tiers::{Figured, of_figures};
use dyno_units::show;

use super::{Opening, Quantity};

/// The answer of a comparison.
pub(crate) fn opening(model: &Model) -> Option<Opening> {
    let is_bound = |row: &&Row| row.capacity.at_least;
    let bounds = model.rows.iter().filter(is_bound).count();
    // Where most rates are bounds, they would say the same of all.
    let (read, quantity): (fn(&Row) -> &RowFigure, Quantity) = if bounds * 2 > model.rows.len() {
        (|row| &row.cpu_at_capacity_ns, cost(model))
    } else {
        (|row| &row.capacity, capacity(model))
    };
    let figured: Vec<Figured> = model
        .rows
        .iter()
        .map(|row| Figured { label: &row.label, family: &row.family, figure: read(row) })
        .collect();
    let tiers = of_figures(&figured, quantity.higher, model.header.threshold, model.header.seed)?;
    let values = |row: &Row| read(row).by_round.values().copied().collect();
    let without = model.rows.iter().filter(|row| read(row).value().is_none());
    let mut besides = Vec::new();
    if bounds * 2 > model.rows.len() {
        besides.push(format!(
            "Most capacities are only bounds, because something else was full before the servers were ({bounds} of {}): so it is told what a request costs.",
            model.rows.len()
        ));
    }
    Some(Opening {
        cells: model.rows.iter().map(|row| (row.label.clone(), values(row))).collect(),
        left_out: without.map(|row| (row.label.clone(), why(read(row)))).collect(),
        quantity,
        tiers,
        besides,
    })
}

/// Why there is no value.
fn why(figure: &RowFigure) -> String {
    match figure.reason.as_str() {
        "" if figure.void > 0 => "void".to_string(),
        "" => "not measured".to_string(),
        reason => format!("{}: {reason}", figure.sign().unwrap_or("void")),
    }
}

/// How sure the ratios of medians are.
pub(crate) fn sure(threshold: f64) -> String {
    format!(
        "Ranges are 95 % intervals; a tie is a difference below {} or within chance.",
        show::share(threshold)
    )
}

fn capacity(model: &Model) -> Quantity {
    Quantity {
        noun: "capacity".into(),
        best: "the highest capacity".into(),
        axis: "requests a second over lasting connections",
        told: |value| format!("{}/s", show::rate(value)),
        shown: show::rate,
        binary: false,
        higher: true,
        sure: sure(model.header.threshold),
    }
}

fn cost(model: &Model) -> Quantity {
    Quantity {
        noun: "CPU per request".into(),
        best: "the least CPU per request".into(),
        axis: "CPU of the server per request under full load",
        told: show::time,
        shown: show::time,
        binary: false,
        higher: false,
        sure: sure(model.header.threshold),
    }
}

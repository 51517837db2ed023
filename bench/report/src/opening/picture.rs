//! The picture of the answer: bars in groups of ties, as text and as SVG.

use std::fmt::Write;

use dyno_units::show;
use dyno_units::text::cut;

use super::Opening;
use crate::charts::standings::{self, StandingRow, Standings};

/// Columns of a name, of a bar, and of a value.
const NAME: usize = 21;
const BAR: usize = 34;
const VALUE: usize = 10;

/// A row for everybody that has a value: place among the entrants, and what is said of its distance to the best.
fn rows(opening: &Opening) -> Vec<(usize, String)> {
    let tiers = &opening.tiers;
    let best = tiers.entrants.first().map_or(1.0, |best| best.value);
    let known = tiers.groups.iter().enumerate().flat_map(|(number, group)| {
        group.members.iter().map(move |place| (*place, number, group.members.len()))
    });
    let mut found: Vec<(usize, String)> = known
        .map(|(place, number, size)| {
            let value = tiers.entrants[place].value;
            let words = match number {
                0 if size > 1 => "tie".to_string(),
                0 => String::new(),
                _ if opening.quantity.higher => format!("{:.0} %", value / best * 100.0),
                _ => format!("{}x", show::three(value / best)),
            };
            (place, words)
        })
        .chain(tiers.unknown.iter().map(|place| {
            let is_bound = tiers.entrants[*place].at_least;
            (*place, if is_bound { "at least" } else { "too few" }.to_string())
        }))
        .collect();
    found.sort_by_key(|(place, _)| *place);
    found
}

/// The picture for a terminal of 80 columns.
pub(crate) fn text(opening: &Opening) -> String {
    let most = opening.tiers.entrants.iter().map(|entrant| entrant.value).fold(0.0, f64::max);
    let mut text = String::new();
    let is_better = if opening.quantity.higher { "more is better" } else { "less is better" };
    let _ = writeln!(text, "{} ({is_better})", opening.quantity.axis);
    for (place, words) in rows(opening) {
        let entrant = &opening.tiers.entrants[place];
        let length = if most > 0.0 { entrant.value / most * BAR as f64 } else { 0.0 };
        let value =
            format!("{}{}", if entrant.at_least { "≥" } else { "" }, (opening.quantity.shown)(entrant.value));
        let line = format!(
            "{:<NAME$} {:<BAR$} {value:>VALUE$} {words}",
            cut(&entrant.label, NAME),
            bar(length.clamp(0.0, BAR as f64))
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    for (label, why) in &opening.left_out {
        let _ = writeln!(text, "{:<NAME$} {}", cut(label, NAME), cut(why, BAR + VALUE + 12));
    }
    text
}

/// A bar of so many columns, to an eighth of one.
fn bar(length: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = ((length * 8.0).round() as usize).max(1);
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}

/// The picture as SVG.
pub(crate) fn svg(opening: &Opening) -> String {
    let tiers = &opening.tiers;
    let one = |(place, words): (usize, String)| {
        let entrant = &tiers.entrants[place];
        StandingRow {
            label: entrant.label.clone(),
            family: entrant.family.clone(),
            value: Some(entrant.value),
            ends: Some(entrant.ends).filter(|ends| ends.1.is_finite()),
            cells: opening.cells.get(&entrant.label).cloned().unwrap_or_default(),
            at_least: entrant.at_least,
            group: tiers.group_of(place),
            words,
        }
    };
    let left_out = opening.left_out.iter().map(|(label, why)| StandingRow {
        label: label.clone(),
        words: why.clone(),
        ..StandingRow::default()
    });
    let is_better = if opening.quantity.higher { "more is better" } else { "less is better" };
    standings::draw(&Standings {
        title: &super::sentence::of(&opening.quantity, tiers),
        axis: &format!("{} ({is_better})", opening.quantity.axis),
        shown: opening.quantity.shown,
        binary: opening.quantity.binary,
        rows: rows(opening).into_iter().map(one).chain(left_out).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_is_as_long_as_its_value_to_an_eighth() {
        for (length, expected) in [(0.0, "▏"), (0.5, "▌"), (1.0, "█"), (2.25, "██▎")] {
            assert_eq!(bar(length), expected);
        }
    }
}

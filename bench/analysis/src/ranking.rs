//! Who leads in a figure, who follows, and between whom no difference was seen: a first and a last are named only where
//! they are apart from the others beyond threshold and chance.

use dyno_statistics::verdict::ComparisonVerdict;

use crate::comparison::{Model, Row};
use crate::figure::RowFigure;

/// How one contestant stands against a better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Against {
    /// Behind it, beyond threshold and chance.
    Behind,
    /// No difference seen.
    Level,
    /// Not known: its own maximum was not reached, or there are too few blocks.
    Unknown,
}

/// A row that has a figure, and the figure's value.
#[derive(Debug, Clone, Copy)]
pub struct Ranked<'a> {
    /// The row.
    pub row: &'a Row,
    /// The median of the figure that is ranked.
    pub value: f64,
}

/// How the contestants stand in one figure.
#[derive(Debug, Clone)]
pub struct Podium<'a> {
    /// Those that lead: one, or several between which no difference was seen, in the order of the table.
    pub first: Vec<Ranked<'a>>,
    /// Those that are behind the best one, the best of them first.
    pub behind: Vec<Ranked<'a>>,
    /// The worst of those behind: one, or several between which no difference was seen, in the order of the table.
    pub last: Vec<Ranked<'a>>,
    /// Those of whom nothing can be said.
    pub unknown: Vec<Ranked<'a>>,
}

/// How all rows that have a figure stand in it; `None` where no row has it.
pub fn podium(model: &Model, figure: fn(&Row) -> &RowFigure, higher: bool) -> Option<Podium<'_>> {
    let mut order: Vec<Ranked> =
        model.rows.iter().filter_map(|row| Some(Ranked { row, value: figure(row).value()? })).collect();
    order.sort_by(|one, other| {
        let rising = one.value.total_cmp(&other.value);
        if higher { rising.reverse() } else { rising }
    });
    let (&leader, others) = order.split_first()?;
    let (mut first, mut behind, mut unknown) = (vec![leader], Vec::new(), Vec::new());
    for place in others {
        match stands(model, figure(place.row), figure(leader.row), higher) {
            Against::Level => first.push(*place),
            Against::Behind => behind.push(*place),
            Against::Unknown => unknown.push(*place),
        }
    }
    let worst = behind.last().copied();
    let is_last = |place: &&Ranked| {
        worst.is_some_and(|worst| {
            std::ptr::eq(worst.row, place.row)
                || stands(model, figure(worst.row), figure(place.row), higher) != Against::Behind
        })
    };
    let mut last: Vec<Ranked> = behind.iter().filter(is_last).copied().collect();
    let table_order = |places: &mut Vec<Ranked>| {
        places.sort_by_key(|place| model.rows.iter().position(|row| std::ptr::eq(row, place.row)));
    };
    table_order(&mut first);
    table_order(&mut last);
    Some(Podium { first, behind, last, unknown })
}

/// How a figure stands against a better one.
fn stands(model: &Model, own: &RowFigure, better: &RowFigure, higher: bool) -> Against {
    if own.at_least {
        return Against::Unknown;
    }
    match own.against(better, model.header.threshold, model.header.seed).verdict {
        ComparisonVerdict::TooFewBlocks => Against::Unknown,
        ComparisonVerdict::NoDifferenceSeen => Against::Level,
        ComparisonVerdict::Lower if higher => Against::Behind,
        ComparisonVerdict::Higher if !higher => Against::Behind,
        ComparisonVerdict::Lower | ComparisonVerdict::Higher => Against::Level,
    }
}

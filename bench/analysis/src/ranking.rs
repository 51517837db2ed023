//! Who leads in a figure, and how the others stand against the leader.

use dyno_statistics::verdict::ComparisonVerdict;

use crate::comparison::{Model, Row, RowFigure};

/// How one contestant stands against the one that leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
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

/// The row with the best value of a figure, and how the others stand against it, the best first.
pub fn ranking(
    model: &Model,
    figure: fn(&Row) -> &RowFigure,
    higher: bool,
) -> Option<(Ranked<'_>, Vec<(Ranked<'_>, Against)>)> {
    let mut order: Vec<Ranked> =
        model.rows.iter().filter_map(|row| Some(Ranked { row, value: figure(row).value()? })).collect();
    order.sort_by(|one, other| {
        let rising = one.value.total_cmp(&other.value);
        if higher { rising.reverse() } else { rising }
    });
    let (&leader, others) = order.split_first()?;
    let lead = figure(leader.row);
    let stands = |place: Ranked| {
        let own = figure(place.row);
        if own.at_least {
            return Against::Unknown;
        }
        match own.against(lead, model.header.threshold, model.header.seed).verdict {
            ComparisonVerdict::TooFewBlocks => Against::Unknown,
            ComparisonVerdict::NoDifferenceSeen => Against::Level,
            ComparisonVerdict::Lower if higher => Against::Behind,
            ComparisonVerdict::Higher if !higher => Against::Behind,
            ComparisonVerdict::Lower | ComparisonVerdict::Higher => Against::Level,
        }
    };
    Some((leader, others.iter().map(|place| (*place, stands(*place))).collect()))
}

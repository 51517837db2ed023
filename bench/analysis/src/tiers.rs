//! Groups of ties: who shares the best place, who stands behind, and by which ratio.
//!
//! A contestant belongs to a group when no difference to the best of the group was seen. So the members of one group
//! lie within threshold or chance of its best, and two groups are apart beyond both.

use dyno_statistics::bootstrap::Interval;
use dyno_statistics::verdict::ComparisonVerdict;

use crate::figure::RowFigure;

/// One that takes part.
#[derive(Debug, Clone, PartialEq)]
pub struct Entrant {
    /// Label.
    pub label: String,
    /// Its kin.
    pub family: String,
    /// What it is ranked by.
    pub value: f64,
    /// Ends of what is known of the value.
    pub ends: (f64, f64),
    /// Whether the value is a bound that the contestant itself did not set.
    pub at_least: bool,
}

/// How one stands against a better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TieStand {
    /// Behind it, beyond threshold and chance.
    Behind,
    /// No difference seen.
    Level,
    /// Not known.
    Unknown,
}

/// By how many times the better one is better, with the ends of what is known of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Times {
    /// Middle.
    pub value: f64,
    /// Least.
    pub low: f64,
    /// Most.
    pub high: f64,
}

/// Those between which no difference was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct TieGroup {
    /// Places in [`Tiers::entrants`], the best first.
    pub members: Vec<usize>,
    /// How many times as good the best of all is; absent for the first group.
    pub times: Option<Times>,
}

/// All that take part, in groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Tiers {
    /// The best first.
    pub entrants: Vec<Entrant>,
    /// The first group leads.
    pub groups: Vec<TieGroup>,
    /// Of whom it is not known how they stand against the best.
    pub unknown: Vec<usize>,
}

impl Tiers {
    /// The group that one belongs to, if it is known.
    pub fn group_of(&self, place: usize) -> Option<usize> {
        self.groups.iter().position(|group| group.members.contains(&place))
    }

    /// Whether all that take part are level.
    pub fn all_tie(&self) -> bool {
        self.groups.len() == 1 && self.unknown.is_empty() && self.entrants.len() > 1
    }

    /// Members of a family.
    pub fn kin(&self, family: &str) -> usize {
        self.entrants.iter().filter(|entrant| entrant.family == family).count()
    }
}

/// Groups those that take part. `stand` tells how the second stands against the first, which has the better value, and
/// how many times as good the first is; `higher` whether a higher value is better.
///
/// `None` where nobody takes part.
pub fn tiers(
    mut entrants: Vec<Entrant>,
    higher: bool,
    stand: impl Fn(&Entrant, &Entrant) -> (TieStand, Option<Times>),
) -> Option<Tiers> {
    entrants.retain(|entrant| entrant.value.is_finite());
    entrants.sort_by(|one, other| {
        let rising = one.value.total_cmp(&other.value);
        if higher { rising.reverse() } else { rising }
    });
    let best = entrants.first()?;
    let is_unknown = |place: &usize| *place > 0 && stand(best, &entrants[*place]).0 == TieStand::Unknown;
    let (unknown, mut known): (Vec<usize>, Vec<usize>) = (0..entrants.len()).partition(is_unknown);
    let mut groups = Vec::new();
    while let Some(&leader) = known.first() {
        let is_level = |place: &usize| {
            *place == leader || stand(&entrants[leader], &entrants[*place]).0 == TieStand::Level
        };
        let (members, rest): (Vec<usize>, Vec<usize>) = known.iter().partition(|place| is_level(place));
        let behind = members.iter().filter_map(|place| stand(best, &entrants[*place]).1);
        let times = if groups.is_empty() { None } else { over_all(behind.collect()) };
        groups.push(TieGroup { members, times });
        known = rest;
    }
    Some(Tiers { entrants, groups, unknown })
}

/// The ratios to several as one: the middle of all, between the least and the most.
fn over_all(mut all: Vec<Times>) -> Option<Times> {
    all.sort_by(|one, other| one.value.total_cmp(&other.value));
    let middle = all.get(all.len() / 2)?.value.midpoint(all[(all.len() - 1) / 2].value);
    Some(Times {
        value: middle,
        low: all.iter().map(|times| times.low).fold(f64::INFINITY, f64::min),
        high: all.iter().map(|times| times.high).fold(f64::NEG_INFINITY, f64::max),
    })
}

/// A contestant with the figure that it is ranked by.
#[derive(Debug, Clone, Copy)]
pub struct Figured<'a> {
    /// Label.
    pub label: &'a str,
    /// Its kin.
    pub family: &'a str,
    /// The figure.
    pub figure: &'a RowFigure,
}

/// Groups those that have a figure by what its blocks tell.
pub fn of_figures(figured: &[Figured], higher: bool, threshold: f64, seed: u64) -> Option<Tiers> {
    let entrants = figured.iter().filter_map(|one| {
        let Interval { value, low, high, .. } = one.figure.interval?;
        Some(Entrant {
            label: one.label.to_string(),
            family: one.family.to_string(),
            value,
            ends: (low, high),
            at_least: one.figure.at_least,
        })
    });
    let figure = |entrant: &Entrant| figured.iter().find(|one| one.label == entrant.label);
    let stand = |better: &Entrant, own: &Entrant| {
        let Some((better, own)) = figure(better).zip(figure(own)) else { return (TieStand::Unknown, None) };
        let (over, under) = if higher { (better.figure, own.figure) } else { (own.figure, better.figure) };
        let times = over.ratio_to(under, seed).map(|ratio| Times {
            value: ratio.value,
            low: ratio.low,
            high: ratio.high,
        });
        let stand = match own.figure.against(better.figure, threshold, seed).verdict {
            _ if own.figure.at_least => TieStand::Unknown,
            ComparisonVerdict::TooFewBlocks => TieStand::Unknown,
            ComparisonVerdict::Lower if higher => TieStand::Behind,
            ComparisonVerdict::Higher if !higher => TieStand::Behind,
            _ => TieStand::Level,
        };
        (stand, times)
    };
    tiers(entrants.collect(), higher, stand)
}

/// Groups those of whom a value is known between two ends, where the higher end may not be known: those whose ends
/// overlap are level.
pub fn of_ends(entrants: Vec<Entrant>) -> Option<Tiers> {
    tiers(entrants, true, |better, own| {
        let stand = match own.ends.1 < better.ends.0 {
            true => TieStand::Behind,
            false if own.at_least => TieStand::Unknown,
            false => TieStand::Level,
        };
        let times = Times {
            value: better.value / own.value,
            low: better.ends.0 / own.ends.1,
            high: better.ends.1 / own.ends.0,
        };
        (stand, Some(times).filter(|times| times.value.is_finite() && times.low > 0.0))
    })
}

#[cfg(test)]
mod tests;

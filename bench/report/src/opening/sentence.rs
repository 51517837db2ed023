//! The sentence that a report opens with, from groups of ties.

use dyno_analysis::tiers::{Entrant, TieGroup, Tiers, Times};
use dyno_units::show;

use super::Quantity;

/// Groups that are told with their ratio; those behind them are counted.
const TOLD_GROUPS: usize = 3;

/// Members of a group that are named; more are named by their families, as far as these are whole.
const NAMED_MEMBERS: usize = 3;

/// The sentence.
pub(crate) fn of(quantity: &Quantity, tiers: &Tiers) -> String {
    let Some(first) = tiers.groups.first() else { return String::new() };
    let leaders = members(tiers, &first.members);
    let span = span(quantity, &leaders);
    let names = names(tiers, &first.members, usize::MAX);
    let Quantity { noun, best, .. } = quantity;
    let mut words = match leaders.len() {
        1 if tiers.entrants.len() == 1 => format!("{names}: {noun} {span}."),
        _ if tiers.all_tie() => format!("No difference was seen in {noun} between {names}: {span}."),
        // Nobody is known to be behind.
        1 if tiers.groups.len() == 1 => format!("{names}: {noun} {span}; of the others it is not known."),
        1 => format!("{names} has {best}: {span}; {}.", behind(quantity, tiers)),
        _ if tiers.groups.len() == 1 => format!("{names} tie for {best}: {span}."),
        _ => format!("{names} tie for {best}: {span}; {}.", behind(quantity, tiers)),
    };
    if !tiers.unknown.is_empty() {
        words += &format!(" Not decided for {}.", self::names(tiers, &tiers.unknown, NAMED_MEMBERS));
    }
    if tiers.entrants.len() > 1 {
        words += &format!(" {}", quantity.sure);
    }
    words
}

/// How far the other groups are behind the first.
fn behind(quantity: &Quantity, tiers: &Tiers) -> String {
    let others = tiers.groups.get(1..).unwrap_or_default();
    // The last group is always told: how far it may go wrong is half of the answer.
    let told: Vec<&TieGroup> = match others.split_last() {
        Some((last, before)) if others.len() > TOLD_GROUPS => {
            before.iter().take(TOLD_GROUPS - 1).chain([last]).collect()
        }
        _ => others.iter().collect(),
    };
    let with = if quantity.higher { "" } else { " less than" };
    let mut words: Vec<String> = told
        .iter()
        .map(|group| {
            let names = names(tiers, &group.members, NAMED_MEMBERS);
            group.times.map_or_else(
                || format!("ahead of {names}"),
                |times| format!("{}{with} {names}{}", show_times(times), ends(times)),
            )
        })
        .collect();
    let left = others.len() - told.len();
    if left > 0 {
        let between: usize =
            others[TOLD_GROUPS - 1..others.len() - 1].iter().map(|group| group.members.len()).sum();
        let last = words.pop().unwrap_or_default();
        words.push(format!("{} between", show::count(between, "other")));
        words.push(last);
    }
    words.join(", ")
}

/// `1.8 times`
fn show_times(times: Times) -> String {
    format!("{} times", two(times.value))
}

/// ` (1.7 to 1.9)`; nothing where two digits tell no difference.
fn ends(times: Times) -> String {
    let (low, high) = (two(times.low), two(times.high));
    if low == high { String::new() } else { format!(" ({low} to {high})") }
}

/// Two digits are enough to choose by, and near one a third.
fn two(value: f64) -> String {
    match value {
        value if !value.is_finite() => "-".to_string(),
        value if value >= 9.95 => format!("{value:.0}"),
        value if value >= 1.195 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

fn members<'t>(tiers: &'t Tiers, places: &[usize]) -> Vec<&'t Entrant> {
    places.iter().filter_map(|place| tiers.entrants.get(*place)).collect()
}

/// The values of several from the lowest to the highest; of one, with its interval.
fn span(quantity: &Quantity, of: &[&Entrant]) -> String {
    let at_least = if of.iter().any(|one| one.at_least) { "at least " } else { "" };
    let (told, values) = (quantity.told, of.iter().map(|one| one.value));
    let low = values.clone().fold(f64::INFINITY, f64::min);
    let high = values.fold(f64::NEG_INFINITY, f64::max);
    match of {
        [only] if only.ends.0 < only.ends.1 && only.ends.1.is_finite() => {
            format!("{at_least}{} ({} to {})", told(only.value), told(only.ends.0), told(only.ends.1))
        }
        _ if told(low) == told(high) => format!("{at_least}{}", told(low)),
        _ => format!("{at_least}{} to {}", told(low), told(high)),
    }
}

/// Names in words. Where they are more than `most`, families that are wholly among them stand for their members.
pub(crate) fn names(tiers: &Tiers, places: &[usize], most: usize) -> String {
    let all = members(tiers, places);
    let is_whole = |family: &str| {
        let own = all.iter().filter(|one| one.family == family).count();
        own > 1 && own == tiers.kin(family)
    };
    let mut words: Vec<String> = Vec::new();
    for one in &all {
        let name = match family(&one.family) {
            Some(family) if all.len() > most && is_whole(&one.family) => family.to_string(),
            _ => one.label.clone(),
        };
        if !words.contains(&name) {
            words.push(name);
        }
    }
    match words.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}

/// What the members of a family are called together.
fn family(family: &str) -> Option<&'static str> {
    match family {
        "processes" => Some("the process designs"),
        "threads" => Some("the thread designs"),
        "readiness" => Some("the readiness loops"),
        "hybrid" => Some("the hybrids of loop and threads"),
        "tasks" => Some("the designs with tasks"),
        "foreign" => Some("the servers of others"),
        _ => None,
    }
}

#[cfg(test)]
#[path = "sentence_tests.rs"]
mod tests;

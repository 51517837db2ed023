//! Why cells are void, counted by reason.

use std::collections::BTreeMap;

use dyno_record::audit::Law;
use dyno_record::measured::Record;
use dyno_units::show;

/// What made a cell void, in a word or two, as in `void for steal`.
pub fn kind(record: &Record) -> &'static str {
    if record.audit.wall().is_some() {
        return "a wall";
    }
    match record.audit.findings.first().map(|finding| finding.law) {
        Some(Law::MachineIdle) => "other programs",
        Some(Law::Steal) => "steal",
        Some(Law::Unthrottled) => "a CPU quota",
        Some(Law::GeneratorOnTime | Law::GeneratorUnsaturated) => "the generator",
        Some(Law::LittlesLaw | Law::UtilizationLaw) => "figures that contradict each other",
        Some(Law::RateEven | Law::CostEven) => "unevenness within the window",
        Some(Law::Unwatched) => "slowness while clocks were read",
        _ => "other reasons",
    }
}

/// `4 for other programs, 3 for steal`: the most frequent first.
pub fn counted(reasons: impl Iterator<Item = &'static str>) -> String {
    let mut by_reason: BTreeMap<&str, usize> = BTreeMap::new();
    reasons.for_each(|reason| *by_reason.entry(reason).or_default() += 1);
    let mut each: Vec<(&str, usize)> = by_reason.into_iter().collect();
    each.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let words: Vec<String> = each.iter().map(|(reason, count)| format!("{count} for {reason}")).collect();
    words.join(", ")
}

/// The same with their number before it: `7 void cells (4 for other programs, 3 for steal)`.
pub fn told(reasons: &[&'static str]) -> String {
    format!("{} ({})", show::count(reasons.len(), "void cell"), counted(reasons.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn void_cells_are_counted_by_reason_the_most_frequent_first() {
        let reasons = ["steal", "other programs", "steal", "other programs", "other programs"];
        assert_eq!(told(&reasons), "5 void cells (3 for other programs, 2 for steal)");
        assert_eq!(told(&["a wall"]), "1 void cell (1 for a wall)");
    }
}

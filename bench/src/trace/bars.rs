//! Bars of letters: one for each design at each height, each letter a share of the latency.

use dyno_analysis::timeline::{LevelParts, TimePart};

/// The letters of a bar that would be `columns` long for `whole_ns`. Each part has its share of them, rounded so that
/// they add up; a bar has one letter at least.
pub(crate) fn bar(parts: &LevelParts, whole_ns: f64, columns: usize) -> String {
    let total_ns = parts.total_ns();
    if total_ns <= 0.0 || whole_ns <= 0.0 {
        return String::new();
    }
    let length = ((total_ns / whole_ns * columns as f64).round() as usize).clamp(1, columns);
    let exact = TimePart::ALL.map(|part| parts.of(part) / total_ns * length as f64);
    let mut letters = exact.map(|share| share as usize);
    // The largest remainders get what is left.
    let mut order = TimePart::ALL;
    order.sort_by(|one, other| exact[*other as usize].fract().total_cmp(&exact[*one as usize].fract()));
    let left = length.saturating_sub(letters.iter().sum());
    order.iter().take(left).for_each(|part| letters[*part as usize] += 1);
    TimePart::ALL.iter().map(|part| part.letter().to_string().repeat(letters[*part as usize])).collect()
}

/// What the letters mean, of the parts that are there.
pub(crate) fn key(parts: &[TimePart]) -> Vec<String> {
    parts.iter().map(|part| format!("{} {}", part.letter(), part.name())).collect()
}

#[cfg(test)]
mod tests {
    use dyno_analysis::timeline::Level;

    use super::*;

    #[test]
    fn letters_are_shares_and_add_up() {
        let mut parts_ns = [0.0; TimePart::COUNT];
        parts_ns[TimePart::WayIn as usize] = 50.0;
        parts_ns[TimePart::Dispatch as usize] = 30.0;
        parts_ns[TimePart::Service as usize] = 20.0;
        let parts = LevelParts { level: Level::P99, requests: 1, parts_ns };
        assert_eq!(bar(&parts, 100.0, 10), "iiiiidddss");
        assert_eq!(bar(&parts, 200.0, 10), "iiids", "half as long; thirds are rounded");
        assert_eq!(bar(&parts, 1e6, 10), "i", "as small as it is, it is seen");
        let nothing = LevelParts { parts_ns: [0.0; TimePart::COUNT], ..parts };
        assert_eq!(bar(&nothing, 100.0, 10), "");
        for columns in 1..60 {
            let parts =
                LevelParts { parts_ns: std::array::from_fn(|at| (at * at) as f64), ..nothing.clone() };
            assert_eq!(bar(&parts, parts.total_ns(), columns).len(), columns);
        }
    }
}

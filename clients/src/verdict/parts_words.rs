//! The words of doubts that a load of several hosts has because of its parts.

use dyno_units::show;

use crate::outcome::verdict::Doubt;

/// Parts by their numbers, in words: `part 2`, `parts 2, 5 and 12 more`.
pub(crate) fn numbered(numbers: &[u32]) -> String {
    const NAMED: usize = 8;
    let all: Vec<String> = numbers.iter().take(NAMED).map(ToString::to_string).collect();
    let noun = if numbers.len() == 1 { "part" } else { "parts" };
    match (numbers.len().saturating_sub(NAMED), all.as_slice()) {
        (0, [first @ .., last]) if !first.is_empty() => format!("{noun} {} and {last}", first.join(", ")),
        (0, _) => format!("{noun} {}", all.join("")),
        (more, _) => format!("{noun} {} and {more} more", all.join(", ")),
    }
}

/// What such a doubt is, one line; `None` for all others.
pub(crate) fn message(doubt: &Doubt) -> Option<String> {
    Some(match doubt {
        Doubt::PartsDoubtful { numbers, hosts, count, found, .. } => {
            let who = match hosts.as_slice() {
                [host] if !host.is_empty() && *count == 1 => format!("{} ({host})", numbered(numbers)),
                _ if *count as usize > numbers.len() => {
                    format!("{} parts, {} among them", count, numbered(numbers))
                }
                _ => numbered(numbers),
            };
            format!("{who}: {found}")
        }
        Doubt::PartsMissing { numbers, of } => format!(
            "{} of {of} {} missing: the load was less than planned, or more than is told",
            numbered(numbers),
            if numbers.len() == 1 { "is" } else { "are" }
        ),
        Doubt::PartsApart { apart_ns, .. } => format!(
            "the parts did not start together: {} apart, by the server's dates",
            show::time(*apart_ns as f64)
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_named_in_words_and_not_without_end() {
        assert_eq!(numbered(&[2]), "part 2");
        assert_eq!(numbered(&[2, 5, 7]), "parts 2, 5 and 7");
        let many: Vec<u32> = (1..=20).collect();
        assert_eq!(numbered(&many), "parts 1, 2, 3, 4, 5, 6, 7, 8 and 12 more");
    }
}

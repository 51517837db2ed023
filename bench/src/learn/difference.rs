//! The difference between two texts, line by line.

/// A line of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DifferenceLine<'a> {
    /// In both.
    Same(&'a str),
    /// In the first alone.
    Gone(&'a str),
    /// In the second alone.
    New(&'a str),
}

/// The lines of both texts, those that they have in common told once: a longest common subsequence, by the textbook's
/// table, which suits texts of some hundred lines.
pub(crate) fn of<'a>(first: &'a str, second: &'a str) -> Vec<DifferenceLine<'a>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (first.lines().collect(), second.lines().collect());
    // `common[i][j]`: how many lines the rests from i and from j have in common.
    let mut common = vec![vec![0usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(DifferenceLine::Same(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || i < old.len() && common[i + 1][j] >= common[i][j + 1] {
            lines.push(DifferenceLine::Gone(old[i]));
            i += 1;
        } else {
            lines.push(DifferenceLine::New(new[j]));
            j += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::DifferenceLine::{Gone, New, Same};
    use super::*;

    #[test]
    fn what_is_the_same_is_told_once() {
        assert_eq!(of("a\nb\nc\n", "a\nx\nc\nd\n"), [Same("a"), Gone("b"), New("x"), Same("c"), New("d")]);
        assert_eq!(of("", "a"), [New("a")]);
        assert_eq!(of("a", ""), [Gone("a")]);
        assert_eq!(of("", ""), []);
    }
}

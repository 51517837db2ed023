//! "Did you mean": the known word that is nearest to a mistyped one.

use strsim::levenshtein;

/// The nearest of `known`, if it is likely to be meant: at most a third of its letters differ.
pub fn closest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    // The beginning of a word stands for that word, no matter how long the rest is.
    if typed.len() >= 3
        && let Some(word) = known.iter().find(|word| word.starts_with(typed))
    {
        return Some(word);
    }
    let (distance, word) = known.iter().map(|word| (levenshtein(typed, word), *word)).min()?;
    (distance * 3 <= word.len().max(typed.len())).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::closest;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["epoll", "poll", "thread-pool", "thread-per-connection", "io-uring"];
        for (typed, expected) in [
            ("epol", Some("epoll")),
            ("io_uring", Some("io-uring")),
            ("threadpool", Some("thread-pool")),
            ("thread-per", Some("thread-per-connection")),
            ("apache", None),
            ("", None),
        ] {
            assert_eq!(closest(typed, &known), expected, "{typed}");
        }
    }
}

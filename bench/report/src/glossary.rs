//! The words that only this project uses, or uses in a sense of its own: shown where they stand, and as a list.

use crate::charts::escape;
use crate::section::Section;

/// A word, and what it means.
const TERMS: [(&str, &str); 22] = [
    (
        "void",
        "The machine or the generator spoilt this measurement, so it counts for nothing. It says nothing of the server.",
    ),
    ("wall", "A limit of the server itself: it could not hold so many connections, or answered with errors."),
    (
        "at least",
        "Something else was full before the server was (the generator, or the way between both), so the server may do more. Written ≥ or >.",
    ),
    ("too few", "Fewer than five blocks count, so nothing is decided: an interval of fewer would be a wish."),
    (
        "tie",
        "No difference was seen: the whole interval of the ratio lies within the threshold, or reaches into it.",
    ),
    (
        "not decided",
        "Whether there is a difference is not known: a bound was met, or the blocks that count are too few.",
    ),
    (
        "cell",
        "One measurement: one server, one load, some hundred milliseconds, in a process started for it alone.",
    ),
    (
        "block",
        "A round in which everybody is measured once in random order, so that what the machine does meanwhile meets all alike.",
    ),
    (
        "capacity",
        "Right answers a second in a closed loop over connections that stay open: as many as the server gives.",
    ),
    (
        "common rate",
        "A rate that everybody can serve, half of what the slowest can do, offered to all alike: latencies at different rates do not compare.",
    ),
    (
        "open loop",
        "Requests are sent at planned moments, whether or not earlier ones are answered, as strangers send them.",
    ),
    ("closed loop", "Each connection sends its next request when its answer has come."),
    ("lasting connections", "Connections that stay open and carry many requests (keep-alive)."),
    ("p50", "Half of the answers took less time."),
    ("p99", "99 of 100 answers took less time; of a page with 100 parts, one is as slow on average."),
    (
        "95 % interval",
        "Where the true value lies with 95 of 100 such experiments, by resampling the blocks (bootstrap, BCa).",
    ),
    (
        "full pace",
        "What was measured, after what slowed cores and moments cost is taken off. How much a slowed core costs is told from all cells together.",
    ),
    (
        "audit",
        "The check of each cell: was the generator in time, the machine idle, every body right, the accounts in agreement?",
    ),
    (
        "baseline",
        "The server that the others are compared with: the iterative one, or else the first that was named.",
    ),
    (
        "floor",
        "The time of a byte over loopback and back with nobody in between: no server on this machine can be faster.",
    ),
    (
        "critical point",
        "The highest rate that is confirmed to keep the limit: at least three cells did, and more than twice as many as did not.",
    ),
    ("family", "Designs that wait and serve in the same way; one colour and one marker each."),
];

/// The four words for a figure that is no plain value.
const SIGNS: [&str; 4] = ["void", "wall", "at least", "too few"];

/// What a word means.
fn meaning(word: &str) -> Option<&'static str> {
    TERMS.iter().find(|(term, _)| *term == word).map(|(_, meaning)| *meaning)
}

/// A text as HTML, in which the first of these words is explained.
pub(crate) fn marked(text: &str) -> String {
    let found = TERMS.iter().find_map(|(term, meaning)| Some((text.find(term)?, term, meaning)));
    let Some((place, term, meaning)) = found else { return escape(text) };
    format!(
        "{}<abbr title=\"{}\">{}</abbr>{}",
        escape(&text[..place]),
        escape(meaning),
        escape(term),
        escape(&text[place + term.len()..])
    )
}

/// The legend of the four words.
pub(crate) fn signs() -> String {
    let items: String = SIGNS
        .iter()
        .filter_map(|word| Some(format!("<div><dt>{word}</dt><dd>{}</dd></div>", escape(meaning(word)?))))
        .collect();
    format!("<dl class=\"signs\">{items}</dl>")
}

/// The list of all words.
pub(crate) fn section() -> Section {
    let items: String = TERMS
        .iter()
        .map(|(term, meaning)| format!("<dt>{}</dt><dd>{}</dd>", escape(term), escape(meaning)))
        .collect();
    Section { id: "words", title: "Words".into(), body: format!("<dl class=\"glossary\">{items}</dl>") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sign_is_explained_and_no_word_twice() {
        assert!(SIGNS.iter().all(|word| meaning(word).is_some()));
        let mut words: Vec<&str> = TERMS.iter().map(|term| term.0).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), TERMS.len());
    }

    #[test]
    fn a_word_is_explained_where_it_stands() {
        assert_eq!(marked("a < b"), "a &lt; b");
        let text = marked("capacity <s");
        assert!(text.starts_with("<abbr title=\"") && text.ends_with(">capacity</abbr> &lt;s"), "{text}");
    }
}

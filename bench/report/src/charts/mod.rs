//! Charts as SVG that work without scripts and take their colours from the page.
//!
//! Each element that has a value carries a `<title>`, which browsers show as a tooltip and screen readers read.

pub(crate) mod bars;
pub(crate) mod grid;
pub(crate) mod heat;
pub(crate) mod lines;
pub(crate) mod marker;
pub(crate) mod paths;
pub(crate) mod plot;
pub(crate) mod rows;
pub(crate) mod scale;
pub(crate) mod scatter;
pub(crate) mod stack;
pub(crate) mod standings;
pub(crate) mod tails;

/// How a value is shown.
pub(crate) type Shown = fn(f64) -> String;

/// Escapes a text for XML and HTML, attributes included.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A name as part of a class: lower case letters, digits and hyphens.
pub(crate) fn class(name: &str) -> String {
    name.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
        .collect()
}

/// Width of a character of a label, in units of the charts: a generous mean of usual sans-serif faces at 12 units.
const CHARACTER: f64 = 6.7;

/// The width of a column of labels, as wide as the longest.
pub(crate) fn width<'a>(labels: impl Iterator<Item = &'a str>) -> f64 {
    labels.map(|label| label.chars().count()).max().unwrap_or(0) as f64 * CHARACTER
}

/// A round value on an axis, without the zeros that show precision elsewhere: `50 k` for `50.0 k`, `0` for `0 ns`.
pub(crate) fn tick(text: &str) -> String {
    let (number, unit) = text.split_once(' ').map_or((text, ""), |(number, unit)| (number, unit));
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    };
    match (number, unit) {
        ("0", _) => "0".to_string(),
        // A scale in thousands does not begin with a number of four digits.
        (_, "") if number.len() == 4 && number.ends_with("00") => {
            tick(&format!("{}.{} k", &number[..1], &number[1..2]))
        }
        (_, "") => number.to_string(),
        _ => format!("{number} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_as_short_as_they_are_round() {
        for (text, expected) in [
            ("50.0 k", "50 k"),
            ("1.00 ms", "1 ms"),
            ("0 ns", "0"),
            ("2.50 MiB", "2.5 MiB"),
            ("100", "100"),
            ("5000", "5 k"),
        ] {
            assert_eq!(tick(text), expected);
        }
    }

    #[test]
    fn nothing_escapes() {
        assert_eq!(escape("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
        assert_eq!(class("io-uring:Tuned#2"), "io-uring-tuned-2");
    }
}

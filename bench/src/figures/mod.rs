//! Figures as SVG that stands without scripts and takes its colours from the page.
//!
//! Each element that has a value carries a `<title>`, which browsers show as a tooltip and screen readers read.

pub mod bars;
pub mod lines;
pub mod scale;

/// Text made safe for XML and HTML, attributes included.
pub fn escape(text: &str) -> String {
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
pub fn class(name: &str) -> String {
    name.chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes() {
        assert_eq!(escape("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
        assert_eq!(class("io-uring:Tuned#2"), "io-uring-tuned-2");
    }
}

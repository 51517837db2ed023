//! Markdown on the terminal: paragraphs, pictures, lists and tables; of a link only its words are left.

use std::fmt::Write;

use dyno_units::text::wrap_parts;
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// The text in lines of at most `columns` characters, each behind `indent`. A picture keeps its lines.
pub(crate) fn lines(markdown: &str, indent: &str, columns: usize) -> String {
    let (mut out, mut words, mut in_code) = (String::new(), String::new(), false);
    let end = |out: &mut String, words: &mut String| {
        if !words.trim().is_empty() {
            let all: Vec<&str> = words.split_whitespace().collect();
            let broken = wrap_parts(indent, &all, " ", columns);
            let _ = writeln!(out, "{broken}");
        }
        words.clear();
    };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Text(text) if in_code => {
                for line in text.lines() {
                    let line = format!("{indent}{line}");
                    let _ = writeln!(out, "{}", line.trim_end());
                }
            }
            Event::Text(text) => words.push_str(&text),
            Event::Code(text) => words.push_str(&text),
            Event::SoftBreak | Event::HardBreak => words.push(' '),
            Event::Start(Tag::Item) => words.push_str("- "),
            Event::End(TagEnd::TableCell) => words.push_str("  "),
            Event::End(
                TagEnd::Paragraph | TagEnd::Item | TagEnd::TableRow | TagEnd::TableHead | TagEnd::Heading(_),
            ) => {
                end(&mut out, &mut words);
            }
            _ => {}
        }
    }
    end(&mut out, &mut words);
    out
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn paragraphs_are_broken_and_pictures_are_not() {
        let text =
            lines("A [worker](crate#glossary) *waits* in\n`accept`.\n\n```text\n  a -> b\n```\n", "  ", 14);
        assert_eq!(text, "  A worker\n  waits in\n  accept.\n    a -> b\n");
        assert_eq!(lines("- one\n- two", "", 80), "- one\n- two\n");
    }
}

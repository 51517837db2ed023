//! The texts that every report contains, and the functions that embed them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

/// How Dyno measures.
pub(crate) const METHODOLOGY: &str = include_str!("../../METHODOLOGY.md");
/// What a reader should not believe.
pub(crate) const BIAS: &str = include_str!("../../BIAS.md");

/// Converts Markdown to HTML, with its headings two levels down, below those of the page.
pub(crate) fn html(markdown: &str) -> String {
    use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
    let lower = |level: HeadingLevel| match level {
        HeadingLevel::H1 | HeadingLevel::H2 => HeadingLevel::H3,
        _ => HeadingLevel::H4,
    };
    // The page has a heading of its own for each text, so the first heading of the text is dropped.
    let mut in_title = false;
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => {
            in_title = true;
            None
        }
        Event::End(TagEnd::Heading(HeadingLevel::H1)) => {
            in_title = false;
            None
        }
        _ if in_title => None,
        Event::Start(Tag::Heading { level, id, classes, attrs }) => {
            Some(Event::Start(Tag::Heading { level: lower(level), id, classes, attrs }))
        }
        Event::End(TagEnd::Heading(level)) => Some(Event::End(TagEnd::Heading(lower(level)))),
        other => Some(other),
    });
    let mut text = String::new();
    html::push_html(&mut text, events);
    text
}

/// Converts a text of the book. Its links lead into the sources, where the page has nothing: only their words are left.
pub(crate) fn book_html(markdown: &str) -> String {
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};
    let mut leads = Vec::new();
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).filter(|event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => {
            leads.push(dest_url.starts_with("https://"));
            leads.last() == Some(&true)
        }
        Event::End(TagEnd::Link) => leads.pop() == Some(true),
        _ => true,
    });
    let mut text = String::new();
    html::push_html(&mut text, events);
    text
}

/// The hash by which a content security policy allows an inline element.
pub(crate) fn sha256_base64(text: &str) -> String {
    STANDARD.encode(digest(&SHA256, text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_agree_with_openssl() {
        // printf abc | openssl dgst -sha256 -binary | base64
        assert_eq!(sha256_base64("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    }

    #[test]
    fn the_title_of_a_text_goes_and_its_headings_move_down() {
        assert_eq!(html("# A\n\n## B\n\ntext\n"), "<h3>B</h3>\n<p>text</p>\n");
    }
}

//! Who took part: an entry for each name, to which every table links, with the text of its chapter.

use dyno_record::header::{ContestantLine, Header};

use crate::charts::{class, escape};
use crate::prose;
use crate::section::Section;

/// A chapter of the book of architectures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChapterText {
    /// The name of the architecture.
    pub name: String,
    /// Its text, in Markdown.
    pub text: String,
}

/// A name that leads to its entry.
pub(crate) fn link(label: &str) -> String {
    link_as(label, label)
}

/// The same under other words, where a table tells the rest of the label beside it.
pub(crate) fn link_as(label: &str, words: &str) -> String {
    format!("<a class=\"who\" href=\"#who-{}\">{}</a>", class(label), escape(words))
}

/// The chapter of a contestant: what a label has behind the name (transport, settings, number) belongs to the run.
fn chapter<'c>(label: &str, chapters: &'c [ChapterText]) -> Option<&'c ChapterText> {
    let name = label.split(['+', '#', ':', ',']).next().unwrap_or(label);
    chapters.iter().find(|chapter| chapter.name == name)
}

/// The part of the page.
pub(crate) fn section(header: &Header, chapters: &[ChapterText]) -> Section {
    let entry = |line: &ContestantLine| {
        let text = chapter(&line.label, chapters).map_or(String::new(), |chapter| {
            format!(
                "<details><summary>The chapter: idea, picture, price, where it breaks</summary><div class=\"chapter\">{}</div></details>",
                prose::book_html(&chapter.text)
            )
        });
        format!(
            "<article id=\"who-{}\"><h3>{} <small class=\"f-{}\">{}</small></h3><p>{}</p>{text}</article>",
            class(&line.label),
            escape(&line.label),
            class(&line.family),
            escape(&line.family),
            escape(&line.idea),
        )
    };
    let body: String = header.contestants.iter().map(entry).collect();
    Section { id: "who", title: "Who took part".into(), body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_name_belongs_to_the_run() {
        let chapters = [ChapterText { name: "epoll".into(), text: String::new() }];
        for label in ["epoll", "epoll#2", "epoll+tls", "epoll:tuned", "epoll, idle"] {
            assert!(chapter(label, &chapters).is_some(), "{label}");
        }
        assert!(chapter("nginx", &chapters).is_none());
        assert_eq!(link("epoll#2"), "<a class=\"who\" href=\"#who-epoll-2\">epoll#2</a>");
    }
}

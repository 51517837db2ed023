//! The book: its chapters as texts, taken from their own sources, so that nothing is written twice.

use crate::architecture::Architecture;
use crate::architectures::ALL;

/// The contents stand in the documentation of this crate.
const CONTENTS: &str = include_str!("lib.rs");

/// What a chapter goes through, in this order; the question has an answer.
pub const HEADINGS: [&str; 7] = ["Idea", "Picture", "Price", "Shines", "Breaks", "Lineage", "Question"];

/// A chapter.
#[derive(Debug, Clone, Copy)]
pub struct Chapter {
    /// Its row.
    pub architecture: &'static Architecture,
    /// Its place, from 1 on.
    pub number: usize,
}

/// A question and its answer, in Markdown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChapterQuestion {
    /// What is asked.
    pub asked: String,
    /// What is right.
    pub answer: String,
}

/// All chapters, in the order in which they are read.
pub fn chapters() -> Vec<Chapter> {
    (1..).zip(ALL).map(|(number, architecture)| Chapter { architecture, number }).collect()
}

/// The glossary, as Markdown.
pub fn glossary() -> String {
    part(CONTENTS, "Glossary").unwrap_or_default()
}

impl Chapter {
    /// The chapter of this name.
    pub fn named(name: &str) -> Option<Chapter> {
        chapters().into_iter().find(|chapter| chapter.architecture.name == name)
    }

    /// What changes from its neighbour, in a line of Markdown.
    pub fn changes(&self) -> String {
        let name = format!("[`{}`]", self.architecture.name);
        let row = CONTENTS
            .lines()
            .filter_map(|line| line.strip_prefix("//! | "))
            .find(|row| row.starts_with(&name));
        let cell = row.and_then(|row| row.split_once(" | ")).map(|(_, cell)| cell.trim_end_matches(" |"));
        cell.unwrap_or_default().to_owned()
    }

    /// The chapter that it is laid beside: the one that the contents compare it with, or else the one before it.
    pub fn neighbour(&self) -> Option<Chapter> {
        let changes = self.changes();
        let words: Vec<&str> =
            changes.split(|letter: char| !letter.is_alphanumeric() && letter != '-').collect();
        let before: Vec<Chapter> =
            chapters().into_iter().filter(|other| other.number < self.number).collect();
        let compared = before.iter().find(|other| words.contains(&other.architecture.name)).copied();
        compared.or_else(|| before.last().copied())
    }

    /// The text under one of the [`HEADINGS`], as Markdown; empty if it has no such heading.
    pub fn part(&self, heading: &str) -> String {
        part(self.architecture.source, heading).unwrap_or_default()
    }

    /// Its question.
    pub fn question(&self) -> Option<ChapterQuestion> {
        let text = self.part("Question");
        let (asked, rest) = text.split_once("<details>")?;
        let answer = rest.split_once("</summary>")?.1.split_once("</details>")?.0;
        Some(ChapterQuestion { asked: asked.trim().into(), answer: answer.trim().into() })
    }

    /// Its code: what follows the documentation, without its tests.
    pub fn code(&self) -> String {
        let lines = self.architecture.source.lines().skip_while(|line| line.starts_with("//!"));
        let code: Vec<&str> = lines.take_while(|line| *line != "#[cfg(test)]").collect();
        code.join("\n").trim().to_owned() + "\n"
    }
}

/// What stands under a heading in the documentation of a file.
fn part(source: &str, heading: &str) -> Option<String> {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let text: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    let first = text.iter().position(|line| line.strip_prefix("# ") == Some(heading))? + 1;
    let last =
        text[first..].iter().position(|line| line.starts_with("# ")).map_or(text.len(), |end| first + end);
    Some(text[first..last].join("\n").trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chapter_has_all_its_parts_a_neighbour_and_a_question() {
        for chapter in chapters() {
            let name = chapter.architecture.name;
            for heading in HEADINGS {
                assert!(!chapter.part(heading).is_empty(), "{name} has no {heading}");
            }
            assert!(chapter.part("Picture").starts_with("```text\n"), "{name}");
            let ChapterQuestion { asked, answer } =
                chapter.question().unwrap_or_else(|| panic!("{name} asks nothing"));
            assert!(
                asked.ends_with('?') && answer.len() > 40 && !answer.contains('<'),
                "{name}: {asked} {answer}"
            );
            assert!(chapter.code().contains("Architecture = Architecture {"), "{name}");
            assert!(!chapter.code().contains("//!") && !chapter.changes().is_empty(), "{name}");
            assert_eq!(chapter.neighbour().is_some(), chapter.number > 1, "{name}");
        }
    }

    #[test]
    fn of_a_link_its_words_are_a_part_of_the_sentence() {
        // The page and the terminal leave the words of a link; alone in parentheses they would say nothing.
        for chapter in chapters() {
            for heading in HEADINGS {
                let text = chapter.part(heading);
                assert!(!text.contains("(["), "{}, {heading}: {text}", chapter.architecture.name);
            }
        }
    }

    #[test]
    fn a_chapter_lies_beside_the_one_that_the_contents_name() {
        let beside = |name| Chapter::named(name).unwrap().neighbour().unwrap().architecture.name;
        assert_eq!(beside("thread-per-connection"), "fork");
        assert_eq!(beside("thread-pool"), "thread-per-connection");
        assert_eq!(beside("coroutines"), "epoll");
        assert!(glossary().contains("| worker |"));
    }
}

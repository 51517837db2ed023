//! A page of a book: text, pictures, tables and differences, with the skeleton of the reports.

mod body;

use askama::Template;

use crate::charts::escape;
use crate::error::ReportError;
use crate::page::{Page, SCRIPT, STYLE};
use crate::prose;
use crate::section::Section;

/// A page.
#[derive(Debug, Clone, Default)]
pub struct BookPage {
    /// Its heading.
    pub title: String,
    /// A line below it.
    pub facts: String,
    /// Heading of the box at the top, and its paragraphs.
    pub opening: (String, Vec<String>),
    /// The parts, in order.
    pub parts: Vec<BookPart>,
    /// Other pages: file and name, such as the one before and the next.
    pub links: Vec<(String, String)>,
    /// Version of the program, and the command that wrote it.
    pub version: String,
    /// The command line.
    pub command: String,
}

/// A part of a page.
#[derive(Debug, Clone)]
pub struct BookPart {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub title: String,
    /// What it holds.
    pub body: PartBody,
}

/// What a part holds.
#[derive(Debug, Clone)]
pub enum PartBody {
    /// Markdown. Links that lead into the sources are left out, and their words stay.
    Text(String),
    /// A question in Markdown, and an answer that shows when it is asked for.
    Question(String, String),
    /// Names and words.
    Facts(Vec<(String, String)>),
    /// Code, folded.
    Code(String),
    /// Lines of a difference, folded.
    Difference(Vec<(DifferenceSide, String)>),
    /// Pages: file, name, and what is said of them, in Markdown.
    Contents(Vec<(String, String, String)>),
}

/// Where a line of a difference stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DifferenceSide {
    /// In both texts.
    Both,
    /// In the first alone.
    First,
    /// In the second alone.
    Second,
}

impl BookPage {
    /// The page as HTML: one file that loads nothing and reads without scripts.
    ///
    /// # Errors
    /// When it cannot be rendered, which would be a fault of this program.
    pub fn html(&self) -> Result<String, ReportError> {
        let links: String = self
            .links
            .iter()
            .map(|(file, name)| format!("<a href=\"{}\">{}</a>", escape(file), escape(name)))
            .collect();
        let mut sections: Vec<Section> = self.parts.iter().map(body::section).collect();
        if let Some(last) = sections.last_mut() {
            last.body += &format!("<nav aria-label=\"Other pages\">{links}</nav>");
        }
        let page = Page {
            title: self.title.clone(),
            facts: self.facts.clone(),
            opening: &self.opening.0,
            style: STYLE,
            style_hash: prose::sha256_base64(STYLE),
            script: SCRIPT,
            script_hash: prose::sha256_base64(SCRIPT),
            answer: String::new(),
            warnings: Vec::new(),
            paragraphs: self.opening.1.clone(),
            sections,
            version: &self.version,
            origin: "from the sources of the chapters",
            command: self.command.clone(),
            data: "{\"cells\":[],\"first\":0}".into(),
        };
        page.render().map_err(ReportError::Page)
    }
}

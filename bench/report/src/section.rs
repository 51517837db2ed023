//! The parts that the page consists of.

/// A part of the page.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub title: String,
    /// HTML.
    pub body: String,
}

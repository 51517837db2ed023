//! The book of architectures: its chapters on the terminal and as pages, from their own texts and rows.

pub(crate) mod difference;
pub(crate) mod facts;
pub(crate) mod markdown;
pub(crate) mod pages;
pub(crate) mod terminal;

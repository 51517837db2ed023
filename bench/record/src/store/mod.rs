//! The records on disk: appended line by line by one program at a time, read back as far as they are whole.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::SCHEMA;
use crate::header::Header;
use crate::measured::Record;

mod bounds;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use read::read;
pub use write::Store;

/// Name of the file within a directory of results.
pub const FILE: &str = "records.jsonl";

/// A line of the file.
#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Line {
    /// What was asked, and on which machine.
    Header(Box<Header>),
    /// A cell that is done.
    Cell(Box<Record>),
}

/// The records of one experiment, in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    /// The first header of the file, with the programs of all: each start that continues the experiment writes one.
    pub header: Header,
    /// All cells, in the order measured.
    pub cells: Vec<Record>,
}

/// Why records cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or its file does not take what is written.
    #[error("cannot write {}: {error}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The directory holds records already.
    #[error("{} holds an experiment already", .0.display())]
    Taken(PathBuf),
    /// Another program writes the file at this moment.
    #[error("another dyno writes {} at this moment", .0.display())]
    Locked(PathBuf),
    /// The file took records before and takes no more.
    #[error("cannot write {}: {error}", path.display())]
    Append {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A record cannot be put into words.
    #[error("cannot encode a record: {0}")]
    Encode(serde_json::Error),
    /// There is no such file.
    #[error("cannot read {}: {error}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file is there and cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The file has no header.
    #[error("{} holds no experiment", .0.display())]
    Empty(PathBuf),
    /// A version of the program with another schema wrote the line.
    #[error("{}:{line}: a record of schema {schema}, this program reads schema {SCHEMA}", path.display())]
    OtherSchema {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the line names as its schema, as JSON.
        schema: String,
    },
    /// A whole line is no record.
    #[error("{}:{line}: not a record: {error}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// A number of a record cannot have been measured, or not been asked for.
    #[error("{}:{line}: {name} cannot be {value}", path.display())]
    Nonsense {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The field, as a path of names.
        name: String,
        /// What it holds.
        value: String,
    },
}

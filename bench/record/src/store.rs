//! The records on disk: appended line by line, and read back as far as the lines are complete.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::SCHEMA;
use crate::header::Header;
use crate::measured::Record;

/// Name of the file within a directory of results.
pub const FILE: &str = "records.jsonl";

/// A line of the file.
#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Line {
    /// The settings of the experiment, and the machine.
    Header(Box<Header>),
    /// A cell that is done.
    Cell(Box<Record>),
}

/// The records of one experiment, in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Records {
    /// The last header of the file: a resumed experiment writes a new one.
    pub header: Header,
    /// All cells, in the order in which they were measured.
    pub cells: Vec<Record>,
}

/// Why records cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The directory or its file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The file accepted records before, and cannot be written any more.
    #[error("cannot write {}: {error}", path.display())]
    Append {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// A record cannot be encoded.
    #[error("cannot encode a record: {0}")]
    Encode(serde_json::Error),
    /// There is no such file.
    #[error("cannot read {}: {error}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The file is there and cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The file has no header.
    #[error("{} holds no experiment", .0.display())]
    Empty(PathBuf),
    /// A later version of the program wrote the file.
    #[error("{}:{line}: records of schema {schema}, this program knows up to {SCHEMA}", path.display())]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The version that the line names.
        schema: u32,
    },
    /// A complete line is no record.
    #[error("{}:{line}: not a record: {error}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
}

/// A file that records are appended to.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    file: File,
}

impl Store {
    /// Opens the file in `directory` for appending and writes the header. A last line that is incomplete, because the
    /// machine or the program died while writing, is removed first.
    ///
    /// # Errors
    /// When the directory cannot be made or the file not be written.
    pub fn open(directory: &Path, header: &Header) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        let failed = |error| StoreError::Open { path: path.clone(), error };
        std::fs::create_dir_all(directory).map_err(failed)?;
        let mut file = OpenOptions::new().create(true).append(true).read(true).open(&path).map_err(failed)?;
        let whole = whole_length(&mut file).map_err(failed)?;
        file.set_len(whole).map_err(failed)?;
        let mut store = Store { path: path.clone(), file };
        store.write(&Line::Header(Box::new(header.clone())))?;
        Ok(store)
    }

    /// Appends a cell; when this returns, a crash of the program no longer loses it.
    ///
    /// # Errors
    /// When the disk is full or fails.
    pub fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        self.write(&Line::Cell(Box::new(record.clone())))
    }

    fn write(&mut self, line: &Line) -> Result<(), StoreError> {
        let mut text = serde_json::to_string(line).map_err(StoreError::Encode)?;
        text.push('\n');
        let written = self.file.write_all(text.as_bytes());
        written.map_err(|error| StoreError::Append { path: self.path.clone(), error })
    }
}

fn whole_length(file: &mut File) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    let (mut whole, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Ok(whole);
        }
        whole += length as u64;
    }
}

/// Reads the records of a directory, or of a file, exactly as they were measured.
///
/// # Errors
/// When there are none, when a complete line is no record, or when the schema is newer than this program.
pub fn read(place: &Path) -> Result<Records, StoreError> {
    let path = if place.is_dir() { place.join(FILE) } else { place.to_path_buf() };
    let file = File::open(&path).map_err(|error| StoreError::Missing { path: path.clone(), error })?;
    let (mut header, mut cells) = (None, BTreeMap::new());
    let lines: Vec<String> = BufReader::new(file)
        .lines()
        .collect::<Result<_, _>>()
        .map_err(|error| StoreError::Unreadable { path: path.clone(), error })?;
    for (number, line) in lines.iter().enumerate() {
        match serde_json::from_str::<Line>(line) {
            Ok(Line::Header(found)) => header = Some(*found),
            Ok(Line::Cell(found)) => {
                cells.insert(found.trial.key(), (number, *found));
            }
            // The last line may be incomplete.
            Err(_) if number + 1 == lines.len() => {}
            Err(error) => return Err(misread(path, number + 1, line, error)),
        }
    }
    let header = header.ok_or(StoreError::Empty(path))?;
    // A cell that was measured twice counts once, as last measured.
    let mut cells: Vec<(usize, Record)> = cells.into_values().collect();
    cells.sort_by_key(|(number, _)| *number);
    Ok(Records { header, cells: cells.into_iter().map(|(_, record)| record).collect() })
}

fn misread(path: PathBuf, line: usize, text: &str, error: serde_json::Error) -> StoreError {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    match serde_json::from_str::<Version>(text) {
        Ok(Version { schema }) if schema > SCHEMA => StoreError::NewerSchema { path, line, schema },
        _ => StoreError::Damaged { path, line, error },
    }
}

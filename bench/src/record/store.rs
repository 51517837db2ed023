//! The records on disk: appended line by line, read back as far as they are whole.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::exit::Failure;
use crate::pace;
use crate::record::SCHEMA;
use crate::record::header::Header;
use crate::record::measured::Record;

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
    /// The last header of the file: a resumed experiment writes a new one.
    pub header: Header,
    /// All cells, in the order measured.
    pub cells: Vec<Record>,
}

/// A file that takes records.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    file: File,
}

impl Store {
    /// Opens the file in `directory` for appending and writes the header. A last line that was cut off (the machine or
    /// the program died while writing) is cut away first.
    ///
    /// # Errors
    /// When the directory cannot be made or the file not be written.
    pub fn open(directory: &Path, header: &Header) -> Result<Self, Failure> {
        let path = directory.join(FILE);
        let failed = |error: std::io::Error| {
            Failure::failed(
                format!("cannot write {}: {error}", path.display()),
                "choose another place with --output DIR",
            )
        };
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
    /// When the disk takes no more.
    pub fn append(&mut self, record: &Record) -> Result<(), Failure> {
        self.write(&Line::Cell(Box::new(record.clone())))
    }

    fn write(&mut self, line: &Line) -> Result<(), Failure> {
        let mut text = serde_json::to_string(line)
            .map_err(|error| Failure::failed(format!("cannot encode a record: {error}"), ""))?;
        text.push('\n');
        self.file.write_all(text.as_bytes()).map_err(|error| {
            Failure::failed(
                format!("cannot write {}: {error}", self.path.display()),
                "make room on the disk, then continue with --resume",
            )
        })
    }
}

fn whole_length(file: &mut File) -> std::io::Result<u64> {
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

/// Reads the records of a directory, or of a file.
///
/// # Errors
/// When there are none, or a whole line is no record, or the schema is newer than this program.
pub fn read(place: &Path) -> Result<Records, Failure> {
    let path = if place.is_dir() { place.join(FILE) } else { place.to_path_buf() };
    let file = File::open(&path).map_err(|error| {
        Failure::usage(
            format!("cannot read {}: {error}", path.display()),
            "name a directory that an experiment has written, such as dyno-results/latest",
        )
    })?;
    let (mut header, mut cells) = (None, BTreeMap::new());
    let lines: Vec<String> = BufReader::new(file)
        .lines()
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::failed(format!("cannot read {}: {error}", path.display()), ""))?;
    for (number, line) in lines.iter().enumerate() {
        match serde_json::from_str::<Line>(line) {
            Ok(Line::Header(found)) => header = Some(*found),
            Ok(Line::Cell(found)) => {
                cells.insert(found.trial.key(), (number, *found));
            }
            Err(_) if number + 1 == lines.len() => {}
            Err(error) => return Err(misread(&path, number + 1, line, &error)),
        }
    }
    let header = header.ok_or_else(|| {
        Failure::usage(
            format!("{} holds no experiment", path.display()),
            "measure again; the file is empty or cut off",
        )
    })?;
    // A cell that was measured twice counts once, as last measured.
    let mut cells: Vec<(usize, Record)> = cells.into_values().collect();
    cells.sort_by_key(|(number, _)| *number);
    let mut cells: Vec<Record> = cells.into_iter().map(|(_, record)| record).collect();
    pace::level(&mut cells);
    Ok(Records { header, cells })
}

fn misread(path: &Path, number: usize, line: &str, error: &serde_json::Error) -> Failure {
    #[derive(Deserialize)]
    struct Version {
        schema: u32,
    }
    match serde_json::from_str::<Version>(line) {
        Ok(Version { schema }) if schema > SCHEMA => Failure::usage(
            format!(
                "{}:{number}: records of schema {schema}, this program knows up to {SCHEMA}",
                path.display()
            ),
            "use the version of dyno that wrote them, or a newer one",
        ),
        _ => Failure::failed(
            format!("{}:{number}: not a record: {error}", path.display()),
            "remove the damaged line; the cell can be measured again with --resume",
        ),
    }
}

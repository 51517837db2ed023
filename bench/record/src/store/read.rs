//! Reads records back: what was measured, as it stands there, and nothing that cannot have been measured.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::bounds::{self, Nonsense};
use super::{FILE, Line, Records, StoreError};
use crate::header::{Header, PROBE_OLDEST};
use crate::{SCHEMA, SCHEMA_OLDEST};

/// Reads the records of a directory, or of a file. Blank lines are passed over, and so is a last line that ends
/// without its end of line and is no record: the program or the machine died while writing it.
///
/// # Errors
/// When there are none, a whole line is no record, its schema is another one, or one of its numbers makes no sense.
pub fn read(place: &Path) -> Result<Records, StoreError> {
    let path = if place.is_dir() { place.join(FILE) } else { place.to_path_buf() };
    // Octets and not text: one line that is no text does not make the others unreadable.
    let octets = std::fs::read(&path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => StoreError::Missing { path: path.clone(), error },
        _ => StoreError::Unreadable { path: path.clone(), error },
    })?;
    let (mut header, mut cells) = (None, BTreeMap::new());
    let lines: Vec<&[u8]> = octets.split(|octet| *octet == b'\n').collect();
    for (number, octets) in lines.iter().enumerate() {
        if octets.trim_ascii().is_empty() {
            continue;
        }
        let is_cut_off = number + 1 == lines.len() && serde_json::from_slice::<Value>(octets).is_err();
        if is_cut_off {
            continue;
        }
        match line(&path, number + 1, octets)? {
            Line::Header(found) => join(&mut header, with_probe(*found)),
            Line::Cell(found) => {
                cells.insert(found.trial.key(), (number, *found));
            }
        }
    }
    let header = header.ok_or(StoreError::Empty(path))?;
    // A cell that was measured twice counts once, as last measured.
    let mut cells: Vec<_> = cells.into_values().collect();
    cells.sort_by_key(|(number, _)| *number);
    Ok(Records { header, cells: cells.into_iter().map(|(_, record)| record).collect() })
}

/// Names the kind of probe of a header that is older than its name.
fn with_probe(mut header: Header) -> Header {
    if header.environment.probes.is_empty() {
        header.environment.probes.push(PROBE_OLDEST);
    }
    header
}

/// What was asked for stands in the first header; one that follows adds the program that continued it, and its probe.
fn join(header: &mut Option<Header>, found: Header) {
    let Some(first) = header else {
        *header = Some(found);
        return;
    };
    for program in found.environment.programs {
        if !first.environment.programs.contains(&program) {
            first.environment.programs.push(program);
        }
    }
    for probe in found.environment.probes {
        if !first.environment.probes.contains(&probe) {
            first.environment.probes.push(probe);
        }
    }
}

fn line(path: &Path, line: usize, octets: &[u8]) -> Result<Line, StoreError> {
    let damaged = |error| StoreError::Damaged { path: path.to_path_buf(), line, error };
    let value: Value = serde_json::from_slice(octets).map_err(damaged)?;
    // First of all: what follows means something else in another schema.
    let is_read = |schema: &Value| (SCHEMA_OLDEST..=SCHEMA).any(|known| *schema == known);
    if let Some(schema) = value.get("schema").filter(|schema| !is_read(schema)) {
        return Err(StoreError::OtherSchema { path: path.to_path_buf(), line, schema: schema.to_string() });
    }
    bounds::of_numbers(&value).map_err(|nonsense| refused(path, line, nonsense))?;
    let found = Line::deserialize(value).map_err(damaged)?;
    bounds::of_line(&found).map_err(|nonsense| refused(path, line, nonsense))?;
    Ok(found)
}

fn refused(path: &Path, line: usize, nonsense: Nonsense) -> StoreError {
    let Nonsense { name, value } = nonsense;
    StoreError::Nonsense { path: PathBuf::from(path), line, name, value }
}

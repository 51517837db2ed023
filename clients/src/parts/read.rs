//! Reading the file of a part: what is none, or what nobody can have measured, is refused with its place.

use serde::Deserialize;

use crate::limits::{PARTS_MAX, THREADS_MAX};
use crate::parts::{LoadPart, PART_SCHEMA};

/// Numbers of a file are below this: 2^52, so that the sum of all parts of a load does not pass 64 bits.
const NUMBER_MAX: u64 = 1 << 52;

/// Why a text is no part of a load.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// It is no JSON, or not all of it.
    #[error("line {line}, column {column}: {reason}")]
    Broken {
        /// The line, from 1 on.
        line: usize,
        /// The column in it.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// It is JSON, and no part.
    #[error("it is no part of a load: it has no part_schema")]
    NoPart,
    /// Another version of the program has written it.
    #[error("it has part schema {0}, and this program reads {PART_SCHEMA}")]
    Schema(u64),
    /// It says what nobody can have measured.
    #[error("nobody can have measured this: {0}")]
    Impossible(&'static str),
}

impl From<serde_json::Error> for PartError {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let whole = error.to_string();
        let reason = whole.split(" at line ").next().unwrap_or_default().to_owned();
        PartError::Broken { line, column, reason }
    }
}

#[derive(Deserialize)]
struct Version {
    part_schema: Option<u64>,
}

/// Reads the file of a part.
///
/// # Errors
/// Where it is broken, which version it has, or what in it cannot be.
pub fn read(text: &str) -> Result<LoadPart, PartError> {
    let version: Version = serde_json::from_str(text)?;
    match version.part_schema {
        Some(version) if version == u64::from(PART_SCHEMA) => {}
        Some(other) => return Err(PartError::Schema(other)),
        None => return Err(PartError::NoPart),
    }
    let part: LoadPart = serde_json::from_str(text)?;
    check(&part).map_err(PartError::Impossible)?;
    Ok(part)
}

fn check(part: &LoadPart) -> Result<(), &'static str> {
    let (plan, measured) = (&part.terms.plan, &part.measured);
    let share = part.terms.share();
    if share.number == 0 || share.number > share.of || share.of > PARTS_MAX {
        return Err("its number is none of those that the load has");
    }
    if plan.threads == 0 || u64::from(plan.threads) > THREADS_MAX {
        return Err("it has no thread, or more than a generator starts");
    }
    if measured.meters.len() > plan.threads as usize || measured.hosts != 1 {
        return Err("it is more than one part");
    }
    let counts = &measured.tally.counts;
    let numbers = [
        part.start_unix_ns / 1_000,
        plan.warmup_ns,
        plan.duration_ns.unwrap_or(0),
        measured.window_ns,
        measured.ended_ns,
        measured.throttled_periods,
        counts.intended,
        counts.sent,
        counts.completed,
        counts.failed,
        counts.completed_in_window,
        counts.received_octets,
        counts.sent_octets,
        counts.waited,
        counts.backlog_max,
        measured.connections.planned,
        measured.connections.opened,
        measured.connections.open_max,
        measured.connections.open_at_end,
        measured.connections.failed,
        measured.connections.resumed,
        measured.connections.handshake_octets,
    ];
    if numbers.iter().any(|&number| number > NUMBER_MAX) {
        return Err("a number in it is larger than a load makes");
    }
    let (from_ns, to_ns) = measured.tally.window();
    if from_ns != plan.warmup_ns || to_ns != part.terms.end_ns().unwrap_or(u64::MAX) {
        return Err("its window is not that of its plan");
    }
    if measured.window_ns > measured.ended_ns.max(to_ns) {
        return Err("its window is longer than the run");
    }
    measured.tally.check()
}

//! The HDR histogram log (version 1.3), as HdrHistogram's own tools read it: one tagged line for each part of the
//! latency.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::books::histogram::{HistogramError, decode};
use crate::outcome::Outcome;

/// Why a log cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Its head cannot be written.
    #[error("{0}")]
    Begin(io::Error),
    /// A histogram of the outcome cannot be read.
    #[error("{name}: {error}")]
    Histogram {
        /// Which part of the latency.
        name: &'static str,
        /// What is wrong with it.
        error: HistogramError,
    },
    /// A histogram cannot be written.
    #[error("{name}: {error}")]
    Write {
        /// Which part of the latency.
        name: &'static str,
        /// What the library says.
        error: String,
    },
}

/// The log as text. Values are ns; the column `Interval_Max` is in milliseconds, as the format wants it.
///
/// # Errors
/// Says which histogram cannot be read.
///
/// # Panics
/// Never: what is written is text.
pub fn log(outcome: &Outcome) -> Result<String, LogError> {
    let mut octets = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let started: SystemTime = UNIX_EPOCH + Duration::from_millis(outcome.started_unix_ms);
    let mut builder = IntervalLogWriterBuilder::new();
    builder
        .with_max_value_divisor(1e6)
        .with_start_time(started)
        .add_comment("written by dyno; values in ns; intervals leave out the warm-up");
    let mut writer = builder.begin_log_with(&mut octets, &mut serializer).map_err(LogError::Begin)?;
    let start = Duration::from_nanos(outcome.plan.warmup_ns);
    let length = Duration::from_nanos(outcome.window_ns);
    for (name, distribution) in super::parts(&outcome.latency) {
        let histogram =
            decode(&distribution.hdr_v2_base64).map_err(|error| LogError::Histogram { name, error })?;
        writer
            .write_histogram(&histogram, start, length, Tag::new(name))
            .map_err(|error| LogError::Write { name, error: format!("{error:?}") })?;
    }
    Ok(String::from_utf8(octets).expect("a log is text"))
}

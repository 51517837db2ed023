//! The HDR histogram log (version 1.3), as HdrHistogram's own tools read it: one tagged line for each part of the
//! latency.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::books::histogram::decode;
use crate::outcome::Outcome;

/// The log as text. Values are ns; the column `Interval_Max` is in milliseconds, as the format wants it.
///
/// # Errors
/// Says which histogram cannot be read.
pub fn log(outcome: &Outcome) -> Result<String, String> {
    let mut octets = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let started: SystemTime = UNIX_EPOCH + Duration::from_millis(outcome.started_unix_ms);
    let mut builder = IntervalLogWriterBuilder::new();
    builder
        .with_max_value_divisor(1e6)
        .with_start_time(started)
        .add_comment("written by dyno; values in ns; intervals leave out the warm-up");
    let mut writer = builder.begin_log_with(&mut octets, &mut serializer).map_err(|e| e.to_string())?;
    let start = Duration::from_nanos(outcome.plan.warmup_ns);
    let length = Duration::from_nanos(outcome.window_ns);
    for (name, distribution) in super::parts(&outcome.latency) {
        let histogram = decode(&distribution.hdr_v2_base64).map_err(|e| format!("{name}: {e}"))?;
        writer
            .write_histogram(&histogram, start, length, Tag::new(name))
            .map_err(|e| format!("{name}: {e:?}"))?;
    }
    String::from_utf8(octets).map_err(|e| e.to_string())
}

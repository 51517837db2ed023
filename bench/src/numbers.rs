//! Numbers on the command line within what makes sense, the same for all commands.
//!
//! A reader says only what is wrong with the value: clap puts the option's name in front.

use dyno_clients::limits::{CONNECTIONS_MAX, THREADS_MAX};
use dyno_clients::plan::error::PlanError;
use dyno_clients::plan::profile;
use dyno_units::read::{self, ReadError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::limits::{LONGEST_PAUSE_NS, LONGEST_RUN_NS, MOST_REQUESTS, RATE_PER_S_MAX};

/// Why a number is none for its option.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum NumberError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// It is no rate, no ramp and no steps.
    #[error("{0}")]
    Profile(String),
    /// It is less than one.
    #[error("'{0}' is not at least 1")]
    None(String),
    /// It is more than the generator does.
    #[error("'{text}' is more than {most}")]
    TooMany {
        /// What was written.
        text: String,
        /// The most that makes sense.
        most: u64,
    },
    /// It is zero where something must take time.
    #[error("'{0}' is no time at all")]
    NoTime(String),
    /// It is longer than anybody waits.
    #[error("'{text}' is longer than {most}")]
    TooLong {
        /// What was written.
        text: String,
        /// The longest time that makes sense.
        most: &'static str,
    },
    /// It is no time of a day with its zone.
    #[error("a time is such as 2026-11-26T18:00:00Z, or seconds since 1970")]
    NoInstant,
    /// It is a rate that no machine sends.
    #[error("'{0}' is more than 1G requests a second")]
    TooFast(String),
}

impl From<time::error::Parse> for NumberError {
    fn from(_: time::error::Parse) -> Self {
        NumberError::NoInstant
    }
}

impl From<PlanError> for NumberError {
    fn from(error: PlanError) -> Self {
        NumberError::Profile(error.to_string())
    }
}

/// A count from 1 to `most`.
fn count(text: &str, most: u64) -> Result<u64, NumberError> {
    match read::count(text)? {
        0 => Err(NumberError::None(text.into())),
        number if number > most => Err(NumberError::TooMany { text: text.into(), most }),
        number => Ok(number),
    }
}

/// Reads a number of connections of one run.
pub(crate) fn connections(text: &str) -> Result<u32, NumberError> {
    count(text, CONNECTIONS_MAX).map(|number| number as u32)
}

/// Reads a number of threads of one run.
pub(crate) fn threads(text: &str) -> Result<u32, NumberError> {
    count(text, THREADS_MAX).map(|number| number as u32)
}

/// Reads a number of requests.
pub(crate) fn requests(text: &str) -> Result<u64, NumberError> {
    count(text, MOST_REQUESTS)
}

/// Reads a time, ns since 1970-01-01 UTC: as RFC 3339 writes it, or as seconds since then.
pub(crate) fn instant_ns(text: &str) -> Result<u64, NumberError> {
    let trimmed = text.trim();
    let seconds = trimmed.strip_prefix('@').unwrap_or(trimmed);
    let ns = if seconds.chars().all(|one| one.is_ascii_digit() || one == '.') {
        let (whole, part) = seconds.split_once('.').unwrap_or((seconds, ""));
        // Through a binary fraction a time of today would lose its last hundreds of nanoseconds.
        let part = format!("{part:0<9}");
        let digits = |text: &str| text.parse::<u64>().map_err(|_| NumberError::NoInstant);
        // Who gives milliseconds is told that this is far ahead.
        digits(whole)?.saturating_mul(1_000_000_000).saturating_add(digits(&part[..9])?)
    } else {
        let written = trimmed.replacen(' ', "T", 1);
        let moment = OffsetDateTime::parse(&written, &Rfc3339)?;
        u64::try_from(moment.unix_timestamp_nanos()).map_err(|_| NumberError::NoInstant)?
    };
    Ok(ns)
}

fn at_most(ns: u64, text: &str, most_ns: u64, most: &'static str) -> Result<u64, NumberError> {
    if ns > most_ns { Err(NumberError::TooLong { text: text.into(), most }) } else { Ok(ns) }
}

/// Reads the length of a run in nanoseconds: some time.
pub(crate) fn run_ns(text: &str) -> Result<u64, NumberError> {
    match read::duration_ns(text)? {
        0 => Err(NumberError::NoTime(text.into())),
        ns => at_most(ns, text, LONGEST_RUN_NS, "720h"),
    }
}

/// Reads a pause or a warm-up in nanoseconds, which may be none.
pub(crate) fn pause_ns(text: &str) -> Result<u64, NumberError> {
    at_most(read::duration_ns(text)?, text, LONGEST_PAUSE_NS, "1h")
}

/// Reads a limit on a time in nanoseconds: some time.
pub(crate) fn limit_ns(text: &str) -> Result<u64, NumberError> {
    match pause_ns(text)? {
        0 => Err(NumberError::NoTime(text.into())),
        ns => Ok(ns),
    }
}

/// Reads a rate a second.
pub(crate) fn rate_per_s(text: &str) -> Result<f64, NumberError> {
    let rate = read::rate(text)?;
    if rate > RATE_PER_S_MAX { Err(NumberError::TooFast(text.into())) } else { Ok(rate) }
}

/// Makes sure that a text is a rate, a ramp or steps, which cannot be laid out before the length of the run is known.
pub(crate) fn profile(text: &str) -> Result<String, NumberError> {
    let stretches = profile::parse(text, LONGEST_RUN_NS)?;
    let fastest =
        stretches.iter().map(|stretch| stretch.from_per_s.max(stretch.to_per_s)).fold(0.0, f64::max);
    if fastest > RATE_PER_S_MAX {
        return Err(NumberError::TooFast(text.into()));
    }
    let length_ns = stretches.iter().map(|stretch| stretch.length_ns).max().unwrap_or_default();
    at_most(length_ns, text, LONGEST_RUN_NS, "720h")?;
    Ok(text.to_string())
}

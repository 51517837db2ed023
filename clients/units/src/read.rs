//! Numbers with suffixes and units, as users write them.
//!
//! | what | written as | read as |
//! |---|---|---|
//! | count | `500`, `10k`, `1.5M`, `2G`, `1e4` | decimal multiples |
//! | rate | `500`, `10k`, `10k/s` | per second |
//! | duration | `250ns`, `5us`, `5ms`, `10s`, `1m30s`, `2h` | nanoseconds; a bare number is of seconds |
//! | size | `512`, `64k`, `64KiB`, `2GiB`, `10MB` | bytes; `k`, `kB` are 1,000, `KiB` is 1,024 |
//! | share | `0.1%`, `0.001` | between 0 and 1 |
//! | cores | `0`, `0-3`, `0,2-4` | their numbers, each once, rising |

/// What is wrong with a number that a user has written, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// It has no digits in front.
    #[error("'{0}' does not begin with a number")]
    NoNumber(String),
    /// A part of one thing makes no sense here.
    #[error("'{0}' is not a whole number")]
    NotWhole(String),
    /// It is larger than can be counted.
    #[error("'{0}' is too large")]
    TooLarge(String),
    /// What follows the number is no suffix of a count.
    #[error("'{0}': a count ends in k, M, G or nothing, such as 10k")]
    CountSuffix(String),
    /// What follows the number is no suffix of a rate.
    #[error("'{0}': a rate is a number per second with k, M or nothing, such as 10k")]
    RateSuffix(String),
    /// Nothing would ever be sent.
    #[error("'{0}': a rate is above zero")]
    RateZero(String),
    /// Nothing was written.
    #[error("a duration is a number with a unit, such as 5ms")]
    NoDuration,
    /// A number alone is no duration.
    #[error("'{0}' needs a unit: ns, us, ms, s, m or h, such as {0}s")]
    NoUnit(String),
    /// The unit is no unit of time.
    #[error("'{text}': '{unit}' is no unit of time; use ns, us, ms, s, m or h")]
    TimeUnit {
        /// What was written.
        text: String,
        /// What stands in it for a unit.
        unit: String,
    },
    /// It is longer than can be counted in nanoseconds.
    #[error("'{0}' is too long")]
    TooLong(String),
    /// What follows the number is no unit of size.
    #[error("'{0}': a size ends in B, kB, MB, GB, KiB, MiB or GiB, such as 64KiB")]
    SizeUnit(String),
    /// What follows the number is no percent sign.
    #[error("'{0}': a share is written 0.1% or 0.001")]
    ShareSuffix(String),
    /// It is more than all.
    #[error("'{0}' is more than 100 %")]
    ShareAboveOne(String),
    /// It is no list of cores.
    #[error("'{0}' is no list of cores; write 0 or 0-3 or 0,2")]
    Cores(String),
    /// A range of cores ends before it begins.
    #[error("'{0}' runs backwards")]
    CoresBackwards(String),
}

impl From<ReadError> for String {
    fn from(error: ReadError) -> Self {
        error.to_string()
    }
}

/// Splits `text` into its leading decimal number and the rest.
fn number(text: &str) -> Result<(f64, &str), ReadError> {
    let plain =
        |text: &str| text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let mut end = plain(text);
    if let Some(exponent) = text[end..].strip_prefix(['e', 'E']) {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if end > 0 && digits.starts_with(|c: char| c.is_ascii_digit()) {
            let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
            end = text.len() - digits.len() + length;
        }
    }
    let digits = text[..end].replace('_', "");
    let value: f64 = digits.parse().map_err(|_| ReadError::NoNumber(text.into()))?;
    if !value.is_finite() {
        return Err(ReadError::TooLarge(text.into()));
    }
    Ok((value, text[end..].trim_start()))
}

fn whole(value: f64, text: &str) -> Result<u64, ReadError> {
    let rounded = value.round();
    if (value - rounded).abs() > 1e-6 * value.abs().max(1.0) {
        return Err(ReadError::NotWhole(text.into()));
    }
    if rounded > 9e15 {
        return Err(ReadError::TooLarge(text.into()));
    }
    Ok(rounded as u64)
}

fn decimal_multiple(suffix: &str) -> Option<f64> {
    match suffix {
        "" => Some(1.0),
        "k" | "K" => Some(1e3),
        "M" | "m" => Some(1e6),
        "G" | "g" => Some(1e9),
        _ => None,
    }
}

/// Reads a count such as `10k`.
///
/// # Errors
/// Says what is wrong and what would be right.
pub fn count(text: &str) -> Result<u64, ReadError> {
    let (value, suffix) = number(text.trim())?;
    let multiple = decimal_multiple(suffix).ok_or_else(|| ReadError::CountSuffix(text.into()))?;
    whole(value * multiple, text)
}

/// Reads a rate per second such as `10k` or `10k/s`.
///
/// # Errors
/// Says what is wrong and what would be right; a rate of zero is refused.
pub fn rate(text: &str) -> Result<f64, ReadError> {
    let trimmed = text.trim();
    let (value, suffix) = number(trimmed.strip_suffix("/s").unwrap_or(trimmed))?;
    let multiple = decimal_multiple(suffix.trim_end()).ok_or_else(|| ReadError::RateSuffix(text.into()))?;
    if value * multiple <= 0.0 {
        return Err(ReadError::RateZero(text.into()));
    }
    Ok(value * multiple)
}

/// Reads a duration such as `5ms` or `1m30s` into nanoseconds.
///
/// # Errors
/// Says what is wrong and what would be right. A number alone is of seconds; one beside others needs its unit.
pub fn duration_ns(text: &str) -> Result<u64, ReadError> {
    let mut rest = text.trim();
    let mut sum = 0.0;
    if rest.is_empty() {
        return Err(ReadError::NoDuration);
    }
    while !rest.is_empty() {
        let (value, tail) = number(rest)?;
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let factor = match tail[..end].trim() {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" | "min" => 60e9,
            "h" => 3600e9,
            "" if sum == 0.0 && tail.is_empty() => 1e9,
            "" => return Err(ReadError::NoUnit(text.into())),
            unit => return Err(ReadError::TimeUnit { text: text.into(), unit: unit.into() }),
        };
        sum += value * factor;
        rest = tail[end..].trim_start();
    }
    if sum > 1e18 {
        return Err(ReadError::TooLong(text.into()));
    }
    Ok(sum.round() as u64)
}

/// Reads a size such as `2GiB` into bytes.
///
/// # Errors
/// Says what is wrong and what would be right.
pub fn size_bytes(text: &str) -> Result<u64, ReadError> {
    let (value, suffix) = number(text.trim())?;
    let multiple = match suffix {
        "" | "B" => 1.0,
        "k" | "K" | "kB" | "KB" => 1e3,
        "M" | "MB" => 1e6,
        "G" | "GB" => 1e9,
        "Ki" | "KiB" => 1024.0,
        "Mi" | "MiB" => 1024.0 * 1024.0,
        "Gi" | "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(ReadError::SizeUnit(text.into())),
    };
    whole(value * multiple, text)
}

/// Reads a share such as `0.1%` or `0.001`.
///
/// # Errors
/// Says what is wrong; the share must lie between 0 and 1.
pub fn share(text: &str) -> Result<f64, ReadError> {
    let trimmed = text.trim();
    let (value, suffix) = number(trimmed)?;
    let share = match suffix {
        "" => value,
        "%" => value / 100.0,
        _ => return Err(ReadError::ShareSuffix(text.into())),
    };
    if share > 1.0 {
        return Err(ReadError::ShareAboveOne(text.into()));
    }
    Ok(share)
}

/// Reads a list of cores such as `0,2-4`.
///
/// # Errors
/// Says what is wrong.
pub fn cores(text: &str) -> Result<Vec<usize>, ReadError> {
    // A range can be written that has more members than memory; no machine has so many cores.
    const MOST_CORES: usize = 1 << 16;
    let number = |part: &str| part.trim().parse::<usize>().map_err(|_| ReadError::Cores(text.into()));
    let mut cores = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(ReadError::CoresBackwards(part.into()));
        }
        cores.extend((first..=last).take(MOST_CORES));
    }
    cores.sort_unstable();
    cores.dedup();
    Ok(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_rates_sizes_and_shares_are_read() {
        let counts = [("0", 0), ("500", 500), ("10k", 10_000), ("1.5M", 1_500_000), ("2G", 2_000_000_000)];
        for (text, value) in counts {
            assert_eq!(count(text), Ok(value), "{text}");
        }
        for (text, value) in [("500", 500.0), ("10k/s", 10_000.0), ("0.5", 0.5), ("2.5k", 2_500.0)] {
            assert_eq!(rate(text), Ok(value), "{text}");
        }
        let sizes =
            [("512", 512), ("64k", 64_000), ("64KiB", 65_536), ("2GiB", 2 << 30), ("10MB", 10_000_000)];
        for (text, value) in sizes {
            assert_eq!(size_bytes(text), Ok(value), "{text}");
        }
        assert_eq!(share("0.1%"), Ok(0.001));
        assert_eq!(share("0.25"), Ok(0.25));
    }

    #[test]
    fn durations_are_read() {
        let table = [
            ("0", 0),
            ("250ns", 250),
            ("5us", 5_000),
            ("5µs", 5_000),
            ("5ms", 5_000_000),
            ("1.5s", 1_500_000_000),
            ("1m30s", 90_000_000_000),
            ("2h", 7_200_000_000_000),
        ];
        for (text, value) in table {
            assert_eq!(duration_ns(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_advice() {
        for text in ["", "k", "-1", "10x", "1.0001", "1e400", "99999999999G"] {
            assert!(count(text).is_err(), "{text}");
        }
        for (text, ns) in
            [("10", 10e9), ("0", 0.0), ("0.5", 0.5e9), ("1e3", 1e12), ("1e-3", 1e6), ("2e2ms", 2e8)]
        {
            assert_eq!(duration_ns(text), Ok(ns as u64), "{text}");
        }
        assert!(duration_ns("1m30").unwrap_err().to_string().contains("needs a unit"));
        assert_eq!((rate("1e4"), rate("2.5E3/s"), count("1e6")), (Ok(1e4), Ok(2.5e3), Ok(1_000_000)));
        assert!(
            rate("1e400").is_err() && rate("1e").is_err() && rate("e4").is_err() && count("1e-1").is_err()
        );
        assert!(duration_ns("10parsec").unwrap_err().to_string().contains("parsec"));
        assert!(rate("0").is_err());
        assert!(size_bytes("3 apples").is_err());
        assert!(share("101%").is_err());
    }

    #[test]
    fn cores_are_read_each_once() {
        assert_eq!(cores("0"), Ok(vec![0]));
        assert_eq!(cores("4,0-2, 1"), Ok(vec![0, 1, 2, 4]));
        for text in ["", "a", "1-", "0,,1"] {
            assert_eq!(cores(text), Err(ReadError::Cores(text.into())));
        }
        assert_eq!(cores("3-1"), Err(ReadError::CoresBackwards("3-1".into())));
    }
}

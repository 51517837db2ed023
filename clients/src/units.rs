//! Numbers with suffixes and units: read from users, shown to users.
//!
//! | what | written as | read as |
//! |---|---|---|
//! | count | `500`, `10k`, `1.5M`, `2G` | decimal multiples |
//! | rate | `500`, `10k`, `10k/s` | per second |
//! | duration | `250ns`, `5us`, `5ms`, `10s`, `1m30s`, `2h` | nanoseconds; a bare number is refused |
//! | size | `512`, `64k`, `64KiB`, `2GiB`, `10MB` | octets; `k`, `kB` are 1,000, `KiB` is 1,024 |
//! | share | `0.1%`, `0.001` | between 0 and 1 |

/// Splits `text` into its leading decimal number and the rest.
fn number(text: &str) -> Result<(f64, &str), String> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_')).unwrap_or(text.len());
    let digits = text[..end].replace('_', "");
    let value: f64 = digits.parse().map_err(|_| format!("'{text}' does not begin with a number"))?;
    Ok((value, text[end..].trim_start()))
}

fn whole(value: f64, text: &str) -> Result<u64, String> {
    let rounded = value.round();
    if (value - rounded).abs() > 1e-6 * value.abs().max(1.0) {
        return Err(format!("'{text}' is not a whole number"));
    }
    if rounded > 9e15 {
        return Err(format!("'{text}' is too large"));
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
pub fn parse_count(text: &str) -> Result<u64, String> {
    let (value, suffix) = number(text.trim())?;
    let multiple = decimal_multiple(suffix)
        .ok_or(format!("'{text}': a count ends in k, M, G or nothing, such as 10k"))?;
    whole(value * multiple, text)
}

/// Reads a rate per second such as `10k` or `10k/s`.
///
/// # Errors
/// Says what is wrong and what would be right; a rate of zero is refused.
pub fn parse_rate(text: &str) -> Result<f64, String> {
    let trimmed = text.trim();
    let (value, suffix) = number(trimmed.strip_suffix("/s").unwrap_or(trimmed))?;
    let multiple = decimal_multiple(suffix.trim_end())
        .ok_or(format!("'{text}': a rate is a number per second with k, M or nothing, such as 10k"))?;
    if value * multiple <= 0.0 {
        return Err(format!("'{text}': a rate is above zero"));
    }
    Ok(value * multiple)
}

/// Reads a duration such as `5ms` or `1m30s` into nanoseconds.
///
/// # Errors
/// Says what is wrong and what would be right; a number without a unit is refused, except `0`.
pub fn parse_duration_ns(text: &str) -> Result<u64, String> {
    let mut rest = text.trim();
    if rest == "0" {
        return Ok(0);
    }
    let mut sum = 0.0;
    if rest.is_empty() {
        return Err("a duration is a number with a unit, such as 5ms".into());
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
            "" => return Err(format!("'{text}' needs a unit: ns, us, ms, s, m or h, such as {text}s")),
            unit => return Err(format!("'{text}': '{unit}' is no unit of time; use ns, us, ms, s, m or h")),
        };
        sum += value * factor;
        rest = tail[end..].trim_start();
    }
    if sum > 1e18 {
        return Err(format!("'{text}' is too long"));
    }
    Ok(sum.round() as u64)
}

/// Reads a size such as `2GiB` into octets.
///
/// # Errors
/// Says what is wrong and what would be right.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let (value, suffix) = number(text.trim())?;
    let multiple = match suffix {
        "" | "B" => 1.0,
        "k" | "K" | "kB" | "KB" => 1e3,
        "M" | "MB" => 1e6,
        "G" | "GB" => 1e9,
        "Ki" | "KiB" => 1024.0,
        "Mi" | "MiB" => 1024.0 * 1024.0,
        "Gi" | "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return Err(format!("'{text}': a size ends in B, kB, MB, GB, KiB, MiB or GiB, such as 64KiB")),
    };
    whole(value * multiple, text)
}

/// Reads a share such as `0.1%` or `0.001`.
///
/// # Errors
/// Says what is wrong; the share must lie between 0 and 1.
pub fn parse_share(text: &str) -> Result<f64, String> {
    let trimmed = text.trim();
    let (value, suffix) = number(trimmed)?;
    let share = match suffix {
        "" => value,
        "%" => value / 100.0,
        _ => return Err(format!("'{text}': a share is written 0.1% or 0.001")),
    };
    if share > 1.0 {
        return Err(format!("'{text}' is more than 100 %"));
    }
    Ok(share)
}

/// Three significant digits, without an exponent.
fn three_digits(value: f64) -> String {
    // 99.95 and 9.995 already round up to one more digit before the point.
    match value.abs() {
        v if v >= 99.95 => format!("{value:.0}"),
        v if v >= 9.995 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A duration with three significant digits and its unit: `4.56 ms`.
pub fn show_ns(ns: f64) -> String {
    match ns.abs() {
        v if v < 999.5 => format!("{ns:.0} ns"),
        v if v < 999.5e3 => format!("{} µs", three_digits(ns / 1e3)),
        v if v < 999.5e6 => format!("{} ms", three_digits(ns / 1e6)),
        v if v < 120e9 => format!("{} s", three_digits(ns / 1e9)),
        v if v < 7200e9 => format!("{} min", three_digits(ns / 60e9)),
        _ => format!("{} h", three_digits(ns / 3600e9)),
    }
}

/// A whole number with its thousands set apart: `12,345`.
pub fn show_count(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A rate per second: whole above 100, else with three significant digits.
pub fn show_rate(per_s: f64) -> String {
    if per_s >= 99.95 { show_count(per_s.round() as u64) } else { three_digits(per_s) }
}

/// A size in octets with three significant digits and its binary unit: `1.50 MiB`.
pub fn show_size(octets: f64) -> String {
    match octets.abs() {
        v if v < 1024.0 => format!("{octets:.0} B"),
        v if v < 1024.0 * 1024.0 => format!("{} KiB", three_digits(octets / 1024.0)),
        v if v < 1024.0 * 1024.0 * 1024.0 => format!("{} MiB", three_digits(octets / 1024.0 / 1024.0)),
        _ => format!("{} GiB", three_digits(octets / 1024.0 / 1024.0 / 1024.0)),
    }
}

/// A share as a percentage with three significant digits: `12.3 %`.
pub fn show_share(share: f64) -> String {
    format!("{} %", three_digits(share * 100.0))
}

/// A quantile as engineers write it: 0.999 is `p99.9`.
pub fn show_quantile(quantile: f64) -> String {
    format!("p{}", (quantile * 1e9).round() / 1e7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_rates_sizes_and_shares_are_read() {
        let counts = [("0", 0), ("500", 500), ("10k", 10_000), ("1.5M", 1_500_000), ("2G", 2_000_000_000)];
        for (text, value) in counts {
            assert_eq!(parse_count(text), Ok(value), "{text}");
        }
        for (text, value) in [("500", 500.0), ("10k/s", 10_000.0), ("0.5", 0.5), ("2.5k", 2_500.0)] {
            assert_eq!(parse_rate(text), Ok(value), "{text}");
        }
        let sizes =
            [("512", 512), ("64k", 64_000), ("64KiB", 65_536), ("2GiB", 2 << 30), ("10MB", 10_000_000)];
        for (text, value) in sizes {
            assert_eq!(parse_size(text), Ok(value), "{text}");
        }
        assert_eq!(parse_share("0.1%"), Ok(0.001));
        assert_eq!(parse_share("0.25"), Ok(0.25));
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
            assert_eq!(parse_duration_ns(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_advice() {
        for text in ["", "k", "-1", "10x", "1.0001", "1e400", "99999999999G"] {
            assert!(parse_count(text).is_err(), "{text}");
        }
        assert!(parse_duration_ns("10").unwrap_err().contains("needs a unit"));
        assert!(parse_duration_ns("10parsec").unwrap_err().contains("parsec"));
        assert!(parse_rate("0").is_err());
        assert!(parse_size("3 apples").is_err());
        assert!(parse_share("101%").is_err());
    }

    #[test]
    fn values_are_shown_with_three_digits() {
        let table = [
            (0.0, "0 ns"),
            (999.0, "999 ns"),
            (1_234.0, "1.23 µs"),
            (99_960.0, "100 µs"),
            (4_560_000.0, "4.56 ms"),
        ];
        for (ns, text) in table {
            assert_eq!(show_ns(ns), text);
        }
        assert_eq!(show_ns(1.5e9), "1.50 s");
        assert_eq!(show_count(1_234_567), "1,234,567");
        assert_eq!(show_count(12), "12");
        assert_eq!(show_rate(12_345.6), "12,346");
        assert_eq!(show_rate(1.5), "1.50");
        assert_eq!(show_size(1536.0), "1.50 KiB");
        assert_eq!(show_share(0.123), "12.3 %");
        assert_eq!(show_quantile(0.999), "p99.9");
        assert_eq!(show_quantile(0.5), "p50");
    }
}

//! Figures for people: three significant digits and a unit.

/// A rate or a count with three significant digits: `12.3 k`, `987`.
pub fn rate(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => "-".to_string(),
        size if size >= 999_500_000.0 => format!("{} G", three(value / 1e9)),
        size if size >= 999_500.0 => format!("{} M", three(value / 1e6)),
        size if size >= 9_995.0 => format!("{} k", three(value / 1e3)),
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        _ => three(value),
    }
}

/// Three significant digits without an exponent.
pub fn three(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => "-".to_string(),
        0.0 => "0".to_string(),
        size if size >= 99.95 => format!("{value:.0}"),
        size if size >= 9.995 => format!("{value:.1}"),
        size if size >= 0.9995 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A time in nanoseconds with its unit: `1.23 ms`.
pub fn time(ns: f64) -> String {
    match ns.abs() {
        size if !size.is_finite() => "-".to_string(),
        size if size >= 7_200e9 => format!("{} h", three(ns / 3_600e9)),
        size if size >= 120e9 => format!("{} min", three(ns / 60e9)),
        size if size >= 999_500_000.0 => format!("{} s", three(ns / 1e9)),
        size if size >= 999_500.0 => format!("{} ms", three(ns / 1e6)),
        size if size >= 999.5 => format!("{} µs", three(ns / 1e3)),
        _ => format!("{ns:.0} ns"),
    }
}

/// Bytes in binary multiples: `1.5 MiB`.
pub fn bytes(value: f64) -> String {
    match value.abs() {
        size if !size.is_finite() => "-".to_string(),
        size if size >= 1_073_741_824.0 => format!("{} GiB", three(value / 1_073_741_824.0)),
        size if size >= 1_048_576.0 => format!("{} MiB", three(value / 1_048_576.0)),
        size if size >= 1024.0 => format!("{} KiB", three(value / 1024.0)),
        _ => format!("{value:.0} B"),
    }
}

/// Both ends of an interval, with their unit once where it is the same: `3.57–3.61 MiB`; nothing where there is but
/// one value.
pub fn range(low: f64, high: f64, shown: impl Fn(f64) -> String) -> String {
    let (from, to) = (shown(low), shown(high));
    match (from.split_once(' '), to.split_once(' ')) {
        _ if low == high => String::new(),
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number}–{to}"),
        _ => format!("{from}–{to}"),
    }
}

/// A ratio: `1.25x`.
pub fn ratio(value: f64) -> String {
    if value.is_finite() { format!("{}x", three(value)) } else { "-".to_string() }
}

/// A share as a percentage: `12.3 %`. A whole one was written by a person, and is shown as it was written: `5 %`.
pub fn share(value: f64) -> String {
    let percent = value * 100.0;
    match (percent - percent.round()).abs() {
        rest if !rest.is_finite() => "-".to_string(),
        rest if rest < 1e-9 => format!("{:.0} %", percent.round()),
        _ => format!("{} %", three(percent)),
    }
}

/// A whole number with its thousands set apart: `12,345`.
pub fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A quantile as engineers write it: 0.999 is `p99.9`.
pub fn quantile(quantile: f64) -> String {
    format!("p{}", (quantile * 1e9).round() / 1e7)
}

/// A number of things: `1 cell`, `2 cells`.
pub fn count(number: usize, of: &str) -> String {
    format!("{number} {of}{}", if number == 1 { "" } else { "s" })
}

/// The same of large numbers, with their thousands set apart: `1 request`, `12,345 requests`.
pub fn many(number: u64, of: &str) -> String {
    format!("{} {of}{}", whole(number), if number == 1 { "" } else { "s" })
}

/// The same of numbers that are written as rates are: `1 connection`, `10.0 k connections`.
pub fn about(number: f64, of: &str) -> String {
    format!("{} {of}{}", rate(number), if number == 1.0 { "" } else { "s" })
}

/// A span of time in whole seconds: `1 min 20 s`.
pub fn span(time: std::time::Duration) -> String {
    let seconds = time.as_secs_f64().ceil() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// A moment in milliseconds since 1970 as `2026-11-21 01:02:03` UTC.
pub fn moment(unix_ms: u64) -> String {
    let (year, month, day) = civil(unix_ms / 86_400_000);
    let seconds = unix_ms / 1000 % 86_400;
    format!("{year}-{month:02}-{day:02} {:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// The date of a day since 1970, after Howard Hinnant, "chrono-compatible low-level date algorithms": years begin in
/// March, so that the leap day comes last.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        for (shown, expected) in [
            (rate(12_345.0), "12.3 k"),
            (rate(9_990.0), "9990"),
            (rate(10.0), "10"),
            (rate(1.5), "1.50"),
            (rate(1_234_567.0), "1.23 M"),
            (time(78_400.0), "78.4 µs"),
            (time(1_234_567.0), "1.23 ms"),
            (time(999_700.0), "1.00 ms"),
            (bytes(1_572_864.0), "1.50 MiB"),
            (ratio(1.254), "1.25x"),
            (share(0.0421), "4.21 %"),
            (share(0.123), "12.3 %"),
            (share(0.00003), "0.003 %"),
            (share(0.0), "0 %"),
            (share(0.05), "5 %"),
            (time(150e9), "2.50 min"),
            (whole(1_234_567), "1,234,567"),
            (whole(12), "12"),
            (many(1, "request"), "1 request"),
            (many(0, "request"), "0 requests"),
            (many(12_345, "request"), "12,345 requests"),
            (about(1.0, "connection"), "1 connection"),
            (about(2.0, "core"), "2 cores"),
            (about(10_000.0, "connection"), "10.0 k connections"),
            (quantile(0.999), "p99.9"),
            (quantile(0.5), "p50"),
            (rate(f64::NAN), "-"),
            (range(74_400.0, 97_800.0, rate), "74.4–97.8 k"),
            (range(669e3, 1_710e3, time), "669 µs–1.71 ms"),
            (range(2.0, 2.0, three), ""),
        ] {
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn moments_agree_with_date() {
        // date -u -d @1709251199 and @1795224485
        assert_eq!(moment(1_709_251_199_000), "2024-02-29 23:59:59");
        assert_eq!(moment(1_795_224_485_000), "2026-11-21 01:28:05");
        assert_eq!(moment(0), "1970-01-01 00:00:00");
    }

    #[test]
    fn spans() {
        assert_eq!(span(std::time::Duration::from_millis(79_100)), "1 min 20 s");
        assert_eq!(span(std::time::Duration::from_secs(7_300)), "2 h 1 min");
    }
}

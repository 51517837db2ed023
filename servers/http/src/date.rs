//! The Date field: IMF-fixdate (RFC 9110 5.6.7), made from a number of seconds, so that drivers make it once a second.

const DAY_NAMES: [&[u8; 3]; 7] = [b"Thu", b"Fri", b"Sat", b"Sun", b"Mon", b"Tue", b"Wed"];
const MONTH_NAMES: [&[u8; 3]; 12] =
    [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];

/// The last second that a four-digit year can name.
const LAST_SECOND: u64 = 253_402_300_799;

/// A date as HTTP writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HttpDate {
    /// The start of the usual answer with the whole field line, so that an answer copies both in one piece.
    start: [u8; START_OCTETS],
}

const START_OCTETS: usize = STATUS_OCTETS + 37;
/// Length of the status line.
const STATUS_OCTETS: usize = 17;
/// Where the date lies, after the status line and the name of the field.
const DATE: std::ops::Range<usize> = STATUS_OCTETS + 6..STATUS_OCTETS + 35;

impl HttpDate {
    /// The date `seconds` after 1970-01-01 00:00:00 UTC. Seconds past the year 9999 give the last second of that year.
    pub fn from_unix_seconds(seconds: u64) -> HttpDate {
        let seconds = seconds.min(LAST_SECOND);
        let (days, clock) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil_from_days(days);
        let mut start = *b"HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
        let text = &mut start[DATE];
        text[0..3].copy_from_slice(DAY_NAMES[(days % 7) as usize]);
        two_digits(&mut text[5..7], day);
        text[8..11].copy_from_slice(MONTH_NAMES[month as usize - 1]);
        two_digits(&mut text[12..14], year / 100);
        two_digits(&mut text[14..16], year % 100);
        two_digits(&mut text[17..19], clock / 3_600);
        two_digits(&mut text[20..22], clock / 60 % 60);
        two_digits(&mut text[23..25], clock % 60);
        HttpDate { start }
    }

    /// The 29 octets of the date, all ASCII.
    pub fn octets(&self) -> &[u8] {
        &self.start[DATE]
    }

    /// `Date: ` with the date and CR LF.
    pub(crate) fn line(&self) -> &[u8] {
        &self.start[STATUS_OCTETS..]
    }

    /// The status line of a 200, and the field line.
    pub(crate) fn start_of_ok(&self) -> &[u8; START_OCTETS] {
        &self.start
    }

    /// The date as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.octets()).expect("a date is ASCII")
    }
}

impl std::fmt::Debug for HttpDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

fn two_digits(place: &mut [u8], value: u64) {
    place[0] = b'0' + (value / 10) as u8;
    place[1] = b'0' + (value % 10) as u8;
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms"). A year starts in March there, so that the leap day is its last.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::HttpDate;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn the_leap_day_that_ends_four_centuries_is_a_day_of_february() {
        assert_eq!(HttpDate::from_unix_seconds(951_782_400).as_str(), "Tue, 29 Feb 2000 00:00:00 GMT");
    }

    #[test]
    fn agrees_with_httpdate_over_four_centuries() {
        // Steps of a prime number of seconds visit every hour, weekday and leap rule.
        for seconds in (0..4 * 100 * 365 * 86_400_u64).step_by(777_767) {
            let expected = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds));
            assert_eq!(HttpDate::from_unix_seconds(seconds).as_str(), expected);
        }
    }

    #[test]
    fn ends_with_the_year_9999() {
        assert_eq!(HttpDate::from_unix_seconds(u64::MAX).as_str(), "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}

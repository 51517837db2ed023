//! The time, read once and used many times: deadlines need an instant, HTTP needs a date that changes once a second.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dyno_http::date::HttpDate;

/// The present as a driver knows it. The clock stands still between two calls of [`Clock::tick`], so all events of
/// one turn of a loop have the same time and cost one clock read.
#[derive(Debug)]
pub struct Clock {
    now: Instant,
    date: HttpDate,
    next_second: Instant,
}

impl Clock {
    /// A clock that shows the present.
    pub fn new() -> Self {
        let now = Instant::now();
        let (date, left) = read_date();
        Clock { now, date, next_second: now + left }
    }

    /// Reads the time anew.
    pub fn tick(&mut self) -> Instant {
        self.now = Instant::now();
        if self.now >= self.next_second {
            let (date, left) = read_date();
            self.date = date;
            self.next_second = self.now + left;
        }
        self.now
    }

    /// The instant of the last tick.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The value for the Date field at the last tick.
    pub fn date(&self) -> &HttpDate {
        &self.date
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// The date, and how long it stays valid.
fn read_date() -> (HttpDate, Duration) {
    // A system clock before 1970 is wrong anyway; the epoch is then as good a date as any.
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let left = Duration::from_secs(1) - Duration::from_nanos(since_epoch.subsec_nanos().into());
    (HttpDate::from_unix_seconds(since_epoch.as_secs()), left)
}

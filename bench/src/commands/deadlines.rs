//! The deadlines of a connection as options of `dyno serve`, for tests of hostile clients and for demonstrations.

use std::time::Duration;

use dyno_http::limits::Limits;

/// The time limits of a server for its clients, in milliseconds; the limits of the HTTP core give the reason of each.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Deadlines of a connection")]
pub(crate) struct DeadlineOptions {
    /// From the first byte of a request head to its last [default: 10000].
    #[arg(long, value_name = "MS", hide_short_help = true, value_parser = millis())]
    head_time_ms: Option<u64>,
    /// How long a body may bring nothing before its least rate counts [default: 10000].
    #[arg(long, value_name = "MS", hide_short_help = true, value_parser = millis())]
    body_grace_ms: Option<u64>,
    /// Idle time between requests [default: 60000].
    #[arg(long, value_name = "MS", hide_short_help = true, value_parser = millis())]
    idle_time_ms: Option<u64>,
    /// How long a client may read nothing of its answer [default: 60000].
    #[arg(long, value_name = "MS", hide_short_help = true, value_parser = millis())]
    write_time_ms: Option<u64>,
}

/// A time of at most an hour.
fn millis() -> clap::builder::RangedU64ValueParser {
    clap::value_parser!(u64).range(1..=3_600_000)
}

impl DeadlineOptions {
    /// `limits` with the deadlines that the user gave.
    pub(crate) fn apply(&self, limits: Limits) -> Limits {
        let or = |given: Option<u64>, default| given.map_or(default, Duration::from_millis);
        Limits {
            head_time: or(self.head_time_ms, limits.head_time),
            body_grace: or(self.body_grace_ms, limits.body_grace),
            idle_time: or(self.idle_time_ms, limits.idle_time),
            write_time: or(self.write_time_ms, limits.write_time),
            ..limits
        }
    }
}

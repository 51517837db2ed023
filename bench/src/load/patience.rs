//! Options of clients that do not wait for ever.

use clap::Args;
use dyno_clients::plan::impatience::Impatience;

use crate::limits::RETRY_BACKOFF_NS;
use crate::numbers;

/// What clients do that do not wait for ever.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Impatience")]
pub(crate) struct PatienceOptions {
    /// A client gives a request up when it is not answered within this time from when it was due, and closes the
    /// connection. Such requests are counted as abandoned, and those refused with a 503 as refused, and neither as
    /// errors; the answers in time make the good-put. Give connections enough: rate times patience.
    #[arg(long, value_name = "TIME", value_parser = numbers::limit_ns)]
    pub(crate) patience: Option<u64>,
    /// Open loop: a request that was refused, given up or cut off is tried again so often, as a request of its own.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=20))]
    pub(crate) retry: u8,
    /// The pause before the first retry; it doubles with each, and half of it more or less is left to chance; what the
    /// server says in Retry-After is not obeyed [default: 50ms].
    #[arg(long, value_name = "TIME", value_parser = numbers::limit_ns)]
    pub(crate) backoff: Option<u64>,
    /// Tell the server when each request was due: the field Dyno-Due, in nanoseconds of the monotonic clock, which
    /// only a server on this host can read.
    #[arg(long)]
    pub(crate) due: bool,
}

impl PatienceOptions {
    /// As the generator takes it.
    pub(crate) fn impatience(&self) -> Impatience {
        Impatience {
            patience_ns: self.patience,
            retries: self.retry,
            backoff_ns: if self.retry > 0 { self.backoff.unwrap_or(RETRY_BACKOFF_NS) } else { 0 },
            tells_due: self.due,
        }
    }
}

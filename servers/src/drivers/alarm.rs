//! Awaits an operation for a limited time, many times in a row, with one timer.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::time::Duration;

use tokio::select;
use tokio::time::{Instant, Sleep};

/// Awaits `moved`, but hardly longer than until `deadline`. Returns `None` when the deadline passed first.
///
/// One timer, the alarm, serves the whole connection. It is set again only to an earlier time, or after it has gone
/// off; setting a timer for each read would cost more than the read's own bookkeeping.
///
/// # Errors
/// Those of `moved`.
pub async fn within<T>(
    deadline: Option<std::time::Instant>,
    mut alarm: Pin<&mut Sleep>,
    moved: impl Future<Output = io::Result<T>>,
) -> io::Result<Option<T>> {
    let deadline = deadline.map_or_else(|| Instant::now() + Duration::from_secs(3600), Instant::from_std);
    let mut moved = pin!(moved);
    if alarm.is_elapsed() || alarm.deadline() > deadline {
        alarm.as_mut().reset(deadline);
    }
    loop {
        select! {
            biased;
            result = &mut moved => return result.map(Some),
            () = &mut alarm => {
                if Instant::now() >= deadline {
                    return Ok(None);
                }
                alarm.as_mut().reset(deadline);
            }
        }
    }
}

//! The time limits of a connection while an HTTP implementation that is not ours waits for a request: the idle time
//! before the first octet of a head, the head time from that octet on.
//!
//! hyper has one limit for both, which starts with the idle time: the shorter one would cut off idle clients, and the
//! longer one would let a head take as long as it likes.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use dyno_http::limits::Limits;
use tokio::time::{Instant, Sleep, sleep_until};

/// Counts the beginnings and ends of requests, for the limits: while it is odd, a request is under way. Clones share
/// the count.
#[derive(Debug, Clone, Default)]
pub struct RequestCount(Arc<AtomicU64>);

impl RequestCount {
    /// A request begins, or ends.
    pub fn turn(&self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Which limit has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// No request has begun in time.
    Idle,
    /// The head did not end in time.
    Head,
}

/// The limits of one connection. Octets that arrive together with the end of the request before are not seen here, so
/// the head time of a head that begins with them counts from its next octet.
#[derive(Debug)]
pub struct HeadLimit {
    idle_time: Duration,
    head_time: Duration,
    requests: RequestCount,
    /// The count for which `deadline` was set.
    seen: u64,
    head_bytes: usize,
    /// Which limit runs until when; none runs before the connection waits.
    deadline: Option<(Late, Instant)>,
    /// Set again only to an earlier time, or after it has gone off: setting it for each read would cost more.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl HeadLimit {
    /// The limits of a connection that was just accepted.
    pub fn new(limits: &Limits) -> Self {
        let (idle_time, head_time) = (limits.idle_time, limits.head_time);
        HeadLimit {
            idle_time,
            head_time,
            requests: RequestCount::default(),
            seen: 0,
            head_bytes: 0,
            deadline: None,
            alarm: None,
        }
    }

    /// For the one who knows when a request begins and ends.
    pub fn requests(&self) -> RequestCount {
        self.requests.clone()
    }

    /// `count` octets have arrived.
    ///
    /// # Returns
    /// The octets of the head under way; 0 when they are of a body.
    pub fn received(&mut self, count: usize) -> usize {
        if self.is_under_way() {
            return 0;
        }
        if !matches!(self.deadline, Some((Late::Head, _))) {
            self.deadline = Some((Late::Head, Instant::now() + self.head_time));
            self.head_bytes = 0;
        }
        self.head_bytes += count;
        self.head_bytes
    }

    /// Waits, while the connection waits for octets, until one of the limits has passed.
    pub fn poll_late(&mut self, context: &mut Context<'_>) -> Poll<Late> {
        if self.is_under_way() {
            return Poll::Pending;
        }
        let idle_time = self.idle_time;
        let (late, deadline) = *self.deadline.get_or_insert_with(|| (Late::Idle, Instant::now() + idle_time));
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if alarm.is_elapsed() || alarm.deadline() > deadline {
            alarm.as_mut().reset(deadline);
        }
        loop {
            ready!(alarm.as_mut().poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(late);
            }
            alarm.as_mut().reset(deadline);
        }
    }

    /// Whether a request is under way, whose time is not limited here. A request that has begun or ended since the
    /// last look has also ended the limit that ran.
    fn is_under_way(&mut self) -> bool {
        let count = self.requests.0.load(Relaxed);
        if self.seen != count {
            self.seen = count;
            self.deadline = None;
        }
        count % 2 == 1
    }
}

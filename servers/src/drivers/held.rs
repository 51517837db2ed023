//! A reply that is not ready, as a driver holds it.

use std::task::Waker;
use std::time::Instant;

use dyno_http::response::Response;

use crate::kit::call::{go_on, later};
use crate::kit::tally::Tally;
use crate::services::job::{For, JobStep, WaitingJob};
use crate::services::service::Reply;

/// What is held for a client that waits.
pub struct Held {
    what: What,
    /// When it ends, whatever it waits for: the server stops.
    limit: Option<Instant>,
}

enum What {
    /// An answer, and when it is due; `None` once it is given.
    Answer(Instant, Option<Response>),
    Job(Box<dyn WaitingJob>),
}

impl Held {
    /// What is held of a reply that is not ready. `now` is asked where the wait counts from it.
    ///
    /// # Errors
    /// The response, where there is nothing to wait for.
    pub fn of(reply: Reply, now: impl FnOnce() -> Instant) -> Result<Held, Response> {
        let what = match reply {
            Reply::Now(response) => return Err(response),
            Reply::After(wait, response) => What::Answer(now() + wait, Some(response)),
            Reply::Later(job) => What::Job(job),
        };
        Ok(Held { what, limit: None })
    }

    /// Whether it waits for more than a time that is known.
    pub fn is_job(&self) -> bool {
        matches!(self.what, What::Job(_))
    }

    /// Whatever it waits for, it ends at `limit`.
    pub fn end_by(&mut self, limit: Instant) {
        self.limit = Some(limit);
    }

    /// Goes on as far as it gets without waiting. `waker` must make the driver call this again. A job that panics ends
    /// with a 500, counted by `tally`, and is not asked again.
    pub fn go_on(&mut self, now: Instant, waker: &Waker, tally: &Tally) -> JobStep {
        let is_over = self.limit.is_some_and(|limit| limit <= now);
        match &mut self.what {
            What::Answer(due, response) if *due <= now || is_over => {
                JobStep::Done(response.take().unwrap_or_else(later))
            }
            What::Answer(due, _) => wait(For::Time, Some(*due), self.limit),
            What::Job(job) => match go_on(job, now, waker, tally) {
                JobStep::Done(response) => JobStep::Done(response),
                // A job that still waits when its time is over does not keep what it promised.
                JobStep::Wait(_, until) if is_over || until.is_some_and(|until| until <= now) => {
                    JobStep::Done(later())
                }
                JobStep::Wait(on, until) => wait(on, until, self.limit),
            },
        }
    }
}

/// Waits, but not beyond the limit.
fn wait(on: For, until: Option<Instant>, limit: Option<Instant>) -> JobStep {
    JobStep::Wait(on, until.into_iter().chain(limit).min())
}

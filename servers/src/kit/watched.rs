//! A request that looks for its orders: before its handler, after it, and whenever its reply is asked to go on.

use std::task::Waker;
use std::time::Instant;

use dyno_http::response::Response;

use crate::limits::HOLD_MAX;
use crate::services::job::{For, JobStep, WaitingJob};
use crate::services::service::{Reply, text};
use crate::under_way::entry::{RequestOrder, RequestStage};
use crate::under_way::register::Seat;

/// Lets `serve` answer the request of `seat`; `None`: it has no entry, so nobody can give orders.
///
/// A reply that waits becomes a job that knows its entry. The entry is free again when the answer is ready, or when the
/// job is dropped because the client has left.
pub fn watch(seat: Option<Seat>, serve: impl FnOnce() -> Reply) -> Reply {
    let Some(seat) = seat else { return serve() };
    if seat.order() == RequestOrder::Cancel {
        return Reply::Now(cancelled());
    }
    seat.come_to(RequestStage::Running);
    let waits = match serve() {
        Reply::Now(response) => match seat.order() {
            RequestOrder::Go => return Reply::Now(response),
            RequestOrder::Cancel => return Reply::Now(cancelled()),
            RequestOrder::Hold => Waits::Due(Instant::now(), Some(response)),
        },
        Reply::After(wait, response) => Waits::Due(Instant::now() + wait, Some(response)),
        Reply::Later(job) => Waits::Job(job),
    };
    seat.come_to(RequestStage::Waiting);
    Reply::Later(Box::new(Watched { waits, seat, held_until: None }))
}

/// What the client is told whose request was cancelled; its connection ends.
pub(crate) fn cancelled() -> Response {
    text(503, "cancelled by the operator\n").closing()
}

/// A reply that is not ready, or is held.
struct Watched {
    /// Before the entry, so that what it holds of others is given back first.
    waits: Waits,
    seat: Seat,
    /// While it is held: until when at the most.
    held_until: Option<Instant>,
}

enum Waits {
    /// An answer, and when it is due; `None` once it is given.
    Due(Instant, Option<Response>),
    Job(Box<dyn WaitingJob>),
}

impl WaitingJob for Watched {
    fn go_on(&mut self, now: Instant, waker: &Waker) -> JobStep {
        // An order that comes after the look calls the waker.
        self.seat.called_by(waker);
        match self.seat.order() {
            RequestOrder::Cancel => return JobStep::Done(cancelled()),
            RequestOrder::Hold => {
                let until = *self.held_until.get_or_insert(now + HOLD_MAX);
                // What is held holds memory and a connection, so nobody holds it for ever.
                return if until <= now {
                    JobStep::Done(cancelled())
                } else {
                    JobStep::Wait(For::Waker, Some(until))
                };
            }
            RequestOrder::Go => self.held_until = None,
        }
        match &mut self.waits {
            Waits::Due(due, response) if *due <= now => {
                JobStep::Done(response.take().unwrap_or_else(cancelled))
            }
            Waits::Due(due, _) => JobStep::Wait(For::Waker, Some(*due)),
            Waits::Job(job) => match job.go_on(now, waker) {
                // An order may come at any time, so a thread that waits listens to its waker.
                JobStep::Wait(For::Time, until) => JobStep::Wait(For::Waker, until),
                step => step,
            },
        }
    }
}

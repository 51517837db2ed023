//! The queue by which a pool hands answers back to the loop that asked: a [`Mailbox`], and the workers that wait for
//! a reply meanwhile.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Instant;

use super::held::Held;
use super::mailbox::Mailbox;
use super::parking::{self, Known};
use super::workers::{News, Presence, Ticket, nothing};
use crate::kit::call::later;
use crate::kit::stop::Stop;
use crate::kit::tally::Tally;
use crate::services::job::JobStep;
use crate::services::service::Reply;
use crate::trace::connection::RequestTrace;
use crate::trace::event::TracePoint;

/// Answers on their way back.
pub struct ReplyInbox {
    news: Mailbox<(Ticket, News)>,
    /// Whether the loop has ended, and takes no more answers.
    closed: AtomicBool,
    /// Workers that wait for a reply, and for whom.
    sleepers: Mutex<Vec<(Ticket, Waker)>>,
}

impl ReplyInbox {
    /// An empty inbox.
    ///
    /// # Errors
    /// When eventfd(2) is refused.
    pub fn new() -> io::Result<Self> {
        Ok(ReplyInbox {
            news: Mailbox::new()?,
            closed: AtomicBool::new(false),
            sleepers: Mutex::new(Vec::new()),
        })
    }

    /// From now on nobody takes answers: what waits for a worker need not be answered.
    pub fn close(&self) {
        self.closed.store(true, SeqCst);
        self.lock().iter().for_each(|(_, sleeper)| sleeper.wake_by_ref());
    }

    /// Whether nobody takes answers any more.
    pub fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// Waits for `reply`, as long as its client is there and somebody takes answers. Whoever finds that this has
    /// changed calls [`ReplyInbox::call`] or [`ReplyInbox::close`] afterwards. `tally` is the worker's, and
    /// `trace` the request's.
    pub fn attend(
        &self,
        ticket: Ticket,
        reply: Reply,
        presence: &Presence,
        stop: &Stop,
        tally: &Tally,
        trace: Option<RequestTrace>,
    ) -> Reply {
        let mut held = match Held::of(reply, Instant::now) {
            Ok(held) => held,
            Err(response) => return Reply::Now(response),
        };
        if let Some(trace) = trace {
            trace.note(TracePoint::Waits);
        }
        // The system has no descriptor left to wait with.
        let Ok(waker) = parking::waker() else { return Reply::Now(later()) };
        self.lock().push((ticket, waker.clone()));
        // The loop may have noted that before it could see this worker wait. It asks such a client whether it is there.
        if presence.has_ended(ticket) {
            self.news.post((ticket, News::Waits));
        }
        let known = Known { is_called: true, ..Known::default() };
        let reply = loop {
            if self.is_closed() || !presence.has(ticket) {
                break nothing();
            }
            match held.go_on(Instant::now(), &waker, tally) {
                JobStep::Done(response) => break Reply::Now(response),
                JobStep::Wait(on, until) => {
                    if parking::wait(on, until, None, stop, known).is_err() {
                        break Reply::Now(later());
                    }
                }
            }
        };
        self.lock().retain(|(sleeper, _)| *sleeper != ticket);
        if let Some(trace) = trace {
            trace.note(TracePoint::Resumes);
        }
        reply
    }

    /// Wakes the worker that waits for the client of `ticket`, who has left.
    pub fn call(&self, ticket: Ticket) {
        let sleepers = self.lock();
        sleepers.iter().filter(|(sleeper, _)| *sleeper == ticket).for_each(|(_, waker)| waker.wake_by_ref());
    }

    /// Whether a worker waits for the client of `ticket`, and is not computing.
    pub fn is_waiting_for(&self, ticket: Ticket) -> bool {
        self.lock().iter().any(|(sleeper, _)| *sleeper == ticket)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Ticket, Waker)>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Posts an answer.
    pub fn post(&self, ticket: Ticket, reply: Reply) {
        self.news.post((ticket, News::Reply(reply)));
    }

    /// Takes what has come in.
    pub fn take(&self) -> Option<(Ticket, News)> {
        self.news.take()
    }

    /// A descriptor that is readable while answers wait.
    pub fn wakeup(&self) -> BorrowedFd<'_> {
        self.news.wakeup()
    }
}

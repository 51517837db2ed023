//! Waits for a reply with a task, and learns that its client has left.

use std::future::{Future as _, poll_fn};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::pin::pin;
use std::task::{Context, Poll};

use dyno_http::response::Response;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

use super::held::Held;
use crate::kit::call::later;
use crate::kit::client::Client;
use crate::kit::tally::Tally;
use crate::limits::{CLIENT_LOOK_FIRST, CLIENT_LOOK_LAST};
use crate::services::job::{For, JobSide, JobStep};
use crate::under_way::urgent;

/// How a task learns that something may have happened to its client.
pub trait ClientWatch {
    /// The connection.
    fn connection(&self) -> BorrowedFd<'_>;

    /// Ready when there may be news; otherwise the task is woken when there are. Bytes that wait unread are news for
    /// ever, so the task looks by time then.
    fn poll_news(&mut self, context: &mut Context<'_>) -> Poll<()>;
}

/// Why a task waits no longer.
#[derive(Debug)]
pub enum Awaited {
    /// The response is there.
    Response(Response),
    /// The client has ended its side, which was not known.
    Ended,
    /// The client has left.
    Left,
}

/// Waits until the reply is ready or its client has left, or, unless that is `known`, has ended its side.
pub async fn attend(
    held: &mut Held,
    client: &mut impl ClientWatch,
    known_ended: bool,
    tally: &Tally,
) -> Awaited {
    let mut alarm = pin!(sleep_until(Instant::now()));
    let mut look = pin!(sleep_until(Instant::now()));
    let mut pause = None;
    let mut watched = None;
    // Once it is readable, the next look cancels.
    let urgent = urgent::watch(client.connection()).and_then(|urgent| {
        // SAFETY: it owns the descriptor, which stays open as long as it is registered.
        unsafe { AsyncFd::register(urgent) }.ok()
    });
    poll_fn(|context| {
        loop {
            if let Some(urgent) = &urgent {
                let _ = urgent.poll_read_ready(context);
            }
            // What is handed over to a client that has left is lost to the others.
            let has_news = client.poll_news(context).is_ready();
            if has_news || held.is_job() {
                match Client::of(client.connection()) {
                    Client::Left => return Poll::Ready(Awaited::Left),
                    Client::Ended if !known_ended => return Poll::Ready(Awaited::Ended),
                    Client::Ended | Client::Stays => {}
                }
            }
            // The job may close its descriptor when it goes on, and the runtime must have forgotten it by then.
            drop(watched.take());
            let (on, until) = match held.go_on(std::time::Instant::now(), context.waker(), tally) {
                JobStep::Done(response) => return Poll::Ready(Awaited::Response(response)),
                JobStep::Wait(on, until) => (on, until),
            };
            if has_news {
                let is_first = pause.is_none();
                let next = *pause.get_or_insert(CLIENT_LOOK_FIRST);
                if is_first || look.is_elapsed() {
                    look.as_mut().reset(Instant::now() + next);
                    pause = Some((next * 2).min(CLIENT_LOOK_LAST));
                }
                if look.as_mut().poll(context).is_ready() {
                    continue;
                }
            }
            if let For::Descriptor(descriptor, side) = on {
                // One that cannot be watched would be waited for without an end.
                let Ok(lent) = watch(descriptor, side) else {
                    return Poll::Ready(Awaited::Response(later()));
                };
                if poll_ready(&lent, side, context).is_ready() {
                    continue;
                }
                watched = Some(lent);
            }
            if let Some(until) = until {
                alarm.as_mut().reset(until.into());
                if alarm.as_mut().poll(context).is_ready() {
                    continue;
                }
            }
            return Poll::Pending;
        }
    })
    .await
}

/// A descriptor that belongs to somebody else.
struct Lent(RawFd);

impl AsRawFd for Lent {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

/// Has the runtime watch a descriptor of a job.
fn watch(descriptor: RawFd, side: JobSide) -> io::Result<AsyncFd<Lent>> {
    let interest = if side == JobSide::Read { Interest::READABLE } else { Interest::WRITABLE };
    // SAFETY: the job keeps it open until it goes on, and this is dropped before.
    unsafe { AsyncFd::register_with_interest(Lent(descriptor), interest) }.map_err(io::Error::from)
}

/// Whether it is ready.
fn poll_ready(lent: &AsyncFd<Lent>, side: JobSide, context: &mut Context<'_>) -> Poll<()> {
    let ready =
        if side == JobSide::Read { lent.poll_read_ready(context) } else { lent.poll_write_ready(context) };
    ready.map(|_| ())
}

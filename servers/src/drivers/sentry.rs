//! Tells whoever waits in front of another HTTP implementation that the client has left. hyper does not look while a
//! request is worked on, but it flushes the wire each time the connection's task is polled, and the wire looks then.

use std::future::poll_fn;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::net::TcpStream;

use super::awaiting::ClientWatch;

/// What the wire and the waiting request of one connection know of each other. Clones are one sentry; all of them
/// belong to the task of the connection.
#[derive(Debug, Clone, Default)]
pub struct Sentry(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    /// A request waits.
    is_posted: AtomicBool,
    /// Something has come from the client, if only its end.
    has_news: AtomicBool,
    /// The client is to be told that its request is worked on.
    is_to_reassure: AtomicBool,
}

impl Sentry {
    /// A request begins to wait on `connection`, which outlives it.
    pub fn stand(&self, connection: BorrowedFd<'static>) -> Posted {
        self.0.is_posted.store(true, Relaxed);
        Posted { sentry: self.clone(), connection }
    }

    /// Called by the wire: whether the client is to be reassured.
    pub fn is_to_reassure(&self) -> bool {
        self.0.is_to_reassure.load(Relaxed)
    }

    /// Called by the wire: it is.
    pub fn has_reassured(&self) {
        self.0.is_to_reassure.store(false, Relaxed);
        self.0.has_news.store(false, Relaxed);
    }

    /// Called by the wire: looks for news, if a request waits, and wakes the task when there are.
    pub fn poll(&self, stream: &TcpStream, context: &mut Context<'_>) {
        if self.0.is_posted.load(Relaxed)
            && stream.poll_read_ready(context).is_ready()
            && !self.0.has_news.swap(true, Relaxed)
        {
            // The request was polled before the wire, so the task has to turn once more.
            context.waker().wake_by_ref();
        }
    }
}

/// The sentry of a request that waits.
#[derive(Debug)]
pub struct Posted {
    sentry: Sentry,
    connection: BorrowedFd<'static>,
}

impl Posted {
    /// Tells the client that its request is worked on: who has left answers with a reset.
    pub async fn reassure(&self) {
        let flags = &self.sentry.0;
        flags.is_to_reassure.store(true, Relaxed);
        poll_fn(|context| {
            if !flags.is_to_reassure.load(Relaxed) {
                return Poll::Ready(());
            }
            // The wire is flushed in this poll of the task, and then it turns once more.
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

impl ClientWatch for Posted {
    fn connection(&self) -> BorrowedFd<'_> {
        self.connection
    }

    fn poll_news(&mut self, _context: &mut Context<'_>) -> Poll<()> {
        if self.sentry.0.has_news.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Posted {
    fn drop(&mut self) {
        self.sentry.0.is_posted.store(false, Relaxed);
        self.sentry.0.has_news.store(false, Relaxed);
    }
}

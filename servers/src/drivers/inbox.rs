//! The queue by which a pool hands answers back to the loop that asked, with an eventfd(2) that wakes the loop: the
//! wakeup.
//!
//! The wakeup is signalled once for all answers that come in before the loop looks, so a busy pool costs its loop far
//! less than one wake-up for each answer.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crossbeam::queue::SegQueue;
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::workers::Ticket;
use crate::services::service::Reply;

/// Answers on their way back.
#[derive(Debug)]
pub struct ReplyInbox {
    answers: SegQueue<(Ticket, Reply)>,
    wakeup: EventFd,
    signalled: AtomicBool,
    /// Whether the loop has ended, and takes no more answers.
    closed: AtomicBool,
    sleepers: Mutex<()>,
    closing: Condvar,
}

impl ReplyInbox {
    /// An empty inbox.
    ///
    /// # Errors
    /// When eventfd(2) is refused.
    pub fn new() -> io::Result<Self> {
        let wakeup = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(ReplyInbox {
            answers: SegQueue::new(),
            wakeup,
            signalled: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            sleepers: Mutex::new(()),
            closing: Condvar::new(),
        })
    }

    /// From now on nobody takes answers: what waits for a worker need not be answered.
    pub fn close(&self) {
        self.closed.store(true, SeqCst);
        // Whoever is about to sleep holds the lock, and sleeps when this has it.
        drop(self.sleepers.lock());
        self.closing.notify_all();
    }

    /// Whether nobody takes answers any more.
    pub fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// Waits for `time`, as a back end has it wait, or until nobody takes answers any more.
    pub fn sleep(&self, time: Duration) {
        let asleep = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.closing.wait_timeout_while(asleep, time, |()| !self.is_closed()));
    }

    /// Posts an answer.
    pub fn post(&self, ticket: Ticket, reply: Reply) {
        self.answers.push((ticket, reply));
        if !self.signalled.swap(true, SeqCst) {
            // The write can fail only when the wakeup has been signalled 2^64 - 2 times and never read.
            let _ = self.wakeup.write(1);
        }
    }

    /// Takes the next answer. When the inbox is empty, the signal is taken back, and the next answer that is posted
    /// signals again.
    pub fn take(&self) -> Option<(Ticket, Reply)> {
        if let Some(answer) = self.answers.pop() {
            return Some(answer);
        }
        // While a worker is between its swap and its write, there is nothing to read yet. Then the signal stands, so
        // that nobody else writes: its own write wakes the loop, which takes the signal back. Otherwise the write would
        // come after the signal was taken back, and the wakeup would be readable with no answer to take.
        if self.signalled.load(SeqCst) && self.wakeup.read().is_ok() {
            self.signalled.store(false, SeqCst);
        }
        // An answer that was posted after the first look and before the signal was taken back did not signal again,
        // so look once more.
        self.answers.pop()
    }

    /// A descriptor that is readable while answers wait.
    pub fn wakeup(&self) -> BorrowedFd<'_> {
        self.wakeup.as_fd()
    }
}

//! How a pool hands answers back to the loop that asked: a queue, and a bell that wakes the loop.
//!
//! The bell is rung once for any number of answers that come in before the loop has heard it, so a busy pool costs its
//! loop far less than one wake-up for each answer.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use crossbeam::queue::SegQueue;
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::reactor::Ticket;
use crate::services::service::Reply;

/// Answers on their way back.
#[derive(Debug)]
pub struct Mailbox {
    answers: SegQueue<(Ticket, Reply)>,
    bell: EventFd,
    rung: AtomicBool,
}

impl Mailbox {
    /// An empty mailbox.
    ///
    /// # Errors
    /// When eventfd(2) is refused.
    pub fn new() -> io::Result<Self> {
        let bell = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Mailbox { answers: SegQueue::new(), bell, rung: AtomicBool::new(false) })
    }

    /// Posts an answer.
    pub fn post(&self, ticket: Ticket, reply: Reply) {
        self.answers.push((ticket, reply));
        if !self.rung.swap(true, SeqCst) {
            // It can fail only when it has been rung 2^64 - 2 times unheard.
            let _ = self.bell.write(1);
        }
    }

    /// Takes the next answer. An empty mailbox falls silent, and whatever is posted from then on rings again.
    pub fn take(&self) -> Option<(Ticket, Reply)> {
        if let Some(answer) = self.answers.pop() {
            return Some(answer);
        }
        if self.rung.swap(false, SeqCst) {
            let _ = self.bell.read();
        }
        // Posted between the look and the silence: it saw a bell that was still ringing.
        self.answers.pop()
    }

    /// Readable while answers wait.
    pub fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}

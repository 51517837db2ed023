//! A queue by which other threads tell a loop something, with an eventfd(2) that wakes the loop: the wakeup.
//!
//! The wakeup is signalled once for all that comes in before the loop looks, so busy senders cost the loop far less
//! than one wake-up for each post.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use crossbeam::queue::SegQueue;
use nix::sys::eventfd::{EfdFlags, EventFd};

/// What is on its way to a loop.
#[derive(Debug)]
pub struct Mailbox<T> {
    posts: SegQueue<T>,
    wakeup: EventFd,
    signalled: AtomicBool,
}

impl<T> Mailbox<T> {
    /// An empty one.
    ///
    /// # Errors
    /// When eventfd(2) is refused.
    pub fn new() -> io::Result<Self> {
        let wakeup = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Mailbox { posts: SegQueue::new(), wakeup, signalled: AtomicBool::new(false) })
    }

    /// Posts something.
    pub fn post(&self, post: T) {
        self.posts.push(post);
        if !self.signalled.swap(true, SeqCst) {
            // The write can fail only when the wakeup has been signalled 2^64 - 2 times and never read.
            let _ = self.wakeup.write(1);
        }
    }

    /// Posts something without the wakeup: the thread of the loop itself does, which looks before it waits.
    pub fn post_to_self(&self, post: T) {
        self.posts.push(post);
    }

    /// Takes the next post. When there is none, the signal is taken back, and the next post signals again.
    pub fn take(&self) -> Option<T> {
        if let Some(post) = self.posts.pop() {
            return Some(post);
        }
        // While a sender is between its swap and its write, there is nothing to read yet. Then the signal stands, so
        // that nobody else writes: its own write wakes the loop, which takes the signal back. Otherwise the write would
        // come after the signal was taken back, and the wakeup would be readable with nothing to take.
        if self.signalled.load(SeqCst) && self.wakeup.read().is_ok() {
            self.signalled.store(false, SeqCst);
        }
        // What was posted after the first look and before the signal was taken back did not signal again, so look once
        // more.
        self.posts.pop()
    }

    /// A descriptor that is readable while posts wait that other threads have sent.
    pub fn wakeup(&self) -> BorrowedFd<'_> {
        self.wakeup.as_fd()
    }
}

//! The initiator's side: the tickets that it was given, each with the secret without which it is worth nothing.

use crate::channel::credential::Credential;
use crate::channel::message::Suite;
use crate::channel::schedule::Secret;
use crate::limits::KEPT_TICKETS;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// A ticket, and what the session has left from which it comes.
pub(crate) struct Kept {
    pub(crate) ticket: Vec<u8>,
    pub(crate) secret: Secret,
    pub(crate) suite: Suite,
    /// Who the responder has proved to be, and the names under which we know it.
    pub(crate) peer: Credential,
    pub(crate) names: Vec<String>,
    /// The last second at which it is used, counted from 1970.
    pub(crate) until_s: u64,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("peer", &self.peer).finish_non_exhaustive()
    }
}

/// The tickets of one client. Each is used once: a second use would tell a listener that both sessions are of one
/// client.
#[derive(Debug, Default)]
pub(crate) struct Purse(Mutex<VecDeque<Kept>>);

impl Purse {
    /// Keeps a ticket; the oldest one goes where there are too many.
    pub(crate) fn put(&self, kept: Kept) {
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tickets.len() == KEPT_TICKETS {
            tickets.pop_front();
        }
        tickets.push_back(kept);
    }

    /// Takes the newest ticket that is still good at `unix_s`; those that are not are dropped.
    pub(crate) fn take(&self, unix_s: u64) -> Option<Kept> {
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|kept| unix_s <= kept.until_s);
        tickets.pop_back()
    }
}

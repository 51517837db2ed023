//! What one session may hold of the server's memory.
//!
//! A session has three parts of the [budget](crate::kit::memory): what its design takes while it is idle; its small
//! buffers, while a request is under way; and whatever a large request or answer takes besides. The first two need no
//! look at the budget with each step, and nearly all requests need no third.

use super::buffers::Buffers;
use crate::kit::memory::{Lease, Purpose};
use crate::kit::site::Site;
use crate::limits::{LEASE_STEP_BYTES, SECURE_BUFFERS_BYTES, SECURE_BYTES, SMALL_BUFFERS_BYTES};

/// What one session may hold, in bytes.
#[derive(Debug)]
pub(super) struct Holding<'a> {
    lease: Lease<'a>,
    /// What is on the lease beside the buffers of HTTP: what the idle connection takes, what the driver holds besides.
    base: usize,
    besides: usize,
    small: Small,
    /// What a request that is under way takes: small buffers, those of a secure pipe included.
    small_bytes: usize,
    /// What HTTP may hold.
    allowed: usize,
}

/// Who covers the small buffers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Small {
    /// Nobody: there are none.
    None,
    /// The lease of this session.
    Own,
    /// The pool of the loop.
    Pool,
}

impl<'a> Holding<'a> {
    /// What a connection takes that was just accepted; `None` when the budget has not so much.
    pub(super) fn new(site: &'a Site) -> Option<Self> {
        let mut holding = Holding::nothing(site);
        let secure = if site.transport.is_some() { SECURE_BYTES } else { 0 };
        holding.base = site.connection_bytes + secure;
        holding.lease.cover(holding.base, Purpose::Connection).then_some(holding)
    }

    /// Nothing, for a connection that is refused.
    pub(super) fn nothing(site: &'a Site) -> Self {
        let secure = if site.transport.is_some() { SECURE_BUFFERS_BYTES } else { 0 };
        Holding {
            lease: site.memory.nothing(),
            base: 0,
            besides: 0,
            small: Small::None,
            small_bytes: SMALL_BUFFERS_BYTES + secure,
            allowed: 0,
        }
    }

    /// Whether HTTP may hold so many octets, taken from the budget where they are more than before.
    pub(super) fn allows(&mut self, octets: usize) -> bool {
        octets <= self.allowed || self.set(octets)
    }

    /// Gives back what is more than HTTP holds now.
    pub(super) fn settle(&mut self, octets: usize) {
        if self.allowed > octets {
            self.set(octets);
        }
    }

    fn set(&mut self, octets: usize) -> bool {
        let small = if self.small == Small::None { 0 } else { SMALL_BUFFERS_BYTES };
        let large = octets.saturating_sub(small).next_multiple_of(LEASE_STEP_BYTES);
        let is_covered = self.lease.cover(self.fixed() + large, Purpose::Body);
        if is_covered {
            self.allowed = small + large;
        }
        is_covered
    }

    /// What is on the lease, whatever HTTP holds.
    fn fixed(&self) -> usize {
        self.base + self.besides + if self.small == Small::Own { self.small_bytes } else { 0 }
    }

    /// Takes the small buffers from the pool; whether there are some now.
    pub(super) fn borrow(&mut self, buffers: &mut Buffers<'a>) -> bool {
        if self.small == Small::None && buffers.promise(self.small_bytes) {
            self.small = Small::Pool;
            self.allowed += SMALL_BUFFERS_BYTES;
        }
        self.small != Small::None
    }

    /// Gives the small buffers back to the pool.
    pub(super) fn give_back(&mut self, buffers: &mut Buffers<'a>) {
        if self.small == Small::Pool {
            buffers.release(self.small_bytes);
            self.small = Small::None;
            self.allowed -= SMALL_BUFFERS_BYTES;
        }
    }

    /// Takes the small buffers from the budget, if it has so much.
    pub(super) fn keep(&mut self) {
        let octets = self.lease.octets() + self.small_bytes;
        if self.small == Small::None && self.lease.cover(octets, Purpose::Connection) {
            self.small = Small::Own;
            self.allowed += SMALL_BUFFERS_BYTES;
        }
    }

    /// Gives the small buffers back to the budget.
    pub(super) fn drop_kept(&mut self) {
        if self.small == Small::Own {
            self.lease.cover(self.lease.octets() - self.small_bytes, Purpose::Connection);
            self.small = Small::None;
            self.allowed -= SMALL_BUFFERS_BYTES;
        }
    }

    /// Counts what the driver holds besides; whether the budget has so much.
    pub(super) fn besides(&mut self, bytes: usize) -> bool {
        let bytes = bytes.next_multiple_of(LEASE_STEP_BYTES);
        let octets = self.lease.octets() - self.besides + bytes;
        let is_covered = bytes == self.besides || self.lease.cover(octets, Purpose::Body);
        self.besides = if is_covered { bytes } else { self.besides };
        is_covered
    }
}

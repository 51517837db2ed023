//! What a connection holds whose HTTP is not ours. Its buffers cannot be looked into, so they are counted by what was
//! read and written: once they have grown they count as large until the connection ends.

use std::sync::{Arc, Mutex, PoisonError};

use crate::kit::memory::{Lease, OpenConnection, Purpose};
use crate::kit::site::Site;
use crate::limits::{
    HYPER_BUFFERS_BYTES, HYPER_PIECE_BYTES, HYPER_READ_BYTES, LEASE_STEP_BYTES, SECURE_BUFFERS_BYTES,
    SECURE_BYTES,
};

/// The lease of one connection. Clones share it; they belong to one task, so nobody waits for the lock.
#[derive(Debug, Clone)]
pub struct WireMemory(Arc<Mutex<Held>>);

#[derive(Debug)]
struct Held {
    lease: Lease<'static>,
    /// Counts the connection as open.
    _open: OpenConnection<'static>,
    /// Bytes that the receive buffer may have.
    read: usize,
    has_large_answer: bool,
}

impl WireMemory {
    /// What a connection takes that was just accepted; `None` when the budget has not so much.
    pub fn new(site: &'static Site) -> Option<Self> {
        let secure = if site.transport.is_some() { SECURE_BYTES + SECURE_BUFFERS_BYTES } else { 0 };
        let lease =
            site.memory.lease(site.connection_bytes + HYPER_BUFFERS_BYTES + secure, Purpose::Connection)?;
        Some(WireMemory(Arc::new(Mutex::new(Held {
            lease,
            _open: site.memory.connect(),
            read: HYPER_READ_BYTES,
            has_large_answer: false,
        }))))
    }

    /// Whether there is memory for a receive buffer of so many bytes.
    pub fn read(&self, bytes: usize) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes <= held.read {
            return true;
        }
        let bytes = bytes.next_multiple_of(LEASE_STEP_BYTES);
        let octets = held.lease.octets() + bytes - held.read;
        let is_covered = held.lease.cover(octets, Purpose::Body);
        held.read = if is_covered { bytes } else { held.read };
        is_covered
    }

    /// Whether there is memory for an answer that goes out in pieces: one piece, and a send buffer that has grown for
    /// it.
    pub fn write_large(&self) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let octets = held.lease.octets() + 3 * HYPER_PIECE_BYTES;
        held.has_large_answer = held.has_large_answer || held.lease.cover(octets, Purpose::Body);
        held.has_large_answer
    }
}

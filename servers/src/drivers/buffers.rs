//! Buffers that connections share: an idle connection holds none, a busy one borrows from its loop.
//!
//! Therefore ten thousand idle connections cost their loop a few hundred bytes each, and yet no request on a warm
//! loop calls the allocator.

use dyno_http::connection::Connection;

use crate::kit::memory::{Lease, MemoryBudget, Purpose};
use crate::limits::{POOL_STEP_BYTES, POOLED_BUFFERS, POOLED_BYTES};

/// The spare buffers of one loop; they are never shared between threads.
#[derive(Debug)]
pub struct Buffers<'a> {
    receive: Vec<Vec<u8>>,
    send: Vec<Vec<u8>>,
    /// The bytes of these.
    kept: usize,
    /// What busy connections may hold of small buffers, in bytes.
    promised: usize,
    /// Covers both.
    lease: Lease<'a>,
}

impl<'a> Buffers<'a> {
    /// An empty pool within the budget of `memory`.
    pub fn new(memory: &'a MemoryBudget) -> Self {
        let lease = memory.nothing();
        Buffers { receive: Vec::new(), send: Vec::new(), kept: 0, promised: 0, lease }
    }

    /// Takes what a busy connection may hold from the budget; whether there was so much.
    pub fn promise(&mut self, bytes: usize) -> bool {
        let is_covered = self.cover(self.promised + self.kept + bytes);
        self.promised += if is_covered { bytes } else { 0 };
        is_covered
    }

    /// Takes back a promise.
    pub fn release(&mut self, bytes: usize) {
        self.promised -= bytes;
        let needed = self.promised + self.kept;
        if self.lease.octets() > needed + 2 * POOL_STEP_BYTES {
            self.lease.cover(needed + POOL_STEP_BYTES, Purpose::Connection);
        }
    }

    fn cover(&mut self, bytes: usize) -> bool {
        let step = bytes.next_multiple_of(POOL_STEP_BYTES);
        bytes <= self.lease.octets()
            || self.lease.cover(step, Purpose::Connection)
            || self.lease.cover(bytes, Purpose::Connection)
    }

    /// Lends a connection the memory that it needs to work. Where the pool has none, the connection allocates its
    /// own.
    pub fn lend(&mut self, connection: &mut Connection) {
        if connection.wants_memory()
            && let Some(memory) = self.receive.pop()
        {
            self.kept -= memory.len();
            connection.lend(memory);
        }
        if connection.wants_send_memory()
            && let Some(memory) = self.send.pop()
        {
            self.kept -= memory.capacity();
            connection.lend_send(memory);
        }
    }

    /// Takes back the memory that an idle connection does not need.
    pub fn take_back(&mut self, connection: &mut Connection) {
        if let Some(memory) = connection.reclaim()
            && self.receive.len() < POOLED_BUFFERS
            && self.keep(memory.len())
        {
            self.receive.push(memory);
        }
        if let Some(memory) = connection.reclaim_send()
            && self.send.len() < POOLED_BUFFERS
            && self.keep(memory.capacity())
        {
            self.send.push(memory);
        }
    }

    fn keep(&mut self, bytes: usize) -> bool {
        let is_kept = self.kept + bytes <= POOLED_BYTES && self.cover(self.promised + self.kept + bytes);
        self.kept += if is_kept { bytes } else { 0 };
        is_kept
    }
}

//! Buffers that connections share: an idle connection holds none, a busy one borrows from its loop.
//!
//! Therefore ten thousand idle connections cost their loop a few hundred bytes each, and yet no request on a warm
//! loop calls the allocator.

use dyno_http::connection::Connection;

use crate::limits::POOLED_BUFFERS;

/// The spare buffers of one loop; they are never shared between threads.
#[derive(Debug, Default)]
pub struct Buffers {
    receive: Vec<Vec<u8>>,
    send: Vec<Vec<u8>>,
}

impl Buffers {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lends a connection the memory that it needs to work. Where the pool has none, the connection allocates its
    /// own.
    pub fn lend(&mut self, connection: &mut Connection) {
        if connection.wants_memory()
            && let Some(memory) = self.receive.pop()
        {
            connection.lend(memory);
        }
        if connection.wants_send_memory()
            && let Some(memory) = self.send.pop()
        {
            connection.lend_send(memory);
        }
    }

    /// Takes back the memory that an idle connection does not need.
    pub fn take_back(&mut self, connection: &mut Connection) {
        if let Some(memory) = connection.reclaim()
            && self.receive.len() < POOLED_BUFFERS
        {
            self.receive.push(memory);
        }
        if let Some(memory) = connection.reclaim_send()
            && self.send.len() < POOLED_BUFFERS
        {
            self.send.push(memory);
        }
    }
}

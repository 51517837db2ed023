//! What a session holds of the server's memory, and who counts it.

use super::Session;
use crate::drivers::buffers::Buffers;
use crate::kit::tally::Tally;

impl<'a> Session<'a> {
    /// The counts of the worker that serves it.
    pub fn tally(&self) -> &'a Tally {
        self.tally
    }

    /// Takes small buffers from the loop before bytes are read. Where the budget has none for them,
    /// [`make_room`](Session::make_room) finds out.
    pub fn borrow_memory(&mut self, buffers: &mut Buffers<'a>) {
        if self.holding.borrow(buffers) {
            buffers.lend(&mut self.http);
        }
    }

    /// Gives memory back to the loop when the session is idle.
    pub fn return_memory(&mut self, buffers: &mut Buffers<'a>) {
        buffers.take_back(&mut self.http);
        self.drop_secure_buffers();
        self.holding.settle(self.http.held_octets());
        self.holding.give_back(buffers);
    }

    /// Takes the small buffers from the budget, where there is no loop that lends them.
    pub fn hold_memory(&mut self) {
        self.holding.keep();
    }

    /// Frees the small buffers when the session is idle.
    pub fn drop_memory(&mut self) {
        drop((self.http.reclaim(), self.http.reclaim_send()));
        self.drop_secure_buffers();
        self.holding.settle(self.http.held_octets());
        self.holding.drop_kept();
    }

    fn drop_secure_buffers(&mut self) {
        if let Some(secure) = &mut self.secure {
            secure.pipe.relax();
        }
    }

    /// Counts bytes that the driver holds for this session besides.
    ///
    /// # Returns
    /// Whether the budget has so much.
    pub fn hold_besides(&mut self, bytes: usize) -> bool {
        self.holding.besides(bytes)
    }
}

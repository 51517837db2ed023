//! A record of each answered request, where somebody wants to know.

use super::Worker;
use crate::books::requests::RequestTimes;
use crate::books::split::Split;

impl Worker {
    /// The connection of a slot stands: its address tells the server's side which one it is.
    pub(super) fn note_local(&mut self, index: usize) {
        if self.books.requests.is_none() {
            return;
        }
        let slot = &mut self.network.slots[index];
        let address = slot.socket.as_ref().and_then(|socket| socket.local_addr().ok()?.as_socket());
        slot.local = address.map_or((0, 0), |address| {
            let octet = match address.ip() {
                std::net::IpAddr::V4(ip) => ip.octets()[3],
                std::net::IpAddr::V6(ip) => ip.octets()[15],
            };
            (address.port(), octet)
        });
    }

    /// The request of a slot was answered.
    #[inline]
    pub(super) fn record(&mut self, index: usize, status: u16, now_ns: u64) {
        if self.books.requests.is_some() {
            self.record_wanted(index, status, now_ns);
        }
    }

    #[cold]
    fn record_wanted(&mut self, index: usize, status: u16, now_ns: u64) {
        let slot = &self.network.slots[index];
        let (port, octet) = slot.local;
        let split = Split::new(slot.intended_ns, slot.free_ns, slot.sent_ns, now_ns)
            .disturbed(slot.still_ns, slot.unread_ns);
        let times = RequestTimes {
            intended_ns: self.clock.monotonic_ns(slot.intended_ns),
            sent_ns: self.clock.monotonic_ns(slot.sent_ns),
            received_ns: self.clock.monotonic_ns(now_ns),
            split,
            port,
            octet,
            number: slot.carried,
            status,
        };
        self.books.requests.iter_mut().for_each(|requests| requests.push(times));
    }

    /// Tells of the requests that were answered since it was told last.
    pub(super) fn tell_requests(&mut self) {
        if let Some(requests) = &mut self.books.requests {
            self.live.tell_requests(requests);
        }
    }
}

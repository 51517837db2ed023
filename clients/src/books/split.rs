//! The exact split of one request's latency.

/// The four parts of a latency, ns. Their sum is the total: there is no fifth part and no rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// From the intended start until a connection was free; 0 when one was free already.
    pub wait_ns: u64,
    /// From the moment at which it could have been sent until it was sent: the generator's fault.
    pub lag_ns: u64,
    /// From the sending (with a new connection: from the begin of the connect) to the end of the answer,
    /// without what is `reading_ns`.
    pub response_ns: u64,
    /// For how long the answer lay in the socket while the generator stood still: the generator's fault, too.
    pub reading_ns: u64,
}

impl Split {
    /// Splits a request. All times on one clock, ns: `intended` by the plan, `free` when the connection that
    /// took it became free, `sent` and `done` as measured.
    ///
    /// # Panics
    /// When the times are out of order: a request is sent neither before it is due nor on a connection that is not
    /// free, and is not done before it is sent.
    pub fn new(intended: u64, free: u64, sent: u64, done: u64) -> Self {
        let possible = intended.max(free);
        assert!(possible <= sent && sent <= done, "{intended} {free} {sent} {done}");
        Split {
            wait_ns: possible - intended,
            lag_ns: sent - possible,
            response_ns: done - sent,
            reading_ns: 0,
        }
    }

    /// Gives the generator what was its own: of the wait the time for which it stood still, since nobody knows
    /// whether a connection was free meanwhile, and of the response the time for which it left the answer
    /// unread.
    #[must_use]
    pub fn disturbed(self, still_ns: u64, unread_ns: u64) -> Self {
        let (still_ns, reading_ns) = (still_ns.min(self.wait_ns), unread_ns.min(self.response_ns));
        Split {
            wait_ns: self.wait_ns - still_ns,
            lag_ns: self.lag_ns + still_ns,
            response_ns: self.response_ns - reading_ns,
            reading_ns,
        }
    }

    /// From the intended start to the end of the answer.
    pub fn total_ns(&self) -> u64 {
        self.wait_ns + self.lag_ns + self.response_ns + self.reading_ns
    }

    /// What of it is the generator's.
    pub fn own_ns(&self) -> u64 {
        self.lag_ns + self.reading_ns
    }

    /// What of it is not: the server's, the network's, and the want of connections.
    pub fn rest_ns(&self) -> u64 {
        self.wait_ns + self.response_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_told_apart() {
        let idle = Split::new(100, 20, 103, 150);
        assert_eq!(idle, Split { wait_ns: 0, lag_ns: 3, response_ns: 47, reading_ns: 0 });
        let queued = Split::new(100, 130, 131, 150);
        assert_eq!(queued, Split { wait_ns: 30, lag_ns: 1, response_ns: 19, reading_ns: 0 });
        let disturbed = queued.disturbed(20, 4);
        assert_eq!(disturbed, Split { wait_ns: 10, lag_ns: 21, response_ns: 15, reading_ns: 4 });
    }

    proptest! {
        #[test]
        fn the_parts_add_up(intended in 0u64..1 << 50, free in 0u64..1 << 50, lag in 0u64..1 << 40, response in 0u64..1 << 40) {
            let sent = intended.max(free) + lag;
            let split = Split::new(intended, free, sent, sent + response);
            prop_assert_eq!(split.total_ns(), sent + response - intended);
            prop_assert_eq!(split.lag_ns, lag);
            prop_assert_eq!(split.response_ns, response);
        }

        #[test]
        fn a_disturbance_moves_time_and_makes_none(wait in 0u64..1 << 40, response in 0u64..1 << 40, still in 0u64..1 << 41, unread in 0u64..1 << 41) {
            let split = Split::new(0, wait, wait + 5, wait + 5 + response);
            let disturbed = split.disturbed(still, unread);
            prop_assert_eq!(disturbed.total_ns(), split.total_ns());
            prop_assert_eq!(disturbed.own_ns() + disturbed.rest_ns(), split.total_ns());
            prop_assert_eq!(disturbed.own_ns(), 5 + still.min(wait) + unread.min(response));
        }
    }
}

//! The exact split of one request's latency.

/// The three parts of a latency, ns. Their sum is the total: there is no fourth part and no rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    /// From the intended start until a connection was free; 0 when one was free already.
    pub wait_ns: u64,
    /// From the moment at which it could have been sent until it was sent: the generator's fault.
    pub lag_ns: u64,
    /// From the sending (with a new connection: from the begin of the connect) to the end of the answer.
    pub response_ns: u64,
}

impl Split {
    /// Splits a request. All times on one clock, ns: `intended` by the plan, `free` when the connection that took it
    /// became free, `sent` and `done` as measured.
    ///
    /// # Panics
    /// When the times are out of order: a request is sent neither before it is due nor on a connection that is not
    /// free, and is not done before it is sent.
    pub fn new(intended: u64, free: u64, sent: u64, done: u64) -> Self {
        let possible = intended.max(free);
        assert!(possible <= sent && sent <= done, "{intended} {free} {sent} {done}");
        Split { wait_ns: possible - intended, lag_ns: sent - possible, response_ns: done - sent }
    }

    /// From the intended start to the end of the answer.
    pub fn total_ns(&self) -> u64 {
        self.wait_ns + self.lag_ns + self.response_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_told_apart() {
        let idle = Split::new(100, 20, 103, 150);
        assert_eq!(idle, Split { wait_ns: 0, lag_ns: 3, response_ns: 47 });
        let queued = Split::new(100, 130, 131, 150);
        assert_eq!(queued, Split { wait_ns: 30, lag_ns: 1, response_ns: 19 });
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
    }
}

//! The points that the requests of a traced session pass. Of one that is not traced each costs a test.

use super::Session;
use crate::trace::connection::ConnectionTrace;

impl Session<'_> {
    /// Where it is written down what becomes of requests; `None`: the connection is not traced.
    pub fn trace(&self) -> Option<&ConnectionTrace> {
        self.trace.as_ref()
    }

    /// The request that was taken waits for something.
    pub fn waits(&self) {
        if let Some(trace) = &self.trace {
            trace.waits();
        }
    }

    /// Octets were taken in.
    #[inline]
    pub(super) fn note_arrival(&self) {
        let Some(trace) = &self.trace else { return };
        if self.http.has_request() {
            trace.is_whole();
        } else if !self.http.is_idle() && !self.http.is_over() {
            trace.arrives();
        }
    }

    /// Octets were given to the kernel.
    #[inline]
    pub(super) fn note_written(&self) {
        let Some(trace) = &self.trace else { return };
        let is_sealed = self.secure.as_ref().is_none_or(|secure| secure.pipe.pending().is_empty());
        if is_sealed && self.http.pending().is_empty() {
            trace.emptied();
        }
    }
}

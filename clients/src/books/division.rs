//! Whose the latency was: the generator's own part (lag and late reading) and the rest, as two histograms.
//!
//! Most answers are read in time and have waited for no connection: then the own part is the lag and the rest
//! is the response, which are recorded anyway. Only the others are recorded here, so that an ordinary request
//! costs nothing.

use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::books::histogram::Recorder;
use crate::books::split::Split;

/// What has to be exchanged in the histograms of lag and response to get those of the own part and of the rest.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Division {
    /// Of answers that were read late: their lags, and what the generator had of them in all.
    read_late: Exchange,
    /// Of requests that waited: their responses, and these with the wait.
    waited: Exchange,
    /// For how long answers were left unread; those that were not are not in it.
    unread: Option<Box<Recorder>>,
}

/// Taken out, and put in instead.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Exchange(Option<Box<(Recorder, Recorder)>>);

impl Exchange {
    fn record(&mut self, out_ns: u64, in_ns: u64) {
        let recorders = self.0.get_or_insert_default();
        recorders.0.record(out_ns);
        recorders.1.record(in_ns);
    }

    fn merge(&mut self, other: Exchange) {
        match (&mut self.0, other.0) {
            (Some(mine), Some(others)) => {
                mine.0.merge(&others.0);
                mine.1.merge(&others.1);
            }
            (mine @ None, others) => *mine = others,
            (Some(_), None) => {}
        }
    }

    fn of(&self, recorder: &Recorder) -> Histogram<u64> {
        let mut all = recorder.histogram();
        if let Some(recorders) = &self.0 {
            // What is taken out was recorded in it, so this cannot fail.
            let _ = all.subtract(recorders.0.histogram());
            all += recorders.1.histogram();
        }
        all
    }
}

impl Division {
    /// A request, split as this. One that neither waited nor was read late need not be recorded.
    pub fn record(&mut self, split: &Split) {
        if split.reading_ns > 0 {
            self.read_late.record(split.lag_ns, split.own_ns());
            self.unread.get_or_insert_default().record(split.reading_ns);
        }
        if split.wait_ns > 0 {
            self.waited.record(split.response_ns, split.rest_ns());
        }
    }

    /// The generator's own parts, from the histogram of all lags.
    pub fn own(&self, lag: &Recorder) -> Histogram<u64> {
        self.read_late.of(lag)
    }

    /// The rests, from the histogram of all responses.
    pub fn rest(&self, response: &Recorder) -> Histogram<u64> {
        self.waited.of(response)
    }

    /// For how long answers were left unread, of `count` answers in all.
    pub fn reading(&self, count: u64) -> Recorder {
        let mut all = self.unread.as_deref().cloned().unwrap_or_default();
        all.record_zeros(count.saturating_sub(all.count()));
        all
    }

    /// Adds another thread's.
    pub fn merge(&mut self, other: Division) {
        match (&mut self.unread, other.unread) {
            (Some(mine), Some(others)) => mine.merge(&others),
            (mine @ None, others) => *mine = others,
            (Some(_), None) => {}
        }
        self.read_late.merge(other.read_late);
        self.waited.merge(other.waited);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_are_as_if_each_request_had_been_recorded() {
        let (mut lag, mut response) = (Recorder::default(), Recorder::default());
        let (mut own, mut rest) = (Recorder::default(), Recorder::default());
        let mut reading = Recorder::default();
        let (mut one, mut other) = (Division::default(), Division::default());
        for k in 0..10_000u64 {
            let free = if k % 3 == 0 { 5_000 + k } else { 0 };
            let unread = if k % 7 == 0 { 900_000 + k * 11 } else { 0 };
            let split =
                Split::new(100, free, free.max(100) + k % 50, free + 2_000_000 + k).disturbed(k % 40, unread);
            lag.record(split.lag_ns);
            response.record(split.response_ns);
            own.record(split.own_ns());
            rest.record(split.rest_ns());
            reading.record(split.reading_ns);
            let thread = if k % 2 == 0 { &mut one } else { &mut other };
            thread.record(&split);
        }
        one.merge(other);
        assert_eq!(one.own(&lag), own.histogram());
        assert_eq!(one.rest(&response), rest.histogram());
        assert_eq!(one.reading(lag.count()).histogram(), reading.histogram());
    }
}

//! The last while of a run, a moment for each piece of news, for its small chart.

use std::collections::VecDeque;

use dyno_clients::books::glance::Glance;

use crate::limits::VIEW_MOMENTS;

/// What came of a run in its last moments.
#[derive(Debug, Default)]
pub(crate) struct Moments {
    before: Glance,
    rates_per_s: VecDeque<f64>,
}

impl Moments {
    /// Adds what has come since the last news.
    pub(crate) fn add(&mut self, glance: &Glance) {
        let elapsed_ns = glance.now_ns.saturating_sub(self.before.now_ns);
        if elapsed_ns == 0 {
            return;
        }
        let fresh = glance.completed.saturating_sub(self.before.completed);
        self.rates_per_s.push_back(fresh as f64 * 1e9 / elapsed_ns as f64);
        if self.rates_per_s.len() > VIEW_MOMENTS {
            self.rates_per_s.pop_front();
        }
        self.before = *glance;
    }

    /// Answers a second, the latest last.
    pub(crate) fn rates_per_s(&self) -> impl DoubleEndedIterator<Item = f64> + '_ {
        self.rates_per_s.iter().copied()
    }
}

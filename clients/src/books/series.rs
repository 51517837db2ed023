//! The run over time, in a bounded number of intervals.

use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::books::glance::Glance;
use crate::books::stored::{at_most, decimal, of_interval, of_one_interval};
use crate::limits::{INTERVAL_FIRST_NS, INTERVALS_MAX};
use crate::outcome::{Series, SeriesInterval};

/// One interval while it is recorded.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Cell {
    sent: u64,
    completed: u64,
    failed: u64,
    /// Total latencies added up, ns, as decimal text.
    #[serde(with = "decimal")]
    #[schemars(with = "String")]
    sum_ns: u128,
    /// Made with the first value: most runs have idle intervals at their end.
    #[serde(with = "of_interval")]
    #[schemars(with = "Option<String>")]
    latencies: Option<Box<Histogram<u32>>>,
}

impl Cell {
    fn merge(&mut self, other: Cell) {
        self.sent += other.sent;
        self.completed += other.completed;
        self.failed += other.failed;
        self.sum_ns += other.sum_ns;
        match (&mut self.latencies, other.latencies) {
            (Some(mine), Some(others)) => **mine += *others,
            (mine @ None, others) => *mine = others,
            (Some(_), None) => {}
        }
    }

    fn mean_ns(&self) -> f64 {
        if self.completed == 0 { 0.0 } else { self.sum_ns as f64 / self.completed as f64 }
    }
}

/// Records into intervals of equal length; when there are too many, neighbours are merged in pairs.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct SeriesRecorder {
    /// Length of an interval, ns.
    interval_ns: u64,
    #[serde(deserialize_with = "at_most::<_, _, INTERVALS_MAX>")]
    cells: Vec<Cell>,
}

impl Default for SeriesRecorder {
    fn default() -> Self {
        SeriesRecorder { interval_ns: INTERVAL_FIRST_NS, cells: vec![Cell::default()] }
    }
}

/// Mean and spread over a part of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Spread {
    /// Mean, ns.
    pub mean_ns: f64,
    /// Mean square between the intervals' means, weighted by their counts, ns squared.
    pub between_ns2: f64,
    /// Intervals that hold values.
    pub intervals: usize,
    /// Values.
    pub count: u64,
}

impl SeriesRecorder {
    /// Whether what was read from a file can have been recorded: the first interval, doubled some times, at least one
    /// of them, and none too many.
    pub(super) fn is_possible(&self) -> bool {
        let parts = self.interval_ns / INTERVAL_FIRST_NS;
        let doubled = self.interval_ns.is_multiple_of(INTERVAL_FIRST_NS) && parts.is_power_of_two();
        doubled && (1..=INTERVALS_MAX).contains(&self.cells.len())
    }

    /// Answers in all intervals.
    pub(super) fn completed_in_all(&self) -> u64 {
        self.cells.iter().map(|cell| cell.completed).fold(0, u64::saturating_add)
    }

    /// A request was sent at `now_ns`.
    #[inline]
    pub fn sent(&mut self, now_ns: u64) {
        self.cell(now_ns).sent += 1;
    }

    /// An answer came at `now_ns`; its total latency was `total_ns`.
    #[inline]
    pub fn completed(&mut self, now_ns: u64, total_ns: u64) {
        let cell = self.cell(now_ns);
        cell.completed += 1;
        cell.sum_ns += u128::from(total_ns);
        let latencies = cell.latencies.get_or_insert_with(|| Box::new(of_one_interval()));
        latencies.saturating_record(total_ns);
    }

    /// A request failed at `now_ns`.
    pub fn failed(&mut self, now_ns: u64) {
        self.cell(now_ns).failed += 1;
    }

    #[inline]
    fn cell(&mut self, now_ns: u64) -> &mut Cell {
        // Nearly every call falls into the last interval, and saves the division.
        let last = self.cells.len() - 1;
        if (now_ns / self.interval_ns) as usize != last {
            return self.other_cell(now_ns);
        }
        &mut self.cells[last]
    }

    #[cold]
    fn other_cell(&mut self, now_ns: u64) -> &mut Cell {
        while (now_ns / self.interval_ns) as usize >= INTERVALS_MAX {
            self.coarsen();
        }
        let index = (now_ns / self.interval_ns) as usize;
        if index >= self.cells.len() {
            self.cells.resize_with(index + 1, Cell::default);
        }
        &mut self.cells[index]
    }

    fn coarsen(&mut self) {
        let fine = std::mem::take(&mut self.cells);
        for (i, cell) in fine.into_iter().enumerate() {
            if i % 2 == 0 {
                self.cells.push(cell);
            } else if let Some(last) = self.cells.last_mut() {
                last.merge(cell);
            }
        }
        self.interval_ns *= 2;
    }

    /// Adds what another thread has recorded over the same time.
    pub fn merge(&mut self, mut other: SeriesRecorder) {
        while self.interval_ns < other.interval_ns {
            self.coarsen();
        }
        while other.interval_ns < self.interval_ns {
            other.coarsen();
        }
        if self.cells.len() < other.cells.len() {
            self.cells.resize_with(other.cells.len(), Cell::default);
        }
        for (mine, others) in self.cells.iter_mut().zip(other.cells) {
            mine.merge(others);
        }
    }

    /// Mean of the total latency from `from_ns` to `to_ns`, over whole intervals only, and how the intervals' means
    /// spread about it.
    pub fn spread(&self, from_ns: u64, to_ns: u64) -> Spread {
        let inside = self.cells.iter().enumerate().filter(|(i, cell)| {
            let start = *i as u64 * self.interval_ns;
            cell.completed > 0 && start >= from_ns && start + self.interval_ns <= to_ns
        });
        let cells: Vec<&Cell> = inside.map(|(_, cell)| cell).collect();
        let count: u64 = cells.iter().map(|c| c.completed).sum();
        if count == 0 {
            return Spread::default();
        }
        let mean_ns = cells.iter().map(|c| c.sum_ns as f64).sum::<f64>() / count as f64;
        let squares: f64 = cells.iter().map(|c| c.completed as f64 * (c.mean_ns() - mean_ns).powi(2)).sum();
        Spread {
            mean_ns,
            between_ns2: squares / (cells.len().max(2) - 1) as f64,
            intervals: cells.len(),
            count,
        }
    }

    /// Sums so far, and the 99th percentile of the interval before the one that is being recorded.
    pub fn recent(&self) -> Glance {
        let last = self.cells.len().saturating_sub(2);
        let latencies = self.cells[last].latencies.as_ref();
        Glance {
            sent: self.cells.iter().map(|c| c.sent).sum(),
            completed: self.cells.iter().map(|c| c.completed).sum(),
            failed: self.cells.iter().map(|c| c.failed).sum(),
            recent_p99_ns: latencies.map_or(0, |l| l.value_at_quantile(0.99)),
            ..Glance::default()
        }
    }

    /// What is told of it.
    pub fn series(&self) -> Series {
        let intervals = self.cells.iter().enumerate().map(|(i, cell)| {
            let at = |q: f64| cell.latencies.as_ref().map_or(0, |l| l.value_at_quantile(q).min(l.max()));
            SeriesInterval {
                start_ns: i as u64 * self.interval_ns,
                sent: cell.sent,
                completed: cell.completed,
                failed: cell.failed,
                p50_ns: at(0.5),
                p99_ns: at(0.99),
                max_ns: at(1.0),
                mean_ns: cell.mean_ns(),
            }
        });
        Series { interval_ns: self.interval_ns, intervals: intervals.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_length_of_run_fits_and_nothing_is_lost() {
        let mut series = SeriesRecorder::default();
        let step = 3_000_000;
        for k in 0..100_000u64 {
            series.sent(k * step);
            series.completed(k * step, 1_000 + k);
        }
        let told = series.series();
        assert!(told.intervals.len() <= INTERVALS_MAX && told.intervals.len() > INTERVALS_MAX / 2);
        assert_eq!(told.intervals.iter().map(|i| i.completed).sum::<u64>(), 100_000);
        assert!(told.intervals.windows(2).all(|w| w[1].start_ns - w[0].start_ns == told.interval_ns));
        assert!(told.intervals.windows(2).all(|w| w[1].mean_ns > w[0].mean_ns));
    }

    #[test]
    fn threads_at_different_coarseness_merge() {
        let (mut long, mut short) = (SeriesRecorder::default(), SeriesRecorder::default());
        long.completed(60_000_000_000, 5);
        short.completed(1, 7);
        short.merge(long);
        let told = short.series();
        assert_eq!(told.intervals.first().map(|i| i.completed), Some(1));
        assert_eq!(told.intervals.last().map(|i| i.completed), Some(1));
    }

    #[test]
    fn the_spread_tells_dependent_from_independent() {
        let mut series = SeriesRecorder::default();
        for k in 0..200u64 {
            for j in 0..50u64 {
                series.completed(k * INTERVAL_FIRST_NS + j, if k < 100 { 1_000 } else { 3_000 });
            }
        }
        let all = series.spread(0, 200 * INTERVAL_FIRST_NS);
        assert_eq!((all.mean_ns, all.count, all.intervals), (2_000.0, 10_000, 200));
        // The variance of the single values is 1e6; with 50 fully dependent values an interval, between is 50 times it.
        assert!((all.between_ns2 / 1e6 - 50.0).abs() < 1.0, "{}", all.between_ns2);
        assert_eq!(series.spread(0, 100 * INTERVAL_FIRST_NS).between_ns2, 0.0);
    }
}

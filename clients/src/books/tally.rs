//! The books of a run: what each thread writes down, and how the threads' books are joined.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::books::arrivals::Sample;
use crate::books::coarse::Coarse;
use crate::books::division::Division;
use crate::books::early::Early;
use crate::books::failures::Failures;
use crate::books::glance::WindowGlance;
use crate::books::histogram::Recorder;
use crate::books::series::SeriesRecorder;
use crate::books::split::Split;
use crate::books::stalls::Stalls;
use crate::books::steps::Steps;
use crate::books::stored::decimal;
use crate::failure::{Cause, RequestFailure};
use crate::outcome::impatience::Impatient;
use crate::outcome::{Counts, ErrorCount};

/// Everything that is counted. All times are ns from the start of the run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RunTally {
    /// Begin of the window, ns from the start.
    from_ns: u64,
    /// Its end; the largest number of 64 bits: as long as the run goes.
    to_ns: u64,
    /// From the intended start.
    pub total: Recorder,
    /// From the sending.
    pub response: Recorder,
    /// For a connection.
    pub wait: Recorder,
    /// The generator's fault.
    pub lag: Recorder,
    /// Whose the total latency was.
    pub division: Division,
    /// Of the steps of a rate that changes.
    pub steps: Steps,
    /// Of requests that were due before the window and were answered in it.
    pub early: Option<Box<Early>>,
    /// Of connections.
    pub connect: Recorder,
    /// Over time.
    pub series: SeriesRecorder,
    /// Stretches without an answer.
    pub stalls: Stalls,
    /// Total latencies in few classes, for whoever watches.
    #[serde(skip)]
    pub coarse: Coarse,
    /// Sums.
    pub counts: Counts,
    /// Of impatient clients; how many were good is known only where there is a patience.
    pub impatient: Impatient,
    /// A total latency up to this is good, ns.
    patience_ns: u64,
    /// Sample for the test of the arrival process.
    pub arrivals: Sample,
    failures: Failures,
    /// Requests in the system times ns, as decimal text.
    #[serde(with = "decimal")]
    #[schemars(with = "String")]
    in_system_area: u128,
    #[serde(skip)]
    in_system: u64,
    #[serde(skip)]
    in_system_since_ns: u64,
    /// Time that all requests together spent in the system, ns, as decimal text.
    #[serde(with = "decimal")]
    #[schemars(with = "String")]
    time_in_system_ns: u128,
    /// When the last answer came.
    pub last_done_ns: u64,
}

impl RunTally {
    /// Counts requests that are due from `from_ns` on and before `to_ns`; `u64::MAX`: as long as the run goes.
    pub fn new(from_ns: u64, to_ns: u64, arrivals: Sample) -> Self {
        RunTally {
            from_ns,
            to_ns,
            total: Recorder::default(),
            response: Recorder::default(),
            wait: Recorder::default(),
            lag: Recorder::default(),
            division: Division::default(),
            steps: Steps::default(),
            early: None,
            connect: Recorder::default(),
            series: SeriesRecorder::default(),
            stalls: Stalls::new(from_ns),
            coarse: Coarse::default(),
            counts: Counts::default(),
            impatient: Impatient::default(),
            patience_ns: u64::MAX,
            arrivals,
            failures: Failures::default(),
            in_system_area: 0,
            in_system: 0,
            in_system_since_ns: from_ns,
            time_in_system_ns: 0,
            last_done_ns: 0,
        }
    }

    /// With clients that wait for so long.
    #[must_use]
    pub fn with_patience(mut self, patience_ns: Option<u64>) -> Self {
        self.patience_ns = patience_ns.unwrap_or(u64::MAX);
        self
    }

    fn is_inside(&self, ns: u64) -> bool {
        self.from_ns <= ns && ns < self.to_ns
    }

    /// A request was sent.
    #[inline]
    pub fn sent(&mut self, intended_ns: u64, now_ns: u64, octets: u64) {
        self.series.sent(now_ns);
        self.arrivals.sent(intended_ns, now_ns);
        self.counts.sent += u64::from(self.is_inside(intended_ns));
        if self.is_inside(now_ns) {
            self.counts.sent_octets += octets;
        }
    }

    /// A request was sent that had come to nothing before. The schedule did not plan it, so its time is no sample of
    /// the arrivals.
    pub fn sent_again(&mut self, intended_ns: u64, now_ns: u64, octets: u64) {
        self.series.sent(now_ns);
        let is_inside = u64::from(self.is_inside(intended_ns));
        self.counts.sent += is_inside;
        self.impatient.retried += is_inside;
        if self.is_inside(now_ns) {
            self.counts.sent_octets += octets;
        }
    }

    /// A verified answer came at `now_ns`.
    #[inline]
    pub fn completed(&mut self, intended_ns: u64, split: &Split, now_ns: u64) {
        let total_ns = split.total_ns();
        // Every run of the tests holds each of its requests against this.
        debug_assert_eq!(total_ns, now_ns - intended_ns, "the parts are the whole");
        self.series.completed(now_ns, total_ns);
        self.stalls.answered(now_ns, total_ns);
        self.left_system(intended_ns, now_ns);
        self.last_done_ns = self.last_done_ns.max(now_ns);
        self.counts.completed_in_window += u64::from(self.is_inside(now_ns));
        if self.is_inside(intended_ns) {
            self.counts.completed += 1;
            self.impatient.good += u64::from(total_ns <= self.patience_ns);
            self.counts.waited += u64::from(split.wait_ns > 0);
            self.total.record(total_ns);
            self.coarse.record(total_ns);
            self.response.record(split.response_ns);
            self.wait.record(split.wait_ns);
            self.lag.record(split.lag_ns);
            if split.wait_ns | split.reading_ns != 0 {
                self.division.record(split);
            }
            self.steps.completed(intended_ns, split);
        } else if self.is_inside(now_ns) {
            self.early.get_or_insert_default().record(split);
        }
    }

    /// Octets arrived.
    #[inline]
    pub fn received(&mut self, now_ns: u64, octets: usize) {
        if self.is_inside(now_ns) {
            self.counts.received_octets += octets as u64;
        }
    }

    /// A request failed.
    pub fn failed(&mut self, failure: &RequestFailure, intended_ns: u64, now_ns: u64) {
        self.series.failed(now_ns);
        self.left_system(intended_ns, now_ns);
        self.last_done_ns = self.last_done_ns.max(now_ns);
        if self.is_inside(intended_ns) {
            self.counts.failed += 1;
            let impatient = &mut self.impatient;
            match failure {
                RequestFailure::Abandoned => impatient.abandoned += 1,
                RequestFailure::AbandonedUnsent => {
                    impatient.abandoned += 1;
                    impatient.abandoned_unsent += 1;
                }
                RequestFailure::Refused => impatient.refused += 1,
                _ => {}
            }
            self.steps.failed(intended_ns);
            self.failures.add(failure);
        }
    }

    /// The measured window so far.
    pub fn glance(&self, now_ns: u64) -> WindowGlance {
        WindowGlance {
            elapsed_ns: now_ns.min(self.to_ns).saturating_sub(self.from_ns),
            answered: self.counts.completed_in_window,
            completed: self.counts.completed,
            failed: self.counts.failed,
            sum_ns: self.total.sum_ns(),
            max_ns: self.total.max_ns(),
            lag_sum_ns: self.lag.sum_ns(),
        }
    }

    /// From `now_ns` on `count` requests are waiting or sent.
    #[inline]
    pub fn in_system(&mut self, now_ns: u64, count: u64) {
        let now = now_ns.clamp(self.in_system_since_ns, self.to_ns.max(self.in_system_since_ns));
        self.in_system_area += u128::from(self.in_system) * u128::from(now - self.in_system_since_ns);
        self.in_system_since_ns = now;
        self.in_system = count;
    }

    /// Requests are counted by [`RunTally::in_system`] only from when the generator looked at its schedule; how
    /// late that was, added up over all requests, belongs to the area too.
    pub fn entered_late(&mut self, late_ns: u64) {
        self.in_system_area += u128::from(late_ns);
    }

    /// A request that was due at `intended_ns` has come to its end, or is given up.
    #[inline]
    pub fn left_system(&mut self, intended_ns: u64, now_ns: u64) {
        self.time_in_system_ns += u128::from(self.inside_ns(intended_ns, now_ns));
    }

    /// Requests in the system times ns, over the window, from counting them.
    pub fn in_system_area(&self) -> f64 {
        self.in_system_area as f64
    }

    /// The same from the times of each request, those that straddle an edge of the window cut there. By
    /// Little's law in its operational form (Denning and Buzen 1978) both are equal, whatever the load was
    /// like.
    pub fn time_in_system_ns(&self) -> f64 {
        self.time_in_system_ns as f64
    }

    /// How much of a stretch lies in the window.
    #[inline]
    fn inside_ns(&self, from_ns: u64, to_ns: u64) -> u64 {
        to_ns.min(self.to_ns).saturating_sub(from_ns.max(self.from_ns))
    }

    /// Failures by kind, those that occurred.
    pub fn errors(&self) -> Vec<ErrorCount> {
        self.failures.told()
    }

    /// The cause of the first failure of the kind that came most often; `None` when nothing failed.
    pub fn usual_cause(&self) -> Option<Cause> {
        self.failures.usual_cause()
    }

    /// Whether what was read from a file can have been recorded: each answer stands in every one of its histograms.
    ///
    /// # Errors
    /// What cannot be.
    pub fn check(&self) -> Result<(), &'static str> {
        let completed = self.counts.completed;
        let each = [&self.total, &self.response, &self.wait, &self.lag];
        if each.iter().any(|recorder| recorder.count() != completed) {
            return Err("its histograms do not hold as many answers as its counts");
        }
        let failed: u64 = self.errors().iter().map(|error| error.count).fold(0, u64::saturating_add);
        if failed != self.counts.failed {
            return Err("its failures by kind are not as many as its counts have");
        }
        if !self.series.is_possible() {
            return Err("its intervals have a length that no run has");
        }
        if self.series.completed_in_all() < completed {
            return Err("its intervals hold fewer answers than its counts");
        }
        Ok(())
    }

    /// The window that is counted: its begin and its end, ns from the start.
    pub fn window(&self) -> (u64, u64) {
        (self.from_ns, self.to_ns)
    }

    /// Joins another thread's books to these.
    pub fn merge(&mut self, other: RunTally) {
        self.total.merge(&other.total);
        self.coarse.merge(&other.coarse);
        self.response.merge(&other.response);
        self.wait.merge(&other.wait);
        self.lag.merge(&other.lag);
        self.division.merge(other.division);
        self.steps.merge(other.steps);
        match (&mut self.early, other.early) {
            (Some(mine), Some(others)) => mine.merge(&others),
            (mine @ None, others) => *mine = others,
            (Some(_), None) => {}
        }
        self.connect.merge(&other.connect);
        self.series.merge(other.series);
        self.stalls.merge(&other.stalls);
        self.arrivals.merge(other.arrivals);
        let (c, o) = (&mut self.counts, &other.counts);
        c.intended += o.intended;
        c.sent += o.sent;
        c.completed += o.completed;
        c.failed += o.failed;
        c.completed_in_window += o.completed_in_window;
        c.received_octets += o.received_octets;
        c.sent_octets += o.sent_octets;
        c.waited += o.waited;
        let (i, o) = (&mut self.impatient, &other.impatient);
        i.good += o.good;
        i.abandoned += o.abandoned;
        i.abandoned_unsent += o.abandoned_unsent;
        i.refused += o.refused;
        i.retried += o.retried;
        // Of threads: their largest backlogs need not fall together, so this is an upper bound.
        self.counts.backlog_max += other.counts.backlog_max;
        self.failures.merge(other.failures);
        self.in_system_area += other.in_system_area;
        self.time_in_system_ns += other.time_in_system_ns;
        self.last_done_ns = self.last_done_ns.max(other.last_done_ns);
    }
}

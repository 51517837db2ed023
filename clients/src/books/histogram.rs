//! Recording durations, and what is told of them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::Serialize;

use crate::books::stored::{decimal, latencies, of_run};
use crate::limits::SAMPLES_BEYOND_MIN;
use crate::outcome::{Distribution, Percentile};

/// The quantiles that a run tells, if it has samples enough.
pub const QUANTILES: [f64; 8] = [0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999];

/// A histogram to three significant digits, with the exact sum.
#[derive(Debug, Clone, Serialize, JsonSchema, serde::Deserialize)]
pub struct Recorder {
    /// The durations above zero: HDR V2, compressed, in base64; empty without any.
    #[serde(with = "latencies")]
    #[schemars(with = "String")]
    histogram: Histogram<u64>,
    /// Their exact sum, ns, as decimal text.
    #[serde(with = "decimal")]
    #[schemars(with = "String")]
    sum_ns: u128,
    /// Values of zero are frequent (no wait, no lag), and cheaper to count apart.
    zeros: u64,
}

impl Default for Recorder {
    fn default() -> Self {
        Recorder { histogram: empty(), sum_ns: 0, zeros: 0 }
    }
}

/// An empty histogram for durations from 1 ns to [`LATENCY_MAX_NS`](crate::limits::LATENCY_MAX_NS).
pub fn empty() -> Histogram<u64> {
    of_run()
}

impl Recorder {
    /// Records a duration.
    #[inline]
    pub fn record(&mut self, ns: u64) {
        if ns == 0 {
            self.zeros += 1;
        } else {
            self.sum_ns += u128::from(ns);
            self.histogram.saturating_record(ns);
        }
    }

    /// Records `count` durations of zero.
    pub fn record_zeros(&mut self, count: u64) {
        self.zeros += count;
    }

    /// Adds what another has recorded.
    pub fn merge(&mut self, other: &Recorder) {
        self.histogram += &other.histogram;
        self.sum_ns += other.sum_ns;
        self.zeros += other.zeros;
    }

    /// Number of values.
    pub fn count(&self) -> u64 {
        self.histogram.len() + self.zeros
    }

    /// Exact sum, ns.
    pub fn sum_ns(&self) -> u128 {
        self.sum_ns
    }

    /// The longest, ns, to three digits; 0 without values.
    pub fn max_ns(&self) -> u64 {
        self.histogram.max()
    }

    /// Exact mean, ns; 0 without values.
    pub fn mean_ns(&self) -> f64 {
        if self.count() == 0 { 0.0 } else { self.sum_ns as f64 / self.count() as f64 }
    }

    /// The whole as one histogram.
    pub fn histogram(&self) -> Histogram<u64> {
        let mut all = self.histogram.clone();
        all.saturating_record_n(0, self.zeros);
        all
    }

    /// What is told of it. `dependence` is the number of samples that are worth one independent one.
    pub fn distribution(&self, dependence: f64) -> Distribution {
        let count = self.count();
        if count == 0 {
            return Distribution::default();
        }
        let all = self.histogram();
        let percentiles = QUANTILES
            .iter()
            .filter_map(|&quantile| {
                let samples_beyond = samples_beyond(count, quantile);
                (samples_beyond >= SAMPLES_BEYOND_MIN).then(|| Percentile {
                    quantile,
                    value_ns: all.value_at_quantile(quantile).min(all.max()),
                    samples_beyond,
                    effective_beyond: samples_beyond as f64 / dependence.max(1.0),
                })
            })
            .collect();
        Distribution {
            count,
            min_ns: all.min(),
            max_ns: all.max(),
            mean_ns: self.mean_ns(),
            stdev_ns: all.stdev(),
            percentiles,
            hdr_v2_base64: encode(&all),
        }
    }
}

/// Samples beyond a quantile.
pub fn samples_beyond(count: u64, quantile: f64) -> u64 {
    ((count as f64) * (1.0 - quantile) + 1e-9).floor() as u64
}

/// HDR V2, compressed, in base64.
///
/// # Panics
/// Never: a histogram can be written to memory.
pub fn encode(histogram: &Histogram<u64>) -> String {
    let mut octets = Vec::new();
    V2DeflateSerializer::new().serialize(histogram, &mut octets).expect("writing to memory succeeds");
    STANDARD.encode(octets)
}

/// Why a text is no histogram.
#[derive(Debug, thiserror::Error)]
pub enum HistogramError {
    /// It is not base64.
    #[error("the histogram is not base64: {0}")]
    Base64(base64::DecodeError),
    /// What it holds is no histogram in the format HDR V2.
    #[error("the histogram is not HDR V2: {0:?}")]
    Hdr(hdrhistogram::serialization::DeserializeError),
}

/// Reads what [`encode`] wrote; an empty text is an empty histogram.
///
/// # Errors
/// Says that the text is no such histogram.
pub fn decode(text: &str) -> Result<Histogram<u64>, HistogramError> {
    if text.is_empty() {
        return Ok(empty());
    }
    let octets = STANDARD.decode(text).map_err(HistogramError::Base64)?;
    Deserializer::new().deserialize(&mut octets.as_slice()).map_err(HistogramError::Hdr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_without_samples_are_not_told() {
        let mut recorder = Recorder::default();
        for ns in 1..=1000 {
            recorder.record(ns * 1000);
        }
        let told = recorder.distribution(2.0);
        assert_eq!(told.percentiles.last().map(|p| (p.quantile, p.samples_beyond)), Some((0.99, 10)));
        assert_eq!(told.percentiles.last().map(|p| p.effective_beyond), Some(5.0));
        assert!((told.percentile_ns(0.5).unwrap() as f64 / 500_000.0 - 1.0).abs() < 0.002);
        assert_eq!(told.percentile_ns(0.999), None);
        assert_eq!(told.mean_ns, 500_500.0);
    }

    #[test]
    fn zeros_count_and_nothing_is_lost_in_base64() {
        let mut recorder = Recorder::default();
        recorder.record(0);
        recorder.record(0);
        recorder.record(5_000_000);
        recorder.record(u64::MAX);
        let told = recorder.distribution(1.0);
        assert_eq!((told.count, told.min_ns), (4, 0));
        let back = decode(&told.hdr_v2_base64).unwrap();
        assert_eq!(back, recorder.histogram());
        assert!(decode("!").is_err());
    }

    #[test]
    fn merging_is_recording_together() {
        let (mut a, mut b, mut both) = (Recorder::default(), Recorder::default(), Recorder::default());
        for i in 0..1000u64 {
            if i % 3 == 0 {
                a.record(i * i);
            } else {
                b.record(i * i);
            }
            both.record(i * i);
        }
        a.merge(&b);
        assert_eq!(a.histogram(), both.histogram());
        assert_eq!(a.mean_ns(), both.mean_ns());
    }
}

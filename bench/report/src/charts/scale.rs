//! Maps values to places in a chart.

/// Ends of an axis at most: beyond them there is nothing that a machine can show, and steps from tick to tick would
/// lose themselves in the precision of the numbers.
const HIGHEST: f64 = 1e18;
/// The same below, on a logarithmic axis.
const LOWEST: f64 = 1e-12;

/// Ticks of an axis at most: five are aimed at, and rounding makes at most thrice as many.
const MOST_TICKS: u32 = 15;

/// A scale from values to places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ChartScale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    log: bool,
    binary: bool,
}

impl ChartScale {
    /// A linear scale from zero to a little beyond the largest value.
    pub(crate) fn linear(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let high = values.filter(|value| value.is_finite()).fold(0.0, f64::max).min(HIGHEST);
        ChartScale {
            low: 0.0,
            high: if high > 0.0 { high * 1.06 } else { 1.0 },
            from,
            to,
            log: false,
            binary: false,
        }
    }

    /// A linear scale from the smallest to the largest value, for places that have names.
    pub(crate) fn between(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .map(|value| value.clamp(-HIGHEST, HIGHEST))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        // A single place lies in the middle.
        let (low, high) = match (low, high) {
            (low, high) if high > low => (low, high),
            (only, _) if only.is_finite() => {
                // Beside a large value, one is lost in its precision.
                let beside = (only.abs() * 1e-3).max(1.0);
                (only - beside, only + beside)
            }
            _ => (0.0, 1.0),
        };
        ChartScale { low, high, from, to, log: false, binary: false }
    }

    /// A logarithmic scale that contains all values above zero, from a power of ten (or its double, or its half).
    pub(crate) fn log(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0f64);
        for value in values.filter(|value| value.is_finite() && *value > 0.0) {
            low = low.min(value.clamp(LOWEST, HIGHEST));
            high = high.max(value.clamp(LOWEST, HIGHEST));
        }
        if high == 0.0 {
            (low, high) = (1.0, 10.0);
        }
        let steps = [1.0, 2.0, 5.0, 10.0];
        let floor = |value: f64| {
            let power = 10f64.powf(value.log10().floor());
            steps
                .iter()
                .rev()
                .map(|step| step * power)
                .find(|step| *step <= value * 1.000_001)
                .unwrap_or(power)
        };
        let ceiling = |value: f64| {
            let power = 10f64.powf(value.log10().floor());
            steps
                .iter()
                .map(|step| step * power)
                .find(|step| *step >= value * 0.999_999)
                .unwrap_or(power * 10.0)
        };
        let (low, mut high) = (floor(low * 0.95), ceiling(high * 1.05));
        if high <= low {
            high = low * 10.0;
        }
        ChartScale { low, high, from, to, log: true, binary: false }
    }

    /// A logarithmic scale if `log`, else a linear one.
    pub(crate) fn over(log: bool, values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        if log { ChartScale::log(values, from, to) } else { ChartScale::linear(values, from, to) }
    }

    /// The same scale, marked at powers of two: for bytes, whose units are powers of two.
    pub(crate) fn in_binary(self, binary: bool) -> Self {
        ChartScale { binary, ..self }
    }

    /// The place of a value; values beyond the ends stay at the ends.
    pub(crate) fn place(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.max(self.low).ln() - self.low.ln()) / (self.high.ln() - self.low.ln())
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Values to mark on the axis: about five round ones.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        if self.log { self.log_ticks() } else { self.linear_ticks() }
    }

    fn linear_ticks(&self) -> Vec<f64> {
        let rough = (self.high - self.low) / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let decimal = [1.0, 2.0, 5.0, 10.0].iter().map(|step| step * power).find(|step| *step >= rough);
        let step = if self.binary { rough.log2().ceil().exp2() } else { decimal.unwrap_or(power) };
        (0..MOST_TICKS)
            .map(|count| self.low + f64::from(count) * step)
            .take_while(|tick| *tick <= self.high * 1.000_001)
            .collect()
    }

    fn log_ticks(&self) -> Vec<f64> {
        if self.binary {
            let (first, last) = (self.low.log2().ceil() as i32, self.high.log2().floor() as i32);
            let stride = [1, 2, 5].into_iter().find(|stride| last - first <= 6 * stride).unwrap_or(10);
            return (first..=last)
                .filter(|power| power % stride == 0)
                .map(|power| f64::from(power).exp2())
                .collect();
        }
        let decades = (self.high / self.low).log10();
        // Names beside each other need more room than names above each other.
        let dense = if self.to > self.from { 1.7 } else { 2.5 };
        let steps: &[f64] = match decades {
            few if few < dense => &[1.0, 2.0, 5.0],
            some if some < 3.0 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let first = self.low.log10().floor() as i32;
        let last = self.high.log10().ceil() as i32;
        (first..=last)
            .flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)))
            .filter(|tick| *tick >= self.low * 0.999_999 && *tick <= self.high * 1.000_001)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_scales_begin_at_zero() {
        let scale = ChartScale::linear([10.0, 100.0].into_iter(), 0.0, 106.0);
        assert!((scale.place(50.0) - 50.0).abs() < 1e-9);
        assert_eq!(scale.ticks(), vec![0.0, 50.0, 100.0]);
    }

    #[test]
    fn bytes_are_marked_at_powers_of_two() {
        let mib = 1_048_576.0;
        let linear = ChartScale::linear([9.0 * mib].into_iter(), 0.0, 1.0).in_binary(true);
        assert_eq!(linear.ticks(), [0.0, 2.0, 4.0, 6.0, 8.0].map(|count| count * mib));
        let log = ChartScale::log([100.0, 70.0 * mib].into_iter(), 0.0, 1.0).in_binary(true);
        assert_eq!(log.ticks(), [10.0, 15.0, 20.0, 25.0].map(f64::exp2));
    }

    #[test]
    fn log_scales_hold_every_value() {
        let scale = ChartScale::log([3.0, 700.0].into_iter(), 0.0, 1.0);
        assert!(scale.place(3.0) > 0.0 && scale.place(700.0) < 1.0);
        assert_eq!(scale.ticks(), vec![3.0, 10.0, 30.0, 100.0, 300.0, 1000.0]);
        assert_eq!(
            ChartScale::log([2.0, 30.0].into_iter(), 0.0, 1.0).ticks(),
            vec![1.0, 2.0, 5.0, 10.0, 20.0, 50.0]
        );
        assert!(ChartScale::log(std::iter::empty(), 0.0, 1.0).ticks().contains(&1.0));
    }

    #[test]
    fn no_value_makes_an_axis_without_end() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, 0.0, -1.0] {
            let values = || [1.0, value].into_iter();
            for scale in [
                ChartScale::linear(values(), 0.0, 1.0),
                ChartScale::log(values(), 0.0, 1.0),
                ChartScale::log(values(), 0.0, 1.0).in_binary(true),
                ChartScale::linear(values(), 0.0, 1.0).in_binary(true),
                ChartScale::between(values(), 0.0, 1.0),
                ChartScale::between([value].into_iter(), 0.0, 1.0),
            ] {
                assert!(scale.ticks().len() < 50, "{value}: {scale:?}");
                assert!(scale.place(0.5).is_finite(), "{value}: {scale:?}");
            }
        }
    }
}

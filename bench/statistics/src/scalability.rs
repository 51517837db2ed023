//! The Universal Scalability Law: `X(n) = lambda n / (1 + sigma (n - 1) + kappa n (n - 1))`.
//!
//! Source: Gunther, *Guerrilla Capacity Planning* (2007), chapters 4 to 6. `sigma` is contention (what must wait in
//! line), `kappa` is coherency (what must agree with every other). Fitted by Levenberg-Marquardt.

use levenberg_marquardt::{LeastSquaresProblem, LevenbergMarquardt};
use nalgebra::storage::Owned;
use nalgebra::{Dyn, OMatrix, OVector, U3, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::bootstrap::Interval;
use crate::limits::{LEAST_POINTS_FOR_A_FIT, SCALABILITY_RESAMPLES};
use crate::sample::sorted;

/// The fitted law, each coefficient with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scalability {
    /// Throughput of one core, in the unit of the input.
    pub lambda: Interval,
    /// Contention, a share from 0 to 1.
    pub sigma: Interval,
    /// Coherency, from 0 up; above 0 there is a peak.
    pub kappa: Interval,
    /// Where throughput peaks, in cores; absent when `kappa` is 0.
    pub peak: Option<f64>,
}

/// Throughput that the law gives for `n` cores.
pub fn throughput(lambda: f64, sigma: f64, kappa: f64, n: f64) -> f64 {
    lambda * n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0))
}

/// Fits the law to points `(cores, throughput)`.
///
/// # Returns
/// `None` with fewer than four distinct numbers of cores: three coefficients go through three points whatever they are,
/// and a fit on two is a drawing, not a finding.
pub fn fit(points: &[(f64, f64)], seed: u64) -> Option<Scalability> {
    let mut cores = sorted(&points.iter().map(|point| point.0).collect::<Vec<_>>());
    cores.dedup();
    if cores.len() < LEAST_POINTS_FOR_A_FIT {
        return None;
    }
    let best = solve(points)?;
    // Residual bootstrap: the design (which cores) is fixed, so the errors are what is drawn anew.
    let errors: Vec<f64> =
        points.iter().map(|(n, x)| x / throughput(best[0], best[1], best[2], *n)).collect();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn: [Vec<f64>; 3] = Default::default();
    for _ in 0..SCALABILITY_RESAMPLES {
        let varied: Vec<(f64, f64)> = points
            .iter()
            .map(|(n, _)| {
                let error = errors[random.random_range(0..errors.len())];
                (*n, throughput(best[0], best[1], best[2], *n) * error)
            })
            .collect();
        if let Some(found) = solve(&varied) {
            for (values, value) in drawn.iter_mut().zip(found) {
                values.push(value);
            }
        }
    }
    let [lambda, sigma, kappa] =
        [0, 1, 2].map(|which| Interval::percentile(best[which], &sorted(&drawn[which]), 0.95, points.len()));
    let peak = (best[2] > 1e-9).then(|| ((1.0 - best[1]).max(0.0) / best[2]).sqrt());
    Some(Scalability { lambda, sigma, kappa, peak })
}

/// Coefficients `[lambda, sigma, kappa]`; the last two are kept from falling below zero by fitting their square roots.
fn solve(points: &[(f64, f64)]) -> Option<[f64; 3]> {
    let first = points.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let scale = first.1 / first.0;
    let start = Vector3::new(1.0, 0.2, 0.03);
    let relative: Vec<(f64, f64)> = points.iter().map(|(n, x)| (*n, x / scale)).collect();
    let (solved, report) = LevenbergMarquardt::new().minimize(Law { points: &relative, at: start });
    report.termination.was_successful().then(|| {
        let at = solved.at;
        [at[0] * scale, at[1] * at[1], at[2] * at[2]]
    })
}

struct Law<'a> {
    points: &'a [(f64, f64)],
    at: Vector3<f64>,
}

impl LeastSquaresProblem<f64, Dyn, U3> for Law<'_> {
    type ResidualStorage = Owned<f64, Dyn>;
    type JacobianStorage = Owned<f64, Dyn, U3>;
    type ParameterStorage = Owned<f64, U3>;

    fn set_params(&mut self, at: &Vector3<f64>) {
        self.at = *at;
    }

    fn params(&self) -> Vector3<f64> {
        self.at
    }

    fn residuals(&self) -> Option<OVector<f64, Dyn>> {
        let (sigma, kappa) = (self.at[1] * self.at[1], self.at[2] * self.at[2]);
        let residuals = self.points.iter().map(|(n, x)| throughput(self.at[0], sigma, kappa, *n) - x);
        Some(OVector::<f64, Dyn>::from_iterator(self.points.len(), residuals))
    }

    fn jacobian(&self) -> Option<OMatrix<f64, Dyn, U3>> {
        let (a, b) = (self.at[1], self.at[2]);
        let mut jacobian = OMatrix::<f64, Dyn, U3>::zeros(self.points.len());
        for (row, (n, _)) in self.points.iter().enumerate() {
            let below = 1.0 + a * a * (n - 1.0) + b * b * n * (n - 1.0);
            let x = self.at[0] * n / below;
            jacobian[(row, 0)] = n / below;
            jacobian[(row, 1)] = -x / below * 2.0 * a * (n - 1.0);
            jacobian[(row, 2)] = -x / below * 2.0 * b * n * (n - 1.0);
        }
        Some(jacobian)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovers_known_coefficients() {
        let points: Vec<(f64, f64)> = [1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0]
            .iter()
            .zip([1.004, 0.997, 1.002, 0.995, 1.003, 1.0, 0.998, 1.001])
            .map(|(n, noise)| (*n, throughput(10_000.0, 0.05, 0.002, *n) * noise))
            .collect();
        let law = fit(&points, 5).unwrap();
        assert!((law.lambda.value / 10_000.0 - 1.0).abs() < 0.02, "{law:?}");
        assert!((law.sigma.value - 0.05).abs() < 0.006, "{law:?}");
        assert!((law.kappa.value - 0.002).abs() < 0.0004, "{law:?}");
        assert!(law.sigma.low <= 0.05 && 0.05 <= law.sigma.high, "{law:?}");
        assert!((law.peak.unwrap() - 21.8).abs() < 2.0, "{law:?}");
    }

    #[test]
    fn two_or_three_numbers_of_cores_are_no_fit() {
        assert_eq!(fit(&[(1.0, 10.0), (2.0, 19.0), (1.0, 10.1), (2.0, 18.9)], 5), None);
        assert_eq!(fit(&[(1.0, 10.0), (2.0, 19.0), (3.0, 25.0)], 5), None);
    }

    #[test]
    fn the_law_agrees_with_a_calculation_by_hand() {
        assert_eq!(throughput(100.0, 0.1, 0.01, 1.0), 100.0, "one core waits for nobody");
        assert!((throughput(100.0, 0.1, 0.01, 4.0) - 400.0 / 1.42).abs() < 1e-9);
    }

    #[test]
    fn the_derivatives_are_those_of_the_residuals() {
        let points = [(1.0, 0.9), (2.0, 1.8), (5.0, 3.1), (9.0, 2.2)];
        let law = |at: Vector3<f64>| Law { points: &points, at };
        let at = Vector3::new(1.1, 0.3, 0.07);
        let told = law(at).jacobian().unwrap();
        const STEP: f64 = 1e-6;
        for place in 0..3 {
            let (mut above, mut below) = (at, at);
            above[place] += STEP;
            below[place] -= STEP;
            let change = law(above).residuals().unwrap() - law(below).residuals().unwrap();
            for row in 0..points.len() {
                let slope = change[row] / (2.0 * STEP);
                assert!((told[(row, place)] - slope).abs() < 1e-7, "{row} {place}: {told} {slope}");
            }
        }
    }
}

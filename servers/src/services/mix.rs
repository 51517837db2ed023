//! `/mix`: a seeded, heavy-tailed blend of compute and wait, as in real services.
//!
//! Request number K of the sequence computes for a time drawn from a bounded Pareto law (shape 1.3, 5 us to 5 ms, mean
//! about 19 us) and, one time in four, waits for a back end as well (shape 1.5, 100 us to 20 ms). `/mix/K` is always
//! the same request, `/mix` is the next in the server's own sequence.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use dyno_http::response::{Body, Response};
use dyno_http::status::Status;

use super::service::{Needs, Reply, Service, number};
use super::work::work;

/// The row of the table.
pub const SERVICE: Service = Service {
    segment: "mix",
    path: "/mix or /mix/K",
    idea: "a seeded, heavy-tailed blend of compute and wait",
    answer: "mixed",
    methods: &["GET", "HEAD"],
    needs: Needs::Nothing,
    is_long: true,
    call: |services, _, rest| {
        let place = if rest.is_empty() {
            Ok(services.mixed[0].fetch_add(1, Relaxed))
        } else {
            number(rest, u64::MAX)
        };
        let place = match place {
            Ok(place) => place,
            Err(refusal) => return Reply::Now(refusal),
        };
        let draw = Draw::number(place);
        work(draw.compute_ns * services.rounds.per_us() / 1000);
        let response = Response::new(Status::OK, "text/plain", Body::Static(b"mixed\n"));
        match draw.wait_us {
            0 => Reply::Now(response),
            micros => Reply::After(Duration::from_micros(micros), response),
        }
    },
};

/// What one request of the sequence costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// CPU time, in nanoseconds.
    pub compute_ns: u64,
    /// Time at the back end, in microseconds; 0 means that the request asks no back end.
    pub wait_us: u64,
}

impl Draw {
    /// Request `place` of the sequence.
    pub fn number(place: u64) -> Draw {
        let compute_us = bounded_pareto(uniform(place, 1), 1.3, 5.0, 5_000.0);
        let asks = uniform(place, 2) < 0.25;
        let wait_us = if asks { bounded_pareto(uniform(place, 3), 1.5, 100.0, 20_000.0) as u64 } else { 0 };
        Draw { compute_ns: (compute_us * 1000.0) as u64, wait_us }
    }
}

/// The inverse of the distribution function of the bounded Pareto law.
fn bounded_pareto(uniform: f64, shape: f64, least: f64, most: f64) -> f64 {
    let tail = (least / most).powf(shape);
    least / (1.0 - uniform * (1.0 - tail)).powf(1.0 / shape)
}

/// A number in [0, 1) that depends on the place in the sequence and on its purpose (SplitMix64).
fn uniform(place: u64, purpose: u64) -> f64 {
    let mut bits = place.wrapping_mul(4).wrapping_add(purpose).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_what_the_documentation_says() {
        let draws: Vec<_> = (0..200_000).map(Draw::number).collect();
        let compute_us = draws.iter().map(|d| d.compute_ns as f64 / 1000.0).sum::<f64>() / draws.len() as f64;
        assert!((17.0..21.0).contains(&compute_us), "mean compute {compute_us} us");
        let asked = draws.iter().filter(|d| d.wait_us > 0).count() as f64 / draws.len() as f64;
        assert!((0.245..0.255).contains(&asked), "asked {asked}");
    }

    #[test]
    fn draws_stay_within_their_bounds_and_repeat() {
        for place in (0..10_000).chain([u64::MAX]) {
            let draw = Draw::number(place);
            assert!((5_000..=5_000_000).contains(&draw.compute_ns), "{draw:?}");
            assert!(draw.wait_us == 0 || (100..=20_000).contains(&draw.wait_us), "{draw:?}");
            assert_eq!(draw, Draw::number(place));
        }
    }
}

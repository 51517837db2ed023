use super::*;
use crate::limits::KEPT_CELLS_TO_CONFIRM;
use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A server that keeps the limit up to a rate; with chance it seems otherwise.
struct Model {
    critical_per_s: f64,
    /// Share of cells at good rates that miss the limit all the same.
    unlucky: f64,
    /// Share of cells up to a tenth past the critical point that keep it all the same.
    lucky: f64,
    /// Share of cells that are void.
    void: f64,
    /// Rate from which on nothing can be measured.
    wall_per_s: f64,
    random: ChaCha8Rng,
}

impl Model {
    fn new(critical_per_s: f64, seed: u64) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Model { critical_per_s, unlucky: 0.0, lucky: 0.0, void: 0.0, wall_per_s: f64::INFINITY, random }
    }

    fn cell(&mut self, rate: f64) -> Option<bool> {
        if rate >= self.wall_per_s || self.random.random_bool(self.void) {
            return None;
        }
        let luck = if rate <= self.critical_per_s * 1.1 { self.lucky } else { 0.0 };
        let good = rate <= self.critical_per_s;
        Some(if good { !self.random.random_bool(self.unlucky) } else { self.random.random_bool(luck) })
    }

    /// The evidence after a search of at most `most` cells from `hint` on, and the number of cells.
    fn search(&mut self, hint: f64, most: usize) -> (RateEvidence, usize) {
        let mut evidence = RateEvidence::default();
        for cells in 0..most {
            let Some(rate) = evidence.next(hint) else { return (evidence, cells) };
            evidence.add(rate, self.cell(rate));
        }
        (evidence, most)
    }
}

#[test]
fn a_quiet_server_is_bracketed_by_a_confirmed_and_a_refuted_rate() {
    for critical in [3.0, 900.0, 12_345.0, 80_000.0, 2.5e6] {
        for hint in [0.1, 0.5, 0.8, 1.0, 1.7] {
            let (evidence, cells) = Model::new(critical, 1).search(critical * hint, 40);
            let Bracket { confirmed: Some(low), beyond: Some(high) } = evidence.bracket() else {
                panic!("{critical}, hint {hint}: {evidence:?}");
            };
            assert!(low.rate_per_s <= critical && critical < high.rate_per_s, "{critical}: {evidence:?}");
            // A rate is at least one a second and has three digits, so small ones lie further apart.
            let close = high.rate_per_s - low.rate_per_s <= (low.rate_per_s * BRACKET).max(1.0) * 1.001;
            assert!(close, "{critical}, hint {hint}: {evidence:?}");
            assert_eq!((low.standing(), high.standing()), (RateStanding::Confirmed, RateStanding::Refuted));
            assert!(cells <= 24, "{critical}, hint {hint}: {cells} cells");
        }
    }
}

#[test]
fn what_the_second_look_refutes_is_never_the_critical_point() {
    let mut near = 0;
    for seed in 0..500 {
        let mut model =
            Model { unlucky: 0.1, lucky: 0.3, void: 0.1, ..Model::new(10_000.0 + seed as f64 * 37.0, seed) };
        let critical = model.critical_per_s;
        let (mut evidence, _) = model.search(critical * 0.8, 40);
        // The blocks of the curve measure the point again, and whatever they say counts.
        for _ in 0..2 {
            let Some(found) = evidence.bracket().confirmed else { break };
            (0..3).for_each(|_| evidence.add(found.rate_per_s, model.cell(found.rate_per_s)));
            for _ in 0..24 {
                let Some(rate) = evidence.next(critical) else { break };
                evidence.add(rate, model.cell(rate));
            }
        }
        let Some(found) = evidence.bracket().confirmed else { continue };
        let Tries { kept, missed, .. } = found.tries;
        assert!(kept >= KEPT_CELLS_TO_CONFIRM && kept > 2 * missed, "seed {seed}: {evidence:?}");
        near += usize::from((critical * 0.85..=critical * 1.1).contains(&found.rate_per_s));
    }
    assert!(near >= 450, "{near} of 500 are near the truth");
}

#[test]
fn a_lucky_first_look_is_taken_back_and_the_search_goes_on_below() {
    let mut evidence = RateEvidence::default();
    for rate in [63_000.0, 78_000.0] {
        evidence.add(rate, Some(true));
    }
    evidence.add(79_000.0, Some(false));
    assert_eq!(evidence.next(1.0), Some(78_000.0), "the point is looked at again");
    evidence.add(78_000.0, Some(false));
    assert_eq!(evidence.next(1.0), Some(78_000.0), "one against one");
    evidence.add(78_000.0, Some(false));
    let next = evidence.next(1.0).unwrap();
    assert!(next > 63_000.0 && next < 78_000.0, "{next}");
    assert_eq!(evidence.bracket().confirmed, None, "nothing was confirmed yet");
}

#[test]
fn a_confirmed_rate_above_an_unlucky_one_stays_and_above_a_refuted_one_falls() {
    let mut evidence = RateEvidence::default();
    (0..3).for_each(|_| evidence.add(100.0, Some(true)));
    (0..2).for_each(|_| evidence.add(104.0, Some(false)));
    assert_eq!(evidence.next(1.0), None);
    evidence.add(80.0, Some(false));
    assert_eq!(evidence.next(1.0), Some(80.0), "a lower one that missed is looked at again");
    let mut unlucky = evidence.clone();
    (0..2).for_each(|_| unlucky.add(80.0, Some(true)));
    assert_eq!(unlucky.next(1.0), None);
    assert_eq!(unlucky.bracket().confirmed.unwrap().rate_per_s, 100.0);
    evidence.add(80.0, Some(false));
    assert_eq!(evidence.bracket().confirmed, None);
    assert_eq!(evidence.next(1.0), Some(48.0));
}

#[test]
fn a_rate_that_cannot_be_measured_ends_the_search_as_what_it_is() {
    let (evidence, cells) = Model { wall_per_s: 50_000.0, ..Model::new(90_000.0, 1) }.search(90_000.0, 60);
    let Bracket { confirmed: Some(low), beyond: Some(high) } = evidence.bracket() else {
        panic!("{evidence:?}");
    };
    assert!(low.rate_per_s < 50_000.0 && low.rate_per_s > 45_000.0, "{evidence:?}");
    assert_eq!(high.standing(), RateStanding::Unmeasured);
    assert!(cells < 40, "{cells}");
}

#[test]
fn nothing_that_keeps_no_rate_is_searched_for_ever() {
    let (evidence, cells) = Model::new(0.0, 1).search(5_000.0, 200);
    assert!(cells < 200, "{evidence:?}");
    assert_eq!(evidence.bracket().confirmed, None);
    let none = RateEvidence::default();
    assert_eq!((none.bracket(), none.center(100.0)), (Bracket::default(), 50.0));
}

//! Does a claim of a textbook hold? The rule: the whole 95 % interval of the claimed quantity lies in the claimed
//! range, or the whole interval lies outside, or nothing is decided. A single value decides nothing.

use dyno_record::textbook::{ClaimEstimate, ClaimVerdict, ClaimedQuantity, ClaimedRange};
use dyno_statistics::bootstrap::{Interval, bca};
use dyno_statistics::limits::LEAST_BLOCKS_FOR_A_VERDICT;
use dyno_statistics::sample::midmean;

/// What a trial gave, one figure of each side a round.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrialRounds {
    /// The first side.
    pub first: Vec<f64>,
    /// The second side; empty where the claim is about one figure.
    pub second: Vec<f64>,
}

/// What the rounds say of a claim.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judgement {
    /// The claimed quantity with its interval; absent where too few rounds gave a figure.
    pub estimate: Option<ClaimEstimate>,
    /// Rounds that gave a figure.
    pub rounds: usize,
    /// The verdict.
    pub verdict: ClaimVerdict,
}

/// Judges a claim by its rounds. Ratios are averaged on a scale on which a half and a double are as far from one.
pub fn judge(claimed: ClaimedRange, rounds: &TrialRounds, seed: u64) -> Judgement {
    let values = quantity(claimed.of, rounds);
    let none = Judgement { estimate: None, rounds: values.len(), verdict: ClaimVerdict::NotDecided };
    if values.len() < LEAST_BLOCKS_FOR_A_VERDICT {
        return none;
    }
    let Some(found) = bca(&values, midmean, 0.95, seed) else { return none };
    let Interval { value, low, high, .. } = match claimed.of {
        ClaimedQuantity::Ratio => found.map(f64::exp),
        ClaimedQuantity::First => found,
    };
    let (least, most) = (claimed.least.unwrap_or(f64::NEG_INFINITY), claimed.most.unwrap_or(f64::INFINITY));
    let verdict = if low >= least && high <= most {
        ClaimVerdict::Holds
    } else if high < least || low > most {
        ClaimVerdict::DoesNotHold
    } else {
        ClaimVerdict::NotDecided
    };
    Judgement { estimate: Some(ClaimEstimate { value, low, high }), rounds: values.len(), verdict }
}

/// The quantity in each round that gave one; of a ratio its logarithm.
fn quantity(of: ClaimedQuantity, rounds: &TrialRounds) -> Vec<f64> {
    match of {
        ClaimedQuantity::First => rounds.first.iter().copied().filter(|value| value.is_finite()).collect(),
        ClaimedQuantity::Ratio => rounds
            .first
            .iter()
            .zip(&rounds.second)
            .filter(|(one, other)| one.is_finite() && other.is_finite() && **one > 0.0 && **other > 0.0)
            .map(|(one, other)| (one / other).ln())
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_LEAST_TEN: ClaimedRange =
        ClaimedRange { of: ClaimedQuantity::Ratio, least: Some(10.0), most: None };

    fn ratios(ratios: &[f64]) -> TrialRounds {
        TrialRounds {
            first: ratios.iter().map(|ratio| ratio * 7.0).collect(),
            second: vec![7.0; ratios.len()],
        }
    }

    fn values(values: &[f64]) -> TrialRounds {
        TrialRounds { first: values.to_vec(), second: Vec::new() }
    }

    #[test]
    fn planted_ratios_are_judged_by_their_whole_interval() {
        for (planted, expected) in [
            ([30.0, 31.0, 29.0, 30.5, 29.5, 30.0], ClaimVerdict::Holds),
            ([5.0, 5.1, 4.9, 5.0, 5.2, 4.8], ClaimVerdict::DoesNotHold),
            // The mean lies above ten, and the interval does not.
            ([4.0, 18.0, 11.0, 9.0, 16.0, 12.0], ClaimVerdict::NotDecided),
        ] {
            let found = judge(AT_LEAST_TEN, &ratios(&planted), 1);
            assert_eq!(found.verdict, expected, "{planted:?}: {found:?}");
            let estimate = found.estimate.unwrap();
            assert!(estimate.low <= estimate.value && estimate.value <= estimate.high, "{estimate:?}");
        }
    }

    #[test]
    fn a_range_has_two_ends() {
        let about_two = ClaimedRange { of: ClaimedQuantity::Ratio, least: Some(1.5), most: Some(3.0) };
        for (planted, expected) in [
            (2.0, ClaimVerdict::Holds),
            (1.5, ClaimVerdict::Holds),
            (3.0, ClaimVerdict::Holds),
            (1.2, ClaimVerdict::DoesNotHold),
            (8.0, ClaimVerdict::DoesNotHold),
        ] {
            // The logarithm and back may be off by a rounding.
            let planted = planted + if planted < 2.0 { 1e-9 } else { -1e-9 };
            assert_eq!(judge(about_two, &ratios(&[planted; 5]), 1).verdict, expected, "{planted}");
        }
    }

    #[test]
    fn shares_are_judged_as_they_are_nothing_and_all_included() {
        let all = ClaimedRange { of: ClaimedQuantity::First, least: Some(1.0), most: None };
        let none = ClaimedRange { of: ClaimedQuantity::First, least: None, most: Some(0.0) };
        for (planted, of_all, of_none) in [
            (vec![1.0; 5], ClaimVerdict::Holds, ClaimVerdict::DoesNotHold),
            (vec![0.0; 5], ClaimVerdict::DoesNotHold, ClaimVerdict::Holds),
            (vec![0.5; 5], ClaimVerdict::DoesNotHold, ClaimVerdict::DoesNotHold),
        ] {
            assert_eq!(judge(all, &values(&planted), 1).verdict, of_all, "{planted:?}");
            assert_eq!(judge(none, &values(&planted), 1).verdict, of_none, "{planted:?}");
        }
    }

    #[test]
    fn few_rounds_decide_nothing_however_clear_they_are() {
        for rounds in 0..5 {
            let found = judge(AT_LEAST_TEN, &ratios(&vec![1_000.0; rounds]), 1);
            assert_eq!((found.verdict, found.rounds), (ClaimVerdict::NotDecided, rounds));
            assert_eq!(found.estimate, None);
        }
    }

    #[test]
    fn figures_without_a_ratio_are_left_out() {
        let mut rounds = ratios(&[30.0; 5]);
        for (one, other) in [(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)] {
            rounds.first.push(one);
            rounds.second.push(other);
        }
        let found = judge(AT_LEAST_TEN, &rounds, 1);
        assert_eq!((found.rounds, found.verdict), (5, ClaimVerdict::Holds));
        let single = judge(
            ClaimedRange { of: ClaimedQuantity::First, least: Some(1.0), most: None },
            &values(&[f64::NAN; 9]),
            1,
        );
        assert_eq!((single.rounds, single.verdict), (0, ClaimVerdict::NotDecided));
    }
}

//! Where each design stands under a workload beside the others.

use dyno_statistics::verdict::ComparisonVerdict;

use super::{Score, Standing};
use crate::figure::RowFigure;
use crate::limits::{JAM_BUSY_SHARE, JAM_RATE_SHARE};

/// How a figure stands against the best one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Against {
    Level,
    Behind,
    TooFew,
}

/// The scores with their standings and shares. Those that fail, or of which nothing counts, keep what they have.
pub(super) fn stand(mut scores: Vec<Score>, threshold: f64, seed: u64) -> Vec<Score> {
    let judge = Judge { threshold, seed };
    let rate = |score: &&Score| score.rate.value().unwrap_or(0.0);
    let Some(fastest) = scores.iter().max_by(|one, other| rate(one).total_cmp(&rate(other))) else {
        return scores;
    };
    let fastest = fastest.rate.clone();
    let carries: Vec<Against> = scores.iter().map(|score| judge.carries(score, &fastest)).collect();
    let carrier = |place: usize| carries[place] != Against::Behind;
    let cheapest = (0..scores.len())
        .filter(|place| carrier(*place) && scores[*place].rate.value().is_some())
        .filter_map(|place| Some((place, scores[place].cpu_ns.value()?)))
        .min_by(|one, other| one.1.total_cmp(&other.1))
        .map(|(place, _)| scores[place].cpu_ns.clone());
    for (score, carries) in scores.iter_mut().zip(carries) {
        let Some(rate) = score.rate.value() else { continue };
        let of_rate = if score.seen.generator_full { 1.0 } else { rate / fastest.value().unwrap_or(rate) };
        let of_cost = cheapest.as_ref().and_then(|best| Some(best.value()? / score.cpu_ns.value()?));
        score.share = Some(of_rate.min(of_cost.unwrap_or(1.0)).min(1.0));
        score.standing = match carries {
            Against::TooFew => Standing::Unknown(score.rate.reason.clone()),
            Against::Behind if is_jammed(score, of_rate) => Standing::Jammed,
            Against::Behind => Standing::Slower,
            Against::Level => match cheapest.as_ref().map(|best| judge.against(&score.cpu_ns, best, false)) {
                None | Some(Against::Level) => Standing::Best,
                Some(Against::Behind) => Standing::Costly,
                Some(Against::TooFew) => Standing::Unknown(score.cpu_ns.reason.clone()),
            },
        };
    }
    scores
}

/// Whether clients wait for something else than its cores.
fn is_jammed(score: &Score, of_rate: f64) -> bool {
    of_rate < JAM_RATE_SHARE && score.seen.busy_share.is_some_and(|busy| busy < JAM_BUSY_SHARE)
}

struct Judge {
    threshold: f64,
    seed: u64,
}

impl Judge {
    /// Whether a design carries the load as the fastest does. Where the generator was full its rate is a bound,
    /// and nobody is behind for it.
    fn carries(&self, score: &Score, fastest: &RowFigure) -> Against {
        if score.seen.generator_full { Against::Level } else { self.against(&score.rate, fastest, true) }
    }

    fn against(&self, own: &RowFigure, best: &RowFigure, higher: bool) -> Against {
        match own.against(best, self.threshold, self.seed).verdict {
            ComparisonVerdict::TooFewBlocks => Against::TooFew,
            ComparisonVerdict::Lower if higher => Against::Behind,
            ComparisonVerdict::Higher if !higher => Against::Behind,
            _ => Against::Level,
        }
    }
}

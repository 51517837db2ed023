//! By chance, as often as the weights say: what every other policy is held against.

use crate::farm::Farm;
use crate::policy::{Choice, Dispatch};

/// The policy.
#[derive(Debug)]
pub struct Random;

impl Dispatch for Random {
    fn pick(&self, farm: &Farm<'_>, choice: &Choice) -> Option<usize> {
        let weights = farm.weights();
        let all: u64 = choice.among.each().map(|backend| u64::from(weights[backend])).sum();
        let mut place = if all == 0 { return choice.among.nth(choice.dice) } else { choice.dice % all };
        choice.among.each().find(|backend| {
            let weight = u64::from(weights[*backend]);
            let is_here = place < weight;
            place = place.saturating_sub(weight);
            is_here
        })
    }
}

//! In turn, as often as the weights say, and evenly mixed: of weights 3 and 1 not `a a a b` but `a a b a` (the order
//! of nginx, "smooth weighted round robin").

use crate::farm::Farm;
use crate::policy::{Choice, Dispatch};

/// The order of one round.
#[derive(Debug)]
pub struct RoundRobin {
    order: Vec<u8>,
}

impl RoundRobin {
    /// The order for these weights. It is fixed beforehand, so a turn is one number that is counted up.
    pub fn new(weights: &[u32]) -> Self {
        let divisor = weights.iter().fold(0, |divisor, weight| greatest_divisor(divisor, *weight)).max(1);
        let weights: Vec<_> = weights.iter().map(|weight| i64::from(weight / divisor)).collect();
        let round: i64 = weights.iter().sum();
        let mut credit = vec![0; weights.len()];
        let next = |_| {
            credit.iter_mut().zip(&weights).for_each(|(credit, weight)| *credit += weight);
            // The first of those with the most.
            let best = (0..credit.len()).rev().max_by_key(|backend| credit[*backend]).unwrap_or(0);
            credit[best] -= round;
            best as u8
        };
        RoundRobin { order: (0..round).map(next).collect() }
    }
}

impl Dispatch for RoundRobin {
    fn pick(&self, farm: &Farm<'_>, choice: &Choice) -> Option<usize> {
        // A turn of one that is down is passed over, and not given to the next one: that would get two of each round.
        let mut turns =
            self.order.iter().map(|_| self.order[(farm.ticket() % self.order.len() as u64) as usize]);
        let found = turns.find(|backend| choice.among.has(usize::from(*backend)));
        // Others draw tickets meanwhile.
        found.map(usize::from).or_else(|| choice.among.nth(choice.dice))
    }
}

fn greatest_divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { greatest_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_nginx() {
        for (weights, order) in [
            (&[5, 1, 1][..], &[0, 0, 1, 0, 2, 0, 0][..]),
            (&[3, 1], &[0, 0, 1, 0]),
            (&[2, 2, 2], &[0, 1, 2]),
            (&[10, 5], &[0, 1, 0]),
            (&[1], &[0]),
        ] {
            assert_eq!(RoundRobin::new(weights).order, order, "{weights:?}");
        }
    }
}

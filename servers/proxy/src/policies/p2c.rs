//! Two by chance, and of these the one with fewer requests under way (Mitzenmacher, 2001): nearly as even as looking
//! at all of them, for the price of two looks.

use crate::farm::Farm;
use crate::policy::{Choice, Dispatch};

/// The policy.
#[derive(Debug)]
pub struct TwoChoices;

impl Dispatch for TwoChoices {
    fn pick(&self, farm: &Farm<'_>, choice: &Choice) -> Option<usize> {
        let (one, other) = two(choice)?;
        let is_less = farm.load_with_one_more(other) < farm.load_with_one_more(one);
        Some(if is_less { other } else { one })
    }
}

/// Two that are different, if there are two; each pair and each order of it with the same chance.
pub(super) fn two(choice: &Choice) -> Option<(usize, usize)> {
    let count = u64::from(choice.among.count());
    let (one, rest) = (choice.dice.checked_rem(count)?, choice.dice / count);
    let other = if count == 1 { one } else { (one + 1 + rest % (count - 1)) % count };
    Some((choice.among.nth(one)?, choice.among.nth(other)?))
}

//! Who has the fewest requests under way, for its weight. Among equals chance decides, or the first would get all
//! that comes to an idle farm.

use crate::farm::Farm;
use crate::policy::{Choice, Dispatch};

/// The policy.
#[derive(Debug)]
pub struct Least;

impl Dispatch for Least {
    fn pick(&self, farm: &Farm<'_>, choice: &Choice) -> Option<usize> {
        let count = u64::from(choice.among.count());
        let start = choice.dice.checked_rem(count)?;
        let turned = choice.among.each().enumerate();
        let turned = turned.map(|(place, backend)| ((place as u64 + count - start) % count, backend));
        turned
            .min_by_key(|(place, backend)| (farm.load_with_one_more(*backend), *place))
            .map(|(_, backend)| backend)
    }
}

//! The same backend for the same key, by a ring of hashes (Karger et al., 1997): when a backend comes or goes, only
//! the keys of that one move. A backend that is loaded by a quarter more than the mean passes its keys on to the next
//! one on the ring (Mirrokni, Thorup and Zadimoghaddam, 2016).

use crate::dice::mix;
use crate::farm::Farm;
use crate::limits::{BOUNDED_LOAD_HUNDREDTHS, RING_PLACES};
use crate::policy::{Choice, Dispatch};

/// The ring: places in order, and whose they are.
#[derive(Debug)]
pub struct BoundedHash {
    ring: Vec<(u64, u8)>,
}

impl BoundedHash {
    /// The ring of backends of these weights.
    pub fn new(weights: &[u32]) -> Self {
        let largest = weights.iter().copied().max().unwrap_or(1).max(1) as usize;
        let mut ring = Vec::new();
        for (backend, weight) in weights.iter().enumerate() {
            // Weights are shares of the largest one, so the ring stays small.
            let places = (RING_PLACES * *weight as usize).div_ceil(largest);
            ring.extend(
                (0..places as u64).map(|place| (mix(((backend as u64) << 32) + place + 1), backend as u8)),
            );
        }
        ring.sort_unstable();
        BoundedHash { ring }
    }
}

impl Dispatch for BoundedHash {
    fn pick(&self, farm: &Farm<'_>, choice: &Choice) -> Option<usize> {
        let weights = farm.weights();
        let all: u64 = choice.among.each().map(|backend| farm.outstanding(backend)).sum();
        let shares: u64 = choice.among.each().map(|backend| u64::from(weights[backend])).sum();
        let has_room = |backend: usize| {
            let share = (all + 1) * u64::from(weights[backend]) * BOUNDED_LOAD_HUNDREDTHS;
            farm.outstanding(backend) < share.div_ceil(shares.max(1) * 100)
        };
        let start = self.ring.partition_point(|(place, _)| *place < mix(choice.key));
        let (before, behind) = self.ring.split_at(start);
        let order = || behind.iter().chain(before).map(|(_, backend)| usize::from(*backend));
        let mut those = order().filter(|backend| choice.among.has(*backend));
        // The mean has one below it, so there is room; a count that changes meanwhile must not lose the request.
        those
            .find(|backend| has_room(*backend))
            .or_else(|| order().find(|backend| choice.among.has(*backend)))
    }
}

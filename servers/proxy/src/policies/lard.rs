//! Locality-aware request distribution (Pai et al., 1998): a target stays with the backend that has it in its memory,
//! and moves when that one is busy and another one is nearly idle, or when it is very busy.
//!
//! The table of targets is this process's own: forked workers learn for themselves where a target is.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use super::least::Least;
use crate::dice::mix;
use crate::farm::Farm;
use crate::limits::{LARD_HIGH_REQUESTS, LARD_LOW_REQUESTS, LARD_TARGETS};
use crate::policy::{Choice, Dispatch};

/// The backend of each target.
#[derive(Debug)]
pub struct Lard {
    /// One more than the number of the backend; 0: nobody has it.
    homes: Vec<AtomicU8>,
}

impl Lard {
    /// Nobody has anything.
    pub fn new() -> Self {
        Lard { homes: (0..LARD_TARGETS).map(|_| AtomicU8::new(0)).collect() }
    }
}

impl Default for Lard {
    fn default() -> Self {
        Lard::new()
    }
}

impl Dispatch for Lard {
    fn pick(&self, farm: &Farm<'_>, choice: &Choice) -> Option<usize> {
        let home = &self.homes[(mix(choice.key) % LARD_TARGETS as u64) as usize];
        let idlest = Least.pick(farm, choice)?;
        let known = usize::from(home.load(Relaxed)).checked_sub(1).filter(|home| choice.among.has(*home));
        let chosen = match known {
            Some(backend) if !is_to_move(farm.outstanding(backend), farm.outstanding(idlest)) => backend,
            Some(_) | None => idlest,
        };
        if known != Some(chosen) {
            home.store(chosen as u8 + 1, Relaxed);
        }
        Some(chosen)
    }
}

/// The rule of the paper: `T_high` with an idle one elsewhere, or twice `T_high`.
fn is_to_move(load: u64, least: u64) -> bool {
    (load > LARD_HIGH_REQUESTS && least < LARD_LOW_REQUESTS) || load >= 2 * LARD_HIGH_REQUESTS
}

//! `dyno duel`: two contestants in turn, in many bouts with fresh servers.
//!
//! ```text
//! block 1   A and B start, in an order by chance; bursts A B B A ... ; both end      -> one ratio
//! block 2   the same with fresh servers                                              -> one ratio
//! ```
//!
//! What a server costs depends a little on where its memory came to lie, which is decided when it starts. Within one
//! bout that is a constant, and no number of bursts tells it from a difference of designs. So the bouts are many and
//! short, and the interval is that of their ratios.

use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::campaign::{Campaign, EndedEarly};
use crate::contestant::Contestant;
use crate::limits::BURST_US;
use crate::order::ExperimentPlan;
use crate::rig::bout::{DuelRig, SIDES, Toss};
use crate::setup::Setup;
use dyno_record::cell::{InTurn, Trial};
use dyno_record::step::Step;

/// The two trials of a bout.
type Pair = [Trial; SIDES];

/// All bouts in their order. Contestants are paired as they stand: the first with the second, the third with the
/// fourth. A block holds a bout of each pair, in an order of its own.
fn bouts(setup: &Setup) -> Vec<Pair> {
    let pairs: Vec<&[Contestant]> = setup.contestants.chunks_exact(SIDES).collect();
    (0..setup.blocks)
        .flat_map(|block| {
            let mut order: Vec<usize> = (0..pairs.len()).collect();
            let mut random = chance(setup, block, 0);
            for place in (1..order.len()).rev() {
                order.swap(place, random.random_range(0..=place));
            }
            order.into_iter().map(move |pair| (block, pair))
        })
        .map(|(block, pair)| [0, 1].map(|side| trial(setup, pairs[pair], side, block)))
        .collect()
}

fn trial(setup: &Setup, pair: &[Contestant], side: usize, block: u32) -> Trial {
    let mut cell = setup.cell(Step::Duel, &pair[side]);
    cell.load.turns = Some(InTurn { against: pair[1 - side].label.clone(), burst_us: BURST_US });
    Trial { cell, block }
}

/// The tosses of a block: who starts first, and who has the first burst.
fn toss(setup: &Setup, block: u32, again: u32) -> Toss {
    let mut random = chance(setup, block, 1 + again);
    // Two bouts in a row differ in both, so that each is as frequent as its opposite.
    let turned = block % 2 == 1;
    Toss { b_starts_first: random.random_bool(0.5) != turned, b_begins: random.random_bool(0.5) != turned }
}

fn chance(setup: &Setup, block: u32, what: u32) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(setup.seed);
    random.set_stream(u64::from(what) << 32 | u64::from(block));
    random
}

/// The plan of the experiment.
pub fn plan(setup: &Setup) -> ExperimentPlan {
    ExperimentPlan::known(Vec::new(), bouts(setup).into_iter().flatten().collect())
}

/// Runs the experiment.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: DuelRig>(campaign: &mut Campaign<R>, setup: &Setup) -> Result<(), EndedEarly> {
    let bouts = bouts(setup);
    campaign.expect(bouts.iter().flatten().map(|trial| &trial.cell));
    for pair in &bouts {
        campaign.measure_pair(pair, toss(setup, pair[0].block, 0))?;
    }
    campaign.repeat_void_pairs(|pass, place| {
        let block = bouts.get(place / SIDES).map_or(0, |pair| pair[0].block);
        toss(setup, block, 1 + pass)
    })
}

#[cfg(test)]
mod tests;

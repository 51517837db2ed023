//! Whether reading clocks lowered a contestant's rates: what all of its cells have in common.

use crate::levelling::LevelledCell;
use dyno_statistics::bootstrap::{Interval, bca};
use dyno_statistics::dip::dip;
use dyno_statistics::sample::mean;

/// By which share the rate is lower in intervals in which clocks were read than in others: the mean over all cells,
/// void ones too, with its 95 % interval. In one cell that is lost in the scatter of its intervals; in many it is not.
pub(crate) fn fall(cells: &[&LevelledCell], seed: u64) -> Option<Interval> {
    let shares: Vec<f64> = cells
        .iter()
        .filter_map(|cell| {
            let (load, server) = (cell.load.as_ref()?, cell.server.as_ref()?);
            Some(dip(&load.rates(), &load.watched(&server.looks_ms))?.share)
        })
        .collect();
    bca(&shares, mean, 0.95, seed)
}

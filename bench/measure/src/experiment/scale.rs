//! `dyno scale`: capacity against the number of server cores.
//!
//! The generator gets the cores that are left. Where no core is left, server and generator share, and the audit says
//! so.

use crate::campaign::{Campaign, EndedEarly};
use crate::experiment::pilot;
use crate::order::{self, ExperimentPlan};
use crate::rig::Rig;
use crate::setup::Setup;
use dyno_record::cell::{Cell, Cores};
use dyno_record::step::Step;

/// One cell for each contestant and number of cores.
pub fn cells(setup: &Setup, online: &[usize]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for count in counts(online.len()) {
        let server = online[..count].to_vec();
        let generator = if count < online.len() { online[count..].to_vec() } else { online.to_vec() };
        for contestant in &setup.contestants {
            let mut cell = setup.cell(Step::Scale, contestant);
            cell.cores = Cores { server: server.clone(), generator: generator.clone() };
            cells.push(cell);
        }
    }
    cells
}

/// All numbers up to eight; beyond that the powers of two, the numbers halfway between them, and the last.
fn counts(cores: usize) -> Vec<usize> {
    (1..=cores).filter(|count| *count <= 8 || *count == cores || is_step(*count)).collect()
}

fn is_step(count: usize) -> bool {
    count.is_power_of_two() || (count.is_multiple_of(3) && (count / 3).is_power_of_two())
}

/// The plan of the experiment.
pub fn plan(setup: &Setup, online: &[usize]) -> ExperimentPlan {
    ExperimentPlan::known(
        pilot::trials(setup),
        order::blocks(&cells(setup, online), 0, setup.blocks, setup.seed),
    )
}

/// Runs the experiment.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: Rig>(campaign: &mut Campaign<R>, setup: &Setup, online: &[usize]) -> Result<(), EndedEarly> {
    for trial in pilot::settle(campaign, setup, plan(setup, online), |_| None)? {
        campaign.measure(&trial)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::counts;

    #[test]
    fn few_cores_are_all_measured_and_many_are_thinned_out() {
        assert_eq!(counts(2), [1, 2]);
        assert_eq!(counts(20), [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20]);
    }
}

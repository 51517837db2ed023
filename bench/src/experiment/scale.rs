//! `dyno scale`: capacity against the number of server cores.
//!
//! The generator gets the cores that are left. Where none is left both sides share, and the audit says so.

use crate::experiment::pilot;
use crate::experiment::setup::Setup;
use crate::plan;
use crate::record::cell::{Cell, Cores, Trial};
use crate::rig::Rig;
use crate::session::{Session, Stop};

/// The only step of the experiment.
pub const SCALE: &str = "scale";

/// One cell for each contestant and number of cores.
pub fn cells(setup: &Setup, online: &[usize]) -> Vec<Cell> {
    let mut cells = Vec::new();
    for count in counts(online.len()) {
        let server = online[..count].to_vec();
        let generator = if count < online.len() { online[count..].to_vec() } else { online.to_vec() };
        for contestant in &setup.contestants {
            let mut cell = setup.cell(SCALE, contestant);
            cell.cores = Cores { server: server.clone(), generator: generator.clone() };
            cells.push(cell);
        }
    }
    cells
}

/// All numbers up to eight; beyond that the powers of two, what lies between them, and the last.
fn counts(cores: usize) -> Vec<usize> {
    (1..=cores).filter(|count| *count <= 8 || *count == cores || is_step(*count)).collect()
}

fn is_step(count: usize) -> bool {
    count.is_power_of_two() || (count.is_multiple_of(3) && (count / 3).is_power_of_two())
}

/// The whole plan.
pub fn trials(setup: &Setup, online: &[usize]) -> Vec<Trial> {
    plan::blocks(&cells(setup, online), 0, setup.blocks, setup.seed)
}

/// Runs the experiment.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: Rig>(session: &mut Session<R>, setup: &Setup, online: &[usize]) -> Result<(), Stop> {
    session.expect(&pilot::cells(setup), 1);
    session.expect(&cells(setup, online), setup.blocks);
    let setup = &pilot::run(session, setup)?;
    for trial in trials(setup, online) {
        session.measure(&trial)?;
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

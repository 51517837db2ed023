//! `dyno scale`: capacity against the number of server cores.
//!
//! The generator gets the cores that are left, with their siblings. Where no core is left, server and generator share,
//! and the audit says so. Where cores have siblings (SMT), the server gets one processor of each core first, and the
//! siblings stay idle: a sibling is no core. Beyond half of the cores the siblings of these are added one by one, and
//! the report marks where they begin.
//!
//! Beside whole cores, shares of them by CPU quota, as containers have them: the server may run on the smallest
//! number of whole cores that can use the quota up, so that it differs from a point on whole cores by the quota alone.

use crate::campaign::{Campaign, EndedEarly};
use crate::experiment::pilot;
use crate::order::{self, ExperimentPlan};
use crate::place::{Core, Placement};
use crate::rig::Rig;
use crate::setup::Setup;
use dyno_record::cell::{Cell, Cores};
use dyno_record::quota::CpuQuota;
use dyno_record::step::Step;

/// One cell for each contestant and number of cores, and one for each and each quota, on as many cores as that needs.
pub fn cells(setup: &Setup, placement: &Placement, quotas: &[CpuQuota]) -> Vec<Cell> {
    let splits = splits(placement);
    let with_quota = |quota: &CpuQuota| {
        let enough = splits.iter().find(|cores| cores.server.len() >= quota.whole_cores());
        Some((enough.or(splits.last())?.clone(), Some(*quota)))
    };
    let whole = splits.iter().map(|cores| (cores.clone(), None));
    let mut cells = Vec::new();
    for (cores, quota) in whole.chain(quotas.iter().filter_map(with_quota)) {
        for contestant in &setup.contestants {
            let mut cell = setup.cell(Step::Scale, contestant);
            cell.cores = cores.clone();
            cell.load.quota = quota;
            cells.push(cell);
        }
    }
    cells
}

/// The cores of both sides, for each number of processors that the server gets.
fn splits(placement: &Placement) -> Vec<Cores> {
    let cores = &placement.cores;
    let all = |cores: &[Core]| -> Vec<usize> { cores.iter().flat_map(|core| core.cpus.clone()).collect() };
    let has_siblings = cores.len() > 1 && cores.iter().any(|core| core.cpus.len() > 1);
    if !has_siblings {
        let cpus = all(cores);
        let split = |count: usize| {
            let (server, rest) = cpus.split_at(count);
            let generator = if rest.is_empty() { cpus.as_slice() } else { rest };
            Cores { server: server.to_vec(), generator: generator.to_vec() }
        };
        return counts(cpus.len()).into_iter().map(split).collect();
    }
    let (own, others) = cores.split_at(cores.len() / 2);
    let firsts: Vec<usize> = own.iter().filter_map(|core| core.cpus.first().copied()).collect();
    let siblings: Vec<usize> = own.iter().flat_map(|core| core.cpus.iter().skip(1).copied()).collect();
    let order = [firsts.as_slice(), &siblings].concat();
    let split = |count: usize| {
        // What is not the server's yet goes to the generator, but for siblings of the server's cores.
        let idle = own.get(count..).unwrap_or_default();
        let mut generator = [all(idle), all(others)].concat();
        generator.sort_unstable();
        let mut server = order[..count].to_vec();
        server.sort_unstable();
        Cores { server, generator }
    };
    let mut numbers = counts(order.len());
    // The last number without siblings is worth knowing.
    if !numbers.contains(&firsts.len()) {
        numbers.push(firsts.len());
        numbers.sort_unstable();
    }
    numbers.into_iter().map(split).collect()
}

/// All numbers up to eight; beyond that the powers of two, the numbers halfway between them, and the last.
fn counts(cores: usize) -> Vec<usize> {
    (1..=cores).filter(|count| *count <= 8 || *count == cores || is_step(*count)).collect()
}

fn is_step(count: usize) -> bool {
    count.is_power_of_two() || (count.is_multiple_of(3) && (count / 3).is_power_of_two())
}

/// The plan of the experiment.
pub fn plan(setup: &Setup, placement: &Placement, quotas: &[CpuQuota]) -> ExperimentPlan {
    ExperimentPlan::known(
        pilot::trials(setup),
        order::blocks(&cells(setup, placement, quotas), 0, setup.blocks, setup.seed),
    )
}

/// Runs the experiment.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: Rig>(
    campaign: &mut Campaign<R>,
    setup: &Setup,
    placement: &Placement,
    quotas: &[CpuQuota],
) -> Result<(), EndedEarly> {
    for trial in pilot::settle(campaign, setup, plan(setup, placement, quotas), |_| None)? {
        campaign.measure(&trial)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::{Cpu, Topology, ranges};

    #[test]
    fn few_cores_are_all_measured_and_many_are_thinned_out() {
        assert_eq!(counts(2), [1, 2]);
        assert_eq!(counts(20), [1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20]);
    }

    #[test]
    fn a_quota_has_the_cores_that_it_needs_and_stands_beside_whole_ones() {
        let contestant = crate::contestant::foreign::bare("x", vec!["x".into()]);
        let setup = crate::rig::mock::setup(vec![contestant]);
        let quotas = [250, 1_000, 1_500, 9_000].map(|millicores| CpuQuota { millicores, period_us: 100_000 });
        let placement = Placement::flat(&[0, 1, 2]);
        let places: Vec<(usize, Option<u32>)> = cells(&setup, &placement, &quotas)
            .iter()
            .map(|cell| (cell.cores.server.len(), cell.load.quota.map(|quota| quota.millicores)))
            .collect();
        let wanted =
            [(1, 250), (1, 1_000), (2, 1_500), (3, 9_000)].map(|(cores, quota)| (cores, Some(quota)));
        assert_eq!(places, [[(1, None), (2, None), (3, None)].as_slice(), &wanted].concat());
    }

    fn sides(placement: &Placement) -> Vec<(String, String)> {
        splits(placement).iter().map(|cores| (ranges(&cores.server), ranges(&cores.generator))).collect()
    }

    fn pairs(sides: &[(&str, &str)]) -> Vec<(String, String)> {
        sides.iter().map(|(server, generator)| ((*server).into(), (*generator).into())).collect()
    }

    #[test]
    fn without_siblings_the_last_number_is_shared() {
        let wanted = [("0", "1-3"), ("0-1", "2-3"), ("0-2", "3"), ("0-3", "0-3")];
        assert_eq!(sides(&Placement::flat(&[0, 1, 2, 3])), pairs(&wanted));
        assert_eq!(sides(&Placement::flat(&[5])), pairs(&[("5", "5")]));
    }

    #[test]
    fn siblings_come_after_all_cores_of_the_server() {
        // Four cores with two threads each: 0 and 4, 1 and 5, and so on.
        let cpu = |number: usize| Cpu {
            number,
            siblings: vec![number % 4, number % 4 + 4],
            node: 0,
            cache: 0,
            capacity: 1_024,
        };
        let placement = Placement::of(&Topology { cpus: (0..8).map(cpu).collect() });
        let wanted = [
            ("0", "1-3,5-7"),
            ("0-1", "2-3,6-7"),
            // From here on with siblings.
            ("0-1,4", "2-3,6-7"),
            ("0-1,4-5", "2-3,6-7"),
        ];
        assert_eq!(sides(&placement), pairs(&wanted));
        // Two threads of one core are the two processors of a small machine.
        let one = Placement::of(&Topology { cpus: [0, 4].map(cpu).to_vec() });
        assert_eq!(sides(&one), pairs(&[("0", "4"), ("0,4", "0,4")]));
    }
}

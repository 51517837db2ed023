//! `dyno compare` under several workloads: capacity, latency and cost of each design under each.
//!
//! ```text
//! counts    one short closed loop each, under the kernel's counters -> switches and calls, the order of
//!           magnitude of the rate, and who cannot do it at all
//! block 1   workload after workload in random order, each over all contestants in random order:
//!             capacity   closed loop
//!             latency    open loop at half of what the contestant in the middle can answer (some blocks,
//!                        and only where a closed loop fills the server)
//! block 2   ... in another order, and so on
//! ```
//!
//! All contestants of a workload have the same load, and each runs as it starts by itself: a pool has its usual
//! crew, whatever the number of clients. That is the question here; `compare` of one service gives pools a
//! worker for each client, and asks what a request costs.
//!
//! A contestant that failed by its own limit in two cells is not sent against it again: each attempt takes the
//! patience of its clients. One that cannot answer the common rate is not asked for its latency there, which
//! would be that of a queue that grows.

use std::collections::BTreeMap;

use dyno_record::cell::{Cell, Cores, Load, Trial};
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_record::workload::{Fills, PATIENCE_MS, Workload};

use crate::campaign::{Campaign, EndedEarly};
use crate::contestant::Contestant;
use crate::experiment::compare::needed;
use crate::limits::{
    WAITS_IN_WINDOW, WAITS_WINDOW_LIMIT_MS, WALLS_TO_GIVE_UP, WARM_UP_PER_CONNECTION_US, WORKLOAD_FULL_SHARE,
    WORKLOAD_RATE_SHARE,
};
use crate::order::{self, ExperimentPlan, Planned, Rate};
use crate::rig::Rig;
use crate::setup::{Setup, round_rate};

/// How long cells are that are not those of a capacity, and in how many blocks latency is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lengths {
    /// Time measured in a cell of latency, in milliseconds: a high percentile needs many requests in one cell.
    pub latency_ms: u64,
    /// Blocks that have such cells.
    pub latency_blocks: u32,
}

/// The cell of a contestant under a workload.
fn cell(setup: &Setup, workload: &Workload, step: Step, contestant: &Contestant) -> Cell {
    let clients = workload.clients;
    let load = Load {
        workload: Some(workload.name.to_string()),
        requests_per_connection: clients.requests_per_connection,
        body_bytes: clients.body_bytes,
        slow_connections: clients.slow,
        timeout_ms: Some(PATIENCE_MS),
        ..Load::closed(clients.connections, setup.warm_up_ms, setup.duration_ms)
    };
    let mut cell = Cell {
        service: workload.service.to_string(),
        transport: workload.transport,
        workers: None,
        load,
        ..setup.cell(step, contestant)
    };
    let wait_ms = cell.wait_ns().map_or(0, |ns| ns.div_ceil(1_000_000));
    let load = &mut cell.load;
    // The first wait of all is over, and so is starting what serves them.
    load.warm_up_ms += wait_ms + u64::from(load.connections) * WARM_UP_PER_CONNECTION_US / 1_000;
    load.duration_ms = load.duration_ms.max((wait_ms * WAITS_IN_WINDOW).min(WAITS_WINDOW_LIMIT_MS));
    cell
}

/// A round over all contestants of each workload, workload after workload in random order: those that are
/// compared are measured within moments.
fn round(setup: &Setup, workloads: &[&Workload], step: Step, number: u32) -> Vec<Trial> {
    let of = |workload: &&Workload| -> Vec<Trial> {
        let cells: Vec<Cell> =
            setup.contestants.iter().map(|contestant| cell(setup, workload, step, contestant)).collect();
        let seed = setup.seed.wrapping_add(hash(&workload.name));
        order::blocks(&cells, number, 1, seed)
    };
    let mut parts: Vec<Vec<Trial>> = workloads.iter().map(of).collect();
    order::shuffle(&mut parts, number, setup.seed);
    parts.concat()
}

/// A number that names spread differently (FNV-1a), so that two workloads of one block have orders of their own.
fn hash(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The plan of the experiment.
pub fn plan(setup: &Setup, workloads: &[Workload], lengths: Lengths) -> ExperimentPlan {
    let all: Vec<&Workload> = workloads.iter().collect();
    let filled: Vec<&Workload> =
        workloads.iter().filter(|workload| workload.fills == Fills::Server).collect();
    let long = Setup { duration_ms: lengths.latency_ms, ..setup.clone() };
    let mut order = Vec::new();
    for block in 0..setup.blocks {
        let capacity = round(setup, &all, Step::Capacity, block);
        order.extend(capacity.into_iter().map(Planned::known));
        // Spread over the blocks as evenly as possible.
        let (before, after) = (block * lengths.latency_blocks, (block + 1) * lengths.latency_blocks);
        if before / setup.blocks < after / setup.blocks {
            let latency = round(&long, &filled, Step::Latency, block);
            order.extend(latency.into_iter().map(|trial| Planned { trial, rate: Rate::Common }));
        }
    }
    ExperimentPlan { pilot: round(setup, &all, Step::Counts, 0), order }
}

/// Runs the experiment.
///
/// # Errors
/// When the user interrupts or the records cannot be written.
pub fn run<R: Rig>(
    campaign: &mut Campaign<R>,
    setup: &Setup,
    workloads: &[Workload],
    lengths: Lengths,
) -> Result<(), EndedEarly> {
    let plan = plan(setup, workloads, lengths);
    campaign.expect(plan.cells());
    let mut walls = Walls::default();
    for trial in &plan.pilot {
        walls.note(campaign.measure(trial)?);
    }
    let found = Found::of(campaign.records(), setup);
    for planned in plan.order {
        let mut trial = planned.trial;
        let whole = planned.rate == Rate::Planned || found.settle(&mut trial.cell);
        if !whole || walls.are_known(&trial.cell) {
            campaign.skip(&trial);
            continue;
        }
        found.place(&mut trial.cell);
        walls.note(campaign.measure(&trial)?);
    }
    Ok(())
}

/// Who failed by a limit of its own under which workload, and how often.
#[derive(Debug, Default)]
struct Walls(BTreeMap<(String, String), u32>);

impl Walls {
    fn key(cell: &Cell) -> (String, String) {
        (name_of(cell).to_string(), cell.contestant.clone())
    }

    fn note(&mut self, record: &Record) {
        if record.audit.wall().is_some() {
            *self.0.entry(Walls::key(&record.trial.cell)).or_default() += 1;
        }
    }

    fn are_known(&self, cell: &Cell) -> bool {
        self.0.get(&Walls::key(cell)).is_some_and(|walls| *walls >= WALLS_TO_GIVE_UP)
    }
}

fn name_of(cell: &Cell) -> &str {
    cell.load.workload.as_deref().unwrap_or_default()
}

/// What the counted cells have found.
#[derive(Debug)]
struct Found {
    /// The rate of each contestant under each workload, as an order of magnitude.
    rates: BTreeMap<String, BTreeMap<String, f64>>,
    /// The cores that each workload needs, where they are split by need.
    cores: BTreeMap<String, Cores>,
}

impl Found {
    fn of(records: &[Record], setup: &Setup) -> Self {
        let mut found = Found { rates: BTreeMap::new(), cores: BTreeMap::new() };
        for record in records {
            let cell = &record.trial.cell;
            // Even a count that is void shows the order of magnitude.
            if let Some(load) = record.load.as_ref().filter(|load| load.rate_per_s > 0.0) {
                let of = found.rates.entry(name_of(cell).to_string()).or_default();
                of.insert(cell.contestant.clone(), load.rate_per_s);
            }
        }
        for name in found.rates.keys() {
            let own = records.iter().filter(|record| name_of(&record.trial.cell) == name);
            let split = setup.placement.as_ref().zip(needed(own));
            let split = split.and_then(|(placement, need)| placement.by_need(need));
            found.cores.extend(split.map(|cores| (name.clone(), cores)));
        }
        found
    }

    /// The rate at which latencies of a workload are compared.
    fn common_per_s(&self, name: &str) -> Option<f64> {
        let mut rates: Vec<f64> = self.rates.get(name)?.values().copied().collect();
        rates.sort_by(f64::total_cmp);
        Some(round_rate(rates.get(rates.len() / 2)? * WORKLOAD_RATE_SHARE))
    }

    /// Gives a cell the common rate of its workload; tells whether its contestant can answer that.
    fn settle(&self, cell: &mut Cell) -> bool {
        let name = name_of(cell);
        let own = self.rates.get(name).and_then(|rates| rates.get(&cell.contestant));
        match (self.common_per_s(name), own) {
            (Some(common), Some(own)) if common <= own * WORKLOAD_FULL_SHARE => {
                cell.load.rate_per_s = Some(common);
                true
            }
            _ => false,
        }
    }

    fn place(&self, cell: &mut Cell) {
        if let Some(cores) = self.cores.get(name_of(cell)) {
            cell.cores = cores.clone();
        }
    }
}

#[cfg(test)]
mod tests;

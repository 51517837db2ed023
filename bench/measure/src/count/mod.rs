//! Instructions per request and per connection, the kernel's included, on any machine: without counters of the
//! processor, without privileges, and without virtualization.
//!
//! An emulated machine advances its clock by one nanosecond for each instruction. The CPU time that the kernel of
//! that machine keeps for a group of processes is then the number of instructions that they took. Each cell is a pair
//! of loads that differ in their number of requests alone, and their difference is what these requests took: what a
//! server does at its start, for each connection that lasts, and at the end of a load, is in both.
//!
//! * [`machine`]: the emulator, from the outside; `image`, `cpio`: the files of the guest, made in memory;
//! * [`guest`]: this program inside, as the first process; [`contract`]: what both tell each other;
//! * `judge`: from accounts to a record.

pub mod contract;
mod cpio;
pub mod guest;
mod image;
mod judge;
pub mod machine;

use dyno_record::cell::{Cell, Load, Trial};
use dyno_record::header::Environment;
use dyno_record::measured::Record;
use dyno_record::step::Step;

use self::contract::{EventAccount, GuestLine, GuestPlan};
use self::judge::Pair;
use self::machine::{GuestMachine, GuestParts, MachineError};
use crate::contestant::Contestant;
use crate::environment;
use crate::limits::CONNECT_CONNECTIONS;

pub use self::image::PLAN;

/// What is counted.
#[derive(Debug, Clone, PartialEq)]
pub struct CountSetup {
    /// The contestants, all of them Dyno's own.
    pub contestants: Vec<Contestant>,
    /// Path of the service.
    pub service: String,
    /// Lasting connections, for contestants that serve so many.
    pub connections: u32,
    /// Requests of the smaller of two loads over lasting connections.
    pub requests: u64,
    /// The same with a connection for each request.
    pub connects: u64,
    /// How often each cell is counted.
    pub blocks: u32,
    /// Seed of the generator and of the emulator.
    pub seed: u64,
}

impl CountSetup {
    /// Two cells for each contestant: over lasting connections, and with a connection for each request.
    pub fn cells(&self) -> Vec<Cell> {
        self.contestants
            .iter()
            .flat_map(|contestant| [self.lasting(contestant), self.connect(contestant)])
            .collect()
    }

    fn lasting(&self, contestant: &Contestant) -> Cell {
        let connections = contestant.connections(self.connections);
        self.cell(Step::Instructions, contestant, Load::counted(connections, self.requests))
    }

    fn connect(&self, contestant: &Contestant) -> Cell {
        let connections = contestant.connections(CONNECT_CONNECTIONS.min(self.connections));
        let load = Load { requests_per_connection: Some(1), ..Load::counted(connections, self.connects) };
        self.cell(Step::InstructionsConnect, contestant, load)
    }

    fn cell(&self, step: Step, contestant: &Contestant, load: Load) -> Cell {
        Cell {
            step,
            contestant: contestant.label.clone(),
            service: self.service.clone(),
            transport: contestant.transport,
            cores: guest::cores(),
            workers: contestant.workers(load.connections),
            load,
        }
    }
}

/// What comes out of a count, in this order: the machine first, then each record as soon as its cell is done.
#[derive(Debug)]
pub enum CountEvent {
    /// The guest has booted.
    Machine(Box<Environment>),
    /// A cell was counted in one block.
    Record(Box<Record>),
}

/// Counts `cells`, each in so many blocks, and passes on what comes out.
///
/// # Errors
/// When the machine cannot be started, or ends before it is done; and the error of `take`, as soon as it has one.
pub fn run<E: From<MachineError>>(
    parts: &GuestParts,
    plan: &GuestPlan,
    stop: &dyn Fn() -> bool,
    take: &mut dyn FnMut(CountEvent) -> Result<(), E>,
) -> Result<(), E> {
    let mut machine = GuestMachine::start(parts, plan)?;
    let mut turn = 0;
    let mut clock_ns = 0.0;
    let mut machine_id = String::new();
    let mut pairs: Vec<(u32, Pair)> = Vec::new();
    while let Some(line) = machine.next(stop)? {
        match line {
            GuestLine::Booted { environment, ns_per_instruction } => {
                let environment = environment::of_guest(*environment, &parts.emulator_version());
                (clock_ns, machine_id) = (ns_per_instruction, environment.machine_id.clone());
                take(CountEvent::Machine(Box::new(environment)))?;
            }
            GuestLine::Counted { block, loads, .. } => pairs.push((block, Pair { loads, clock_ns })),
            // The last line of a cell that was counted, and of one that was not.
            GuestLine::Events { cell, loads } => {
                let records = counted(plan, cell, std::mem::take(&mut pairs), loads, &machine_id);
                for record in records {
                    take(CountEvent::Record(Box::new(Record { turn, ..record })))?;
                    turn += 1;
                }
            }
            GuestLine::Failed { cell, words } => {
                pairs.clear();
                let Some(cell) = plan.cells.get(cell) else { continue };
                for block in 0..plan.blocks {
                    let record = Record::new(Trial { cell: cell.clone(), block }, &machine_id);
                    let record = Record { turn, audit: judge::failed(&words), ..record };
                    take(CountEvent::Record(Box::new(record)))?;
                    turn += 1;
                }
            }
            GuestLine::Broken { .. } | GuestLine::Done => {}
        }
    }
    Ok(())
}

/// The records of a cell that the guest has counted to its end.
fn counted(
    plan: &GuestPlan,
    cell: usize,
    pairs: Vec<(u32, Pair)>,
    events: [EventAccount; 2],
    machine_id: &str,
) -> Vec<Record> {
    let Some(cell) = plan.cells.get(cell) else { return Vec::new() };
    let record = |(block, pair): (u32, Pair)| {
        let (figures, audit) = pair.judge(events);
        let record = Record::new(Trial { cell: cell.clone(), block }, machine_id);
        Record { instructions: figures, audit, ..record }
    };
    pairs.into_iter().map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestant::own;

    fn setup() -> CountSetup {
        CountSetup {
            contestants: own::all().unwrap(),
            service: "/".into(),
            connections: 64,
            requests: 400,
            connects: 100,
            blocks: 5,
            seed: 1,
        }
    }

    #[test]
    fn each_architecture_is_counted_both_ways() {
        let setup = setup();
        let cells = setup.cells();
        assert_eq!(cells.len(), 2 * setup.contestants.len());
        for (contestant, cells) in setup.contestants.iter().zip(cells.chunks(2)) {
            let name = &contestant.label;
            assert!(cells.iter().all(|cell| cell.contestant == *name), "{name}");
            assert_eq!(cells[0].step, Step::Instructions, "{name}");
            assert_eq!(cells[0].load.connections, contestant.connections(64), "{name}");
            assert_eq!((cells[0].load.requests, cells[0].load.requests_per_connection), (Some(400), None));
            assert_eq!(cells[1].step, Step::InstructionsConnect, "{name}");
            assert_eq!(cells[1].load.connections, contestant.connections(CONNECT_CONNECTIONS), "{name}");
            assert_eq!((cells[1].load.requests, cells[1].load.requests_per_connection), (Some(100), Some(1)));
            for cell in cells {
                assert_eq!(cell.workers, contestant.workers(cell.load.connections), "{name}");
            }
        }
    }

    #[test]
    fn events_stand_beside_every_block_of_their_cell() {
        let setup = setup();
        let plan = GuestPlan { cells: setup.cells(), blocks: 2, seed: 1 };
        let load = |answered: u64| contract::LoadAccount {
            answered,
            server: 1_000 * answered,
            generator: 10,
            others: 0,
            all: Some(1_000 * answered + 10),
        };
        let pairs = (0..2).map(|block| (block, Pair { loads: [load(5), load(10)], clock_ns: 1.0 })).collect();
        let events = [20, 40].map(|calls| EventAccount { system_calls: Some(calls), switches: Some(0) });
        let records = counted(&plan, 3, pairs, events, "m");
        assert_eq!(records.len(), 2);
        for (block, record) in (0..).zip(&records) {
            assert_eq!((record.trial.block, &record.trial.cell), (block, &plan.cells[3]));
            let figures = record.instructions().unwrap();
            assert_eq!((figures.per_request, figures.system_calls_per_request), (1_000.0, Some(4.0)));
        }
        assert!(counted(&plan, plan.cells.len(), Vec::new(), events, "m").is_empty(), "a number of no cell");
    }
}

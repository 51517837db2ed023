//! Instructions per request and per connection, the kernel's included, on any machine: without counters of the processor,
//! without privileges, and without virtualization.
//!
//! An emulated machine advances its clock by one nanosecond for each instruction. The CPU time that the kernel of that
//! machine keeps for a group of processes is then the number of instructions that they took. Each cell is a pair of loads
//! that differ in their number of requests alone, and their difference is what these requests took: what a server does at
//! its start, for each connection that lasts, and at the end of a load, is in both.
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
use self::machine::{Machine, MachineError, Parts};
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
    parts: &Parts,
    plan: &GuestPlan,
    stop: &dyn Fn() -> bool,
    take: &mut dyn FnMut(CountEvent) -> Result<(), E>,
) -> Result<(), E> {
    let mut machine = Machine::start(parts, plan)?;
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

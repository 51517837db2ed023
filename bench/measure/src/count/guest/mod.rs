//! The guest: this program as the first process of an emulated machine with one core. It starts servers and generators
//! as an experiment on the host does, and reads what each side took from the accounts of the guest's kernel.

mod account;
mod system;

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use dyno_record::cell::{Cell, Cores};

use self::account::{AccountGroup, Events};
use super::contract::{EventAccount, GuestLine, GuestPlan, LoadAccount};
use super::image::{PLAN, PROGRAM};
use crate::contestant::error::ContestantError;
use crate::contestant::{Contestant, own};
use crate::environment;
use crate::limits::{GUEST_PAUSE, GUEST_SETTLE};
use crate::rig::process::Running;
use crate::rig::system::System;
use crate::rig::{Rig, outcome};

/// Where servers keep their files.
const DIRECTORY: &str = "/run";

/// Boots, carries out the plan, tells each result on the console, and ends the machine.
pub fn main() -> ! {
    // The kernel opened the console before this program started.
    let tell = |line: &GuestLine| {
        let mut console = io::stdout();
        let _ = writeln!(console, "{}", line.to_text()).and_then(|()| console.flush());
    };
    if let Err(words) = carry_out(&tell) {
        tell(&GuestLine::Broken { words });
    }
    system::power_off()
}

fn carry_out(tell: &dyn Fn(&GuestLine)) -> Result<(), String> {
    system::prepare()?;
    system::let_run().map_err(|error| format!("cannot set how threads are scheduled: {error}"))?;
    let plan = File::open(PLAN).map_err(|error| format!("cannot read {PLAN}: {error}"))?;
    let plan: GuestPlan =
        serde_json::from_reader(plan).map_err(|error| format!("{PLAN} is no plan: {error}"))?;
    tell(&GuestLine::Booted {
        environment: Box::new(environment::read()),
        ns_per_instruction: system::ns_per_instruction(),
    });
    let mut bench = Bench::new(&plan).map_err(|error| format!("cannot begin: {error}"))?;
    for number in 0..plan.cells.len() {
        if let Err(words) = bench.count(number, tell) {
            tell(&GuestLine::Failed { cell: number, words });
        }
    }
    tell(&GuestLine::Done);
    Ok(())
}

/// Everything that cells have in common.
struct Bench<'p> {
    plan: &'p GuestPlan,
    rig: System,
    generator: AccountGroup,
    others: AccountGroup,
}

impl<'p> Bench<'p> {
    fn new(plan: &'p GuestPlan) -> io::Result<Self> {
        let contestants: Result<Vec<_>, _> = plan.cells.iter().map(contestant).collect();
        let contestants = contestants.map_err(io::Error::other)?;
        let rig = System::new(&contestants, &cores(), Path::new(DIRECTORY), plan.seed);
        let mut rig = rig.map_err(io::Error::other)?;
        rig.give_rounds(own::compute_rounds_per_us());
        account::admit_counters();
        let (generator, others) = (AccountGroup::new("generator")?, AccountGroup::new("others")?);
        others.enter()?;
        Ok(Bench { plan, rig, generator, others })
    }

    /// Counts a cell on one server, from its start to its end.
    fn count(&mut self, number: usize, tell: &dyn Fn(&GuestLine)) -> Result<(), String> {
        let group = AccountGroup::new(&format!("server-{number}")).map_err(|error| error.to_string())?;
        let done = self.count_in(&group, number, tell);
        group.remove();
        done
    }

    fn count_in(
        &mut self,
        group: &AccountGroup,
        number: usize,
        tell: &dyn Fn(&GuestLine),
    ) -> Result<(), String> {
        let cell = &Cell { cores: cores(), ..self.plan.cells[number].clone() };
        let server = self.in_group(group, |rig| rig.start(cell).map_err(|fault| fault.words))?;
        let counted = self.loads_of(group, &server, number, cell, tell);
        // A server that fails while it is loaded says why when it ends.
        let ended = self.rig.stop(server).map_err(|fault| fault.words);
        match (counted, ended) {
            (Err(words), Err(more)) => Err(format!("{words}; {more}")),
            (counted, ended) => counted.and(ended.map(drop)),
        }
    }

    fn loads_of(
        &mut self,
        group: &AccountGroup,
        server: &Running,
        number: usize,
        cell: &Cell,
        tell: &dyn Fn(&GuestLine),
    ) -> Result<(), String> {
        let requests = cell.load.requests.ok_or("the cell names no number of requests")?;
        // What a server does once, such as filling its caches and its allocator, is no request's.
        self.load(group, server, cell, requests)?;
        for block in 0..self.plan.blocks {
            let loads =
                [self.load(group, server, cell, requests)?, self.load(group, server, cell, 2 * requests)?];
            tell(&GuestLine::Counted { cell: number, block, loads });
        }
        let mut loads = [EventAccount::default(); 2];
        for (load, requests) in loads.iter_mut().zip([requests, 2 * requests]) {
            let mut events = Events::of(group);
            self.load(group, server, cell, requests)?;
            *load = events.read();
        }
        tell(&GuestLine::Events { cell: number, loads });
        Ok(())
    }

    /// Sends so many requests, and reads what that took.
    fn load(
        &mut self,
        group: &AccountGroup,
        server: &Running,
        cell: &Cell,
        requests: u64,
    ) -> Result<LoadAccount, String> {
        let mut wanted = cell.clone();
        wanted.load.requests = Some(requests);
        let arguments = self.rig.load_arguments(&server.address.to_string(), &wanted);
        let before = self.read(group).map_err(|error| error.to_string())?;
        let generator = self.in_group(&self.generator.clone(), |_| {
            let mut command = Command::new(PROGRAM);
            command.args(&arguments).stdin(Stdio::null());
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().map_err(|error| format!("the generator cannot be started: {error}"))
        })?;
        let output = generator.wait_with_output().map_err(|error| error.to_string())?;
        // The server learns only now that its clients have gone. Time that passes in idleness costs nothing.
        thread::sleep(GUEST_SETTLE);
        let after = self.read(group).map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        if text.trim().is_empty() {
            let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " / ");
            return Err(format!("the generator gave no result ({}): {said}", output.status));
        }
        let figures = outcome::read(&text).map_err(|fault| fault.words)?.figures;
        if figures.answered != requests || !figures.errors.is_empty() {
            let errors: Vec<String> =
                figures.errors.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            return Err(format!(
                "{} of {requests} requests were answered; failed: {}",
                figures.answered,
                errors.join(", ")
            ));
        }
        let all = after.all.zip(before.all).map(|(after, before)| after - before);
        Ok(LoadAccount {
            answered: figures.answered,
            server: after.server - before.server,
            generator: after.generator - before.generator,
            others: after.others - before.others,
            all,
        })
    }

    fn read(&self, group: &AccountGroup) -> io::Result<LoadAccount> {
        let kernel = account::kernel_threads_ns();
        // What a thread has run counts in each account when it stops running, and this one has looked at many files.
        thread::sleep(GUEST_PAUSE);
        Ok(LoadAccount {
            answered: 0,
            server: group.ran_ns()?,
            generator: self.generator.ran_ns()?,
            others: kernel + self.others.ran_ns()?,
            all: account::all_ns(),
        })
    }

    /// Does something in a group: what is started by it stays there.
    fn in_group<T>(
        &mut self,
        group: &AccountGroup,
        work: impl FnOnce(&mut System) -> Result<T, String>,
    ) -> Result<T, String> {
        group.enter().map_err(|error| error.to_string())?;
        let done = work(&mut self.rig);
        self.others.enter().map_err(|error| error.to_string())?;
        done
    }
}

/// The contestant of a cell.
fn contestant(cell: &Cell) -> Result<Contestant, ContestantError> {
    // The second one of a name and one behind a transport are started by the name itself.
    let name = cell.contestant.split(['#', '+']).next().unwrap_or_default();
    let found = own::named(name)?;
    Ok(Contestant { label: cell.contestant.clone(), transport: cell.transport, ..found })
}

/// The guest has one core, which both sides share.
pub(super) fn cores() -> Cores {
    Cores { server: vec![0], generator: vec![0] }
}

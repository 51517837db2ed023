//! An experiment from its directory to its report.

use std::path::{Path, PathBuf};
use std::time::Duration;

use dyno_analysis::explanation::build::Build;
use dyno_analysis::explanation::units_of;
use dyno_clients::engine::quota;
use dyno_measure::campaign::{Campaign, EndedEarly, expected_time};
use dyno_measure::contestant::Contestant;
use dyno_measure::contestant::own::compute_rounds_per_us;
use dyno_measure::doctor;
use dyno_measure::environment;
use dyno_measure::floor;
use dyno_measure::limits::{REPEAT_SHARE, RESTLESS_MS};
use dyno_measure::order::ExperimentPlan;
use dyno_measure::place::{Placement, ranges};
use dyno_measure::preflight::{self, Refusal};
use dyno_measure::probe::machine::online_cores;
use dyno_measure::rig::system::System;
use dyno_measure::setup::Setup;
use dyno_measure::unit_costs;
use dyno_record::SCHEMA;
use dyno_record::cell::Cell;
use dyno_record::experiment::Experiment;
use dyno_record::header::{Floor, Header};
use dyno_record::measured::Record;
use dyno_record::step::Step;
use dyno_record::store::{Store, StoreError};
use dyno_units::show;
use dyno_units::text::{cut, wrap};

use super::spec::Spec;
use crate::exit::{Exit, Failure};
use crate::limits::{STACK_COST_ATTEMPTS, TERMINAL_COLUMNS, UNIT_COST_TIME};
use crate::meant;
use crate::print::{errln, out, outln};
use crate::progress::Reporter;
use crate::results;
use crate::scratch::Scratch;

/// Counts the instructions of those who took part in an experiment, into a directory.
pub(crate) type Count = fn(&Spec, &Path) -> Result<(), Failure>;

/// An experiment that is about to begin or to continue.
#[derive(Debug)]
pub(crate) struct Launch {
    /// The options with which it began.
    pub(crate) spec: Spec,
    /// The directory of its results.
    pub(crate) directory: PathBuf,
    /// The records of an experiment that goes on, held so that nobody else writes them.
    pub(crate) store: Option<Store>,
    /// The header of an experiment that goes on.
    pub(crate) recorded: Option<Header>,
    /// The records of an earlier start.
    pub(crate) known: Vec<Record>,
    /// Seed of the order and of the arrivals.
    pub(crate) seed: u64,
    /// When this start began, in milliseconds since 1970.
    pub(crate) unix_ms: u64,
    /// Whether the plan is printed, and nothing is measured.
    pub(crate) dry_run: bool,
    /// Whether progress is not shown on stderr.
    pub(crate) quiet: bool,
    /// Counts instructions as well, once all is measured.
    pub(crate) count: Option<Count>,
}

impl Launch {
    /// Prints the plan, or measures it: `run` runs the experiment.
    ///
    /// # Errors
    /// When results cannot be written.
    pub(crate) fn plan_or_conduct(
        self,
        setup: &Setup,
        plan: impl FnOnce() -> ExperimentPlan,
        run: impl FnOnce(&mut Campaign<System>) -> Result<(), EndedEarly>,
    ) -> Result<Exit, Failure> {
        check_service(setup)?;
        self.plan_or_conduct_checked(setup, plan, run)
    }

    /// The same for services that are known to be there.
    ///
    /// # Errors
    /// When results cannot be written.
    pub(crate) fn plan_or_conduct_checked(
        self,
        setup: &Setup,
        plan: impl FnOnce() -> ExperimentPlan,
        run: impl FnOnce(&mut Campaign<System>) -> Result<(), EndedEarly>,
    ) -> Result<Exit, Failure> {
        if self.dry_run {
            print_plan(setup, &plan());
            if self.spec.experiment == Experiment::Compare {
                let attempts = units_of(&builds(setup)).len() * STACK_COST_ATTEMPTS;
                let time = UNIT_COST_TIME * u32::try_from(attempts).unwrap_or(u32::MAX);
                outln!("and about {} before that, for what single steps cost here", show::span(time));
            }
            return Ok(Exit::Success);
        }
        self.conduct(setup, run)
    }

    /// Conducts the experiment, from measuring the machine's floor to the report.
    ///
    /// # Errors
    /// When results cannot be written.
    pub(crate) fn conduct(
        mut self,
        setup: &Setup,
        run: impl FnOnce(&mut Campaign<System>) -> Result<(), EndedEarly>,
    ) -> Result<Exit, Failure> {
        let mut progress = Reporter::new(self.quiet);
        let header = self.header(setup);
        if !header.environment.optimized {
            progress.warn_of_slow_program();
        }
        if let Some(words) = short_of_quota(setup) {
            progress.warn(&words);
        }
        let store = self.store(&header)?;
        results::refuse_blocked_report(&self.directory)?;
        results::point_latest(&self.directory);
        let mut rig = System::new(&setup.contestants, &setup.cores, &self.directory, self.seed)?;
        rig.give_rounds(header.compute_rounds_per_us);
        let mut campaign =
            Campaign::new(rig, Some(store), self.known, &header.environment.machine_id, &mut progress);
        let ended = run(&mut campaign).and_then(|()| campaign.repeat_void(self.seed));
        drop(campaign);
        let void = progress.finish();
        let interrupted = match ended {
            Ok(()) => false,
            Err(EndedEarly::Interrupted) => true,
            Err(EndedEarly::Broken(error)) => return Err(error.into()),
        };
        if let Some(count) = self.count.filter(|_| !interrupted) {
            if !self.quiet {
                errln!("counting instructions in an emulated machine");
            }
            // What was measured is whole without it.
            if let Err(failure) = count(&self.spec, &self.directory.join(results::COUNTS)) {
                errln!("instructions were not counted: {}", failure.message);
                if !failure.remedy.is_empty() {
                    errln!("{}", failure.remedy);
                }
            }
        }
        let written = results::write_report(&self.directory)?;
        out!("{}", written.report.terminal);
        let again = format!("dyno {} --resume {}", self.spec.experiment.command(), self.directory.display());
        if !self.quiet {
            errln!("report: {}", written.page.display());
            if let Some(void) = void {
                errln!("{void}\nto measure them again: {again}");
            }
        }
        if interrupted {
            errln!("interrupted; continue with: {again}");
            return Ok(Exit::Interrupted);
        }
        Ok(if written.report.usable { Exit::Success } else { Exit::Invalid })
    }

    /// The file that takes the records, with the header of this start in it.
    fn store(&mut self, header: &Header) -> Result<Store, Failure> {
        if let Some(mut held) = self.store.take() {
            held.go_on(header)?;
            return Ok(held);
        }
        loop {
            match Store::begin(&self.directory, header) {
                // Another one began in the same second.
                Err(StoreError::Taken(taken)) if self.spec.output.is_none() => {
                    self.directory = results::next_to(&taken);
                }
                begun => return Ok(begun?),
            }
        }
    }

    /// The header of this start. What an experiment that goes on was asked for stays as it is on record.
    fn header(&self, setup: &Setup) -> Header {
        if let Some(recorded) = &self.recorded {
            return Header { environment: environment::read(), ..recorded.clone() };
        }
        Header {
            schema: SCHEMA,
            experiment: self.spec.experiment,
            command: std::env::args().collect(),
            spec: Some(self.spec.to_record()),
            seed: self.seed,
            blocks: setup.blocks,
            began_unix_ms: self.unix_ms,
            threshold: self.spec.threshold.0,
            limit: (self.spec.experiment == Experiment::Curve).then(|| self.spec.limit()),
            compute_rounds_per_us: compute_rounds_per_us(),
            contestants: setup.contestants.iter().map(Contestant::line).collect(),
            floor: Some(self.floor(setup)),
            environment: environment::read(),
        }
    }

    /// The machine's floor; for a comparison with what one costs of each step of which the contestants are made.
    fn floor(&self, setup: &Setup) -> Floor {
        let mut floor = floor::measure(&online_cores());
        if self.spec.experiment == Experiment::Compare {
            floor.unit_costs = unit_costs::usual_prices(&units_of(&builds(setup)), STACK_COST_ATTEMPTS);
        }
        floor
    }
}

/// How the contestants are built.
fn builds(setup: &Setup) -> Vec<Build> {
    setup.contestants.iter().map(|contestant| contestant.build).collect()
}

/// The plan as a table: each step with its loads, how many cells it has, and how long they take.
fn table(plan: &ExperimentPlan, usual: impl Fn(&Cell) -> Duration) -> Vec<String> {
    let mut steps: Vec<(String, String, usize, Duration)> = Vec::new();
    for planned in plan.trials() {
        let cell = &planned.trial.cell;
        // Workloads are told apart by their names, which tell more than the numbers of connections.
        let step = cell.load.workload.clone().unwrap_or_else(|| cell.step.to_string());
        let load = planned.load_words();
        let known = steps.iter_mut().find(|(known, with, ..)| *known == step && *with == load);
        match known {
            Some((_, _, cells, time)) => (*cells, *time) = (*cells + 1, *time + usual(cell)),
            None => steps.push((step, load, 1, usual(cell))),
        }
    }
    let mut rows = vec![format!("{:<17} {:<42} {:>6} {:>12}", "step", "load", "cells", "time")];
    rows.extend(steps.into_iter().map(|(step, load, cells, time)| {
        format!("{step:<17} {:<42} {cells:>6} {:>12}", cut(&load, 42), show::span(time))
    }));
    rows
}

/// Refuses a service that is not there, or whose answer does not verify, before anything is measured.
///
/// # Errors
/// Usage (2) when a contestant answers otherwise than it should.
pub(crate) fn check_service(setup: &Setup) -> Result<(), Failure> {
    let scratch = Scratch::make("check")?;
    let found = preflight::refusals(setup, scratch.path())?;
    if found.is_empty() {
        return Ok(());
    }
    let each: Vec<String> =
        found.iter().map(|refusal| format!("{}: {}", refusal.contestant, refusal.words)).collect();
    let asked = found.iter().find_map(|refusal| {
        let of = |contestant: &&Contestant| contestant.label == refusal.contestant;
        setup.contestants.iter().find(of)?.path.clone()
    });
    Err(Failure::usage(
        format!("{} cannot be measured: {}", asked.as_ref().unwrap_or(&setup.service), each.join("; ")),
        meant::service(&setup.service).unwrap_or_else(|| remedy_of(&found)),
    ))
}

/// What helps when contestants do not have the service, or answer it otherwise than they should.
fn remedy_of(found: &[Refusal]) -> String {
    let foreign: Vec<&Refusal> = found.iter().filter(|refusal| !refusal.own).collect();
    if foreign.len() < found.len() {
        return "name another --service: `dyno list` shows Dyno's own, and other servers must have it as well"
            .into();
    }
    let names: Vec<&str> = foreign.iter().map(|refusal| refusal.contestant.as_str()).collect();
    if foreign.iter().all(|refusal| refusal.by_bodies) {
        return format!(
            "if bodies differ from answer to answer, as those with a time do, write expect = \"status\" into the [[server]] table of {}",
            names.join(", ")
        );
    }
    format!(
        "leave {} out, or ask for what all have: --service, or a path of its own in a [[server]] table",
        names.join(", ")
    )
}

fn print_plan(setup: &Setup, plan: &ExperimentPlan) {
    // Until the pilot has shown how soon each contestant is steady, the plan assumes the usual time.
    let usual = |cell: &Cell| {
        let mut cell = cell.clone();
        if !setup.warm_up_fixed {
            cell.load.warm_up_ms = cell.load.warm_up_ms.min(RESTLESS_MS);
        }
        expected_time(&cell)
    };
    let time: Duration = plan.cells().map(usual).sum();
    for row in table(plan, usual) {
        outln!("{row}");
    }
    let names: Vec<&str> = setup.contestants.iter().map(|contestant| contestant.label.as_str()).collect();
    let words = format!(
        "{} of {} ({}); server on {}, generator on {}",
        show::count(plan.cells().count(), "cell"),
        show::count(names.len(), "contestant"),
        names.join(", "),
        cores(&setup.cores.server),
        cores(&setup.cores.generator),
    );
    outln!("{}", wrap(&words, TERMINAL_COLUMNS));
    let more = if setup.warm_up_fixed { "" } else { "; more where servers take long to become steady" };
    let repeats = REPEAT_SHARE * 100.0;
    outln!("takes about {}{more}", show::span(time));
    let by_need = setup.placement.as_ref().is_some_and(Placement::is_split_by_need);
    if by_need && plan.cells().any(|cell| cell.step == Step::Connect || cell.load.workload.is_some()) {
        outln!(
            "after the first cells the cores are split by need: as many for the generator as keep the server busy"
        );
    }
    if let Some(words) = short_of_quota(setup) {
        outln!("{}", wrap(&format!("warning: {words}"), TERMINAL_COLUMNS));
    }
    outln!("and up to {repeats:.0} % more for void cells, which are measured again at the end");
}

fn short_of_quota(setup: &Setup) -> Option<String> {
    doctor::short_of_quota(quota::own().cores(), setup.cores.both().len())
}

fn cores(cores: &[usize]) -> String {
    format!("core{} {}", if cores.len() == 1 { "" } else { "s" }, ranges(cores))
}

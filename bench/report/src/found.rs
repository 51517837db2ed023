//! What an experiment found, worked out once: every form of its report tells the same figures.

use dyno_analysis::comparison::Model;
use dyno_analysis::duel::{self, DuelRow};
use dyno_analysis::explanation::build::Build;
use dyno_analysis::explanation::stack::{CostStack, stacks};
use dyno_analysis::instructions::{self, CountRow};
use dyno_analysis::isolation::{self, IsolationRow};
use dyno_analysis::levelling::Levelled;
use dyno_analysis::overload::{self, OverloadRow};
use dyno_analysis::points::{Axis, AxisKind, Trail, trails};
use dyno_analysis::waiting::{self, WaitingRow};
use dyno_analysis::workloads::{Matrix, matrix};
use dyno_record::experiment::Experiment;
use dyno_record::measured::Record;

/// What was found, by the shape that it has.
#[derive(Debug)]
pub(crate) enum Found {
    /// One service under the same loads; the model of the comparison has it all but of what the CPU of each is made.
    Compared(Vec<CostStack>),
    /// Something along an axis.
    Along(Axis, Vec<Trail>),
    /// Instructions in an emulated machine.
    Counted(Vec<CountRow>),
    /// Two that took turns.
    InTurn(Vec<DuelRow>),
    /// What planted faults did to others.
    Isolated(Vec<IsolationRow>),
    /// What overload controls save.
    Overloaded(Vec<OverloadRow>),
    /// What requests that wait do to others.
    Waited(Vec<WaitingRow>),
    /// Several workloads.
    Workloads(Matrix),
}

impl Found {
    /// What the experiment of these records found; `build_of` tells how a contestant is built.
    pub(crate) fn of(records: &Levelled, build_of: fn(&str) -> Build) -> Found {
        let along = |kind: AxisKind| Found::Along(kind.axis(), trails(records, kind.axis()));
        match records.header.experiment {
            Experiment::Compare => Found::Compared(costs(records, build_of)),
            Experiment::Curve => along(AxisKind::Offered),
            Experiment::Scale => along(AxisKind::Cores),
            Experiment::Connections => along(AxisKind::Connections),
            Experiment::Count => Found::Counted(instructions::rows(records)),
            Experiment::Duel => Found::InTurn(duel::rows(records)),
            Experiment::Isolation => Found::Isolated(isolation::rows(records)),
            Experiment::Overload => Found::Overloaded(overload::rows(records)),
            Experiment::Waiting => Found::Waited(waiting::rows(records)),
            Experiment::Workloads => Found::Workloads(matrix(records)),
        }
    }

    /// What CPU time a plain request took each contestant that was loaded to the full, by label, ns.
    pub(crate) fn cpu_of_a_request(&self, model: &Model) -> Vec<(String, f64)> {
        match self {
            Found::Workloads(matrix) => {
                let hello = matrix.rows.iter().find(|row| row.workload.service == PLAIN);
                let scores = hello.map_or([].as_slice(), |row| &row.scores);
                let known = matrix.designs.iter().zip(scores);
                known
                    .filter_map(|(design, score)| Some((design.label.clone(), score.cpu_ns.value()?)))
                    .collect()
            }
            Found::Compared(_) => {
                let known = model.rows.iter();
                known.filter_map(|row| Some((row.label.clone(), row.cpu_at_capacity_ns.value()?))).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Of what the CPU of each is made; nothing where no unit costs were measured.
fn costs(records: &Levelled, build_of: fn(&str) -> Build) -> Vec<CostStack> {
    let prices = records.header.floor.as_ref().map_or(&[][..], |floor| floor.unit_costs.as_slice());
    if prices.is_empty() {
        return Vec::new();
    }
    let cells: Vec<&Record> = records.cells.iter().map(|cell| &cell.record).collect();
    let all: Vec<(&str, Build)> =
        records.header.contestants.iter().map(|line| (line.label.as_str(), build_of(&line.label))).collect();
    stacks(&cells, &all, prices)
}

/// The service that is counted.
const PLAIN: &str = "/";

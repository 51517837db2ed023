//! What an experiment found, worked out once: every form of its report tells the same figures.

use dyno_analysis::comparison::Model;
use dyno_analysis::duel::{self, DuelRow};
use dyno_analysis::instructions::{self, CountRow};
use dyno_analysis::isolation::{self, IsolationRow};
use dyno_analysis::levelling::Levelled;
use dyno_analysis::overload::{self, OverloadRow};
use dyno_analysis::points::{Axis, AxisKind, Trail, trails};
use dyno_analysis::waiting::{self, WaitingRow};
use dyno_analysis::workloads::{Matrix, matrix};
use dyno_record::experiment::Experiment;

/// What was found, by the shape that it has.
#[derive(Debug)]
pub(crate) enum Found {
    /// One service under the same loads; the model of the comparison has it all.
    Compared,
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
    /// What the experiment of these records found.
    pub(crate) fn of(records: &Levelled) -> Found {
        let along = |kind: AxisKind| Found::Along(kind.axis(), trails(records, kind.axis()));
        match records.header.experiment {
            Experiment::Compare => Found::Compared,
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
            Found::Compared => {
                let known = model.rows.iter();
                known.filter_map(|row| Some((row.label.clone(), row.cpu_at_capacity_ns.value()?))).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The service that is counted.
const PLAIN: &str = "/";

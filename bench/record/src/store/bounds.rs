//! Which numbers of a record can have been measured or asked for. Reports divide by them, take their logarithms and
//! draw axes through them, so what makes no sense is refused on reading, where file and line are known.

use serde_json::{Number, Value};

use super::Line;
use crate::limits;
use crate::measured::Record;
use dyno_units::verdict::Verdict;

/// A number that makes no sense.
#[derive(Debug, PartialEq)]
pub(super) struct Nonsense {
    /// The field, as a path of names.
    pub(super) name: String,
    /// What it holds.
    pub(super) value: String,
}

/// Refuses a number below zero, or beyond what its unit allows, wherever it stands in a line.
pub(super) fn of_numbers(line: &Value) -> Result<(), Nonsense> {
    within(line, "", "")
}

fn within(value: &Value, path: &str, name: &str) -> Result<(), Nonsense> {
    match value {
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            within(value, &path, name)
        }),
        Value::Array(values) => values.iter().try_for_each(|value| within(value, path, name)),
        Value::Number(number) => {
            let fits = |number: &Number| number.as_f64().is_some_and(|it| (0.0..=most(name)).contains(&it));
            if fits(number) {
                return Ok(());
            }
            Err(Nonsense { name: path.to_string(), value: number.to_string() })
        }
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

/// The most that a field may hold, by the unit that its name ends with.
fn most(name: &str) -> f64 {
    let by_unit = [
        ("_per_s", limits::RATE_PER_S_MAX),
        ("_share", limits::SHARE_MAX),
        ("cores_used", limits::CORES_MAX),
        ("seconds", limits::SECONDS_MAX),
        // The clock of the system may have told any of its values.
        ("seed", u64::MAX as f64),
    ];
    let known = by_unit.into_iter().find(|(unit, _)| name.ends_with(unit));
    known.map_or(limits::NUMBER_MAX, |(_, most)| most)
}

/// Refuses a zero where there must have been something.
pub(super) fn of_line(line: &Line) -> Result<(), Nonsense> {
    match line {
        Line::Header(header) => above_zero("blocks", f64::from(header.blocks)),
        Line::Cell(record) => of_cell(record),
    }
}

fn of_cell(record: &Record) -> Result<(), Nonsense> {
    let asked = &record.trial.cell.load;
    above_zero("trial.cell.load.connections", f64::from(asked.connections))?;
    match asked.requests {
        Some(requests) => above_zero("trial.cell.load.requests", requests as f64)?,
        None => above_zero("trial.cell.load.duration_ms", asked.duration_ms as f64)?,
    }
    for rate in asked.rate_per_s.iter().chain(&asked.steps) {
        above_zero("trial.cell.load.rate_per_s", *rate)?;
    }
    let Some(load) = &record.load else { return Ok(()) };
    // Past the critical point, and in a cell that is void, it is a result that nothing was answered.
    let may_be_none = record.trial.cell.step.may_overload() || record.audit.verdict == Verdict::Void;
    if may_be_none { Ok(()) } else { above_zero("load.rate_per_s", load.rate_per_s) }
}

fn above_zero(name: &str, value: f64) -> Result<(), Nonsense> {
    let refused = || Nonsense { name: name.to_string(), value: value.to_string() };
    if value > 0.0 { Ok(()) } else { Err(refused()) }
}

//! One line per cell, for spreadsheets.

use dyno_analysis::levelling::LevelledCell;
use dyno_record::experiment::Experiment;
use dyno_units::verdict::Verdict;
use serde::{Serialize, Serializer};

use crate::error::ReportError;

/// A line: one column for each field, under its name. Values that are not available are empty.
#[derive(Default, Serialize)]
struct Row<'r> {
    experiment: &'static str,
    block: u32,
    turn: u64,
    step: &'static str,
    contestant: &'r str,
    service: &'r str,
    transport: String,
    server_cores: String,
    generator_cores: String,
    connections: u32,
    idle_connections: u32,
    #[serde(serialize_with = "plain")]
    rate_offered_per_s: Option<f64>,
    standing: String,
    reason: String,
    #[serde(serialize_with = "plain")]
    rate_per_s: Option<f64>,
    answered: Option<u64>,
    failed: Option<u64>,
    p50_ns: Option<u64>,
    p90_ns: Option<u64>,
    p99_ns: Option<u64>,
    p99_9_ns: Option<u64>,
    p99_99_ns: Option<u64>,
    #[serde(serialize_with = "plain")]
    mean_ns: Option<f64>,
    max_ns: Option<u64>,
    #[serde(serialize_with = "plain")]
    server_cores_used: Option<f64>,
    #[serde(serialize_with = "plain")]
    cpu_per_request_ns: Option<f64>,
    #[serde(serialize_with = "plain")]
    machine_cores_used: Option<f64>,
    pss_loaded_bytes: Option<u64>,
    anonymous_growth_bytes: Option<u64>,
    threads: Option<u32>,
    processes: Option<u32>,
    #[serde(serialize_with = "plain")]
    slowed_share: Option<f64>,
    /// The rate at full pace: the medians of the page are those of this column.
    #[serde(serialize_with = "plain")]
    full_pace_rate_per_s: Option<f64>,
    /// The same for CPU per request.
    #[serde(serialize_with = "plain")]
    full_pace_cpu_per_request_ns: Option<f64>,
    latency_verdict: String,
    #[serde(serialize_with = "plain")]
    instructions_per_request: Option<f64>,
    #[serde(serialize_with = "plain")]
    system_calls_per_request: Option<f64>,
    #[serde(serialize_with = "plain")]
    switches_per_request: Option<f64>,
    workload: &'r str,
}

/// All cells as CSV (RFC 4180).
///
/// # Errors
/// When a line cannot be encoded.
///
/// # Panics
/// Never: everything that is written is text.
pub(crate) fn render<'r>(
    experiment: Experiment,
    cells: impl IntoIterator<Item = &'r LevelledCell>,
) -> Result<String, ReportError> {
    let rows: Vec<_> = cells.into_iter().map(|cell| Row::new(experiment, cell)).collect();
    if rows.is_empty() {
        // The writer takes the names of the columns from the first line, so if there is no line, an empty one is
        // made.
        let text = lines(&[Row::default()])?;
        return Ok(text.split_inclusive('\n').next().unwrap_or_default().to_owned());
    }
    lines(&rows)
}

/// Lines under the names of their fields.
pub(crate) fn lines(rows: &[impl Serialize]) -> Result<String, ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    rows.iter().try_for_each(|row| writer.serialize(row))?;
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8(bytes).expect("text was written"))
}

/// Whole numbers up to here are written as such; beyond it not every one of them has a place among the floating ones.
const WHOLE_MOST: f64 = 9e15;

/// Writes a number, as a number in JSON too, without the `.0` that serde adds to whole ones.
pub(crate) fn plain<S: Serializer>(number: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match *number {
        Some(number) if number.fract() == 0.0 && number.abs() < WHOLE_MOST => {
            serializer.serialize_i64(number as i64)
        }
        Some(number) if number.is_finite() => serializer.serialize_f64(number),
        _ => serializer.serialize_none(),
    }
}

/// A verdict as one word.
fn word(verdict: Verdict) -> String {
    verdict.name().replace(' ', "-")
}

impl<'r> Row<'r> {
    fn new(experiment: Experiment, levelled: &'r LevelledCell) -> Self {
        let record = &levelled.record;
        let (cell, load, server) = (&record.trial.cell, record.load.as_ref(), record.server.as_ref());
        let counted = record.instructions.as_ref();
        let cores = |cores: &[usize]| cores.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let percentile = |percentile: f64| load.and_then(|load| load.total.at_ns(percentile));
        Row {
            experiment: experiment.word(),
            block: record.trial.block,
            turn: record.turn,
            step: cell.step.word(),
            contestant: &cell.contestant,
            service: &cell.service,
            transport: cell.transport.to_string(),
            server_cores: match cell.load.quota {
                Some(quota) => format!("{} ({quota})", cores(&cell.cores.server)),
                None => cores(&cell.cores.server),
            },
            generator_cores: cores(&cell.cores.generator),
            connections: cell.load.connections,
            idle_connections: cell.load.idle_connections,
            rate_offered_per_s: cell.load.rate_per_s,
            standing: word(record.audit.verdict),
            reason: record.audit.reason().to_string(),
            rate_per_s: load.map(|load| load.rate_per_s),
            answered: load.map(|load| load.answered),
            failed: load.map(|load| load.errors.values().sum()),
            p50_ns: percentile(50.0),
            p90_ns: percentile(90.0),
            p99_ns: percentile(99.0),
            p99_9_ns: percentile(99.9),
            p99_99_ns: percentile(99.99),
            mean_ns: load.map(|load| load.total.mean_ns),
            max_ns: load.map(|load| load.total.max_ns),
            server_cores_used: server.map(|server| server.cores_used),
            cpu_per_request_ns: record.cpu_as_measured_ns(),
            machine_cores_used: record.machine.as_ref().map(|machine| machine.cores_used),
            pss_loaded_bytes: server.and_then(|server| server.memory_loaded.pss_bytes),
            anonymous_growth_bytes: server
                .and_then(|server| server.memory_idle.growth_bytes(&server.memory_loaded)),
            threads: server.map(|server| server.threads),
            processes: server.map(|server| server.processes),
            slowed_share: record.pace.iter().map(|core| core.slowed_share).reduce(f64::max),
            full_pace_rate_per_s: levelled.rate_per_s(),
            full_pace_cpu_per_request_ns: levelled.cpu_per_request_ns(),
            latency_verdict: word(record.audit.latency.max(match record.audit.verdict {
                Verdict::Void => Verdict::Void,
                _ => Verdict::Sound,
            })),
            instructions_per_request: counted.map(|counted| counted.per_request),
            system_calls_per_request: counted.and_then(|counted| counted.system_calls_per_request),
            switches_per_request: counted.and_then(|counted| counted.switches_per_request),
            workload: cell.load.workload.as_deref().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Other people's spreadsheets and scripts know the columns by these names and in this order.
    #[test]
    fn the_columns_keep_their_names() {
        let header = "experiment,block,turn,step,contestant,service,transport,server_cores,generator_cores,connections,\
                      idle_connections,rate_offered_per_s,standing,reason,rate_per_s,answered,failed,p50_ns,p90_ns,\
                      p99_ns,p99_9_ns,p99_99_ns,mean_ns,max_ns,server_cores_used,cpu_per_request_ns,\
                      machine_cores_used,pss_loaded_bytes,anonymous_growth_bytes,threads,processes,slowed_share,\
                      full_pace_rate_per_s,full_pace_cpu_per_request_ns,latency_verdict,instructions_per_request,\
                      system_calls_per_request,switches_per_request,workload\n";
        assert_eq!(render(Experiment::Compare, []).expect("text"), header);
    }

    #[test]
    fn whole_numbers_have_no_point() {
        let row = Row { rate_per_s: Some(68.0), slowed_share: Some(0.5), ..Row::default() };
        let text = lines(&[row]).expect("text");
        assert!(text.ends_with(",68,,,,,,,,,,,,,,,,,0.5,,,,,,,\n"), "{text}");
    }
}

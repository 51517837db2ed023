//! One line per cell, for spreadsheets.

use crate::error::ReportError;
use dyno_record::experiment::Experiment;
use dyno_record::measured::Record;

const COLUMNS: [&str; 32] = [
    "experiment",
    "block",
    "turn",
    "step",
    "contestant",
    "service",
    "transport",
    "server_cores",
    "generator_cores",
    "connections",
    "idle_connections",
    "rate_offered_per_s",
    "standing",
    "reason",
    "rate_per_s",
    "answered",
    "failed",
    "p50_ns",
    "p90_ns",
    "p99_ns",
    "p99_9_ns",
    "p99_99_ns",
    "mean_ns",
    "max_ns",
    "server_cores_used",
    "cpu_per_request_ns",
    "machine_cores_used",
    "pss_loaded_bytes",
    "anonymous_growth_bytes",
    "threads",
    "processes",
    "slowed_share",
];

/// All cells as CSV (RFC 4180); what is not available is empty.
///
/// # Errors
/// When a line cannot be encoded.
///
/// # Panics
/// Never: what is written is text.
pub fn render<'r>(
    experiment: Experiment,
    records: impl IntoIterator<Item = &'r Record>,
) -> Result<String, ReportError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for record in records {
        writer.write_record(line(experiment, record))?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8(bytes).expect("text was written"))
}

fn line(experiment: Experiment, record: &Record) -> Vec<String> {
    fn text<T: ToString>(value: Option<T>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let (cell, load, server) = (&record.trial.cell, record.load.as_ref(), record.server.as_ref());
    let cores = |cores: &[usize]| cores.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let percentile = |percentile: f64| text(load.and_then(|load| load.total.at_ns(percentile)));
    vec![
        experiment.to_string(),
        record.trial.block.to_string(),
        record.turn.to_string(),
        cell.step.to_string(),
        cell.contestant.clone(),
        cell.service.clone(),
        cell.transport.to_string(),
        cores(&cell.cores.server),
        cores(&cell.cores.generator),
        cell.load.connections.to_string(),
        cell.load.idle_connections.to_string(),
        text(cell.load.rate_per_s),
        format!("{:?}", record.audit.standing),
        record.audit.reason().to_string(),
        text(load.map(|load| load.rate_per_s)),
        text(load.map(|load| load.answered)),
        text(load.map(|load| load.errors.values().sum::<u64>())),
        percentile(50.0),
        percentile(90.0),
        percentile(99.0),
        percentile(99.9),
        percentile(99.99),
        text(load.map(|load| load.total.mean_ns)),
        text(load.map(|load| load.total.max_ns)),
        text(server.map(|server| server.cores_used)),
        text(record.cpu_as_measured_ns()),
        text(record.machine.as_ref().map(|machine| machine.cores_used)),
        text(server.and_then(|server| server.memory_loaded.pss_bytes)),
        text(server.and_then(|server| server.memory_idle.growth_bytes(&server.memory_loaded))),
        text(server.map(|server| server.threads)),
        text(server.map(|server| server.processes)),
        text(record.pace.iter().map(|core| core.slowed_share).reduce(f64::max)),
    ]
}

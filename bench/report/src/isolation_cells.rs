//! One line per cell of an experiment of isolation, for spreadsheets: these cells have no rates and no latencies.

use dyno_analysis::isolation::Radius;
use dyno_analysis::levelling::LevelledCell;
use dyno_record::isolation::{CulpritEnd, IsolationFigures};
use serde::Serialize;

use crate::cells::lines;
use crate::error::ReportError;

/// A line. Values that are not available are empty.
#[derive(Default, Serialize)]
struct IsolationLine<'r> {
    experiment: &'static str,
    block: u32,
    turn: u64,
    contestant: &'r str,
    fault: &'static str,
    standing: String,
    reason: String,
    victims: Option<u32>,
    unharmed: Option<u32>,
    stalled: Option<u32>,
    cut: Option<u32>,
    refused: Option<u32>,
    running_hurt: Option<u32>,
    idle_hurt: Option<u32>,
    new_hurt: Option<u32>,
    radius: &'static str,
    longest_before_ns: Option<u64>,
    longest_after_ns: Option<u64>,
    served_again_ns: Option<u64>,
    replaced_ns: Option<u64>,
    culprit: String,
    mending: String,
    processes_before: Option<u32>,
    processes_after: Option<u32>,
    first_ended: &'r str,
    kept_bytes: Option<u64>,
    watched_ns: Option<u64>,
}

/// All cells as CSV (RFC 4180).
///
/// # Errors
/// When a line cannot be encoded.
pub(crate) fn render(cells: &[LevelledCell]) -> Result<String, ReportError> {
    if cells.is_empty() {
        // The writer takes the names of the columns from the first line.
        let text = lines(&[IsolationLine::default()])?;
        return Ok(text.split_inclusive('\n').next().unwrap_or_default().to_owned());
    }
    lines(&cells.iter().map(line).collect::<Vec<_>>())
}

fn line(cell: &LevelledCell) -> IsolationLine<'_> {
    let record = &cell.record;
    let figures = record.isolation.as_ref();
    let victims = figures.map(IsolationFigures::victims);
    let processes = figures.map(|figures| &figures.processes);
    IsolationLine {
        experiment: "isolation",
        block: record.trial.block,
        turn: record.turn,
        contestant: &record.trial.cell.contestant,
        fault: record.trial.cell.load.fault.map_or("", |fault| fault.word()),
        standing: record.audit.verdict.name().replace(' ', "-"),
        reason: record.audit.reason().to_string(),
        victims: victims.map(dyno_record::isolation::VictimFates::all),
        unharmed: victims.map(|fates| fates.unharmed),
        stalled: victims.map(|fates| fates.stalled),
        cut: victims.map(|fates| fates.cut),
        refused: victims.map(|fates| fates.refused),
        running_hurt: figures.map(|figures| figures.running.hurt()),
        idle_hurt: figures.map(|figures| figures.idle.hurt()),
        new_hurt: figures.map(|figures| figures.new.hurt()),
        radius: figures.map_or("", |figures| Radius::of(figures).words()),
        longest_before_ns: figures.map(|figures| figures.longest_before_ns),
        longest_after_ns: figures.map(|figures| figures.longest_after_ns),
        served_again_ns: figures.and_then(|figures| figures.served_again_ns),
        replaced_ns: processes.and_then(|processes| processes.replaced_ns),
        culprit: figures.map_or(String::new(), |figures| match figures.culprit {
            CulpritEnd::Answered(status) => status.to_string(),
            CulpritEnd::Cut => "cut".to_string(),
            CulpritEnd::Silent => "silent".to_string(),
        }),
        mending: figures.map_or(String::new(), word),
        processes_before: processes.map(|processes| processes.before),
        processes_after: processes.map(|processes| processes.after),
        first_ended: processes.and_then(|processes| processes.first_ended.as_deref()).unwrap_or_default(),
        kept_bytes: figures.and_then(|figures| figures.kept_bytes),
        watched_ns: figures.map(|figures| figures.watched_ns),
    }
}

/// The word of the records.
fn word(figures: &IsolationFigures) -> String {
    serde_json::to_value(figures.mending)
        .ok()
        .and_then(|value| value.as_str().map(str::to_string))
        .unwrap_or_default()
}

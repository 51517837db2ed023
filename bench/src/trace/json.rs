//! The account of a trace as JSON.

use dyno_analysis::timeline::{LevelParts, PartsNs, TimePart};
use dyno_measure::traced::front::Front;
use serde_json::{Map, Value, json};

use super::slowest::{SlowRequest, slowest};
use super::{SlowerDesign, TracedDesign, slower};

/// The version of this form.
const SCHEMA: u32 = 1;

/// Everything that the terminal shows, and the slowest requests with all their parts.
pub(crate) fn account(designs: &[TracedDesign], most_slow: usize) -> Value {
    let each: Vec<Value> = designs.iter().map(|design| of(design, most_slow)).collect();
    let slower: Vec<Value> = slower(designs).iter().map(slower_design).collect();
    json!({ "schema": SCHEMA, "designs": each, "slower": slower })
}

fn of(design: &TracedDesign, most_slow: usize) -> Value {
    let (joined, losses, outcome) = (&design.run.joined, &design.run.losses, &design.run.outcome);
    let levels: Map<String, Value> =
        design.levels.iter().map(|level| (level.level.name().to_string(), level_of(level))).collect();
    json!({
        "name": design.label,
        "requests": joined.requests.len(),
        "failed": outcome.counts.failed,
        "verdict": outcome.audit.verdict,
        "levels": levels,
        "slowest": slowest(design, most_slow).iter().map(slow).collect::<Vec<Value>>(),
        "missing": {
            "unjoined_requests": joined.unjoined,
            "overtaken_events": losses.overtaken_events,
            "dropped_events": losses.dropped_events,
            "dropped_requests": losses.dropped_requests,
            "untraced_connections": losses.missed_connections,
        },
    })
}

fn level_of(level: &LevelParts) -> Value {
    let parts: Map<String, Value> =
        TimePart::ALL.iter().map(|part| (part.name().replace(' ', "_"), json!(level.of(*part)))).collect();
    json!({ "requests": level.requests, "total_ns": level.total_ns(), "parts_ns": parts })
}

/// The parts of a request.
pub(crate) fn parts_of(parts: &PartsNs) -> Map<String, Value> {
    TimePart::ALL.iter().map(|part| (part.name().replace(' ', "_"), json!(parts.of(*part)))).collect()
}

fn slow(slow: &SlowRequest<'_>) -> Value {
    let request = slow.request;
    let front = match slow.front {
        Front::Nothing => Value::Null,
        Front::Queue(requests) => json!({ "queued_requests": requests }),
        Front::Worker { requests, busy_ns } => json!({ "served_requests": requests, "busy_ns": busy_ns }),
    };
    json!({
        "connection": request.connection,
        "number": request.times.number,
        "status": request.times.status,
        "total_ns": request.parts.total_ns(),
        "parts_ns": parts_of(&request.parts),
        "front": front,
    })
}

fn slower_design(slower: &SlowerDesign<'_>) -> Value {
    let [(one, its), (fastest, fastest_its)] = &slower.sides;
    json!({
        "level": slower.level.name(),
        "name": one.label,
        "fastest": fastest.label,
        "total_ns": [its.total_ns(), fastest_its.total_ns()],
        "part": slower.why.map(|why| why.part.name()),
        "share": slower.why.map(|why| why.share),
    })
}

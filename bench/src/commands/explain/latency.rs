//! Why one of two takes longer than the other: both are traced once, after their costs were measured.

use dyno_measure::contestant::Contestant;
use dyno_record::cell::Cores;
use dyno_record::transport::TransportKind;
use dyno_units::show;
use dyno_units::text::wrap;

use crate::exit::Failure;
use crate::limits::{EXPLAIN_CONNECTIONS, EXPLAIN_TRACED_MS, EXPLAIN_TRACED_RATE_PER_S, TERMINAL_COLUMNS};
use crate::scratch::Scratch;
use crate::trace::conduct::{TraceLoad, traced};
use crate::trace::{TracedDesign, show as account, slower};

/// A paragraph that says which part makes the latency of one longer than that of the other, at a moderate rate; `None`:
/// not both write a trace, or too few of their requests were joined.
///
/// # Errors
/// When a server or the load breaks.
pub(super) fn latency(contestants: &[Contestant], cores: &Cores) -> Result<Option<String>, Failure> {
    if contestants.is_empty() || contestants.iter().any(|contestant| !contestant.own) {
        return Ok(None);
    }
    let scratch = Scratch::make("explain-trace")?;
    let load = TraceLoad {
        rate_per_s: EXPLAIN_TRACED_RATE_PER_S,
        service: "/".into(),
        transport: TransportKind::Plain,
        connections: EXPLAIN_CONNECTIONS,
        requests_per_connection: None,
        workers: None,
        duration_ms: EXPLAIN_TRACED_MS,
        warm_up_ms: EXPLAIN_TRACED_MS / 5,
    };
    let mut designs = Vec::new();
    for contestant in contestants {
        let run = traced(contestant, &load, cores, scratch.path(), &super::super::trace::plan_of)?;
        designs.push(TracedDesign::new(contestant.label.clone(), run));
    }
    let told = slower(&designs).first().map(account::words);
    let conditions = format!(
        "Traced at {} requests/s over {}: ",
        show::rate(load.rate_per_s),
        show::count(load.connections as usize, "connection")
    );
    Ok(told.map(|words| wrap(&(conditions + &words), TERMINAL_COLUMNS)))
}

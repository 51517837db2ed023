//! The slowest requests, and what stood in front of each.

use dyno_measure::traced::front::{Front, Fronts};
use dyno_measure::traced::join::TracedRequest;
use dyno_units::show;

use super::TracedDesign;

/// A slow request.
pub(crate) struct SlowRequest<'a> {
    /// The request.
    pub(crate) request: &'a TracedRequest,
    /// What stood in front of it.
    pub(crate) front: Front,
}

/// The slowest requests of a design, the slowest first.
pub(crate) fn slowest(design: &TracedDesign, most: usize) -> Vec<SlowRequest<'_>> {
    let requests = &design.run.joined.requests;
    let fronts = Fronts::of(requests);
    let slow = requests.iter().rev().take(most);
    let before = |request: &TracedRequest| match fronts.before(request) {
        (Some(longest), front) if longest.part == request.parts.largest() => front,
        // Longer than anything in the server was what the generator did.
        _ => Front::Nothing,
    };
    slow.map(|request| SlowRequest { request, front: before(request) }).collect()
}

/// It in a line.
pub(crate) fn line(slow: &SlowRequest<'_>) -> String {
    let SlowRequest { request, front } = slow;
    let largest = request.parts.largest();
    let time = |ns: u64| show::time(ns as f64);
    let behind = match front {
        Front::Nothing => String::new(),
        Front::Queue(0) => ", with nobody before it in the queue".to_string(),
        Front::Queue(before) => format!(", behind {} in the queue", show::many(*before, "other")),
        Front::Worker { requests, busy_ns } => {
            format!(", while its worker served {} for {}", show::many(*requests, "other"), time(*busy_ns))
        }
    };
    format!(
        "{:>9}  request {} of connection {}: {} {}{behind}",
        time(request.parts.total_ns()),
        request.times.number,
        request.connection,
        time(request.parts.of(largest)),
        largest.words()
    )
}

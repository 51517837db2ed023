//! What became of victims and server: functions of what was written down, without a clock and without a server.

use std::time::Duration;

use dyno_record::audit::{Finding, Law};
use dyno_record::isolation::{CulpritEnd, Mending, PlantedFault, VictimFates};
use dyno_units::show;
use dyno_units::verdict::Verdict;

use super::victim::{ExchangeEnd, VictimExchange, VictimLog};
use crate::limits::STALL_LIMIT;

/// The window of a watch, on its own clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WatchWindow {
    /// When every early client had been served once.
    pub(super) settled: Duration,
    /// When the fault was planted.
    pub(super) fault: Duration,
    /// When the watch was over.
    pub(super) end: Duration,
}

/// What became of one victim after the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Unharmed,
    Stalled,
    Refused,
    Cut,
}

/// The worst that a victim met after the fault.
pub(super) fn fate(log: &VictimLog, window: WatchWindow) -> Fate {
    let of_closed = log.closed.iter().any(|at| *at >= window.fault).then_some(Fate::Cut);
    let of_exchanges = log.exchanges.iter().filter(|exchange| is_after(exchange, window)).map(|exchange| {
        match exchange.end {
            Some((_, ExchangeEnd::Cut)) => Fate::Cut,
            Some((_, ExchangeEnd::Failed(_) | ExchangeEnd::Unreachable)) => Fate::Refused,
            Some((_, ExchangeEnd::Missed)) => Fate::Unharmed,
            _ if waited(exchange, window.end) > STALL_LIMIT => Fate::Stalled,
            _ => Fate::Unharmed,
        }
    });
    of_exchanges.chain(of_closed).max().unwrap_or(Fate::Unharmed)
}

/// The victims of one kind, counted.
pub(super) fn fates<'a>(logs: impl Iterator<Item = &'a VictimLog>, window: WatchWindow) -> VictimFates {
    let mut counts = VictimFates::default();
    for log in logs {
        *match fate(log, window) {
            Fate::Unharmed => &mut counts.unharmed,
            Fate::Stalled => &mut counts.stalled,
            Fate::Refused => &mut counts.refused,
            Fate::Cut => &mut counts.cut,
        } += 1;
    }
    counts
}

/// Whether any of it came after the fault.
fn is_after(exchange: &VictimExchange, window: WatchWindow) -> bool {
    exchange.end.is_none_or(|(at, _)| at >= window.fault)
}

/// How long a request waited, at most until `end`.
fn waited(exchange: &VictimExchange, end: Duration) -> Duration {
    exchange.end.map_or(end, |(at, _)| at).min(end).saturating_sub(exchange.asked)
}

/// The longest that any request waited, between the settling and the fault, and in all that came after the fault.
pub(super) fn longest<'a>(logs: impl Iterator<Item = &'a VictimLog>, window: WatchWindow) -> [Duration; 2] {
    let mut longest = [Duration::ZERO; 2];
    for exchange in logs.flat_map(|log| &log.exchanges) {
        // What was under way when the fault came has waited on both sides of it.
        if (window.settled..window.fault).contains(&exchange.asked) {
            longest[0] = longest[0].max(waited(exchange, window.fault));
        }
        if is_after(exchange, window) {
            longest[1] = longest[1].max(waited(exchange, window.end));
        }
    }
    longest
}

/// The tries to be served over a new connection after the fault, in their order: when, and whether in time. One of
/// which the watch saw too little is left out.
pub(super) fn tries<'a>(
    logs: impl Iterator<Item = &'a VictimLog>,
    window: WatchWindow,
) -> Vec<(Duration, bool)> {
    let mut tries: Vec<(Duration, bool)> = logs
        .flat_map(|log| &log.exchanges)
        .filter(|exchange| exchange.is_first && exchange.asked >= window.fault)
        .filter_map(|exchange| {
            let in_time = waited(exchange, window.end) <= STALL_LIMIT;
            match exchange.end {
                Some((_, ExchangeEnd::Missed)) => None,
                Some((_, end)) => Some((exchange.asked, end == ExchangeEnd::Answered && in_time)),
                None if in_time => None,
                None => Some((exchange.asked, false)),
            }
        })
        .collect();
    tries.sort_unstable();
    tries
}

/// From the fault until new connections were served for good: zero where each was, and `None` where any of the second
/// half was not. Where one of several workers is lost, now and then a new connection may still fall to it.
pub(super) fn served_again(tries: &[(Duration, bool)], window: WatchWindow) -> Option<Duration> {
    let first_good = tries.iter().rposition(|(_, was_served)| !was_served).map_or(0, |last_bad| last_bad + 1);
    let again = tries.get(first_good).filter(|_| first_good <= tries.len() / 2)?;
    Some(if first_good == 0 { Duration::ZERO } else { again.0 - window.fault })
}

/// Whether any of the second half of these was served.
pub(super) fn serves(tries: &[(Duration, bool)]) -> bool {
    tries.iter().skip(tries.len() / 2).any(|(_, was_served)| *was_served)
}

/// What is known of the server when the watch is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ServerFacts {
    /// Whether its first process lives.
    pub(super) lives: bool,
    /// Whether the process that served the culprit has ended.
    pub(super) culprits_ended: bool,
    /// Whether another process stands in its place.
    pub(super) is_replaced: bool,
    /// Whether each connection has a process or a thread of its own, as its anatomy says.
    pub(super) one_each: bool,
    /// Whether any new connections are served.
    pub(super) serves: bool,
    /// Whether somebody still serves the request with the fault.
    pub(super) is_occupied: bool,
    /// Whether it keeps the memory that leaked.
    pub(super) keeps_memory: bool,
}

/// By what the server is as it was.
pub(super) fn mending(facts: ServerFacts) -> Mending {
    match facts {
        ServerFacts { lives: false, .. } => Mending::Gone,
        ServerFacts { serves: false, .. } => Mending::Hung,
        ServerFacts { keeps_memory: true, .. } => Mending::Weakened,
        ServerFacts { culprits_ended: true, one_each: true, .. } => Mending::PerConnection,
        ServerFacts { culprits_ended: true, is_replaced: true, .. } => Mending::Respawn,
        ServerFacts { culprits_ended: true, .. } => Mending::Weakened,
        ServerFacts { is_occupied: true, one_each: true, .. } => Mending::PerConnection,
        ServerFacts { is_occupied: true, .. } => Mending::Weakened,
        _ => Mending::NotNeeded,
    }
}

/// Why the cell says nothing of the fault, where that is so.
pub(super) fn findings<'a>(
    logs: impl Iterator<Item = &'a VictimLog> + Clone,
    window: WatchWindow,
    fault: PlantedFault,
    culprit: CulpritEnd,
    culprits_ended: bool,
) -> Vec<Finding> {
    let mut found = Vec::new();
    let exchanges = || logs.clone().flat_map(|log| &log.exchanges);
    let early = |exchange: &&VictimExchange| {
        exchange.asked >= window.settled && exchange.end.is_some_and(|(at, _)| at < window.fault)
    };
    let failed = exchanges().filter(early).filter(|exchange| !ended_well(exchange)).count();
    let [longest, _] = longest(logs.clone(), window);
    if failed > 0 {
        found.push(void(
            Law::WellBefore,
            format!("{} failed before the fault was planted", show::count(failed, "request")),
        ));
    } else if longest > STALL_LIMIT {
        let longest = show::time(longest.as_nanos() as f64);
        found.push(void(Law::WellBefore, format!("a request waited {longest} before the fault was planted")));
    }
    let wrong = exchanges().filter(|exchange| matches!(exchange.end, Some((_, ExchangeEnd::Wrong)))).count();
    if wrong > 0 {
        found.push(void(Law::Bodies, format!("{} not the right one", show::count(wrong, "answer"))));
    }
    if !took_place(fault, culprit, culprits_ended) {
        let how = match culprit {
            CulpritEnd::Answered(status) => format!("was answered with {status}"),
            CulpritEnd::Cut => "was cut off".to_string(),
            CulpritEnd::Silent => "was not answered".to_string(),
        };
        let process = if culprits_ended { "has ended" } else { "lives" };
        found.push(void(
            Law::FaultTookPlace,
            format!("no {fault} took place: its request {how}, and the process that served it {process}"),
        ));
    }
    found
}

fn ended_well(exchange: &VictimExchange) -> bool {
    matches!(exchange.end, Some((_, ExchangeEnd::Answered | ExchangeEnd::Missed)))
}

/// Whether the request with the fault ended as this fault makes it end.
fn took_place(fault: PlantedFault, culprit: CulpritEnd, culprits_ended: bool) -> bool {
    match fault {
        PlantedFault::Control | PlantedFault::Leak => culprit == CulpritEnd::Answered(200),
        PlantedFault::Panic => culprit == CulpritEnd::Answered(500),
        PlantedFault::Abort | PlantedFault::Exit | PlantedFault::Overflow | PlantedFault::Kill => {
            culprits_ended
        }
        PlantedFault::Spin | PlantedFault::Block => culprit == CulpritEnd::Silent,
    }
}

fn void(law: Law, words: String) -> Finding {
    Finding { law, verdict: Verdict::Void, latency: Verdict::Sound, words }
}

#[cfg(test)]
mod tests;

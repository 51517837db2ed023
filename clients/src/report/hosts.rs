//! The parts of a load that several hosts have made, a line each.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use dyno_units::show;
use dyno_units::verdict::Verdict;

use crate::outcome::Outcome;
use crate::outcome::parts::{PartTold, starts_apart_ns};

/// Parts that are told one by one: the gravest come first, and those that are sound are all alike.
const TOLD: usize = 12;

/// What is told of the parts: of all, and of each; nothing where there are none.
pub fn lines(outcome: &Outcome) -> Vec<String> {
    let parts = &outcome.parts;
    if parts.is_empty() {
        return Vec::new();
    }
    let hosts: BTreeSet<_> = parts.iter().map(|part| (&part.host, &part.boot)).collect();
    let mut lines = vec![format!(
        "{} of {} · {}",
        show::many(parts.len() as u64, "part"),
        show::many(hosts.len() as u64, "host"),
        starts(parts)
    )];
    let mut order: Vec<&PartTold> = parts.iter().collect();
    order.sort_by_key(|part| (Reverse(part.rate.max(part.latency)), part.number));
    lines.extend(order.iter().take(TOLD).map(|part| line(part)));
    let more = order.iter().skip(TOLD);
    if let Some(worst) = more.clone().map(|part| part.rate.max(part.latency)).max() {
        lines.push(format!("and {} more, {} at worst", more.count(), worst.name()));
    }
    lines
}

fn starts(parts: &[PartTold]) -> String {
    match starts_apart_ns(parts.iter()) {
        _ if parts.len() == 1 => "one start".into(),
        Some((_, 0)) => "started by one clock".into(),
        Some((0, most_ns)) => {
            format!("starts at most {} apart, by the server's dates", show::time(most_ns as f64))
        }
        Some((least_ns, most_ns)) => format!(
            "starts {} to {} apart, by the server's dates",
            show::time(least_ns as f64),
            show::time(most_ns as f64)
        ),
        None if parts.iter().all(|part| part.clock.is_synchronized == Some(true)) => {
            "started by clocks that are kept, each by its own word".into()
        }
        None => "how far apart the starts were is not known".into(),
    }
}

fn line(part: &PartTold) -> String {
    let PartTold { number, host, rate, latency, .. } = part;
    let verdict = match (rate, latency) {
        (rate, latency) if rate == latency => rate.name().to_string(),
        (Verdict::Sound, latency) => format!("latencies {}", latency.name()),
        (rate, Verdict::Sound) => format!("rate {}", rate.name()),
        (rate, latency) => format!("rate {}, latencies {}", rate.name(), latency.name()),
    };
    let failed = match part.failed {
        0 => String::new(),
        failed => format!(" · {} failed", show::whole(failed)),
    };
    let answered = show::rate(part.achieved_per_s);
    let own = show::time(part.own_p99_ns as f64);
    format!("{number} {host}: {answered}/s{failed} · own p99 {own} · {verdict}")
}

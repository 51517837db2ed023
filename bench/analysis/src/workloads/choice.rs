//! The designs for one's own numbers, from what was measured under workloads.
//!
//! Nothing is simulated. CPU per request is put together from measured costs: that of a small request, what a
//! microsecond of work adds, what a wait adds, and what thousands of connections add (in proportion to their
//! number up to the number that was measured). Whoever jams or fails in a measured cell jams or fails here
//! under the same condition. The tail is that of the measured cells, the part of the work in proportion to it.

use dyno_record::workload::Workload;

use super::{Matrix, Standing, WorkloadRow};
use crate::limits::PLANNED_USE_SHARE;

/// One's own numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    /// Connections at once.
    pub connections: u32,
    /// How long each request waits for something else than CPU, in nanoseconds.
    pub wait_ns: u64,
    /// CPU work of each request, in nanoseconds.
    pub compute_ns: u64,
    /// Requests a second.
    pub rate_per_s: f64,
    /// The 99th percentile that may be added to wait and work, in nanoseconds.
    pub limit_ns: u64,
}

/// What a design offers.
#[derive(Debug, Clone, PartialEq)]
pub struct DesignOffer {
    /// Its place in the matrix.
    pub place: usize,
    /// CPU per request, in nanoseconds; `None` where a cost that it needs does not count.
    pub cpu_ns: Option<f64>,
    /// How far that is known, as a share: the widest half interval of the costs in it.
    pub within: f64,
    /// Cores that the rate keeps busy.
    pub cores: Option<f64>,
    /// What the 99th percentile adds to wait and work, in nanoseconds; `None` where none counts.
    pub added_ns: Option<f64>,
    /// Why it is no choice.
    pub obstacle: Option<Obstacle>,
}

impl DesignOffer {
    /// Whole cores to have, so that none is used for more than the [planned share](PLANNED_USE_SHARE).
    pub fn whole_cores(&self) -> Option<u32> {
        self.cores.map(|cores| (cores / PLANNED_USE_SHARE).ceil().max(1.0) as u32)
    }
}

/// Why a design is no choice.
#[derive(Debug, Clone, PartialEq)]
pub enum Obstacle {
    /// It fails under a workload that asks for no more than this.
    Fails(String, String),
    /// So many requests wait at a time at most, and it takes so many.
    Jams(f64, f64),
    /// Its clients wait while cores are idle under a workload that asks for no more than this.
    JamsUnder(String),
    /// It runs on one core, and the rate needs more.
    OneCore(f64),
    /// The tail is longer than what may be added.
    Slow(f64),
    /// It fails with more connections than these, and nothing was measured between.
    Between(u32, u32),
    /// What it costs is not known.
    Unknown,
}

/// Which workloads a wish needs, by their names.
pub fn needed(wish: &Wish) -> Vec<&'static str> {
    let mut names = vec!["hello"];
    if wish.compute_ns > 0 {
        names.push("compute");
    }
    if wish.wait_ns > 0 {
        names.push("wait");
    }
    if wish.connections > usual_connections() {
        names.push("held");
    }
    names
}

/// Connections of the usual workload: more are more than what it tells.
pub fn usual_connections() -> u32 {
    Workload::of_path("/").clients.connections
}

/// The offers of all designs, the best first; `None` where the matrix lacks a workload that the wish needs.
/// `most_cores` tells how many cores a design can use, by its label; `None` for as many as there are.
pub fn offers(
    matrix: &Matrix,
    wish: &Wish,
    most_cores: impl Fn(&str) -> Option<u32>,
) -> Option<Vec<DesignOffer>> {
    let row = |name: &str| matrix.rows.iter().find(|row| row.workload.name == name);
    let wanted = |name: &'static str| needed(wish).contains(&name);
    let optional = |name: &'static str| if wanted(name) { row(name).map(Some) } else { Some(None) };
    let rows = Rows {
        hello: row("hello")?,
        compute: optional("compute")?,
        wait: optional("wait")?,
        held: optional("held")?,
    };
    let mut found: Vec<DesignOffer> = (0..matrix.designs.len())
        .map(|place| offer(&rows, place, wish, most_cores(&matrix.designs[place].label)))
        .collect();
    let key = |offer: &DesignOffer| (offer.obstacle.is_some(), offer.cpu_ns.unwrap_or(f64::INFINITY));
    found.sort_by(|one, other| {
        let (one, other) = (key(one), key(other));
        one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
    });
    Some(found)
}

/// How many of the offers are level with the first: what they cost is not known to differ.
pub fn level(offers: &[DesignOffer], threshold: f64) -> usize {
    let Some((first, cpu_ns)) = offers.first().and_then(|first| Some((first, first.cpu_ns?))) else {
        return 0;
    };
    let is_level = |offer: &&DesignOffer| {
        let most = cpu_ns * (1.0 + threshold.max(first.within + offer.within));
        offer.obstacle.is_none() && offer.cpu_ns.is_some_and(|own| own <= most)
    };
    offers.iter().take_while(is_level).count()
}

/// The workloads that a wish needs.
struct Rows<'a> {
    hello: &'a WorkloadRow,
    compute: Option<&'a WorkloadRow>,
    wait: Option<&'a WorkloadRow>,
    held: Option<&'a WorkloadRow>,
}

fn offer(rows: &Rows, place: usize, wish: &Wish, most_cores: Option<u32>) -> DesignOffer {
    let cost = cost(rows, place, wish);
    let cores = cost.map(|(cpu_ns, _)| cpu_ns * wish.rate_per_s / 1e9);
    let added_ns = added_ns(rows, place, wish);
    let obstacle = stands_in_the_way(rows, place, wish).or_else(|| {
        let Some(cores) = cores else { return Some(Obstacle::Unknown) };
        match (most_cores, added_ns) {
            (Some(most), _) if cores > f64::from(most) * PLANNED_USE_SHARE => Some(Obstacle::OneCore(cores)),
            (_, Some(added)) if added > wish.limit_ns as f64 => Some(Obstacle::Slow(added)),
            _ => None,
        }
    });
    DesignOffer {
        place,
        cpu_ns: cost.map(|(cpu_ns, _)| cpu_ns),
        within: cost.map_or(0.0, |(_, within)| within),
        cores,
        added_ns,
        obstacle,
    }
}

/// CPU per request, and how far it is known.
fn cost(rows: &Rows, place: usize, wish: &Wish) -> Option<(f64, f64)> {
    let mut within: f64 = 0.0;
    let mut of = |row: &WorkloadRow| {
        let interval = row.scores[place].cpu_ns.interval?;
        within = within.max((interval.high - interval.low) / 2.0 / interval.value);
        Some(interval.value)
    };
    let hello = of(rows.hello)?;
    let mut cpu_ns = hello;
    if let Some(row) = rows.compute {
        // What a nanosecond of work costs beside the request that asks for it: one, where nothing else is disturbed.
        let each = (of(row)? - hello).max(0.0) / measured_ns(row)?;
        cpu_ns += each * wish.compute_ns as f64;
    }
    let mut waiting = hello;
    if let Some(row) = rows.wait {
        waiting = of(row)?.max(hello);
        cpu_ns += waiting - hello;
    }
    if let Some(row) = rows.held {
        let least = f64::from(usual_connections());
        let measured = f64::from(row.workload.clients.connections);
        let share = ((f64::from(wish.connections) - least) / (measured - least)).clamp(0.0, 1.0);
        // Where it fails with that many, what stands in the way says so.
        cpu_ns += of(row).map_or(0.0, |held| (held - waiting).max(0.0) * share);
    }
    Some((cpu_ns, within))
}

/// The time that the path of a workload names, in nanoseconds.
fn measured_ns(row: &WorkloadRow) -> Option<f64> {
    let micros: u64 = row.workload.service.rsplit('/').next()?.parse().ok()?;
    Some(micros as f64 * 1e3)
}

/// What the 99th percentile adds to wait and work.
fn added_ns(rows: &Rows, place: usize, wish: &Wish) -> Option<f64> {
    let p99 = |row: &WorkloadRow| row.scores[place].p99_ns.value();
    let beside = match rows.wait {
        Some(row) => p99(row)? - measured_ns(row)?,
        None => p99(rows.hello)?,
    };
    let work = match rows.compute {
        Some(row) => (p99(row)? / measured_ns(row)? - 1.0).max(0.0) * wish.compute_ns as f64,
        None => 0.0,
    };
    Some(beside.max(0.0) + work)
}

/// Where it fails or jams under a workload that asks for no more than the wish.
fn stands_in_the_way(rows: &Rows, place: usize, wish: &Wish) -> Option<Obstacle> {
    for row in [Some(rows.hello), rows.compute, rows.wait, rows.held].into_iter().flatten() {
        let score = &row.scores[place];
        let name = row.workload.name.to_string();
        let connections = row.workload.clients.connections;
        match &score.standing {
            Standing::Fails(_) if connections > wish.connections => {
                return Some(Obstacle::Between(wish.connections, connections));
            }
            Standing::Fails(words) => return Some(Obstacle::Fails(name, words.clone())),
            Standing::Jammed => match score.seen.waiting {
                // Requests that wait at a time (Little's law), beside those that it lets wait.
                Some(most) => {
                    let needs = wish.rate_per_s * wish.wait_ns as f64 / 1e9;
                    if needs > most {
                        return Some(Obstacle::Jams(most, needs));
                    }
                }
                None => return Some(Obstacle::JamsUnder(name)),
            },
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;

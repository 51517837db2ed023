//! What is doubtful about a load because of its parts: which of them was late, is missing, or started at another time.

use std::collections::BTreeMap;

use dyno_units::verdict::Verdict;

use crate::limits::APART_SHARE;
use crate::outcome::parts::starts_apart_ns;
use crate::outcome::verdict::{Audit, Doubt, Finding};
use crate::parts::merged_part::{MergedPart, is_own, kind};
use crate::verdict::parts_words::message;

/// Parts that a finding names.
const NAMED: usize = 8;

/// Doubts about the generator. They are of one host, and told of it even where the whole has the same.
const OF_GENERATOR: [&str; 9] = [
    "generator-late",
    "generator-paused",
    "generator-saturated",
    "percentiles-late",
    "core-shared",
    "offered-rate-missed",
    "arrivals-off",
    "littles-law-broken",
    "cut-short",
];

/// What doubts have in common that are one to a reader.
fn family(kind: &str) -> &str {
    if kind == "errors-over-limit" { "errors" } else { kind }
}

/// The findings that the audit of the whole cannot know.
pub(super) fn of_parts(
    whole: &Audit,
    parts: &[MergedPart],
    missing: &[u32],
    of: u32,
    window_ns: u64,
) -> Vec<Finding> {
    let mut findings = doubtful(whole, parts);
    findings.extend(absent(missing, of));
    findings.extend(apart(parts, window_ns));
    findings
}

fn doubtful(whole: &Audit, parts: &[MergedPart]) -> Vec<Finding> {
    let mut by_kind: BTreeMap<String, Vec<(&MergedPart, &Finding)>> = BTreeMap::new();
    for part in parts {
        for finding in part.audit.findings.iter().filter(|finding| is_own(finding)) {
            by_kind.entry(kind(&finding.doubt)).or_default().push((part, finding));
        }
    }
    let of_whole: Vec<String> = whole.findings.iter().map(|finding| kind(&finding.doubt)).collect();
    let is_told = |kind: &str| of_whole.iter().any(|told| family(told) == family(kind));
    let untold = by_kind.into_iter().filter(|(kind, found)| {
        let singles_out = OF_GENERATOR.contains(&kind.as_str()) && found.len() < parts.len();
        singles_out || !is_told(kind)
    });
    untold.filter_map(|(kind, found)| one(kind, &found)).collect()
}

/// The finding for parts that have the same doubt.
fn one(kind: String, found: &[(&MergedPart, &Finding)]) -> Option<Finding> {
    let (_, gravest) = found.iter().max_by_key(|(part, finding)| (finding.grade, part.told.own_p99_ns))?;
    let rate = found.iter().map(|(_, finding)| finding.rate).max().unwrap_or_default();
    let latency = found.iter().map(|(_, finding)| finding.latency).max().unwrap_or_default();
    let numbers: Vec<u32> = found.iter().map(|(part, _)| part.told.number).collect();
    let hosts: Vec<String> = found.iter().take(NAMED).map(|(part, _)| part.told.host.clone()).collect();
    let doubt = Doubt::PartsDoubtful {
        count: numbers.len() as u32,
        numbers: numbers.into_iter().take(NAMED).collect(),
        hosts,
        kind,
        found: gravest.message.clone(),
    };
    Some(finding(rate, latency, doubt, gravest.remedy.clone()))
}

fn finding(rate: Verdict, latency: Verdict, doubt: Doubt, remedy: String) -> Finding {
    let message = message(&doubt).unwrap_or_default();
    Finding { grade: rate.max(latency), rate, latency, message, remedy, doubt }
}

fn absent(missing: &[u32], of: u32) -> Option<Finding> {
    let doubt = Doubt::PartsMissing { numbers: missing.to_vec(), of };
    let remedy = "merge all parts, or make the load again".to_owned();
    // Whether they loaded the server nobody knows: it had at least the load of the others.
    (!missing.is_empty()).then(|| finding(Verdict::AtLeast, Verdict::Doubtful, doubt, remedy))
}

fn apart(parts: &[MergedPart], window_ns: u64) -> Option<Finding> {
    let (apart_ns, _) = starts_apart_ns(parts.iter().map(|part| &part.told))?;
    let doubt = Doubt::PartsApart { apart_ns, window_ns };
    let remedy = "keep the clocks of the hosts by NTP, or make a longer run".to_owned();
    let is_far = apart_ns as f64 > APART_SHARE * window_ns as f64;
    is_far.then(|| finding(Verdict::Doubtful, Verdict::Doubtful, doubt, remedy))
}

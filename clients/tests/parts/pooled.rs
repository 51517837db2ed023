//! What is merged from files is what one recording of everything says, bit for bit.

use dyno_clients::outcome::Outcome;
use dyno_clients::parts::merge::Merger;
use dyno_clients::parts::read::read;
use dyno_clients::plan::pacer::Arrivals;
use dyno_clients::plan::share::PlanShare;
use dyno_clients::plan::terms::Terms;
use dyno_clients::verdict::judge::judge_by;
use proptest::prelude::*;
use serde_json::Value;

use crate::stand::World;

/// All that is measured, a line for each figure, as it is written.
fn figures(outcome: &Outcome) -> Vec<String> {
    let mut value = serde_json::to_value(outcome).unwrap();
    let all = value.as_object_mut().unwrap();
    all.remove("parts");
    all.remove("started_unix_ms");
    // The findings and the verdict know more of the parts.
    let figures = all["audit"]["figures"].take();
    all.insert("audit".into(), figures);
    let value = Value::Object(all.clone());
    format!("{value:#}").lines().map(str::to_owned).collect()
}

/// The first line that differs.
fn difference(one: &[String], other: &[String]) -> Option<(String, String)> {
    let found = one.iter().zip(other).find(|(one, other)| one != other);
    found
        .map(|(one, other)| (one.clone(), other.clone()))
        .or_else(|| (one.len() != other.len()).then(|| (one.len().to_string(), other.len().to_string())))
}

/// Records the same requests in one and in several, in whatever order these are merged.
fn check(world: &World, backwards: bool) -> Result<(), TestCaseError> {
    let made = world.made();
    let mut pooled = world.measured(&made, |_| true);
    pooled.hosts = world.of;
    pooled.meters = vec![pooled.meters[0]; world.of as usize];
    let connections = &mut pooled.connections;
    for number in [&mut connections.planned, &mut connections.open_max, &mut connections.opened] {
        *number *= u64::from(world.of);
    }
    let whole = judge_by(&Terms::of(&world.plan(PlanShare::WHOLE)), &pooled, |_| None);
    let mut merger = Merger::default();
    let mut numbers: Vec<u32> = (1..=world.of).collect();
    if backwards {
        numbers.reverse();
    }
    for number in numbers {
        let file = serde_json::to_string(&world.part(&made, number)).unwrap();
        let part = read(&file).map_err(|error| TestCaseError::fail(format!("{error}")))?;
        prop_assert!(serde_json::to_string(&part).unwrap() == file, "a file comes back as it was");
        merger.add(&format!("{number}.json"), part).unwrap();
    }
    let merged = merger.finish(false).unwrap();
    prop_assert!(merged.counts.completed > 1_000, "{}", merged.counts.completed);
    prop_assert_eq!(merged.parts.len(), world.of as usize);
    prop_assert_eq!(difference(&figures(&merged), &figures(&whole)), None);
    for finding in &whole.audit.findings {
        prop_assert!(merged.audit.findings.contains(finding), "{:?}", finding);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn merged_parts_are_one_recording(
        of in 1u32..=16,
        seed in any::<u64>(),
        rate in prop::sample::select(vec!["4k", "2k,6k/300ms", "1k..7k/600ms"]),
        even in any::<bool>(),
        backwards in any::<bool>(),
    ) {
        let arrivals = if even { Arrivals::Constant } else { Arrivals::Poisson };
        check(&World { arrivals, rate, seed, of }, backwards)?;
    }
}

#[test]
fn the_most_and_the_fewest_parts_are_one_recording_too() {
    for of in [1, 16] {
        check(&World { of, ..World::default() }, false).unwrap();
    }
}

use std::collections::BTreeSet;

use dyno_record::transport::TransportKind;
use dyno_record::workload::all;

use super::*;
use crate::campaign::Silent;
use crate::contestant::foreign::bare;
use crate::rig::mock::{Mock, Nature, setup};

const LENGTHS: Lengths = Lengths { latency_ms: 300, latency_blocks: 2 };

fn three() -> Setup {
    setup(["slow", "middle", "fast"].map(|name| bare(name, vec!["x".into()])).into())
}

fn rig(natures: &[(&str, Nature)]) -> Mock {
    let natures = natures.iter().map(|(name, nature)| ((*name).to_string(), nature.clone()));
    Mock { natures: natures.collect(), ..Mock::default() }
}

fn records(rig: Mock, setup: &Setup, workloads: &[Workload]) -> Vec<Record> {
    let mut progress = Silent;
    let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
    run(&mut campaign, setup, workloads, LENGTHS).unwrap_or_else(|_| panic!("the mock measures"));
    campaign.records().to_vec()
}

#[test]
fn every_workload_gives_every_contestant_the_same_load() {
    let setup = three();
    for workload in all() {
        let cells: Vec<Cell> = setup
            .contestants
            .iter()
            .map(|contestant| cell(&setup, &workload, Step::Capacity, contestant))
            .collect();
        assert!(cells.iter().all(|cell| cell.load == cells[0].load), "{}", workload.name);
        let cell = &cells[0];
        assert_eq!(cell.load.workload.as_deref(), Some(&*workload.name));
        assert_eq!(cell.load.connections, workload.clients.connections, "{}", workload.name);
        assert_eq!((&*cell.service, cell.transport), (&*workload.service, workload.transport));
        assert!(cell.workers.is_none() && cell.load.timeout_ms.is_some(), "{}", workload.name);
        // Slow clients speak no secure transport, and send no whole request.
        assert!(workload.clients.slow.is_none() || workload.transport == TransportKind::Plain);
        let wait_ms = cell.wait_ns().unwrap_or(0) / 1_000_000;
        assert!(cell.load.warm_up_ms > wait_ms && cell.load.duration_ms >= 4 * wait_ms, "{}", workload.name);
    }
}

#[test]
fn a_block_goes_workload_by_workload_and_each_over_all_contestants() {
    let (setup, workloads) = (three(), all());
    let plan = plan(&setup, &workloads, LENGTHS);
    assert_eq!(plan.pilot.len(), 13 * 3);
    let capacity: Vec<&Trial> = plan
        .order
        .iter()
        .map(|planned| &planned.trial)
        .filter(|trial| trial.cell.step == Step::Capacity)
        .collect();
    assert_eq!(capacity.len(), 13 * 3 * 3);
    let mut orders = BTreeSet::new();
    for trials in capacity.chunks(3) {
        let name = &trials[0].cell.load.workload;
        assert!(trials.iter().all(|trial| trial.cell.load.workload == *name));
        let contestants: Vec<&str> = trials.iter().map(|trial| trial.cell.contestant.as_str()).collect();
        assert_eq!(contestants.iter().collect::<BTreeSet<_>>().len(), 3, "{contestants:?}");
        orders.insert(contestants.join(" "));
    }
    assert_eq!(orders.len(), 6, "every order occurs: {orders:?}");
    let latency = plan.order.iter().filter(|planned| planned.rate == Rate::Common);
    let with_latency: BTreeSet<_> = latency.clone().map(|planned| planned.trial.block).collect();
    assert_eq!((latency.count(), with_latency.len()), (12 * 3 * 2, 2), "all but the one that waits");
}

#[test]
fn latency_is_taken_at_half_of_the_middle_and_of_those_that_can_answer_it() {
    let nature = |capacity_per_s| Nature { capacity_per_s, ..Nature::default() };
    let natures = [("slow", nature(2_000.0)), ("middle", nature(10_000.0)), ("fast", nature(30_000.0))];
    let records = records(rig(&natures), &three(), &[Workload::of("/json").unwrap()]);
    let latency: Vec<(&str, f64)> = records
        .iter()
        .filter(|record| record.trial.cell.step == Step::Latency)
        .map(|record| {
            let cell = &record.trial.cell;
            (cell.contestant.as_str(), cell.load.rate_per_s.unwrap())
        })
        .collect();
    assert_eq!(latency.len(), 4, "{latency:?}");
    assert!(latency.iter().all(|(name, rate)| *name != "slow" && *rate == 5_000.0), "{latency:?}");
}

#[test]
fn nobody_is_sent_against_a_wall_three_times() {
    let natures = [("slow", Nature { starts: false, ..Nature::default() })];
    // One that waits would be void for all: the mock answers within a millisecond.
    let records = records(rig(&natures), &three(), &[Workload::named("slow").unwrap()]);
    let of = |name: &str| records.iter().filter(|record| record.trial.cell.contestant == name).count();
    assert_eq!(of("slow"), WALLS_TO_GIVE_UP as usize);
    assert_eq!(of("fast"), 1 + 3 + 2);
}

#[test]
fn an_answer_that_comes_too_soon_is_void() {
    // The mock answers everything within a millisecond.
    let waits = |path: &str| {
        let found = records(rig(&[]), &three(), &[Workload::of(path).unwrap()]);
        let wall = found[0].audit.wall().map(str::to_string);
        wall.filter(|words| words.contains("was not waited"))
    };
    assert!(waits("/wait/5000").is_some());
    assert_eq!(waits("/wait/900"), None);
    assert_eq!(waits("/compute/5000"), None);
}

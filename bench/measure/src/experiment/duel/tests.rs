//! Order, chance, resume and repeats of bouts, on the mock rig.

use super::*;
use crate::campaign::Silent;
use crate::contestant::foreign::bare;
use crate::rig::mock::{Mock, Nature, setup};
use dyno_record::audit::Law;
use dyno_record::measured::Record;
use dyno_units::verdict::Verdict;

fn named(names: &[&str]) -> Setup {
    let contestants = names.iter().map(|name| bare(name, vec!["x".into()])).collect();
    Setup { blocks: 6, ..setup(contestants) }
}

fn ran(rig: Mock, setup: &Setup, known: Vec<Record>) -> Vec<Record> {
    let mut progress = Silent;
    let mut campaign = Campaign::new(rig, None, known, "m", &mut progress);
    run(&mut campaign, setup).unwrap();
    campaign.records().to_vec()
}

fn natures(of: &[(&str, Nature)]) -> Mock {
    Mock {
        natures: of.iter().map(|(name, nature)| ((*name).to_string(), nature.clone())).collect(),
        ..Mock::default()
    }
}

#[test]
fn each_block_holds_each_pair_once_and_each_side_names_the_other() {
    let setup = named(&["a", "b", "c", "d"]);
    let plan = plan(&setup);
    let cells: Vec<_> = plan.cells().collect();
    assert_eq!(cells.len(), 6 * 4);
    for pair in cells.chunks(2) {
        let against = |number: usize| pair[number].load.turns.clone().unwrap().against;
        assert_eq!((against(0), against(1)), (pair[1].contestant.clone(), pair[0].contestant.clone()));
        assert!([["a", "b"], ["c", "d"]].contains(&[&*pair[0].contestant, &*pair[1].contestant]));
    }
    let first: Vec<bool> = cells.chunks(4).map(|block| block[0].contestant == "a").collect();
    assert!(first.contains(&true) && first.contains(&false), "blocks have orders of their own: {first:?}");
}

#[test]
fn neither_side_is_always_the_first() {
    let setup = Setup { blocks: 40, ..named(&["a", "b"]) };
    let tosses: Vec<Toss> = (0..40).map(|block| toss(&setup, block, 0)).collect();
    let starts = tosses.iter().filter(|toss| toss.b_starts_first).count();
    let begins = tosses.iter().filter(|toss| toss.b_begins).count();
    assert!((12..=28).contains(&starts) && (12..=28).contains(&begins), "{starts} {begins}");
    assert_eq!(toss(&setup, 3, 0), toss(&setup, 3, 0), "the seed decides");
}

#[test]
fn a_slower_server_is_found_in_cpu_and_rate() {
    let slow = Nature { capacity_per_s: 9_600.0, ..Nature::default() };
    let records = ran(natures(&[("b", slow)]), &named(&["a", "b"]), Vec::new());
    assert_eq!(records.len(), 12);
    for pair in records.chunks(2) {
        assert!(pair.iter().all(|record| record.audit.verdict == Verdict::Sound), "{:?}", pair[0].audit);
        let cpu = pair[1].cpu_as_measured_ns().unwrap() / pair[0].cpu_as_measured_ns().unwrap();
        let rate = pair[1].rate_as_measured_per_s().unwrap() / pair[0].rate_as_measured_per_s().unwrap();
        assert!((cpu - 1.0 / 0.96).abs() < 0.002, "{cpu}");
        assert!((rate - 0.96).abs() < 0.002, "{rate}");
    }
}

#[test]
fn what_breaks_one_of_a_pair_makes_both_void() {
    for (nature, law) in [
        (Nature { starts: false, ..Nature::default() }, Law::Contract),
        (Nature { wrong_bodies: 3, ..Nature::default() }, Law::Bodies),
        (Nature { group_account: Some(1.2), ..Nature::default() }, Law::UtilizationLaw),
        (
            Nature { moonlights: Some((std::time::Duration::from_millis(400), 3.0)), ..Nature::default() },
            Law::CostEven,
        ),
    ] {
        let records = ran(natures(&[("b", nature)]), &named(&["a", "b"]), Vec::new());
        for pair in records.chunks(2) {
            let voids = |record: &Record| -> Vec<Law> {
                let void = record.audit.findings.iter().filter(|one| one.verdict == Verdict::Void);
                void.map(|one| one.law).collect()
            };
            assert!(voids(&pair[1]).contains(&law), "{law:?}: {:?}", pair[1].audit);
            assert_eq!(voids(&pair[0]), [Law::PartnerCounts]);
            assert!(pair[0].audit.reason().starts_with("b is void"), "{}", pair[0].audit.reason());
        }
    }
}

#[test]
fn a_pair_that_the_machine_disturbed_is_measured_again_as_a_pair() {
    // The third and the fourth start are those of the second block.
    let rig = Mock { disturbed: vec![4], ..Mock::default() };
    let records = ran(rig, &named(&["a", "b"]), Vec::new());
    assert_eq!(records.len(), 12);
    assert!(records.iter().all(Record::counts));
    let known = records.clone();
    let again = ran(Mock::default(), &named(&["a", "b"]), known);
    assert_eq!(again, records, "what is known is not measured again");
}

#[test]
fn a_server_that_was_not_busy_has_a_rate_that_is_a_bound_and_a_cost_that_counts() {
    let idle = Nature { saturates_at: 0.5, ..Nature::default() };
    let records = ran(natures(&[("a", idle)]), &named(&["a", "b"]), Vec::new());
    assert_eq!(records[0].audit.verdict, Verdict::AtLeast);
    assert_eq!(records[1].audit.verdict, Verdict::Sound);
    let cpu = records[0].cpu_as_measured_ns().unwrap() / records[1].cpu_as_measured_ns().unwrap();
    assert!((cpu - 0.5 / 0.99).abs() < 0.002, "{cpu}");
}

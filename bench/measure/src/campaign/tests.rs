//! The order of phases, resume, interruption and void cells, on the mock rig.

use super::*;
use crate::order;
use crate::rig::mock::{Mock, Nature};
use dyno_record::audit::Law;
use dyno_record::cell::{Cores, Load};
use dyno_record::experiment::Experiment;
use dyno_record::header::Header;
use dyno_record::server::CpuAccount;
use dyno_record::step::Step;
use dyno_record::store;
use dyno_record::transport::TransportKind;

fn cell(contestant: &str, rate_per_s: Option<f64>) -> Cell {
    Cell {
        step: Step::Capacity,
        contestant: contestant.into(),
        service: "/".into(),
        transport: TransportKind::Plain,
        cores: Cores { server: vec![0], generator: vec![1] },
        workers: None,
        load: Load { rate_per_s, ..Load::closed(4, 200, 1_000) },
    }
}

fn header() -> Header {
    Header {
        schema: dyno_record::SCHEMA,
        experiment: Experiment::Compare,
        command: Vec::new(),
        spec: None,
        seed: 1,
        blocks: 1,
        began_unix_ms: 0,
        threshold: 0.05,
        limit: None,
        compute_rounds_per_us: None,
        contestants: Vec::new(),
        environment: crate::environment::read(),
        floor: None,
    }
}

fn measured(nature: Nature, rate_per_s: Option<f64>) -> Record {
    let mut progress = Silent;
    let rig = Mock { natures: [("a".to_string(), nature)].into(), ..Mock::default() };
    let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
    campaign.measure(&Trial { cell: cell("a", rate_per_s), block: 0 }).cloned().unwrap()
}

fn doubts(record: &Record) -> Vec<(Law, Verdict)> {
    record.audit.findings.iter().map(|finding| (finding.law, finding.verdict)).collect()
}

#[test]
fn phases_come_in_order_and_samples_lie_inside_the_window() {
    let mut rig = Mock::default();
    let trial = Trial { cell: cell("a", None), block: 0 };
    runner::measure(&mut rig, &trial, 0, "m").unwrap();
    assert_eq!(
        rig.log,
        [
            "start a",
            "memory",
            "begin closed, 4 connections",
            "watch 52",
            "memory",
            "sample under load",
            "sleep 160",
            "glance",
            "sleep 485",
            "glance",
            "sleep 485",
            "glance",
            "over",
            "sample under load",
            "finish",
            "glance",
            "sleep 5",
            "glance",
            "stop a",
        ]
    );
}

#[test]
fn a_counted_cell_is_read_within_its_window() {
    let mut rig = Mock::default();
    let trial = Trial { cell: Cell { step: Step::Counts, ..cell("a", None) }, block: 0 };
    let record = runner::measure(&mut rig, &trial, 0, "m").unwrap();
    assert_eq!(
        rig.log[3..],
        [
            "sleep 52",
            "memory",
            "sleep 160",
            "sample under load",
            "watch 485",
            "glance",
            "watch 485",
            "sample under load",
            "over",
            "finish",
            "glance",
            "sleep 5",
            "glance",
            "stop a",
        ]
    );
    assert_eq!(record.server.unwrap().seconds, 0.97);
}

#[test]
fn events_and_cpu_are_told_of_the_same_answers() {
    let record = measured(Nature::default(), None);
    let server = record.server.unwrap();
    assert_eq!(server.looks_ms, [(10.0, 10.0), (495.0, 495.0), (980.0, 980.0)]);
    assert_eq!((server.seconds, server.account), (0.97, Some(CpuAccount::Clocks)));
    // From the first quarter of the warm-up until the load is over.
    assert_eq!(record.machine.unwrap().observed_seconds, Some(1.148));
}

#[test]
fn wrong_accounts_of_cpu_are_found() {
    let right = Nature { group_account: Some(1.0), ..Nature::default() };
    let seen = measured(right.clone(), None);
    assert_eq!(doubts(&seen), []);
    assert_eq!(seen.server.unwrap().account, Some(CpuAccount::Group));
    // The group tells a tenth more or less than the clocks: one of them is wrong, and nobody knows which.
    for wrong in [0.0, 0.5, 0.9, 1.1, 2.0] {
        let seen = measured(Nature { group_account: Some(wrong), ..right.clone() }, None);
        assert!(doubts(&seen).contains(&(Law::UtilizationLaw, Verdict::Void)), "{wrong}: {seen:?}");
        assert!(seen.audit.wall().is_none(), "it is measured again: {:?}", seen.audit);
    }
    // Clocks forget a part of threads that end, and never tell too much of them.
    for (group, is_wrong) in [(1.09, false), (1.3, true), (0.91, true)] {
        let ending = Nature { group_account: Some(group), threads_end: true, ..Nature::default() };
        let seen = doubts(&measured(ending, None));
        assert_eq!(seen.contains(&(Law::UtilizationLaw, Verdict::Void)), is_wrong, "{group}: {seen:?}");
    }
    // Without a group it is what the end of the process tells: a child that was never found, a clock that ran twice.
    for (beyond_s, is_wrong) in [(0.0, false), (0.015, false), (0.3, true), (-0.01, false), (-0.3, true)] {
        let seen = measured(Nature { life_beyond: beyond_s, ..Nature::default() }, None);
        let wanted = [(Law::UtilizationLaw, Verdict::Void)];
        assert_eq!(doubts(&seen), if is_wrong { wanted.as_slice() } else { &[] }, "{beyond_s}");
    }
}

/// A server that has read 64 requests computes for them when their clients are gone.
#[test]
fn work_after_the_load_is_no_wrong_account_and_hides_none() {
    let works_on = Duration::from_millis(120);
    for step in [Step::Counts, Step::Capacity] {
        for (life_beyond, is_wrong) in [(0.0, false), (0.3, true), (-0.3, true)] {
            let nature = Nature { works_on, life_beyond, ..Nature::default() };
            let mut rig = Mock { natures: [("a".to_string(), nature)].into(), ..Mock::default() };
            let trial = Trial { cell: Cell { step, ..cell("a", None) }, block: 0 };
            let seen = runner::measure(&mut rig, &trial, 0, "m").unwrap();
            let wanted = [(Law::UtilizationLaw, Verdict::Void)];
            assert_eq!(
                doubts(&seen),
                if is_wrong { wanted.as_slice() } else { &[] },
                "{step:?} {life_beyond}"
            );
        }
    }
}

#[test]
fn a_rate_that_falls_while_something_is_read_is_found() {
    for (fall, is_found) in [(0.0, false), (0.02, false), (0.14, true), (0.41, true)] {
        let nature = Nature { watched_fall: Some(fall), ..Nature::default() };
        let wanted = [(Law::Unwatched, Verdict::Void)];
        let closed = measured(nature.clone(), None);
        assert_eq!(doubts(&closed), if is_found { wanted.as_slice() } else { &[] }, "{fall}");
        // A rate that was asked for does not tell.
        assert_eq!(doubts(&measured(nature, Some(1_000.0))), [], "{fall}");
    }
}

#[test]
fn a_reading_that_lasts_into_the_window_is_on_record_and_one_beyond_it_voids() {
    let of = |takes_ms| {
        measured(Nature { reading_takes: Duration::from_millis(takes_ms), ..Nature::default() }, None)
    };
    let long = of(400);
    assert_eq!((doubts(&long), long.server.unwrap().looks_ms[0]), (vec![], (0.0, 250.0)));
    assert_eq!(doubts(&of(1_500)), [(Law::RateEven, Verdict::Void)]);
}

#[test]
fn threads_of_the_kernel_are_no_strangers() {
    let served = measured(Nature { kernel_threads: 0.5, ..Nature::default() }, None);
    assert_eq!(doubts(&served), []);
    let machine = served.machine.unwrap();
    assert!((machine.kernel_threads_cores_used.unwrap() - 0.5).abs() < 1e-6, "{machine:?}");
    assert!(machine.others_cores_used < 1e-6 && machine.cores_used > 1.4, "{machine:?}");
    let busy = measured(Nature { kernel_threads: 0.5, others: 0.5, ..Nature::default() }, None);
    assert_eq!(doubts(&busy), [(Law::MachineIdle, Verdict::Void)]);
}

#[test]
fn an_honest_cell_is_valid() {
    let record = measured(Nature::default(), None);
    assert_eq!(record.audit.verdict, Verdict::Sound, "{:?}", record.audit);
    assert_eq!(record.load.as_ref().unwrap().rate_per_s, 10_000.0);
    let cost = record.cpu_as_measured_ns().unwrap();
    assert!((cost - 99_000.0).abs() < 100.0, "{cost}");
    assert_eq!(record.server.unwrap().spread, vec![1, 2]);
}

#[test]
fn a_server_that_does_not_start_makes_a_void_cell_and_the_experiment_goes_on() {
    let mut progress = Silent;
    let natures = [("a".to_string(), Nature { starts: false, ..Nature::default() })].into();
    let rig = Mock { natures, ..Mock::default() };
    let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
    for name in ["a", "b"] {
        campaign.measure(&Trial { cell: cell(name, None), block: 0 }).unwrap();
    }
    let [broken, fine] = campaign.records() else { panic!("two records") };
    assert_eq!(doubts(broken), [(Law::Contract, Verdict::Void)]);
    assert!(broken.counted().is_none());
    assert_eq!(fine.audit.verdict, Verdict::Sound);
}

#[test]
fn a_server_with_fewer_workers_than_asked_makes_a_void_cell_that_says_so() {
    for (workers, expected) in [
        (4, vec![]),
        (5, vec![]),
        (3, vec![(Law::Contract, Verdict::Void)]),
        (1, vec![(Law::Contract, Verdict::Void)]),
    ] {
        let record = measured(Nature { workers, ..Nature::default() }, None);
        assert_eq!(doubts(&record), expected, "{workers} workers");
        let says = record.audit.reason().contains(&format!("{workers} of 4 workers stood"));
        assert_eq!(says, !expected.is_empty(), "{:?}", record.audit);
        // It is a limit of the contestant here, which repeating does not move.
        assert_eq!(record.audit.wall().is_some(), !expected.is_empty());
    }
}

#[test]
fn a_core_that_was_slowed_is_told_of_and_the_cell_still_counts() {
    let slowed = measured(Nature { slowed_share: Some(0.6), ..Nature::default() }, None);
    assert_eq!(doubts(&slowed), [(Law::FullPace, Verdict::Doubtful)]);
    assert!((slowed.pace[0].slowed_share - 0.6).abs() < 0.02, "{slowed:?}");
    assert!(slowed.audit.findings[0].words.contains("core 0 for 60 %"), "{slowed:?}");
    let hardly = measured(Nature { slowed_share: Some(0.05), ..Nature::default() }, None);
    assert_eq!(doubts(&hardly), []);
}

#[test]
fn planted_liars_are_found() {
    let wrong = measured(Nature { wrong_bodies: 1, ..Nature::default() }, None);
    assert_eq!(doubts(&wrong)[0], (Law::Bodies, Verdict::Void));

    let throttled = measured(Nature { lag_ns: 900_000, ..Nature::default() }, Some(1_000.0));
    assert_eq!(doubts(&throttled)[0], (Law::GeneratorOnTime, Verdict::Void));

    let sleeping = measured(Nature { saturates_at: 0.3, ..Nature::default() }, None);
    assert_eq!(doubts(&sleeping)[0], (Law::ServerBottleneck, Verdict::AtLeast));
    assert!(sleeping.counted().is_some(), "at least is not void");

    // Half a core more than the requests of the contestant take, from the middle of the window on.
    let beside = Some((Duration::from_millis(700), 0.5));
    let moonlighting =
        measured(Nature { moonlights: beside, saturates_at: 0.4, ..Nature::default() }, Some(9_000.0));
    assert_eq!(doubts(&moonlighting), [(Law::CostEven, Verdict::Void)]);

    let stopped = measured(Nature { throttled_per_s: Some(10), ..Nature::default() }, None);
    assert_eq!(doubts(&stopped), [(Law::Unthrottled, Verdict::Void)]);
    assert!(stopped.audit.wall().is_none(), "it is measured again: {:?}", stopped.audit);
    let unstopped = measured(Nature { throttled_per_s: Some(0), ..Nature::default() }, None);
    assert_eq!(unstopped.audit.verdict, Verdict::Sound, "{:?}", unstopped.audit);

    let busy = measured(Nature { others: 0.5, ..Nature::default() }, None);
    assert_eq!(doubts(&busy)[0], (Law::MachineIdle, Verdict::Void));
}

#[test]
fn each_trial_is_written_when_done_and_resume_measures_only_the_rest() {
    let directory = tempfile::tempdir().unwrap();
    let cells = [cell("a", None), cell("b", None), cell("c", None)];
    let trials = order::blocks(&cells, 0, 2, 9);

    let mut progress = Silent;
    let first = Store::begin(directory.path(), &header()).unwrap();
    let rig = Mock { interrupt_after: Some(4), ..Mock::default() };
    let mut campaign = Campaign::new(rig, Some(first), Vec::new(), "m", &mut progress);
    let ended = trials.iter().try_for_each(|trial| campaign.measure(trial).map(|_| ()));
    assert!(matches!(ended, Err(EndedEarly::Interrupted)));
    let kept = store::read(directory.path()).unwrap().cells;
    assert_eq!(kept.len(), 3, "the cell that was under way does not count");

    drop(campaign);
    let mut second = Store::reopen(directory.path()).unwrap();
    second.go_on(&header()).unwrap();
    let mut progress = Silent;
    let mut campaign = Campaign::new(Mock::default(), Some(second), kept, "m", &mut progress);
    for trial in &trials {
        campaign.measure(trial).map(|_| ()).unwrap();
    }
    assert_eq!(campaign.rig.starts, 3, "only the rest was measured");
    let all = store::read(directory.path()).unwrap().cells;
    let order: Vec<&Trial> = all.iter().map(|record| &record.trial).collect();
    assert_eq!(order, trials.iter().collect::<Vec<_>>());
}

#[test]
fn a_line_that_was_cut_off_costs_one_cell() {
    let directory = tempfile::tempdir().unwrap();
    let mut progress = Silent;
    let file = Store::begin(directory.path(), &header()).unwrap();
    let mut campaign = Campaign::new(Mock::default(), Some(file), Vec::new(), "m", &mut progress);
    for name in ["a", "b"] {
        campaign.measure(&Trial { cell: cell(name, None), block: 0 }).map(|_| ()).unwrap();
    }
    drop(campaign);
    let path = directory.path().join(store::FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &text[..text.len() - 40]).unwrap();
    assert_eq!(store::read(directory.path()).unwrap().cells.len(), 1);
    Store::reopen(directory.path()).unwrap().go_on(&header()).unwrap();
    assert_eq!(store::read(directory.path()).unwrap().cells.len(), 1);
}

#[test]
fn a_damaged_line_is_named_with_its_number() {
    let directory = tempfile::tempdir().unwrap();
    drop(Store::begin(directory.path(), &header()).unwrap());
    let path = directory.path().join(store::FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, format!("{{\"kind\":\"cell\"}}\n{text}")).unwrap();
    let failure = store::read(directory.path()).unwrap_err();
    assert!(failure.to_string().contains(":1:"), "{failure}");
}

/// Measures `trials` on `rig`, then what was void again.
fn with_repeats(rig: Mock, trials: &[Trial], store: Option<Store>) -> (Vec<Record>, usize) {
    let mut progress = Silent;
    let mut campaign = Campaign::new(rig, store, Vec::new(), "m", &mut progress);
    for trial in trials {
        campaign.measure(trial).unwrap();
    }
    campaign.repeat_void(3).unwrap();
    (campaign.records().to_vec(), campaign.rig.starts)
}

fn standings(records: &[Record]) -> Vec<Verdict> {
    records.iter().map(|record| record.audit.verdict).collect()
}

#[test]
fn what_others_made_void_is_measured_again_and_counts() {
    let directory = tempfile::tempdir().unwrap();
    let trials = order::blocks(&[cell("a", None), cell("b", None)], 0, 5, 9);
    let store = Store::begin(directory.path(), &header()).unwrap();
    // The third trial is disturbed, and so is the first repeat.
    let rig = Mock { disturbed: vec![3, 11], ..Mock::default() };
    let (records, starts) = with_repeats(rig, &trials, Some(store));
    assert_eq!(standings(&records), vec![Verdict::Sound; 10]);
    assert_eq!(starts, 12, "ten trials and two repeats");
    // The file keeps what was void as well; whoever reads it gets each trial once, as last measured.
    let text = std::fs::read_to_string(directory.path().join(store::FILE)).unwrap();
    assert_eq!(text.lines().count(), 1 + 12);
    let read = store::read(directory.path()).unwrap().cells;
    assert_eq!(standings(&read), vec![Verdict::Sound; 10]);
}

#[test]
fn repeats_end_when_their_time_is_used_up() {
    let trials = order::blocks(&[cell("a", None)], 0, 10, 9);
    let natures = [("a".to_string(), Nature { others: 0.5, ..Nature::default() })].into();
    let (records, starts) = with_repeats(Mock { natures, ..Mock::default() }, &trials, None);
    assert_eq!(standings(&records), vec![Verdict::Void; 10]);
    assert_eq!(starts, 10 + 3, "three tenths of the time of ten trials");
}

#[test]
fn only_the_passes_bound_the_repeats_of_a_single_trial() {
    let mut trials = order::blocks(&[cell("b", None)], 0, 20, 9);
    trials.push(Trial { cell: cell("a", None), block: 0 });
    let natures = [("a".to_string(), Nature { others: 0.5, ..Nature::default() })].into();
    let (_, starts) = with_repeats(Mock { natures, ..Mock::default() }, &trials, None);
    assert_eq!(starts, 21 + REPEAT_PASSES as usize);
}

#[test]
fn a_contestant_at_its_own_limit_and_a_pilot_are_not_measured_again() {
    for nature in
        [Nature { starts: false, ..Nature::default() }, Nature { wrong_bodies: 1, ..Nature::default() }]
    {
        let natures = [("a".to_string(), nature)].into();
        let trials = order::blocks(&[cell("a", None)], 0, 10, 9);
        assert_eq!(with_repeats(Mock { natures, ..Mock::default() }, &trials, None).1, 10);
    }
    for step in [Step::Pilot, Step::CurveSearch] {
        let trials = order::blocks(&[Cell { step, ..cell("a", None) }], 0, 10, 9);
        let natures = [("a".to_string(), Nature { others: 0.5, ..Nature::default() })].into();
        assert_eq!(with_repeats(Mock { natures, ..Mock::default() }, &trials, None).1, 10, "{step}");
    }
}

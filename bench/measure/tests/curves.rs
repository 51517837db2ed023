//! What the analysis finds in whole curves that were measured on the mock rig.

use std::time::Duration;

use dyno_analysis::curves::{Beyond, CurveFinding, Recovery, Unfound, findings};
use dyno_analysis::levelling::Levelled;
use dyno_measure::campaign::{Campaign, Silent};
use dyno_measure::contestant::Contestant;
use dyno_measure::contestant::foreign::bare;
use dyno_measure::experiment::curve;
use dyno_measure::rig::mock::{Mock, Nature, setup};
use dyno_record::SCHEMA;
use dyno_record::experiment::Experiment;
use dyno_record::header::{Environment, Header, RateLimit};
use dyno_record::store::Records;

/// The finding for a server of this nature.
fn found(nature: Nature) -> CurveFinding {
    let setup = setup(vec![bare("x", vec!["x".into()])]);
    let rig = Mock { natures: [("x".to_string(), nature)].into(), ..Mock::default() };
    let mut progress = Silent;
    let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
    curve::run(&mut campaign, &setup, RateLimit::USUAL).unwrap();
    let header = Header {
        schema: SCHEMA,
        experiment: Experiment::Curve,
        command: Vec::new(),
        spec: None,
        seed: setup.seed,
        blocks: setup.blocks,
        began_unix_ms: 0,
        threshold: 0.05,
        limit: Some(RateLimit::USUAL),
        compute_rounds_per_us: None,
        contestants: setup.contestants.iter().map(Contestant::line).collect(),
        environment: Environment::default(),
        floor: None,
    };
    findings(&Levelled::of(Records { header, cells: campaign.records().to_vec() })).remove(0)
}

#[test]
fn each_nature_of_a_server_is_called_by_its_name() {
    let after = |ms| Some(Duration::from_millis(ms));
    for (past, slow_for, beyond, recovery) in [
        (1.0, after(0), Beyond::WellConditioned, Recovery::After(0)),
        (0.96, after(0), Beyond::WellConditioned, Recovery::After(0)),
        (0.94, after(300), Beyond::Degrading, Recovery::After(300)),
        (0.51, after(1_000), Beyond::Degrading, Recovery::After(1_000)),
        (0.49, after(300), Beyond::Collapsing, Recovery::After(300)),
        (0.0, None, Beyond::Collapsing, Recovery::Never),
        (1.0, None, Beyond::WellConditioned, Recovery::Never),
        (1.0, after(1_700), Beyond::WellConditioned, Recovery::Never),
    ] {
        let found = found(Nature { past, slow_for, ..Nature::default() });
        assert_eq!((found.beyond, found.recovery), (beyond, recovery), "past {past}, slow {slow_for:?}");
        let critical = found.critical_per_s().unwrap();
        assert!((9_400.0..=10_000.0).contains(&critical), "{critical}");
        assert_eq!(found.p99_there_ns, Some(1e6), "the usual one of the mock server");
    }
}

#[test]
fn who_never_starts_is_not_judged() {
    let found = found(Nature { starts: false, ..Nature::default() });
    assert_eq!((found.beyond, found.recovery), (Beyond::Unknown, Recovery::Unknown));
    assert_eq!(found.critical_per_s(), None);
    assert!(matches!(found.unfound, Some(Unfound::NoCapacity(_))), "{found:?}");
}

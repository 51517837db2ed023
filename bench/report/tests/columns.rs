//! Tables and words of every experiment fit a terminal of 80 columns, however long the names are.

mod planted;

use dyno_analysis::levelling::Levelled;
use dyno_measure::campaign::{Campaign, EndedEarly, Silent};
use dyno_measure::contestant::Contestant;
use dyno_measure::contestant::foreign::bare;
use dyno_measure::experiment::compare::{self, Rounds};
use dyno_measure::experiment::{connections, curve, overload, scale};
use dyno_measure::place::Placement;
use dyno_measure::rig::mock::{Mock, Nature, setup};
use dyno_measure::setup::Setup;
use dyno_record::experiment::Experiment;
use dyno_record::header::{Floor, Header, RateLimit};
use dyno_record::store::Records;
use dyno_record::transport::TransportKind;
use dyno_report::Report;

const LONG: &str = "a-server-with-a-name-that-is-longer-than-any-column-of-any-table";

fn contestants() -> Vec<Contestant> {
    let named = |name: &str, transport| Contestant { transport, ..bare(name, vec![name.into()]) };
    vec![
        named("half-sync-half-async", TransportKind::Plain),
        named("half-sync-half-async+channel", TransportKind::Channel),
        named("half-sync-half-async+resumed", TransportKind::Resumed),
        named("half-sync-half-async+hybrid", TransportKind::Hybrid),
        named(LONG, TransportKind::Plain),
        named(&format!("{LONG}+tls"), TransportKind::Tls),
        named("broken", TransportKind::Plain),
        named("idle", TransportKind::Plain),
    ]
}

fn report(
    experiment: Experiment,
    run: impl FnOnce(&mut Campaign<Mock>, &Setup) -> Result<(), EndedEarly>,
) -> Report {
    let setup = setup(contestants());
    let natures = [
        ("broken".to_string(), Nature { starts: false, ..Nature::default() }),
        ("idle".to_string(), Nature { saturates_at: 0.4, ..Nature::default() }),
        (
            LONG.to_string(),
            Nature { capacity_per_s: 123_456.0, slow_for: None, past: 0.3, ..Nature::default() },
        ),
    ];
    let rig = Mock { natures: natures.into(), ..Mock::default() };
    let mut progress = Silent;
    let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
    run(&mut campaign, &setup).unwrap();
    let floor = Floor {
        same_core_ns: Some(8_000),
        across_cores_ns: Some(30_000),
        spinning_ns: Some(7_000),
        ..Floor::default()
    };
    let header = planted::header(experiment, &setup.contestants, setup.blocks);
    let header = Header { limit: Some(RateLimit::USUAL), floor: Some(floor), ..header };
    Report::of(&Levelled::of(Records { header, cells: campaign.records().to_vec() })).unwrap()
}

#[test]
fn every_line_of_every_experiment_fits_80_columns() {
    let rounds = Rounds { capacity: 2, connect: 1, duration_ms: 160 };
    let cores = Placement::flat(&[0, 1]);
    for (experiment, written) in [
        (
            Experiment::Compare,
            report(Experiment::Compare, |campaign, setup| compare::run(campaign, setup, rounds, None)),
        ),
        (
            Experiment::Curve,
            report(Experiment::Curve, |campaign, setup| curve::run(campaign, setup, RateLimit::USUAL)),
        ),
        (
            Experiment::Scale,
            report(Experiment::Scale, |campaign, setup| scale::run(campaign, setup, &cores, &[])),
        ),
        (
            Experiment::Overload,
            report(Experiment::Overload, |campaign, setup| overload::run(campaign, setup, 100)),
        ),
        (
            Experiment::Connections,
            report(Experiment::Connections, |campaign, setup| {
                connections::run(campaign, setup, &[10, 10_000])
            }),
        ),
    ] {
        // A name is one word; in the words below a table it may need a line of its own.
        let table = written.terminal.lines().filter(|line| line.split_whitespace().count() > 1);
        for line in table {
            assert!(line.chars().count() <= 80, "{experiment}: {} columns: {line}", line.chars().count());
        }
        assert!(written.terminal.contains("void") || written.terminal.contains("wall"), "{experiment}");
    }
}

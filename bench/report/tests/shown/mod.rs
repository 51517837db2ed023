//! A comparison of planted servers as a page, and a browser to look at it.

#![allow(dead_code, reason = "each file of tests uses its part")]

use std::path::{Path, PathBuf};

use dyno_analysis::levelling::Levelled;
use dyno_measure::campaign::{Campaign, Silent};
use dyno_measure::contestant::foreign::bare;
use dyno_measure::experiment::compare::{self, Rounds};
use dyno_measure::place::Placement;
use dyno_measure::rig::mock::{Mock, Nature};
use dyno_measure::setup::Setup;
use dyno_record::experiment::Experiment;
use dyno_record::header::{Floor, Header};
use dyno_record::store::{self, Store};
use dyno_report::who::ChapterText;
use dyno_report::{Report, Supplements};

use crate::browser::{Browser, Window};
use crate::planted;

/// Records of some of these contestants.
pub(crate) fn results_of(names: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let setup = Setup {
        contestants: names.iter().map(|name| bare(name, vec![(*name).into()])).collect(),
        service: "/".into(),
        cores: Placement::flat(&[0, 1]).halves(),
        placement: None,
        connections: 8,
        blocks: 5,
        warm_up_ms: 100,
        warm_up_fixed: false,
        warm_ups_ms: std::collections::BTreeMap::new(),
        duration_ms: 500,
        seed: 3,
    };
    let header = Header {
        environment: dyno_measure::environment::read(),
        floor: Some(Floor {
            same_core_ns: Some(8_000),
            across_cores_ns: Some(30_000),
            spinning_ns: Some(7_000),
            ..Floor::default()
        }),
        ..planted::header(Experiment::Compare, &setup.contestants, 5)
    };
    let nature = |capacity_per_s, saturates_at, starts| Nature {
        capacity_per_s,
        saturates_at,
        starts,
        ..Nature::default()
    };
    let natures = [
        ("fast".to_string(), nature(20_000.0, 0.99, true)),
        ("slow".to_string(), nature(10_000.0, 0.99, true)),
        ("<idle>".to_string(), nature(5_000.0, 0.4, true)),
        ("broken".to_string(), nature(1.0, 1.0, false)),
    ];
    let store = Store::begin(directory.path(), &header).unwrap();
    let mut progress = Silent;
    let rig = Mock { natures: natures.into(), ..Mock::default() };
    let mut campaign = Campaign::new(rig, Some(store), Vec::new(), "m", &mut progress);
    let rounds = Rounds { capacity: 2, connect: 1, duration_ms: 160 };
    compare::run(&mut campaign, &setup, rounds, None).unwrap();
    let path = directory.path().to_path_buf();
    (directory, path)
}

/// The report of the records in a directory.
pub(crate) fn report(path: &Path) -> Report {
    let chapter = ChapterText { name: "fast".into(), text: "## Idea\n\nIt hurries.".into() };
    Report::with(
        &Levelled::of(store::read(path).unwrap()),
        &Supplements { chapters: &[chapter], ..Supplements::default() },
    )
    .unwrap()
}

/// The page of the records in a directory, as a file there.
pub(crate) fn page(path: &Path) -> PathBuf {
    let page = path.join("report.html");
    std::fs::write(&page, report(path).html).unwrap();
    page
}

/// A browser; `None` where there is none and none is required.
pub(crate) fn browser(window: Window) -> Option<Browser> {
    let found = Browser::start(window);
    assert!(found.is_some() || std::env::var_os("DYNO_REQUIRE_BROWSER").is_none(), "chromedriver is missing");
    if found.is_none() {
        eprintln!("no chromedriver on this machine: the page was not opened");
    }
    found
}

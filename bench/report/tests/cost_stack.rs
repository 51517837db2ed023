//! Of what the CPU of a request is made, in the report of a comparison whose header holds unit costs.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "records are read from a file, and what the tests of pages share opens a browser"
)]

mod browser;
mod planted;
mod shown;

use dyno_analysis::explanation::build::{Build, Sleepers};
use dyno_analysis::levelling::Levelled;
use dyno_record::header::UnitPrice;
use dyno_record::store::{self, Records};
use dyno_report::{Report, Supplements};

const NAMES: [&str; 3] = ["fast", "slow", "swift"];

/// Records in which each server switches twice a request, and what a switch costs.
fn records(switch_ns: Option<f64>) -> Records {
    let (_directory, path) = shown::results_of(&NAMES);
    let mut records = store::read(&path).unwrap();
    for record in &mut records.cells {
        if let (Some(server), Some(load)) = (&mut record.server, &record.load) {
            server.switches_per_s = Some(2.0 * load.rate_per_s);
        }
    }
    let price = |ns| UnitPrice { unit: "switch".into(), ns, switches: 1.0, faults: 0.0 };
    let floor = records.header.floor.as_mut().unwrap();
    floor.unit_costs = switch_ns.map(price).into_iter().collect();
    records
}

fn report(records: Records) -> Report {
    let few = |_: &str| Build { sleepers: Sleepers::Few, ..Build::UNKNOWN };
    Report::with(&Levelled::of(records), &Supplements { build_of: Some(few), ..Supplements::default() })
        .unwrap()
}

#[test]
fn each_contestant_has_a_bar_of_its_parts_and_the_rest() {
    let report = report(records(Some(500.0)));
    planted::assert_links_lead(&report.html);
    assert!(report.html.contains("id=\"stack\"") && report.html.contains("context switches"));
    for name in NAMES {
        let title = format!("{name}: context switches: 1.00 µs");
        assert!(report.html.contains(&title), "{title}");
    }
    let picture = report.pictures.iter().find(|picture| picture.name == "cost-stack").unwrap();
    assert!(picture.words.contains("1.00 µs of it for context switches"), "{}", picture.words);
    assert_eq!(picture.svg.matches("f-part-rest\"").count(), NAMES.len() + 1, "{}", picture.svg);
    assert!(!picture.svg.contains("NaN"));
}

#[test]
fn parts_that_are_more_than_was_measured_are_said_to_be() {
    let report = report(records(Some(1e7)));
    let picture = report.pictures.iter().find(|picture| picture.name == "cost-stack").unwrap();
    assert!(picture.words.contains("priced too high"), "{}", picture.words);
    assert!(picture.svg.contains(": measured: "), "{}", picture.svg);
}

#[test]
fn records_without_prices_have_no_such_picture() {
    let report = report(records(None));
    assert!(!report.html.contains("id=\"stack\""));
    assert!(report.pictures.iter().all(|picture| !picture.name.starts_with("cost-stack")));
}

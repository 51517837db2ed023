//! The report of an overload, from planted servers: one that collapses, and the same under a control that keeps its
//! peak.

mod planted;

use dyno_analysis::levelling::Levelled;
use dyno_analysis::overload::{best, rows};
use dyno_measure::campaign::{Campaign, Silent};
use dyno_measure::contestant::control::under;
use dyno_measure::contestant::own;
use dyno_measure::experiment::overload;
use dyno_measure::rig::mock::{Mock, Nature, setup};
use dyno_measure::setup::Setup;
use dyno_record::experiment::Experiment;
use dyno_record::step::Step;
use dyno_record::store::Records;
use dyno_report::Report;

/// Shares of the peak that are kept past it: without control, and with each of two.
const KEPT: [(&str, f64); 3] = [("none", 0.02), ("bounded", 0.6), ("deadline", 0.93)];

fn records() -> Levelled {
    let epoll = own::named("epoll").unwrap();
    let contestants = KEPT.map(|(control, _)| under(&epoll, control));
    let natures = contestants.iter().zip(KEPT).map(|(one, (_, past))| {
        (one.label.clone(), Nature { capacity_per_s: 1_000.0, past, ..Nature::default() })
    });
    let rig = Mock { natures: natures.collect(), ..Mock::default() };
    let setup = Setup { blocks: 3, ..setup(contestants.to_vec()) };
    let mut progress = Silent;
    let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
    overload::run(&mut campaign, &setup, 100).unwrap();
    let header = planted::header(Experiment::Overload, &setup.contestants, setup.blocks);
    let mut cells = campaign.records().to_vec();
    // A refusal costs a fiftieth of an answer; what the rig plants knows no services.
    for refusal in cells.iter_mut().filter(|cell| cell.trial.cell.step == Step::OverloadRefusal) {
        if let Some(server) = refusal.server.as_mut() {
            server.cores_used /= 50.0;
        }
    }
    Levelled::of(Records { header, cells })
}

#[test]
fn each_control_is_a_row_and_each_multiple_a_share_of_the_peak() {
    let rows = rows(&records());
    assert_eq!(rows.len(), KEPT.len());
    for (row, (control, kept)) in rows.iter().zip(KEPT) {
        assert_eq!((row.architecture.as_str(), row.control.as_str()), ("epoll", control));
        assert_eq!(row.points.iter().map(|point| point.times).collect::<Vec<_>>(), [0.5, 1.0, 2.0, 4.0, 8.0]);
        assert!(row.at(0.5).unwrap().of_peak.is_some_and(|share| (share - 1.0).abs() < 0.02), "of the offer");
        for times in [2.0, 4.0, 8.0] {
            let point = row.at(times).unwrap();
            assert!(point.of_peak.is_some_and(|share| (share - kept).abs() < 0.02), "{control}: {point:?}");
            assert!(point.of_possible.is_some());
        }
        assert!(row.refusal_share.is_some(), "{control}");
    }
    assert_eq!(best(&rows).iter().map(|row| row.control.as_str()).collect::<Vec<_>>(), ["deadline"]);
}

#[test]
fn every_form_of_the_report_tells_it() {
    let report = Report::of(&records()).unwrap();
    assert!(report.usable);
    for line in report.terminal.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let last = report.terminal.lines().find(|line| line.contains("deadline")).unwrap();
    assert!(last.matches("0.93").count() == 3, "{last}");
    assert!(report.terminal.contains("1 of 1"), "{}", report.terminal);
    assert!(report.markdown.contains("| epoll | deadline |"), "{}", report.markdown);
    assert!(report.html.contains("id=\"overload\"") && report.html.contains("Good-put"));
    planted::assert_links_lead(&report.html);
    for quantity in ["good_per_s", "good_to_peak", "good_to_possible", "p99_ns"] {
        let of = format!("epoll/deadline,{quantity}");
        let is_told = report.summary_csv.contains(&of) || report.summary_csv.contains(quantity);
        assert!(is_told && report.summary_json.contains(quantity), "{quantity}");
    }
}

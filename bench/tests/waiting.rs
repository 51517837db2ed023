//! `dyno waiting` from its command line to its records and its report.

mod support;

use std::path::Path;

use dyno_record::step::Step;
use dyno_record::store;
use support::dyno;

/// Pools have four workers; a loop is never stopped.
const STOPPED: [(&str, Option<u32>); 4] =
    [("iterative", Some(1)), ("thread-pool", Some(4)), ("epoll", None), ("thread-per-connection", None)];

#[test]
fn waiters_stop_one_thread_and_a_pool_and_no_loop() {
    let directory = tempfile::tempdir().unwrap();
    let results = directory.path().join("results");
    let names = STOPPED.map(|(name, _)| name).join(" ");
    let ended = dyno(&format!("waiting {names} --blocks 1 --quiet --output {}", results.display()), &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    for line in ended.stdout.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
    }
    let records = store::read(&results).unwrap();
    for (name, stopped_by) in STOPPED {
        let of = |step| {
            let found = records
                .cells
                .iter()
                .find(|record| record.trial.cell.contestant == name && record.trial.cell.step == step);
            found.and_then(|record| record.waiting()).unwrap_or_else(|| panic!("{name} {step}: {records:?}"))
        };
        let jam = of(Step::WaitingJam);
        assert_eq!(jam.stopped_by, stopped_by, "{name}: {jam:?}");
        assert!(jam.beside[0].other_p50_ns.is_some(), "{name} serves while nobody waits");
        let held = of(Step::WaitingHeld).held.unwrap();
        assert!(held.waiting >= 1, "{name}: {held:?}");
        let left = of(Step::WaitingLeft);
        assert_eq!(left.released_fin_ns.len(), left.released_reset_ns.len(), "{name}");
        assert!(left.released_fin_ns.len() >= 10, "{name}");
    }
    goes_on(&results, records.cells.len());
    for page in ["report.html", "report.md", "cells.csv", "summary.csv", "summary.json"] {
        assert!(results.join(page).metadata().unwrap().len() > 100, "{page}");
    }
    let html = std::fs::read_to_string(results.join("report.html")).unwrap();
    assert!(html.contains("id=\"jam-table\"") && html.contains("still"));
}

/// Cells that are done are not measured again.
fn goes_on(results: &Path, cells: usize) {
    let again = dyno(&format!("waiting --quiet --resume {}", results.display()), &[]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(store::read(results).unwrap().cells.len(), cells);
}

#[test]
fn a_plan_measures_nothing_and_what_has_no_meaning_is_refused() {
    let plan = dyno("waiting iterative epoll --dry-run --quick", &[]);
    assert_eq!(plan.code, 0, "{plan:?}");
    for words in ["waiting-jam", "waiting-held", "waiting-left", "128 that wait", "takes about"] {
        assert!(plan.stdout.contains(words), "{words}: {}", plan.stdout);
    }
    for option in ["--duration 1s", "--service /json", "--transports tls", "--connections 3", "--warm-up 1s"]
    {
        let refused = dyno(&format!("waiting epoll --dry-run {option}"), &[]);
        let name = option.trim_start_matches("--").split(' ').next().unwrap();
        assert_eq!(refused.code, 2, "{refused:?}");
        assert!(refused.stderr.contains(&format!("waiting does not read {name}")), "{refused:?}");
    }
}

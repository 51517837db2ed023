//! Workloads from the command line to their records, their report, a difference and a choice.

use std::path::Path;
use std::process::{Command, Output};

use dyno_record::experiment::Experiment;
use dyno_record::step::Step;
use dyno_record::store;
use dyno_record::workload::all;

fn dyno(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dyno")).args(arguments).current_dir(directory).output().unwrap()
}

fn words(output: &Output) -> String {
    let both = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8_lossy(&both).into_owned()
}

/// Each workload once, as short as can be: what each needs is there, its answers verify, and the records say what was
/// asked.
#[test]
fn a_loop_can_do_every_workload() {
    let directory = tempfile::tempdir().unwrap();
    let run =
        ["compare", "epoll", "--services", "workloads,/compute/30", "--blocks", "1", "--duration", "100ms"];
    let output = dyno(directory.path(), &[&run[..], &["--warm-up", "20ms", "-q", "-o", "results"]].concat());
    // On a busy machine every cell may be void (5).
    assert!(matches!(output.status.code(), Some(0 | 5)), "{}", words(&output));
    let results = directory.path().join("results");
    let records = store::read(&results).unwrap();
    assert_eq!(records.header.experiment, Experiment::Workloads);
    let names: Vec<String> =
        all().iter().map(|one| one.name.to_string()).chain(["/compute/30".to_string()]).collect();
    for name in &names {
        let of = |step: Step| {
            let cells = records.cells.iter();
            cells.filter(move |cell| {
                cell.trial.cell.step == step && cell.trial.cell.load.workload.as_ref() == Some(name)
            })
        };
        assert_eq!((of(Step::Counts).count(), of(Step::Capacity).count()), (1, 1), "{name}");
        for cell in of(Step::Counts).chain(of(Step::Capacity)) {
            // The machine may make a cell void, but no limit of a loop does, and every answer is right.
            assert_eq!(cell.audit.wall(), None, "{name}: {:?}", cell.audit.findings);
            assert!(cell.load.as_ref().is_some_and(|load| load.answered > 0), "{name}");
            if let Some(wait_ns) = cell.trial.cell.wait_ns() {
                let shortest = cell.load.as_ref().unwrap().response.min_ns.unwrap();
                assert!(shortest >= wait_ns - wait_ns / 500, "{name}: {shortest}");
            }
        }
    }
    let report = dyno(directory.path(), &["report", "results"]);
    for name in &names {
        assert!(words(&report).contains(&format!("{name}: ")), "{name}: {}", words(&report));
    }
    let resumed = dyno(directory.path(), &["compare", "--resume", "results", "--dry-run"]);
    assert!(words(&resumed).contains("1 contestant (epoll)"), "{}", words(&resumed));
    let diff = dyno(directory.path(), &["diff", "results", "results"]);
    // Figures of cells that the machine made void are not there.
    let told = words(&diff);
    let any = names.iter().any(|name| told.contains(&format!("{name} epoll")));
    assert!(any || told.contains("no figure in common"), "{told}");
    let choice = dyno(
        directory.path(),
        &["choose", "--rate", "1k", "--wait", "20ms", "--compute", "50us", "-c", "3000", "results"],
    );
    assert!(matches!(choice.status.code(), Some(0 | 5)), "{}", words(&choice));
    assert!(
        words(&choice).contains("Measured, in results") && words(&choice).contains("not measured:"),
        "{}",
        words(&choice)
    );
    assert!(words(&choice).lines().all(|line| line.chars().count() <= 80), "{}", words(&choice));
}

#[test]
fn a_plan_of_all_tells_how_long_it_takes() {
    let directory = tempfile::tempdir().unwrap();
    let plan = words(&dyno(directory.path(), &["compare", "--dry-run"]));
    for workload in all() {
        assert!(plan.lines().any(|line| line.starts_with(&format!("{} ", workload.name))), "{plan}");
    }
    assert!(plan.contains("16 contestants") && plan.contains("takes about"), "{plan}");
    let old = words(&dyno(directory.path(), &["compare", "--services", "/", "--dry-run"]));
    assert!(old.contains("16 contestants") && old.contains("connect ") && !old.contains("held"), "{old}");
    let named = words(&dyno(directory.path(), &["compare", "epoll", "fork", "--dry-run"]));
    assert!(named.contains("2 contestants") && named.contains("pilot") && !named.contains("held"), "{named}");
}

#[test]
fn what_a_choice_lacks_is_told_with_the_command_that_measures_it() {
    let directory = tempfile::tempdir().unwrap();
    let choose = |arguments: &[&str]| {
        let output = dyno(directory.path(), &[&["choose", "--rate", "30k"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{}", words(&output));
        words(&output)
    };
    assert!(choose(&[]).contains("dyno compare --services hello`"));
    let run = [
        "compare",
        "epoll",
        "--services",
        "hello,json",
        "--blocks",
        "1",
        "--duration",
        "100ms",
        "-q",
        "-o",
        "few",
    ];
    dyno(directory.path(), &run);
    let told = choose(&["--wait", "20ms", "--connections", "5000", "few"]);
    assert!(told.contains("holds no figures of wait and held"), "{told}");
    assert!(told.contains("dyno compare --services hello,wait,held`"), "{told}");
    assert!(choose(&["--wait", "soon"]).contains("--wait"));
}

//! `dyno compare --ci OLD_PROGRAM` from the command line to its Markdown, and what it refuses.

mod support;

use support::{DYNO, dyno};

/// Without a search path there is no emulator, whose counts take minutes.
const NO_EMULATOR: (&str, &str) = ("PATH", "/nonexistent");

/// As short as a decision can be: five blocks.
const SHORT: &str = "--blocks 5 --duration 100ms --warm-up 20ms --connections 8 --seed 3 -q";

#[test]
fn a_program_against_itself_is_no_regression_and_the_markdown_goes_where_it_is_read() {
    let place = tempfile::tempdir().unwrap();
    let (results, summary) = (place.path().join("r"), place.path().join("summary.md"));
    std::fs::write(&summary, "before\n").unwrap();
    let words = format!("compare --ci {DYNO} epoll io-uring:plain {SHORT} -o {}", results.display());
    let ended = dyno(&words, &[NO_EMULATOR, ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap())]);
    // On a machine that does something else nothing is known, and that is another code.
    assert!(matches!(ended.code, 0 | 5), "{ended:?}");
    let text = std::fs::read_to_string(results.join("ci.md")).unwrap();
    assert!(ended.stdout.ends_with(&text), "{ended:?}");
    assert_eq!(std::fs::read_to_string(&summary).unwrap(), format!("before\n{text}"));
    for words in ["| epoll |", "| io-uring:plain |", "were not counted: there is no qemu", DYNO] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let headline = text.lines().next().unwrap();
    let known = if ended.code == 0 { "### Dyno: no regression" } else { "### Dyno: nothing is known of" };
    assert!(headline.starts_with(known), "{ended:?}");
    assert!(results.join("duel/report.html").exists());
}

#[test]
fn what_cannot_be_compared_is_refused_before_anything_runs() {
    for (words, said) in [
        ("--ci /no/such/dyno epoll".to_string(), "there is no program /no/such/dyno"),
        (format!("--ci {DYNO} eppol"), "there is no architecture eppol"),
        (format!("--ci {DYNO} nginx"), "nginx is a server of others"),
        (format!("--ci {DYNO} --peers"), "no older version"),
        (format!("--ci {DYNO} --servers x.toml"), "no older version"),
        (format!("--ci {DYNO} --resume"), "not continued"),
        (format!("--ci {DYNO} epoll --rate 5k"), "does not read rate"),
        (format!("--ci {DYNO} epoll --service hello"), "no leading slash"),
        ("--ci".to_string(), "value is required"),
    ] {
        let ended = dyno(&format!("compare {words}"), &[]);
        assert_eq!(ended.code, 2, "{words}: {ended:?}");
        assert!(ended.stderr.contains(said), "{words}: {ended:?}");
    }
}

#[test]
fn the_plan_has_both_programs_and_nothing_is_written() {
    let place = tempfile::tempdir().unwrap();
    let words = format!("compare --ci {DYNO} --dry-run --quick -o {}/r", place.path().display());
    let ended = dyno(&words, &[]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(ended.stdout.contains("tokio, tokio@"), "{ended:?}");
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

//! `dyno scale --quota` on real control groups. Where none may be made, the program says so, and nothing is tried.

mod support;

use serde_json::Value;
use support::dyno;

/// The options of a short experiment into a directory.
fn short(place: &std::path::Path) -> String {
    let place = place.display();
    format!("--blocks 1 --duration 1s --warm-up 100ms --connections 4 --quiet --output {place}")
}

#[test]
fn a_share_of_a_core_is_measured_beside_whole_ones() {
    let directory = tempfile::tempdir().unwrap();
    let results = directory.path().join("results");
    let quota = "--service /compute/200 --quota 0.25 --quota-period 50ms";
    let ended = dyno(&format!("scale epoll {quota} {}", short(&results)), &[]);
    if ended.stderr.contains("no control group with a CPU quota can be made") {
        assert!(ended.code == 1 && ended.stderr.contains("systemd-run"), "{ended:?}");
        eprintln!("no control group with a CPU quota can be made here: nothing was tried");
        return;
    }
    assert!(matches!(ended.code, 0 | 5), "{ended:?}");
    let text = std::fs::read_to_string(results.join("records.jsonl")).unwrap();
    let cells: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let scale = || cells.iter().filter(|line| line["trial"]["cell"]["step"] == "scale");
    let (own, whole): (Vec<&Value>, Vec<&Value>) =
        scale().partition(|line| line["trial"]["cell"]["load"]["quota"].is_object());
    assert!(!own.is_empty() && !whole.is_empty(), "{text}");
    for cell in own {
        let told = &cell["server"]["quota"];
        let number = |name: &str| told[name].as_f64().unwrap_or_else(|| panic!("{name}: {cell:#}"));
        assert!(number("throttled_periods") >= 10.0 && number("periods") >= 10.0, "{told:#}");
        assert!(number("throttled_seconds") > 0.3, "three quarters of a second and more: {told:#}");
        let used = cell["server"]["cores_used"].as_f64().unwrap();
        assert!((0.1..0.4).contains(&used), "a quarter of a core: {used}");
        let laws: Vec<&str> = cell["audit"]["findings"].as_array().unwrap().iter().map(law).collect();
        assert!(!laws.contains(&"unthrottled"), "its quota is the subject: {laws:?}");
    }
    assert!(whole.iter().all(|cell| cell["server"]["quota"].is_null()), "{text}");
    let page = std::fs::read_to_string(results.join("report.html")).unwrap();
    assert!(page.contains("Shares of cores by quota") && page.contains("periods stopped"));
}

fn law(finding: &Value) -> &str {
    finding["law"].as_str().unwrap_or_default()
}

#[test]
fn quotas_that_nobody_can_give_are_refused() {
    for (options, words) in [
        ("--quota 0", "no share of cores"),
        ("--quota half", "no share of cores"),
        ("--quota 0.5 --quota-period 2s", "1ms to 1s"),
        ("--quota-period 10ms", "--quota"),
        ("--quota 0.05 --quota-period 5ms", "less than the millisecond"),
    ] {
        let ended = dyno(&format!("scale epoll --dry-run {options}"), &[]);
        assert!(ended.code == 2 && ended.stderr.contains(words), "{options}: {ended:?}");
    }
    let planned = dyno("scale epoll --dry-run --quota 0.5,1.5 --quota-period 10ms,100ms", &[]);
    assert_eq!(planned.code, 0, "{planned:?}");
    let other = dyno("curve epoll --dry-run --quota 0.5", &[]);
    assert!(other.code == 2, "{other:?}");
}

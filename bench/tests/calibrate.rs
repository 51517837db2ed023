//! `dyno calibrate`: one job, one tolerance and one rule for every tool of a case, and the load that arrived beside it.

mod support;

use serde_json::Value;
use support::dyno;

#[test]
fn every_tool_of_a_case_is_judged_alike() {
    let ended = dyno("calibrate --quick --patience 0 --json --only delay", &[]);
    // Whether the values are right depends on the machine; that they are told does not.
    assert!(matches!(ended.code, 0 | 1 | 5), "{ended:?}");
    let rows: Vec<Value> = ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (arrivals, values): (Vec<&Value>, Vec<&Value>) =
        rows.iter().partition(|row| row["quantity"] == "arrivals");
    assert!(!arrivals.is_empty() && arrivals[0]["tool"] == "dyno", "{ended:?}");
    for row in arrivals {
        let planned = &row["planned_per_s"];
        assert!(planned.is_null() || planned == 1_000.0, "{row}");
        assert!(row["arrived_per_s"].as_f64().unwrap() > 0.0, "{row}");
        assert!(row["gap_variation"].as_f64().unwrap() >= 0.0, "{row}");
        let told = values.iter().filter(|value| value["tool"] == row["tool"]);
        assert_eq!(told.filter(|value| value["quantity"] != "Little").count(), 2, "{ended:?}");
    }
    for row in values {
        let allowed = if row["quantity"] == "Little" { 0.05 } else { 0.10 };
        assert_eq!(row["tolerance"], allowed, "{row}");
        assert_eq!(row["binding"], row["tool"] == "dyno", "{row}");
        let standing = row["standing"].as_str().unwrap();
        let disturbed = row["others_share"].as_f64().unwrap() > 0.05;
        match standing {
            "right" => assert_eq!(row["right"], true, "{row}"),
            "wrong" => assert!(!disturbed, "{row}"),
            "void" => assert!(disturbed, "{row}"),
            "not told" => assert!(row["reported_ns"].is_null(), "{row}"),
            other => panic!("{other}: {row}"),
        }
    }
}

#[test]
fn a_law_that_is_not_there_is_refused() {
    for (words, says) in [
        ("calibrate --quick --only nonesuch", "short form contains 'nonesuch'"),
        ("calibrate --quick --json --only lag", "short form contains 'lag'"),
        ("calibrate --only nonesuch", "no law contains 'nonesuch'"),
    ] {
        let ended = dyno(words, &[]);
        assert!(ended.code == 2 && ended.stderr.contains(says), "{words}: {ended:?}");
    }
}

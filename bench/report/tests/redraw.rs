//! The example that draws the first chart again from summary.csv, with nothing but Python's own library.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the program of a reader is started, and reads a file"
)]

use std::path::Path;
use std::process::Command;

const SUMMARY: &str = "\
experiment,contestant,family,transport,axis,place,quantity,as_measured,at_full_pace,low,high,n,void,standing,reason
compare,slow,threads,plain,,,capacity_per_s,9000,10000,9500,10500,7,0,valid,
compare,<fast>,readiness,plain,,,capacity_per_s,20000,20000,19000,21000,7,0,at-least,the generator was full
compare,broken,threads,plain,,,capacity_per_s,,,,,0,7,void,it does not start
compare,slow,threads,plain,,,p99_ns,1000,1000,900,1100,7,0,valid,
";

#[test]
fn the_example_draws_the_first_chart_again() {
    let directory = tempfile::tempdir().unwrap();
    let (summary, chart) = (directory.path().join("summary.csv"), directory.path().join("chart.svg"));
    std::fs::write(&summary, SUMMARY).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/redraw.py");
    let started = Command::new("python3").arg(script).args([&summary, &chart]).output();
    let Ok(output) = started else {
        eprintln!("no python3 on this machine: the example was not run");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let svg = std::fs::read_to_string(&chart).unwrap();
    let widths: Vec<f64> =
        svg.split("<rect").skip(1).map(|bar| bar.split('"').nth(5).unwrap().parse().unwrap()).collect();
    assert_eq!(widths.len(), 2, "{svg}");
    assert!((widths[0] / widths[1] - 2.0).abs() < 0.01, "the best first, in proportion: {widths:?}");
    assert!(svg.contains("&lt;fast&gt;") && svg.contains("≥ 20,000/s") && !svg.contains("broken"), "{svg}");
}

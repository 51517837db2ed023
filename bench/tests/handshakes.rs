//! The price of each kind of handshake: measured by `dyno compare --transports`, told in every form of its report.

use std::process::Command;

use serde_json::Value;

const DYNO: &str = env!("CARGO_BIN_EXE_dyno");

const TRANSPORTS: [&str; 5] = ["plain", "channel", "hybrid", "resumed", "tls"];

/// Its workers are processes that share the key for tickets.
const ARCHITECTURE: &str = "prefork";

#[test]
fn a_comparison_measures_each_kind_of_handshake_and_tells_its_price() {
    let place = tempfile::tempdir().unwrap();
    let results = place.path().join("r");
    let output = Command::new(DYNO)
        .args(["compare", "--transports", &TRANSPORTS.join(","), "--service", "/", "--blocks", "1"])
        .args(["--duration", "120ms", "--warm-up", "30ms", "--connections", "2", "--rate", "50", "--quiet"])
        .args([ARCHITECTURE, "--output"])
        .arg(&results)
        .output()
        .unwrap();
    // On a busy machine cells may be void (5); they have records all the same.
    assert!(matches!(output.status.code(), Some(0 | 5)), "{output:?}");
    let text = std::fs::read_to_string(results.join("records.jsonl")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for transport in TRANSPORTS {
        let label = match transport {
            "plain" => ARCHITECTURE.to_string(),
            secure => format!("{ARCHITECTURE}+{secure}"),
        };
        let of_cell = |line: &&Value| {
            let cell = &line["trial"]["cell"];
            cell["contestant"] == *label && cell["step"] == "connect" && line["load"].is_object()
        };
        let load = &lines.iter().find(of_cell).unwrap_or_else(|| panic!("no cell of {label}"))["load"];
        let (octets, share) = (load["handshake_octets"].as_f64(), load["resumed_share"].as_f64());
        let told = format!("{label}: {octets:?} {share:?}");
        match transport {
            "plain" => assert!(octets.is_none() && share.is_none(), "{told}"),
            "channel" => assert!(octets == Some(400.0) && share == Some(0.0), "{told}"),
            "hybrid" => assert!(octets == Some(2674.0) && share == Some(0.0), "{told}"),
            // Each of two connections begins without a ticket.
            "resumed" => assert!(share.is_some_and(|share| share > 0.5), "{told}"),
            _ => assert!(octets.is_some_and(|octets| octets > 500.0) && share == Some(0.0), "{told}"),
        }
    }
    let told = |name: &str| std::fs::read_to_string(results.join(name)).unwrap();
    let page = told("report.html");
    for words in ["octets / handshake", "/s and core of the server", "p99 to connect"] {
        assert!(told("report.md").contains(words) && page.contains(words), "{words}");
    }
    let summary = told("summary.csv");
    for quantity in ["handshake_octets", "connect_p99_ns"] {
        assert!(summary.contains(quantity), "{quantity}");
    }
    let terminal = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(terminal.contains("handshakes") && terminal.contains("octets"), "{terminal}");
    for transport in &TRANSPORTS[1..] {
        assert!(terminal.lines().any(|line| line.contains(&format!(" {transport} "))), "{terminal}");
    }
}

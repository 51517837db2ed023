//! The connect step is decided by what a connection costs the server: its rate is a bound wherever the generator was
//! full first.

use dyno_analysis::difference::differences;
use dyno_analysis::levelling::Levelled;
use dyno_measure::campaign::{Campaign, Silent};
use dyno_measure::contestant::Contestant;
use dyno_measure::contestant::foreign::bare;
use dyno_measure::experiment::compare::{self, Rounds};
use dyno_measure::rig::mock::{Mock, Nature, setup};
use dyno_measure::setup::Setup;
use dyno_record::SCHEMA;
use dyno_record::experiment::Experiment;
use dyno_record::header::{Environment, Header, PROBE, PROBE_OLDEST};
use dyno_record::store::Records;
use dyno_report::Report;

/// A comparison of `cheap` and `dear`, neither of which is ever full: a connection costs one 30 us and the other 60.
fn compared(probes: &[u32]) -> Levelled {
    let half_idle = |cost_us: f64| {
        let saturates_at = 0.5;
        Nature { capacity_per_s: saturates_at * 1e6 / cost_us, saturates_at, ..Nature::default() }
    };
    let natures = [("cheap".to_string(), half_idle(30.0)), ("dear".to_string(), half_idle(60.0))];
    let rig = Mock { natures: natures.into(), ..Mock::default() };
    let contestants = vec![bare("cheap", vec!["x".into()]), bare("dear", vec!["x".into()])];
    let setup = Setup { blocks: 7, ..setup(contestants) };
    let mut progress = Silent;
    let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
    compare::run(&mut campaign, &setup, Rounds { capacity: 1, connect: 1, duration_ms: 160 }, None).unwrap();
    let header = Header {
        schema: SCHEMA,
        experiment: Experiment::Compare,
        command: vec!["dyno".into(), "compare".into()],
        spec: None,
        seed: 3,
        blocks: 7,
        began_unix_ms: 1_700_000_000_000,
        threshold: 0.05,
        limit: None,
        compute_rounds_per_us: None,
        contestants: setup.contestants.iter().map(Contestant::line).collect(),
        environment: Environment { probes: probes.to_vec(), ..Environment::default() },
        floor: None,
    };
    Levelled::of(Records { header, cells: campaign.records().to_vec() })
}

fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn costs_are_decided_where_rates_are_bounds() {
    let report = Report::of(&compared(&[PROBE])).unwrap();
    let verdict = "a connection with one request cost the server least CPU with cheap (30.0 µs) and most with dear (60.0 µs).";
    for (form, text) in [("text", &report.terminal), ("Markdown", &report.markdown), ("page", &report.html)] {
        let text = unwrapped(text);
        assert!(text.contains(verdict), "{form}: {text}");
        assert!(text.contains("all of them at least"), "{form}: {text}");
    }
    let row = |name: &str| -> Vec<String> {
        // The table comes after the picture, which has the same names.
        let table = report.terminal.split("µs/conn").nth(1).unwrap();
        let line = table.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().map(str::to_string).collect()
    };
    assert!(report.terminal.contains("µs/conn"), "{}", report.terminal);
    // The rate stands beside the cost, as a bound.
    let (cheap, dear) = (row("cheap").join(" "), row("dear").join(" "));
    assert!(cheap.contains(" 30.0 >16.7 k"), "{cheap}");
    assert!(dear.contains(" 60.0 >8333"), "{dear}");
    assert!(report.markdown.contains("| CPU per connection | connections/s, seen |"), "{}", report.markdown);
    assert!(report.html.contains("CPU / connection") && report.html.contains("connections /s, seen"));
    for quantity in ["cpu_at_connect_ns", "cpu_at_connect_to_baseline", "connect_per_s"] {
        assert!(
            report.summary_json.contains(quantity) && report.summary_csv.contains(quantity),
            "{quantity}"
        );
    }
}

#[test]
fn a_difference_tells_the_cost_of_a_connection() {
    let (old, new) = (compared(&[PROBE]), compared(&[PROBE]));
    let found = differences(&old, &new, 0.05);
    let of: Vec<&str> = found.iter().filter(|one| one.contestant == "dear").map(|one| one.figure).collect();
    assert!(of.contains(&"CPU/conn") && of.contains(&"connections/s"), "{of:?}");
    let cost = found.iter().find(|one| one.figure == "CPU/conn" && one.contestant == "dear").unwrap();
    assert!(!cost.at_least && (cost.old - 60_000.0).abs() < 600.0, "{cost:?}");
}

#[test]
fn an_older_probe_is_told_of_in_every_form() {
    for (probes, words) in [
        (vec![PROBE_OLDEST], Some("measured with an older kind of probe")),
        (vec![PROBE_OLDEST, PROBE], Some("They do not mix")),
        (vec![PROBE], None),
    ] {
        let report = Report::of(&compared(&probes)).unwrap();
        for text in [&report.terminal, &report.markdown, &report.html] {
            match words {
                Some(words) => assert!(unwrapped(text).contains(words), "{probes:?}: {text}"),
                // The method of the page tells of older kinds.
                None => assert!(!unwrapped(text).contains("with an older kind of probe"), "{text}"),
            }
        }
    }
}

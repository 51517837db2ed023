//! One figure has one value: on the page, in text, in CSV and in every section.

mod planted;

use std::collections::HashMap;

use dyno_analysis::levelling::Levelled;
use dyno_measure::campaign::{Campaign, Silent};
use dyno_measure::contestant::Contestant;
use dyno_measure::contestant::foreign::bare;
use dyno_measure::experiment::compare::{self, Rounds};
use dyno_measure::rig::mock::{Mock, Nature, setup};
use dyno_measure::setup::Setup;
use dyno_record::experiment::Experiment;
use dyno_record::measured::Record;
use dyno_record::pace::CorePace;
use dyno_record::store::Records;
use dyno_record::transport::TransportKind;
use dyno_report::Report;
use dyno_units::show;

/// The report of contestants with these capacities, after `change` of each record.
fn report_of(contestants: &[(&str, f64, TransportKind)], blocks: u32, change: fn(&mut Record)) -> Report {
    let natures = contestants.iter().map(|(name, capacity, _)| {
        ((*name).to_string(), Nature { capacity_per_s: *capacity, ..Nature::default() })
    });
    let rig = Mock { natures: natures.collect(), ..Mock::default() };
    let contestants: Vec<Contestant> = contestants
        .iter()
        .map(|(name, _, transport)| Contestant { transport: *transport, ..bare(name, vec![(*name).into()]) })
        .collect();
    let setup = Setup { blocks, ..setup(contestants) };
    let mut progress = Silent;
    let mut campaign = Campaign::new(rig, None, Vec::new(), "m", &mut progress);
    compare::run(&mut campaign, &setup, Rounds { capacity: 1, connect: 1, duration_ms: 160 }, None).unwrap();
    let header = planted::header(Experiment::Compare, &setup.contestants, blocks);
    let mut cells = campaign.records().to_vec();
    cells.iter_mut().for_each(change);
    Report::of(&Levelled::of(Records { header, cells })).unwrap()
}

/// The cores were slowed for a share of each cell, which costs rate and CPU.
fn slow_down(record: &mut Record) {
    let slowed_share = f64::from(record.turn as u32 * 7 % 10) / 20.0;
    let core = |core| CorePace { core, looks: 40, full_ns: 100.0, median_ns: 100.0, slowed_share };
    record.pace = vec![core(0), core(1)];
    if let Some(load) = record.load.as_mut().filter(|_| record.trial.cell.load.rate_per_s.is_none()) {
        load.rate_per_s *= (-0.8 * slowed_share).exp();
    }
}

fn leave(_record: &mut Record) {}

/// The lines of a CSV by contestant and quantity.
fn summary(report: &Report) -> HashMap<(String, String), HashMap<String, String>> {
    let mut lines = report.summary_csv.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let line = |line: &str| -> HashMap<String, String> {
        names.iter().map(ToString::to_string).zip(line.split(',').map(str::to_string)).collect()
    };
    lines.map(line).map(|line| ((line["contestant"].clone(), line["quantity"].clone()), line)).collect()
}

const TWO: [(&str, f64, TransportKind); 2] =
    [("fast", 20_000.0, TransportKind::Plain), ("slow", 10_000.0, TransportKind::Plain)];

/// How a figure is written.
type Shown = fn(f64) -> String;

/// The cells of the main table of the page: value and text.
fn main_table(html: &str) -> HashMap<String, Vec<(String, String)>> {
    let table = html.split("id=\"main-table\"").last().unwrap().split("</table>").next().unwrap();
    let body = table.split("<tbody>").nth(1).unwrap();
    let cell = |cell: &str| {
        let value = cell.split("data-value=\"").nth(1).unwrap().split('"').next().unwrap();
        let text = cell.split('>').nth(1).unwrap().split('<').next().unwrap();
        (value.to_string(), text.trim().to_string())
    };
    body.split("<tr")
        .skip(1)
        .map(|row| {
            let name = row.split("data-value=\"").nth(1).unwrap().split('"').next().unwrap().to_string();
            (name, row.split("<td").skip(1).map(cell).collect())
        })
        .collect()
}

#[test]
fn every_form_of_a_report_has_the_values_of_the_summary() {
    for change in [leave, slow_down] {
        let report = report_of(&TWO, 20, change);
        let summary = summary(&report);
        let table = main_table(&report.html);
        let columns: [(usize, &str, Shown); 8] = [
            (0, "capacity_per_s", show::rate),
            (1, "p50_ns", show::time),
            (2, "p99_ns", show::time),
            (3, "cpu_at_connect_ns", show::time),
            (4, "connect_per_s", show::rate),
            (5, "cpu_at_capacity_ns", show::time),
            (6, "cpu_at_capacity_to_baseline", show::ratio),
            (8, "memory_bytes", show::bytes),
        ];
        for (name, ..) in TWO {
            for (column, quantity, shown) in columns {
                let line = &summary[&(name.to_string(), quantity.to_string())];
                let (value, text) = &table[name][column];
                assert_eq!(&line["at_full_pace"], value, "{name} {quantity}");
                let words = shown(value.parse().unwrap());
                assert_eq!(text, &words, "{name} {quantity}");
                // The table of the terminal shows the same number, without its unit in some columns.
                let digits = words.trim_end_matches('x').split(' ').next().unwrap().to_string();
                let in_text = quantity == "cpu_at_capacity_to_baseline" || report.terminal.contains(&digits);
                assert!(in_text, "{name} {quantity} {digits}: {}", report.terminal);
            }
            let ratio = |quantity: &str| -> f64 {
                let value = |name: &str| {
                    summary[&(name.to_string(), quantity.to_string())]["at_full_pace"].parse::<f64>().unwrap()
                };
                value(name) / value("fast")
            };
            let told: f64 = table[name][6].0.parse().unwrap();
            assert!(
                (told - ratio("cpu_at_capacity_ns")).abs() < 1e-9,
                "{name}: a ratio is that of the columns"
            );
            assert!(report.markdown.contains(&table[name][0].1), "{}", report.markdown);
        }
    }
}

#[test]
fn what_was_measured_stands_beside_what_is_shown() {
    let report = report_of(&TWO, 20, slow_down);
    let summary = summary(&report);
    let line = &summary[&("fast".to_string(), "capacity_per_s".to_string())];
    let (measured, shown): (f64, f64) =
        (line["as_measured"].parse().unwrap(), line["at_full_pace"].parse().unwrap());
    assert!((shown / 20_000.0 - 1.0).abs() < 0.01 && measured < 18_000.0, "{line:?}");
    let first = report.terminal.replace('\n', " ");
    let told = format!("; {} as measured)", format!("{}/s", show::rate(measured)).trim_end_matches("/s"));
    assert!(first.contains(&told), "{told}: {first}");
    assert!(report.html.contains("Rates and CPU are at full pace"));
    // The medians of both columns of the cells are those of the summary.
    let mut lines = report.csv.lines();
    let names: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| names.iter().position(|known| *known == name).unwrap();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let own = |row: &&Vec<&str>| row[column("contestant")] == "fast" && row[column("step")] == "capacity";
    for (name, expected) in [("rate_per_s", measured), ("full_pace_rate_per_s", shown)] {
        let mut values: Vec<f64> =
            rows.iter().filter(own).map(|row| row[column(name)].parse().unwrap()).collect();
        values.sort_by(f64::total_cmp);
        let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
        assert!((median / expected - 1.0).abs() < 1e-9, "{name}: {median} {expected}");
    }
    let left = report_of(&TWO, 20, leave);
    assert!(left.html.contains("All figures are as measured.") && !left.terminal.contains("as measured"));
    let json: serde_json::Value = serde_json::from_str(&left.summary_json).unwrap();
    let figures = json["figures"].as_array().unwrap();
    assert_eq!(figures.len(), left.summary_csv.lines().count() - 1);
    // JSON has numbers, CSV has their digits.
    let columns = ["place", "as_measured", "at_full_pace", "low", "high"];
    for (figure, line) in
        figures.iter().zip(csv::Reader::from_reader(left.summary_csv.as_bytes()).deserialize())
    {
        let line: HashMap<String, String> = line.unwrap();
        for column in columns {
            assert_eq!(figure[column].as_f64(), line[column].parse().ok(), "{column}: {figure}");
        }
    }
}

#[test]
fn the_price_of_a_transport_is_that_of_the_medians() {
    let secure = [
        ("fast", 20_000.0, TransportKind::Plain),
        ("fast+tls", 16_000.0, TransportKind::Tls),
        ("fast+channel", 18_000.0, TransportKind::Channel),
        ("fast+hybrid", 17_000.0, TransportKind::Hybrid),
        ("fast+resumed", 19_000.0, TransportKind::Resumed),
    ];
    // A block in two is slower for one of them alone, so that a median of ratios is no ratio of medians.
    fn uneven(record: &mut Record) {
        let slower = record.trial.cell.contestant == "fast" && record.trial.block % 5 < 2;
        if let Some(load) = record.load.as_mut().filter(|_| slower) {
            load.rate_per_s *= 0.7;
        }
        let transport = record.trial.cell.transport;
        if let Some(load) = record.load.as_mut().filter(|_| transport.is_secure()) {
            load.handshake_octets = Some(f64::from(transport.word().len() as u32));
            load.connect.percentiles = vec![(99.0, 7_000)];
        }
    }
    let report = report_of(&secure, 7, uneven);
    let summary = summary(&report);
    let value = |name: &str, quantity: &str| -> f64 {
        summary[&(name.to_string(), quantity.to_string())]["at_full_pace"].parse().unwrap()
    };
    for (name, _, transport) in secure.into_iter().filter(|(_, _, transport)| transport.is_secure()) {
        let per_core = value(name, "handshakes_per_core_s");
        assert!((per_core * value(name, "cpu_at_connect_ns") / 1e9 - 1.0).abs() < 1e-9, "{name}: {per_core}");
        assert_eq!(value(name, "handshake_octets"), f64::from(transport.word().len() as u32), "{name}");
        assert!(value(name, "connect_p99_ns") > 0.0, "{name}");
        assert!(report.markdown.contains(&format!("| {transport} |")), "{name}: {}", report.markdown);
        let share = value(name, "capacity_to_plain");
        let of_medians = value(name, "capacity_per_s") / value("fast", "capacity_per_s");
        assert!((share - of_medians).abs() < 1e-9, "{name}: {share} {of_medians}");
        let above = value(name, "cpu_at_capacity_above_plain_ns");
        let of_medians = value(name, "cpu_at_capacity_ns") - value("fast", "cpu_at_capacity_ns");
        assert!((above - of_medians).abs() < 1e-6, "{name}: {above} {of_medians}");
        assert!(report.terminal.contains(&show::share(share)), "{}", report.terminal);
        assert!(report.html.contains(&show::share(share)));
        assert!(report.markdown.contains(&show::share(share)));
    }
}

#[test]
fn no_first_and_no_last_is_named_inside_a_tie() {
    let of = |capacities: &[f64]| {
        let names = ["a", "b", "c", "d"];
        let contestants: Vec<(&str, f64, TransportKind)> = names
            .into_iter()
            .zip(capacities)
            .map(|(name, capacity)| (name, *capacity, TransportKind::Plain))
            .collect();
        report_of(&contestants, 7, leave).terminal.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let text = of(&[10_000.0, 10_050.0]);
    for told in [
        "No difference was seen between a and b over lasting connections",
        "no difference was seen in what a request cost",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    for word in ["answered most", "lowest", "highest", "is last", "least CPU", "most with"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
    let text = of(&[10_000.0, 10_050.0, 5_000.0, 5_020.0]);
    for told in [
        "a and b answered most over lasting connections, and no difference was seen between them",
        "c and d are last, with no difference seen between them, up to 2.01x behind",
        "least CPU with a and b",
        "and most with c and d",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!text.contains("of the others answered fewer"), "{text}");
    let text = of(&[10_000.0, 8_000.0, 5_000.0]);
    for told in
        ["a answered most", "2 of the others answered fewer; c is last, 2.00x behind", "least CPU with a ("]
    {
        assert!(text.contains(told), "{told}: {text}");
    }
}

//! Records that somebody has spoilt: each is refused with file and line, or read without what was cut off.

use dyno_units::verdict::Verdict;
use serde_json::{Value, json};

use super::*;
use crate::cell::{Cell, Cores, Load, Trial};
use crate::experiment::Experiment;
use crate::header::{Environment, PROBE, PROBE_OLDEST};
use crate::load::{Latency, LoadFigures};
use crate::server::ServerFigures;
use crate::step::Step;
use crate::transport::TransportKind;

fn header(program: &str) -> Header {
    Header {
        schema: SCHEMA,
        experiment: Experiment::Compare,
        command: vec!["dyno".into(), "compare".into()],
        spec: None,
        seed: u64::MAX,
        blocks: 1,
        began_unix_ms: 1_700_000_000_000,
        threshold: 0.05,
        limit: None,
        compute_rounds_per_us: None,
        contestants: Vec::new(),
        environment: Environment {
            programs: vec![program.into()],
            probes: vec![PROBE],
            ..Environment::default()
        },
        floor: None,
    }
}

fn record(block: u32) -> Record {
    let cell = Cell {
        step: Step::Latency,
        contestant: "a".into(),
        service: "/".into(),
        transport: TransportKind::Plain,
        cores: Cores { server: vec![0], generator: vec![1] },
        workers: None,
        load: Load { rate_per_s: Some(1_000.0), ..Load::closed(4, 100, 400) },
    };
    let total = Latency {
        count: 400,
        mean_ns: 1e6,
        min_ns: None,
        max_ns: 2_000_000,
        percentiles: vec![(99.0, 1_500_000)],
    };
    Record {
        load: Some(LoadFigures { rate_per_s: 1_000.0, seconds: 0.4, total, ..LoadFigures::default() }),
        server: Some(ServerFigures { cores_used: 0.5, seconds: 0.4, ..ServerFigures::default() }),
        ..Record::new(Trial { cell, block }, "m")
    }
}

/// A directory with a header and two cells.
fn planted() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut store = Store::begin(directory.path(), &header("one")).unwrap();
    store.append(&record(0)).unwrap();
    store.append(&record(1)).unwrap();
    directory
}

/// Reads what becomes of the planted lines.
fn after(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Result<Records, StoreError> {
    let directory = planted();
    let path = directory.path().join(FILE);
    let mut lines: Vec<Vec<u8>> =
        std::fs::read(&path).unwrap().split_inclusive(|octet| *octet == b'\n').map(<[u8]>::to_vec).collect();
    change(&mut lines);
    std::fs::write(&path, lines.concat()).unwrap();
    read(directory.path())
}

/// The same with another value at one place of line `number`, from 1.
fn with(number: usize, pointer: &str, value: Value) -> Result<Records, StoreError> {
    after(|lines| {
        let mut line: Value = serde_json::from_slice(&lines[number - 1]).unwrap();
        let place = line.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer} is in no line {number}"));
        *place = value;
        lines[number - 1] = format!("{line}\n").into_bytes();
    })
}

fn refused(read: Result<Records, StoreError>, line: usize, word: &str) {
    let words = read.expect_err(word).to_string();
    assert!(words.contains(&format!("{FILE}:{line}: ")) && words.contains(word), "{word}: {words}");
}

#[test]
fn what_was_written_is_read() {
    let records = after(|_| {}).unwrap();
    assert_eq!(records, Records { header: header("one"), cells: vec![record(0), record(1)] });
}

#[test]
fn another_schema_is_refused_by_name_in_every_kind_of_line() {
    for line in 1..=3 {
        for schema in [json!(0), json!(SCHEMA + 1), json!(99), json!("1"), json!(1.5), json!(null)] {
            refused(with(line, "/schema", schema.clone()), line, &format!("schema {schema}"));
        }
    }
    // Whatever else such a line says: this program does not know what it means.
    let foreign = after(|lines| lines[1] = b"{\"kind\":\"weather\",\"schema\":99}\n".to_vec());
    refused(foreign, 2, "schema 99");
    refused(after(|lines| lines[1] = b"{\"kind\":\"cell\"}\n".to_vec()), 2, "schema");
}

#[test]
fn a_damaged_line_is_told_with_file_and_line() {
    let spoilt: [(&[u8], &str); 7] = [
        (b"\xff\xfe\n", "not a record"),
        (b"{\"kind\":\"cell\",\"schema\":1,\"trial\":\"\xe9\"}\n", "not a record"),
        (b"{\"kind\":\"cell\",\"schema\":1,\"tri\n", "not a record"),
        (b"NaN\n", "not a record"),
        (b"[]\n", "not a record"),
        (b"{\"kind\":\"weather\",\"schema\":1}\n", "weather"),
        (b"{\"schema\":1}\n", "kind"),
    ];
    for (octets, word) in spoilt {
        for line in 1..=3 {
            refused(after(|lines| lines[line - 1] = octets.to_vec()), line, word);
        }
    }
    for literal in ["NaN", "Infinity", "-Infinity", "1e999"] {
        let read = after(|lines| {
            let text = String::from_utf8(lines[1].clone()).unwrap();
            lines[1] = text.replace("\"cores_used\":0.5", &format!("\"cores_used\":{literal}")).into_bytes();
        });
        refused(read, 2, "not a record");
    }
}

#[test]
fn a_last_line_that_was_cut_off_is_passed_over_wherever_it_was_cut() {
    let whole = after(|_| {}).unwrap();
    let length = after_cut(None).1;
    for cut in (1..length).step_by(7) {
        let (read, _) = after_cut(Some(cut));
        assert_eq!(read.unwrap().cells, whole.cells[..1], "cut at {cut}");
    }
    let within_a_character = after(|lines| lines.push("{\"words\":\"µ".as_bytes()[..11].to_vec()));
    assert_eq!(within_a_character.unwrap(), whole);
    let end_of_line_alone = after(|lines| assert!(lines[2].pop().is_some()));
    assert_eq!(end_of_line_alone.unwrap(), whole, "the line is whole");
}

fn after_cut(cut: Option<usize>) -> (Result<Records, StoreError>, usize) {
    let mut length = 0;
    let read = after(|lines| {
        length = lines[2].len() - 1;
        lines[2].truncate(cut.unwrap_or(length));
    });
    (read, length)
}

/// As version 1 wrote it: another name for the verdict, and another word for a sound one.
#[test]
fn records_of_schema_1_are_read() {
    for (then, now) in [("valid", Verdict::Sound), ("at-least", Verdict::AtLeast), ("void", Verdict::Void)] {
        let old = |line: &mut Vec<u8>| {
            let mut value: Value = serde_json::from_slice(line).unwrap();
            value["schema"] = json!(1);
            if value["kind"] == "cell" {
                value["audit"] = json!({ "standing": then, "findings": [
                    { "law": "server-bottleneck", "standing": then, "words": "as it was" },
                ]});
            }
            *line = format!("{value}\n").into_bytes();
        };
        let read = after(|lines| lines.iter_mut().for_each(old)).unwrap();
        let audit = &read.cells[0].audit;
        assert_eq!((audit.verdict, audit.findings[0].verdict, audit.latency), (now, now, Verdict::Sound));
        assert_eq!(read.cells[0].latencies().is_some(), now != Verdict::Void);
        assert_eq!(read.cells[0].audit.reason(), if now == Verdict::Sound { "" } else { "as it was" });
    }
}

#[test]
fn blank_lines_are_passed_over() {
    let whole = after(|_| {}).unwrap();
    for blank in ["\n", "\r\n", "  \t\n"] {
        for place in 0..=3 {
            assert_eq!(
                after(|lines| lines.insert(place, blank.into())).unwrap(),
                whole,
                "{blank:?} at {place}"
            );
        }
    }
    let crlf = after(|lines| lines.iter_mut().for_each(|line| line.insert(line.len() - 1, b'\r')));
    assert_eq!(crlf.unwrap(), whole);
    assert!(matches!(after(|lines| *lines = vec![b"\n\n".to_vec()]), Err(StoreError::Empty(_))));
}

#[test]
fn numbers_that_nobody_measured_are_refused_with_file_line_and_field() {
    let fields = [
        "/trial/cell/load/rate_per_s",
        "/trial/cell/load/connections",
        "/trial/cell/load/duration_ms",
        "/load/rate_per_s",
        "/load/seconds",
        "/load/answered",
        "/load/total/mean_ns",
        "/load/total/max_ns",
        "/load/total/percentiles/0/1",
        "/server/cores_used",
        "/began_unix_ms",
    ];
    for field in fields {
        for value in [json!(1e308), json!(-1), json!(-0.5), json!(1e19)] {
            let name = field.split('/').rev().find(|part| part.parse::<u8>().is_err()).unwrap();
            refused(with(2, field, value), 2, name);
        }
    }
    for asked in ["rate_per_s", "connections", "duration_ms"] {
        refused(with(3, &format!("/trial/cell/load/{asked}"), json!(0)), 3, asked);
    }
    refused(with(3, "/load/rate_per_s", json!(0)), 3, "rate_per_s");
    for field in ["/blocks", "/threshold"] {
        refused(with(1, field, json!(-3)), 1, &field[1..]);
    }
    refused(with(1, "/blocks", json!(0)), 1, "blocks");
}

#[test]
fn a_cell_that_is_void_or_overloaded_may_have_answered_nothing() {
    assert!(with(2, "/audit/verdict", json!("void")).is_ok());
    let nothing = |change: fn(&mut Record)| {
        after(|lines| {
            let mut silent = record(0);
            silent.load = Some(LoadFigures { rate_per_s: 0.0, ..silent.load.unwrap() });
            change(&mut silent);
            lines[1] = format!("{}\n", serde_json::to_string(&Line::Cell(Box::new(silent))).unwrap()).into();
        })
    };
    assert!(nothing(|cell| cell.audit.verdict = Verdict::Void).is_ok());
    assert!(nothing(|cell| cell.trial.cell.step = Step::Curve).is_ok());
    assert!(nothing(|_| {}).is_err());
}

#[test]
fn one_program_at_a_time_writes() {
    let directory = tempfile::tempdir().unwrap();
    let first = Store::begin(directory.path(), &header("one")).unwrap();
    assert!(matches!(Store::begin(directory.path(), &header("two")), Err(StoreError::Taken(_))));
    assert!(matches!(Store::reopen(directory.path()), Err(StoreError::Locked(_))));
    drop(first);
    assert!(Store::reopen(directory.path()).is_ok());
    assert!(matches!(Store::begin(directory.path(), &header("two")), Err(StoreError::Taken(_))));
    let nowhere = directory.path().join("nowhere");
    assert!(matches!(Store::reopen(&nowhere), Err(StoreError::Missing { .. })));
    assert!(!nowhere.exists(), "nothing is made by looking");
}

#[test]
fn the_first_header_says_what_was_asked_and_all_say_which_programs_measured() {
    let directory = planted();
    for program in ["two", "one", "three"] {
        let mut store = Store::reopen(directory.path()).unwrap();
        let resumed = Header { command: vec!["dyno".into(), "another".into()], ..header(program) };
        store.go_on(&resumed).unwrap();
    }
    let read = read(directory.path()).unwrap();
    assert_eq!(read.header.command, ["dyno", "compare"]);
    assert_eq!(read.header.environment.programs, ["one", "two", "three"]);
}

#[test]
fn who_continues_cuts_away_what_is_torn_and_keeps_what_is_whole() {
    for (end, kept) in [("", 2), ("{\"kind\":\"cell\",\"sch", 2)] {
        let directory = planted();
        let path = directory.path().join(FILE);
        let mut octets = std::fs::read(&path).unwrap();
        octets.pop();
        if !end.is_empty() {
            octets.push(b'\n');
            octets.extend_from_slice(end.as_bytes());
        }
        std::fs::write(&path, octets).unwrap();
        let mut store = Store::reopen(directory.path()).unwrap();
        store.go_on(&header("one")).unwrap();
        store.append(&record(2)).unwrap();
        assert_eq!(read(directory.path()).unwrap().cells.len(), kept + 1, "{end:?}");
    }
}

#[test]
fn a_header_without_a_probe_is_of_the_oldest_kind_and_all_kinds_are_told() {
    let mut older = header("one");
    older.environment.probes.clear();
    for (headers, kinds) in [
        (vec![header("one")], vec![PROBE]),
        (vec![older.clone()], vec![PROBE_OLDEST]),
        (vec![older.clone(), header("one"), header("two")], vec![PROBE_OLDEST, PROBE]),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let lines: Vec<String> = headers
            .into_iter()
            .map(|header| serde_json::to_string(&Line::Header(Box::new(header))).unwrap() + "\n")
            .collect();
        std::fs::write(directory.path().join(FILE), lines.concat()).unwrap();
        assert_eq!(read(directory.path()).unwrap().header.environment.probes, kinds);
    }
}

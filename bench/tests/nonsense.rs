//! Values that make no sense are refused by every command and option alike: exit code 2, and the option's name.

mod support;

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use support::side_by_side;

fn dyno(arguments: &[impl AsRef<OsStr>]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dyno"));
    let place = tempfile::tempdir().unwrap();
    command.args(arguments).current_dir(place.path()).stdin(Stdio::null()).output().unwrap()
}

const NUMBERS: &[&str] = &["-1", "NaN", "inf", "1e300", "abc", ""];
const TIMES: &[&str] = &["1e300s", "5 parsecs"];
const SHARES: &[&str] = &["2", "101%", "-5%"];
const COUNTS: &[&str] = &["0", "1.5", "-0", "1e30"];
const COUNTS_OR_NONE: &[&str] = &["1.5", "1e30"];
const CORES: &[&str] = &["3-1", "a", "0-"];

/// An option with the values, beside those of its kind, that it refuses.
type Case = (&'static str, &'static [&'static [&'static str]]);

const EXPERIMENT: &[Case] = &[
    ("--duration", &[NUMBERS, TIMES, &["0", "0s", "99ms", "1ms", "2h"]]),
    ("--warm-up", &[NUMBERS, TIMES, &["10us", "2h"]]),
    ("--blocks", &[NUMBERS, COUNTS, &["1001"]]),
    ("--connections", &[NUMBERS, COUNTS, &["100001"]]),
    ("--threshold", &[NUMBERS, SHARES]),
    ("--seed", &[NUMBERS, &["1e30", "1.5"]]),
    ("--server-cores", &[NUMBERS, CORES]),
    ("--generator-cores", &[NUMBERS, CORES]),
];

const TARGET: &[Case] = &[
    ("--timeout", &[NUMBERS, TIMES, &["0", "0ms", "2h"]]),
    ("--expect-status", &[NUMBERS, &["0", "99", "600", "1e3"]]),
];

/// Each command with what else it needs, and its options.
const COMMANDS: &[(&[&str], &[&[Case]])] = &[
    (
        &["compare", "epoll", "--dry-run"],
        &[EXPERIMENT, &[("--rate", &[NUMBERS, &["0", "0/s", "2G", "1e-300000"]])]],
    ),
    (
        &["curve", "epoll", "--dry-run"],
        &[
            EXPERIMENT,
            &[("--limit", &[NUMBERS, TIMES, &["0", "0ms", "2h"]]), ("--missed", &[NUMBERS, SHARES])],
        ],
    ),
    (&["scale", "epoll", "--dry-run"], &[EXPERIMENT]),
    (&["textbook", "futex"], &[&[("--rounds", &[NUMBERS, COUNTS, &["4", "1001"]])]]),
    (
        &["connections", "epoll", "--dry-run"],
        &[EXPERIMENT, &[("--counts", &[NUMBERS, COUNTS, &["10,0", "100001", "10,,20"]])]],
    ),
    (
        &["overload", "epoll", "--dry-run"],
        &[&[
            ("--patience", &[NUMBERS, TIMES, &["0", "99ms", "2h"]]),
            ("--controls", &[NUMBERS, &["none:due", "deadline:soon", "nonesuch", "bounded,,gradient"]]),
        ]],
    ),
    (
        &["explain", "epoll", "fork"],
        &[&[
            ("--blocks", &[NUMBERS, COUNTS, &["1001"]]),
            ("--duration", &[NUMBERS, TIMES, &["0", "99ms", "2h"]]),
        ]],
    ),
    (&["diff", "one", "other"], &[&[("--threshold", &[NUMBERS, SHARES])]]),
    (
        &["load", "http://127.0.0.1:1/"],
        &[
            TARGET,
            &[
                ("--connections", &[NUMBERS, COUNTS, &["1000001"]]),
                ("--threads", &[NUMBERS, COUNTS, &["257"]]),
                ("--rate", &[NUMBERS, &["0", "2G", "1k..0/5s", "1k,0/5s", "1k,2k/0s", "1k,2k/1000h"]]),
                ("--duration", &[NUMBERS, TIMES, &["0", "0s", "1000h"]]),
                ("--requests", &[NUMBERS, COUNTS]),
                ("--requests-per-connection", &[NUMBERS, COUNTS]),
                ("--backlog", &[NUMBERS, COUNTS]),
                ("--warmup", &[NUMBERS, TIMES, &["2h"]]),
                ("--think", &[NUMBERS, TIMES, &["2h"]]),
                ("--spin", &[NUMBERS, TIMES, &["2h"]]),
                ("--patience", &[NUMBERS, TIMES, &["0", "0ms", "2h"]]),
                ("--retry", &[NUMBERS, COUNTS_OR_NONE, &["21"]]),
                ("--seed", &[NUMBERS, &["1e30"]]),
                ("--errors-max", &[NUMBERS, SHARES]),
                ("--cpu", &[NUMBERS, &["a"]]),
                ("--fail-if", &[NUMBERS, &["p99>-1ms", "p99>NaN", "rate<inf", "p99>"]]),
                ("--require", &[NUMBERS, &["p99<-1ms", "p99<NaN", "rate>inf", "p99<", "p99=1ms", "p999<1s"]]),
                ("--abort-on", &[NUMBERS, &["p99>-1ms", "errors>200%", "lag.p99>1s", "min>1s"]]),
                ("--blocks", &[NUMBERS, COUNTS, &["1001"]]),
            ],
        ],
    ),
    (&["probe", "http://127.0.0.1:1/"], &[TARGET, &[("--show", &[NUMBERS])]]),
    (
        &["serve", "prefork", "--listen", "127.0.0.1:0"],
        &[&[
            ("--workers", &[NUMBERS, COUNTS, &["4097"]]),
            ("--drain", &[NUMBERS, &["1e30", "86401"]]),
            ("--admission", &[NUMBERS, &["nonesuch", "Deadline", "deadline:due"]]),
            ("--admission-age", &[NUMBERS, &["sent", "0"]]),
            ("--compute-rounds-per-us", &[NUMBERS, COUNTS]),
            ("--cores", &[NUMBERS, CORES]),
        ]],
    ),
    (&["serve", "thread-pool", "--listen", "127.0.0.1:0"], &[&[("--queue", &[NUMBERS, COUNTS])]]),
    (&["serve", "epoll", "--listen", "127.0.0.1:0"], &[&[("--max-connections", &[NUMBERS, COUNTS])]]),
    (&["calibrate"], &[&[("--repeat", &[NUMBERS, COUNTS, &["101"]])]]),
];

#[test]
fn nonsense_is_refused_by_every_option_with_its_name() {
    let mut lines: Vec<(&str, Vec<String>)> = Vec::new();
    for (command, options) in COMMANDS {
        for (option, values) in options.iter().copied().flatten() {
            for value in values.iter().copied().flatten() {
                let line = |words: &[&str]| {
                    let words = command.iter().chain(words).map(|word| (*word).to_string());
                    (*option, words.collect::<Vec<_>>())
                };
                // Both spellings; an empty word, and one that clap takes for an option, stand behind the sign alone.
                lines.push(line(&[&format!("{option}={value}")]));
                if !value.is_empty() && (!value.starts_with('-') || value.parse::<f64>().is_ok()) {
                    lines.push(line(&[*option, *value]));
                }
            }
        }
    }
    let wrong = Mutex::new(Vec::new());
    side_by_side(&lines, |(option, line)| {
        let output = dyno(line);
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(2) || !said.contains(option) || said.contains("panicked") {
            wrong.lock().unwrap().push(format!("{line:?}: {:?} {said}", output.status.code()));
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The keys of a file are the names of the options, and their values are read in the same way.
#[test]
fn nonsense_in_a_file_is_refused_with_its_key() {
    let place = tempfile::tempdir().unwrap();
    for (experiment, line) in [
        ("compare", "duration = '0'"),
        ("compare", "duration = '99ms'"),
        ("compare", "blocks = 0"),
        ("compare", "blocks = -1"),
        ("compare", "connections = 0"),
        ("compare", "threshold = '200%'"),
        ("compare", "rate = '0'"),
        ("compare", "rate = 'nan'"),
        ("curve", "limit = '0'"),
        ("curve", "missed = '-1'"),
        ("connections", "counts = [10, 0]"),
        ("scale", "warm-up = '2h'"),
    ] {
        let file = place.path().join("experiment.toml");
        std::fs::write(&file, format!("experiment = '{experiment}'\nnames = ['epoll']\n{line}\n")).unwrap();
        let output = dyno(&["run", &file.display().to_string(), "--", "--dry-run"]);
        let said = String::from_utf8_lossy(&output.stderr);
        let key = line.split(' ').next().unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains(key), "{line}: {said}");
    }
}

/// The least and the most that make sense are taken.
#[test]
fn the_ends_of_what_makes_sense_are_taken() {
    for line in [
        ["compare", "epoll", "--dry-run", "--duration", "100ms", "--warm-up", "0", "--blocks", "1"]
            .as_slice(),
        &["compare", "epoll", "--dry-run", "--duration", "1h", "--threshold", "0", "--rate", "1G"],
        &["curve", "epoll", "--dry-run", "--limit", "1ns", "--missed", "0%"],
        &["connections", "epoll", "--dry-run", "--counts", "1,100k"],
        &["load", "http://127.0.0.1:1/", "--dry-run", "-n", "1", "-c", "1", "--warmup", "0", "--think", "0"],
        &["load", "http://127.0.0.1:1/", "--dry-run", "--rate", "0.1", "-d", "720h", "--spin", "0"],
    ] {
        let output = dyno(line);
        assert!(output.status.success(), "{line:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

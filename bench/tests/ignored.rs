//! No command takes an option and ignores it: each option of each command stands here, with the lines in which it would
//! mean nothing. Such a line ends with exit code 2 and names the option.
//!
//! Whoever adds an option adds it here, and thinks of the commands and of the other options beside which nothing reads
//! it.

use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Far beyond what a refusal takes: what runs on was not refused.
const REFUSED_WITHIN: Duration = Duration::from_secs(20);

fn dyno(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dyno"));
    let place = tempfile::tempdir().unwrap();
    command.args(arguments).current_dir(place.path()).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A help text fits into the pipe only in part, so somebody has to read while it is waited for.
    let mut out = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut octets = Vec::new();
        out.read_to_end(&mut octets).map(|_| octets)
    });
    let since = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if since.elapsed() > REFUSED_WITHIN {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let stdout = reader.join().unwrap().unwrap();
    Output { stdout, ..child.wait_with_output().unwrap() }
}

/// An option with the lines, between spaces and behind the command, in which it would mean nothing.
type Case = (&'static str, &'static [&'static str]);

/// Read in every line that has the option.
const ALWAYS: &[&str] = &[];

/// What stands for a URL in the lines below.
const URL: &str = "http://127.0.0.1:1/";

const EVERYWHERE: &[Case] = &[("--help", ALWAYS), ("--version", ALWAYS)];

const TRANSPORT: &[Case] = &[
    ("--transport", &["URLS --transport plain", "URLS --transport channel"]),
    ("--credentials", &["URL --credentials d"]),
    ("--key", &["URL --key k", "URL --transport tls --insecure --key k"]),
    ("--certificate", &["URL --certificate c", "URL --transport channel --peer KEY --certificate c"]),
    ("--suite", &["URL --suite x25519-aes256gcm", "URLS --suite x25519-aes256gcm"]),
    ("--trust", &["URL --trust t", "URLS --insecure --trust t"]),
    (
        "--peer",
        &["URL --peer KEY", "URL --transport tls --peer KEY", "URL --transport channel --peer KEY --trust t"],
    ),
    ("--insecure", &["URL --insecure", "URL --transport channel --insecure"]),
];

const PLACE: &[Case] = &[
    ("--unix-socket", &["unix:/run/a.sock:/ --unix-socket /run/b.sock"]),
    ("--path-as-is", ALWAYS),
    ("--header", &["URL -H Content-Length:3", "URL -H Transfer-Encoding:chunked"]),
    ("--timeout", ALWAYS),
];

const REQUEST: &[Case] = &[
    ("--method", &["URL --mix m -X PUT"]),
    ("--header", &["URL --mix m -H A:b"]),
    ("--body", &["URL --mix m --body b", "URL --body b --body-file f"]),
    ("--body-file", &["URL --mix m --body-file f"]),
    ("--expect", &["URL --mix m --expect same"]),
    ("--expect-status", &["URL --mix m --expect-status 204"]),
    ("--mix", ALWAYS),
];

const LOAD: &[Case] = &[
    ("--connections", ALWAYS),
    ("--rate", &["URL --rate 5 --arrivals trace:t"]),
    (
        "--arrivals",
        &["URL --arrivals constant", "URL --arrivals poisson", "URL --arrivals poisson --think 1ms"],
    ),
    ("--think", &["URL --think 1ms --rate 5", "URL --think 1ms --arrivals trace:t"]),
    ("--duration", &["URL --duration 1s --requests 5", "URL --duration 1s --rate 1..5/1s"]),
    ("--requests", &["URL --requests 5 --rate 1,5/1s"]),
    ("--warmup", ALWAYS),
    ("--requests-per-connection", ALWAYS),
    ("--threads", ALWAYS),
    ("--cpu", ALWAYS),
    ("--seed", ALWAYS),
    ("--backlog", &["URL --backlog 5", "URL --backlog 5 --think 1ms"]),
    ("--spin", ALWAYS),
    ("--patience", ALWAYS),
    ("--retry", &["URL --retry 2", "URL --retry 2 --think 1ms"]),
    (
        "--backoff",
        &["URL --backoff 5ms", "URL --rate 5 --backoff 5ms", "URL --rate 5 --retry 0 --backoff 5ms"],
    ),
    ("--due", ALWAYS),
    ("--format", ALWAYS),
    ("--output", ALWAYS),
    ("--blocks", &["URL --blocks 3"]),
    ("--html", &["URL OTHER --html f"]),
    ("--hlog", &["URL OTHER --hlog f"]),
    ("--require", &["URL OTHER --require p99<1s"]),
    ("--fail-if", &["URL OTHER --fail-if p99>1s"]),
    ("--abort-on", &["URL OTHER --abort-on p99>1s"]),
    ("--errors-max", ALWAYS),
    ("--strict", &["URL OTHER --strict"]),
    ("--statistics", &["URL OTHER --statistics"]),
    ("--no-view", &["URL --no-view --quiet"]),
    ("--no-pin", &["URL --no-pin --cpu 0"]),
    ("--quiet", ALWAYS),
    ("--dry-run", &["URL OTHER --dry-run"]),
];

const EXPERIMENT: &[Case] = &[
    ("--peers", &["--resume d --peers"]),
    ("--servers", &["--resume d --servers f"]),
    ("--service", &["--resume d --service /json"]),
    ("--transports", &["--resume d --transports tls"]),
    ("--quick", &["--resume d --quick", "--quick --thorough"]),
    ("--thorough", &["--resume d --thorough"]),
    ("--blocks", &["--resume d --blocks 3"]),
    ("--duration", &["--resume d --duration 1s"]),
    ("--warm-up", &["--resume d --warm-up 1s"]),
    ("--threshold", &["--resume d --threshold 9%"]),
    ("--seed", &["--resume d --seed 3"]),
    ("--output", &["--resume d --output o"]),
    ("--resume", ALWAYS),
    ("--other-program", &["--other-program"]),
    ("--dry-run", ALWAYS),
    ("--quiet", ALWAYS),
];

/// What experiments have in common that bring a load of their own.
const WITHOUT_LOAD: &[Case] = &[
    ("--quick", &["--quick --thorough"]),
    ("--thorough", ALWAYS),
    ("--blocks", &["--resume d --blocks 3"]),
    ("--seed", &["--resume d --seed 3"]),
    ("--output", &["--resume d --output o"]),
    ("--resume", ALWAYS),
    ("--other-program", &["--other-program"]),
    ("--dry-run", ALWAYS),
    ("--quiet", ALWAYS),
];

const CORES: &[Case] = &[
    ("--server-cores", &["--resume d --server-cores 0"]),
    ("--generator-cores", &["--resume d --generator-cores 0"]),
];

const CONNECTIONS: &[Case] = &[("--connections", &["--resume d --connections 5"])];

/// A command with its options, and with lines in which it would ignore an option of others.
type Row = (&'static str, &'static [&'static [Case]], &'static [Case]);

const COMMANDS: &[Row] = &[
    (
        "compare",
        &[
            EXPERIMENT,
            CORES,
            CONNECTIONS,
            &[
                ("--rate", &["--services hello,wait --rate 5k"]),
                ("--services", &["--resume d --services hello", "--service /json --services hello"]),
                ("--ci", ALWAYS),
            ],
        ],
        &[
            // Each workload brings its own.
            ("--connections", &["--services hello,wait --connections 5"]),
            ("--transports", &["--services hello,wait --transports tls"]),
            ("--peers", &["--services hello,wait --peers"]),
            ("--limit", &["epoll --limit 5ms"]),
            ("--missed", &["epoll --missed 1%"]),
            ("--counts", &["epoll --counts 10"]),
            ("--controls", &["epoll --controls deadline"]),
            ("--patience", &["epoll --patience 200ms"]),
        ],
    ),
    (
        "curve",
        &[EXPERIMENT, CORES, CONNECTIONS, &[("--limit", ALWAYS), ("--missed", ALWAYS)]],
        &[
            ("--rate", &["epoll --rate 5k"]),
            ("--counts", &["epoll --counts 10"]),
            ("--services", &["epoll --services hello"]),
        ],
    ),
    (
        "scale",
        &[EXPERIMENT, CONNECTIONS],
        &[
            ("--rate", &["epoll --rate 5k"]),
            ("--limit", &["epoll --limit 5ms"]),
            ("--counts", &["epoll --counts 10"]),
            ("--server-cores", &["epoll --server-cores 0"]),
            ("--generator-cores", &["epoll --generator-cores 0"]),
        ],
    ),
    (
        "connections",
        &[EXPERIMENT, CORES, &[("--counts", ALWAYS)]],
        &[
            ("--rate", &["epoll --rate 5k"]),
            ("--missed", &["epoll --missed 1%"]),
            ("--connections", &["epoll --connections 10"]),
        ],
    ),
    (
        "overload",
        &[EXPERIMENT, CORES, &[("--controls", ALWAYS), ("--patience", ALWAYS)]],
        &[
            ("--rate", &["epoll --rate 5k"]),
            ("--limit", &["epoll --limit 5ms"]),
            ("--counts", &["epoll --counts 10"]),
            ("--connections", &["epoll --connections 10"]),
        ],
    ),
    (
        "duel",
        &[EXPERIMENT, CORES, CONNECTIONS],
        &[
            ("--rate", &["epoll tokio --rate 5k"]),
            ("--limit", &["epoll tokio --limit 5ms"]),
            ("--services", &["epoll tokio --services hello"]),
            ("--faults", &["epoll tokio --faults panic"]),
        ],
    ),
    (
        "isolation",
        &[WITHOUT_LOAD, CORES, &[("--duration", ALWAYS), ("--warm-up", ALWAYS), ("--faults", ALWAYS)]],
        &[
            ("--rate", &["epoll --rate 5k"]),
            ("--service", &["epoll --service /json"]),
            ("--transports", &["epoll --transports tls"]),
            ("--peers", &["epoll --peers"]),
            ("--threshold", &["epoll --threshold 1%"]),
            ("--connections", &["epoll --connections 10"]),
        ],
    ),
    (
        "waiting",
        &[WITHOUT_LOAD, CORES, &[("--peers", ALWAYS), ("--servers", ALWAYS), ("--threshold", ALWAYS)]],
        &[
            ("--rate", &["epoll --rate 5k"]),
            ("--duration", &["epoll --duration 1s"]),
            ("--transports", &["epoll --transports tls"]),
            ("--connections", &["epoll --connections 10"]),
        ],
    ),
    (
        "textbook",
        &[&[
            ("--list", ALWAYS),
            ("--quick", ALWAYS),
            ("--rounds", ALWAYS),
            ("--format", ALWAYS),
            ("--html", ALWAYS),
            ("--quiet", ALWAYS),
        ]],
        &[("--blocks", &["--blocks 3"])],
    ),
    (
        "explain",
        &[&[
            ("--blocks", &["epoll fork --results d --blocks 3"]),
            ("--duration", &["epoll fork --results d --duration 1s"]),
            ("--results", ALWAYS),
            ("--quiet", ALWAYS),
        ]],
        &[("--connections", &["epoll fork --connections 3"])],
    ),
    (
        "choose",
        &[&[
            ("--rate", ALWAYS),
            ("--connections", ALWAYS),
            ("--wait", ALWAYS),
            ("--compute", ALWAYS),
            ("--limit", ALWAYS),
        ]],
        &[("--duration", &["--rate 5k --duration 1s"])],
    ),
    ("report", &[&[("--format", ALWAYS)]], &[("--output", &["d --output o"])]),
    (
        "diff",
        &[&[
            ("--threshold", ALWAYS),
            ("--fail-on-regression", ALWAYS),
            ("--relative", ALWAYS),
            ("--across-machines", ALWAYS),
        ]],
        &[],
    ),
    (
        "serve",
        &[&[
            ("--listen", ALWAYS),
            ("--workers", &["epoll --workers 2", "fork --workers 2"]),
            ("--queue", &["epoll --queue 9", "leader-followers --queue 9"]),
            ("--max-connections", &["thread-pool --max-connections 9", "iterative --max-connections 9"]),
            ("--memory", ALWAYS),
            ("--admission", ALWAYS),
            (
                "--admission-age",
                &["epoll --admission-age due", "epoll --admission none --admission-age accept"],
            ),
            ("--arm", &["epoll --arm plain", "tokio --arm tuned"]),
            ("--cores", ALWAYS),
            ("--drain", ALWAYS),
            ("--files", ALWAYS),
            ("--json", ALWAYS),
            ("--faults", ALWAYS),
            ("--compute-rounds-per-us", ALWAYS),
            ("--transport", ALWAYS),
            ("--credentials", &["epoll --credentials d"]),
            ("--key", &["epoll --key k", "epoll --transport tls --key k"]),
            ("--certificate", &["epoll --certificate c", "epoll --transport channel --certificate c"]),
            ("--trust", &["epoll --trust t"]),
            (
                "--suite",
                &["epoll --suite x25519-aes256gcm", "epoll --transport tls --suite x25519-aes256gcm"],
            ),
            ("--peer", &["epoll --peer KEY", "epoll --transport tls --peer KEY"]),
            ("--head-time-ms", ALWAYS),
            ("--body-grace-ms", ALWAYS),
            ("--policy", ALWAYS),
            ("--acl", &["epoll --acl server"]),
            ("--idle-time-ms", ALWAYS),
            ("--write-time-ms", ALWAYS),
        ]],
        &[("--insecure", &["epoll --transport tls --insecure"])],
    ),
    ("list", &[&[("--names", ALWAYS)]], &[("--json", &["--json"])]),
    ("load", &[PLACE, TRANSPORT, REQUEST, LOAD], &[]),
    (
        "probe",
        &[PLACE, TRANSPORT, REQUEST, &[("--json", ALWAYS), ("--show", ALWAYS)]],
        &[("--rate", &["URL --rate 5"]), ("--connections", &["URL --connections 5"])],
    ),
    (
        "browse",
        &[PLACE, TRANSPORT, &[("--threads", ALWAYS), ("--svg", ALWAYS), ("--json", ALWAYS)]],
        &[
            ("-X", &["URL -X PUT"]),
            ("--method", &["URL --method PUT"]),
            ("--body", &["URL --body b"]),
            ("--body-file", &["URL --body-file f"]),
            ("--expect", &["URL --expect same"]),
            ("--expect-status", &["URL --expect-status 204"]),
            ("--mix", &["URL --mix m"]),
        ],
    ),
    ("keys", &[&[("--days", ALWAYS)]], &[]),
    (
        "demo",
        &[&[
            ("--json", &["--json"]),
            ("--fast", &["--fast"]),
            ("--tap", &["--tap", "mitm --tap"]),
            ("--listen", &["--listen 127.0.0.1:0", "mitm --listen 127.0.0.1:0"]),
            ("--connect", &["--connect 127.0.0.1:1", "mitm --connect 127.0.0.1:1"]),
            ("--peer", &["channel --peer KEY", "channel --listen 127.0.0.1:0 --peer KEY", "mitm --peer KEY"]),
        ]],
        &[],
    ),
    ("doctor", &[&[("--json", ALWAYS)]], &[]),
    (
        "calibrate",
        &[&[
            ("--quick", &["--reference delay:1ms --quick"]),
            ("--repeat", &["--reference delay:1ms --repeat 2"]),
            ("--patience", &["--reference delay:1ms --patience 1m"]),
            ("--json", &["--reference delay:1ms --json"]),
            ("--only", &["--reference delay:1ms --only x"]),
            ("--reference", ALWAYS),
            ("--listen", &["--listen 127.0.0.1:0"]),
        ]],
        &[],
    ),
    (
        "count",
        &[&[
            ("--service", ALWAYS),
            ("--transports", ALWAYS),
            ("--connections", ALWAYS),
            ("--requests", ALWAYS),
            ("--blocks", ALWAYS),
            ("--kernel", ALWAYS),
            ("--seed", ALWAYS),
            ("--output", ALWAYS),
            ("--dry-run", ALWAYS),
            ("--quiet", ALWAYS),
        ]],
        &[("--duration", &["epoll --duration 1s"]), ("--rate", &["epoll --rate 5"])],
    ),
    ("learn", &[&[("--answer", &["--answer"]), ("--html", ALWAYS)]], &[]),
    ("completions", &[], &[]),
    ("man", &[], &[]),
];

/// The key of nobody.
const KEY: &str = "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

#[test]
fn an_option_that_would_mean_nothing_is_refused_by_name() {
    let mut wrong = Vec::new();
    for (command, own, foreign) in COMMANDS {
        for (option, lines) in own.iter().copied().flatten().chain(*foreign) {
            for line in *lines {
                let words = line.split_whitespace().map(|word| match word {
                    "URL" => URL,
                    "URLS" => "https://127.0.0.1:1/",
                    "OTHER" => "http://127.0.0.1:2/",
                    "KEY" => KEY,
                    other => other,
                });
                let line: Vec<&str> = [*command].into_iter().chain(words).collect();
                let output = dyno(&line);
                let said = String::from_utf8_lossy(&output.stderr);
                let named = said.contains(option) || said.contains(option.trim_start_matches('-'));
                if output.status.code() != Some(2) || !named || said.contains("panicked") {
                    wrong.push(format!("{line:?}: {:?} {said}", output.status.code()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_option_of_every_command_stands_here() {
    for (command, own, _) in COMMANDS {
        let help = dyno(&[command, "--help"]);
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
        let words =
            lines.flat_map(|line| line.split_whitespace().take(2)).map(|word| word.trim_end_matches(','));
        let shown: BTreeSet<&str> = words.filter(|word| word.starts_with("--")).collect();
        let known: BTreeSet<&str> =
            own.iter().copied().flatten().chain(EVERYWHERE).map(|(option, _)| *option).collect();
        assert_eq!(shown, known, "dyno {command}");
    }
}

#[test]
fn every_command_stands_here() {
    let help = dyno(&["--help"]);
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
    let commands = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
    let shown: BTreeSet<&str> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    // A file's experiment is checked as if its command had been given; `help` takes none but names.
    let known: BTreeSet<&str> =
        COMMANDS.iter().map(|(command, ..)| *command).chain(["run", "help"]).collect();
    assert_eq!(shown, known);
}

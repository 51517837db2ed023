//! The options of each command, with lines in which they would mean nothing.

use crate::clients::{ALWAYS, Case, LOAD, PLACE, REQUEST, TRANSPORT};

pub(crate) const EVERYWHERE: &[Case] = &[("--help", ALWAYS), ("--version", ALWAYS)];

pub(crate) const EXPERIMENT: &[Case] = &[
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
pub(crate) const WITHOUT_LOAD: &[Case] = &[
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

pub(crate) const CORES: &[Case] = &[
    ("--server-cores", &["--resume d --server-cores 0"]),
    ("--generator-cores", &["--resume d --generator-cores 0"]),
];

pub(crate) const CONNECTIONS: &[Case] = &[("--connections", &["--resume d --connections 5"])];

/// A command with its options, and with lines in which it would ignore an option of others.
pub(crate) type Row = (&'static str, &'static [&'static [Case]], &'static [Case]);

pub(crate) const COMMANDS: &[Row] = &[
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
                ("--count", &["epoll --ci old --count"]),
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
            ("--quota", &["epoll --quota 0.5"]),
            ("--services", &["epoll --services hello"]),
        ],
    ),
    (
        "scale",
        &[
            EXPERIMENT,
            CONNECTIONS,
            &[
                ("--quota", &["--resume d --quota 0.5"]),
                ("--quota-period", &["--resume d --quota-period 10ms", "epoll --quota-period 10ms"]),
            ],
        ],
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
            ("--uploads", ALWAYS),
            ("--max-upload", &["epoll --max-upload 1MiB"]),
            ("--json", ALWAYS),
            ("--faults", ALWAYS),
            ("--control", ALWAYS),
            ("--urgent", &["io-uring --urgent", "epoll --listen unix:/run/a.sock --urgent"]),
            ("--tickets", &["epoll --tickets yes", "epoll --transport tls --tickets yes"]),
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
    ("control", &[&[("--json", ALWAYS)]], &[]),
    ("list", &[&[("--names", ALWAYS)]], &[("--json", &["--json"])]),
    ("load", &[PLACE, TRANSPORT, REQUEST, LOAD], &[]),
    (
        "merge",
        &[&[
            ("--allow-missing", ALWAYS),
            ("--format", ALWAYS),
            ("--output", ALWAYS),
            ("--html", ALWAYS),
            ("--hlog", ALWAYS),
            ("--statistics", ALWAYS),
            ("--require", ALWAYS),
            ("--fail-if", ALWAYS),
            ("--strict", ALWAYS),
        ]],
        &[("--abort-on", &["f --abort-on p99>1s"]), ("--errors-max", &["f --errors-max 2%"])],
    ),
    (
        "probe",
        &[PLACE, TRANSPORT, REQUEST, &[("--json", ALWAYS), ("--show", ALWAYS)]],
        &[("--rate", &["URL --rate 5"]), ("--connections", &["URL --connections 5"])],
    ),
    (
        "browse",
        &[
            PLACE,
            TRANSPORT,
            &[
                ("--threads", &["URL --to 127.0.0.1:1,127.0.0.1:2 --threads 3"]),
                ("--svg", &["URL --to 127.0.0.1:1,127.0.0.1:2 --svg f"]),
                ("--json", ALWAYS),
                ("--to", ALWAYS),
            ],
        ],
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

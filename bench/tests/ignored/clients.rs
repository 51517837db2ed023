//! The options of the commands that send requests.

/// An option with the lines, between spaces and behind the command, in which it would mean nothing.
pub(crate) type Case = (&'static str, &'static [&'static str]);

/// Read in every line that has the option.
pub(crate) const ALWAYS: &[&str] = &[];

pub(crate) const TRANSPORT: &[Case] = &[
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
    ("--tickets", &["URL --tickets yes", "URLS --tickets yes"]),
    ("--insecure", &["URL --insecure", "URL --transport channel --insecure"]),
];

pub(crate) const PLACE: &[Case] = &[
    ("--unix-socket", &["unix:/run/a.sock:/ --unix-socket /run/b.sock"]),
    ("--path-as-is", ALWAYS),
    ("--header", &["URL -H Content-Length:3", "URL -H Transfer-Encoding:chunked"]),
    ("--timeout", ALWAYS),
];

pub(crate) const REQUEST: &[Case] = &[
    ("--method", &["URL --mix m -X PUT"]),
    ("--header", &["URL --mix m -H A:b"]),
    ("--body", &["URL --mix m --body b", "URL --body b --body-file f"]),
    ("--body-file", &["URL --mix m --body-file f"]),
    ("--expect", &["URL --mix m --expect same"]),
    ("--expect-status", &["URL --mix m --expect-status 204"]),
    ("--mix", ALWAYS),
];

pub(crate) const LOAD: &[Case] = &[
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
    ("--format", &["URL --part 1/2 --start-at 9 --format json"]),
    ("--output", ALWAYS),
    ("--blocks", &["URL --blocks 3"]),
    (
        "--html",
        &[
            "URL OTHER --html f",
            "URL --part 1/2 --start-at 9 --html f",
            "URL --to 127.0.0.1:1,127.0.0.1:2 --html f",
        ],
    ),
    (
        "--hlog",
        &[
            "URL OTHER --hlog f",
            "URL --part 1/2 --start-at 9 --hlog f",
            "URL --to 127.0.0.1:1,127.0.0.1:2 --hlog f",
        ],
    ),
    (
        "--require",
        &[
            "URL OTHER --require p99<1s",
            "URL --part 1/2 --start-at 9 --require p99<1s",
            "URL --to 127.0.0.1:1,127.0.0.1:2 --require p99<1s",
        ],
    ),
    (
        "--fail-if",
        &[
            "URL OTHER --fail-if p99>1s",
            "URL --part 1/2 --start-at 9 --fail-if p99>1s",
            "URL --to 127.0.0.1:1,127.0.0.1:2 --fail-if p99>1s",
        ],
    ),
    (
        "--abort-on",
        &[
            "URL OTHER --abort-on p99>1s",
            "URL --part 1/2 --start-at 9 --abort-on p99>1s",
            "URL --to 127.0.0.1:1,127.0.0.1:2 --abort-on p99>1s",
        ],
    ),
    ("--errors-max", ALWAYS),
    (
        "--strict",
        &[
            "URL OTHER --strict",
            "URL --part 1/2 --start-at 9 --strict",
            "URL --to 127.0.0.1:1,127.0.0.1:2 --strict",
        ],
    ),
    (
        "--statistics",
        &[
            "URL OTHER --statistics",
            "URL --part 1/2 --start-at 9 --statistics",
            "URL --to 127.0.0.1:1,127.0.0.1:2 --statistics",
        ],
    ),
    ("--to", &["URL OTHER --to 127.0.0.1:1", "URL --part 1/2 --start-at 9 --to 127.0.0.1:1,127.0.0.1:2"]),
    ("--part", &["URL --part 1/2", "URL OTHER --part 1/2 --start-at 9"]),
    ("--start-at", &["URL OTHER --start-at 9", "URL --to 127.0.0.1:1,127.0.0.1:2 --start-at 9"]),
    ("--no-view", &["URL --no-view --quiet"]),
    ("--no-pin", &["URL --no-pin --cpu 0"]),
    ("--quiet", ALWAYS),
    ("--dry-run", &["URL OTHER --dry-run", "URL --to 127.0.0.1:1,127.0.0.1:2 --dry-run"]),
];

//! The request inputs of llhttp's own suite against the core. They are not part of this repository: they are read
//! from the directory that `DYNO_VECTORS` names (default: `../shared/vectors` beside the workspace), and skipped
//! where it does not exist.
//!
//! llhttp requires no Host; where that is all that the core misses, one is added. Every other difference is a row of
//! [`DIFFERENCES`] with its reason.

mod support;

use dyno_http::fault::{BadHead, Fault};
use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use std::path::PathBuf;
use std::process::ExitCode;
use support::{Harness, limits};

/// What the core makes of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// So many complete requests, and no fault.
    Accepts(usize),
    /// So many complete requests, then a fault that is answered.
    Refuses(usize),
}
use Verdict::{Accepts, Refuses};

/// Title of the case, what the core does instead, and why.
const DIFFERENCES: &[(&str, Verdict, &str)] = &[
    ("No HTTP version", Refuses(0), "HTTP/0.9 is not spoken: a request line has a version (RFC 9112 3)"),
    (
        "CONNECT request",
        Refuses(0),
        "a server that opens no tunnels answers 501 and ends the connection (RFC 9110 9.3.6)",
    ),
    ("M-SEARCH request", Refuses(0), "the asterisk form is for OPTIONS alone (RFC 9112 3.2.4)"),
    (
        "PRI request HTTP2",
        Refuses(0),
        "as above; llhttp stops here to let HTTP/2 take over, without an error",
    ),
    (
        "`host:port` and basic auth",
        Refuses(0),
        "user information in an http target is an error (RFC 9110 4.2.4)",
    ),
    (
        "CRLF between requests, implicit `keep-alive`",
        Refuses(1),
        "the converted input runs on into the text behind it; the first request in it is whole, the second is refused",
    ),
    (
        "HTTP protocol and ANNOUNCE method",
        Accepts(1),
        "any token is a method; which ones there are is the service's (RFC 9110 9.1)",
    ),
];

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    file: String,
    title: String,
    input: String,
    messages_complete: usize,
    error: Option<String>,
}

fn main() -> ExitCode {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let vectors =
        std::env::var_os("DYNO_VECTORS").map_or_else(|| root.join("../shared/vectors"), PathBuf::from);
    let path = vectors.join("http1/llhttp_requests.json");
    let mut trials = Vec::new();
    if path.exists() {
        let text = std::fs::read_to_string(&path).expect("the inputs can be read");
        let file: File = serde_json::from_str(&text).expect("the inputs have the documented form");
        trials.extend(
            file.cases
                .into_iter()
                .map(|case| Trial::test(format!("{}::{}", case.file, case.title), move || run(&case))),
        );
    } else {
        let name = format!("skipped: no llhttp inputs at {}, set DYNO_VECTORS", vectors.display());
        trials.push(Trial::test(name, || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run(case: &Case) -> Result<(), Failed> {
    // The inputs were converted without the line end that closes each of them.
    let input = format!("{}\r\n", case.input);
    let mut octets: Vec<u8> = input.chars().map(|c| u8::try_from(u32::from(c)).expect("one octet")).collect();
    let theirs = match case.error {
        None => Accepts(case.messages_complete),
        Some(_) => Refuses(case.messages_complete),
    };
    let (mut ours, mut fault) = verdict(octets.clone());
    if let (Accepts(_), Refuses(_)) = (ours, theirs) {
        // llhttp errs in the middle of a head; the core says so when the head is complete.
        octets.extend_from_slice(b"\r\n");
        (ours, fault) = verdict(octets);
    }
    let difference = DIFFERENCES.iter().find(|(title, _, _)| *title == case.title);
    match difference {
        None if ours == theirs => Ok(()),
        None => Err(format!("llhttp {theirs:?} ({:?}), the core {ours:?} ({fault:?})", case.error).into()),
        Some((_, expected, _)) if *expected == theirs => Err("listed as a difference, but it is none".into()),
        Some((_, expected, _)) if *expected == ours => Ok(()),
        Some((_, expected, reason)) => {
            Err(format!("expected {expected:?} ({reason}), got {ours:?} ({fault:?})").into())
        }
    }
}

fn verdict(mut octets: Vec<u8>) -> (Verdict, Option<Fault>) {
    // One Host is put in for each request that lacks it.
    for _ in 0..4 {
        let mut harness = Harness::new(limits());
        harness.feed(&octets);
        let (requests, fault) = (harness.records.len(), harness.connection.fault());
        match fault {
            Some(Fault::BadHead(BadHead::HostMissing)) => {
                let line =
                    request_line_ends(&octets).nth(requests).expect("the request that lacks Host has a line");
                octets.splice(line..line, *b"Host: a\r\n");
            }
            Some(_) => return (Refuses(requests), fault),
            None => return (Accepts(requests), None),
        }
    }
    panic!("no input has so many requests");
}

/// Where the request lines end: behind a line that ends with a version.
fn request_line_ends(octets: &[u8]) -> impl Iterator<Item = usize> {
    octets
        .windows(11)
        .enumerate()
        .filter(|(_, w)| w.starts_with(b" HTTP/1.") && w.ends_with(b"\r\n"))
        .map(|(at, _)| at + 11)
}

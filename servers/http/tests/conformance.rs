//! `tests/data/http1/cases.json` against the bare core: each case whole, octet by octet, and with a request behind it.

mod support;
#[path = "support/wire.rs"]
mod wire;

use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use std::process::ExitCode;
use std::sync::Arc;
use support::{Harness, limits};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/data/http1/cases.json");
const PROBE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const TRAILING: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[derive(Deserialize)]
struct File {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    send: Vec<Piece>,
    methods: Vec<String>,
    accept: Vec<Outcome>,
    strict: Option<Vec<Outcome>>,
    echo: Option<String>,
    #[serde(default)]
    http10: bool,
    #[serde(default)]
    no_interim: bool,
    #[serde(default)]
    require_headers: Vec<String>,
    body_excludes: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Piece {
    Text(String),
    Repeat {
        repeat: String,
        times: usize,
    },
    Pause {
        #[serde(rename = "pause_ms")]
        _milliseconds: u64,
    },
    Shutdown {
        #[serde(rename = "shutdown")]
        _side: String,
    },
    WaitResponse {
        #[serde(rename = "wait_response_ms")]
        _milliseconds: u64,
    },
}

#[derive(Deserialize, Debug)]
struct Outcome {
    responses: Vec<Vec<String>>,
    then: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Whole,
    Bytes,
    Trailing,
}

fn main() -> ExitCode {
    let text = std::fs::read_to_string(CASES).expect("the cases are in the repository");
    let file: File = serde_json::from_str(&text).expect("the cases have the documented form");
    let mut trials = Vec::new();
    for case in file.cases.into_iter().map(Arc::new) {
        for (mode, name) in [(Mode::Whole, "whole"), (Mode::Bytes, "bytes"), (Mode::Trailing, "trailing")] {
            // After the end of the stream nothing can follow, and after half a request all that follows is its other
            // half.
            let nothing_can_follow = case.send.iter().any(|piece| matches!(piece, Piece::Shutdown { .. }))
                || case.accept.iter().any(|outcome| outcome.then == "waiting");
            if mode == Mode::Trailing && nothing_can_follow {
                continue;
            }
            let case = Arc::clone(&case);
            trials.push(Trial::test(format!("{}::{name}", case.name), move || run(&case, mode)));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run(case: &Case, mode: Mode) -> Result<(), Failed> {
    if mode != Mode::Trailing {
        return judge(case, &play(case, mode, "")?);
    }
    let before = play(case, Mode::Whole, "")?;
    let after = play(case, Mode::Whole, TRAILING)?;
    judge(case, &before)?;
    let expected = before.statuses().len() + usize::from(!before.ended);
    if after.statuses().len() != expected || after.statuses()[..before.statuses().len()] != before.statuses()
    {
        return Err(format!(
            "alone {:?}, with a request behind it {:?}",
            before.statuses(),
            after.statuses()
        )
        .into());
    }
    Ok(())
}

/// What came of a case.
struct Seen {
    answers: Vec<wire::Answer>,
    /// The connection had ended before the probe.
    ended: bool,
    /// The status of the probe, if one was sent and answered, and whether the end followed.
    probe: Option<(u16, bool)>,
}

impl Seen {
    fn statuses(&self) -> Vec<u16> {
        self.answers.iter().filter(|answer| !answer.is_interim()).map(|answer| answer.status).collect()
    }
}

fn play(case: &Case, mode: Mode, trailing: &str) -> Result<Seen, Failed> {
    let mut harness = Harness::new(limits());
    for piece in &case.send {
        match piece {
            Piece::Text(text) => send(&mut harness, text, mode),
            Piece::Repeat { repeat, times } => send(&mut harness, &repeat.repeat(*times), mode),
            Piece::Pause { .. } => {}
            Piece::Shutdown { .. } => harness.end(),
            Piece::WaitResponse { .. } if harness.output.is_empty() => {
                return Err("no response to wait for".into());
            }
            // After a final response the rest is not sent.
            Piece::WaitResponse { .. } if !harness.output.starts_with(b"HTTP/1.1 1") => break,
            Piece::WaitResponse { .. } => {}
        }
    }
    send(&mut harness, trailing, mode);
    let ended = harness.ended;
    let mut methods = case.methods.clone();
    methods.push("GET".into());
    let answers = wire::answers(&harness.output, &methods, case.http10)?;
    let probe = if ended || !harness.connection.is_idle() {
        None
    } else {
        harness.output.clear();
        harness.feed(PROBE.as_bytes());
        Some((harness.status(), harness.ended))
    };
    Ok(Seen { answers, ended, probe })
}

/// One character is one octet.
fn send(harness: &mut Harness, text: &str, mode: Mode) {
    let text = text.replace("{T}", "/").replace("{P}", "/echo");
    let octets: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).expect("one octet")).collect();
    match mode {
        Mode::Bytes => octets.chunks(1).for_each(|octet| harness.feed(octet)),
        Mode::Whole | Mode::Trailing => harness.feed(&octets),
    }
}

fn judge(case: &Case, seen: &Seen) -> Result<(), Failed> {
    let outcomes = case.strict.as_ref().unwrap_or(&case.accept);
    if !outcomes.iter().any(|outcome| fits(outcome, seen)) {
        let then = if seen.ended { "closed" } else { "not closed" };
        return Err(format!(
            "got {:?} and then {then} (probe {:?}); allowed {outcomes:?}",
            seen.statuses(),
            seen.probe
        )
        .into());
    }
    if case.no_interim && seen.answers.iter().any(wire::Answer::is_interim) {
        return Err("an interim response".into());
    }
    let finals: Vec<_> = seen.answers.iter().filter(|answer| !answer.is_interim()).collect();
    for answer in &finals {
        if let Some(name) = case.require_headers.iter().find(|name| answer.field(name).is_none()) {
            return Err(format!("no {name} field").into());
        }
        if case
            .body_excludes
            .as_ref()
            .is_some_and(|text| String::from_utf8_lossy(&answer.body).contains(text))
        {
            return Err("the body holds what it must not".into());
        }
    }
    match (&case.echo, finals.first()) {
        (Some(echo), Some(first)) if first.status < 300 && first.body != echo.as_bytes() => {
            Err(format!("echoed {:?}", String::from_utf8_lossy(&first.body)).into())
        }
        _ => Ok(()),
    }
}

fn fits(outcome: &Outcome, seen: &Seen) -> bool {
    let statuses = seen.statuses();
    let same = statuses.len() == outcome.responses.len()
        && statuses
            .iter()
            .zip(&outcome.responses)
            .all(|(status, allowed)| allowed.iter().any(|text| allows(text, *status)));
    let is_open = matches!(seen.probe, Some((200..=299, true)));
    same && match outcome.then.as_str() {
        "open" => is_open,
        "closed" => seen.ended,
        "any" => seen.ended || is_open,
        "either" => true,
        "waiting" => !seen.ended,
        other => panic!("unknown outcome {other:?}"),
    }
}

fn allows(text: &str, status: u16) -> bool {
    match text {
        "ok" => (200..300).contains(&status),
        _ => match text.strip_suffix("xx") {
            Some(class) => class.parse() == Ok(status / 100),
            None => text.parse() == Ok(status),
        },
    }
}

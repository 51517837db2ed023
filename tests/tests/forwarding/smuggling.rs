//! Every case of `data/http1/cases.json` through a first tier: refused there, or understood alike by the backend. No
//! backend ever sees two requests where one was sent, nor one that was refused.

use std::thread;

use dyno_tests::backend::{Backend, Does, Saw};
use dyno_tests::cases::{self, Case};
use dyno_tests::referee::{judge, play};
use dyno_tests::response::Response;
use dyno_tests::rows::{Row, rows};
use dyno_tests::suite::{Outcome, ensure, quick};
use libtest_mimic::Trial;

use crate::passing::{dyno, tier};

pub(crate) fn mount_all(trials: &mut Vec<Trial>) {
    for row in rows().into_iter().filter(|row| ["epoll", "fork"].contains(&row.architecture.name)) {
        trials.push(quick(format!("forwarding::{}::conformance", row.name), move || share(&row, judged)));
    }
    // All of our own core read requests by the same code; hyper reads them by its own.
    let of_interest =
        |row: &Row| ["epoll", "thread-pool", "hyper", "iterative"].contains(&row.architecture.name);
    for row in rows().into_iter().filter(of_interest) {
        trials.push(quick(format!("forwarding::{}::no-smuggling", row.name), move || share(&row, arrives)));
    }
}

/// So many servers share the cases of a trial: most of the time goes by waiting for what must not come.
const SHARES: usize = 8;

/// Has each share of the cases tried by a server of its own.
fn share(row: &Row, try_them: fn(&Row, &[Case]) -> Outcome) -> Outcome {
    let cases = cases::all();
    let shares: Vec<_> = cases.chunks(cases.len().div_ceil(SHARES)).collect();
    thread::scope(|scope| {
        let running: Vec<_> = shares.iter().map(|cases| scope.spawn(move || try_them(row, cases))).collect();
        running.into_iter().try_for_each(|share| share.join().map_err(|_| "a share panicked")?)
    })
}

/// With a server of ours behind, what is permitted is what is permitted without a first tier.
fn judged(row: &Row, cases: &[Case]) -> Outcome {
    let backend = dyno()?;
    let server = tier(row, &[&format!("/={}", backend.address)], &[])?;
    for case in cases {
        let seen = play(case, server.address).map_err(|error| format!("{}: {error}", case.name))?;
        judge(case, &case.accept, &seen)?;
    }
    server.stop_well()?;
    let account = backend.stop_well()?.total;
    ensure(account.peer_faults == 0, || format!("the backend was sent {} faults", account.peer_faults))
}

/// What arrives at a backend.
fn arrives(row: &Row, cases: &[Case]) -> Outcome {
    let mirror = Backend::start(Does::Mirrors)?;
    let server = tier(row, &[&format!("/={}", mirror.address)], &[])?;
    for case in cases {
        let seen = play(case, server.address).map_err(|error| format!("{}: {error}", case.name))?;
        let requests = mirror.seen();
        let answered = seen.finals.iter().filter(|answer| is_mirrored(answer)).count();
        // A probe, which comes after the case, is seen as well.
        ensure(requests.len() >= answered && requests.len() <= case.methods.len() + 1, || {
            format!(
                "{}: {} requests arrived for {} that were sent",
                case.name,
                requests.len(),
                case.methods.len()
            )
        })?;
        for saw in &requests {
            let Saw::Request(text) = saw else { continue };
            one_reading(text).map_err(|error| format!("{}: {error}: {text:?}", case.name))?;
        }
    }
    server.stop_well()?;
    Ok(())
}

/// Whether a backend has answered, and not the first tier.
fn is_mirrored(answer: &Response) -> bool {
    answer.status == 200 && answer.field("via").is_some()
}

/// A request that two recipients can only read alike.
fn one_reading(text: &str) -> Result<(), String> {
    let head = text.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
    let count = |name: &str| head.lines().filter(|line| line.starts_with(name)).count();
    let rules = [
        (count("host:") == 1, "not one Host"),
        (count("content-length:") <= 1, "several lengths"),
        (count("transfer-encoding") == 0, "a coding"),
        (!head.replace("\r\n", "").contains(['\r', '\n', '\0']), "a bare CR, LF or NUL"),
        (!head.lines().any(|line| line.starts_with([' ', '\t'])), "a folded line"),
        (
            head.lines()
                .next()
                .is_some_and(|line| line.ends_with(" http/1.1") && line.split(' ').count() == 3),
            "a bad line",
        ),
        (
            !head.lines().any(|line| line.split(':').next().is_some_and(|name| name.ends_with([' ', '\t']))),
            "a bad name",
        ),
    ];
    match rules.iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, rule)) => Err((*rule).to_owned()),
    }
}

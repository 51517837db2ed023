//! Every case of `data/http1/cases.json` through a first tier: refused there, or understood alike by the backend. No
//! backend ever sees two requests where one was sent, nor one that was refused.

use std::sync::Arc;

use dyno_tests::backend::{Backend, Does, Saw};
use dyno_tests::cases;
use dyno_tests::referee::{judge, play};
use dyno_tests::response::Response;
use dyno_tests::rows::{Row, rows};
use dyno_tests::suite::{Outcome, ensure, quick};
use libtest_mimic::Trial;

use crate::passing::{dyno, tier};

pub(crate) fn mount_all(trials: &mut Vec<Trial>) {
    for row in rows().into_iter().filter(|row| ["epoll", "fork"].contains(&row.architecture.name)) {
        trials.push(quick(format!("forwarding::{}::conformance", row.name), move || judged(&row)));
    }
    // All of our own core read requests by the same code; hyper reads them by its own.
    let of_interest =
        |row: &Row| ["epoll", "thread-pool", "hyper", "iterative"].contains(&row.architecture.name);
    for row in rows().into_iter().filter(of_interest) {
        trials.push(quick(format!("forwarding::{}::no-smuggling", row.name), move || all_cases(&row)));
    }
}

/// With a server of ours behind, what is permitted is what is permitted without a first tier.
fn judged(row: &Row) -> Outcome {
    let backend = dyno()?;
    let server = tier(row, &[&format!("/={}", backend.address)], &[])?;
    for case in cases::all() {
        let seen = play(&case, server.address).map_err(|error| format!("{}: {error}", case.name))?;
        judge(&case, &case.accept, &seen)?;
    }
    server.stop_well()?;
    let account = backend.stop_well()?.total;
    ensure(account.peer_faults == 0, || format!("the backend was sent {} faults", account.peer_faults))
}

fn all_cases(row: &Row) -> Outcome {
    let mirror = Arc::new(Backend::start(Does::Mirrors)?);
    let server = tier(row, &[&format!("/={}", mirror.address)], &[])?;
    for case in cases::all() {
        let seen = play(&case, server.address).map_err(|error| format!("{}: {error}", case.name))?;
        let requests = mirror.seen();
        let answered: Vec<_> = seen.finals.iter().filter(|answer| is_mirrored(answer)).collect();
        // Probes, which come after the case, are seen as well; they ask for / and close.
        let asked = requests.iter().filter(|saw| matches!(saw, Saw::Request(_))).count();
        ensure(asked >= answered.len() && asked <= case.methods.len() + 1, || {
            format!("{}: {asked} requests arrived for {} that were sent", case.name, case.methods.len())
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

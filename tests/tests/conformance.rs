//! Every case of `data/http1/cases.json` on every architecture, over a real connection.
//!
//! A row serves all its cases from one process, so that what one case does to a server shows in the next. At the end
//! each server must stop well and must not have counted a fault of its own.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, MutexGuard};

use dyno_tests::cases::{self, Case, Level};
use dyno_tests::referee::{judge, play};
use dyno_tests::rows::{Row, rows};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure};
use libtest_mimic::Trial;

/// Where hyper takes a choice that the RFC leaves, another one than our own core: the case, and why it stays so.
const HYPER: [(&str, &str); 11] = [
    (
        "bad-percent-encoding",
        "the http crate leaves percent-encoding alone, so such a path is merely unknown: 404",
    ),
    ("bare-lf-one-header", "httparse takes a bare LF as the end of a line, which RFC 9112 2.2 allows"),
    ("chunk-size-2-63-minus-1", "hyper waits for the chunk and keeps no sum; the gate counts what has come"),
    (
        "chunk-size-thousand-zeros",
        "hyper reads a chunk size digit by digit and keeps none, so zeros cost nothing",
    ),
    ("chunk-size-trailing-space", "hyper skips blanks behind a chunk size, as many do"),
    ("endless-empty-lines", "hyper counts empty lines as part of the head: 431 instead of 400"),
    ("fragment-in-target", "the http crate cuts the fragment off before the gate can see it"),
    ("te-and-cl", "hyper goes by Transfer-Encoding and closes, which RFC 9112 6.3 allows"),
    ("version-1.2", "httparse knows HTTP/1.0 and HTTP/1.1 alone, so hyper answers 400 to any other"),
    ("version-1.2-pipelined", "as version-1.2"),
    ("version-1.9-close", "as version-1.2"),
];

/// The server of a row. It starts when its first case comes.
struct Place {
    row: Row,
    server: Mutex<Option<Server>>,
    /// Held while an iterative server has a connection.
    turn: Mutex<()>,
}

impl Place {
    fn address(&self) -> Result<SocketAddr, String> {
        let mut server = self.server.lock().expect("no panic");
        if server.is_none() {
            *server = Some(Server::start(&self.row)?);
        }
        Ok(server.as_ref().expect("just started").address)
    }

    fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        self.row.is_alone().then(|| self.turn.lock().expect("no panic"))
    }

    /// Ends the server, if one was started.
    fn close(&self) -> Result<(), String> {
        let Some(server) = self.server.lock().expect("no panic").take() else { return Ok(()) };
        let account = server.stop_well()?.total;
        if account.faults > 0 {
            return Err(format!("{} faults of its own", account.faults));
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    let cases: Vec<_> = cases::all().into_iter().map(Arc::new).collect();
    let places = rows().into_iter().map(|row| {
        let (server, turn) = (Mutex::new(None), Mutex::new(()));
        Arc::new(Place { row, server, turn })
    });
    let places: Vec<_> = places.collect();
    let mut trials = vec![suite::quick("conformance::exceptions-name-cases", exceptions_name_cases)];
    // Case by case, so that neighbours in time are on different servers.
    for case in &cases {
        for place in &places {
            let (case, place) = (Arc::clone(case), Arc::clone(place));
            let name = format!("conformance::{}::{}", place.row.name, case.name);
            trials.push(Trial::test(name, move || try_case(&case, &place)));
        }
    }
    let conclusion = suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials);
    let mut well = true;
    for place in places {
        if let Err(error) = place.close() {
            eprintln!("{}: after its cases the server did not end well: {error}", place.row.name);
            well = false;
        }
    }
    if well { conclusion.exit_code() } else { ExitCode::from(101) }
}

fn try_case(case: &Case, place: &Place) -> Outcome {
    let address = place.address()?;
    let turn = place.turn();
    let seen = play(case, address)?;
    drop(turn);
    let exception = HYPER.iter().find(|(name, _)| place.row.is_hyper() && *name == case.name);
    let permitted = judge(case, &case.accept, &seen);
    if case.level == Level::Must || exception.is_none() {
        permitted.clone()?;
    }
    let own_version = place.row.is_hyper() || seen.finals.iter().all(|response| response.version == 1);
    ensure(own_version, || "our own core answers in HTTP/1.1".into())?;
    let strict = judge(case, case.strict.as_ref().unwrap_or(&case.accept), &seen);
    match exception {
        None => strict?,
        Some((name, _)) => ensure(strict.is_err(), || format!("{name} needs no exception any more"))?,
    }
    Ok(())
}

fn exceptions_name_cases() -> Outcome {
    let cases = cases::all();
    let unknown = HYPER.iter().find(|(name, _)| !cases.iter().any(|case| case.name == *name));
    ensure(unknown.is_none(), || format!("there is no case called {unknown:?}"))
}

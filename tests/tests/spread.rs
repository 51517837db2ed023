//! The account at the end adds up: what clients sent is what workers counted.

use std::process::ExitCode;

use dyno_servers::architecture::{Concurrency, Knob};
use dyno_tests::limits::AT_ONCE;
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::{Client, get_and_close};

const CONNECTIONS: u64 = 24;
const REQUESTS_EACH: u64 = 5;

fn main() -> ExitCode {
    let mut trials = Vec::new();
    mount(&mut trials, "spread", "counts-add-up", |_| true, counts_add_up);
    let one_each =
        |row: &Row| row.architecture.concurrency == Concurrency::PerWorker && row.reads(Knob::Workers);
    mount(&mut trials, "spread", "every-worker-has-its-connection", one_each, one_connection_each);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn counts_add_up(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with_workers("4"), None)?;
    let (mut sent, mut received) = (0, 0);
    for _ in 0..CONNECTIONS {
        let mut client = Client::connect(server.address).map_err(|error| error.to_string())?;
        for _ in 1..REQUESTS_EACH {
            ensure(client.get("/json")?.status == 200, || "no 200".into())?;
        }
        client.send(get_and_close("/"));
        client.response("GET")?;
        ensure(client.read_to_end(AT_ONCE).is_some(), || "no end".into())?;
        sent += client.sent;
        received += client.received;
    }
    let account = server.stop_well()?;
    ensure(account.name == row.architecture.name, || format!("the account of {:?}", account.name))?;
    ensure(account.sum() == account.total, || format!("{account:?}"))?;
    let total = account.total;
    let counted = [total.connections, total.requests, total.received_bytes, total.sent_bytes];
    let expected = [CONNECTIONS, CONNECTIONS * REQUESTS_EACH, sent, received];
    ensure(counted == expected, || {
        format!("counted {counted:?}, sent {expected:?} (connections, requests, received, sent)")
    })?;
    let clean = total.refused + total.faults + total.peer_faults == 0;
    ensure(clean, || format!("{total:?}"))
}

fn one_connection_each(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with_workers("4"), None)?;
    // As long as each stays, the next one must go to another worker.
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Client::connect(server.address).map_err(|error| error.to_string())?;
        ensure(client.get("/")?.status == 200, || "no 200".into())?;
        clients.push(client);
    }
    let account = server.stop_well()?;
    let spread: Vec<_> = account.workers.iter().map(|worker| (worker.connections, worker.requests)).collect();
    ensure(spread == [(1, 1); 4], || format!("{spread:?}"))
}

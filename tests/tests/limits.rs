//! Servers that the system has no more processes and threads for: they refuse politely and go on.
//!
//! The limit is a cgroup. Where none can be made (which needs root and a writable `/sys/fs/cgroup`) a trial says that
//! it skips.

use std::process::ExitCode;
use std::thread;

use dyno_servers::architecture::Started;
use dyno_tests::limits::{ANSWER, AT_ONCE, UNDERWAY};
use dyno_tests::pids::PidsLimit;
use dyno_tests::process::{children, wait_until};
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::Client;
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    let starts = |row: &Row| matches!(row.architecture.anatomy.started, Started::Process | Started::Thread);
    mount(&mut trials, "limits", "refuses-when-nothing-can-be-started", starts, refuses);
    let prefork = |row: &Row| row.architecture.name == "prefork";
    mount(&mut trials, "limits", "goes-on-with-fewer-workers", prefork, goes_on_with_fewer);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn limited(server: &Server) -> Option<PidsLimit> {
    let limit = PidsLimit::around(server.pid);
    if limit.is_none() {
        eprintln!("skipped: no cgroup of the pids controller can be made here");
    }
    limit
}

fn refuses(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let Some(limit) = limited(&server) else { return Ok(()) };
    // The server itself and three more.
    ensure(limit.allow("4"), || "no limit".into())?;
    let mut clients = Vec::new();
    for client in 0..12 {
        let mut connection = Client::connect(server.address)?;
        let response = connection.get("/")?;
        let expected = if client < 3 { 200 } else { 503 };
        ensure(response.status == expected, || format!("client {client} got {response:?}"))?;
        ensure(expected == 200 || response.field("retry-after").is_some(), || format!("{response:?}"))?;
        clients.push(connection);
    }
    drop(clients);
    let served = wait_until(ANSWER, || {
        Client::connect(server.address).is_ok_and(|mut client| client.get("/").is_ok_and(|r| r.status == 200))
    });
    ensure(served.is_some(), || "nobody is served after the relief".into())?;
    let total = server.stop_well()?.total;
    ensure(total.refused >= 9 && total.faults == 0, || format!("{total:?}"))
}

fn goes_on_with_fewer(row: &Row) -> Outcome {
    let mut server = Server::start_with(&row.with_workers("4"), None)?;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Client::connect(server.address)?;
        client.get("/")?;
        clients.push(client);
    }
    let workers = children(server.pid);
    ensure(workers.len() == 4, || format!("{} workers", workers.len()))?;
    let Some(limit) = limited(&server) else { return Ok(()) };
    ensure(limit.allow("1"), || "no limit".into())?;
    kill(workers[0], Signal::SIGKILL)?;
    let complains = || server.stderr().contains("cannot be replaced");
    ensure(wait_until(ANSWER, complains).is_some(), || format!("it says nothing: {}", server.stderr()))?;
    thread::sleep(2 * UNDERWAY);
    ensure(server.is_alive(), || format!("it died: {}", server.stderr()))?;
    let alive = clients.iter_mut().filter_map(|client| client.get("/").ok()).count();
    ensure(alive == 3, || format!("{alive} of 4 clients go on"))?;
    ensure(server.stderr().matches("cannot be replaced").count() == 1, || server.stderr())?;
    ensure(limit.allow("max"), || "no limit".into())?;
    let replaced = wait_until(AT_ONCE * 5, || children(server.pid).len() == 4);
    ensure(replaced.is_some(), || "not replaced after the relief".into())?;
    server.stop_well()?;
    Ok(())
}

//! Servers that the system has no more processes and threads for: they say so before they are ready, and where they
//! are, they refuse politely and go on.
//!
//! The limit is a cgroup. Where none can be made (which needs root and a writable `/sys/fs/cgroup`) these trials show
//! as ignored.

use std::process::ExitCode;
use std::thread;

use dyno_servers::architecture::{Knob, Started};
use dyno_tests::limits::{ANSWER, AT_ONCE, UNDERWAY};
use dyno_tests::pids::PidsLimit;
use dyno_tests::process::{children, threads, wait_until};
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::spawner::Confines;
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::{Client, get_once};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    let starts = |row: &Row| matches!(row.architecture.anatomy.started, Started::Process | Started::Thread);
    mount(&mut trials, "limits", "refuses-when-nothing-can-be-started", starts, refuses);
    let prefork = |row: &Row| row.architecture.name == "prefork";
    mount(&mut trials, "limits", "goes-on-with-fewer-workers", prefork, goes_on_with_fewer);
    let everybody = |_: &Row| true;
    mount(&mut trials, "limits", "is-ready-only-when-its-workers-stand", everybody, starts_within_limits);
    let possible = PidsLimit::is_possible();
    trials = trials.into_iter().map(|trial| trial.with_kind("cgroup").with_ignored_flag(!possible)).collect();
    let has_workers = |row: &Row| row.reads(Knob::Workers);
    mount(&mut trials, "limits", "has-too-few-descriptors-to-start", has_workers, too_few_descriptors);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// Processes and threads that a server may have, itself included.
const ALLOWED: [&str; 11] = ["1", "2", "3", "4", "5", "8", "16", "33", "50", "60", "max"];

/// However few processes and threads are allowed, a server gets ready and serves, with as many workers as it says, or
/// it ends before it is ready, and says why.
fn starts_within_limits(row: &Row) -> Outcome {
    let mut settings = vec![row.arguments.clone()];
    if row.reads(Knob::Workers) {
        settings.extend(["1", "6", "64"].map(|workers| row.with_workers(workers)));
    }
    for arguments in settings {
        for allowed in ALLOWED {
            start_within(row, &arguments, allowed).map_err(|failure| {
                format!("{arguments:?} with {allowed}: {}", failure.message().unwrap_or("?"))
            })?;
        }
    }
    Ok(())
}

fn start_within(row: &Row, arguments: &[&str], allowed: &str) -> Outcome {
    let group = PidsLimit::of(allowed)?;
    let confines = Confines { group: Some(group.entrance()?), descriptors: None };
    let server = match Server::start_within(arguments, confines)? {
        Ok(server) => server,
        Err(ended) => {
            ensure(allowed == "1", || format!("there is room for a worker: {ended:?}"))?;
            let says = ["cannot start", "ulimit -u", "pids.max", "--workers"];
            let is_told = says.iter().all(|word| ended.stderr.contains(word));
            return ensure(ended.code() == 1 && ended.tallies.is_none() && is_told, || format!("{ended:?}"));
        }
    };
    let asked = arguments.iter().position(|argument| *argument == "--workers").map(|at| arguments[at + 1]);
    let standing = children(server.pid).len() + threads(server.pid);
    ensure(standing >= server.workers, || format!("{standing} of {} workers stand", server.workers))?;
    // As many clients as there are workers, all at once, each twice.
    let mut clients = Vec::new();
    for _ in 0..if row.architecture.anatomy.started == Started::Nothing { server.workers } else { 8 } {
        clients.push(Client::connect(server.address)?);
    }
    let may_refuse = row.architecture.anatomy.started != Started::Nothing;
    for number in 0..2 * clients.len() {
        let place = number % clients.len();
        let status = clients[place].get("/").map_err(|error| format!("client {place}: {error}"));
        match status.map(|response| (response.status, response.says_close())) {
            Ok((200, _)) => {}
            Ok((503, true)) if may_refuse => clients[place] = Client::connect(server.address)?,
            other => return Err(format!("client {place}: {other:?}; {}", server.stderr()).into()),
        }
    }
    drop(clients);
    let workers = server.workers;
    // Whoever compares servers sees from both numbers that this is another server than the one that was asked for.
    let told = server.asked;
    ensure(told >= workers && asked.is_none_or(|asked| asked == told.to_string()), || {
        format!("{workers} workers of {told}, and {asked:?} were asked for")
    })?;
    let ended = server.stop()?;
    ensure(ended.code() == 0 && ended.tallies.is_some(), || format!("{ended:?}"))?;
    let fewer = asked.is_some_and(|asked| asked != workers.to_string());
    let is_told = ended.stderr.contains(&format!("goes on with {workers} of "));
    ensure(!fewer || is_told, || format!("{workers} workers, and it says nothing: {}", ended.stderr))?;
    ensure(!ended.stderr.contains("panicked"), || ended.stderr.clone())
}

/// Loops need descriptors of their own, which are taken before the server is ready.
fn too_few_descriptors(row: &Row) -> Outcome {
    let confines = Confines { descriptors: Some(24), group: None };
    match Server::start_within(&row.with_workers("100"), confines)? {
        Ok(server) => {
            ensure(get_once(server.address, "/")?.status == 200, || "no 200".into())?;
            server.stop_well()?;
            Ok(())
        }
        Err(ended) => {
            ensure(ended.code() == 1 && ended.tallies.is_none() && ended.stderr.contains("ulimit -n"), || {
                format!("{ended:?}")
            })
        }
    }
}

fn refuses(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let limit = PidsLimit::around(server.pid)?;
    // The server itself and three more.
    limit.allow("4")?;
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
    let limit = PidsLimit::around(server.pid)?;
    limit.allow("1")?;
    kill(workers[0], Signal::SIGKILL)?;
    let complains = || server.stderr().contains("cannot be replaced");
    ensure(wait_until(ANSWER, complains).is_some(), || format!("it says nothing: {}", server.stderr()))?;
    thread::sleep(2 * UNDERWAY);
    ensure(server.is_alive(), || format!("it died: {}", server.stderr()))?;
    let alive = clients.iter_mut().filter_map(|client| client.get("/").ok()).count();
    ensure(alive == 3, || format!("{alive} of 4 clients go on"))?;
    ensure(server.stderr().matches("cannot be replaced").count() == 1, || server.stderr())?;
    limit.allow("max")?;
    let replaced = wait_until(AT_ONCE * 5, || children(server.pid).len() == 4);
    ensure(replaced.is_some(), || "not replaced after the relief".into())?;
    server.stop_well()?;
    Ok(())
}

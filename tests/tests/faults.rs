//! Faults, planted and real: what each costs, and what it must not cost.

use std::collections::BTreeSet;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use dyno_servers::architecture::Started;
use dyno_tests::limits::{ANSWER, AT_ONCE, UNDERWAY};
use dyno_tests::process::{children, cpu_time, descriptors, threads, wait_until, zombies};
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount, mount_slow};
use dyno_tests::wire::{Client, get, get_and_close, get_once};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    let everybody = |_: &Row| true;
    let prefork = |row: &Row| row.architecture.name == "prefork";
    mount(&mut trials, "faults", "panic-costs-one-connection", everybody, panic_costs_one);
    mount(&mut trials, "faults", "abort-costs-one-process", Row::has_processes, |row| {
        death_costs_one(row, "abort")
    });
    mount(&mut trials, "faults", "exit-costs-one-process", Row::has_processes, |row| {
        death_costs_one(row, "exit")
    });
    mount(&mut trials, "faults", "killed-worker-is-replaced", prefork, killed_worker);
    mount(&mut trials, "faults", "all-workers-killed-are-replaced", prefork, all_workers_killed);
    mount(&mut trials, "faults", "hot-respawn-is-throttled", prefork, hot_respawn);
    mount(&mut trials, "faults", "descriptor-exhaustion", everybody, exhaustion);
    let thread_each = |row: &Row| row.architecture.anatomy.started == Started::Thread;
    mount(&mut trials, "faults", "no-memory-for-a-thread-503", thread_each, no_thread);
    mount(&mut trials, "faults", "signal-storm", everybody, signal_storm);
    mount(&mut trials, "faults", "resets-at-every-stage", everybody, resets);
    mount(&mut trials, "faults", "nothing-piles-up", everybody, |row| nothing_piles_up(row, 1_000));
    mount_slow(&mut trials, "faults", "nothing-piles-up-in-10000", everybody, |row| {
        nothing_piles_up(row, 10_000)
    });
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn connect(server: &Server) -> Result<Client, String> {
    Client::connect(server.address).map_err(|error| format!("cannot connect: {error}"))
}

fn greeted(server: &Server) -> Result<Client, String> {
    let mut client = connect(server)?;
    let status = client.get("/")?.status;
    if status == 200 { Ok(client) } else { Err(format!("GET / got {status}")) }
}

/// No thread can be started, because its stack finds no memory: the client gets a 503, and the server goes on.
fn no_thread(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let mut held = greeted(&server)?;
    let limit = |bytes: &str| {
        let (pid, limit) = (server.pid.to_string(), format!("--as={bytes}:"));
        Command::new("prlimit")
            .args(["--pid", &pid, &limit])
            .status()
            .map_err(|error| format!("prlimit: {error}"))
    };
    ensure(limit("1000000")?.success(), || "prlimit failed".into())?;
    let refused = get_once(server.address, "/")?;
    ensure(refused.status == 503 && refused.field("retry-after").is_some(), || format!("{refused:?}"))?;
    ensure(held.get("/")?.status == 200, || "the connection that was held is lost".into())?;
    ensure(limit("unlimited")?.success(), || "prlimit failed".into())?;
    drop(greeted(&server)?);
    drop(held);
    let total = server.stop_well()?.total;
    ensure(total.refused == 1, || format!("{total:?}"))
}

fn panic_costs_one(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with_workers("3"), None)?;
    let mut bystander = (!row.is_alone()).then(|| greeted(&server)).transpose()?;
    // More often than there are workers.
    for _ in 0..8 {
        let mut client = connect(&server)?;
        let response = client.get("/fault/panic")?;
        ensure(response.status == 500 && response.says_close(), || format!("a panic got {response:?}"))?;
        ensure(client.read_to_end(AT_ONCE).is_some(), || "the connection goes on after a panic".into())?;
    }
    if let Some(bystander) = &mut bystander {
        ensure(bystander.get("/")?.status == 200, || "a bystander suffered".into())?;
    }
    drop(bystander);
    // Every worker has to be there still: as many clients at once as there are.
    let mut clients: Vec<_> = (0..row.clients(3)).map(|_| greeted(&server)).collect::<Result<_, _>>()?;
    for client in &mut clients {
        ensure(client.get("/json")?.status == 200, || "no 200".into())?;
    }
    let faults = server.stop_well()?.total.faults;
    ensure(faults == 8, || format!("8 panics, {faults} counted"))
}

fn death_costs_one(row: &Row, kind: &str) -> Outcome {
    let server = Server::start_with(&row.with_workers("4"), None)?;
    let mut bystander = greeted(&server)?;
    for _ in 0..3 {
        let mut client = connect(&server)?;
        client.send(get(&format!("/fault/{kind}")));
        client.read_to_end(ANSWER);
        ensure(client.end.is_some() && client.inbox.is_empty(), || format!("{:?}", client.inbox))?;
    }
    ensure(bystander.get("/")?.status == 200, || "a bystander suffered".into())?;
    drop(bystander);
    let clients: Vec<_> = (0..4).map(|_| greeted(&server)).collect::<Result<_, _>>()?;
    drop(clients);
    // Each child that said goodbye is a zombie for the moment that its parent takes to wake.
    ensure(wait_until(AT_ONCE, || zombies(server.pid) == 0).is_some(), || "a zombie".into())?;
    let faults = server.stop_well()?.total.faults;
    ensure(faults == 3, || format!("3 deaths, {faults} counted"))
}

fn killed_worker(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with_workers("4"), None)?;
    // Each of the four workers has one client, so whichever is killed, exactly one client suffers.
    let mut clients: Vec<_> = (0..4).map(|_| greeted(&server)).collect::<Result<_, _>>()?;
    thread::sleep(Duration::from_millis(600));
    let workers = children(server.pid);
    ensure(workers.len() == 4, || format!("{} workers", workers.len()))?;
    kill(workers[0], Signal::SIGKILL)?;
    let replaced = wait_until(AT_ONCE, || {
        let now = children(server.pid);
        now.len() == 4 && !now.contains(&workers[0]) && zombies(server.pid) == 0
    });
    ensure(replaced.is_some(), || "not replaced within a second".into())?;
    ensure(greeted(&server).is_ok(), || "the new worker does not serve".into())?;
    let alive = clients.iter_mut().filter_map(|client| client.get("/").ok()).count();
    ensure(alive == 3, || format!("{alive} of 4 clients go on"))?;
    let faults = server.stop_well()?.total.faults;
    ensure(faults == 1, || format!("{faults} faults counted"))
}

fn all_workers_killed(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with_workers("8"), None)?;
    ensure(get_once(server.address, "/")?.status == 200, || "no 200".into())?;
    // Workers that have lived for a while are no crash at the start.
    thread::sleep(Duration::from_millis(600));
    let old = children(server.pid);
    for worker in &old {
        kill(*worker, Signal::SIGKILL)?;
    }
    let replaced = wait_until(AT_ONCE, || {
        let now = children(server.pid);
        now.len() == 8 && zombies(server.pid) == 0 && !now.iter().any(|pid| old.contains(pid))
    });
    ensure(replaced.is_some(), || format!("{} workers after a second", children(server.pid).len()))?;
    ensure(get_once(server.address, "/")?.status == 200, || "no 200".into())?;
    server.stop_well()?;
    Ok(())
}

fn hot_respawn(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with_workers("1"), None)?;
    let mut seen = BTreeSet::new();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        for worker in children(server.pid) {
            seen.insert(worker);
            let _ = kill(worker, Signal::SIGKILL);
        }
        thread::sleep(Duration::from_millis(2));
    }
    let (born, used) = (seen.len(), cpu_time(server.pid));
    ensure((2..=20).contains(&born), || format!("{born} workers were born in 2 s"))?;
    ensure(used < Duration::from_millis(500), || format!("{used:?} of CPU time in 2 s"))?;
    let start = Instant::now();
    let served = get_once(server.address, "/")?.status;
    ensure(served == 200 && start.elapsed() < AT_ONCE, || format!("{served} after {:?}", start.elapsed()))?;
    server.stop_well()?;
    Ok(())
}

fn exhaustion(row: &Row) -> Outcome {
    let mut server = Server::start_with(&row.with_workers("2"), Some(64))?;
    // The kernel completes the handshakes of those that the server cannot accept.
    let clients: Vec<_> = (0..100).map(|_| connect(&server)).collect::<Result<_, _>>()?;
    thread::sleep(2 * UNDERWAY);
    let before = cpu_time(server.pid);
    thread::sleep(Duration::from_secs(1));
    let used = cpu_time(server.pid).saturating_sub(before);
    ensure(used <= Duration::from_millis(100), || format!("{used:?} of CPU time in a second of waiting"))?;
    ensure(server.is_alive(), || format!("it died; stderr: {}", server.stderr()))?;
    drop(clients);
    let start = Instant::now();
    ensure(get_once(server.address, "/")?.status == 200, || "no 200".into())?;
    ensure(start.elapsed() < AT_ONCE, || format!("served only {:?} after the relief", start.elapsed()))?;
    let told = server.stderr().matches("no connection can be accepted for now").count();
    let pauses = server.stop_well()?.exhausted;
    // Where each connection has a process, or each of two processes its own descriptors, these clients fit in.
    let must_pause = !row.has_processes() && !row.is_alone();
    ensure(!must_pause || pauses > 0, || "no pause is counted".into())?;
    ensure(told == usize::from(pauses > 0), || format!("{pauses} pauses are counted, and {told} told"))
}

fn signal_storm(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with_workers("3"), None)?;
    let (calm, group) = (AtomicBool::new(false), Pid::from_raw(-server.pid.as_raw()));
    let outcome = thread::scope(|scope| {
        let calm = &calm;
        scope.spawn(move || {
            let storm =
                [Signal::SIGALRM, Signal::SIGCHLD, Signal::SIGWINCH, Signal::SIGCONT, Signal::SIGPIPE];
            for signal in storm.iter().cycle() {
                if calm.load(Relaxed) {
                    break;
                }
                // A server that is gone shows in the clients' answers.
                let _ = kill(group, *signal);
                thread::sleep(Duration::from_micros(300));
            }
        });
        let outcome = busy_clients(&server);
        calm.store(true, Relaxed);
        outcome
    });
    outcome.map_err(|error| format!("{error}; stderr: {}", server.stderr()))?;
    let account = server.stop_well()?.total;
    ensure(account.faults + account.peer_faults == 0, || format!("{account:?}"))
}

/// Uploads, downloads, waits and small requests, each checked to the last octet.
fn busy_clients(server: &Server) -> Result<(), String> {
    let body = "0123456789".repeat(10_000);
    let upload =
        format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    for _ in 0..10 {
        let mut client = connect(server)?;
        for _ in 0..5 {
            expect(&client.get("/")?.body, b"Hello, World!")?;
        }
        expect(&client.get("/wait/5000")?.body, b"waited 5000 us\n")?;
        client.send(&upload);
        expect(&client.response("POST")?.body, body.as_bytes())?;
        let bytes = client.get("/bytes/1000000")?.body.len();
        if bytes != 1_000_000 {
            return Err(format!("{bytes} octets of 1000000"));
        }
    }
    Ok(())
}

fn expect(body: &[u8], expected: &[u8]) -> Result<(), String> {
    let differs = || format!("{} octets that are wrong: {:?}", body.len(), &body[..body.len().min(80)]);
    if body == expected { Ok(()) } else { Err(differs()) }
}

/// A stage of a conversation, and how a client gets there.
type Stage = (&'static str, fn(&mut Client));

const STAGES: [Stage; 7] = [
    ("connected", |_| {}),
    ("half a head", |client| {
        client.send("GET / HTTP/1.1\r\nHost: loc");
    }),
    ("half a body", |client| {
        client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
    }),
    ("a request is being answered", |client| {
        client.send(get("/wait/50000"));
    }),
    ("the answer is under way", |client| {
        client.send(get("/bytes/5000000"));
    }),
    ("some of the answer was read", |client| {
        client.send(get("/bytes/5000000"));
        client.receive(Instant::now() + ANSWER);
    }),
    ("idle after an answer", |client| {
        // Whatever goes wrong here shows in what is asked afterwards.
        let _ = client.get("/");
    }),
];

fn resets(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with_workers("3"), None)?;
    for (stage, prepare) in STAGES {
        for pause in [Duration::ZERO, Duration::from_millis(5), Duration::from_millis(20)] {
            let mut client = connect(&server)?;
            prepare(&mut client);
            thread::sleep(pause);
            client.reset()?;
        }
        let after = get_once(server.address, "/").map(|response| response.status);
        ensure(after == Ok(200), || format!("after resets at {stage:?}: {after:?}; {}", server.stderr()))?;
    }
    let clients: Vec<_> = (0..row.clients(3)).map(|_| greeted(&server)).collect::<Result<_, _>>()?;
    drop(clients);
    let account = server.stop_well()?.total;
    ensure(account.faults == 0, || format!("{account:?}"))
}

fn nothing_piles_up(row: &Row, connections: usize) -> Outcome {
    let server = Server::start_with(&row.with_workers("4"), None)?;
    ensure(get_once(server.address, "/")?.status == 200, || "no 200".into())?;
    thread::sleep(UNDERWAY);
    let look = || [threads(server.pid), children(server.pid).len(), descriptors(server.pid)];
    let before = look();
    for round in 0..connections {
        let mut client = connect(&server)?;
        client.send(get_and_close("/"));
        let status = client.response("GET")?.status;
        ensure(status == 200, || format!("{status} on connection {round}"))?;
    }
    let settled = wait_until(AT_ONCE, || {
        zombies(server.pid) == 0 && look().iter().zip(before).all(|(now, before)| *now <= before)
    });
    ensure(settled.is_some(), || {
        format!(
            "threads, children, descriptors: {before:?} before, {:?} after; {} zombies",
            look(),
            zombies(server.pid)
        )
    })?;
    let counted = server.stop_well()?.total.connections;
    ensure(counted == connections as u64 + 1, || format!("{counted} connections counted"))
}

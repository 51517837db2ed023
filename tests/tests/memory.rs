//! The budget of memory: clients that fill a server with bodies and heads kill nothing, and lock nobody out.
//!
//! Some trials put the server into a cgroup. Where none can be made (which needs root and a writable
//! `/sys/fs/cgroup`) such a trial says that it skips.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use dyno_security::transport::Transport;
use dyno_servers::architecture::{Concurrency, Started, WaitsBy};
use dyno_servers::architectures::ALL;
use dyno_tests::limits::{ANSWER, AT_ONCE, UNDERWAY};
use dyno_tests::memory_limit::MemoryLimit;
use dyno_tests::process::{children, memory_kib, wait_until};
use dyno_tests::rows::Row;
use dyno_tests::secure::{Secure, friends, make_credentials, over};
use dyno_tests::server::Server;
use dyno_tests::spawner::Confines;
use dyno_tests::suite::{self, Outcome, ensure, mount, mount_slow};
use dyno_tests::wire::{Client, get_once};
use libtest_mimic::{Failed, Trial};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};

/// The memory of the cgroup, in bytes.
const GROUP_BYTES: u64 = 64 << 20;

/// Held by whoever opens thousands of connections, for which this process has descriptors once.
static CROWD: Mutex<()> = Mutex::new(());

/// The octets of a body that come, and those that are announced.
const SENT: usize = 900_000;
const ANNOUNCED: usize = 1_000_000;

fn main() -> ExitCode {
    let _credentials = make_credentials();
    let mut trials: Vec<Trial> = Vec::new();
    let everybody = |_: &Row| true;
    mount(&mut trials, "memory", "bodies-kill-nothing", everybody, |row| in_a_group(row, Transport::Plain));
    mount(&mut trials, "memory", "bodies-kill-nothing-by-channel", is_first_of_its_family, |row| {
        in_a_group(row, Transport::Channel)
    });
    mount(&mut trials, "memory", "bodies-kill-nothing-by-tls", is_first_of_its_family, |row| {
        in_a_group(row, Transport::Tls)
    });
    mount(&mut trials, "memory", "the-budget-holds-for-bodies", everybody, |row| within_budget(row, body()));
    mount(&mut trials, "memory", "the-budget-holds-for-heads", everybody, |row| within_budget(row, head()));
    mount(&mut trials, "memory", "a-body-beyond-the-budget-gets-503", everybody, beyond);
    mount(&mut trials, "memory", "a-body-within-the-budget-comes-back", everybody, within);
    mount(&mut trials, "memory", "killed-workers-give-back", Row::has_processes, killed);
    // The others wait or answer as one of these does.
    let each_way = |row: &Row| ["epoll", "tokio", "io-uring-tuned"].contains(&row.name.as_str());
    mount(&mut trials, "memory", "idle-8000-fit-into-64-mib", each_way, idle);
    let others = move |row: &Row| holds_thousands(row) && !each_way(row);
    mount_slow(&mut trials, "memory", "idle-8000-fit-into-64-mib", others, idle);
    // Each trial moves up to 180 MB.
    suite::run_wide(env!("CARGO_BIN_EXE_dyno-under-test"), 4, trials).exit_code()
}

fn is_first_of_its_family(row: &Row) -> bool {
    let family = row.architecture.family;
    ALL.iter().find(|one| one.family == family).is_some_and(|first| first.name == row.architecture.name)
}

/// Starts a server as a process of `group`.
fn start_in(group: &MemoryLimit, arguments: &[&str]) -> Result<Server, Failed> {
    let confines = Confines { descriptors: None, group: Some(group.entrance()?) };
    let started = Server::start_within(arguments, confines)?;
    Ok(started.map_err(|ended| format!("ended with {}; stderr: {}", ended.status, ended.stderr))?)
}

/// A body that does not end.
fn body() -> Vec<u8> {
    let head = format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {ANNOUNCED}\r\n\r\n");
    [head.as_bytes(), &vec![b'b'; SENT]].concat()
}

/// A head that does not end, and is nearly as large as it may be.
fn head() -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {}", "h".repeat(15_000)).into_bytes()
}

/// Clients that each send `octets` as far as the server takes them, and then stay.
fn crowd(server: &Server, most: usize, octets: &[u8]) -> Result<Vec<Client>, String> {
    let connect = |_| Client::connect(server.address).map_err(|error| format!("cannot connect: {error}"));
    let mut clients = (0..most).map(connect).collect::<Result<Vec<_>, _>>()?;
    let mut sent = vec![0; most];
    let mut last_progress = Instant::now();
    while last_progress.elapsed() < AT_ONCE {
        for (client, sent) in clients.iter_mut().zip(&mut sent) {
            client.receive(Instant::now());
            let piece = &octets[*sent..octets.len().min(*sent + 65_536)];
            let count = if client.end.is_none() { client.push(piece) } else { 0 };
            *sent += count;
            if count > 0 {
                last_progress = Instant::now();
            }
        }
        let is_over = |(client, sent): (&Client, &usize)| client.end.is_some() || *sent == octets.len();
        if clients.iter().zip(&sent).all(is_over) {
            break;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(clients)
}

/// The memory of a server, in KiB, as soon as it hardly grows any more.
fn memory_at_rest(server: &Server) -> u64 {
    let mut last = 0;
    wait_until(ANSWER / 2, || {
        std::thread::sleep(UNDERWAY);
        let now = memory_kib(server.pid);
        std::mem::replace(&mut last, now) + 64 > now
    });
    last
}

/// The clients that were told that there is no memory, now or soon.
fn refused(clients: &mut [Client]) -> usize {
    let told = |client: &mut Client| {
        client.receive(Instant::now());
        client.inbox.starts_with(b"HTTP/1.1 503 ")
            && String::from_utf8_lossy(&client.inbox).to_lowercase().contains("connection: close")
    };
    clients.iter_mut().filter_map(|client| told(client).then_some(())).count()
}

/// Clients behind a transport that do the same as [`crowd`].
fn secure_crowd(server: &Server, transport: Transport, most: usize) -> Vec<Secure> {
    let mut clients = Vec::new();
    for _ in 0..most {
        // A client that is refused finds its connection closed, then or before.
        let Ok(mut client) = Secure::connect(server, transport, friends()) else { continue };
        let _ = client.send(body());
        clients.push(client);
    }
    clients
}

/// What the server says to an honest client, which may have to wait until the others have gone.
fn honest(server: &Server, transport: Transport) -> Result<u16, String> {
    match transport {
        Transport::Plain => Ok(get_once(server.address, "/")?.status),
        _ => {
            let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
            Ok(Secure::connect(server, transport, friends())?.exchange(request, "GET")?.status)
        }
    }
}

/// Two hundred clients with a megabyte each, and the memory of a small container.
fn in_a_group(row: &Row, transport: Transport) -> Outcome {
    let Some(group) = MemoryLimit::new(GROUP_BYTES) else {
        eprintln!("skipped: no cgroup of the memory controller can be made here");
        return Ok(());
    };
    let is_shared = row.architecture.concurrency == Concurrency::Many;
    let mut server = start_in(&group, &row.with(&over(transport)))?;
    if transport == Transport::Plain {
        let mut clients = crowd(&server, 200, &body())?;
        if is_shared {
            let status = honest(&server, transport)?;
            ensure(status == 200 || status == 503, || format!("an honest client got {status}"))?;
            let told = wait_until(ANSWER, || refused(&mut clients) >= 100);
            ensure(told.is_some(), || format!("{} clients were refused", refused(&mut clients)))?;
        }
    } else {
        // More would be more than some have workers for, and a handshake waits for a worker.
        let clients = secure_crowd(&server, transport, row.clients(60));
        ensure(clients.len() > row.clients(20) / 2, || format!("{} clients were let in", clients.len()))?;
        let start = Instant::now();
        if is_shared && let Ok(status) = honest(&server, transport) {
            ensure(status == 200 || status == 503, || format!("an honest client got {status}"))?;
        }
        ensure(start.elapsed() < ANSWER, || "an honest client gets nothing".into())?;
        drop(clients);
    }
    ensure(server.is_alive(), || format!("it died: {}", server.stderr()))?;
    let relieved = wait_until(ANSWER, || honest(&server, transport).is_ok_and(|status| status == 200));
    ensure(relieved.is_some(), || "nobody is served after the relief".into())?;
    ensure(group.killed() == Some(0), || format!("{:?} processes were killed", group.killed()))?;
    let memory = server.stop_well()?.memory;
    ensure(memory.budget_bytes <= GROUP_BYTES, || format!("{memory:?} in a group of {GROUP_BYTES}"))?;
    ensure(memory.peak_bytes <= memory.budget_bytes, || format!("{memory:?}"))
}

/// A budget that far too many clients want a part of: what the server has counted stays within it, and what its
/// processes hold does not go far beyond.
fn within_budget(row: &Row, octets: Vec<u8>) -> Outcome {
    const BUDGET: &str = "8MiB";
    const BUDGET_KIB: u64 = 8 << 10;
    let mut arguments = row.with_workers("8");
    arguments.extend(["--memory", BUDGET]);
    let server = Server::start_with(&arguments, None)?;
    ensure(get_once(server.address, "/")?.status == 200, || "no 200".into())?;
    let before = memory_kib(server.pid);
    let clients = crowd(&server, row.clients(if octets.len() < SENT { 600 } else { 60 }), &octets)?;
    let grown = memory_at_rest(&server).saturating_sub(before);
    drop(clients);
    // The allocator keeps some of what was freed, and a debug build has larger stacks.
    ensure(grown <= 3 * BUDGET_KIB, || format!("grown by {grown} KiB, {BUDGET_KIB} KiB may be held"))?;
    let served =
        wait_until(ANSWER, || get_once(server.address, "/").is_ok_and(|answer| answer.status == 200));
    ensure(served.is_some(), || "nobody is served after the relief".into())?;
    let tallies = server.stop_well()?;
    let memory = tallies.memory;
    ensure(memory.budget_bytes == BUDGET_KIB << 10, || format!("{memory:?}"))?;
    ensure(memory.peak_bytes <= memory.budget_bytes, || format!("{memory:?}"))?;
    // Eight workers hold eight heads, which is little.
    let is_spent = row.architecture.concurrency == Concurrency::Many;
    ensure(!is_spent || memory.refused > 0 && tallies.total.refused > 0, || format!("{tallies:?}"))
}

/// Whether an idle connection costs no stack and no process, and its HTTP frees its buffers; select(2) has 1,024
/// places.
fn holds_thousands(row: &Row) -> bool {
    let anatomy = row.architecture.anatomy;
    row.architecture.concurrency == Concurrency::Many
        && matches!(anatomy.started, Started::Nothing | Started::Task)
        && anatomy.waits_by != WaitsBy::Select
        && !row.is_hyper()
}

/// Thousands of clients that have been served once and stay, in the memory of a small container.
fn idle(row: &Row) -> Outcome {
    const CLIENTS: usize = 8_000;
    let _alone = CROWD.lock().map_err(|_| "another crowd failed")?;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    let group = MemoryLimit::new(GROUP_BYTES);
    let (Some(group), true) = (group, hard as usize > CLIENTS + 1_000) else {
        eprintln!("skipped: it takes a cgroup of the memory controller and {CLIENTS} descriptors");
        return Ok(());
    };
    let server = start_in(&group, &row.with(&["--idle-time-ms", "600000"]))?;
    let before = memory_kib(server.pid);
    let mut crowd = Vec::with_capacity(CLIENTS);
    for number in 0..CLIENTS {
        // A thousand from each address, so that ports never run short.
        let source = IpAddr::V4(Ipv4Addr::new(127, 0, 2, u8::try_from(1 + number / 1_000)?));
        let mut client = Client::connect_from(source, server.address).map_err(|error| error.to_string())?;
        let status = client.get("/")?.status;
        ensure(status == 200, || format!("connection {number} got {status}"))?;
        crowd.push(client);
    }
    let grown = memory_at_rest(&server).saturating_sub(before) as f64 / CLIENTS as f64;
    println!("{}: {CLIENTS} idle connections, {grown:.2} KiB (PSS) each", row.name);
    for client in crowd.iter_mut().step_by(CLIENTS / 50) {
        ensure(client.get("/")?.status == 200, || "no 200".into())?;
    }
    ensure(group.killed() == Some(0), || format!("{:?} processes were killed", group.killed()))?;
    drop(crowd);
    let memory = server.stop_well()?.memory;
    ensure(memory.refused == 0 && memory.peak_bytes <= memory.budget_bytes, || format!("{memory:?}"))
}

fn echo(octets: usize) -> Vec<u8> {
    let head = format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {octets}\r\n\r\n");
    [head.as_bytes(), &vec![b'e'; octets]].concat()
}

fn beyond(row: &Row) -> Outcome {
    let mut arguments = row.with_workers("1");
    arguments.extend(["--memory", "1MiB"]);
    let server = Server::start_with(&arguments, None)?;
    for round in 0..3 {
        let mut client = Client::connect(server.address)?;
        client.send(echo(1_000_000));
        let response = client.response("POST")?;
        ensure(response.status == 503 && response.says_close(), || format!("round {round}: {response:?}"))?;
        ensure(response.field("retry-after") == Some("1"), || format!("{response:?}"))?;
        drop(client);
        // What was refused is free again.
        let mut client = Client::connect(server.address)?;
        client.send(echo(20_000));
        let response = client.response("POST")?;
        ensure(response.status == 200 && response.body.len() == 20_000, || format!("round {round}"))?;
    }
    let tallies = server.stop_well()?;
    ensure(tallies.total.refused == 3 && tallies.total.peer_faults == 0, || format!("{tallies:?}"))
}

fn within(row: &Row) -> Outcome {
    let mut arguments = row.with_workers("1");
    arguments.extend(["--memory", "16MiB"]);
    let server = Server::start_with(&arguments, None)?;
    // Were anything not given back, the budget would be spent soon.
    for round in 0..10 {
        let mut client = Client::connect(server.address)?;
        for _ in 0..2 {
            client.send(echo(SENT));
            let response = client.response("POST")?;
            ensure(response.status == 200 && response.body == vec![b'e'; SENT], || {
                format!("round {round}: {}", response.status)
            })?;
        }
    }
    let tallies = server.stop_well()?;
    ensure(tallies.memory.refused == 0, || format!("{:?}", tallies.memory))?;
    ensure(tallies.memory.peak_bytes > SENT as u64, || format!("{:?}", tallies.memory))
}

/// A worker that is killed with a body in its hands: what it held is free again.
fn killed(row: &Row) -> Outcome {
    let mut arguments = row.with_workers("1");
    arguments.extend(["--memory", "4MiB"]);
    let server = Server::start_with(&arguments, None)?;
    for round in 0..6 {
        let mut client = Client::connect(server.address)?;
        let before = memory_kib(server.pid);
        client.send(body());
        let known = wait_until(ANSWER, || !children(server.pid).is_empty());
        ensure(known.is_some(), || format!("round {round}: no worker"))?;
        let holds = || memory_kib(server.pid) > before + 700;
        ensure(wait_until(ANSWER, holds).is_some(), || format!("round {round}: nothing is held"))?;
        for worker in children(server.pid) {
            kill(worker, Signal::SIGKILL)?;
        }
        client.read_to_end(ANSWER);
    }
    let answered = wait_until(ANSWER, || {
        let Ok(mut client) = Client::connect(server.address) else { return false };
        client.send(echo(500_000));
        client.response("POST").is_ok_and(|response| response.status == 200)
    });
    ensure(answered.is_some(), || "what the killed workers held was not given back".into())?;
    server.stop_well()?;
    Ok(())
}

//! Hostile clients: slow ones, silent ones, many of them, and noise. Others are served meanwhile, memory stays bounded,
//! and nothing dies.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use dyno_servers::architecture::{Concurrency, Knob, Started, WaitsBy};
use dyno_tests::limits::{ANSWER, AT_ONCE, UNDERWAY};
use dyno_tests::noise::Noise;
use dyno_tests::process::{memory_kib, wait_until};
use dyno_tests::response::{Response, Scan};
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount, mount_slow};
use dyno_tests::wire::{Client, get, get_once};
use libtest_mimic::Trial;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// What a server may grow by under a client that does not read: far above the buffers of a connection, far below what
/// was asked for.
const GROWTH_KIB: u64 = 24 * 1024;

/// How soon others are served while a hostile client is there; its own time is longer.
const MEANWHILE: Duration = Duration::from_secs(3);

/// Held by whoever opens thousands of connections: this process has 20,000 descriptors for all its trials.
static CROWD: Mutex<()> = Mutex::new(());

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    let everybody = |_: &Row| true;
    let crowded = |row: &Row| row.architecture.concurrency == Concurrency::Many;
    let by_the_thousand =
        // A set of select(2) has 1,024 places, and so many processes are too many for a test.
        move |row: &Row| {
            let anatomy = row.architecture.anatomy;
            crowded(row) && anatomy.waits_by != WaitsBy::Select && anatomy.started != Started::Process
        };
    mount(&mut trials, "hostile", "slow-head-is-cut", everybody, slow_head);
    mount(&mut trials, "hostile", "slow-body-is-cut", everybody, slow_body);
    mount(&mut trials, "hostile", "idle-connection-is-cut", everybody, idle);
    mount(&mut trials, "hostile", "slow-readers-cost-little", everybody, slow_readers);
    mount(&mut trials, "hostile", "pipelining-without-reading", everybody, pipelining);
    mount(&mut trials, "hostile", "garbage", everybody, garbage);
    let limited = |row: &Row| row.reads(Knob::MaxConnections);
    mount(&mut trials, "hostile", "past-the-limit-503", limited, past_the_limit);
    mount(&mut trials, "hostile", "full-queue-503", |row| crowded(row) && row.reads(Knob::Queue), full_queue);
    let pools = |row: &Row| row.reads(Knob::Queue) && row.architecture.concurrency == Concurrency::PerWorker;
    mount(&mut trials, "hostile", "full-queue-waits", pools, full_queue_waits);
    mount(&mut trials, "hostile", "idle-500-are-held", crowded, |row| idle_crowd(row, 500));
    mount_slow(&mut trials, "hostile", "idle-10000-are-held", by_the_thousand, |row| idle_crowd(row, 10_000));
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn connect(server: &Server) -> Result<Client, String> {
    Client::connect(server.address).map_err(|error| format!("cannot connect: {error}"))
}

/// The server serves another client, and not only after its time-outs for the hostile ones have passed.
fn served(server: &Server) -> Outcome {
    let start = Instant::now();
    ensure(get_once(server.address, "/")?.status == 200, || "no 200".into())?;
    ensure(start.elapsed() < MEANWHILE, || format!("served only after {:?}", start.elapsed()))
}

/// Memory of a server that has come to rest after its start.
fn memory_at_rest(server: &Server) -> Result<u64, String> {
    get_once(server.address, "/bytes/10")?;
    thread::sleep(UNDERWAY);
    Ok(memory_kib(server.pid))
}

/// Sends `piece` every 50 ms until the server ends the connection, which must happen within `least` and 3 s.
fn drip(client: &mut Client, piece: &str, least: Duration) -> Outcome {
    let start = Instant::now();
    while client.end.is_none() && start.elapsed() < Duration::from_secs(4) {
        client.push(piece.as_bytes());
        client.receive(Instant::now() + Duration::from_millis(50));
    }
    let took = start.elapsed();
    ensure(client.end.is_some() && took >= least && took < Duration::from_secs(3), || {
        format!("end {:?} after {took:?}", client.end)
    })
}

/// What a cut client saw: a 408, or nothing at all.
fn cut(client: &mut Client) -> Outcome {
    match client.response_by("GET", Instant::now() + ANSWER)? {
        Some(response) => ensure(response.status == 408 && response.says_close(), || format!("{response:?}")),
        None => ensure(client.inbox.is_empty(), || format!("{:?}", client.inbox)),
    }
}

fn slow_head(row: &Row) -> Outcome {
    dripping(row, "--head-time-ms", "GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
}

fn slow_body(row: &Row) -> Outcome {
    dripping(
        row,
        "--body-grace-ms",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n\r\n",
    )
}

/// A client that goes on from `start` an octet at a time is cut when the limit of `option` has passed; others are
/// served.
fn dripping(row: &Row, option: &'static str, start: &str) -> Outcome {
    let server = Server::start_with(&row.with(&[option, "700"]), None)?;
    let mut client = connect(&server)?;
    client.push(start.as_bytes());
    if !row.is_alone() {
        served(&server)?;
    }
    drip(&mut client, "x", Duration::from_millis(300))?;
    cut(&mut client)?;
    drop(client);
    served(&server)?;
    server.stop_well()?;
    Ok(())
}

fn idle(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--idle-time-ms", "600"]), None)?;
    let mut used = connect(&server)?;
    ensure(used.get("/")?.status == 200, || "no 200".into())?;
    let fresh = (!row.is_alone()).then(|| connect(&server)).transpose()?;
    for mut client in [Some(used), fresh].into_iter().flatten() {
        let start = Instant::now();
        client.read_to_end(Duration::from_secs(3));
        ensure(client.end.is_some() && client.inbox.is_empty(), || {
            format!("after {:?}: {:?}, {:?}", start.elapsed(), client.end, client.inbox)
        })?;
    }
    served(&server)?;
    server.stop_well()?;
    Ok(())
}

fn slow_readers(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--write-time-ms", "1000"]), None)?;
    let before = memory_at_rest(&server)?;
    let mut readers = Vec::new();
    for _ in 0..row.clients(4) {
        let mut reader = Client::connect_narrow(4096, server.address).map_err(|error| error.to_string())?;
        reader.send(get("/bytes/20000000"));
        readers.push(reader);
    }
    thread::sleep(2 * UNDERWAY);
    let growth = memory_kib(server.pid).saturating_sub(before);
    ensure(growth < GROWTH_KIB, || format!("{growth} KiB for {} readers of 20 MB", readers.len()))?;
    if !row.is_alone() {
        served(&server)?;
    }
    // They read nothing, and are cut. What they send from then on is answered with a reset. The limit counts from the
    // last octet that the kernel took, and its send buffer grows for a while.
    for mut reader in readers {
        let cut = wait_until(ANSWER, || {
            thread::sleep(Duration::from_millis(100));
            reader.push(b"G") == 0
        });
        ensure(cut.is_some(), || "a reader that reads nothing is kept".into())?;
        reader.read_to_end(ANSWER);
        ensure(reader.end.is_some() && reader.received < 20_000_000, || {
            format!("{} octets", reader.received)
        })?;
    }
    served(&server)?;
    server.stop_well()?;
    Ok(())
}

/// More than the buffers of two sockets, of the server and of the kernel can hold between a client that only sends
/// and a server that has stopped taking.
const PIPELINED_BYTES: usize = 64 * 1024 * 1024;

fn pipelining(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let before = memory_at_rest(&server)?;
    let mut client = Client::connect_narrow(4096, server.address).map_err(|error| error.to_string())?;
    // A thousand octets each way, so that buffers fill after thousands of requests and not after hundreds of thousands.
    let one =
        format!("GET /bytes/1000 HTTP/1.1\r\nHost: localhost\r\nX-Padding: {}\r\n\r\n", "x".repeat(1_000));
    let many = one.repeat(100);
    let (start, mut sent, mut stuck_since) = (Instant::now(), 0, Instant::now());
    // Until the server has not taken anything for a while.
    while stuck_since.elapsed() < 2 * UNDERWAY && start.elapsed() < ANSWER && sent < PIPELINED_BYTES {
        let count = client.push(&many.as_bytes()[sent % one.len()..]);
        sent += count;
        if count > 0 {
            stuck_since = Instant::now();
        } else {
            thread::sleep(Duration::from_millis(5));
        }
    }
    ensure(stuck_since.elapsed() >= 2 * UNDERWAY, || "the server takes requests without end".into())?;
    let growth = memory_kib(server.pid).saturating_sub(before);
    ensure(growth < GROWTH_KIB, || format!("{growth} KiB for {} requests", sent / one.len()))?;
    if !row.is_alone() {
        served(&server)?;
    }
    // Nothing of it is lost: every request that was sent whole is answered once the client reads.
    let (expected, mut answers) = (sent / one.len(), 0);
    while answers < expected {
        ensure(client.receive(Instant::now() + ANSWER), || {
            format!("{answers} answers to {expected} requests, then {:?}", client.end)
        })?;
        answers += take_answers(&mut client.inbox)?;
    }
    ensure(answers == expected, || format!("{answers} answers to {expected} requests"))?;
    drop(client);
    served(&server)?;
    server.stop_well()?;
    Ok(())
}

/// Takes the whole responses from the front of `inbox`, each of which must be of a thousand octets.
fn take_answers(inbox: &mut Vec<u8>) -> Result<usize, String> {
    let (mut at, mut count) = (0, 0);
    while let Scan::Complete(response, octets) = Response::scan(&inbox[at..], "GET", false)? {
        if response.status != 200 || response.body.len() != 1_000 {
            return Err(format!("{response:?}"));
        }
        (at, count) = (at + octets, count + 1);
    }
    inbox.drain(..at);
    Ok(count)
}

fn garbage(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let mut noise = Noise::new(9112);
    for round in 0..150 {
        let mut client = connect(&server)?;
        // Pure noise, noise in a head, noise in a chunked body.
        let start = match round % 3 {
            0 => "",
            1 => "GET / HTTP/1.1\r\nHost: localhost\r\n",
            _ => "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        };
        client.send(start);
        let count = 1 + noise.below(4096);
        client.send(noise.octets(count));
        client.shut_write();
        ensure(client.read_to_end(ANSWER).is_some(), || format!("round {round}: the connection stays open"))?;
    }
    served(&server)?;
    let account = server.stop_well()?.total;
    ensure(account.faults == 0, || format!("{account:?}"))
}

fn past_the_limit(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--max-connections", "3"]), None)?;
    let mut held = Vec::new();
    for number in 0..3 {
        let mut client = connect(&server)?;
        let status = client.get("/")?.status;
        ensure(status == 200, || format!("client {number} of 3 got {status}"))?;
        held.push(client);
    }
    let mut refused = connect(&server)?;
    let start = Instant::now();
    let answer = refused.get("/")?;
    ensure(answer.status == 503 && answer.field("retry-after").is_some(), || format!("{answer:?}"))?;
    ensure(answer.says_close() && refused.read_to_end(AT_ONCE).is_some(), || {
        format!("{answer:?}, then open")
    })?;
    ensure(start.elapsed() < AT_ONCE, || format!("a slow refusal: {:?}", start.elapsed()))?;
    for client in &mut held {
        ensure(client.get("/")?.status == 200, || "a client within the limit suffered".into())?;
    }
    held.pop();
    let again =
        wait_until(AT_ONCE, || get_once(server.address, "/").is_ok_and(|answer| answer.status == 200));
    ensure(again.is_some(), || "no place within a second of one becoming free".into())?;
    let account = server.stop_well()?.total;
    ensure(account.refused >= 1, || format!("{account:?}"))
}

fn full_queue(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--workers", "1", "--queue", "1"]), None)?;
    let mut clients: Vec<_> = (0..8).map(|_| connect(&server)).collect::<Result<_, _>>()?;
    for client in &mut clients {
        client.send(get("/compute/1000000"));
    }
    let mut statuses = Vec::new();
    for client in &mut clients {
        let response = client.response("GET")?;
        let polite = response.status == 200 || response.field("retry-after").is_some();
        ensure(polite, || format!("{response:?}"))?;
        statuses.push(response.status);
    }
    let of = |status| statuses.iter().filter(|&&other| other == status).count();
    ensure(of(200) >= 1 && of(503) >= 1 && of(200) + of(503) == 8, || format!("{statuses:?}"))?;
    served(&server)?;
    let refused = server.stop_well()?.total.refused;
    ensure(refused == of(503) as u64, || format!("{refused} counted, {statuses:?}"))
}

fn full_queue_waits(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--workers", "1", "--queue", "1"]), None)?;
    let clients = (0..8).map(|_| connect(&server)).collect::<Result<Vec<_>, _>>()?;
    // Whoever comes later waits for those before; nobody is turned away.
    for (number, mut client) in clients.into_iter().enumerate() {
        let status = client.get("/wait/20000")?.status;
        ensure(status == 200, || format!("client {number} got {status}"))?;
    }
    let refused = server.stop_well()?.total.refused;
    ensure(refused == 0, || format!("{refused} refused"))
}

fn idle_crowd(row: &Row, connections: usize) -> Outcome {
    let _alone = CROWD.lock().map_err(|_| "another crowd failed")?;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    ensure(hard as usize > connections + 1_000, || format!("only {hard} descriptors: raise `ulimit -n`"))?;
    // The first of them idles while the last ones connect, and poll looks at all of them for each.
    let server = Server::start_with(&row.with(&["--idle-time-ms", "600000"]), None)?;
    let before = memory_at_rest(&server)?;
    let mut crowd = Vec::with_capacity(connections);
    for number in 0..connections {
        // A thousand from each address, so that ports never run short.
        let source = IpAddr::V4(Ipv4Addr::new(127, 0, 1, u8::try_from(1 + number / 1_000)?));
        let client = Client::connect_from(source, server.address);
        let mut client = client.map_err(|error| format!("connection {number}: {error}"))?;
        let status = client.get("/")?.status;
        ensure(status == 200, || format!("connection {number} got {status}"))?;
        crowd.push(client);
    }
    let per_connection = memory_kib(server.pid).saturating_sub(before) as f64 / connections as f64;
    served(&server)?;
    // All of them are there still, not only the last ones.
    for client in crowd.iter_mut().step_by(connections / 50) {
        ensure(client.get("/")?.status == 200, || "no 200".into())?;
    }
    println!("{}: {connections} idle connections, {per_connection:.2} KiB (PSS) each", row.name);
    server.signal(nix::sys::signal::Signal::SIGTERM);
    let ended = server.wait(ANSWER)?;
    ensure(ended.code() == 0, || format!("exit {}; stderr: {}", ended.code(), ended.stderr))
}

//! Producers and consumers over `/queues/N`: who waits is served in turn, and nothing is lost or doubled.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use dyno_servers::limits::{QUEUE_ITEM_OCTETS, QUEUE_ITEMS};
use dyno_tests::limits::{ANSWER, AT_ONCE, STOP, UNDERWAY};
use dyno_tests::process::wait_until;
use dyno_tests::response::Response;
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount, mount_slow};
use dyno_tests::wire::Client;
use nix::sys::signal::Signal;

mod hand_overs;

fn main() -> ExitCode {
    let mut trials = Vec::new();
    let shares = |row: &Row| row.architecture.anatomy.served_by.shares_memory();
    // Where one connection is served at a time, nobody comes while another waits.
    let meets = move |row: &Row| shares(row) && !row.is_alone();
    let suite = "queues";
    mount(&mut trials, suite, "first-in-first-out", shares, first_in_first_out);
    mount(&mut trials, suite, "bad-requests", shares, bad_requests);
    mount(&mut trials, suite, "who-waits-long-enough-gets-nothing", shares, times_out);
    mount(&mut trials, suite, "processes-name-the-remedy", |row| !shares(row), processes);
    mount(&mut trials, suite, "a-stop-tells-who-waits", shares, stop);
    mount(&mut trials, suite, "takers-are-served-in-turn", meets, takers_in_turn);
    mount(&mut trials, suite, "putters-are-served-in-turn", meets, putters_in_turn);
    mount(&mut trials, suite, "who-has-left-is-passed-over", meets, passes_over);
    mount(&mut trials, suite, "who-only-ends-its-side-is-served", meets, half_closed);
    mount(&mut trials, suite, "hand-overs", meets, |row| hand_overs::run(row, 3_000));
    mount_slow(&mut trials, suite, "hand-overs-1000000", meets, |row| hand_overs::run(row, 1_000_000));
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// A server with workers enough for all who wait in a test.
fn start(row: &Row) -> Result<Server, String> {
    Server::start_with(&row.with_workers("16"), None)
}

fn post(path: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Sends a request, whose answer is not awaited.
fn begin(server: &Server, request: &str) -> Result<Client, String> {
    let mut client = Client::connect(server.address).map_err(|error| error.to_string())?;
    client.send(request);
    Ok(client)
}

/// A request on a connection of its own.
fn ask(server: &Server, method: &str, request: &str) -> Result<Response, String> {
    begin(server, request)?.response(method)
}

fn take_now(server: &Server, queue: &str) -> Result<Response, String> {
    ask(server, "POST", &post(&format!("/queues/{queue}/take?wait=0"), ""))
}

/// What GET says of a queue.
fn count(server: &Server, queue: &str, of: &str) -> Result<u64, String> {
    let answer = ask(server, "GET", &format!("GET /queues/{queue} HTTP/1.1\r\nHost: a\r\n\r\n"))?;
    let counts: serde_json::Value =
        serde_json::from_str(&answer.text()).map_err(|error| error.to_string())?;
    counts[of].as_u64().ok_or_else(|| format!("no {of} in {}", answer.text()))
}

fn await_count(server: &Server, of: &str, wanted: u64) -> Outcome {
    let waited = wait_until(ANSWER, || count(server, "0", of) == Ok(wanted));
    ensure(waited.is_some(), || format!("{of} is {:?}, not {wanted}", count(server, "0", of)))
}

fn first_in_first_out(row: &Row) -> Outcome {
    let server = start(row)?;
    for item in ["one", "two", "three"] {
        let put = ask(&server, "POST", &post("/queues/cokes", item))?;
        ensure(put.status == 201, || format!("put: {}", put.status))?;
    }
    // The machine of the textbooks is the first queue, and the queues know nothing of each other.
    ensure(count(&server, "0", "items")? == 3 && count(&server, "1", "items")? == 0, || {
        "other counts".into()
    })?;
    for item in ["one", "two", "three"] {
        let taken = take_now(&server, "0")?;
        ensure(taken.status == 200 && taken.text() == item, || format!("{} {}", taken.status, taken.text()))?;
    }
    ensure(take_now(&server, "0")?.status == 204, || "there is nothing left".into())?;
    server.stop_well()?;
    Ok(())
}

fn bad_requests(row: &Row) -> Outcome {
    let server = start(row)?;
    let large = "x".repeat(QUEUE_ITEM_OCTETS + 1);
    let cases: &[(&str, &str, &str, u16)] = &[
        ("POST", "/queues/16", "", 404),
        ("POST", "/queues/", "", 404),
        ("POST", "/queues", "", 404),
        ("POST", "/queues/-1/take?wait=0", "", 404),
        ("POST", "/queues/99999999999999999999/take?wait=0", "", 404),
        ("POST", "/queues/pepsi", "", 404),
        ("POST", "/queues/0/drink", "", 404),
        ("POST", "/queues/0/take/take", "", 404),
        ("GET", "/queues/0/take", "", 405),
        ("DELETE", "/queues/0", "", 405),
        ("POST", "/queues/0/take?wait=301s", "", 400),
        ("POST", "/queues/0/take?wait=300001ms", "", 400),
        ("POST", "/queues/0/take?wait=6m", "", 400),
        ("POST", "/queues/0/take?wait=99999999999999999999999s", "", 400),
        ("POST", "/queues/0/take?wait=-1", "", 400),
        ("POST", "/queues/0/take?wait=", "", 400),
        ("POST", "/queues/0/take?wait=soon", "", 400),
        ("POST", "/queues/0/take?wait=1s&wait=1s", "", 400),
        ("POST", "/queues/0?wait=1h", "", 400),
        ("POST", "/queues/0?wait=0", &large, 413),
    ];
    for (method, target, body, status) in cases {
        let length = body.len();
        let request =
            format!("{method} {target} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}");
        let answer = ask(&server, method, &request)?;
        ensure(answer.status == *status, || format!("{method} {target}: {}, not {status}", answer.status))?;
        let allow = answer.field("Allow").is_some();
        ensure(allow == (*status == 405), || format!("{method} {target}: Allow {allow}"))?;
    }
    ensure(count(&server, "0", "put")? == 0, || "something was put".into())?;
    server.stop_well()?;
    Ok(())
}

fn times_out(row: &Row) -> Outcome {
    let server = start(row)?;
    let start = Instant::now();
    let taken = ask(&server, "POST", &post("/queues/0/take?wait=150ms", ""))?;
    let waited = start.elapsed();
    ensure(taken.status == 204 && waited >= Duration::from_millis(150), || {
        format!("{} after {waited:?}", taken.status)
    })?;
    fill(&server)?;
    let put = ask(&server, "POST", &post("/queues/0?wait=150ms", "more"))?;
    ensure(put.status == 503 && put.field("Retry-After").is_some(), || format!("put: {}", put.status))?;
    ensure(count(&server, "0", "waiting_putters")? == 0 && count(&server, "0", "left")? == 2, || {
        "they wait no more".into()
    })?;
    server.stop_well()?;
    Ok(())
}

/// Puts until no place is left.
fn fill(server: &Server) -> Outcome {
    for item in 0..QUEUE_ITEMS {
        let put = ask(server, "POST", &post("/queues/0?wait=0", &format!("item {item}")))?;
        ensure(put.status == 201, || format!("item {item}: {}", put.status))?;
    }
    let put = ask(server, "POST", &post("/queues/0?wait=0", "more"))?;
    ensure(put.status == 503 && put.field("Retry-After").is_some(), || format!("full: {}", put.status))
}

fn processes(row: &Row) -> Outcome {
    let server = start(row)?;
    for request in [post("/queues/0", "x"), post("/queues/0/take", ""), post("/queues/pepsi", "")] {
        let answer = ask(&server, "POST", &request)?;
        let names = answer.text().contains("dyno list");
        ensure(answer.status == 501 && names, || format!("{} {}", answer.status, answer.text()))?;
    }
    server.stop_well()?;
    Ok(())
}

/// Those who wait are told at once, and the server does not wait for them to end.
fn stop(row: &Row) -> Outcome {
    let server = start(row)?;
    let clients = row.clients(5);
    if clients > 1 {
        fill(&server)?;
    }
    let wait = |number: usize| match number % 2 {
        0 => begin(&server, &post("/queues/1/take?wait=60s", "")),
        _ => begin(&server, &post("/queues/0?wait=60s", "more")),
    };
    let mut waiting = (0..clients).map(wait).collect::<Result<Vec<_>, _>>()?;
    if clients > 1 {
        await_count(&server, "waiting_putters", clients as u64 / 2)?;
    }
    std::thread::sleep(UNDERWAY);
    let start = Instant::now();
    server.signal(Signal::SIGTERM);
    for client in &mut waiting {
        let answer = client.response("POST")?;
        let is_told = answer.status == 503 && answer.field("Retry-After").is_some();
        ensure(is_told, || format!("{} {}", answer.status, answer.text()))?;
    }
    drop(waiting);
    let ended = server.wait(STOP)?;
    ensure(ended.code() == 0, || format!("ended with {}; stderr: {}", ended.status, ended.stderr))?;
    let took = start.elapsed();
    ensure(took < 4 * AT_ONCE, || format!("it took {took:?}"))
}

fn takers_in_turn(row: &Row) -> Outcome {
    let server = start(row)?;
    let mut takers = Vec::new();
    for number in 1..=3 {
        takers.push(begin(&server, &post("/queues/0/take?wait=60s", ""))?);
        await_count(&server, "waiting_takers", number)?;
    }
    for item in ["one", "two", "three"] {
        ensure(ask(&server, "POST", &post("/queues/0", item))?.status == 201, || "put".into())?;
    }
    for (mut taker, item) in takers.into_iter().zip(["one", "two", "three"]) {
        let taken = taker.response("POST")?;
        ensure(taken.status == 200 && taken.text() == item, || format!("{} {}", taken.status, taken.text()))?;
    }
    server.stop_well()?;
    Ok(())
}

fn putters_in_turn(row: &Row) -> Outcome {
    let server = start(row)?;
    fill(&server)?;
    let mut putters = Vec::new();
    for number in 1..=3u64 {
        putters.push(begin(&server, &post("/queues/0?wait=60s", &format!("late {number}")))?);
        await_count(&server, "waiting_putters", number)?;
    }
    for (number, mut putter) in putters.into_iter().enumerate() {
        let taken = take_now(&server, "0")?.text();
        ensure(taken == format!("item {number}"), || format!("taken: {taken}"))?;
        let put = putter.response("POST")?;
        ensure(put.status == 201, || format!("put: {}", put.status))?;
    }
    for number in 3..QUEUE_ITEMS {
        let taken = take_now(&server, "0")?.text();
        ensure(taken == format!("item {number}"), || format!("taken: {taken}"))?;
    }
    for number in 1..=3 {
        let taken = take_now(&server, "0")?.text();
        ensure(taken == format!("late {number}"), || format!("taken: {taken}"))?;
    }
    server.stop_well()?;
    Ok(())
}

/// Takers and putters who leave, in either way, are forgotten; what is put then goes to who stays.
fn passes_over(row: &Row) -> Outcome {
    let server = start(row)?;
    let reset = begin(&server, &post("/queues/0/take?wait=60s", ""))?;
    let closed = begin(&server, &post("/queues/0/take?wait=60s", ""))?;
    await_count(&server, "waiting_takers", 2)?;
    let mut stays = begin(&server, &post("/queues/0/take?wait=60s", ""))?;
    await_count(&server, "waiting_takers", 3)?;
    reset.reset()?;
    drop(closed);
    await_count(&server, "waiting_takers", 1)?;
    ensure(ask(&server, "POST", &post("/queues/0", "coke"))?.status == 201, || "put".into())?;
    let taken = stays.response("POST")?;
    ensure(taken.status == 200 && taken.text() == "coke", || format!("{} {}", taken.status, taken.text()))?;
    fill(&server)?;
    let reset = begin(&server, &post("/queues/0?wait=60s", "gone"))?;
    let closed = begin(&server, &post("/queues/0?wait=60s", "gone"))?;
    await_count(&server, "waiting_putters", 2)?;
    reset.reset()?;
    drop(closed);
    await_count(&server, "waiting_putters", 0)?;
    ensure(count(&server, "0", "put")? == 1 + QUEUE_ITEMS as u64, || "nothing of theirs was put".into())?;
    server.stop_well()?;
    Ok(())
}

/// The end of what a client sends is not its leaving, in either version of HTTP.
fn half_closed(row: &Row) -> Outcome {
    let server = start(row)?;
    for version in ["1.1", "1.0"] {
        let head =
            format!("POST /queues/0/take?wait=60s HTTP/{version}\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        let mut client = begin(&server, &head)?;
        client.shut_write();
        await_count(&server, "waiting_takers", 1)?;
        std::thread::sleep(UNDERWAY);
        ensure(ask(&server, "POST", &post("/queues/0", "coke"))?.status == 201, || "put".into())?;
        let first = client.response_by("POST", Instant::now() + ANSWER)?.ok_or("no answer")?;
        ensure(first.is_interim() == (version == "1.1"), || format!("{version}: {}", first.status))?;
        let taken = if first.is_interim() { client.response("POST")? } else { first };
        ensure(taken.status == 200 && taken.text() == "coke", || format!("{version}: {}", taken.status))?;
    }
    server.stop_well()?;
    Ok(())
}

//! Urgent data: on every architecture that can see it an octet that is sent beside the stream cancels what its client
//! waits for, and nothing else.

use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use dyno_servers::architecture::ServedBy;
use dyno_servers::under_way::urgent::UrgentBy;
use dyno_tests::limits::UNDERWAY;
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::spawner::Confines;
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::{Client, get, get_once};

/// A wait that no test lives through.
const WAIT: &str = "/wait/50000000";

/// How soon a request must have ended: far beyond what it needs, and a tenth of the wait.
const SOON: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let mut trials = Vec::new();
    let mut on = |name, fits: fn(&Row) -> bool, run| mount(&mut trials, "urgent", name, fits, run);
    on("an-octet-ends-a-wait", sees, |row| ends(row, WAIT, UNDERWAY));
    on("an-octet-with-the-request-ends-it", sees, |row| ends(row, WAIT, Duration::ZERO));
    on("an-octet-ends-what-computes", sees, |row| ends(row, "/compute/4000000", Duration::ZERO));
    on("an-octet-ends-a-wait-in-a-queue", |row| sees(row) && !row.has_processes(), ends_a_taker);
    on("an-octet-ends-its-own-request-alone", |row| sees(row) && !row.is_alone(), spares_others);
    on("an-octet-ends-an-upload", sees_in_bodies, ends_an_upload);
    on("an-octet-before-a-request-ends-nothing", sees, early);
    on("who-sees-none-says-so", |row| !sees(row), refused);
    on("nobody-listens-unasked", |_| true, unasked);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn sees(row: &Row) -> bool {
    row.architecture.anatomy.urgent_by() != UrgentBy::Nothing
}

/// Coroutines and tasks read as soon as there is something, and with that the octet is passed.
fn sees_in_bodies(row: &Row) -> bool {
    let reads_first = matches!(row.architecture.anatomy.served_by, ServedBy::Coroutines | ServedBy::Tasks);
    sees(row) && !reads_first
}

/// Who sees none says so.
fn refused(row: &Row) -> Outcome {
    match Server::start_within(&row.with(&["--urgent"]), Confines::default())? {
        Err(ended) => ensure(ended.status.code() == Some(2) && ended.stderr.contains("--control"), || {
            format!("{} {}", ended.status, ended.stderr)
        }),
        Ok(_) => Err("it has started".into()),
    }
}

fn is_cancelled(client: &mut Client, method: &str) -> Outcome {
    let asked = Instant::now();
    let answer = client.response(method)?;
    let is_told = answer.status == 503 && answer.says_close() && answer.text().contains("cancelled");
    ensure(is_told, || format!("{} {}", answer.status, answer.text()))?;
    ensure(asked.elapsed() < SOON, || format!("after {:?}", asked.elapsed()))
}

/// Nobody's place is lost.
fn goes_on(server: Server) -> Outcome {
    let status = get_once(server.address, "/")?.status;
    ensure(status == 200, || format!("the next client got {status}"))?;
    server.stop_well()?;
    Ok(())
}

fn ends(row: &Row, path: &str, pause: Duration) -> Outcome {
    let server = Server::start_with(&row.with(&["--urgent"]), None)?;
    let mut client = Client::connect(server.address)?;
    client.send(get(path));
    sleep(pause);
    client.send_urgent()?;
    is_cancelled(&mut client, "GET")?;
    goes_on(server)
}

fn ends_a_taker(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--urgent"]), None)?;
    let mut client = Client::connect(server.address)?;
    client.send("POST /queues/0/take?wait=50s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    sleep(UNDERWAY);
    client.send_urgent()?;
    is_cancelled(&mut client, "POST")?;
    goes_on(server)
}

/// It is seen with what comes after it.
fn ends_an_upload(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--urgent"]), None)?;
    let mut client = Client::connect(server.address)?;
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n0123456789");
    sleep(UNDERWAY);
    client.send_urgent()?;
    sleep(UNDERWAY);
    client.send("0123456789");
    let ended = client.read_to_end(SOON);
    ensure(ended.is_some(), || "the connection stays".into())?;
    goes_on(server)
}

fn spares_others(row: &Row) -> Outcome {
    let mut arguments = row.with_workers("4");
    arguments.push("--urgent");
    let server = Server::start_with(&arguments, None)?;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(server.address)?;
        client.send(get("/wait/1500000"));
        clients.push(client);
    }
    sleep(UNDERWAY);
    clients[1].send_urgent()?;
    is_cancelled(&mut clients[1], "GET")?;
    for other in [0, 2] {
        let status = clients[other].response("GET")?.status;
        ensure(status == 200, || format!("client {other} got {status}"))?;
    }
    goes_on(server)
}

/// An octet that came while nothing was under way is passed with the next request.
fn early(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--urgent"]), None)?;
    let mut client = Client::connect(server.address)?;
    for path in ["/", "/wait/300000", "/json"] {
        client.send_urgent()?;
        sleep(UNDERWAY);
        let status = client.get(path)?.status;
        ensure(status == 200, || format!("{path}: {status}"))?;
    }
    drop(client);
    goes_on(server)
}

fn unasked(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let mut client = Client::connect(server.address)?;
    client.send(get("/wait/600000"));
    sleep(UNDERWAY);
    client.send_urgent()?;
    let status = client.response("GET")?.status;
    ensure(status == 200, || format!("{status}"))?;
    drop(client);
    goes_on(server)
}

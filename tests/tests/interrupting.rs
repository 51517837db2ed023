//! Requests that are under way, as the control port of every architecture lists them, and the orders for them.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant};

use dyno_servers::architecture::Knob;
use dyno_tests::limits::{ANSWER, STOP, UNDERWAY};
use dyno_tests::process::{children, wait_until};
use dyno_tests::response::Response;
use dyno_tests::rows::{Row, rows};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount, program, quick};
use dyno_tests::tool;
use dyno_tests::wire::{Client, get, get_once};
use nix::sys::signal::{Signal, kill};
use serde::Deserialize;

/// A wait that no test lives through.
const WAIT: &str = "/wait/50000000";

/// How soon what was ordered must have happened: far beyond what it needs, and a tenth of the wait.
const SOON: Duration = Duration::from_secs(5);

/// Clients that wait, where a server can have so many.
const CLIENTS: usize = 3;

fn main() -> ExitCode {
    let mut trials = vec![
        quick("interrupting::pages-of-a-browser-are-refused", pages),
        quick("interrupting::a-unix-socket-is-its-owners", unix_socket),
    ];
    let mut on = |name, fits: fn(&Row) -> bool, run| mount(&mut trials, "interrupting", name, fits, run);
    on("a-wait-is-listed-and-cancelled", |_| true, cancels_a_wait);
    on("one-of-several-waits-is-cancelled", |row| !row.is_alone(), cancels_one);
    on("a-wait-is-held-and-resumed", |_| true, holds);
    on("a-wait-is-held-and-cancelled", |_| true, cancels_a_held);
    on("what-computes-is-cancelled-when-it-returns", |_| true, cancels_a_computation);
    on("who-waits-in-a-queue-is-cancelled", |row| !row.has_processes(), cancels_a_taker);
    on("an-upload-is-listed-and-cancelled", |_| true, cancels_an_upload);
    on("who-leaves-is-not-listed", |_| true, leaves);
    on("a-worker-that-dies-leaves-no-entry", Row::has_processes, dies);
    on("a-stopping-server-cancels-what-is-held", |_| true, drains);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

#[derive(Debug, Deserialize)]
struct Listed {
    requests: Vec<Listing>,
}

#[derive(Debug, Clone, Deserialize)]
struct Listing {
    id: u64,
    process: i32,
    client: Option<String>,
    stage: String,
    order: String,
    request: String,
}

/// A server and its control port.
struct Controlled {
    server: Server,
    door: SocketAddr,
}

impl Controlled {
    fn start(row: &Row, more: &[&'static str]) -> Result<Controlled, String> {
        let mut arguments = row.with(&["--control", "127.0.0.1:0"]);
        arguments.extend(more);
        let server = Server::start_with(&arguments, None)?;
        let door = server.control.clone().and_then(|door| door.parse().ok());
        Ok(Controlled { door: door.ok_or("the ready line names no control port")?, server })
    }

    fn list(&self) -> Result<Vec<Listing>, String> {
        let answer = get_once(self.door, "/requests")?;
        let listed: Listed =
            serde_json::from_slice(&answer.body).map_err(|error| format!("{error}: {}", answer.text()))?;
        Ok(listed.requests)
    }

    /// Waits until what is listed is as wanted.
    fn listed(&self, wanted: impl Fn(&[Listing]) -> bool) -> Result<Vec<Listing>, String> {
        let deadline = Instant::now() + ANSWER;
        loop {
            let listed = self.list()?;
            if wanted(&listed) {
                return Ok(listed);
            }
            if Instant::now() >= deadline {
                return Err(format!("listed is {listed:?}"));
            }
            sleep(Duration::from_millis(5));
        }
    }

    /// Waits until a single request is listed, in that stage.
    fn only(&self, stage: &str) -> Result<Listing, String> {
        let listed = self.listed(|listed| matches!(listed, [one] if one.stage == stage))?;
        Ok(listed[0].clone())
    }

    fn order(&self, id: u64, order: &str) -> Result<Response, String> {
        post(self.door, &format!("/requests/{id}/{order}"), "")
    }

    fn ordered(&self, id: u64, order: &str) -> Outcome {
        let answer = self.order(id, order)?;
        ensure(answer.status == 200, || format!("{order}: {} {}", answer.status, answer.text()))
    }

    /// A client that has sent a request.
    fn ask(&self, path: &str) -> Result<Client, String> {
        let mut client = Client::connect(self.server.address).map_err(|error| error.to_string())?;
        client.send(get(path));
        Ok(client)
    }

    /// Nobody's place is lost, and the server stops as any other.
    fn goes_on(self) -> Outcome {
        self.listed(<[Listing]>::is_empty)?;
        let status = get_once(self.server.address, "/")?.status;
        ensure(status == 200, || format!("the next client got {status}"))?;
        self.server.stop_well()?;
        Ok(())
    }
}

fn post(address: SocketAddr, path: &str, fields: &str) -> Result<Response, String> {
    let mut client = Client::connect(address).map_err(|error| error.to_string())?;
    client.send(format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: 0\r\nConnection: close\r\n\r\n"
    ));
    client.response("POST")
}

/// The client of a cancelled request learns it, and that its connection ends.
fn is_cancelled(client: &mut Client) -> Outcome {
    let asked = Instant::now();
    let answer = client.response("GET")?;
    let is_told = answer.status == 503 && answer.says_close() && answer.text().contains("cancelled");
    ensure(is_told, || format!("{} {}", answer.status, answer.text()))?;
    ensure(asked.elapsed() < SOON, || format!("after {:?}", asked.elapsed()))
}

fn cancels_a_wait(row: &Row) -> Outcome {
    let controlled = Controlled::start(row, &[])?;
    ensure(controlled.list()?.is_empty(), || "something is under way before the first request".into())?;
    let mut client = controlled.ask(&format!("{WAIT}?why=test"))?;
    let one = controlled.only("waiting")?;
    ensure(one.request == format!("GET {WAIT}?why=test") && one.order == "go", || format!("{one:?}"))?;
    let is_known = one.client.as_deref().is_some_and(|client| client.starts_with("127.0.0.1:"));
    ensure(is_known, || format!("{one:?}"))?;
    let server = controlled.server.pid;
    let is_child = children(server).iter().any(|child| child.as_raw() == one.process);
    let is_right = if row.has_processes() { is_child } else { one.process == server.as_raw() };
    ensure(is_right, || format!("{one:?} in {server}"))?;
    // The program gives the order.
    let door = controlled.door.to_string();
    let ended =
        tool::run(&program().to_string_lossy(), &["control", &door, "cancel", &one.id.to_string()], "")?;
    let told = String::from_utf8_lossy(&ended.stdout);
    ensure(ended.status.success() && told.contains("cancelled"), || format!("{ended:?}"))?;
    is_cancelled(&mut client)?;
    let again = controlled.order(one.id, "cancel")?.status;
    ensure(again == 404, || format!("a request that has ended: {again}"))?;
    controlled.goes_on()
}

fn cancels_one(row: &Row) -> Outcome {
    // One that stands in a queue looks for orders when its turn comes.
    let more: &[&str] = if row.reads(Knob::Workers) { &["--workers", "4"] } else { &[] };
    let controlled = Controlled::start(row, more)?;
    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        let client = controlled.ask(&format!("{WAIT}?client={number}"))?;
        controlled
            .listed(|listed| listed.len() == number + 1 && listed.iter().all(|one| one.stage == "waiting"))?;
        clients.push(client);
    }
    for (number, client) in clients.iter_mut().enumerate().rev() {
        let listed = controlled.list()?;
        ensure(listed.len() == number + 1, || format!("{listed:?}"))?;
        let its = format!("client={number}");
        let one = listed.iter().find(|one| one.request.ends_with(&its)).ok_or("it is not listed")?;
        controlled.ordered(one.id, "cancel")?;
        is_cancelled(client)?;
    }
    controlled.goes_on()
}

fn holds(row: &Row) -> Outcome {
    let controlled = Controlled::start(row, &[])?;
    // It is held before its time has come, and resumed after it.
    let wait = Duration::from_millis(1_500);
    let mut client = controlled.ask(&format!("/wait/{}", wait.as_micros()))?;
    let begun = Instant::now();
    let one = controlled.only("waiting")?;
    controlled.ordered(one.id, "hold")?;
    sleep((wait + 2 * UNDERWAY).saturating_sub(begun.elapsed()));
    let early = client.response_by("GET", Instant::now())?;
    ensure(early.is_none(), || format!("answered while held: {early:?}"))?;
    let held = controlled.only("waiting")?;
    ensure(held.order == "hold", || format!("{held:?}"))?;
    controlled.ordered(one.id, "resume")?;
    let resumed = Instant::now();
    let answer = client.response("GET")?;
    ensure(answer.status == 200, || format!("{} {}", answer.status, answer.text()))?;
    ensure(resumed.elapsed() < SOON, || format!("after {:?}", resumed.elapsed()))?;
    controlled.goes_on()
}

fn cancels_a_held(row: &Row) -> Outcome {
    let controlled = Controlled::start(row, &[])?;
    let mut client = controlled.ask(WAIT)?;
    let one = controlled.only("waiting")?;
    controlled.ordered(one.id, "hold")?;
    controlled.ordered(one.id, "cancel")?;
    is_cancelled(&mut client)?;
    controlled.goes_on()
}

/// The port answers while a handler computes, on a loop as well, and the order counts when it returns.
fn cancels_a_computation(row: &Row) -> Outcome {
    let controlled = Controlled::start(row, &[])?;
    let mut micros = 4_000_000;
    loop {
        let mut client = controlled.ask(&format!("/compute/{micros}"))?;
        let running = controlled.listed(|listed| listed.iter().any(|one| one.stage == "running"));
        let ordered = running.ok().map(|listed| controlled.order(listed[0].id, "cancel")).transpose()?;
        if ordered.is_some_and(|answer| answer.status == 200) {
            is_cancelled(&mut client)?;
            return controlled.goes_on();
        }
        // It was over before the order: this machine is fast, or this test was slow.
        client.response("GET")?;
        micros *= 2;
        ensure(micros <= 60_000_000, || "no computation lasts as long as an order takes".into())?;
    }
}

/// What is put into the queue afterwards is another's.
fn cancels_a_taker(row: &Row) -> Outcome {
    let controlled = Controlled::start(row, &[])?;
    let mut taker = Client::connect(controlled.server.address)?;
    taker.send("POST /queues/0/take?wait=50s HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    let one = controlled.only("waiting")?;
    controlled.ordered(one.id, "cancel")?;
    is_cancelled(&mut taker)?;
    controlled.listed(<[Listing]>::is_empty)?;
    let mut other = Client::connect(controlled.server.address)?;
    other.send("POST /queues/0 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nitem");
    let status = other.response("POST")?.status;
    ensure((200..300).contains(&status), || format!("put: {status}"))?;
    other.send("POST /queues/0/take HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    let taken = other.response("POST")?;
    ensure(taken.body == b"item", || format!("{} {}", taken.status, taken.text()))?;
    drop(other);
    controlled.goes_on()
}

/// It cannot be held, because nothing can be done with a part of it.
fn cancels_an_upload(row: &Row) -> Outcome {
    let controlled = Controlled::start(row, &[])?;
    let mut client = Client::connect(controlled.server.address)?;
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n0123456789");
    let one = controlled.only("receiving")?;
    ensure(one.request == "POST /echo", || format!("{one:?}"))?;
    client.send("0123456789");
    let held = controlled.order(one.id, "hold")?.status;
    ensure(held == 409, || format!("hold: {held}"))?;
    controlled.only("receiving")?;
    controlled.ordered(one.id, "cancel")?;
    let ended = client.read_to_end(SOON);
    ensure(ended.is_some(), || "the connection stays".into())?;
    // One that has come whole is another's affair.
    let mut whole = Client::connect(controlled.server.address)?;
    whole.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab");
    controlled.only("receiving")?;
    whole.send("cd");
    let answer = whole.response("POST")?;
    ensure(answer.body == b"abcd", || format!("{} {}", answer.status, answer.text()))?;
    controlled.listed(<[Listing]>::is_empty)?;
    drop(whole);
    controlled.goes_on()
}

fn leaves(row: &Row) -> Outcome {
    let controlled = Controlled::start(row, &[])?;
    let client = controlled.ask(WAIT)?;
    let one = controlled.only("waiting")?;
    controlled.ordered(one.id, "hold")?;
    drop(client);
    controlled.goes_on()
}

fn dies(row: &Row) -> Outcome {
    let controlled = Controlled::start(row, &[])?;
    let _client = controlled.ask(WAIT)?;
    let one = controlled.only("waiting")?;
    kill(nix::unistd::Pid::from_raw(one.process), Signal::SIGKILL)?;
    controlled.goes_on()
}

/// Nobody could resume it any more.
fn drains(row: &Row) -> Outcome {
    let controlled = Controlled::start(row, &[])?;
    let mut client = controlled.ask(WAIT)?;
    let one = controlled.only("waiting")?;
    controlled.ordered(one.id, "hold")?;
    controlled.server.signal(Signal::SIGTERM);
    is_cancelled(&mut client)?;
    let ended = controlled.server.wait(STOP)?;
    ensure(ended.status.code() == Some(0), || format!("{} {}", ended.status, ended.stderr))
}

/// Any page could send a POST to this machine; browsers say where it comes from, and to which name.
fn pages() -> Outcome {
    let controlled = Controlled::start(&rows()[0], &[])?;
    let _client = controlled.ask(WAIT)?;
    let one = controlled.only("waiting")?;
    let path = format!("/requests/{}/cancel", one.id);
    let from_page = post(controlled.door, &path, "Origin: https://a.example\r\n")?.status;
    ensure(from_page == 403, || format!("from a page: {from_page}"))?;
    let mut rebound = Client::connect(controlled.door)?;
    rebound.send("GET /requests HTTP/1.1\r\nHost: a.example:9901\r\n\r\n");
    let status = rebound.response("GET")?.status;
    ensure(status == 421, || format!("of another name: {status}"))?;
    for (method, path, wanted) in [
        ("GET", path.as_str(), 405),
        ("POST", "/requests", 405),
        ("POST", "/requests/999999/cancel", 404),
        ("POST", "/requests/1/stop", 404),
        ("POST", "/requests/+1/cancel", 404),
        ("GET", "/", 404),
        ("GET", "/wait/1", 404),
    ] {
        let mut client = Client::connect(controlled.door)?;
        client.send(format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"));
        let status = client.response(method)?.status;
        ensure(status == wanted, || format!("{method} {path}: {status}"))?;
    }
    controlled.only("waiting")?;
    Ok(())
}

fn unix_socket() -> Outcome {
    let place = tempfile::tempdir()?;
    let path = place.path().join("door");
    let door = format!("unix:{}", path.display());
    let server = Server::start_with(&["epoll", "--control", &door], None)?;
    let mode = std::fs::metadata(&path)?.permissions().mode() & 0o777;
    ensure(mode == 0o600, || format!("mode {mode:o}"))?;
    let mut client = Client::connect(server.address)?;
    client.send(get(WAIT));
    let program = program().to_string_lossy();
    let is_listed = || {
        let listed = tool::run(&program, &["control", &door], "");
        listed.is_ok_and(|listed| String::from_utf8_lossy(&listed.stdout).contains(WAIT))
    };
    ensure(wait_until(ANSWER, is_listed).is_some(), || "the request is not listed".into())?;
    let cancelled = tool::run(&program, &["control", &door, "cancel", "1"], "")?;
    ensure(cancelled.status.success(), || format!("{cancelled:?}"))?;
    is_cancelled(&mut client)?;
    let gone = tool::run(&program, &["control", &door, "cancel", "1"], "")?;
    ensure(gone.status.code() == Some(1), || format!("{gone:?}"))?;
    server.stop_well()?;
    ensure(!path.exists(), || "the file of the socket is left".into())
}

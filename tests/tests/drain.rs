//! Stopping: requests in flight finish, everything else ends, nothing is left.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use dyno_servers::architecture::Started;
use dyno_tests::limits::{AT_ONCE, STOP, UNDERWAY};
use dyno_tests::process::{children, cpu_time};
use dyno_tests::rows::Row;
use dyno_tests::server::{Ended, Server};
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::{Client, End, get};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    let everybody = |_: &Row| true;
    let mut on = |name, run| mount(&mut trials, "drain", name, everybody, run);
    on("stop-right-after-the-start-is-no-fault", stops_right_after_the_start);
    on("idle-connections-end-at-once", idle_ends_at_once);
    on("what-has-arrived-is-answered", answers_what_has_arrived);
    on("a-request-on-its-way-is-answered", answers_what_is_on_its_way);
    on("busy-clients-lose-nothing", busy_clients_lose_nothing);
    on("sigterm-lets-a-request-finish", |row| finishes(row, |server| server.signal(Signal::SIGTERM)));
    on("sigint-lets-a-request-finish", |row| finishes(row, |server| server.signal(Signal::SIGINT)));
    on("sighup-lets-a-request-finish", |row| finishes(row, |server| server.signal(Signal::SIGHUP)));
    // A terminal that is closed may say so several times, to the whole group.
    on("repeated-sighup-lets-a-request-finish", |row| {
        finishes(row, |server| {
            server.signal_group(Signal::SIGHUP);
            thread::sleep(UNDERWAY);
            server.signal_group(Signal::SIGHUP);
        })
    });
    // A terminal signals the whole group, and so does a service manager.
    on("ctrl-c-lets-a-request-finish", |row| finishes(row, |server| server.signal_group(Signal::SIGINT)));
    on("group-sigterm-lets-a-request-finish", |row| {
        finishes(row, |server| server.signal_group(Signal::SIGTERM))
    });
    on("no-new-connections", no_new_connections);
    on("second-signal-ends-at-once", second_signal);
    on("limit-cuts-half-a-request", limit_cuts_half_a_request);
    on("limit-cuts-a-reader-that-does-not-read", limit_cuts_a_slow_reader);
    on("pending-octets-arrive", pending_octets_arrive);
    on("limit-cuts-a-wait", limit_cuts_a_wait);
    on("limit-cuts-waits-that-nobody-waits-for", |row| limit_cuts_abandoned(row, "/wait/1500000"));
    on("draining-does-not-spin", draining_does_not_spin);
    on("draining-does-not-spin-after-exhaustion", draining_does_not_spin_after_exhaustion);
    // Where each connection has a thread or a process, all of these requests are computed at once, and take as long.
    let takes_turns =
        |row: &Row| !matches!(row.architecture.anatomy.started, Started::Process | Started::Thread);
    mount(&mut trials, "drain", "limit-cuts-work-that-nobody-waits-for", takes_turns, |row| {
        limit_cuts_abandoned(row, "/compute/100000")
    });
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn connect(server: &Server) -> Result<Client, String> {
    Client::connect(server.address).map_err(|error| format!("cannot connect: {error}"))
}

/// A connection that was served once, so that it is certainly in somebody's hands, however busy the machine is.
fn greeted(server: &Server) -> Result<Client, String> {
    let mut client = connect(server)?;
    client.get("/")?;
    Ok(client)
}

/// The end of a server that drains well; no child is left.
fn well(ended: &Ended, children: &[nix::unistd::Pid]) -> Outcome {
    ensure(ended.code() == 0, || format!("exit {}; stderr: {}", ended.code(), ended.stderr))?;
    ensure(ended.tallies.is_some(), || "no account".into())?;
    let left: Vec<_> = children.iter().filter(|child| kill(**child, None).is_ok()).collect();
    ensure(left.is_empty(), || format!("left behind: {left:?}"))
}

/// A stop may come as soon as the server is ready.
fn stops_right_after_the_start(row: &Row) -> Outcome {
    for _ in 0..5 {
        let server = Server::start(row)?;
        let total = server.stop_well()?.total;
        ensure(total.faults == 0, || format!("{total:?}"))?;
    }
    Ok(())
}

fn idle_ends_at_once(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    // One connection has had an answer, the others have never said a word.
    let mut used = connect(&server)?;
    ensure(used.get("/")?.status == 200, || "no 200".into())?;
    let fresh: Vec<_> = (1..row.clients(5)).map(|_| connect(&server)).collect::<Result<_, _>>()?;
    thread::sleep(UNDERWAY);
    let before = children(server.pid);
    server.signal(Signal::SIGTERM);
    let ended = server.wait(STOP)?;
    well(&ended, &before)?;
    ensure(ended.took < AT_ONCE, || format!("took {:?}", ended.took))?;
    for mut client in fresh.into_iter().chain([used]) {
        let end = client.read_to_end(AT_ONCE);
        ensure(end == Some(End::Eof) && client.inbox.is_empty(), || format!("an idle client saw {end:?}"))?;
    }
    Ok(())
}

/// Requests on kept connections and on new ones that arrive before the signal, but are not read before it: the server
/// stands still meanwhile.
fn answers_what_has_arrived(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let mut clients: Vec<_> = (0..row.clients(32)).map(|_| greeted(&server)).collect::<Result<_, _>>()?;
    let workers = children(server.pid);
    let all = |signal| {
        server.signal(signal);
        // A child may have ended by itself.
        for worker in &workers {
            let _ = kill(*worker, signal);
        }
    };
    all(Signal::SIGSTOP);
    let fresh: Vec<_> = (0..8).map(|_| connect(&server)).collect::<Result<_, _>>()?;
    clients.extend(fresh);
    for client in &mut clients {
        ensure(client.send(get("/")), || format!("unsent; end {:?}", client.end))?;
    }
    server.signal(Signal::SIGTERM);
    all(Signal::SIGCONT);
    for (place, client) in clients.iter_mut().enumerate() {
        let response = client.response("GET").map_err(|error| format!("client {place}: {error}"))?;
        ensure(response.status == 200, || format!("client {place}: {response:?}"))?;
    }
    drop(clients);
    well(&server.wait(STOP)?, &workers)
}

/// A request that reaches an idle connection just after the signal.
fn answers_what_is_on_its_way(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let mut clients: Vec<_> = (0..row.clients(4)).map(|_| greeted(&server)).collect::<Result<_, _>>()?;
    server.signal(Signal::SIGTERM);
    for client in &mut clients {
        client.send(get("/"));
    }
    for client in &mut clients {
        // A worker that has not seen the signal yet answers as usual, and its connection ends a little later.
        ensure(client.response("GET")?.status == 200, || "no 200".into())?;
        ensure(client.read_to_end(AT_ONCE) == Some(End::Eof), || format!("then {:?}", client.end))?;
    }
    drop(clients);
    well(&server.wait(STOP)?, &[])
}

/// Clients that send their next request as soon as they have an answer, and stop when they are told to.
fn busy_clients_lose_nothing(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let clients: Vec<_> = (0..row.clients(16)).map(|_| greeted(&server)).collect::<Result<_, _>>()?;
    let busy = |mut client: Client| -> Result<(), String> {
        while !client.get("/")?.says_close() {}
        Ok(())
    };
    thread::scope(|scope| {
        let clients: Vec<_> = clients.into_iter().map(|client| scope.spawn(move || busy(client))).collect();
        thread::sleep(UNDERWAY);
        server.signal(Signal::SIGTERM);
        clients.into_iter().try_for_each(|client| client.join().expect("no panic"))
    })?;
    well(&server.wait(STOP)?, &[])
}

fn finishes(row: &Row, ask: fn(&Server)) -> Outcome {
    let server = Server::start(row)?;
    let mut clients: Vec<_> = (0..row.clients(3)).map(|_| greeted(&server)).collect::<Result<_, _>>()?;
    for client in &mut clients {
        client.send(get("/wait/600000"));
    }
    thread::sleep(UNDERWAY);
    let before = children(server.pid);
    ask(&server);
    for client in &mut clients {
        let response = client.response("GET")?;
        ensure(response.status == 200 && response.text() == "waited 600000 us\n", || {
            format!("{response:?}")
        })?;
        ensure(response.says_close(), || "the last response does not say Connection: close".into())?;
        ensure(client.read_to_end(AT_ONCE) == Some(End::Eof), || format!("then {:?}", client.end))?;
    }
    // A server reads what its last client may still be sending, until that ends too (RFC 9112, 9.6).
    drop(clients);
    let ended = server.wait(STOP)?;
    well(&ended, &before)?;
    ensure(ended.took < AT_ONCE, || format!("idle, but took {:?} more", ended.took))
}

fn no_new_connections(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let mut client = greeted(&server)?;
    client.send(get("/wait/900000"));
    thread::sleep(UNDERWAY);
    server.signal(Signal::SIGTERM);
    thread::sleep(UNDERWAY);
    if let Ok(mut late) = Client::connect(server.address) {
        late.send(get("/"));
        let answer = late.response_by("GET", Instant::now() + AT_ONCE);
        ensure(late.end.is_some() && !matches!(answer, Ok(Some(_))), || {
            format!("a connection after the signal got {answer:?}, {:?}", late.end)
        })?;
    }
    ensure(client.response("GET")?.status == 200, || "the request in flight failed".into())?;
    drop(client);
    well(&server.wait(STOP)?, &[])
}

fn second_signal(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let mut client = greeted(&server)?;
    client.send(get("/wait/8000000"));
    thread::sleep(UNDERWAY);
    server.signal(Signal::SIGTERM);
    thread::sleep(UNDERWAY);
    server.signal(Signal::SIGTERM);
    let ended = server.wait(STOP)?;
    ensure(ended.code() == 130, || format!("exit {}; stderr: {}", ended.code(), ended.stderr))?;
    ensure(ended.took < AT_ONCE, || format!("took {:?}", ended.took))?;
    ensure(client.read_to_end(AT_ONCE).is_some() && client.inbox.is_empty(), || {
        "the client was answered".into()
    })
}

/// The server must end soon after its limit of one second, and not before.
fn cut_in_time(server: Server) -> Outcome {
    server.signal(Signal::SIGTERM);
    let ended = server.wait(STOP)?;
    well(&ended, &[])?;
    let (least, most) = (Duration::from_millis(900), Duration::from_millis(2500));
    ensure(ended.took > least && ended.took < most, || format!("took {:?}", ended.took))
}

fn limit_cuts_half_a_request(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--drain", "1"]), None)?;
    let mut client = greeted(&server)?;
    client.send("GET / HTTP/1.1\r\nHo");
    let mut another = (!row.is_alone()).then(|| greeted(&server)).transpose()?;
    if let Some(another) = &mut another {
        another.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
    }
    thread::sleep(UNDERWAY);
    cut_in_time(server)?;
    client.read_to_end(AT_ONCE);
    ensure(client.end.is_some(), || "the connection is open still".into())
}

fn limit_cuts_a_slow_reader(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--drain", "1"]), None)?;
    let client = Client::connect_narrow(4096, server.address);
    let mut client = client.map_err(|error| error.to_string())?;
    client.send(get("/bytes/30000000"));
    client.receive(Instant::now() + STOP);
    thread::sleep(UNDERWAY);
    cut_in_time(server)?;
    client.read_to_end(STOP);
    ensure(client.end.is_some() && client.received < 30_000_000, || format!("{} octets", client.received))
}

/// A request that waits for a back end is waited for until the limit, and no longer.
fn limit_cuts_a_wait(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--drain", "1"]), None)?;
    let mut clients: Vec<_> = (0..row.clients(3)).map(|_| greeted(&server)).collect::<Result<_, _>>()?;
    for client in &mut clients {
        client.send(get("/wait/50000000"));
    }
    thread::sleep(UNDERWAY);
    cut_in_time(server)?;
    for client in &mut clients {
        ensure(client.read_to_end(AT_ONCE).is_some(), || "the connection is open still".into())?;
    }
    Ok(())
}

/// Requests wait, run and stand in queues when the server is asked to stop, and their clients are gone.
fn limit_cuts_abandoned(row: &Row, path: &str) -> Outcome {
    let mut arguments = row.with_workers("2");
    arguments.extend(["--drain", "1"]);
    let server = Server::start_with(&arguments, None)?;
    drop(greeted(&server)?);
    for _ in 0..300 {
        connect(&server)?.send(get(path));
    }
    thread::sleep(UNDERWAY);
    server.signal(Signal::SIGTERM);
    well(&server.wait(STOP)?, &[])
}

/// A stopping server that waits for a client takes no CPU time.
fn waits_idly(server: Server) -> Outcome {
    server.signal(Signal::SIGTERM);
    thread::sleep(UNDERWAY);
    let before = cpu_time(server.pid);
    thread::sleep(Duration::from_secs(1));
    let used = cpu_time(server.pid).saturating_sub(before);
    ensure(used <= Duration::from_millis(300), || format!("{used:?} of CPU time in a second of draining"))
}

fn draining_does_not_spin(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let mut client = greeted(&server)?;
    client.send("GET / HTTP/1.1\r\nHo");
    thread::sleep(UNDERWAY);
    waits_idly(server)
}

fn draining_does_not_spin_after_exhaustion(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with_workers("2"), Some(64))?;
    let mut client = greeted(&server)?;
    client.send("GET / HTTP/1.1\r\nHo");
    let _clients: Vec<_> = (0..100).map(|_| connect(&server)).collect::<Result<_, _>>()?;
    thread::sleep(2 * UNDERWAY);
    waits_idly(server)
}

fn pending_octets_arrive(row: &Row) -> Outcome {
    let server = Server::start(row)?;
    let client = Client::connect_narrow(4096, server.address);
    let mut client = client.map_err(|error| error.to_string())?;
    client.send(get("/bytes/20000000"));
    client.receive(Instant::now() + STOP);
    thread::sleep(UNDERWAY);
    server.signal(Signal::SIGTERM);
    thread::sleep(UNDERWAY);
    let response = client.response("GET")?;
    ensure(response.body.len() == 20_000_000, || format!("{} octets", response.body.len()))?;
    ensure(client.read_to_end(AT_ONCE).is_some(), || "no end after the answer".into())?;
    drop(client);
    well(&server.wait(STOP)?, &[])
}

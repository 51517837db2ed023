//! Servers that take the place of others: no request is lost, and whoever takes over and fails has changed nothing.

use std::collections::BTreeMap;
use std::io::{IoSliceMut, Read as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::path::Path;
use std::process::{Command, ExitCode, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use dyno_servers::architecture::Shares;
use dyno_tests::activator::At;
use dyno_tests::limits::{ANSWER, AT_ONCE, COMPUTE_ROUNDS_PER_US, READY, STOP, UNDERWAY};
use dyno_tests::load::{begin, end};
use dyno_tests::process::{ends, wait_until};
use dyno_tests::rows::{Row, rows};
use dyno_tests::server::Server;
use dyno_tests::spawner::{Confines, spawn};
use dyno_tests::suite::{self, Outcome, ensure, mount, mount_slow, program, quick};
use dyno_tests::wire::{Client, End, get};
use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use nix::unistd::geteuid;
use socket2::{Domain, SockAddr, Socket, Type};

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    let everybody = |_: &Row| true;
    let mut on = |name, run| mount(&mut trials, "take-over", name, everybody, run);
    on("3-restarts-under-load-lose-nothing", |row| restarts(row, 3, Duration::from_millis(300)));
    on("what-has-arrived-is-answered", answers_what_has_arrived);
    on("a-taker-that-dies-changes-nothing", dead_taker);
    on("of-two-takers-one-wins", two_takers);
    on("a-unix-socket-and-its-door-go-along", unix_socket);
    on("another-design-takes-over-and-back", another_design);
    mount_slow(&mut trials, "take-over", "20-restarts-under-load-lose-nothing", everybody, |row| {
        restarts(row, 20, Duration::from_millis(1_500))
    });
    let shares_address = |row: &Row| row.architecture.anatomy.shares == Shares::Address;
    mount(&mut trials, "take-over", "fewer-loops-than-sockets-are-refused", shares_address, fewer_loops);
    let on = |name: &str, run: fn() -> Outcome| quick(format!("take-over::{name}"), run);
    trials.push(on("a-predecessor-that-stops-says-so", stopping_predecessor));
    trials.push(on("nobody-to-take-over-from", nobody));
    let root = geteuid().is_root();
    trials.push(on("another-user-is-refused", another_user).with_kind("root").with_ignored_flag(!root));
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn first(row: &Row) -> Result<Server, String> {
    Server::start_with(&row.with(&["--hand-over"]), None)
}

/// Starts the successor of `server`, and returns when it serves.
fn follow(server: &Server, arguments: &[&str]) -> Result<Server, String> {
    let process = server.pid.to_string();
    Server::start_with(&[arguments, &["--take-over", &process]].concat(), None)
}

/// A server that was followed ends well by itself.
fn gave_way(server: Server) -> Outcome {
    let ended = server.wait(STOP)?;
    ensure(ended.code() == 0 && ended.tallies.is_some(), || {
        format!("exit {}; {}", ended.code(), ended.stderr)
    })?;
    ensure(ended.stderr.contains("has taken over"), || ended.stderr)
}

/// Load on connections that last and on such that do not, while one server follows the other.
fn restarts(row: &Row, count: usize, pause: Duration) -> Outcome {
    let mut server = first(row)?;
    let url = format!("http://{}/wait/5000", server.address);
    let load = pause * u32::try_from(count)? + 2 * AT_ONCE;
    let since = Instant::now();
    let usual = format!("-d {}ms -w 0 -q --expect service --format json", load.as_millis());
    let mut loads = vec![begin(&url, &format!("{usual} -c 2 --requests-per-connection 1"))?];
    // Who serves one connection at a time gives one up that lasts, because others wait.
    if !row.is_alone() {
        loads.push(begin(&url, &format!("{usual} -c 8"))?);
    }
    for _ in 0..count {
        thread::sleep(pause);
        let next = follow(&server, &row.arguments)?;
        gave_way(std::mem::replace(&mut server, next))?;
    }
    for load in loads {
        let loaded = end(load, since)?;
        let counts = &loaded.outcome["counts"];
        let completed = counts["completed"].as_u64().unwrap_or(0);
        ensure(counts["failed"] == 0 && completed > 0, || format!("{}; {}", loaded.stdout, loaded.stderr))?;
    }
    server.stop_well().map(drop).map_err(Into::into)
}

fn connect(server: &Server) -> Result<Client, String> {
    Client::connect(server.address).map_err(|error| format!("cannot connect: {error}"))
}

/// Requests under way and idle connections stay with the predecessor; whoever comes is the successor's.
fn answers_what_has_arrived(row: &Row) -> Outcome {
    let server = first(row)?;
    let mut clients = (0..row.clients(4)).map(|_| connect(&server)).collect::<Result<Vec<_>, _>>()?;
    for client in &mut clients {
        ensure(client.get("/")?.status == 200, || "no greeting".into())?;
    }
    clients[0].send(get("/wait/600000"));
    thread::sleep(UNDERWAY);
    let next = follow(&server, &row.arguments)?;
    // The others may send one more request within the grace, and are told that it is the last.
    for client in clients.iter_mut().skip(1) {
        client.send(get("/json"));
    }
    let mut new = greeted_by_successor(&next)?;
    for client in &mut clients {
        ensure(client.response("GET")?.status == 200, || "no answer".into())?;
        ensure(client.read_to_end(ANSWER) == Some(End::Eof), || format!("then {:?}", client.end))?;
    }
    drop(clients);
    gave_way(server)?;
    ensure(new.get("/")?.status == 200, || "the end of the old one was noticed".into())?;
    drop(new);
    let served = next.stop_well()?.total.requests;
    ensure(served == 2, || format!("the successor has served {served}"))
}

/// A connection of the successor's. The kernel may have given one to the predecessor just before that was told, which
/// then says with its answer that it is the last.
fn greeted_by_successor(next: &Server) -> Result<Client, String> {
    for _ in 0..20 {
        let mut client = connect(next)?;
        let answer = client.get("/")?;
        if answer.status != 200 {
            return Err(format!("{answer:?}"));
        }
        if !answer.says_close() {
            return Ok(client);
        }
    }
    Err("the predecessor goes on accepting".into())
}

/// Who takes over and cannot start, or is killed, leaves the other as it was: serving.
fn dead_taker(row: &Row) -> Outcome {
    let server = first(row)?;
    let mut client = connect(&server)?;
    ensure(client.get("/")?.status == 200, || "no greeting".into())?;
    let refused =
        taker(row.architecture.name, &server.pid.to_string(), &["--control", "unix:/no/such/place/s"])?;
    ensure(refused.status.code() == Some(1), || said(&refused))?;
    let killed = Raw::at(&SockAddr::unix(format!("\0dyno-take-over-{}", server.pid))?)?;
    ensure(killed.sockets > 0, || "no sockets were passed".into())?;
    drop(killed);
    wait_until(ANSWER, || server.stderr().matches("ended before it was ready").count() == 2)
        .ok_or_else(|| format!("not said: {}", server.stderr()))?;
    ensure(client.get("/")?.status == 200, || "a connection has suffered".into())?;
    drop(client);
    ensure(connect(&server)?.get("/")?.status == 200, || "nobody accepts".into())?;
    let next = follow(&server, &row.arguments)?;
    gave_way(server)?;
    next.stop_well().map(drop).map_err(Into::into)
}

fn two_takers(row: &Row) -> Outcome {
    let server = first(row)?;
    let one = Raw::at(&SockAddr::unix(format!("\0dyno-take-over-{}", server.pid))?)?;
    let other = taker(row.architecture.name, &server.pid.to_string(), &[])?;
    let words = said(&other);
    let told = format!("process {} is taking over already", std::process::id());
    ensure(other.status.code() == Some(1) && words.contains(&told), || words)?;
    ensure(connect(&server)?.get("/")?.status == 200, || "nobody accepts".into())?;
    drop(one);
    wait_until(ANSWER, || server.stderr().contains("ended before it was ready")).ok_or("not said")?;
    let next = follow(&server, &row.arguments)?;
    gave_way(server)?;
    next.stop_well().map(drop).map_err(Into::into)
}

/// A successor that only looks: it has taken the sockets, and says nothing.
struct Raw {
    _socket: Socket,
    sockets: usize,
}

impl Raw {
    fn at(address: &SockAddr) -> Result<Raw, String> {
        let failed = |error: std::io::Error| error.to_string();
        let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None).map_err(failed)?;
        socket.set_read_timeout(Some(ANSWER)).map_err(failed)?;
        socket.connect(address).map_err(failed)?;
        let mut text = [0; 1024];
        let mut parts = [IoSliceMut::new(&mut text)];
        let mut rights = nix::cmsg_space!([RawFd; 253]);
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut rights), flags);
        let message = message.map_err(|error| error.to_string())?;
        let mut sockets = 0;
        for one in message.cmsgs().map_err(|error| error.to_string())? {
            if let ControlMessageOwned::ScmRights(passed) = one {
                sockets += passed.len();
                // SAFETY: the kernel has just made these descriptors for us; here they are closed.
                passed.into_iter().for_each(|one| drop(unsafe { OwnedFd::from_raw_fd(one) }));
            }
        }
        Ok(Raw { _socket: socket, sockets })
    }
}

/// Runs a successor that is to fail.
fn taker(name: &str, place: &str, more: &[&str]) -> Result<Output, String> {
    let mut command = Command::new(program());
    command.args(["serve", name, "--take-over", place]).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(command, Confines::default()).map_err(|error| error.to_string())?;
    ends(&mut child, STOP, "a successor that has nothing to take")?;
    child.wait_with_output().map_err(|error| error.to_string())
}

fn said(output: &Output) -> String {
    format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr))
}

/// A server at a Unix socket with a door at a path; killed when dropped.
struct AtPath(std::process::Child);

impl AtPath {
    fn start(row: &Row, more: &[&str]) -> Result<AtPath, String> {
        let mut command = Command::new(program());
        command.arg("serve").args(&row.arguments).args(more).arg("--json");
        command.args(["--compute-rounds-per-us", &COMPUTE_ROUNDS_PER_US.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = spawn(command, Confines::default()).map_err(|error| error.to_string())?;
        let mut out = child.stdout.take().ok_or("no standard output")?;
        let server = AtPath(child);
        let mut piece = [0; 4096];
        let count = out.read(&mut piece).map_err(|error| error.to_string())?;
        // What it says at its end is read by nobody, and fits into the pipe, which must stay open for it.
        thread::spawn(move || out.read_to_end(&mut Vec::new()));
        let line = String::from_utf8_lossy(&piece[..count]).into_owned();
        if line.contains("\"ready\":true") { Ok(server) } else { Err(format!("no ready line but {line:?}")) }
    }

    fn ends_well(mut self) -> Outcome {
        ends(&mut self.0, STOP, "the server")?;
        let status = self.0.wait()?;
        ensure(status.success(), || status.to_string())
    }
}

impl Drop for AtPath {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn unix_socket(row: &Row) -> Outcome {
    let place = tempfile::tempdir()?;
    let (socket, door) = (place.path().join("s"), place.path().join("door"));
    let path = |path: &Path| format!("unix:{}", path.display());
    let at = At::Unix(socket.clone());
    let hand_over = format!("--hand-over={}", path(&door));
    let mut server = AtPath::start(row, &["--listen", &path(&socket), &hand_over])?;
    for _ in 0..2 {
        at.greets()?;
        let next = AtPath::start(row, &["--take-over", &path(&door)])?;
        std::mem::replace(&mut server, next).ends_well()?;
        ensure(socket.exists() && door.exists(), || "a file was removed".into())?;
    }
    at.greets()?;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(server.0.id().cast_signed()), Signal::SIGTERM)?;
    server.ends_well()?;
    ensure(!socket.exists() && !door.exists(), || "a file was left".into())
}

/// A design with one listening socket, for one that has one for each loop.
fn another_design(row: &Row) -> Outcome {
    let many = row.architecture.anatomy.shares == Shares::Address;
    let other = rows().into_iter().find(|other| {
        let fits = !many || other.architecture.anatomy.shares == Shares::Address;
        fits && (many || other.architecture.name != row.architecture.name)
    });
    let other = other.ok_or("there is one row alone")?;
    let server = first(row)?;
    let second = follow(&server, &other.arguments)?;
    gave_way(server)?;
    ensure(connect(&second)?.get("/")?.status == 200, || "the other does not serve".into())?;
    let third = follow(&second, &row.arguments)?;
    gave_way(second)?;
    ensure(connect(&third)?.get("/")?.status == 200, || "the third does not serve".into())?;
    third.stop_well().map(drop).map_err(Into::into)
}

fn fewer_loops(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--workers", "3", "--hand-over"]), None)?;
    let process = server.pid.to_string();
    let refused = taker(row.architecture.name, &process, &["--workers", "2"])?;
    let words = said(&refused);
    ensure(refused.status.code() == Some(1) && words.contains("has 3 listening sockets"), || words.clone())?;
    ensure(words.contains("--workers"), || words)?;
    for _ in 0..12 {
        ensure(connect(&server)?.get("/")?.status == 200, || "a loop accepts no more".into())?;
    }
    // More loops than sockets open more sockets.
    let more = follow(&server, &[row.architecture.name, "--workers", "5"])?;
    gave_way(server)?;
    for _ in 0..12 {
        ensure(connect(&more)?.get("/")?.status == 200, || "a loop does not accept".into())?;
    }
    more.stop_well().map(drop).map_err(Into::into)
}

fn row(name: &str) -> Result<Row, String> {
    rows().into_iter().find(|row| row.name == name).ok_or_else(|| format!("no row {name}"))
}

/// A server that was asked to stop and drains cannot be followed any more.
fn stopping_predecessor() -> Outcome {
    let server = first(&row("epoll")?)?;
    let mut client = connect(&server)?;
    client.send(get("/wait/900000"));
    thread::sleep(UNDERWAY);
    server.signal(Signal::SIGTERM);
    thread::sleep(UNDERWAY);
    let late = taker("epoll", &server.pid.to_string(), &[])?;
    let words = said(&late);
    ensure(late.status.code() == Some(1) && words.contains("cannot take over"), || words)?;
    ensure(client.response("GET")?.status == 200, || "the request under way has suffered".into())?;
    drop(client);
    server.wait(STOP)?;
    Ok(())
}

fn nobody() -> Outcome {
    let plain = Server::start(&row("epoll")?)?;
    let process = plain.pid.to_string();
    let places = BTreeMap::from([
        ("2147483647", (1, "--hand-over")),
        (&process, (1, "--hand-over")),
        ("unix:/no/such/door", (1, "--hand-over")),
        ("/no/such/door", (2, "unix:PATH")),
        ("-1", (2, "unix:PATH")),
    ]);
    for (place, (code, remedy)) in places {
        let refused = taker("epoll", place, &[])?;
        let words = said(&refused);
        ensure(refused.status.code() == Some(code) && words.contains(remedy), || {
            format!("{place}: {words}")
        })?;
    }
    ensure(connect(&plain)?.get("/")?.status == 200, || "a server was disturbed".into())?;
    plain.stop_well().map(drop).map_err(Into::into)
}

/// A process of another user gets nothing, and the server goes on.
fn another_user() -> Outcome {
    let server = first(&row("epoll")?)?;
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program());
    command.args(["serve", "epoll", "--take-over", &server.pid.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(command, Confines::default())?;
    ends(&mut child, STOP, "a successor of another user")?;
    let refused = child.wait_with_output()?;
    let words = said(&refused);
    ensure(refused.status.code() == Some(1) && words.contains("not a server of this user"), || words)?;
    wait_until(READY, || server.stderr().contains("of another user may not take over"))
        .ok_or_else(|| format!("not said: {}", server.stderr()))?;
    ensure(connect(&server)?.get("/")?.status == 200, || "the server was disturbed".into())?;
    server.stop_well().map(drop).map_err(Into::into)
}

//! Servers whose socket others have opened: by hand, by systemd-socket-activate and by openbsd-inetd; and servers that
//! end when nobody uses them.
//!
//! Where systemd-socket-activate or openbsd-inetd is not installed, its trials show as ignored.

mod refused;

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use dyno_tests::activator::{Activator, At, IDLE_END, IDLE_EXIT, Kind, free_port, line};
use dyno_tests::limits::{ANSWER, COMPUTE_ROUNDS_PER_US, READY, STOP};
use dyno_tests::process::{children, ends, wait_until};
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::spawner::{Confines, spawn};
use dyno_tests::suite::{self, Outcome, ensure, mount, program, quick};
use dyno_tests::tool::is_installed;
use dyno_tests::wire::Client;
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::refused::{REFUSED, refused};

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    let everybody = |_: &Row| true;
    let mut on = |name, run| mount(&mut trials, "activation", name, everybody, run);
    on("adopts-descriptor-0", adopts_tcp);
    on("adopts-descriptor-0-of-a-unix-socket", adopts_unix);
    on("a-stop-leaves-the-queue-to-the-next", stop_leaves_the_queue);
    on("ends-when-nobody-uses-it", ends_when_idle);
    let dies = |row: &Row| row.has_processes();
    mount(&mut trials, "activation", "a-worker-that-is-killed-leaves-nobody-behind", dies, killed_worker);
    let alone = |row: &Row| row.is_alone();
    mount(&mut trials, "activation", "serves-one-connection-on-descriptor-0", alone, serves_one);
    mount(
        &mut trials,
        "activation",
        "refuses-one-connection-on-descriptor-0",
        |row| !row.is_alone(),
        refuses_one,
    );
    let systemd = is_installed("systemd-socket-activate", &["--version"]);
    for (name, run) in [("tcp", systemd_tcp as fn(&Row) -> Outcome), ("unix", systemd_unix)] {
        let mut more = Vec::new();
        mount(&mut more, "activation", &format!("systemd-socket-activate-starts-it-{name}"), everybody, run);
        let skipped = |trial: Trial| trial.with_kind("systemd").with_ignored_flag(!systemd);
        trials.extend(more.into_iter().map(skipped));
    }
    let mut more = Vec::new();
    mount(&mut more, "activation", "inetd-starts-it-again-and-again", everybody, inetd_wait);
    mount(&mut more, "activation", "inetd-starts-it-for-each-connection", alone, inetd_nowait);
    let skipped = |trial: Trial| trial.with_kind("inetd").with_ignored_flag(!Kind::Inetd.is_installed());
    trials.extend(more.into_iter().map(skipped));
    for (name, case) in REFUSED {
        trials.push(quick(format!("activation::refused::{name}"), move || refused(case)));
    }
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// A server that was started with a socket as descriptor 0; killed when dropped.
struct Adopter(Child);

impl Adopter {
    fn start(row: &Row, socket: impl Into<OwnedFd>, more: &[&str]) -> Result<Adopter, String> {
        let mut command = Command::new(program());
        command.arg("serve").args(&row.arguments).args(["--listen", "adopt", "--json"]).args(more);
        command.args(["--compute-rounds-per-us", &COMPUTE_ROUNDS_PER_US.to_string()]);
        command.stdin(socket.into()).stdout(Stdio::piped()).stderr(Stdio::piped());
        spawn(command, Confines::default()).map(Adopter).map_err(|error| error.to_string())
    }

    /// The address of its ready line.
    fn address(&mut self) -> Result<String, String> {
        let mut out = BufReader::new(self.0.stdout.take().ok_or("no standard output")?);
        let mut line = String::new();
        out.read_line(&mut line).map_err(|error| error.to_string())?;
        self.0.stdout = Some(out.into_inner());
        let ready: Value = serde_json::from_str(&line).map_err(|error| format!("{line:?}: {error}"))?;
        Ok(ready["address"].as_str().unwrap_or_default().to_owned())
    }

    /// Its end, which comes by itself; and its account.
    fn ends_well(mut self) -> Result<Value, String> {
        ends(&mut self.0, IDLE_END, "the server")?;
        let (mut out, mut err) = (String::new(), String::new());
        let read =
            |pipe: Option<&mut dyn Read>, into: &mut String| pipe.map(|pipe| pipe.read_to_string(into));
        read(self.0.stdout.as_mut().map(|pipe| pipe as &mut dyn Read), &mut out);
        read(self.0.stderr.as_mut().map(|pipe| pipe as &mut dyn Read), &mut err);
        let status = self.0.wait().map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("{status}: {err}"));
        }
        let last = out.lines().last().unwrap_or_default();
        serde_json::from_str(last).map_err(|error| format!("{out:?}: {error}"))
    }
}

impl Drop for Adopter {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Two servers in a row, each started with a client in the queue, and ended by itself.
fn adopts_twice(row: &Row, socket: impl Fn() -> Result<OwnedFd, String>, at: &At, address: &str) -> Outcome {
    for round in 0..2 {
        // In the queue before there is a server, as the client for whom a superserver starts it.
        let client = at.hold()?;
        let mut server = Adopter::start(row, socket()?, &["--idle-exit", IDLE_EXIT])?;
        let told = server.address()?;
        ensure(told == address, || format!("round {round}: it listens at {told}, not at {address}"))?;
        at.greets()?;
        drop(client);
        let account = server.ends_well()?;
        ensure(account["total"]["requests"] == 2, || account.to_string())?;
        ensure(at.listens(), || "the socket was shut or removed".into())?;
    }
    Ok(())
}

fn adopts_tcp(row: &Row) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let socket = || listener.try_clone().map(Into::into).map_err(|error| error.to_string());
    adopts_twice(row, socket, &At::Tcp(address), &address.to_string())
}

fn adopts_unix(row: &Row) -> Outcome {
    let place = tempfile::tempdir()?;
    let path = place.path().join("s");
    let listener = UnixListener::bind(&path)?;
    let socket = || listener.try_clone().map(Into::into).map_err(|error| error.to_string());
    adopts_twice(row, socket, &At::Unix(path.clone()), &format!("unix:{}", path.display()))
}

/// Whoever connects while a server stops, or after it, is served by the next one.
fn stop_leaves_the_queue(row: &Row) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let at = At::Tcp(listener.local_addr()?);
    let mut server = Adopter::start(row, listener.try_clone()?, &[])?;
    server.address()?;
    at.greets()?;
    kill(Pid::from_raw(server.0.id().cast_signed()), Signal::SIGTERM)?;
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let at = at.clone();
            thread::spawn(move || at.greets())
        })
        .collect();
    server.ends_well()?;
    let mut next = Adopter::start(row, listener.try_clone()?, &["--idle-exit", IDLE_EXIT])?;
    next.address()?;
    for client in clients {
        client.join().map_err(|_| "the client panicked")??;
    }
    next.ends_well().map(drop).map_err(Into::into)
}

/// A connection that is open keeps a server, whether it says something or not.
fn ends_when_idle(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--idle-exit", "1s"]), None)?;
    let mut client = Client::connect(server.address).map_err(|error| error.to_string())?;
    for _ in 0..2 {
        ensure(client.get("/")?.status == 200, || "no greeting".into())?;
        // Longer than an idle server stays.
        thread::sleep(Duration::from_millis(1_400));
    }
    drop(client);
    let ended = server.wait(IDLE_END)?;
    ensure(ended.code() == 0, || format!("exit code {}; {}", ended.code(), ended.stderr))?;
    let requests = ended.tallies.ok_or("no account")?.total.requests;
    ensure(requests == 2, || format!("{requests} requests"))
}

/// Connections of a process that was killed are no connections.
fn killed_worker(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--idle-exit", "1s"]), None)?;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(server.address).map_err(|error| error.to_string())?;
        client.get("/")?;
        clients.push(client);
    }
    for child in children(server.pid) {
        let _ = kill(child, Signal::SIGKILL);
    }
    let ended = server.wait(IDLE_END)?;
    ensure(ended.code() == 0, || format!("exit code {}; {}", ended.code(), ended.stderr))
}

/// A pair of sockets that are connected over TCP: near the client, and near the server.
fn connection() -> Result<(TcpStream, TcpStream), String> {
    let failed = |error: std::io::Error| error.to_string();
    let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    let client = TcpStream::connect(listener.local_addr().map_err(failed)?).map_err(failed)?;
    client.set_read_timeout(Some(ANSWER)).map_err(failed)?;
    Ok((client, listener.accept().map_err(failed)?.0))
}

fn serves_one(row: &Row) -> Outcome {
    use std::io::Write as _;
    let (mut client, socket) = connection()?;
    let server = Adopter::start(row, socket, &[])?;
    for _ in 0..3 {
        client.write_all(dyno_tests::wire::get("/json").as_bytes())?;
        let mut answer = [0; 1024];
        let count = client.read(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
        ensure(answer.starts_with("HTTP/1.1 200 OK"), || answer)?;
    }
    drop(client);
    let account = server.ends_well()?;
    ensure(account["total"]["requests"] == 3, || account.to_string())?;
    let (near, far) = UnixStream::pair()?;
    let server = Adopter::start(row, far, &[])?;
    let mut near = near;
    near.write_all(dyno_tests::wire::get_and_close("/").as_bytes())?;
    let mut answer = String::new();
    near.read_to_string(&mut answer)?;
    ensure(answer.starts_with("HTTP/1.1 200 OK"), || answer)?;
    server.ends_well().map(drop).map_err(Into::into)
}

fn refuses_one(row: &Row) -> Outcome {
    let (_client, socket) = connection()?;
    let mut server = Adopter::start(row, socket, &[])?;
    ends(&mut server.0, STOP, "the server")?;
    let status = server.0.wait()?;
    let mut said = String::new();
    server.0.stderr.take().ok_or("no standard error")?.read_to_string(&mut said)?;
    ensure(status.code() == Some(2) && said.contains("accepts its connections itself"), || said.clone())?;
    ensure(said.contains("write `wait`"), || said)
}

/// systemd-socket-activate, which becomes the server when the first client comes; killed when dropped.
fn systemd(row: &Row, at: &At) -> Outcome {
    let place = match at {
        At::Tcp(address) => address.to_string(),
        At::Unix(path) => path.display().to_string(),
    };
    let mut command = Command::new("systemd-socket-activate");
    command.args(["-l", &place]).arg(program()).arg("serve").args(&row.arguments);
    command.args(["--idle-exit", IDLE_EXIT, "--json"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut server = Adopter(spawn(command, Confines::default())?);
    wait_until(READY, || at.listens()).ok_or("nobody listens")?;
    at.greets()?;
    server.address()?;
    let account = server.ends_well()?;
    ensure(account["total"]["requests"] == 1, || account.to_string())
}

fn systemd_tcp(row: &Row) -> Outcome {
    systemd(row, &At::Tcp(free_port()?))
}

fn systemd_unix(row: &Row) -> Outcome {
    let place = tempfile::tempdir()?;
    systemd(row, &At::Unix(place.path().join("s")))
}

fn inetd_wait(row: &Row) -> Outcome {
    let (address, place) = (free_port()?, tempfile::tempdir()?);
    let path = place.path().join("s");
    let more = format!("--idle-exit {IDLE_EXIT}");
    let table = line(&address.to_string(), "tcp", "wait", row, &more)
        + &line(&path.display().to_string(), "unix", "wait", row, &more);
    let all = [At::Tcp(address), At::Unix(path)];
    let inetd = Activator::start(Kind::Inetd, &table, || all.iter().all(At::listens))?;
    for _ in 0..2 {
        all.iter().try_for_each(At::greets)?;
        ensure(inetd.is_alone(), || "a server stays that nobody uses".into())?;
    }
    Ok(())
}

fn inetd_nowait(row: &Row) -> Outcome {
    let address = free_port()?;
    let at = At::Tcp(address);
    let table = line(&address.to_string(), "tcp", "nowait", row, "");
    let inetd = Activator::start(Kind::Inetd, &table, || at.listens())?;
    each_connection_has_its_own(&inetd, address)
}

/// Several connections are served at once by a program that serves one.
fn each_connection_has_its_own(inetd: &Activator, address: SocketAddr) -> Outcome {
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(address).map_err(|error| error.to_string())?;
        ensure(client.get("/")?.status == 200, || "no greeting".into())?;
        clients.push(client);
    }
    let running = children(inetd.pid()).len();
    ensure(running == 3, || format!("{running} programs for three connections"))?;
    for client in &mut clients {
        ensure(client.get("/json")?.status == 200, || "no second answer".into())?;
    }
    drop(clients);
    ensure(inetd.is_alone(), || "a program stays whose client has left".into())
}

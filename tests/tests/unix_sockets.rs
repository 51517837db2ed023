//! Every architecture behind a Unix socket: requests, time limits, clients that leave, draining, and the socket's file.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::Instant;

use dyno_tests::limits::{ANSWER, AT_ONCE, COMPUTE_ROUNDS_PER_US, STOP, UNDERWAY};
use dyno_tests::load::load;
use dyno_tests::process::ends;
use dyno_tests::response::{Response, Scan};
use dyno_tests::rows::Row;
use dyno_tests::suite::{self, Outcome, ensure, mount, program};
use dyno_tests::wire::{get, get_and_close};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

fn main() -> ExitCode {
    let mut trials = Vec::new();
    let mut on = |name, run| mount(&mut trials, "unix_sockets", name, |_| true, run);
    on("carries-requests", carries);
    on("carries-load", carries_load);
    on("answers-who-only-ends-its-side", half_closed);
    on("ends-idle-connections", ends_idle);
    on("finishes-and-removes-the-socket", finishes);
    on("takes-the-place-of-a-server-that-was-killed", replaces);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// A server behind a socket in a directory of its own; it is killed when dropped.
struct Server {
    child: Child,
    place: TempDir,
}

impl Server {
    fn start(row: &Row, more: &[&str]) -> Result<Server, String> {
        let place = tempfile::tempdir().map_err(|error| error.to_string())?;
        Ok(Server { child: serve(row, &place.path().join("s"), more)?, place })
    }

    fn path(&self) -> PathBuf {
        self.place.path().join("s")
    }

    fn connect(&self) -> Result<Client, String> {
        let stream = UnixStream::connect(self.path()).map_err(|error| format!("cannot connect: {error}"))?;
        stream.set_read_timeout(Some(ANSWER)).map_err(|error| error.to_string())?;
        Ok(Client { stream, inbox: Vec::new() })
    }

    fn stop(&mut self) -> Outcome {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM)?;
        self.ended_well()
    }

    fn ended_well(&mut self) -> Outcome {
        ends(&mut self.child, STOP, "the server")?;
        let status = self.child.wait()?;
        ensure(status.success(), || status.to_string())?;
        ensure(!self.path().exists(), || "the socket is there still".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended, or is to end now; its children end with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server and waits for its ready line.
fn serve(row: &Row, path: &Path, more: &[&str]) -> Result<Child, String> {
    let mut command = Command::new(program());
    command.arg("serve").args(&row.arguments).args(more);
    command.args(["--listen", &format!("unix:{}", path.display()), "--json"]);
    command.args(["--compute-rounds-per-us", &COMPUTE_ROUNDS_PER_US.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| error.to_string())?;
    let mut out = BufReader::new(child.stdout.take().ok_or("no standard output")?);
    let mut line = String::new();
    out.read_line(&mut line).map_err(|error| error.to_string())?;
    let ready: serde_json::Value =
        serde_json::from_str(&line).map_err(|error| format!("{line:?}: {error}"))?;
    let fits = ready["ready"] == true && ready["address"] == format!("unix:{}", path.display());
    // Its account is short enough for the pipe, which must stay open for it.
    child.stdout = Some(out.into_inner());
    if fits { Ok(child) } else { Err(format!("a ready line that does not fit: {line}")) }
}

struct Client {
    stream: UnixStream,
    inbox: Vec<u8>,
}

impl Client {
    fn send(&mut self, octets: impl AsRef<[u8]>) -> Result<(), String> {
        self.stream.write_all(octets.as_ref()).map_err(|error| error.to_string())
    }

    fn response(&mut self, method: &str) -> Result<Response, String> {
        let mut piece = [0; 64 * 1024];
        loop {
            if let Scan::Complete(response, octets) = Response::scan(&self.inbox, method, false)? {
                self.inbox.drain(..octets);
                // Who has ended its side and waits is told that its request is worked on.
                if response.is_interim() {
                    continue;
                }
                return Ok(response);
            }
            match self.stream.read(&mut piece) {
                Ok(0) => return Err(format!("the end after {:?}", String::from_utf8_lossy(&self.inbox))),
                Ok(count) => self.inbox.extend_from_slice(&piece[..count]),
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    fn get(&mut self, path: &str) -> Result<Response, String> {
        self.send(get(path))?;
        self.response("GET")
    }

    /// The server's end, and nothing before it.
    fn ends(&mut self) -> Outcome {
        let count = self.stream.read(&mut [0; 1])?;
        ensure(count == 0, || "octets after the last answer".into())
    }
}

fn carries(row: &Row) -> Outcome {
    let mut server = Server::start(row, &[])?;
    let mut client = server.connect()?;
    for _ in 0..3 {
        ensure(client.get("/")?.text() == "Hello, World!", || "no greeting".into())?;
    }
    let body = vec![b'x'; 300_000];
    client
        .send(format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len()))?;
    client.send(&body)?;
    ensure(client.response("POST")?.body == body, || "not what was sent".into())?;
    let large = client.get("/bytes/3000000")?;
    ensure(large.body.len() == 3_000_000, || format!("{} octets", large.body.len()))?;
    client.send([get("/"), get("/wait/1000"), get("/json")].concat())?;
    for _ in 0..3 {
        ensure(client.response("GET")?.status == 200, || "a pipeline".into())?;
    }
    client.send(get_and_close("/"))?;
    ensure(client.response("GET")?.says_close(), || "the last does not say so".into())?;
    client.ends()?;
    drop(client);
    server.stop()
}

fn carries_load(row: &Row) -> Outcome {
    let mut server = Server::start(row, &[])?;
    let connections = row.clients(16);
    for (connections, more) in [(connections, ""), (row.clients(4), "--requests-per-connection 1")] {
        let url = format!("unix:{}:/json", server.path().display());
        let loaded = load(&url, &format!("-c {connections} -n 400 -w 0 -q --expect service {more}"))?;
        let counts = &loaded.outcome["counts"];
        ensure(counts["completed"] == 400 && counts["failed"] == 0, || {
            format!("{counts}; {}", loaded.stderr)
        })?;
    }
    server.stop()
}

fn half_closed(row: &Row) -> Outcome {
    let mut server = Server::start(row, &[])?;
    for path in ["/", "/compute/1000", "/wait/50000"] {
        let mut client = server.connect()?;
        client.send(get(path))?;
        client.stream.shutdown(Shutdown::Write)?;
        let status = client.response("GET")?.status;
        ensure(status == 200, || format!("{path}: {status}"))?;
        client.ends()?;
    }
    // Clients that are gone, with and without a request, hold up nobody.
    for place in 0..20 {
        let mut client = server.connect()?;
        if place % 2 == 0 {
            client.send(get("/bytes/100000"))?;
        }
    }
    ensure(server.connect()?.get("/")?.status == 200, || "nobody is served".into())?;
    server.stop()
}

/// Connections of a Unix socket inherit no time limit from their listener.
fn ends_idle(row: &Row) -> Outcome {
    let mut server = Server::start(row, &["--idle-time-ms", "500"])?;
    let mut client = server.connect()?;
    client.get("/")?;
    let since = Instant::now();
    client.ends()?;
    ensure(since.elapsed() < ANSWER / 2, || format!("after {:?}", since.elapsed()))?;
    drop(client);
    server.stop()
}

fn finishes(row: &Row) -> Outcome {
    let mut server = Server::start(row, &[])?;
    let mut clients = (0..row.clients(2)).map(|_| server.connect()).collect::<Result<Vec<_>, _>>()?;
    for client in &mut clients {
        client.get("/")?;
    }
    for client in &mut clients {
        client.send([get("/wait/600000"), get("/")].concat())?;
    }
    sleep(UNDERWAY);
    kill(Pid::from_raw(server.child.id().cast_signed()), Signal::SIGTERM)?;
    sleep(UNDERWAY);
    ensure(UnixStream::connect(server.path()).is_err(), || "a connection after the signal".into())?;
    for client in &mut clients {
        ensure(client.response("GET")?.text() == "waited 600000 us\n", || "no answer".into())?;
        ensure(client.response("GET")?.says_close(), || "the last does not say so".into())?;
    }
    let since = Instant::now();
    drop(clients);
    server.ended_well()?;
    ensure(since.elapsed() < 5 * AT_ONCE, || format!("took {:?} more", since.elapsed()))
}

/// The file of a server that could not remove it is replaced; a server that listens is not disturbed.
fn replaces(row: &Row) -> Outcome {
    let mut server = Server::start(row, &[])?;
    let second = Command::new(program())
        .args(["serve", row.architecture.name, "--listen", &format!("unix:{}", server.path().display())])
        .output()?;
    let said = String::from_utf8_lossy(&second.stderr);
    ensure(second.status.code() == Some(1) && said.contains("choose another path"), || said.into_owned())?;
    ensure(server.connect()?.get("/")?.status == 200, || "the first was disturbed".into())?;
    server.child.kill()?;
    server.child.wait()?;
    ensure(server.path().exists(), || "nobody could have removed it".into())?;
    // Children that share the listener end soon after their parent.
    let since = Instant::now();
    while UnixStream::connect(server.path()).is_ok() && since.elapsed() < STOP {
        sleep(UNDERWAY / 10);
    }
    server.child = serve(row, &server.path(), &[])?;
    ensure(server.connect()?.get("/")?.status == 200, || "the next does not serve".into())?;
    server.stop()
}

//! Superservers: ours, and openbsd-inetd with the same table where it is installed (its trials show as ignored
//! otherwise).

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, ExitCode, Output, Stdio};
use std::thread;
use std::time::Duration;

use dyno_tests::activator::{Activator, At, IDLE_EXIT, Kind, free_port, line, user};
use dyno_tests::limits::{ANSWER, STOP, UNDERWAY};
use dyno_tests::process::{children, ends, wait_until};
use dyno_tests::rows::{Row, rows};
use dyno_tests::spawner::{Confines, spawn};
use dyno_tests::suite::{self, Outcome, ensure, mount, mount_slow, program, quick};
use dyno_tests::wire::{Client, get};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::geteuid;
use serde_json::Value;

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    mount(&mut trials, "superserver", "starts-it-again-and-again", |_| true, |row| again(row, 2));
    mount(&mut trials, "superserver", "a-stop-lets-it-finish", |_| true, drains_wait);
    mount(&mut trials, "superserver", "starts-it-for-each-connection", Row::is_alone, nowait);
    mount_slow(&mut trials, "superserver", "100-starts-lose-no-connection", |_| true, |row| again(row, 100));
    for (kind, name) in [(Kind::Superserver, "ours"), (Kind::Inetd, "inetd")] {
        let absent = !kind.is_installed();
        let mut on = |what: &str, run: fn(Kind) -> Outcome| {
            let trial = quick(format!("superserver::{what}::{name}"), move || run(kind));
            trials.push(trial.with_kind(name).with_ignored_flag(absent));
        };
        on("one-table-for-both", one_table);
        on("a-table-that-is-read-again", read_again);
        on("programs-run-as-their-user", as_user);
        on("no-more-starts-in-a-minute-than-allowed", too_often);
    }
    let mut on = |what: &str, run: fn() -> Outcome| trials.push(quick(format!("superserver::{what}"), run));
    on("a-program-that-dies-at-once-rests", rests);
    on("a-table-with-faults-changes-nothing", faulty_table);
    on("a-program-that-is-gone-is-said", program_is_gone);
    on("connections-finish-when-it-stops", drains_nowait);
    on("a-second-signal-ends-it-at-once", second_signal);
    on("what-does-not-end-is-killed", killed_at_the_limit);
    on("what-it-says-of-itself", says);
    on("faults-are-told-by-their-lines", faults);
    on("a-port-that-is-taken", taken_port);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// A server that was not used for a while is started again for the next client, and no client notices.
fn again(row: &Row, rounds: usize) -> Outcome {
    let address = free_port()?;
    let at = At::Tcp(address);
    let table = line(&address.to_string(), "tcp", "wait.1000", row, &format!("--idle-exit {IDLE_EXIT}"));
    let ours = Activator::start(Kind::Superserver, &table, || at.listens())?;
    for round in 0..rounds {
        at.greets().map_err(|error| format!("round {round}: {error}; {}", ours.stderr()))?;
        // Some come while it is about to end.
        thread::sleep(Duration::from_millis(190 + 3 * (round % 10) as u64));
        at.greets().map_err(|error| format!("round {round}: {error}; {}", ours.stderr()))?;
        ensure(ours.is_alone(), || "a server stays that nobody uses".into())?;
    }
    ensure(ours.stderr().is_empty(), || ours.stderr())
}

fn drains_wait(row: &Row) -> Outcome {
    let address = free_port()?;
    let table = line(&address.to_string(), "tcp", "wait", row, "");
    let mut ours = Activator::start(Kind::Superserver, &table, || At::Tcp(address).listens())?;
    let mut client = Client::connect(address).map_err(|error| error.to_string())?;
    client.send(get("/wait/600000"));
    thread::sleep(UNDERWAY);
    wait_until(ANSWER, || !children(ours.pid()).is_empty()).ok_or("nothing was started")?;
    // The request must be in the server's hands.
    thread::sleep(UNDERWAY);
    kill(ours.pid(), Signal::SIGTERM)?;
    ensure(client.response("GET")?.status == 200, || "the request under way has suffered".into())?;
    drop(client);
    let status = ours.wait()?;
    ensure(status.success(), || format!("{status}; {}", ours.stderr()))
}

fn nowait(row: &Row) -> Outcome {
    let address = free_port()?;
    let table = line(&address.to_string(), "tcp", "nowait", row, "");
    let ours = Activator::start(Kind::Superserver, &table, || At::Tcp(address).listens())?;
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(address).map_err(|error| error.to_string())?;
        ensure(client.get("/")?.status == 200, || "no greeting".into())?;
        clients.push(client);
    }
    let running = children(ours.pid()).len();
    ensure(running == 3, || format!("{running} programs for three connections"))?;
    for client in &mut clients {
        ensure(client.get("/json")?.status == 200, || "no second answer".into())?;
    }
    drop(clients);
    ensure(ours.is_alone(), || "a program stays whose client has left".into())
}

fn row(name: &str) -> Result<Row, String> {
    rows().into_iter().find(|row| row.name == name).ok_or_else(|| format!("no row {name}"))
}

/// A line for another program.
fn other(service: &str, wait: &str, program: &str) -> String {
    format!("{service} stream tcp {wait} {} {program}\n", user())
}

/// Sends `text` and its end, and returns what comes back.
fn say(address: SocketAddr, text: &str) -> Result<String, String> {
    let failed = |error: std::io::Error| format!("{address}: {error}");
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    stream.set_read_timeout(Some(ANSWER)).map_err(failed)?;
    // A program that reads nothing may have ended.
    let _ = stream.write_all(text.as_bytes());
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = String::new();
    match stream.read_to_string(&mut answer) {
        Err(error) if error.kind() != std::io::ErrorKind::ConnectionReset => Err(failed(error)),
        _ => Ok(answer),
    }
}

/// Comments, hosts that count for later lines, lines that go on, paths and ports: both read them alike.
fn one_table(kind: Kind) -> Outcome {
    let (echo, shell, web) = (free_port()?, free_port()?, free_port()?);
    let place = tempfile::tempdir()?;
    let path = place.path().join("s");
    let (epoll, me) = (row("epoll")?, user());
    let more = format!("--idle-exit {IDLE_EXIT}");
    let table = format!(
        "# services\n\n127.0.0.1:\n{} stream tcp nowait {me} /bin/cat cat\n# more\n\
         127.0.0.1:{} stream tcp4,rcvbuf=64k nowait.50 {me} /bin/sh\n\tsh -c true;read\tline;echo\t$0:$line\n{}{}",
        echo.port(),
        shell.port(),
        line(&web.port().to_string(), "tcp", "wait", &epoll, &more),
        line(&path.display().to_string(), "unix", "wait", &epoll, &more),
    );
    let all = [At::Tcp(echo), At::Tcp(shell), At::Tcp(web), At::Unix(path)];
    let superserver = Activator::start(kind, &table, || all.iter().all(At::listens))?;
    let said = say(echo, "to and fro")?;
    ensure(said == "to and fro", || said)?;
    // Arguments are divided at blanks, whatever they mean: `sh -c true;read` with more arguments reads nothing.
    say(shell, "x\n")?;
    all[2].greets()?;
    all[3].greets()?;
    ensure(superserver.is_alone(), || "a program stays".into())
}

fn read_again(kind: Kind) -> Outcome {
    let (stays, goes, comes) = (free_port()?, free_port()?, free_port()?);
    let cat = |address: SocketAddr| other(&address.to_string(), "nowait", "/bin/cat cat");
    let superserver = Activator::start(kind, &(cat(stays) + &cat(goes)), || At::Tcp(goes).listens())?;
    let mut open = TcpStream::connect(stays)?;
    open.set_read_timeout(Some(ANSWER))?;
    open.write_all(b"before")?;
    superserver.read_again(&(cat(stays) + &cat(comes)))?;
    wait_until(ANSWER, || At::Tcp(comes).listens() && !At::Tcp(goes).listens()).ok_or("not read again")?;
    ensure(say(comes, "new")? == "new" && say(stays, "old")? == "old", || "a service does not serve".into())?;
    ensure(TcpStream::connect(goes).is_err(), || "it listens for what is gone".into())?;
    let mut echo = [0; 6];
    open.read_exact(&mut echo)?;
    ensure(&echo == b"before", || "a connection has suffered".into())
}

fn as_user(kind: Kind) -> Outcome {
    let (me, other) = (free_port()?, free_port()?);
    // Only root may start programs as somebody else.
    let name = if geteuid().is_root() { "nobody".to_owned() } else { user() };
    let table = format!(
        "{me} stream tcp nowait {} /usr/bin/id id -un\n{other} stream tcp nowait {name} /usr/bin/id id -un\n",
        user()
    );
    let _superserver = Activator::start(kind, &table, || At::Tcp(other).listens())?;
    for (address, name) in [(me, user()), (other, name)] {
        let said = say(address, "")?;
        ensure(said.trim() == name, || format!("{said:?} instead of {name}"))?;
    }
    Ok(())
}

fn too_often(kind: Kind) -> Outcome {
    let (limited, usual) = (free_port()?, free_port()?);
    let table = other(&limited.to_string(), "nowait.3", "/bin/cat cat")
        + &other(&usual.to_string(), "nowait", "/bin/cat cat");
    let superserver = Activator::start(kind, &table, || At::Tcp(usual).listens())?;
    // The start that reaches the limit is the last one of ours, and inetd does not make it.
    for _ in 0..if kind == Kind::Superserver { 3 } else { 2 } {
        ensure(say(limited, "x")? == "x", || "not served within the limit".into())?;
    }
    // What happens to the next one differs: inetd closes the socket for ten minutes, ours lets it wait for a minute.
    let mut next = TcpStream::connect(limited)?;
    next.set_read_timeout(Some(2 * UNDERWAY))?;
    next.write_all(b"x")?;
    ensure(!matches!(next.read(&mut [0; 1]), Ok(1)), || "it was served past the limit".into())?;
    for _ in 0..5 {
        ensure(say(usual, "x")? == "x", || "the other one suffers".into())?;
    }
    if kind == Kind::Superserver {
        let said = superserver.stderr();
        ensure(said.contains("line 1") && said.contains("started 3 times within a minute"), || said)?;
    }
    Ok(())
}

fn rests() -> Outcome {
    let (loops, serves) = (free_port()?, free_port()?);
    let table = other(&loops.to_string(), "wait", "/bin/false false")
        + &other(&serves.to_string(), "nowait", "/bin/cat cat");
    let ours = Activator::start(Kind::Superserver, &table, || At::Tcp(serves).listens())?;
    let _client = TcpStream::connect(loops)?;
    let resting = "line 1 (127.0.0.1";
    wait_until(ANSWER, || ours.stderr().matches(resting).count() >= 2).ok_or_else(|| ours.stderr())?;
    let said = ours.stderr();
    let words =
        ["/bin/false keeps ending as soon as it is started", "resting for 1.00 s", "resting for 2.00 s"];
    let missing: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
    ensure(missing.is_empty(), || format!("{missing:?} is missing in {said}"))?;
    ensure(say(serves, "x")? == "x", || "the other one suffers".into())
}

fn faulty_table() -> Outcome {
    let address = free_port()?;
    let cat = other(&address.to_string(), "nowait", "/bin/cat cat");
    let mut ours = Activator::start(Kind::Superserver, &cat, || At::Tcp(address).listens())?;
    ours.read_again(&format!("{cat}\n\n9 dgram udp wait root /bin/cat cat\n"))?;
    wait_until(ANSWER, || ours.stderr().contains("going on with the one before")).ok_or("not said")?;
    let said = ours.stderr();
    ensure(said.contains("line 4: \"dgram\""), || said)?;
    ensure(say(address, "x")? == "x", || "it does not go on".into())?;
    kill(ours.pid(), Signal::SIGTERM)?;
    let status = ours.wait()?;
    ensure(status.success(), || status.to_string())
}

fn program_is_gone() -> Outcome {
    let place = tempfile::tempdir()?;
    let copy = place.path().join("cat");
    fs::copy("/bin/cat", &copy)?;
    let (goes, stays) = (free_port()?, free_port()?);
    let table = other(&goes.to_string(), "nowait", &format!("{} cat", copy.display()))
        + &other(&stays.to_string(), "nowait", "/bin/cat cat");
    let ours = Activator::start(Kind::Superserver, &table, || At::Tcp(stays).listens())?;
    ensure(say(goes, "x")? == "x", || "not served while it is there".into())?;
    fs::remove_file(&copy)?;
    ensure(say(goes, "x")?.is_empty(), || "served by nobody".into())?;
    wait_until(ANSWER, || ours.stderr().contains("cannot start")).ok_or("not said")?;
    ensure(ours.stderr().contains("line 1"), || ours.stderr())?;
    ensure(say(stays, "x")? == "x", || "the other one suffers".into())
}

fn drains_nowait() -> Outcome {
    let address = free_port()?;
    let script = tempfile::tempdir()?;
    let file = script.path().join("slow");
    fs::write(&file, "sleep 0.6\necho done\n")?;
    let table = other(&address.to_string(), "nowait", &format!("/bin/sh sh {}", file.display()));
    let mut ours = Activator::start(Kind::Superserver, &table, || At::Tcp(address).listens())?;
    let client = thread::spawn(move || say(address, ""));
    wait_until(ANSWER, || !children(ours.pid()).is_empty()).ok_or("nothing was started")?;
    kill(ours.pid(), Signal::SIGTERM)?;
    let said = client.join().map_err(|_| "the client panicked")??;
    ensure(said == "done\n", || format!("{said:?}"))?;
    let status = ours.wait()?;
    ensure(status.success(), || status.to_string())?;
    let out = ours.stdout();
    let account: Value = serde_json::from_str(out.lines().last().unwrap_or_default())?;
    ensure(account["services"][0]["counts"]["started"] == 1, || account.to_string())
}

fn second_signal() -> Outcome {
    let address = free_port()?;
    let table = other(&address.to_string(), "nowait", "/bin/cat cat");
    let mut ours = Activator::start(Kind::Superserver, &table, || At::Tcp(address).listens())?;
    let _client = TcpStream::connect(address)?;
    wait_until(ANSWER, || !children(ours.pid()).is_empty()).ok_or("nothing was started")?;
    let left = children(ours.pid());
    kill(ours.pid(), Signal::SIGTERM)?;
    thread::sleep(UNDERWAY);
    kill(ours.pid(), Signal::SIGINT)?;
    let status = ours.wait()?;
    for one in left {
        let _ = kill(one, Signal::SIGKILL);
    }
    ensure(status.code() == Some(130), || status.to_string())
}

fn killed_at_the_limit() -> Outcome {
    let address = free_port()?;
    let place = tempfile::tempdir()?;
    let file = place.path().join("stubborn");
    fs::write(&file, "trap '' TERM\necho begun\nwhile :; do sleep 0.1; done\n")?;
    let table = other(&address.to_string(), "nowait", &format!("/bin/sh sh {}", file.display()));
    fs::write(place.path().join("services"), table)?;
    let mut command = Command::new(program());
    command.arg("superserver").arg(place.path().join("services")).args(["--drain", "0"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut ours = spawn(command, Confines::default())?;
    wait_until(ANSWER, || At::Tcp(address).listens()).ok_or("nobody listens")?;
    let mut client = TcpStream::connect(address)?;
    client.set_read_timeout(Some(ANSWER))?;
    client.read_exact(&mut [0; 6])?;
    kill(nix::unistd::Pid::from_raw(ours.id().cast_signed()), Signal::SIGTERM)?;
    ends(&mut ours, STOP, "the superserver")?;
    let status = ours.wait()?;
    ensure(status.success(), || status.to_string())?;
    ensure(client.read(&mut [0; 1])? == 0, || "the program is there still".into())
}

fn says() -> Outcome {
    let address = free_port()?;
    let table = other(&address.to_string(), "nowait", "/bin/cat cat");
    let ours = Activator::start(Kind::Superserver, &table, || At::Tcp(address).listens())?;
    wait_until(ANSWER, || ours.stdout().contains('\n')).ok_or("no ready line")?;
    let ready: Value = serde_json::from_str(ours.stdout().lines().next().unwrap_or_default())?;
    let service = &ready["services"][0];
    let fits = ready["ready"] == true
        && ready["pid"] == ours.pid().as_raw()
        && service["line"] == 1
        && service["address"] == address.to_string()
        && service["program"] == "/bin/cat";
    ensure(fits, || ready.to_string())
}

/// Runs the superserver with a table that it refuses.
fn refused(table: &str) -> Result<(Output, String), String> {
    let place = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = place.path().join("services");
    fs::write(&file, table).map_err(|error| error.to_string())?;
    let mut command = Command::new(program());
    command.arg("superserver").arg(&file).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawn(command, Confines::default()).map_err(|error| error.to_string())?;
    ends(&mut child, STOP, "a superserver that has nothing to do")?;
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok((output, said))
}

fn faults() -> Outcome {
    let me = user();
    let table = format!(
        "# a comment\n1 stream tcp nowait {me} /bin/cat\n3 stream tcp nowait nobody-at-all /bin/cat cat\n\
         4 stream tcp nowait {me} /no/such/program x\nno-such-service stream tcp nowait {me} /bin/cat cat\n"
    );
    let (output, said) = refused(&table)?;
    ensure(output.status.code() == Some(2), || format!("{}: {said}", output.status))?;
    let words = [
        "4 faults",
        "line 2: it has 6 of the seven fields",
        "line 3: there is no user \"nobody-at-all\"",
        "line 4: /no/such/program cannot be run",
        "line 5: \"no-such-service\" is no port",
        "SERVICE stream",
    ];
    let missing: Vec<_> = words.iter().filter(|word| !said.contains(**word)).collect();
    ensure(missing.is_empty(), || format!("{missing:?} is missing in {said}"))?;
    let (output, said) = refused("# nothing\n")?;
    ensure(output.status.code() == Some(2) && said.contains("no line names a service"), || said)
}

fn taken_port() -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let free = free_port()?;
    let cat = |address: SocketAddr| other(&address.to_string(), "nowait", "/bin/cat cat");
    let (output, said) = refused(&(cat(free) + &cat(address)))?;
    ensure(output.status.code() == Some(1), || format!("{}: {said}", output.status))?;
    ensure(said.contains("line 2") && said.contains(&address.to_string()), || said.clone())?;
    ensure(said.contains("another program listens there"), || said)
}

//! Waits that the kernel refuses, because it is short of memory for a moment: a server pauses and goes on.
//!
//! strace(1) lets the calls fail. Where it is not installed, or may not trace, these trials show as ignored.

use std::fs;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use dyno_servers::architecture::ServedBy;
use dyno_tests::limits::ANSWER;
use dyno_tests::process::{children, wait_until};
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, mount};
use dyno_tests::tool::is_installed;
use dyno_tests::wire::{Client, get};
use libtest_mimic::Trial;

/// Each call in which a server may wait for all its connections, or for one; a question mark: where the machine has it.
const WAITS: &str = "?select,?pselect6,?poll,?ppoll,?epoll_wait,?epoll_pwait,?epoll_pwait2,io_uring_enter";

/// What a kernel says that is short of memory, or of places in a queue.
const SHORTAGES: [&str; 3] = ["ENOMEM", "EAGAIN", "EBUSY"];

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    // What a runtime of tasks does about its own waits is not ours to decide.
    let waits_itself = |row: &Row| row.architecture.anatomy.served_by != ServedBy::Tasks;
    mount(&mut trials, "shortage", "refused-waits-end-no-server", waits_itself, refused_waits);
    let possible = is_installed("strace", &["-e", "trace=none", "true"]);
    trials = trials.into_iter().map(|trial| trial.with_kind("strace").with_ignored_flag(!possible)).collect();
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// strace, attached to a server until that ends: a call that strace has kept from the kernel when it leaves would
/// return something else.
struct Tracer(Child);

impl Tracer {
    /// Lets each seventh wait of `server` fail with `error` from now on, in all its threads and children.
    fn attach(server: &Server, error: &str) -> Result<Tracer, String> {
        let mut command = Command::new("strace");
        command.args(["-f", "-q", "-o", "/dev/null", "-e", &format!("trace={WAITS}")]);
        command.args(["-e", &format!("inject={WAITS}:error={error}:when=1+7")]);
        for pid in [server.pid].into_iter().chain(children(server.pid)) {
            command.args(["-p", &pid.to_string()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let tracer = Tracer(command.spawn().map_err(|error| error.to_string())?);
        let status = format!("/proc/{}/status", server.pid);
        let is_traced = || {
            let status = fs::read_to_string(&status).unwrap_or_default();
            status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0"))
        };
        wait_until(ANSWER, is_traced).map(|_| tracer).ok_or_else(|| "strace does not attach".into())
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // It ends by itself with the server; else the test has failed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn refused_waits(row: &Row) -> Outcome {
    for error in SHORTAGES {
        let server = Server::start_with(&row.with_workers("2"), None)?;
        let _tracer = Tracer::attach(&server, error)?;
        for round in 0..4 {
            let context = |failure: String| format!("{error}, round {round}: {failure}; {}", server.stderr());
            exchange(&server).map_err(context)?;
        }
        server.stop_well().map_err(|failure| format!("{error}: {failure}"))?;
    }
    Ok(())
}

/// A wait for a back end, a large answer that does not fit into the kernel, and one more request.
fn exchange(server: &Server) -> Result<(), String> {
    let client = Client::connect_narrow(65_536, server.address);
    let mut client = client.map_err(|error| error.to_string())?;
    client.send(get("/wait/20000"));
    let waited = client.response("GET")?.status;
    client.send(get("/bytes/1000000"));
    client.receive(Instant::now() + Duration::from_millis(50));
    let octets = client.response("GET")?.body.len();
    let greeted = client.get("/")?.status;
    if (waited, octets, greeted) == (200, 1_000_000, 200) {
        return Ok(());
    }
    Err(format!("{waited}, {octets} octets, {greeted}"))
}

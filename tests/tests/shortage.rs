//! Calls that fail for a moment: waits that the kernel refuses, because it is short of memory, and calls that a signal
//! interrupts. A server goes on, and nobody notices.
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

/// Each call that moves octets of a connection or takes one, and each wait: signal(7) lists them as interruptible. Not
/// read(2) and write(2), by which threads wake each other over an eventfd, and which no kernel interrupts there.
const INTERRUPTIBLE: &str = "readv,writev,recvfrom,sendto,recvmsg,sendmsg,accept4,?select,?pselect6,?poll,?ppoll,\
                             ?epoll_wait,?epoll_pwait,?epoll_pwait2,io_uring_enter";

/// What a kernel says that is short of memory, or of places in a queue.
const SHORTAGES: [&str; 3] = ["ENOMEM", "EAGAIN", "EBUSY"];

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    // What a runtime of tasks does about its own waits is not ours to decide, nor what it does about interrupted calls,
    // which do not happen to it: its sockets never wait.
    let waits_itself = |row: &Row| row.architecture.anatomy.served_by != ServedBy::Tasks;
    mount(&mut trials, "shortage", "refused-waits-end-no-server", waits_itself, refused_waits);
    let possible = is_installed("strace", &["-e", "trace=none", "true"]);
    mount(&mut trials, "shortage", "interrupted-calls-are-made-again", waits_itself, interrupted_calls);
    trials = trials.into_iter().map(|trial| trial.with_kind("strace").with_ignored_flag(!possible)).collect();
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// strace, attached to a server until that ends: a call that strace has kept from the kernel when it leaves would
/// return something else.
struct Tracer(Child);

impl Tracer {
    /// Lets each seventh of these `calls` of `server` fail with `error` from now on, in all its threads and children.
    fn attach(server: &Server, calls: &str, error: &str) -> Result<Tracer, String> {
        let mut command = Command::new("strace");
        command.args(["-f", "-q", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
        command.args(["-e", &format!("inject={calls}:error={error}:when=1+7")]);
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
        let _tracer = Tracer::attach(&server, WAITS, error)?;
        for round in 0..4 {
            let context = |failure: String| format!("{error}, round {round}: {failure}; {}", server.stderr());
            exchange(&server).map_err(context)?;
        }
        server.stop_well().map_err(|failure| format!("{error}: {failure}"))?;
    }
    Ok(())
}

fn interrupted_calls(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with_workers("2"), None)?;
    let _tracer = Tracer::attach(&server, INTERRUPTIBLE, "EINTR")?;
    for round in 0..4 {
        exchange(&server).map_err(|failure| format!("round {round}: {failure}; {}", server.stderr()))?;
    }
    server.stop_well().map(drop).map_err(Into::into)
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

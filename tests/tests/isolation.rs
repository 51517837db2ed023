//! What a handler that fails costs others, on every architecture: to whom each fault reaches, and whether the server is
//! there again. `dyno isolation` measures the same under load; here nothing depends on how fast the machine is.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use dyno_servers::architecture::{ServedBy, WaitsBy};
use dyno_tests::limits::{ANSWER, AT_ONCE, MAYBE, STOP, UNDERWAY};
use dyno_tests::process::{children, wait_until};
use dyno_tests::rows::Row;
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount, mount_slow};
use dyno_tests::wire::{Client, get, get_once};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// To whom a fault reaches, besides its own connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// To nobody.
    Nobody,
    /// To those whom the same process serves.
    ItsProcess,
    /// To those whom the same loop serves, and nobody outside knows who they are.
    ItsLoop,
    /// To everybody.
    Everybody,
}

use Reach::{Everybody, ItsLoop, ItsProcess, Nobody};

/// To whom a fault reaches that ends its process, and one that never ends.
const REACH: [(&str, Reach, Reach); 16] = [
    ("iterative", Everybody, Everybody),
    ("fork", Nobody, Nobody),
    ("prefork", ItsProcess, ItsProcess),
    ("thread-per-connection", Everybody, Nobody),
    ("thread-pool", Everybody, Nobody),
    ("leader-followers", Everybody, Nobody),
    ("select", Everybody, Everybody),
    ("poll", Everybody, Everybody),
    ("epoll", Everybody, Everybody),
    ("multi-reactor", Everybody, ItsLoop),
    ("half-sync-half-async", Everybody, Nobody),
    ("work-stealing", Everybody, Nobody),
    ("coroutines", Everybody, Everybody),
    // One thread at a time waits for events. It goes on with the task that they concern, and wakes no other; but one
    // that happens to be awake takes its place.
    ("tokio", Everybody, Everybody),
    ("hyper", Everybody, Everybody),
    ("io-uring", Everybody, Everybody),
];

/// What a fault does to the handler that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nature {
    /// It is caught, and its client told by a 500.
    Caught,
    /// Nothing that anybody notices at once.
    Hidden,
    /// Its process ends.
    EndsProcess,
    /// It never ends.
    NeverEnds,
}

impl Nature {
    fn of(fault: &str) -> Self {
        match fault {
            "panic" | "late-panic" => Nature::Caught,
            "leak" | "control" => Nature::Hidden,
            "spin" | "block" => Nature::NeverEnds,
            _ => Nature::EndsProcess,
        }
    }
}

fn main() -> ExitCode {
    let mut trials: Vec<Trial> = Vec::new();
    let everybody = |_: &Row| true;
    mount(&mut trials, "isolation", "control", everybody, |row| reaches(row, "control"));
    mount(&mut trials, "isolation", "panic", everybody, |row| reaches(row, "panic"));
    mount(&mut trials, "isolation", "late-panic", everybody, |row| reaches(row, "late-panic"));
    mount(&mut trials, "isolation", "abort", everybody, |row| reaches(row, "abort"));
    mount(&mut trials, "isolation", "overflow", everybody, |row| reaches(row, "overflow"));
    mount(&mut trials, "isolation", "block", everybody, |row| reaches(row, "block"));
    mount(&mut trials, "isolation", "kill", Row::has_processes, |row| reaches(row, "kill"));
    mount_slow(&mut trials, "isolation", "exit", everybody, |row| reaches(row, "exit"));
    mount_slow(&mut trials, "isolation", "spin", everybody, |row| reaches(row, "spin"));
    mount_slow(&mut trials, "isolation", "leak", everybody, |row| reaches(row, "leak"));
    mount(&mut trials, "isolation", "panics-are-counted", everybody, panics_are_counted);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// A client, and the process that serves it.
struct Guest {
    client: Client,
    served_by: Pid,
}

impl Guest {
    fn of(server: &Server) -> Result<Self, String> {
        let mut client =
            Client::connect(server.address).map_err(|error| format!("cannot connect: {error}"))?;
        let told = client.get("/fault/process")?;
        let text = String::from_utf8_lossy(&told.body);
        let pid = text.trim().parse().map_err(|_| format!("{} {text:?}", told.status))?;
        Ok(Guest { client, served_by: Pid::from_raw(pid) })
    }
}

fn reaches(row: &Row, fault: &str) -> Outcome {
    let known = REACH.iter().find(|(name, ..)| *name == row.architecture.name);
    let (_, of_end, of_no_end) = known.ok_or("no row in REACH: add this architecture")?;
    let reach = match Nature::of(fault) {
        Nature::Caught | Nature::Hidden => Nobody,
        Nature::EndsProcess => *of_end,
        Nature::NeverEnds => *of_no_end,
    };
    let is_by_chance =
        Nature::of(fault) == Nature::NeverEnds && row.architecture.anatomy.served_by == ServedBy::Tasks;
    let tries = if is_by_chance { TRIES_OF_CHANCE } else { 1 };
    let mut outcome = reaches_as_told(row, fault, reach);
    for _ in 1..tries {
        if outcome.is_err() {
            outcome = reaches_as_told(row, fault, reach);
        }
    }
    outcome
}

/// How often it is tried whether a fault reaches everybody that does so in most cases.
const TRIES_OF_CHANCE: usize = 5;

fn reaches_as_told(row: &Row, fault: &str, reach: Reach) -> Outcome {
    let server = Server::start_with(&row.with_workers("4"), None)?;
    // A server of one connection at a time has only clients that come later.
    let count = if row.is_alone() { 0 } else { 8 };
    let mut others: Vec<Guest> = (0..count).map(|_| Guest::of(&server)).collect::<Result<_, _>>()?;
    let mut culprit = Guest::of(&server)?;
    // Whoever has nothing to do sleeps by now.
    thread::sleep(UNDERWAY);
    match fault {
        "kill" => kill(culprit.served_by, Signal::SIGKILL)?,
        _ => {
            culprit.client.send(get(&format!("/fault/{fault}")));
        }
    }
    its_own_end(&mut culprit.client, fault)?;
    for other in &mut others {
        other.client.send(get("/"));
    }
    let is_hurt = |other: &Guest| match reach {
        Nobody => Some(false),
        ItsProcess => Some(other.served_by == culprit.served_by),
        ItsLoop => None,
        Everybody => Some(true),
    };
    let mut answered = 0;
    for (place, other) in others.iter_mut().enumerate().filter(|(_, other)| is_hurt(other) == Some(false)) {
        let status = other.client.response("GET").map_err(|error| format!("other {place}: {error}"))?.status;
        ensure(status == 200, || format!("other {place} got {status}"))?;
        answered += 1;
    }
    let deadline = Instant::now() + MAYBE;
    for (place, other) in others.iter_mut().enumerate().filter(|(_, other)| is_hurt(other) != Some(false)) {
        let response = other.client.response_by("GET", deadline)?;
        ensure(response.is_none() || reach == ItsLoop, || {
            format!("other {place} got {response:?}, and was to be hurt")
        })?;
        answered += usize::from(response.is_some());
        let ended = other.client.end.is_some();
        ensure(response.is_some() || ended == (Nature::of(fault) == Nature::EndsProcess), || {
            format!("other {place} ended: {:?}", other.client.end)
        })?;
    }
    ensure(reach != ItsLoop || answered > 0, || "of eight on four loops none was answered".into())?;
    drop(others);
    afterwards(row, server, &culprit, fault, reach)
}

/// How the fault ends for who sent it.
fn its_own_end(client: &mut Client, fault: &str) -> Outcome {
    match Nature::of(fault) {
        Nature::Caught => {
            let response = client.response("GET")?;
            ensure(response.status == 500 && response.says_close(), || format!("{response:?}"))?;
            ensure(client.read_to_end(ANSWER).is_some(), || "the connection goes on".into())
        }
        Nature::Hidden => {
            let status = client.response("GET")?.status;
            ensure(status == 200, || format!("{status}"))
        }
        Nature::EndsProcess => {
            let end = client.read_to_end(ANSWER);
            ensure(end.is_some() && client.inbox.is_empty(), || format!("{end:?}, {:?}", client.inbox))
        }
        Nature::NeverEnds => {
            let end = client.read_to_end(UNDERWAY);
            ensure(end.is_none() && client.inbox.is_empty(), || format!("{end:?}, {:?}", client.inbox))
        }
    }
}

/// What is left of the server.
fn afterwards(row: &Row, server: Server, culprit: &Guest, fault: &str, reach: Reach) -> Outcome {
    let never_ends = Nature::of(fault) == Nature::NeverEnds;
    match reach {
        Everybody if never_ends => {
            // The kernel takes the connection, and nobody answers.
            let mut client = Client::connect(server.address)?;
            client.send(get("/"));
            let response = client.response_by("GET", Instant::now() + MAYBE)?;
            ensure(response.is_none(), || format!("a new client got {response:?}"))
        }
        Everybody => {
            let address = server.address;
            let ended = server.wait(STOP)?;
            let code = match fault {
                "exit" => 1,
                "abort" => 128 + Signal::SIGABRT as i32,
                // On a stack that is none of a thread's, nobody tells an overflow from another fault of memory.
                _ => ended.code(),
            };
            ensure(ended.code() == code && code != 0, || format!("ended with {}", ended.status))?;
            let gone_within = match row.architecture.anatomy.waits_by {
                // The kernel takes a ring apart in the background, and an accept under way holds the listener.
                WaitsBy::IoUring => AT_ONCE,
                _ => Duration::ZERO,
            };
            let gone = wait_until(gone_within, || Client::connect(address).is_err());
            ensure(gone.is_some(), || "somebody listens still".into())
        }
        // Of many connections some fall to the loop that is lost.
        ItsLoop => Ok(()),
        Nobody | ItsProcess => {
            let status = get_once(server.address, "/")?.status;
            ensure(status == 200, || format!("a new client got {status}"))?;
            if reach == ItsProcess && !never_ends {
                let replaced = wait_until(AT_ONCE + Duration::from_secs(1), || {
                    let now = children(server.pid);
                    now.len() == 4 && !now.contains(&culprit.served_by)
                });
                ensure(replaced.is_some(), || {
                    format!("{} workers of {}", children(server.pid).len(), row.name)
                })?;
            }
            if never_ends {
                // Its handler sleeps for half a minute, for which a server that stops would wait.
                return Ok(());
            }
            server.stop_well().map(drop).map_err(Into::into)
        }
    }
}

/// A panic is counted and costs no worker, wherever it happens; more often than there are workers.
fn panics_are_counted(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with_workers("2"), None)?;
    for fault in ["late-panic", "panic", "late-panic", "late-panic", "panic"] {
        let mut client = Client::connect(server.address)?;
        client.send(get(&format!("/fault/{fault}")));
        its_own_end(&mut client, fault)?;
    }
    ensure(get_once(server.address, "/")?.status == 200, || "no 200".into())?;
    let faults = server.stop_well()?.total.faults;
    ensure(faults == 5, || format!("5 panics, {faults} counted"))
}

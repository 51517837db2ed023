//! `dyno demo restart`: a server is replaced by a new one under load, in two ways, and the clients count what they
//! lose.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::{self, sleep};

use dyno_servers::architectures::leader_followers::LEADER_FOLLOWERS;
use dyno_units::show;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Deserialize;

use super::stage::Stage;
use super::{Choices, Demo};
use crate::exit::Failure;
use crate::limits::{RESTART_CLIENTS, RESTART_PATIENCE, RESTART_PAUSE, RESTART_TIMES};

pub(crate) const DEMO: Demo = Demo {
    name: "restart",
    idea: "a server is replaced under load: by a socket of its own at the same port, and by the old one's socket",
    run,
};

/// What each client asks for, each time on a new connection: so there is always somebody in the queue.
const REQUEST: &str = "GET /wait/2000 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// How the new server comes to its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// It opens one of its own at the same port.
    ReusePort,
    /// It gets that of the old one.
    TakeOver,
}

/// A server in a process of its own, which is ended when the value is dropped.
struct Server {
    child: Child,
    address: SocketAddr,
}

#[derive(Deserialize)]
struct Ready {
    address: SocketAddr,
}

impl Server {
    fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        // One worker, who accepts the next connection when it is free, and waits for each client as long as it takes.
        command.args(["serve", LEADER_FOLLOWERS.name, "--workers", "1", "--json"]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().ok_or_else(|| io::Error::other("no output"))?);
        let said = out.read_line(&mut line);
        // Its account fits into the pipe, which stays open for it.
        child.stdout = Some(out.into_inner());
        match (said, serde_json::from_str::<Ready>(&line)) {
            (Ok(_), Ok(ready)) => Ok(Server { child, address: ready.address }),
            _ => {
                drop(Server { child, address: SocketAddr::from(([0; 4], 0)) });
                Err(io::Error::other(format!("a server does not start: {line:?}")))
            }
        }
    }

    /// The first one.
    fn first(way: Way) -> io::Result<Self> {
        let option = match way {
            Way::ReusePort => "--reuse-port",
            Way::TakeOver => "--hand-over",
        };
        Server::start(&["--listen", "127.0.0.1:0", option])
    }

    /// A new one, which serves beside this one.
    fn next(&self, way: Way) -> io::Result<Self> {
        match way {
            Way::ReusePort => Server::start(&["--listen", &self.address.to_string(), "--reuse-port"]),
            Way::TakeOver => Server::start(&["--take-over", &self.child.id().to_string()]),
        }
    }

    /// Waits for its end. With a socket of its own it has to be asked.
    fn end(mut self, way: Way) -> io::Result<()> {
        if way == Way::ReusePort {
            kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM)?;
        }
        self.child.wait().map(drop)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the clients have seen.
#[derive(Debug, Default)]
struct Seen {
    is_over: AtomicBool,
    answered: AtomicU64,
    lost: AtomicU64,
}

impl Seen {
    /// A client that comes again and again.
    fn ask(&self, address: SocketAddr) {
        while !self.is_over.load(SeqCst) {
            let count = if exchange(address).unwrap_or(false) { &self.answered } else { &self.lost };
            count.fetch_add(1, SeqCst);
        }
    }
}

/// Whether one request was answered.
fn exchange(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, RESTART_PATIENCE)?;
    stream.set_read_timeout(Some(RESTART_PATIENCE))?;
    stream.write_all(REQUEST.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    // A server that drains may say first that it works on the request (100, RFC 9110, 15.2.1).
    Ok(answer.contains("HTTP/1.1 200 "))
}

/// Replaces a server again and again while clients ask; how many requests were answered, and how many were lost.
fn restarts(way: Way) -> io::Result<(u64, u64)> {
    let seen = Seen::default();
    let mut server = Server::first(way)?;
    let address = server.address;
    thread::scope(|scope| {
        for _ in 0..RESTART_CLIENTS {
            scope.spawn(|| seen.ask(address));
        }
        let outcome = (0..RESTART_TIMES).try_for_each(|_| {
            sleep(RESTART_PAUSE);
            let next = server.next(way)?;
            std::mem::replace(&mut server, next).end(way)
        });
        seen.is_over.store(true, SeqCst);
        outcome
    })?;
    Ok((seen.answered.load(SeqCst), seen.lost.load(SeqCst)))
}

fn run(stage: &mut Stage, _: &Choices) -> Result<(), Failure> {
    let failed = |error| {
        Failure::failed(format!("the demonstration failed: {error}"), "try again; it needs 127.0.0.1")
    };
    let told = |stage: &Stage, (answered, lost): (u64, u64)| {
        let answered = show::many(answered, "request");
        stage.says("Clients", format!("{answered} answered, {lost} refused or reset"));
    };
    stage.scene("Two sockets at one port (SO_REUSEPORT)");
    let times = show::many(RESTART_TIMES.into(), "time");
    stage
        .says("Operator", format!("starts a new server beside the old one, then stops the old one, {times}"));
    stage.says("Kernel", "each socket has a queue of its own, and each client stands in one of them");
    let apart = restarts(Way::ReusePort).map_err(failed)?;
    told(stage, apart);
    stage.verdict("whoever stands in the queue of the old server when it closes is reset", apart.1 > 0);
    stage.scene("One socket for both (SCM_RIGHTS)");
    stage.says("Operator", format!("dyno serve NAME --take-over PID, {times}"));
    stage.says(
        "Old",
        "passes its socket, goes on until the new one is ready, accepts nothing more, and drains",
    );
    let together = restarts(Way::TakeOver).map_err(failed)?;
    told(stage, together);
    stage.verdict(
        "there is one queue, and somebody serves it all the time",
        together.1 == 0 && together.0 > 0,
    );
    Ok(())
}

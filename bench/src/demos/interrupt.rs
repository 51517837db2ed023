//! `dyno demo interrupt`: a request that nobody wants any more, stopped in the textbooks' three ways on every
//! architecture; and one that cannot be stopped.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use dyno_servers::architecture::Architecture;
use dyno_servers::architectures::ALL;
use dyno_servers::architectures::readiness::epoll::EPOLL;
use dyno_servers::kit::listen::ListenAddress;
use dyno_servers::under_way::urgent::UrgentBy;
use dyno_units::show;
use nix::sys::socket::{MsgFlags, send};
use serde::Deserialize;

use super::stage::Stage;
use super::{Choices, Demo};
use crate::control::{ListedRequest, list, order};
use crate::exit::Failure;
use crate::limits::{INTERRUPT_LOOK, INTERRUPT_PATIENCE};

pub(crate) const DEMO: Demo = Demo {
    name: "interrupt",
    idea: "a long request is stopped by leaving, by urgent data and by an order, on every architecture",
    run,
};

/// What the clients ask for: a minute of waiting for a back end.
const LONG: &str = "/wait/60000000";

/// Half a second of computing.
const BUSY: &str = "/compute/500000";

/// The three ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Leave,
    Urgent,
    Order,
}

/// A server in a process of its own, which is ended when the value is dropped.
struct Stopped {
    child: Child,
    address: SocketAddr,
    door: ListenAddress,
}

#[derive(Deserialize)]
struct Ready {
    address: SocketAddr,
    control: String,
}

impl Stopped {
    fn start(architecture: &Architecture) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["serve", architecture.name, "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"]);
        if architecture.anatomy.urgent_by() != UrgentBy::Nothing {
            command.arg("--urgent");
        }
        command.arg("--json").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let mut line = String::new();
        let said = child.stdout.take().map(|stdout| BufReader::new(stdout).read_line(&mut line));
        let ready = serde_json::from_str::<Ready>(&line).ok();
        let door = ready.as_ref().and_then(|ready| ready.control.parse().ok());
        match (said, ready, door) {
            (Some(Ok(_)), Some(ready), Some(door)) => Ok(Stopped { child, address: ready.address, door }),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                Err(io::Error::other(format!("{} does not start: {line:?}", architecture.name)))
            }
        }
    }

    /// A client that has sent a request.
    fn ask(&self, path: &str) -> io::Result<TcpStream> {
        let mut client = TcpStream::connect(self.address)?;
        client.set_read_timeout(Some(INTERRUPT_PATIENCE))?;
        client.write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
        Ok(client)
    }

    /// Waits until what is under way is as wanted.
    fn until(&self, wanted: impl Fn(&[ListedRequest]) -> bool) -> Result<Option<ListedRequest>, Failure> {
        let start = Instant::now();
        loop {
            let listed = list(&self.door)?.requests;
            if wanted(&listed) {
                return Ok(listed.into_iter().next());
            }
            if start.elapsed() > INTERRUPT_PATIENCE {
                return Err(Failure::failed("a request was neither taken up nor let go", "try again"));
            }
            sleep(INTERRUPT_LOOK);
        }
    }

    fn until_waiting(&self) -> Result<Option<ListedRequest>, Failure> {
        self.until(|listed| listed.iter().any(|one| one.stage == "waiting"))
    }

    /// Stops a long request, and says how soon the server has let go of it, and what its client was told.
    fn stop(&self, way: Way) -> Result<(Duration, String), Failure> {
        let mut client = self.ask(LONG).map_err(failed)?;
        let request = self.until_waiting()?;
        let start = Instant::now();
        match (way, request) {
            (Way::Leave, _) => {
                drop(client);
                self.until(<[ListedRequest]>::is_empty)?;
                return Ok((start.elapsed(), String::new()));
            }
            (Way::Urgent, _) => {
                send(client.as_raw_fd(), b"!", MsgFlags::MSG_OOB).map_err(|error| failed(error.into()))?;
            }
            (Way::Order, Some(request)) => order(&self.door, request.id, "cancel")?,
            (Way::Order, None) => {}
        }
        let told = status_line(&mut client);
        Ok((start.elapsed(), told))
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn failed(error: io::Error) -> Failure {
    Failure::failed(format!("the demonstration failed: {error}"), "try again; it needs 127.0.0.1")
}

/// The first line of the answer; what was read until then if there is none.
fn status_line(client: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let mut piece = [0; 512];
    while !answer.contains(&b'\r') {
        match client.read(&mut piece) {
            Ok(0) | Err(_) => break,
            Ok(count) => answer.extend_from_slice(&piece[..count]),
        }
    }
    let text = String::from_utf8_lossy(&answer);
    text.lines().next().unwrap_or_default().to_owned()
}

fn run(stage: &mut Stage, _: &Choices) -> Result<(), Failure> {
    one(stage)?;
    upload(stage)?;
    everybody(stage)?;
    unstoppable(stage)
}

/// What each party sees, on one architecture.
fn one(stage: &mut Stage) -> Result<(), Failure> {
    stage.scene("A request that nobody wants any more");
    let server = Stopped::start(&EPOLL).map_err(failed)?;
    stage.says("Client", format!("GET {LONG}: an answer that takes a minute"));
    let mut client = server.ask(LONG).map_err(failed)?;
    let request = server.until_waiting()?;
    let shown = request.as_ref().map_or_else(String::new, |one| {
        format!("request {} of process {}: {}, {}", one.id, one.process, one.request, one.stage)
    });
    stage.says("Operator", format!("dyno control {}: {shown}", server.door));
    let id = request.map_or(0, |one| one.id);
    order(&server.door, id, "hold")?;
    let held = server.until_waiting()?.is_some_and(|one| one.order == "hold");
    stage.says("Operator", format!("hold {id}: it goes no further, whatever its back end says"));
    order(&server.door, id, "resume")?;
    let resumed = server.until_waiting()?.is_some_and(|one| one.order == "go");
    stage.says("Operator", format!("resume {id}, and then: cancel {id}"));
    order(&server.door, id, "cancel")?;
    let told = status_line(&mut client);
    stage.says("Client", format!("is told: {told}"));
    let is_told = told.starts_with("HTTP/1.1 503");
    stage.verdict(
        "whoever runs the server decides what it works on, by a second door",
        held && resumed && is_told,
    );
    Ok(())
}

/// A request that has not come whole.
fn upload(stage: &mut Stage) -> Result<(), Failure> {
    stage.scene("The wrong file");
    let server = Stopped::start(&EPOLL).map_err(failed)?;
    let mut client = TcpStream::connect(server.address).map_err(failed)?;
    client.set_read_timeout(Some(INTERRUPT_PATIENCE)).map_err(failed)?;
    let head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n";
    client.write_all(format!("{head}the wrong file, slowly").as_bytes()).map_err(failed)?;
    stage.says("Client", "POST /echo: begins to send a million octets, slowly");
    let request = server.until(|listed| listed.iter().any(|one| one.stage == "receiving"))?;
    stage.says("Operator", "dyno control: the server is receiving it; cancel");
    let start = Instant::now();
    order(&server.door, request.map_or(0, |one| one.id), "cancel")?;
    let is_cut = status_line(&mut client).is_empty() && start.elapsed() < INTERRUPT_PATIENCE;
    stage.says("Client", format!("is cut off after {}", show::time(start.elapsed().as_nanos() as f64)));
    server.until(<[ListedRequest]>::is_empty)?;
    stage.verdict(
        "what has not come whole needs no answer: its connection ends, and with it its memory",
        is_cut,
    );
    Ok(())
}

/// All three ways, everywhere.
fn everybody(stage: &mut Stage) -> Result<(), Failure> {
    stage.scene("Three ways: the client leaves, it sends urgent data, somebody gives an order");
    let mut slowest = Duration::ZERO;
    let mut is_told = true;
    for architecture in ALL {
        let Ok(server) = Stopped::start(architecture) else {
            stage.says("Narrator", format!("{} does not start on this system", architecture.name));
            continue;
        };
        let (left, _) = server.stop(Way::Leave)?;
        let (ordered, by_order) = server.stop(Way::Order)?;
        let by = architecture.anatomy.urgent_by();
        let urgent = (by != UrgentBy::Nothing).then(|| server.stop(Way::Urgent)).transpose()?;
        let time = |time: Duration| show::time(time.as_nanos() as f64);
        let seen = match &urgent {
            Some((urgent, _)) => format!("{} ({})", time(*urgent), by.name()),
            None => "not seen".into(),
        };
        let (left_in, ordered_in) = (time(left), time(ordered));
        let text = format!("{}: left {left_in}; ordered {ordered_in}; urgent {seen}", architecture.name);
        stage.says("Server", text);
        is_told &= by_order.starts_with("HTTP/1.1 503");
        is_told &= urgent.as_ref().is_none_or(|(_, told)| told.starts_with("HTTP/1.1 503"));
        slowest = urgent.map_or(slowest, |(urgent, _)| slowest.max(urgent)).max(left).max(ordered);
    }
    stage.verdict(
        "every design lets go of a minute of waiting at once, if it looks at more than the one thing it waits for",
        is_told && slowest < INTERRUPT_PATIENCE,
    );
    stage.says(
        "Narrator",
        "RFC 6093 advises against urgent data: systems differ in which octet is meant, machines on the way make it \
         an ordinary one, and no secure transport protects it",
    );
    Ok(())
}

/// A handler that computes on the only thread of a loop.
fn unstoppable(stage: &mut Stage) -> Result<(), Failure> {
    stage.scene("What cannot be stopped: a handler that computes");
    let server = Stopped::start(&EPOLL).map_err(failed)?;
    stage.says("Client", format!("GET {BUSY}: half a second of work on the only thread of a loop"));
    let mut client = server.ask(BUSY).map_err(failed)?;
    let request = server.until(|listed| !listed.is_empty())?;
    let start = Instant::now();
    order(&server.door, request.map_or(0, |one| one.id), "cancel")?;
    let taken = start.elapsed();
    let told = status_line(&mut client);
    let ended = start.elapsed();
    let time = |time: Duration| show::time(time.as_nanos() as f64);
    stage.says("Operator", format!("cancel: taken after {}, while the loop computes", time(taken)));
    stage.says("Client", format!("is told after {}, when the handler has returned: {told}", time(ended)));
    stage.verdict(
        "an order waits until somebody looks: between two looks nothing stops a handler but the end of its process",
        told.starts_with("HTTP/1.1 503"),
    );
    Ok(())
}

//! The trace of every architecture: each request of a traced connection passes its points in their order, whoever
//! serves it, and one that is not traced leaves nothing.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use dyno_security::transport::Transport;
use dyno_servers::architecture::{HandOvers, Knob, Started};
use dyno_servers::trace::event::TracePoint;
use dyno_servers::trace::reader::{LaneEvent, TraceReader};
use dyno_tests::rows::Row;
use dyno_tests::secure::{Secure, friends, make_credentials, serve};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::{Client, get};
use libtest_mimic::Trial;

/// How long events are waited for that are certain to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is asked for on one connection: an answer at once, one after a wait, and one after some work.
const PATHS: [&str; 3] = ["/", "/wait/2000", "/compute/50"];

fn main() -> ExitCode {
    let _credentials = make_credentials();
    let mut trials: Vec<Trial> = Vec::new();
    let mut on = |name, fits: fn(&Row) -> bool, run| mount(&mut trials, "trace", name, fits, run);
    on("a-request-passes-its-points-in-order", |_| true, in_order);
    on("a-request-behind-the-channel-does-so", |_| true, |row| behind(row, Transport::Channel));
    on("a-request-behind-tls-does-so", |_| true, |row| behind(row, Transport::Tls));
    on("requests-in-one-packet-are-told-apart", |_| true, pipelined);
    on("an-untraced-connection-leaves-nothing", |_| true, untraced);
    on("a-refused-connection-is-noted", |row| row.reads(Knob::MaxConnections) && !row.is_alone(), refused);
    on("workers-tell-who-they-are", |_| true, workers);
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// Reads what a server has written until it is enough.
struct Written {
    reader: TraceReader,
    events: Vec<LaneEvent>,
}

impl Written {
    fn of(server: &Server) -> Result<Self, String> {
        let path = server.trace.as_ref().ok_or("no trace in the ready line")?;
        let reader = TraceReader::open(Path::new(path)).map_err(|error| format!("{path}: {error}"))?;
        Ok(Written { reader, events: Vec::new() })
    }

    /// Waits until `enough` have come; the events in the order of time.
    fn until(&mut self, what: &str, enough: impl Fn(&[LaneEvent]) -> bool) -> Result<&[LaneEvent], String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let look = self.reader.read(&mut self.events);
            if look.overtaken > 0 {
                return Err(format!("{} events were overtaken", look.overtaken));
            }
            self.events.sort_by_key(|event| event.event.time_ns);
            if enough(&self.events) {
                return Ok(&self.events);
            }
            if Instant::now() >= deadline {
                return Err(format!("{what} is not there: {:?}", self.events));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn count(events: &[LaneEvent], point: TracePoint) -> usize {
    events.iter().filter(|event| event.event.point == point).count()
}

/// The points of a request of this architecture, which waits or not.
fn expected(row: &Row, waits: bool) -> Vec<TracePoint> {
    let mut points = vec![TracePoint::Whole];
    if row.architecture.anatomy.hand_overs == HandOvers::PerRequest {
        points.extend([TracePoint::Queued, TracePoint::Taken]);
    }
    points.extend([TracePoint::Begins, TracePoint::Served]);
    if waits {
        points.extend([TracePoint::Waits, TracePoint::Resumes]);
    }
    points.extend([TracePoint::Answered, TracePoint::Written]);
    points
}

/// All requests on the only connection have passed their points in order.
fn check(row: &Row, events: &[LaneEvent], paths: &[&str]) -> Outcome {
    let all: Vec<_> = events.iter().filter(|one| one.event.worker().is_none()).map(|one| one.event).collect();
    let accepted =
        all.iter().find(|event| event.point == TracePoint::Accepted).ok_or("nothing was accepted")?;
    for (index, path) in paths.iter().enumerate() {
        let number = index as u16 + 1;
        let of: Vec<_> = all
            .iter()
            .filter(|event| event.connection == accepted.connection && event.request == number)
            .filter(|event| event.peer().is_none())
            .collect();
        let wanted = expected(row, path.starts_with("/wait"));
        // A connection is taken up as well, and some read a request in parts.
        let whole = of.iter().position(|event| event.point == TracePoint::Whole);
        let passed: Vec<TracePoint> = of[whole.unwrap_or(0)..].iter().map(|event| event.point).collect();
        let passed: Vec<TracePoint> = passed
            .into_iter()
            .filter(|point| *point != TracePoint::Closed && *point != TracePoint::FirstOctets)
            .collect();
        ensure(passed == wanted, || format!("request {number} ({path}) passed {passed:?}, not {wanted:?}"))?;
        let status = of.iter().find(|event| event.point == TracePoint::Answered).map(|event| event.detail);
        ensure(status == Some(200), || format!("request {number} ended with {status:?}"))?;
        ensure(of.iter().all(|event| event.time_ns >= accepted.time_ns), || "before it was accepted".into())?;
    }
    ensure(all.iter().any(|event| event.point == TracePoint::Taken), || {
        "nobody has taken the connection".into()
    })
}

fn in_order(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--trace", "100%"]), None)?;
    let mut written = Written::of(&server)?;
    let mut client = Client::connect(server.address)?;
    for path in PATHS {
        client.get(path)?;
    }
    let events = written
        .until("the end of the last answer", |events| count(events, TracePoint::Written) == PATHS.len())?;
    check(row, events, &PATHS)?;
    drop(client);
    written.until("the end of the connection", |events| count(events, TracePoint::Closed) == 1)?;
    server.stop_well()?;
    Ok(())
}

fn behind(row: &Row, transport: Transport) -> Outcome {
    let server = serve(row, transport, &["--trace", "100%"])?;
    let mut written = Written::of(&server)?;
    let mut client = Secure::connect(&server, transport, friends())?;
    for path in PATHS {
        client.exchange(get(path), "GET")?;
    }
    let events = written
        .until("the end of the last answer", |events| count(events, TracePoint::Written) == PATHS.len())?;
    check(row, events, &PATHS)
}

/// Requests that arrive together have each their own events, and none is written before it is answered.
fn pipelined(row: &Row) -> Outcome {
    const TOGETHER: usize = 5;
    let server = Server::start_with(&row.with(&["--trace", "100%"]), None)?;
    let mut written = Written::of(&server)?;
    let mut client = Client::connect(server.address)?;
    client.send(get("/").repeat(TOGETHER));
    for _ in 0..TOGETHER {
        client.response("GET")?;
    }
    let events = written
        .until("the end of the last answer", |events| count(events, TracePoint::Written) == TOGETHER)?;
    for number in 1..=TOGETHER as u16 {
        let of =
            |point| events.iter().filter(move |one| one.event.point == point && one.event.request == number);
        for point in [TracePoint::Whole, TracePoint::Begins, TracePoint::Answered, TracePoint::Written] {
            ensure(of(point).count() == 1, || {
                format!("request {number}: {} times {point}", of(point).count())
            })?;
        }
        let times = |point| of(point).map(|one| one.event.time_ns).min();
        ensure(times(TracePoint::Answered) <= times(TracePoint::Written), || {
            format!("request {number} is out of order")
        })?;
    }
    Ok(())
}

fn untraced(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--trace", "0%"]), None)?;
    let mut written = Written::of(&server)?;
    let mut client = Client::connect(server.address)?;
    for path in PATHS {
        client.get(path)?;
    }
    drop(client);
    let accepted = written.reader.connections();
    ensure(accepted == 1, || format!("{accepted} connections were accepted"))?;
    // From now on all are traced, so that there is something to wait for.
    written.reader.set_share(1.0);
    Client::connect(server.address)?.get("/")?;
    let events = written.until("a traced request", |events| count(events, TracePoint::Answered) == 1)?;
    let connections: BTreeSet<u32> =
        events.iter().filter(|one| one.event.worker().is_none()).map(|one| one.event.connection).collect();
    ensure(connections == BTreeSet::from([2]), || format!("events of {connections:?}"))
}

fn refused(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--trace", "100%", "--max-connections", "1"]), None)?;
    let mut written = Written::of(&server)?;
    let mut first = Client::connect(server.address)?;
    first.get("/")?;
    let mut second = Client::connect(server.address)?;
    second.read_to_end(PATIENCE);
    let events = written.until("the refusal", |events| count(events, TracePoint::Refused) == 1)?;
    let connection =
        events.iter().find(|one| one.event.point == TracePoint::Refused).map(|one| one.event.connection);
    ensure(connection == Some(2), || format!("connection {connection:?} was refused"))
}

/// Who writes is a thread of the server or of a worker that it has forked; where each connection has a worker of its
/// own, somebody else serves it than has accepted it.
fn workers(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with(&["--trace", "100%"]), None)?;
    let mut written = Written::of(&server)?;
    let mut client = Client::connect(server.address)?;
    client.get("/")?;
    let events = written.until("the answer", |events| count(events, TracePoint::Answered) == 1)?;
    let lane = |point| events.iter().find(|one| one.event.point == point).map(|one| one.lane);
    let who = |lane: Option<u16>| {
        let born = events.iter().filter(|one| Some(one.lane) == lane).find_map(|one| one.event.worker());
        born.ok_or("a lane without a birth")
    };
    let (accepts, serves) = (who(lane(TracePoint::Accepted))?, who(lane(TracePoint::Begins))?);
    let own = server.pid.as_raw().cast_unsigned();
    if row.has_processes() {
        ensure(serves.0 != own, || format!("process {own} serves by itself"))?;
    } else {
        ensure(serves.0 == own && accepts.0 == own, || format!("{accepts:?} {serves:?}, not {own}"))?;
    }
    let is_new = matches!(row.architecture.anatomy.started, Started::Process | Started::Thread);
    ensure(!is_new || accepts != serves, || format!("{accepts:?} accepts and serves"))
}

//! Slow clients hold connections and no workers: others are served at once while they stay.

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError, RwLock};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use dyno_security::channel::message::MessageKind;
use dyno_security::transport::Transport;
use dyno_servers::architecture::{Knob, ServedBy, Started, WaitsBy};
use dyno_tests::attack::{Attack, Slow};
use dyno_tests::rows::{Row, rows};
use dyno_tests::secure::{Secure, first_message, friends, make_credentials, serve};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::{Client, get, get_once};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Slow clients at once: more than three for each worker of a pool.
const SLOW: usize = 200;

/// How long an honest client is let wait: far below the time-outs of the slow ones, which are ten seconds and more, and
/// far above what it takes.
const PROMPT: Duration = Duration::from_secs(5);

/// As [`PROMPT`], for designs that serve one connection at a time: all slow ones that came before are served first.
const IN_TURN: Duration = Duration::from_secs(10);

/// How long the attack lasts.
const ATTACK: Duration = Duration::from_secs(1);

/// Time between two honest clients.
const HONEST_PACE: Duration = Duration::from_millis(100);

/// Trials at a time: an attack mostly waits, and one that opens thousands of connections is alone with its descriptors.
const SIDE_BY_SIDE: usize = 6;

/// Who serves one connection at a time needs its core at once: its attack has no other beside it. It writes,
/// the others read.
static ATTACKS: RwLock<()> = RwLock::new(());

/// Held by whoever opens thousands of connections.
static CROWD: Mutex<()> = Mutex::new(());

fn main() -> ExitCode {
    // Trials side by side open more connections than most shells allow.
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit can be read");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("the limit may be raised to its bound");
    let _credentials = make_credentials();
    let mut trials = Vec::new();
    let everybody = |_: &Row| true;
    let mut on = |name, run| mount(&mut trials, "slow_clients", name, everybody, run);
    on("silent-and-slow-clients-stop-nobody", |row| {
        // Readers are few, because the kernel takes megabytes for each before it is felt that it does not read.
        let (silent, head, body) = (Slow::Silent, Slow::Head, Slow::Body);
        let kinds = [silent.clone(), head.clone(), body.clone(), silent, head, body, Slow::Reader];
        attacked(row, Transport::Plain, &kinds)
    });
    on("more-clients-than-workers-stay", |row| more_than_workers(row, Transport::Plain));
    on("more-clients-than-workers-stay-by-channel", |row| more_than_workers(row, Transport::Channel));
    on("more-clients-than-workers-stay-by-tls", |row| more_than_workers(row, Transport::Tls));
    on("busy-clients-share-the-workers", busy_share);
    on("half-open-handshakes-stop-nobody-by-channel", |row| handshakes(row, Transport::Channel));
    on("half-open-handshakes-stop-nobody-by-tls", |row| handshakes(row, Transport::Tls));
    // A set of select(2) has 1,024 places, so many processes are too many for a test, and who serves one connection
    // at a time comes to nobody else among so many.
    let by_the_thousand = |row: &Row| {
        let anatomy = row.architecture.anatomy;
        let is_small = anatomy.waits_by == WaitsBy::Select || anatomy.started == Started::Process;
        !is_small && !row.is_alone()
    };
    // Each process counts its own handshakes, and one that serves a connection at a time has never many.
    let in_one_process =
        |row: &Row| by_the_thousand(row) && row.architecture.anatomy.served_by != ServedBy::Processes;
    mount(&mut trials, "slow_clients", "a-flood-is-asked-for-cookies-by-channel", in_one_process, cookies);
    for transport in [Transport::Channel, Transport::Tls] {
        for row in rows().into_iter().filter(by_the_thousand) {
            let name = format!("slow_clients::{}::7000-handshakes-stop-nobody-by-{transport}", row.name);
            trials.push(suite::slow(name, move || handshakes_by_the_thousand(&row, transport)));
        }
    }
    suite::run_wide(env!("CARGO_BIN_EXE_dyno-under-test"), SIDE_BY_SIDE, trials).exit_code()
}

fn handshakes(row: &Row, transport: Transport) -> Outcome {
    let hello = first_message(transport, friends())?;
    attacked(row, transport, &[Slow::Silent, Slow::Says(hello.clone()), Slow::Spells(hello)])
}

/// Five thousand silent clients, a thousand that stop after their first message, and a thousand that spell it: more
/// than there are places for handshakes.
fn handshakes_by_the_thousand(row: &Row, transport: Transport) -> Outcome {
    let _alone = CROWD.lock().unwrap_or_else(PoisonError::into_inner);
    let hello = first_message(transport, friends())?;
    let mut kinds = vec![Slow::Silent; 5];
    kinds.extend([Slow::Says(hello.clone()), Slow::Spells(hello)]);
    attacked_by(row, transport, &kinds, 7_000)
}

/// Clients in the middle of their handshakes, from one address: more than half of the places that it has.
const HALF_OPEN: usize = 600;

/// From some number of half-open handshakes on, message 1 is answered by the demand for a cookie, and honest clients
/// get in all the same; before that nobody is asked.
fn cookies(row: &Row) -> Outcome {
    let _alone = CROWD.lock().unwrap_or_else(PoisonError::into_inner);
    let server = serve(row, Transport::Channel, &[])?;
    let kind = || answer_to_message_1(&server);
    let idle = kind()?;
    ensure(idle == MessageKind::Reply as u8, || format!("a message of kind {idle} without any load"))?;
    let hello = first_message(Transport::Channel, friends())?;
    let attack = Attack::begin(server.address, &[Slow::Says(hello)], HALF_OPEN)?;
    let begun = Instant::now();
    while kind()? != MessageKind::Cookie as u8 {
        ensure(begun.elapsed() < IN_TURN, || "nobody is asked for a cookie".into())?;
    }
    once(&server, Transport::Channel)?;
    drop(attack);
    server.stop_well()?;
    Ok(())
}

/// The kind of the first message that a client gets.
fn answer_to_message_1(server: &Server) -> Result<u8, String> {
    let mut client = Client::connect(server.address).map_err(|error| error.to_string())?;
    client.send(&first_message(Transport::Channel, friends())?);
    let deadline = Instant::now() + PROMPT;
    while client.inbox.is_empty() && client.receive(deadline) {}
    client.inbox.first().copied().ok_or_else(|| "no answer to message 1".into())
}

/// While the attack lasts, each honest client is answered, soon.
fn attacked(row: &Row, transport: Transport, kinds: &[Slow]) -> Outcome {
    attacked_by(row, transport, kinds, SLOW)
}

fn attacked_by(row: &Row, transport: Transport, kinds: &[Slow], count: usize) -> Outcome {
    let prompt = if row.is_alone() { IN_TURN } else { PROMPT };
    let alone = row.is_alone().then(|| ATTACKS.write().unwrap_or_else(PoisonError::into_inner));
    let _beside = alone.is_none().then(|| ATTACKS.read().unwrap_or_else(PoisonError::into_inner));
    let server = serve(row, transport, &[])?;
    let attack = Attack::begin(server.address, kinds, count)?;
    let mut kept = Kept(None);
    let (start, mut slowest, mut served) = (Instant::now(), Duration::ZERO, 0);
    while start.elapsed() < ATTACK {
        let begun = Instant::now();
        let mut ask = || once(&server, transport).and_then(|()| kept.ask(&server, transport));
        let mut answer = ask();
        // Who serves one connection at a time waits for nobody while others wait, and gives up whom it has not heard
        // within milliseconds; such a client comes back.
        while row.is_alone() && answer.is_err() && begun.elapsed() < prompt {
            answer = ask();
        }
        answer.map_err(|error| format!("honest client {served}, after {:?}: {error}", start.elapsed()))?;
        slowest = slowest.max(begun.elapsed());
        served += 1;
        sleep(HONEST_PACE);
    }
    ensure(slowest < prompt, || {
        format!("the slowest of {served} took {slowest:?}; {} slow clients were cut", attack.cut())
    })?;
    drop((attack, kept));
    server.stop_well()?;
    Ok(())
}

/// Ten clients for each worker keep their connections and ask by turns; the pools hand connections back and close none.
fn more_than_workers(row: &Row, transport: Transport) -> Outcome {
    let server = serve(row, transport, if row.reads(Knob::Workers) { &["--workers", "4"] } else { &[] })?;
    // One that serves one connection at a time waits a quarter of a second for whom it has served, so fewer will do.
    let count = if row.is_alone() { 8 } else { 40 };
    let (mut slowest, mut clients) = (Duration::ZERO, Vec::from_iter((0..count).map(|_| Kept(None))));
    for round in 0..3 {
        for (number, client) in clients.iter_mut().enumerate() {
            let begun = Instant::now();
            let mut answer = client.ask(&server, transport);
            while row.is_alone() && answer.is_err() && begun.elapsed() < PROMPT {
                answer = client.ask(&server, transport);
            }
            answer.map_err(|error| format!("client {number} in round {round}: {error}"))?;
            slowest = slowest.max(begun.elapsed());
        }
    }
    ensure(slowest < PROMPT, || format!("the slowest of {} answers took {slowest:?}", 3 * count))?;
    drop(clients);
    let connections = server.stop_well()?.total.connections;
    ensure(connections == count || row.is_alone(), || format!("{count} clients, {connections} connections"))
}

/// More clients than workers ask as fast as they are answered: all of them are.
fn busy_share(row: &Row) -> Outcome {
    let server = Server::start_with(&row.with_workers("2"), None)?;
    let (address, over) = (server.address, Instant::now() + Duration::from_secs(2));
    let ask = move || {
        let (mut client, mut answers) = (None, 0);
        while Instant::now() < over {
            // Who serves one connection at a time ends it, and may give up a client that the machine has delayed.
            let mut kept = client.take().or_else(|| Client::connect(address).ok());
            let answer = kept.as_mut().and_then(|client| client.get("/").ok());
            answers += usize::from(answer.as_ref().is_some_and(|response| response.status == 200));
            client = kept.filter(|_| answer.is_some_and(|response| !response.says_close()));
        }
        answers
    };
    let answers: Vec<usize> = thread::scope(|scope| {
        let clients: Vec<_> = (0..8).map(|_| scope.spawn(ask)).collect();
        clients.into_iter().map(|client| client.join().unwrap_or(0)).collect()
    });
    ensure(answers.iter().all(|count| *count > 0), || {
        format!("answers to each of the clients: {answers:?}")
    })?;
    server.stop_well()?;
    Ok(())
}

/// A request on a connection of its own.
fn once(server: &Server, transport: Transport) -> Result<(), String> {
    let status = match transport {
        Transport::Plain => get_once(server.address, "/")?.status,
        _ => Secure::connect(server, transport, friends())?.exchange(get("/"), "GET")?.status,
    };
    if status == 200 { Ok(()) } else { Err(format!("status {status}")) }
}

/// A client that keeps its connection as long as the server does.
struct Kept(Option<Connection>);

enum Connection {
    Plain(Client),
    Secure(Box<Secure>),
}

impl Kept {
    fn ask(&mut self, server: &Server, transport: Transport) -> Result<(), String> {
        // A connection that was idle may have ended, and is then opened anew.
        if let Some(connection) = &mut self.0
            && connection.ask().is_ok()
        {
            return Ok(());
        }
        let mut connection = match transport {
            Transport::Plain => {
                Connection::Plain(Client::connect(server.address).map_err(|error| error.to_string())?)
            }
            _ => Connection::Secure(Box::new(Secure::connect(server, transport, friends())?)),
        };
        let answered = connection.ask();
        self.0 = Some(connection);
        answered
    }
}

impl Connection {
    fn ask(&mut self) -> Result<(), String> {
        let response = match self {
            Connection::Plain(client) => client.get("/")?,
            Connection::Secure(secure) => secure.exchange(get("/"), "GET")?,
        };
        if response.status == 200 { Ok(()) } else { Err(format!("status {}", response.status)) }
    }
}

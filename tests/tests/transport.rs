//! Every transport under every architecture: requests small and large, the authenticated end, and peers that should not
//! have come. Whatever they do, they learn next to nothing and the server serves on.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use dyno_security::credentials::{self, Files, SERVER_NAME};
use dyno_security::limits::{FIRST_OCTET_TIME, HANDSHAKE_TIME};
use dyno_security::pipe::Pipe;
use dyno_security::signature::keyfile;
use dyno_security::transport::Transport;
use dyno_servers::architecture::{Concurrency, Knob};
use dyno_tests::limits::{ANSWER, AT_ONCE};
use dyno_tests::noise::Noise;
use dyno_tests::process::wait_until;
use dyno_tests::rows::Row;
use dyno_tests::secure::{Secure, friends, make_credentials, serve, strangers};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount, program};
use dyno_tests::wire::{Client, End, get, get_and_close};
use libtest_mimic::Trial;

/// A body that needs many records.
const LARGE_OCTETS: usize = 1024 * 1024;

/// Most trials wait for the wire or for a deadline of seconds, so there are many more of them than cores.
const THREADS: usize = 24;

/// Connections whose public handshake values are compared. One value twice among so many is no accident.
const COMPARED: usize = 24;

const CHANNEL: Transport = Transport::Channel;
const TLS: Transport = Transport::Tls;

fn main() -> ExitCode {
    let _credentials = make_credentials();
    let mut trials: Vec<Trial> = Vec::new();
    let mut on = |name, run| mount(&mut trials, "transport", name, |_| true, run);
    on("channel-carries-requests", |row| carries(row, CHANNEL));
    on("tls-carries-requests", |row| carries(row, TLS));
    on("channel-carries-load", |row| load(row, CHANNEL));
    on("tls-carries-load", |row| load(row, TLS));
    on("channel-refuses-strangers", |row| strangers_come(row, CHANNEL));
    on("tls-refuses-strangers", |row| strangers_come(row, TLS));
    on("channel-cuts-who-stops-mid-handshake", |row| stops_mid_handshake(row, CHANNEL));
    on("tls-cuts-who-stops-mid-handshake", |row| stops_mid_handshake(row, TLS));
    on("plain-answers-who-speaks-a-transport", secure_on_plain);
    on("plain-clients-of-the-channel-are-told", |row| plain_on_secure(row, CHANNEL));
    on("plain-clients-of-tls-are-told", |row| plain_on_secure(row, TLS));
    on("channel-says-whom-it-serves-and-whom-it-refused", |row| says_whom(row, CHANNEL));
    on("tls-says-whom-it-serves-and-whom-it-refused", |row| says_whom(row, TLS));
    let limited = |row: &Row| row.reads(Knob::MaxConnections);
    mount(&mut trials, "transport", "channel-refuses-past-the-limit-without-a-word", limited, |row| {
        past_the_limit(row, CHANNEL)
    });
    mount(&mut trials, "transport", "tls-refuses-past-the-limit-without-a-word", limited, |row| {
        past_the_limit(row, TLS)
    });
    let mut on = |name, run| mount(&mut trials, "transport", name, |_| true, run);
    on("channel-shares-no-random-state", |row| nothing_twice(row, CHANNEL));
    on("tls-shares-no-random-state", |row| nothing_twice(row, TLS));
    suite::run_wide(env!("CARGO_BIN_EXE_dyno-under-test"), THREADS, trials).exit_code()
}

/// A connection for which there is no place is closed: a refusal in plaintext would be no record of the transport.
fn past_the_limit(row: &Row, transport: Transport) -> Outcome {
    let server = serve(row, transport, &["--max-connections", "1"])?;
    let mut held = Secure::connect(&server, transport, friends())?;
    ensure(held.exchange(get("/"), "GET")?.status == 200, || "no 200".into())?;
    let mut refused = Client::connect(server.address)?;
    let end = refused.read_to_end(ANSWER);
    ensure(end.is_some() && refused.inbox.is_empty(), || format!("{end:?} after {:?}", refused.inbox))?;
    ensure(held.exchange(get("/"), "GET")?.status == 200, || "a client within the limit suffered".into())?;
    drop(held);
    let total = server.stop_well()?.total;
    ensure(total.refused == 1, || format!("{total:?}"))
}

/// The operator reads at the start whether everybody is served, and of each refusal from where it came and why; over
/// the channel also whose key it was. (rustls keeps no certificate that it has not accepted.)
fn says_whom(row: &Row, transport: Transport) -> Outcome {
    let open = serve(row, transport, &[])?;
    let said = |server: &Server, words: &str| {
        let is_said = wait_until(ANSWER, || server.stderr().contains(words)).is_some();
        ensure(is_said, || format!("no {words:?} in {}", server.stderr()))
    };
    said(&open, "serves every client")?;
    open.stop_well()?;
    let place = |directory: &str, name: &str| Path::new(directory).join(name);
    let (key, certificate, trust) = match transport {
        Transport::Tls => ("tls-client.key", Some("tls-client.pem"), "authority.pem"),
        _ => ("channel-client.key", None, "trust"),
    };
    let trust = place(friends(), trust);
    let named: &'static str = trust.to_string_lossy().into_owned().leak();
    let server = serve(row, transport, &["--trust", named])?;
    said(&server, "serves only clients")?;
    // Somebody who knows the server, and whom it does not know.
    let files = Files {
        key: Some(place(strangers(), key)),
        certificate: certificate.map(|name| place(strangers(), name)),
        trust: Some(trust),
        ..Files::default()
    };
    let connector = credentials::connector(transport, &files, &SERVER_NAME.into());
    let connector = connector.map_err(|error| error.to_string())?.ok_or("plain has no pipe")?;
    let mut pipe = connector.connect(Instant::now());
    let mut client = Client::connect(server.address)?;
    loop {
        let sealed = pipe.pending().to_vec();
        pipe.advance(sealed.len());
        client.send(sealed);
        if !client.receive(Instant::now() + ANSWER) {
            break;
        }
        // An alert of TLS ends it too.
        let octets = std::mem::take(&mut client.inbox);
        if pipe.receive(&octets, &mut Vec::new(), Instant::now()).is_err() {
            break;
        }
    }
    drop(client);
    said(&server, "gave up a peer (1 so far)")?;
    said(&server, " from 127.0.0.1")?;
    if transport == Transport::Channel {
        let key = keyfile::read(&place(strangers(), key)).map_err(|error| error.to_string())?;
        said(&server, &format!("key {}", key.public()))?;
    }
    let mut friend = Secure::connect(&server, transport, friends())?;
    ensure(friend.exchange(get("/"), "GET")?.status == 200, || "a friend is refused".into())?;
    drop(friend);
    server.stop_well()?;
    Ok(())
}

fn carries(row: &Row, transport: Transport) -> Outcome {
    let server = serve(row, transport, &[])?;
    let mut secure = Secure::connect(&server, transport, friends())?;
    for _ in 0..3 {
        let hello = secure.exchange(get("/"), "GET")?;
        ensure(hello.status == 200 && hello.text() == "Hello, World!", || format!("{hello:?}"))?;
    }
    let body: Vec<u8> = (0..LARGE_OCTETS).map(|index| (index * 31 % 251) as u8).collect();
    let head = format!("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LARGE_OCTETS}\r\n\r\n");
    let echo = secure.exchange([head.as_bytes(), &body].concat(), "POST")?;
    ensure(echo.body == body, || format!("{} octets came back from /echo", echo.body.len()))?;
    let bytes = secure.exchange(get(&format!("/bytes/{LARGE_OCTETS}")), "GET")?;
    let fits = (b'a'..=b'z').cycle().take(LARGE_OCTETS).eq(bytes.body.iter().copied());
    ensure(fits, || format!("{} octets of /bytes, not the expected ones", bytes.body.len()))?;
    // The server ends this one with its authenticated goodbye, the client the next.
    let last = secure.exchange(get_and_close("/"), "GET")?;
    ensure(last.says_close(), || "the last answer does not say Connection: close".into())?;
    secure.part()?;
    let mut secure = Secure::connect(&server, transport, friends())?;
    secure.exchange(get("/json"), "GET")?;
    secure.say_goodbye()?;
    secure.part()?;
    let total = server.stop_well()?.total;
    let counted = (total.connections, total.requests, total.peer_faults);
    ensure(counted == (2, 7, 0), || format!("connections, requests, faults of peers: {counted:?}"))
}

/// Runs `dyno load`; gives its exit code, standard output and standard error.
fn dyno_load(
    server: &Server,
    transport: Transport,
    directory: &str,
) -> Result<(i32, String, String), String> {
    let mut command = Command::new(program());
    command.args(["load", &format!("http://{}/", server.address), "--expect", "service", "--quiet"]);
    command.args(["--transport", transport.name()]);
    if transport != Transport::Plain {
        command.args(["--credentials", directory]);
    }
    command.args(["--connections", "1", "--requests", "60", "--warmup", "0s", "--format", "json"]);
    let output = command.output().map_err(|error| error.to_string())?;
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    Ok((output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr)))
}

fn load(row: &Row, transport: Transport) -> Outcome {
    let server = serve(row, transport, &[])?;
    let (code, out, log) = dyno_load(&server, transport, friends())?;
    // 5: the audit says that the figures are worth nothing, which they are beside other tests; the octets are right
    // all the same.
    ensure(code == 0 || code == 5, || format!("exit {code}: {log}"))?;
    let result: serde_json::Value = serde_json::from_str(&out)?;
    let counts = &result["counts"];
    ensure(counts["completed"] == 60 && counts["failed"] == 0, || counts.to_string())?;
    let (code, _, log) = dyno_load(&server, transport, strangers())?;
    ensure(code == 1 && log.contains("trust"), || format!("foreign keys: exit {code}: {log}"))?;
    server.stop_well()?;
    Ok(())
}

/// What the server said to a peer before it ended the connection, which must come at once.
fn told(server: &Server, octets: &[u8]) -> Result<Vec<u8>, String> {
    let mut client = Client::connect(server.address).map_err(|error| error.to_string())?;
    client.send(octets);
    client.read_to_end(AT_ONCE * 2).ok_or("the connection is open still")?;
    Ok(client.inbox)
}

/// A message of the channel.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).expect("a short body").to_be_bytes();
    [&[kind, length[0], length[1]], body].concat()
}

/// Message 1 of the channel, with a public key of our choice.
fn hello() -> Vec<u8> {
    message(1, &[b"dyno-channel".as_slice(), &[1, 1, 1], &[9; 32]].concat())
}

fn strangers_come(row: &Row, transport: Transport) -> Outcome {
    let server = serve(row, transport, &[])?;
    let mut noise = Noise::new(row.name.len() as u64);
    let mut odd: Vec<(&str, Vec<u8>)> = vec![
        ("plain HTTP", get("/").into_bytes()),
        ("noise", [&[0xf7], noise.octets(700).as_slice()].concat()),
        ("zeros", vec![0; 4096]),
    ];
    match transport {
        Transport::Channel => odd.extend([
            ("TLS", client_hello(&server)?),
            ("another version", message(1, &[b"dyno-channel".as_slice(), &[2, 1, 1], &[9; 32]].concat())),
            ("no suite of ours", message(1, &[b"dyno-channel".as_slice(), &[1, 1, 99], &[9; 32]].concat())),
            (
                "a point of low order",
                message(1, &[b"dyno-channel".as_slice(), &[1, 1, 1], &[0; 32]].concat()),
            ),
            ("a record first", message(5, &[0; 40])),
            ("a length beyond all bounds", vec![1, 0xff, 0xff]),
        ]),
        _ => odd.extend([
            ("the channel", hello()),
            ("half a record, broken", vec![0x16, 3, 1, 0, 5, 9, 9, 9, 9, 9]),
        ]),
    }
    let alert = |said: &[u8]| said.len() == 7 && said[0] == 0x15;
    for (what, octets) in odd {
        let said = told(&server, &octets)?;
        let little = said.is_empty() || transport == Transport::Tls && alert(&said);
        ensure(little, || format!("{what} was told {} octets: {said:?}", said.len()))?;
    }
    if transport == Transport::Channel {
        // Past message 2 there is nothing more to learn: neither why, nor that something was different.
        for finish in
            [message(3, &noise.octets(145)), message(3, &noise.octets(1)), message(5, &noise.octets(40))]
        {
            let mut client = Client::connect(server.address)?;
            client.send(hello());
            public_value(&mut client, transport)?;
            let octets = client.inbox.len();
            client.send(finish);
            let end = client.read_to_end(AT_ONCE * 2);
            ensure(end.is_some() && client.inbox.len() == octets, || {
                format!("{end:?}, {} octets", client.inbox.len() - octets)
            })?;
        }
    }
    // A server does not wait for a client that cuts the connection in mid-handshake.
    let mut client = Client::connect(server.address)?;
    client.send(&hello()[..20]);
    client.shut_write();
    ensure(client.read_to_end(AT_ONCE * 2).is_some(), || "a cut handshake is waited for".into())?;
    // A client that trusts other keys refuses the server by itself.
    let refusal = Secure::connect(&server, transport, strangers()).map(|_| ());
    ensure(refusal.as_ref().is_err_and(|why| why.contains("trust")), || format!("{refusal:?}"))?;
    let mut friend = Secure::connect(&server, transport, friends())?;
    ensure(friend.exchange(get_and_close("/"), "GET")?.status == 200, || "a friend was not served".into())?;
    friend.part()?;
    // The operator is told what the peers were not.
    let log = server.stderr();
    ensure(log.contains("speaks plain HTTP: both sides must run the same transport"), || {
        format!("log: {log}")
    })?;
    let total = server.stop_well()?.total;
    ensure(total.requests == 1 && total.faults == 0 && total.peer_faults >= 6, || format!("{total:?}"))
}

/// The first flight of a TLS client.
fn client_hello(server: &Server) -> Result<Vec<u8>, String> {
    use dyno_security::credentials::{Files, SERVER_NAME, connector};
    let files = Files::in_directory(Path::new(friends()));
    let connector = connector(TLS, &files, &SERVER_NAME.into()).map_err(|error| error.to_string())?;
    let pipe = connector.ok_or_else(|| format!("no pipe to {}", server.address))?.connect(Instant::now());
    Ok(pipe.pending().to_vec())
}

fn stops_mid_handshake(row: &Row, transport: Transport) -> Outcome {
    let server = serve(row, transport, &[])?;
    let first = if transport == Transport::Channel { hello() } else { client_hello(&server)? };
    let mut mute = (!row.is_alone()).then(|| Client::connect(server.address)).transpose()?;
    let mut silent = Client::connect(server.address)?;
    let mut halfway = (!row.is_alone()).then(|| Client::connect(server.address)).transpose()?;
    let start = Instant::now();
    silent.send(&first[..first.len() / 2]);
    if let Some(halfway) = &mut halfway {
        halfway.send(&first);
        let mut friend = Secure::connect(&server, transport, friends())?;
        ensure(friend.exchange(get("/"), "GET")?.status == 200, || "a friend was not served".into())?;
        ensure(start.elapsed() < HANDSHAKE_TIME, || "the friend had to wait for the others' end".into())?;
    }
    // Who says nothing at all has a shorter time.
    if let Some(mute) = &mut mute {
        let end = mute.read_to_end(FIRST_OCTET_TIME + AT_ONCE * 2);
        ensure(end.is_some(), || format!("a mute client is held for {:?}", start.elapsed()))?;
    }
    for client in [Some(silent), halfway].into_iter().flatten() {
        let mut client = client;
        let end = client.read_to_end(HANDSHAKE_TIME + ANSWER);
        let took = start.elapsed();
        let (least, most) = (HANDSHAKE_TIME - Duration::from_millis(200), HANDSHAKE_TIME + AT_ONCE * 2);
        ensure(end.is_some() && took > least && took < most, || format!("{end:?} after {took:?}"))?;
    }
    let mut friend = Secure::connect(&server, transport, friends())?;
    ensure(friend.exchange(get("/"), "GET")?.status == 200, || "nobody is served afterwards".into())?;
    drop(friend);
    server.stop_well()?;
    Ok(())
}

fn secure_on_plain(row: &Row) -> Outcome {
    let server = serve(row, Transport::Plain, &[])?;
    for transport in [CHANNEL, TLS] {
        let refusal = Secure::connect(&server, transport, friends()).map(|_| ());
        let named = |why: &String| why.contains("plain HTTP") && why.contains("the same transport");
        ensure(refusal.as_ref().is_err_and(named), || format!("{transport}: {refusal:?}"))?;
        let (code, _, log) = dyno_load(&server, transport, friends())?;
        ensure(code == 1 && named(&log) && log.contains("--transport plain"), || {
            format!("dyno load --transport {transport}: exit {code}: {log}")
        })?;
    }
    let mut client = Client::connect(server.address)?;
    ensure(client.get("/")?.status == 200, || "nobody is served afterwards".into())?;
    drop(client);
    server.stop_well()?;
    Ok(())
}

/// Whoever asks a secure server in plain HTTP gets no answer, and hears from our own side which option is missing.
fn plain_on_secure(row: &Row, transport: Transport) -> Outcome {
    let server = serve(row, transport, &[])?;
    let option = if transport == TLS { "https://" } else { "--transport channel" };
    for (command, code) in [("load", 5), ("probe", 1), ("browse", 1)] {
        let mut run = Command::new(program());
        run.args([command, &format!("http://{}/", server.address)]);
        if command == "load" {
            run.args(["--connections", "1", "--requests", "5", "--warmup", "0s", "--quiet"]);
        }
        let output = run.output().map_err(|error| error.to_string())?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        ensure(output.status.code() == Some(code) && said.contains(option), || {
            format!("dyno {command}: {}: {said}", output.status)
        })?;
    }
    server.stop_well()?;
    Ok(())
}

/// The same first message, sent again and again: whatever is random in the answers must differ from process to
/// process and from connection to connection. After a fork both sides have the same memory; random state in it would
/// come twice.
fn nothing_twice(row: &Row, transport: Transport) -> Outcome {
    let server = serve(row, transport, &if row.has_processes() { worker_arguments(row) } else { vec![] })?;
    let first = if transport == Transport::Channel { hello() } else { client_hello(&server)? };
    // Held open together, as many as are served at once, so that every worker has to answer.
    let together = if row.architecture.concurrency == Concurrency::PerWorker { 2 } else { row.clients(8) };
    let mut random = BTreeSet::new();
    let mut sealed = BTreeSet::new();
    for _ in 0..COMPARED / together {
        let mut clients = Vec::new();
        for _ in 0..together {
            let mut client = Client::connect(server.address)?;
            client.send(&first);
            clients.push(client);
        }
        for mut client in clients {
            let (value, rest) = public_value(&mut client, transport)?;
            ensure(random.insert(value), || "the same random value twice".into())?;
            ensure(sealed.insert(rest), || "the same sealed octets twice".into())?;
        }
    }
    ensure(random.len() == COMPARED / together * together, || format!("{} values", random.len()))?;
    server.stop_well()?;
    Ok(())
}

fn worker_arguments(row: &Row) -> Vec<&'static str> {
    if row.reads(Knob::Workers) { vec!["--workers", "2"] } else { vec![] }
}

/// The server's ephemeral public key (the channel) or its random value and key share (TLS), and some octets that it
/// sealed.
fn public_value(client: &mut Client, transport: Transport) -> Result<(Vec<u8>, Vec<u8>), String> {
    let deadline = Instant::now() + ANSWER;
    loop {
        let head = if transport == Transport::Channel { 3 } else { 5 };
        let octets = &client.inbox;
        if octets.len() >= head {
            let whole = head + usize::from(u16::from_be_bytes([octets[head - 2], octets[head - 1]]));
            if octets.len() >= whole && transport == Transport::Channel {
                return Ok((octets[head + 2..head + 34].to_vec(), octets[head + 34..whole].to_vec()));
            }
            // ServerHello (RFC 8446, 4.1.3), a change_cipher_spec of 6 octets, then the first sealed record.
            if octets.len() >= whole + 64 {
                return Ok((octets[head + 6..head + 38].to_vec(), octets[whole + 6..whole + 64].to_vec()));
            }
        }
        if !client.receive(deadline) || client.end == Some(End::Reset) {
            return Err(format!("no answer to the first message; end {:?}", client.end));
        }
    }
}

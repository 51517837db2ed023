//! A client that knows all secrets of its session looks for them in the memory of the server, on every architecture:
//! while the session lasts there is nothing older than the current epoch, and after its end there is nothing at all.

#[path = "../../security/tests/support/initiator.rs"]
#[allow(dead_code, reason = "who only talks is not told the secrets")]
mod initiator;

use std::process::ExitCode;

use dyno_security::signature::{PublicKey, keyfile};
use dyno_security::transport::Transport;
use dyno_tests::limits::{ANSWER, STOP};
use dyno_tests::memory;
use dyno_tests::process::wait_until;
use dyno_tests::rows::Row;
use dyno_tests::secure::{Secure, friends, make_credentials, serve};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::{Client, get};
use initiator::{Direction, Initiator, Secrets, Ticket, take};

/// Rekeys of the client. Each makes an epoch whose keys must be gone when it is over.
const REKEYS: u8 = 3;

/// The kind of the answer to a ticket that the server has taken.
const RESUMED: u8 = 12;

/// Sessions of others after the end, which use the same workers. The secrets must be gone without them as well.
const OTHERS: usize = 3;

fn main() -> ExitCode {
    let _credentials = make_credentials();
    let mut trials = Vec::new();
    let mut on = |name, run| mount(&mut trials, "secrets", name, |_| true, run);
    on("aes", |row| leaves_nothing(row, |server, key| Session::open(server, 1, key)));
    on("chacha", |row| leaves_nothing(row, |server, key| Session::open(server, 2, key)));
    on("hybrid", |row| leaves_nothing(row, |server, key| Session::open(server, 3, key)));
    on("resumed", |row| leaves_nothing(row, |server, key| Session::resume(server, 4, key)));
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

/// How a session is opened with the server that has this key, and what is secret of that.
type Opens = fn(&Server, &PublicKey) -> Result<(Session, Secrets), String>;

/// The seed of the client's identity.
const SEED: [u8; 32] = [0x51; 32];

/// A session of the initiator that was written from the specification.
struct Session {
    client: Client,
    to: Direction,
    from: Direction,
    wire: Vec<u8>,
}

impl Session {
    fn open(server: &Server, suite: u8, key: &PublicKey) -> Result<(Session, Secrets), String> {
        let client = Client::connect(server.address).map_err(|error| error.to_string())?;
        let (start, hello) = Initiator::start(&SEED, None, &[suite]);
        let mut wire = Vec::new();
        let mut client = client;
        client.send(&hello);
        let (_, reply) = next(&mut client, &mut wire)?;
        let (to, from, finish, secrets) = start.finish_and_tell(&reply, key.octets());
        client.send(&finish);
        let mut session = Session { client, to, from, wire };
        session.receive()?;
        Ok((session, secrets))
    }

    /// A session by signatures, its ticket, its end, and one that resumes it.
    fn resume(server: &Server, suite: u8, key: &PublicKey) -> Result<(Session, Secrets), String> {
        let mut first = Client::connect(server.address).map_err(|error| error.to_string())?;
        let (start, hello) = Initiator::start_with_ticket(&SEED, None, &[suite], b"");
        let mut wire = Vec::new();
        first.send(&hello);
        let (_, reply) = next(&mut first, &mut wire)?;
        let (to, from, finish, mut all, xm) =
            start.try_finish(&reply, key.octets()).ok_or("message 2 does not open")?;
        first.send(&finish);
        let mut before = Session { client: first, to, from, wire };
        before.receive()?;
        let ticket = Ticket::new(&before.receive()?, &xm);
        before.ask()?;
        before.part()?;
        all.extend([("xm", xm), ("rs", ticket.secret.clone())]);
        all.extend([("keyI before", before.to.key), ("keyR before", before.from.key)]);

        let mut client = Client::connect(server.address).map_err(|error| error.to_string())?;
        let (start, hello) = Initiator::start_with_ticket(&SEED, None, &[suite], &ticket.octets);
        let mut wire = Vec::new();
        client.send(&hello);
        let (kind, resumed) = next(&mut client, &mut wire)?;
        if kind != RESUMED {
            return Err(format!("an answer of kind {kind}"));
        }
        let (to, from, finish, secrets) = start.resume_and_tell(&resumed, &ticket.secret);
        client.send(&finish);
        let mut session = Session { client, to, from, wire };
        session.receive()?;
        all.extend(secrets);
        Ok((session, all))
    }

    /// The end by goodbye, as the server has seen it.
    fn part(&mut self) -> Result<(), String> {
        let close = self.to.seal(7, &[]);
        self.client.send(&close);
        self.client.shut_write();
        self.client.read_to_end(ANSWER).ok_or("the connection is open still")?;
        Ok(())
    }

    /// The plaintext of the next record.
    fn receive(&mut self) -> Result<Vec<u8>, String> {
        let (kind, body) = next(&mut self.client, &mut self.wire)?;
        Ok(self.from.open(kind, &body))
    }

    /// One request and its whole answer.
    fn ask(&mut self) -> Result<(), String> {
        let request = self.to.seal(5, get("/").as_bytes());
        self.client.send(&request);
        let mut answer = Vec::new();
        while !answer.ends_with(b"Hello, World!") {
            answer.extend(self.receive()?);
        }
        Ok(())
    }
}

fn next(client: &mut Client, wire: &mut Vec<u8>) -> Result<(u8, Vec<u8>), String> {
    let deadline = std::time::Instant::now() + ANSWER;
    loop {
        let whole = wire.get(1..3).map(|length| 3 + usize::from(u16::from_be_bytes([length[0], length[1]])));
        if whole.is_some_and(|whole| wire.len() >= whole) {
            return Ok(take(wire));
        }
        if client.inbox.is_empty() && !client.receive(deadline) {
            return Err(format!("nothing came; end {:?}", client.end));
        }
        wire.append(&mut client.inbox);
    }
}

fn leaves_nothing(row: &Row, opens: Opens) -> Outcome {
    let server = serve(row, Transport::Channel, &[])?;
    let path = std::path::Path::new(friends()).join("channel-server.key");
    let key = *keyfile::read(&path).map_err(|error| error.to_string())?.public();
    let (mut session, mut old) = opens(&server, &key)?;
    session.ask()?;
    for epoch in 0..REKEYS {
        old.push((["keyI0", "keyI1", "keyI2"][usize::from(epoch)], session.to.key.clone()));
        let before_next = session.to.next.clone();
        let rekey = session.to.seal(6, &[]);
        session.client.send(&rekey);
        session.to.next_epoch();
        old.push((["nextI0", "nextI1", "nextI2"][usize::from(epoch)], before_next));
        session.ask()?;
    }
    let current: Secrets = vec![
        ("keyI", session.to.key.clone()),
        ("nextI", session.to.next.clone()),
        ("keyR", session.from.key.clone()),
        ("nextR", session.from.next.clone()),
    ];
    // That the search sees anything is seen by what must be there.
    let seen = found(&server, &current)?;
    ensure(seen.len() == current.len(), || format!("the search is blind: of this session only {seen:?}"))?;
    gone(&server, &old, "while the session lasts")?;

    session.part()?;
    let all = [old, current].concat();
    gone(&server, &all, "after the end")?;
    for _ in 0..OTHERS {
        let mut other = Secure::connect(&server, Transport::Channel, friends())?;
        other.exchange(get("/"), "GET")?;
    }
    gone(&server, &all, "after others")?;
    server.stop_well()?;
    Ok(())
}

/// The names of the secrets that lie in the server's memory, with their places.
fn found(server: &Server, secrets: &Secrets) -> Result<Vec<String>, String> {
    let wanted: Vec<_> = secrets.iter().map(|(_, octets)| octets.clone()).collect();
    let places = memory::find(server.pid, &wanted).map_err(|error| error.to_string())?;
    let named = secrets.iter().zip(places).filter(|(_, places)| !places.is_empty());
    Ok(named.map(|((name, _), places)| format!("{name} in {}", places.join(" and "))).collect())
}

/// The server may be about to finish its step; it need not be asked for anything more.
fn gone(server: &Server, secrets: &Secrets, when: &str) -> Outcome {
    let mut left = Vec::new();
    let ended = wait_until(STOP / 8, || {
        left = found(server, secrets).unwrap_or_else(|error| vec![error]);
        left.is_empty()
    });
    ensure(ended.is_some(), || format!("{when}: {}", left.join(", ")))
}

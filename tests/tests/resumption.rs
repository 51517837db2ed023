//! A client of the channel comes back with the ticket of its last session, on every architecture: whichever worker
//! serves it then, in whichever process, takes the ticket, and the rights are those of the full handshake.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::ChannelClient;
use dyno_security::channel::session::ChannelSession;
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;
use dyno_security::signature::keyfile;
use dyno_security::transport::Transport;
use dyno_tests::limits::ANSWER;
use dyno_tests::load::load;
use dyno_tests::rows::Row;
use dyno_tests::secure::{friends, make_credentials, serve};
use dyno_tests::server::Server;
use dyno_tests::suite::{self, Outcome, ensure, mount};
use dyno_tests::wire::{Client, get};

/// Sessions that come back, one after the other: with several workers, each of them has some.
const RETURNS: usize = 12;

fn main() -> ExitCode {
    let _credentials = make_credentials();
    fs::write(rules(), "allow client GET /json\n").expect("a place for the rules");
    let mut trials = Vec::new();
    mount(&mut trials, "resumption", "every-worker-takes-the-ticket", |_| true, every_worker);
    mount(&mut trials, "resumption", "rights-are-those-of-the-handshake", |_| true, rights);
    mount(
        &mut trials,
        "resumption",
        "a-server-told-to-give-no-ticket-gives-and-takes-none",
        |_| true,
        none_given,
    );
    mount(
        &mut trials,
        "resumption",
        "the-generator-makes-the-handshake-that-it-is-told-to",
        |_| true,
        generated,
    );
    suite::run(env!("CARGO_BIN_EXE_dyno-under-test"), trials).exit_code()
}

fn rules() -> PathBuf {
    Path::new(friends()).join("rules")
}

/// The client of the friends' directory, which keeps its tickets.
fn client() -> Result<ChannelClient, String> {
    let directory = Path::new(friends());
    let key = keyfile::read(&directory.join("channel-client.key")).map_err(|error| error.to_string())?;
    let trust = fs::read_to_string(directory.join("trust")).map_err(|error| error.to_string())?;
    let trust = Trust::parse(&trust, Some(&"localhost".into())).map_err(|error| error.to_string())?;
    let mut config = Config::new(Identity::bare(key), trust);
    config.resumes = true;
    Ok(ChannelClient::new(config))
}

/// One connection, and its end of the channel.
struct Visit {
    line: Client,
    session: ChannelSession,
    plain: Vec<u8>,
}

impl Visit {
    fn new(server: &Server, client: &ChannelClient) -> Result<Visit, String> {
        let line = Client::connect(server.address).map_err(|error| error.to_string())?;
        let mut visit = Visit { line, session: client.session(Instant::now()), plain: Vec::new() };
        while !visit.session.is_established() {
            visit.turn()?;
        }
        Ok(visit)
    }

    /// Sends what waits, and takes what comes.
    fn turn(&mut self) -> Result<(), String> {
        let sealed = self.session.pending().to_vec();
        self.session.advance(sealed.len());
        if !self.line.send(&sealed) || !self.line.receive(Instant::now() + ANSWER) {
            return Err(format!("nothing came; end {:?}", self.line.end));
        }
        let wire = std::mem::take(&mut self.line.inbox);
        let result = self.session.receive(&wire, &mut self.plain, Instant::now());
        result.map_err(|failure| failure.to_string())
    }

    /// The status of the answer to a request for `path`, whose body is whole. The server's ticket comes before it.
    fn ask(&mut self, path: &str) -> Result<String, String> {
        self.plain.clear();
        self.session.send(get(path).as_bytes()).map_err(|failure| failure.to_string())?;
        loop {
            self.turn()?;
            let text = String::from_utf8_lossy(&self.plain);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let fields = head.lines().filter_map(|line| line.split_once(": "));
                let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
                if lengths.next().and_then(|(_, length)| length.parse().ok()) == Some(body.len()) {
                    return Ok(head[9..12].to_owned());
                }
            }
        }
    }
}

/// The last connection is held while the next one is made, so that another worker serves it where a worker serves one.
fn every_worker(row: &Row) -> Outcome {
    let server = serve(row, Transport::Channel, &[])?;
    let client = client()?;
    let mut held = Visit::new(&server, &client)?;
    ensure(!held.session.is_resumed(), || "resumed what was not there".into())?;
    ensure(held.ask("/")? == "200", || "no 200".into())?;
    for round in 0..RETURNS {
        if row.is_alone() {
            drop(held);
        }
        let mut next = Visit::new(&server, &client)?;
        ensure(next.session.is_resumed(), || format!("return {round} was a full handshake"))?;
        ensure(next.ask("/")? == "200", || "no 200".into())?;
        held = next;
    }
    drop(held);
    let total = server.stop_well()?.total;
    ensure(total.connections > RETURNS as u64, || format!("{total:?}"))
}

fn rights(row: &Row) -> Outcome {
    let leak = |path: &Path| -> &'static str { path.to_string_lossy().into_owned().leak() };
    let trust = leak(&Path::new(friends()).join("trust"));
    let server = serve(row, Transport::Channel, &["--trust", trust, "--policy", leak(&rules())])?;
    let client = client()?;
    for is_resumed in [false, true, true] {
        let mut visit = Visit::new(&server, &client)?;
        ensure(visit.session.is_resumed() == is_resumed, || format!("resumed: {is_resumed} expected"))?;
        let told = (visit.ask("/json")?, visit.ask("/")?);
        ensure(told == ("200".to_owned(), "403".to_owned()), || format!("{told:?}"))?;
    }
    server.stop_well()?;
    Ok(())
}

/// The server has the identity that the client trusts, and is no party of any session before.
fn none_given(row: &Row) -> Outcome {
    let server = serve(row, Transport::Channel, &["--tickets", "no"])?;
    let client = client()?;
    for round in 0..3 {
        let mut visit = Visit::new(&server, &client)?;
        ensure(!visit.session.is_resumed(), || format!("visit {round} was resumed"))?;
        ensure(visit.ask("/")? == "200", || "no 200".into())?;
    }
    // A ticket that somebody else of the same name has given is no offence here.
    let giver = serve(row, Transport::Channel, &[])?;
    let given = Visit::new(&giver, &client).and_then(|mut visit| visit.ask("/"))?;
    ensure(given == "200", || given)?;
    giver.stop_well()?;
    let mut visit = Visit::new(&server, &client)?;
    ensure(!visit.session.is_resumed() && visit.ask("/")? == "200", || "a foreign ticket".into())?;
    drop(visit);
    server.stop_well()?;
    Ok(())
}

/// Options of `dyno load`, octets of a handshake (least and most; with a ticket its record is counted, where it comes
/// together with `ready`), and whether clients come back. The figures are those of `security/README.md`, with an octet
/// more for the second suite of the usual offer.
const HANDSHAKES: [(&str, [f64; 2], bool); 4] = [
    ("", [400.0, 400.0], false),
    ("--suite x25519-mlkem768-aes256gcm", [2674.0, 2674.0], false),
    ("--tickets yes", [319.0, 536.0], true),
    ("--tickets yes --suite x25519-mlkem768-aes256gcm", [2593.0, 2810.0], true),
];

fn generated(row: &Row) -> Outcome {
    let server = serve(row, Transport::Channel, &[])?;
    let url = format!("http://{}/", server.address);
    let clients = row.clients(2) as u64;
    for (options, [least, most], comes_back) in HANDSHAKES {
        let ran = load(
            &url,
            &format!(
                "-c {clients} -n 40 -w 0 --requests-per-connection 1 --expect service --transport channel \
                 --credentials {} {options}",
                friends()
            ),
        )?;
        let count = |pointer: &str| ran.outcome.pointer(pointer).and_then(serde_json::Value::as_u64);
        let told = || format!("{options}: {} {}", ran.outcome["connections"], ran.outcome["counts"]);
        ensure(count("/counts/completed") == Some(40) && count("/counts/failed") == Some(0), told)?;
        let opened = count("/connections/opened").ok_or("no count")?;
        let resumed = count("/connections/resumed").ok_or("no count")?;
        // Each of those that are open at once begins without a ticket.
        ensure(if comes_back { resumed + clients >= opened } else { resumed == 0 }, told)?;
        let octets = count("/connections/handshake_octets").ok_or("no count")? as f64 / opened as f64;
        ensure(opened >= 40 && (least..=most).contains(&octets), told)?;
    }
    server.stop_well()?;
    Ok(())
}

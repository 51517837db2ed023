//! `dyno demo mitm`: a live proxy between two real processes. First they agree on a key without signatures, then with
//! them.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use dyno_security::aead::{Algorithm, OpeningKey, SealingKey};
use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::trust::Trust;
use dyno_security::credentials::{self, CredentialsError, Files, SERVER_NAME};
use dyno_security::dh::EphemeralKey;
use dyno_security::kdf;
use dyno_security::transport::Transport;

use super::stage::{Stage, readable};
use super::wire::WireLine;
use super::{Choices, Demo, Party};
use crate::exit::Failure;
use crate::limits::{DEMO_MESSAGE_OCTETS, DEMO_TIMEOUT};
use crate::print::outln;

/// The man in the middle.
pub(crate) const DEMO: Demo = Demo {
    name: "mitm",
    idea: "a live proxy between two processes: reads and rewrites everything, until signatures are on",
    run,
};

const ORDER: &[u8] = b"pay 100 EUR to Bob";
const FORGED: &[u8] = b"pay 999 EUR to Mallory";

/// The rounds of the demonstration: what the parties do, and what Mallory does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// Without signatures: Mallory reads and rewrites.
    Unsigned,
    /// With signatures: Mallory tries the same.
    Signed,
    /// With signatures: Mallory passes everything on as it is.
    PassedOn,
}

fn run(stage: &mut Stage, choices: &Choices) -> Result<(), Failure> {
    if let Some(party) = choices.party {
        let address = choices.connect.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
        let said = play(party, address, choices.credentials.as_deref());
        outln!("{}", said.unwrap_or_else(|error| format!("REFUSED: {error}")));
        return Ok(());
    }
    let keys = Keys::make().map_err(|error| {
        Failure::failed(error.to_string(), "the directory for temporary files must be writable")
    })?;
    for round in [Round::Unsigned, Round::Signed, Round::PassedOn] {
        play_round(stage, round, &keys).map_err(|error| {
            Failure::failed(
                format!("a party of the demonstration failed: {error}"),
                "try again; it needs 127.0.0.1",
            )
        })?;
    }
    Ok(())
}

/// Keys of Alice and Bob, who have pinned each other; removed when dropped.
struct Keys(PathBuf);

impl Keys {
    fn make() -> Result<Self, CredentialsError> {
        let name = format!("dyno-demo-{}-{:x}", std::process::id(), rand::random::<u64>());
        let keys = Keys(std::env::temp_dir().join(name));
        credentials::create(&keys.0)?;
        Ok(keys)
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One party as a process, which is stopped when the value is dropped.
struct Actor {
    child: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Actor {
    fn start(party: &str, options: &[String]) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["demo", "mitm", "--party", party]).args(options);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let said = child.stdout.take().ok_or_else(|| io::Error::other("a child without output"))?;
        Ok(Actor { child, said: BufReader::new(said) })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.said.read_line(&mut line)?;
        Ok(line.trim_end().into())
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn play_round(stage: &mut Stage, round: Round, keys: &Keys) -> io::Result<()> {
    stage.scene(match round {
        Round::Unsigned => "X25519 and AES-256-GCM, unsigned",
        Round::Signed => "The channel: X25519, signed by both",
        Round::PassedOn => "The channel again; Mallory has given up and passes everything on",
    });
    let signed = round != Round::Unsigned;
    let (bob, alice) =
        if signed { ("bob-signed", "alice-signed") } else { ("bob-unsigned", "alice-unsigned") };
    let credentials = ["--credentials".to_owned(), keys.0.display().to_string()];
    let mut bob = Actor::start(bob, &credentials)?;
    let ready = bob.line()?;
    let bob_address: SocketAddr = ready.parse().map_err(|_| io::Error::other(ready.clone()))?;
    stage.says("Bob", format!("process {}, waits at {bob_address}", bob.child.id()));
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let call = ["--connect".to_owned(), proxy.local_addr()?.to_string()];
    let mut alice = Actor::start(alice, &[credentials, call].concat())?;
    stage.says("Alice", format!("process {}, means to call Bob", alice.child.id()));
    stage.says("Mallory", format!("sits in between, at {}", proxy.local_addr()?));
    let (to_alice, _) = proxy.accept()?;
    patient(&to_alice)?;
    let to_bob = TcpStream::connect(bob_address)?;
    patient(&to_bob)?;
    match round {
        Round::Unsigned => attack_unsigned(stage, to_alice, to_bob)?,
        Round::Signed => attack_signed(stage, to_alice, to_bob)?,
        Round::PassedOn => {
            let leaked = pass_on(&to_alice, &to_bob)?;
            stage.says("Mallory", "has copied every octet");
            stage.verdict("the order is not among them", !leaked);
        }
    }
    let (alice_said, bob_said) = (alice.line()?, bob.line()?);
    stage.says("Alice", &alice_said);
    stage.says("Bob", &bob_said);
    match round {
        Round::Unsigned => {
            let deceived = alice_said.contains("sent") && bob_said.contains(&readable(FORGED));
            stage.verdict(
                "without signatures neither notices: Mallory read the order and wrote another",
                deceived,
            );
        }
        Round::Signed => {
            let refused = alice_said.starts_with("REFUSED") && bob_said.starts_with("REFUSED");
            stage.verdict("with signatures both notice, before a word is said: the attack fails", refused);
        }
        Round::PassedOn => {
            stage.verdict("the order arrives as Alice wrote it", bob_said.contains(&readable(ORDER)));
        }
    }
    Ok(())
}

/// Copies both directions until both end.
///
/// # Returns
/// Whether the order could be read on the way.
fn pass_on(to_alice: &TcpStream, to_bob: &TcpStream) -> io::Result<bool> {
    let copy = |mut from: &TcpStream, mut to: &TcpStream| -> io::Result<Vec<u8>> {
        let (mut all, mut octets) = (Vec::new(), [0; 4096]);
        loop {
            let count = from.read(&mut octets)?;
            to.write_all(&octets[..count])?;
            all.extend_from_slice(&octets[..count]);
            if count == 0 {
                to.shutdown(Shutdown::Write)?;
                return Ok(all);
            }
        }
    };
    let (up, down) = thread::scope(|scope| {
        let up = scope.spawn(|| copy(to_alice, to_bob));
        let down = copy(to_bob, to_alice);
        (up.join(), down)
    });
    let up = up.map_err(|_| io::Error::other("the copying thread failed"))??;
    Ok([up, down?].iter().any(|octets| octets.windows(ORDER.len()).any(|window| window == ORDER)))
}

/// Mallory agrees on a key with each of the two, reads what Alice says and tells Bob something else.
fn attack_unsigned(stage: &Stage, mut to_alice: TcpStream, mut to_bob: TcpStream) -> io::Result<()> {
    let mut with_alice = exchange(&mut to_alice)?.1;
    let mut with_bob = exchange(&mut to_bob)?.0;
    stage.says("Mallory", "has agreed on a key with Alice, and on another one with Bob");
    let order = with_alice.open(b"", &receive(&mut to_alice)?).map_err(io::Error::other)?;
    stage.says("Mallory", format!("reads {:?} and writes {:?}", readable(&order), readable(FORGED)));
    send(&mut to_bob, &with_bob.seal(b"", FORGED).map_err(io::Error::other)?)
}

/// Mallory tries the same against the channel, with a key of her own towards each.
fn attack_signed(stage: &Stage, to_alice: TcpStream, to_bob: TcpStream) -> io::Result<()> {
    let now = Instant::now();
    let as_bob = ChannelServer::new(Config::new(Identity::throw_away(), Trust::anyone()));
    let mut towards_alice = WireLine::new(to_alice, as_bob.session(now))?;
    let failed = towards_alice.establish();
    stage.says("Mallory", format!("as Bob towards Alice: {}", ended(&failed)));
    drop(towards_alice);
    let as_alice =
        ChannelClient::new(Config::new(Identity::throw_away(), Trust { anyone: true, ..Trust::default() }));
    let mut towards_bob = WireLine::new(to_bob, as_alice.session(now))?;
    let failed = towards_bob.establish();
    stage.says("Mallory", format!("as Alice towards Bob: {}", ended(&failed)));
    Ok(())
}

fn ended(result: &io::Result<()>) -> String {
    result.as_ref().map_or_else(ToString::to_string, |()| "accepted".into())
}

fn patient(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(DEMO_TIMEOUT))?;
    stream.set_write_timeout(Some(DEMO_TIMEOUT))
}

/// Plays one party to its end.
///
/// # Returns
/// The last line that the party says.
fn play(party: Party, address: SocketAddr, credentials: Option<&Path>) -> io::Result<String> {
    let files = credentials.map(Files::in_directory).unwrap_or_default();
    match party {
        Party::BobUnsigned => {
            let mut stream = answer(address)?;
            let mut key = exchange(&mut stream)?.1;
            let order = key.open(b"", &receive(&mut stream)?).map_err(io::Error::other)?;
            Ok(format!("has a key with Alice, and her order: {:?}", readable(&order)))
        }
        Party::AliceUnsigned => {
            let mut stream = TcpStream::connect(address)?;
            patient(&stream)?;
            let mut key = exchange(&mut stream)?.0;
            send(&mut stream, &key.seal(b"", ORDER).map_err(io::Error::other)?)?;
            Ok(format!("has a key with Bob, sent {:?}", readable(ORDER)))
        }
        Party::BobSigned => {
            // Bob accepts only the keys that his trust file names.
            let guests = Files { trust: credentials.map(|directory| directory.join("trust")), ..files };
            let offer = credentials::acceptor(Transport::Channel, &guests).map_err(io::Error::other)?;
            let acceptor = offer.ok_or_else(|| io::Error::other("no channel"))?.acceptor;
            let mut line = WireLine::new(answer(address)?, acceptor.accept(Instant::now()))?;
            line.establish()?;
            let order = line.read_to_end()?;
            line.close()?;
            Ok(format!("knows that it is Alice, and has her order: {:?}", readable(&order)))
        }
        Party::AliceSigned => {
            let connector = credentials::connector(Transport::Channel, &files, &SERVER_NAME.into())
                .map_err(io::Error::other)?;
            let pipe = connector.ok_or_else(|| io::Error::other("no channel"))?.connect(Instant::now());
            let mut line = WireLine::new(TcpStream::connect(address)?, pipe)?;
            line.establish()?;
            line.send(ORDER)?;
            line.close()?;
            line.read_to_end()?;
            Ok(format!("knows that it is Bob, sent {:?}", readable(ORDER)))
        }
    }
}

/// Prints the address that it listens on, and accepts one connection.
fn answer(address: SocketAddr) -> io::Result<TcpStream> {
    let listener = TcpListener::bind(address)?;
    outln!("{}", listener.local_addr()?);
    let (stream, _) = listener.accept()?;
    patient(&stream)?;
    Ok(stream)
}

/// The unsigned exchange: a public key each way, then a key from Alice to Bob (sealing and opening end of it).
fn exchange(stream: &mut TcpStream) -> io::Result<(SealingKey, OpeningKey)> {
    let own = EphemeralKey::generate().map_err(io::Error::other)?;
    stream.write_all(own.public())?;
    let mut peer = [0; 32];
    stream.read_exact(&mut peer)?;
    let secret = own.agree(&peer).map_err(io::Error::other)?;
    let key = kdf::extract(&[], &*secret).derive::<32>(b"dyno demo unsigned");
    let sealing = SealingKey::new(Algorithm::Aes256Gcm, &*key, &[0; 12]).map_err(io::Error::other)?;
    Ok((sealing, OpeningKey::new(Algorithm::Aes256Gcm, &*key, &[0; 12]).map_err(io::Error::other)?))
}

fn send(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    stream.write_all(&(message.len() as u32).to_be_bytes())?;
    stream.write_all(message)
}

fn receive(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > DEMO_MESSAGE_OCTETS {
        return Err(io::Error::other("a message that is too long"));
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message)?;
    Ok(message)
}

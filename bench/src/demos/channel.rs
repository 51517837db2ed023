//! `dyno demo channel`: a chat over the secure channel, alone or between two terminals; `--tap` shows the wire.

use std::io::{self, BufRead};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::session::ChannelSession;
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::PublicKey;

use super::stage::{Stage, hex, readable};
use super::wire::{Direction, WireLine};
use super::{Choices, Demo};
use crate::exit::Failure;
use crate::limits::{DEMO_OTHER_TERMINAL, DEMO_POLL};
pub(crate) const DEMO: Demo = Demo {
    name: "channel",
    idea: "a chat; between two terminals with --listen and --connect, --tap shows what the wire carries",
    run,
};

fn run(stage: &mut Stage, choices: &Choices) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure::failed(error.to_string(), "is the other terminal there, with the key that it showed?")
    };
    match (choices.listen, choices.connect) {
        (Some(address), _) => listen(stage, address, choices.tap).map_err(failed),
        (_, Some(address)) => {
            let key = choices.peer.as_deref().unwrap_or_default().parse::<PublicKey>();
            let key = key.map_err(|error| {
                Failure::usage(
                    error.to_string(),
                    "--peer wants the key that --listen has shown: ed25519: and 64 digits",
                )
            })?;
            connect(stage, address, key, choices.tap).map_err(failed)
        }
        _ => alone(stage, choices.tap),
    }
}

const KINDS: [&str; 12] = [
    "?", "hello", "reply", "finish", "ready", "data", "rekey", "close", "cookie", "renew", "answer", "fresh",
];

/// Shows the messages on the wire: only their kind and length can be read.
fn tap(stage: &Stage, direction: Direction, wire: &[u8]) {
    let arrow = if direction == Direction::Out { "->" } else { "<-" };
    let mut rest = wire;
    while let [kind, high, low, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(tail.len());
        let (body, next) = tail.split_at(length);
        let name = KINDS.get(usize::from(*kind)).unwrap_or(&"?");
        stage.says("the wire", format!("{arrow} {name:<6} {length:>4}  {}", hex(body)));
        rest = next;
    }
}

fn alone(stage: &mut Stage, tapped: bool) -> Result<(), Failure> {
    let failed = |refusal: PipeError| Failure::failed(refusal.to_string(), "");
    stage.scene("The handshake");
    let alice_identity = Identity::throw_away();
    let trust = Trust::pinned(*alice_identity.key.public());
    let server = ChannelServer::new(Config::new(Identity::throw_away(), trust));
    let client = ChannelClient::new(Config::new(alice_identity, Trust::pinned(*server.public())));
    let now = Instant::now();
    let (mut alice, mut bob) = (client.session(now), server.session(now));
    let (mut at_alice, mut at_bob, mut carried) = (Vec::new(), Vec::new(), Vec::new());
    let mut deliver = |from: &mut ChannelSession, to: &mut ChannelSession, plain: &mut Vec<u8>, direction| {
        let wire = super::wire::drain(from);
        if tapped {
            tap(stage, direction, &wire);
        }
        to.receive(&wire, plain, now).map_err(failed)?;
        carried.extend(wire);
        Ok::<(), Failure>(())
    };
    for _ in 0..2 {
        deliver(&mut alice, &mut bob, &mut at_bob, Direction::Out)?;
        deliver(&mut bob, &mut alice, &mut at_alice, Direction::In)?;
    }
    let same = alice.transcript().is_some() && alice.transcript() == bob.transcript();
    let knows = bob.peer().map(|peer| peer.key) == Some(*client.public())
        && alice.peer().map(|peer| peer.key) == Some(*server.public());
    let words: [&[u8]; 2] =
        [b"Good morning, Bob. The password is swordfish.", b"Good morning, Alice. Understood."];
    alice.send(words[0]).map_err(failed)?;
    deliver(&mut alice, &mut bob, &mut at_bob, Direction::Out)?;
    bob.send(words[1]).map_err(failed)?;
    deliver(&mut bob, &mut alice, &mut at_alice, Direction::In)?;
    alice.close();
    bob.close();
    deliver(&mut alice, &mut bob, &mut at_bob, Direction::Out)?;
    deliver(&mut bob, &mut alice, &mut at_alice, Direction::In)?;
    if !tapped {
        stage.says("Narrator", "three messages, then records (`--tap` shows them)");
    }
    stage.says("both", format!("session {}", hex(alice.transcript().map_or(&[][..], |t| &t[..]))));
    stage.verdict("both have the same session, and each knows the other's key", same && knows);
    stage.scene("The chat");
    stage.says("Alice", readable(words[0]));
    stage.says("Bob", readable(words[1]));
    stage.verdict("each has read the other", at_bob == words[0] && at_alice == words[1]);
    let leaked = carried.windows(9).any(|window| window == b"swordfish");
    stage.says(
        "Eve",
        format!("has all {} octets that went over the wire, and their lengths and times", carried.len()),
    );
    stage.verdict("the password is not among them", !leaked);
    let ended = alice.receive_eof().is_ok() && bob.receive_eof().is_ok();
    stage.verdict("both have said an authenticated goodbye", ended);
    Ok(())
}

fn listen(stage: &mut Stage, address: SocketAddr, tapped: bool) -> io::Result<()> {
    let server = ChannelServer::new(Config::new(Identity::throw_away(), Trust::anyone()));
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    stage.says("here", "in the other terminal:");
    stage.offers("here", &format!("dyno demo channel --connect {address} --peer {}", server.public()));
    listener.set_nonblocking(true)?;
    let start = Instant::now();
    let stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(error)
                if error.kind() == io::ErrorKind::WouldBlock && start.elapsed() < DEMO_OTHER_TERMINAL =>
            {
                thread::sleep(DEMO_POLL);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return Err(io::Error::other("nobody called within five minutes"));
            }
            Err(error) => return Err(error),
        }
    };
    stream.set_nonblocking(false)?;
    chat(stage, WireLine::new(stream, server.session(Instant::now()))?, tapped)
}

fn connect(stage: &mut Stage, address: SocketAddr, key: PublicKey, tapped: bool) -> io::Result<()> {
    let client = ChannelClient::new(Config::new(Identity::throw_away(), Trust::pinned(key)));
    chat(stage, WireLine::new(TcpStream::connect(address)?, client.session(Instant::now()))?, tapped)
}

/// Sends the lines that the user types, and shows the lines that come in; ends with the input or with the other side.
fn chat(stage: &mut Stage, mut line: WireLine<ChannelSession>, tapped: bool) -> io::Result<()> {
    line.tapped = tapped.then(Vec::new);
    let established = line.establish();
    show_tapped(stage, &mut line);
    established?;
    let peer = line.pipe.peer().map(|peer| peer.key.to_string()).unwrap_or_default();
    stage.says("here", format!("connected with {peer}; type lines, end with Ctrl-D"));
    let (typed, keyboard) = mpsc::channel();
    // Reading from a terminal cannot be interrupted, so this thread ends with the process or with the input.
    thread::spawn(move || type_lines(&typed));
    line.stream.set_read_timeout(Some(DEMO_POLL))?;
    let mut said_goodbye = false;
    loop {
        match keyboard.recv_timeout(Duration::from_millis(1)) {
            Ok(text) => {
                line.pipe.send(text.as_bytes()).map_err(io::Error::other)?;
                line.flush()?;
            }
            Err(RecvTimeoutError::Disconnected) if !said_goodbye => {
                said_goodbye = true;
                line.close()?;
            }
            Err(_) => {}
        }
        match line.fill() {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
        show(stage, &mut line);
    }
    show(stage, &mut line);
    if !said_goodbye {
        line.close()?;
        show_tapped(stage, &mut line);
    }
    stage.verdict("the other side has said its authenticated goodbye", line.pipe.is_closed_by_peer());
    Ok(())
}

/// Shows what the wire has carried, if it is tapped, and then the messages that were opened.
fn show(stage: &Stage, line: &mut WireLine<ChannelSession>) {
    show_tapped(stage, line);
    let plain = std::mem::take(&mut line.plain);
    for text in plain.split(|&octet| octet == b'\n').filter(|text| !text.is_empty()) {
        stage.says("there", readable(text));
    }
}

fn show_tapped(stage: &Stage, line: &mut WireLine<ChannelSession>) {
    for (direction, wire) in line.tapped.iter_mut().flat_map(std::mem::take) {
        tap(stage, direction, &wire);
    }
}

fn type_lines(typed: &Sender<String>) {
    for line in io::stdin().lock().lines().map_while(Result::ok) {
        if typed.send(line + "\n").is_err() {
            return;
        }
    }
}

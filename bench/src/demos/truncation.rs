//! `dyno demo truncation`: an attacker cuts the connection in the middle of a sentence.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::Instant;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;

use super::stage::{Stage, readable};
use super::wire::{drain, settle};
use super::{Choices, Demo};
use crate::exit::Failure;
pub(crate) const DEMO: Demo = Demo {
    name: "truncation",
    idea: "a stream cut in the middle: unseen in plaintext, an error in the channel",
    run,
};

const SENTENCES: [&[u8]; 2] = [b"Pay Mallory 1000 EUR", b" only when I call you."];

fn run(stage: &mut Stage, _: &Choices) -> Result<(), Failure> {
    stage.scene("Plaintext over TCP");
    stage.says(
        "Alice",
        format!("{:?} and {:?}, then ends the connection", readable(SENTENCES[0]), readable(SENTENCES[1])),
    );
    stage.says("Mallory", "lets the first segment through and ends the connection in Alice's name");
    let received = over_tcp(SENTENCES[0]);
    let said = received
        .as_ref()
        .map_or_else(ToString::to_string, |octets| format!("the whole message: {:?}", readable(octets)));
    stage.says("Bob", said);
    let unseen = received.is_ok_and(|octets| octets == SENTENCES[0]);
    stage.verdict("an end is an end: Bob cannot see that something is missing", unseen);

    stage.scene("The channel");
    let server = ChannelServer::new(Config::new(Identity::throw_away(), Trust::anyone()));
    let client = ChannelClient::new(Config::new(Identity::throw_away(), Trust::pinned(*server.public())));
    let mut outcomes = Vec::new();
    for cut_short in [true, false] {
        let now = Instant::now();
        let (mut alice, mut bob) = (client.session(now), server.session(now));
        let failed =
            |failure: dyno_security::pipe::error::PipeError| Failure::failed(failure.to_string(), "");
        settle(&mut alice, &mut bob, now).map_err(failed)?;
        alice.send(SENTENCES[0]).map_err(failed)?;
        let mut wire = drain(&mut alice);
        if cut_short {
            stage.says("Mallory", "lets the first record through and ends the connection in Alice's name");
        } else {
            alice.send(SENTENCES[1]).map_err(failed)?;
            alice.close();
            wire.extend(drain(&mut alice));
            stage.says("Alice", "this time everything arrives, with her sealed goodbye");
        }
        let mut plain = Vec::new();
        bob.receive(&wire, &mut plain, now).map_err(failed)?;
        let ended = bob.receive_eof();
        stage.says(
            "Bob",
            format!(
                "{:?}, then: {}",
                readable(&plain),
                ended.map_or_else(|f| f.to_string(), |()| "the end".into())
            ),
        );
        outcomes.push(ended.is_ok());
    }
    stage.verdict(
        "without the authenticated close the end is an error; with it, it is the end",
        outcomes == [false, true],
    );
    Ok(())
}

/// What a client reads to the end of a connection that carries `octets` and is then closed.
fn over_tcp(octets: &[u8]) -> io::Result<Vec<u8>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut sender = TcpStream::connect(listener.local_addr()?)?;
    let (mut receiver, _) = listener.accept()?;
    sender.write_all(octets)?;
    drop(sender);
    let mut received = Vec::new();
    receiver.read_to_end(&mut received)?;
    Ok(received)
}

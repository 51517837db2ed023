//! `dyno demo resumption`: who has shaken hands before comes back by a ticket; what a recording of it, the ticket, and
//! the server's key for tickets are worth to a thief.

use std::time::Instant;

use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::message::MessageKind;
use dyno_security::channel::trust::Trust;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::SigningKey;
use dyno_units::show;

use super::stage::{Stage, hex, readable};
use super::wire::drain;
use super::{Choices, Demo, ticket_key};
use crate::exit::Failure;

pub(crate) const DEMO: Demo =
    Demo { name: "resumption", idea: "a ticket saves the signatures, and opens nothing to its thief", run };

const SECRET: &[u8] = b"meet me at the old mill";

/// Handshakes of each kind that are timed: the median of so many is steady enough to be shown.
const TIMED: usize = 101;

/// One handshake as the wire sees it.
struct Seen {
    /// Messages 1, 2 and 3; with the last one what Alice says.
    messages: [Vec<u8>; 3],
    /// What comes after them: `ready`, and another ticket.
    rest: Vec<u8>,
    /// Whether both ends say that they have resumed a session.
    is_resumed: bool,
    /// What Bob has read.
    plain: Vec<u8>,
}

/// A handshake in which Alice says `text` to Bob.
fn meet(client: &ChannelClient, server: &ChannelServer, text: &[u8]) -> Result<Seen, PipeError> {
    let now = Instant::now();
    let (mut alice, mut bob) = (client.session(now), server.session(now));
    let (mut plain, one) = (Vec::new(), drain(&mut alice));
    bob.receive(&one, &mut plain, now)?;
    let two = drain(&mut bob);
    alice.receive(&two, &mut Vec::new(), now)?;
    alice.send(text)?;
    let three = drain(&mut alice);
    bob.receive(&three, &mut plain, now)?;
    let rest = drain(&mut bob);
    alice.receive(&rest, &mut Vec::new(), now)?;
    let is_resumed = alice.is_resumed() && bob.is_resumed();
    Ok(Seen { messages: [one, two, three], rest, is_resumed, plain })
}

/// Octets of the handshake on the wire, both ways.
fn octets(seen: &Seen) -> usize {
    seen.messages.iter().map(Vec::len).sum::<usize>() + seen.rest.len()
}

/// The median time that both ends together take for a handshake, ns.
fn timed(client: &ChannelClient, server: &ChannelServer) -> Result<f64, PipeError> {
    let mut times = Vec::new();
    for _ in 0..TIMED {
        let began = Instant::now();
        meet(client, server, b"")?;
        times.push(began.elapsed().as_nanos());
    }
    times.sort_unstable();
    Ok(times[TIMED / 2] as f64)
}

fn run(stage: &mut Stage, _: &Choices) -> Result<(), Failure> {
    let failed = |refusal: PipeError| Failure::failed(refusal.to_string(), "");
    let copy = |document: &[u8]| {
        SigningKey::from_pkcs8(document).map_err(|error| Failure::failed(error.to_string(), ""))
    };
    let (alice, bob) = (SigningKey::generate(), SigningKey::generate());
    let client = |resumes| {
        let mut config = Config::new(Identity::bare(copy(&alice.1)?), Trust::pinned(*bob.0.public()));
        config.resumes = resumes;
        Ok::<_, Failure>(ChannelClient::new(config))
    };
    let server =
        ChannelServer::new(Config::new(Identity::bare(copy(&bob.1)?), Trust::pinned(*alice.0.public())));

    stage.scene("A session by signatures, and one that goes on from it");
    let (returning, stranger) = (client(true)?, client(false)?);
    let first = meet(&returning, &server, b"").map_err(failed)?;
    stage.says("Bob", "has verified Alice's signature, and gives her a ticket that he alone can open");
    let second = meet(&returning, &server, SECRET).map_err(failed)?;
    stage.says("Alice", "comes back with the ticket: fresh x, a MAC in the place of her signature");
    stage.says("Bob", "opens it: who she is, and the secret rs of the session before; remembers nothing");
    stage.says("Bob", format!("reads {:?}", readable(&second.plain)));
    stage.verdict(
        "the second session is resumed, with keys of its own",
        !first.is_resumed && second.is_resumed && second.plain == SECRET,
    );
    let full = meet(&stranger, &server, SECRET).map_err(failed)?;
    let (with, without) = (octets(&full), octets(&second));
    let times = [timed(&stranger, &server).map_err(failed)?, timed(&returning, &server).map_err(failed)?];
    let [signed, resumed] = times.map(show::time);
    stage.says(
        "Narrator",
        format!("by signatures: {with} octets on the wire, {signed} of both ends together"),
    );
    stage.says("Narrator", format!("by a ticket: {without} octets, the next ticket among them, {resumed}"));
    let shaken = |seen: &Seen| seen.messages.iter().map(Vec::len).sum::<usize>();
    stage.verdict(
        "without identities and signatures the handshake is shorter; nobody has signed or verified anything",
        second.is_resumed && !full.is_resumed && shaken(&second) < shaken(&full),
    );

    stage.scene("The resumption was recorded, and is played to Bob again");
    let [one, two, three] = &second.messages;
    let now = Instant::now();
    let (mut again, mut opened) = (server.session(now), Vec::new());
    again.receive(one, &mut opened, now).map_err(failed)?;
    let other = drain(&mut again);
    let is_taken = other.first() == Some(&(MessageKind::Resumed as u8));
    stage.says("Eve", "sends message 1 with the ticket once more");
    stage.says("Bob", "takes the ticket, for he remembers none, and answers with another g^y");
    stage.says("Eve", format!("saw {} then and sees {} now", hex(&two[5..]), hex(&other[5..])));
    let refused = again.receive(three, &mut opened, now);
    stage.says("Eve", "sends the recorded message 3, and what Alice said behind it");
    stage.says("Bob", refused.map_or_else(|refusal| refusal.to_string(), |()| "takes it".into()));
    stage.verdict(
        "a replayed ticket gives nobody a session, and what was said is not heard twice",
        is_taken && other != *two && refused.is_err() && opened.is_empty(),
    );
    let third = meet(&returning, &server, b"").map_err(failed)?;
    stage.verdict(
        "Alice uses each ticket once, so Eve cannot tell by it that she is back",
        third.is_resumed && third.messages[0] != *one && !shares_a_ticket(&third.messages[0], one),
    );

    ticket_key::play(stage)
}

/// Whether two messages 1 end with the same ticket.
fn shares_a_ticket(one: &[u8], other: &[u8]) -> bool {
    // The ticket is the last field, and by far longer than this.
    const TAIL_OCTETS: usize = 64;
    one[one.len().saturating_sub(TAIL_OCTETS)..] == other[other.len().saturating_sub(TAIL_OCTETS)..]
}

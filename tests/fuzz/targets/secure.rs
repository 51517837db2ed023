//! The parsers of `dyno-security`.

use dyno_security::aead::{Algorithm, OpeningKey, SealingKey};
use dyno_security::channel::credential::{Credential, KeyUsage};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::message::{HEADER_OCTETS, Hello, HelloReply, Suite};
use dyno_security::channel::session::ChannelSession;
use dyno_security::channel::trust::Trust;
use dyno_security::envelope::sealed::RecipientKey;
use dyno_security::envelope::{bound, sealed, signed, stream, weak};
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::replay::message::{Receiver, seal};
use dyno_security::signature::{PublicKey, SigningKey, keyfile};
use std::sync::LazyLock;
use std::time::Instant;

use super::Target;
use crate::secure_support::{drain, mutual, settle};

/// Every parser of the crate that reads what others wrote.
pub(crate) const ALL: [Target; 8] = [
    Target { name: "messages", seeds: || vec![hello(), reply()], run: messages },
    Target { name: "handshake", seeds: || vec![hello(), reply(), vec![3, 0, 2, 0, 0]], run: handshake },
    Target {
        name: "records",
        seeds: || vec![vec![], vec![0, 0, 1], vec![0, 3, 0x80, 0, 1, 4]],
        run: records,
    },
    Target { name: "envelopes", seeds: envelope_seeds, run: envelopes },
    Target { name: "stand-alone-messages", seeds: || vec![stand_alone()], run: stand_alone_messages },
    Target { name: "key-files", seeds: key_file_seeds, run: key_files },
    Target { name: "credentials", seeds: || vec![bare().encode(), certified().encode()], run: credentials },
    Target { name: "trust-files", seeds: trust_seeds, run: trust_files },
];

/// What is sealed and signed in the seeds. Whatever opens must be this.
const MESSAGE: &[u8] = b"meet me at the usual place";
const NOW_MS: u64 = 1_000_000;

struct World {
    client: ChannelClient,
    server: ChannelServer,
    alice: SigningKey,
    bob: RecipientKey,
    authority: SigningKey,
    now: Instant,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let (client, server) = mutual();
    World {
        client,
        server,
        alice: SigningKey::from_seed(&[1; 32]).unwrap(),
        bob: RecipientKey::parse(&[2; 32]).unwrap(),
        authority: SigningKey::from_seed(&[3; 32]).unwrap(),
        now: Instant::now(),
    }
});

fn hello() -> Vec<u8> {
    Hello::write(&Suite::CLASSICAL, &[9; 32])
}

fn reply() -> Vec<u8> {
    let mut responder = WORLD.server.session(WORLD.now);
    responder.receive(&hello(), &mut Vec::new(), WORLD.now).unwrap();
    drain(&mut responder)
}

/// What was parsed is what stands there, octet for octet.
fn messages(input: &[u8]) {
    let body = input.get(HEADER_OCTETS..).unwrap_or_default();
    if let Some(hello) = Hello::parse(body) {
        assert_eq!(&body[14..], [hello.suites, hello.gx, hello.fields.octets].concat());
        assert!(hello.choose(&Suite::ALL).is_none_or(|suite| hello.suites.contains(&(suite as u8))));
    }
    if let Some(reply) = HelloReply::parse(body) {
        assert_eq!(reply.write()[HEADER_OCTETS..], *body);
    }
}

/// Feeds whole or octet by octet; how much was opened, and how it ended.
fn feed(session: &mut ChannelSession, input: &[u8], piece: usize) -> (Vec<u8>, Option<PipeError>) {
    let mut plain = Vec::new();
    let failure = input.chunks(piece).find_map(|piece| session.receive(piece, &mut plain, WORLD.now).err());
    (plain, failure)
}

/// Nobody is established by what a stranger sends, however it is cut, and nothing comes out.
fn handshake(input: &[u8]) {
    let sessions = || [WORLD.client.session(WORLD.now), WORLD.server.session(WORLD.now)];
    for (mut whole, mut cut) in sessions().into_iter().zip(sessions()) {
        let outcomes = [feed(&mut whole, input, input.len().max(1)), feed(&mut cut, input, 1)];
        assert_eq!(outcomes[0].1, outcomes[1].1, "the pieces make a difference");
        for (session, (plain, failure)) in [&mut whole, &mut cut].into_iter().zip(outcomes) {
            assert!(plain.is_empty() && !session.is_established());
            assert!(failure.is_none() || session.pending().is_empty(), "a refused peer is told something");
        }
    }
}

/// The input edits what an honest sender has sent (place, place, mask; what is left over replaces the end): whatever is
/// opened was sent, in order, and an altered stream never ends well.
fn records(input: &[u8]) {
    let (mut left, mut right) = (WORLD.client.session(WORLD.now), WORLD.server.session(WORLD.now));
    settle(&mut left, &mut right, WORLD.now).unwrap();
    for part in [MESSAGE, &[7; 300], MESSAGE] {
        left.send(part).unwrap();
    }
    left.close();
    let honest = drain(&mut left);
    let truth = [MESSAGE, &[7; 300], MESSAGE].concat();
    let mut wire = honest.clone();
    let mut edits = input.chunks_exact(3);
    for edit in &mut edits {
        let place = usize::from(u16::from_be_bytes([edit[0], edit[1]])) % wire.len();
        wire[place] ^= edit[2];
    }
    if let [cut, end @ ..] = edits.remainder() {
        wire.truncate(wire.len().saturating_sub(usize::from(*cut)));
        wire.extend_from_slice(end);
    }
    let (plain, failure) = feed(&mut right, &wire, 1 + input.len() % 50);
    assert!(truth.starts_with(&plain), "something was opened that was not sent");
    let ended_well = failure.is_none() && right.receive_eof().is_ok();
    assert_eq!(ended_well, wire == honest, "only the whole and unaltered stream ends well");
}

fn envelope_seeds() -> Vec<Vec<u8>> {
    let World { alice, bob, .. } = &*WORLD;
    let mut streamed = Vec::new();
    stream::seal(alice, bob.public(), &mut &MESSAGE[..], &mut streamed).unwrap();
    vec![
        sealed::seal(bob.public(), b"fuzz", MESSAGE).unwrap(),
        signed::sign(alice, MESSAGE),
        bound::seal(alice, bob.public(), MESSAGE).unwrap(),
        weak::signed_then_sealed(alice, bob.public(), MESSAGE).unwrap(),
        weak::sealed_then_signed(alice, bob.public(), MESSAGE).unwrap(),
        streamed,
    ]
}

/// Whatever opens under Alice's name is what Alice wrote.
fn envelopes(input: &[u8]) {
    let (alice, bob) = (WORLD.alice.public(), &WORLD.bob);
    let mut streamed = Vec::new();
    let whole = stream::open(bob, alice, &mut &input[..], &mut streamed).is_ok();
    assert!(if whole { streamed == MESSAGE } else { MESSAGE.starts_with(&streamed) });
    // Anybody can seal to Bob; only here the only one who did wrote MESSAGE.
    let opened = [
        sealed::open(bob, b"fuzz", input).ok(),
        bound::open(bob, alice, input).ok(),
        weak::open_signed_then_sealed(bob, alice, input).ok(),
        weak::open_sealed_then_signed(bob, alice, input).ok(),
    ];
    assert!(opened.into_iter().flatten().all(|message| message == MESSAGE));
    // She has signed one message for everybody, and one that is sealed inside the signature.
    if let Ok(message) = signed::verify(alice, input) {
        assert!(message == MESSAGE || weak::open_sealed_then_signed(bob, alice, input).is_ok());
    }
}

fn stand_alone() -> Vec<u8> {
    let mut key = SealingKey::new(Algorithm::Aes256Gcm, &[7; 32], &[0; 12]).unwrap();
    seal(&mut key, NOW_MS, b"fuzz", MESSAGE).unwrap()
}

/// The one message that was sent is taken once; nothing else is, and nothing else spoils it.
fn stand_alone_messages(input: &[u8]) {
    let key = OpeningKey::new(Algorithm::Aes256Gcm, &[7; 32], &[0; 12]).unwrap();
    let mut receiver = Receiver::new(key);
    let (first, second) = (receiver.open(NOW_MS, b"fuzz", input), receiver.open(NOW_MS, b"fuzz", input));
    assert_eq!(first.is_ok(), input == stand_alone());
    assert!(second.is_err(), "a message was taken twice");
    assert_eq!(receiver.open(NOW_MS, b"fuzz", &stand_alone()).is_ok(), first.is_err());
}

fn key_file_seeds() -> Vec<Vec<u8>> {
    let (_, document) = SigningKey::generate();
    let pem = keyfile::to_pem("PRIVATE KEY", &document);
    vec![document.to_vec(), pem.as_bytes().to_vec(), format!("# a note\n{}\n", *pem).into_bytes()]
}

/// A key that is taken works: it signs, and its public half verifies.
fn key_files(input: &[u8]) {
    for document in [keyfile::parse_pem(input).map(|document| document.to_vec()), Some(input.to_vec())] {
        if let Some(key) = document.and_then(|document| SigningKey::from_pkcs8(&document).ok()) {
            assert!(key.public().verify_bare(MESSAGE, &key.sign_bare(MESSAGE)).is_ok());
            assert_eq!(key.public().to_string().parse::<PublicKey>().as_ref(), Ok(key.public()));
        }
    }
}

fn bare() -> Credential {
    Credential::bare(*WORLD.alice.public())
}

fn certified() -> Credential {
    Credential::certify(&WORLD.authority, *WORLD.alice.public(), KeyUsage::Connect, "alice", 0, 1 << 40)
        .unwrap()
}

/// There is one way to write a credential, and the authority has vouched for one.
fn credentials(input: &[u8]) {
    let Some(credential) = Credential::parse(input) else { return };
    assert_eq!(credential.encode(), input);
    assert_eq!(credential.is_signed_by(WORLD.authority.public()), input == certified().encode());
}

fn trust_seeds() -> Vec<Vec<u8>> {
    let (alice, authority) = (WORLD.alice.public(), WORLD.authority.public());
    vec![format!("# whom to trust\npeer alice {alice}\nauthority {authority} # CA\n").into_bytes()]
}

/// Nobody is trusted who does not stand in the file.
fn trust_files(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let lower = text.to_ascii_lowercase();
    for name in [None, Some("alice".into())] {
        let Ok(trust) = Trust::parse(text, name.as_ref()) else { continue };
        let stands = |key: &PublicKey| lower.contains(&key.to_string());
        assert!(trust.keys.iter().chain(&trust.authorities).all(stands));
        assert!(!trust.anyone);
    }
}

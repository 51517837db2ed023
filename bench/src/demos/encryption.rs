//! `dyno demo encryption`: what a sealed message hides, and what a nonce used twice reveals.

use std::time::Instant;

use dyno_security::aead::{Algorithm, OpeningKey, SealingKey};
use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::message::MessageKind;
use dyno_security::channel::trust::Trust;
use dyno_security::limits;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;

use super::stage::{Stage, hex, readable};
use super::wire::{drain, settle};
use super::{Choices, Demo};
use crate::exit::Failure;

/// Encryption, and the nonce.
pub(crate) const DEMO: Demo =
    Demo { name: "encryption", idea: "a sealed message, and what a nonce used twice reveals", run };

const KEY: [u8; 32] = *b"a key that Alice and Bob share..";

fn key() -> SealingKey {
    SealingKey::new(Algorithm::Aes256Gcm, &KEY, &[0; 12]).expect("32 and 12 octets")
}

fn run(stage: &mut Stage, _: &Choices) -> Result<(), Failure> {
    let message = b"attack at dawn";
    stage.scene("A sealed message (AES-256-GCM): C = E(K, M), and M = D(K, C)");
    stage.says("Narrator", "K is the key that both share, M the message, C what goes over the wire");
    let mut alice = key();
    let sealed = alice.seal(b"to Bob", message).expect("a fresh key");
    stage.says("Alice", format!("seals M = {:?}: C = E(K, M)", readable(message)));
    stage.says("Eve", format!("sees C = {}", hex(&sealed)));
    let mut bob = OpeningKey::new(Algorithm::Aes256Gcm, &KEY, &[0; 12]).expect("32 and 12 octets");
    let mut altered = sealed.clone();
    altered[0] ^= 1;
    stage.says("Eve", "flips one bit and passes it on");
    let refused = bob.open(b"to Bob", &altered).is_err();
    stage.says("Bob", "it does not open");
    stage.verdict("a message that was altered is refused", refused);
    let opened = bob.open(b"to Bob", &sealed);
    stage.says(
        "Bob",
        format!("opens the genuine one: D(K, C) = {:?}", readable(&opened.clone().unwrap_or_default())),
    );
    stage.verdict("the genuine message opens", opened.as_deref() == Ok(message));
    stage.says("Narrator", "how do both get K over a wire that Eve reads? See `dyno demo diffie-hellman`");

    stage.scene("The same nonce for two messages");
    let (first, second) = (b"transfer 000100 EUR", b"transfer 999999 EUR");
    // Two keys made in the same way start at the same number: exactly what must never happen.
    let (one, two) = (key().seal(b"", first).expect("fresh"), key().seal(b"", second).expect("fresh"));
    stage.says("Alice", "has reset her counter and seals two messages with the same key and nonce");
    stage.says("Eve", format!("knows that the first was {:?}", readable(first)));
    let guessed: Vec<u8> = one.iter().zip(&two).zip(first).map(|((a, b), known)| a ^ b ^ known).collect();
    stage.says("Eve", format!("XORs both ciphertexts with it and reads {:?}", readable(&guessed)));
    stage.verdict("a nonce used twice gives the second message away, without the key", guessed == second);

    stage.scene("Keys that count for themselves");
    let mut careful = key().with_limit(2);
    let (one, two) = (careful.seal(b"", first), careful.seal(b"", first));
    stage.says("Alice", "seals the same message twice with one key that counts");
    stage.verdict("the two ciphertexts differ", one.is_ok() && one != two);
    stage.verdict("and the key stops before a number could come again", careful.seal(b"", first).is_err());
    limited_validity(stage)
}

/// A key is used for so long and no longer: the channel changes its own, and nothing leads back.
fn limited_validity(stage: &mut Stage) -> Result<(), Failure> {
    let failed = |error: PipeError| Failure::failed(error.to_string(), "");
    stage.scene("A key is valid for a limited time: who steals it reads what it sealed, and no more");
    let (records, gib, minutes) =
        (limits::REKEY_RECORDS, limits::REKEY_OCTETS >> 30, limits::REKEY_TIME.as_secs() / 60);
    stage.says(
        "Narrator",
        format!("the channel takes the next key after {records} records, {gib} GiB or {minutes} minutes"),
    );
    let server = ChannelServer::new(Config::new(Identity::throw_away(), Trust::anyone()));
    let client = ChannelClient::new(Config::new(Identity::throw_away(), Trust::pinned(*server.public())));
    let now = Instant::now();
    let (mut alice, mut bob) = (client.session(now), server.session(now));
    settle(&mut alice, &mut bob, now).map_err(failed)?;
    alice.send(b"before").map_err(failed)?;
    let later = now + limits::REKEY_TIME;
    alice.handle_deadline(later).map_err(failed)?;
    alice.send(b"after").map_err(failed)?;
    let wire = drain(&mut alice);
    let kinds = kinds(&wire);
    stage.says(
        "Eve",
        format!("sees kinds {kinds:?}: data, rekey, renew, data; the last two are under the next key"),
    );
    let mut plain = Vec::new();
    bob.receive(&wire, &mut plain, later).map_err(failed)?;
    stage.says("Bob", format!("reads {:?}: he has changed his key at the same place", readable(&plain)));
    let expected = [MessageKind::Data, MessageKind::Rekey, MessageKind::Renew, MessageKind::Data];
    let expected = expected.map(|kind| kind as u8);
    stage.verdict("an hour has passed, and the key is another", kinds == expected && plain == b"beforeafter");
    Ok(())
}

/// The kinds of the messages in `wire`: kind (1), length (2), body.
fn kinds(mut wire: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while let [kind, high, low, rest @ ..] = wire {
        kinds.push(*kind);
        wire = rest.get(usize::from(u16::from_be_bytes([*high, *low]))..).unwrap_or_default();
    }
    kinds
}

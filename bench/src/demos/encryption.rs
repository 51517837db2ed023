//! `dyno demo encryption`: what a sealed message hides, and what a nonce used twice reveals.

use dyno_security::aead::{Algorithm, OpeningKey, SealingKey};

use super::stage::{Stage, hex, readable};
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
    stage.scene("A sealed message (AES-256-GCM)");
    let mut alice = key();
    let sealed = alice.seal(b"to Bob", message).expect("a fresh key");
    stage.says("Alice", format!("seals {:?}", readable(message)));
    stage.says("Eve", format!("sees {}", hex(&sealed)));
    let mut bob = OpeningKey::new(Algorithm::Aes256Gcm, &KEY, &[0; 12]).expect("32 and 12 octets");
    let mut altered = sealed.clone();
    altered[0] ^= 1;
    stage.says("Eve", "flips one bit and passes it on");
    let refused = bob.open(b"to Bob", &altered).is_err();
    stage.says("Bob", "it does not open");
    stage.verdict("a message that was altered is refused", refused);
    let opened = bob.open(b"to Bob", &sealed);
    stage.says("Bob", format!("opens the genuine one: {:?}", readable(&opened.clone().unwrap_or_default())));
    stage.verdict("the genuine message opens", opened.as_deref() == Ok(message));

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
    Ok(())
}

//! `dyno demo replay`: a recorded order to pay, sent again.

use dyno_security::aead::{Algorithm, OpeningKey, SealingKey};
use dyno_security::limits::REPLAY_TOLERANCE_MS;
use dyno_security::replay::message::{Receiver, seal};

use super::stage::{Stage, hex, readable};
use super::{Choices, Demo};
use crate::exit::Failure;

/// Replay, off and on.
pub(crate) const DEMO: Demo =
    Demo { name: "replay", idea: "a recorded message sent again: protection off, then on", run };

/// A moment in ms since 1970; the demonstration does not read the clock.
const NOON_MS: u64 = 1_800_000_000_000;

fn keys() -> (SealingKey, OpeningKey) {
    let (key, base) = ([9; 32], [0; 12]);
    let opening = OpeningKey::new(Algorithm::ChaCha20Poly1305, &key, &base).expect("32 and 12 octets");
    (SealingKey::new(Algorithm::ChaCha20Poly1305, &key, &base).expect("32 and 12 octets"), opening)
}

fn run(stage: &mut Stage, _: &Choices) -> Result<(), Failure> {
    let order = b"pay 100 EUR to Mallory";
    stage.scene("Protection off: the bank opens whatever opens");
    let (mut alice, bank) = keys();
    let sealed = alice.seal(b"", order).expect("a fresh key");
    stage.says("Alice", format!("seals {:?}", readable(order)));
    stage.says("Mallory", format!("records {}", hex(&sealed)));
    let mut paid = 0;
    for _ in 0..3 {
        let mut message = sealed.clone();
        if bank.open_in_place_at(0, b"", &mut message).is_ok() {
            paid += 100;
        }
        stage.says("Mallory", "sends the recording");
        stage.says("Bank", format!("it is genuine, paid {paid} EUR so far"));
    }
    stage.verdict("encryption says nothing about when: the bank paid three times", paid == 300);

    stage.scene("Protection on: a number and a time inside, a window of 1,024 numbers at the bank");
    let (mut alice, bank) = keys();
    let mut bank = Receiver::new(bank);
    let sealed = seal(&mut alice, NOON_MS, b"", order).expect("a fresh key");
    let first = bank.open(NOON_MS + 50, b"", &sealed);
    stage.says("Bank", "opens the order and pays 100 EUR");
    let again = bank.open(NOON_MS + 90, b"", &sealed);
    stage.says("Mallory", "sends the recording");
    stage.says("Bank", again.as_ref().map_or_else(ToString::to_string, |_| "pays again".into()));
    stage.verdict("the second copy is refused", first.is_ok() && again.is_err());

    stage.scene("The bank is restarted and has forgotten what it saw");
    let mut forgetful = Receiver::after_restart(keys().1, NOON_MS + 1_000);
    let refused = forgetful.open(NOON_MS + 1_001, b"", &sealed);
    stage.says("Bank", refused.as_ref().map_or_else(ToString::to_string, |_| "pays again".into()));
    stage.verdict("everything from before the restart is refused", refused.is_err());
    let late = seal(&mut alice, NOON_MS + 2_000, b"", order).expect("a fresh key");
    let kept_back = bank.open(NOON_MS + 2_001 + REPLAY_TOLERANCE_MS, b"", &late);
    stage.says("Mallory", "holds a new order back for two minutes, then delivers it");
    stage.verdict("a message that was held back is refused", kept_back.is_err());
    Ok(())
}

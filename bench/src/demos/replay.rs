//! `dyno demo replay`: a recorded order to pay, sent again.

use std::collections::BTreeMap;

use dyno_security::aead::{Algorithm, Exhausted, OpeningKey, SealingKey};
use dyno_security::limits::REPLAY_TOLERANCE_MS;
use dyno_security::replay::message::{Receiver, Stale, seal};
use dyno_security::replay::window::Window;

use super::stage::{Stage, hex, readable};
use super::{Choices, Demo};
use crate::exit::Failure;

/// Replay, off and on.
pub(crate) const DEMO: Demo =
    Demo { name: "replay", idea: "a recorded message sent again: protection off, then on", run };

/// A moment in ms since 1970; the demonstration does not read the clock.
const NOON_MS: u64 = 1_800_000_000_000;

const ORDER: &[u8] = b"pay 100 EUR to Mallory";

fn exhausted(error: Exhausted) -> Failure {
    Failure::failed(error.to_string(), "")
}

fn keys() -> (SealingKey, OpeningKey) {
    let (key, base) = ([9; 32], [0; 12]);
    let opening = OpeningKey::new(Algorithm::ChaCha20Poly1305, &key, &base).expect("32 and 12 octets");
    (SealingKey::new(Algorithm::ChaCha20Poly1305, &key, &base).expect("32 and 12 octets"), opening)
}

fn run(stage: &mut Stage, _: &Choices) -> Result<(), Failure> {
    stage.scene("Protection off: the bank opens whatever opens");
    let (mut alice, bank) = keys();
    let sealed = alice.seal(b"", ORDER).map_err(exhausted)?;
    stage.says("Alice", format!("seals {:?}", readable(ORDER)));
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

    halves(stage)?;
    both(stage)?;
    restart(stage)?;
    idempotency(stage);
    Ok(())
}

fn refused(answer: &Result<Vec<u8>, Stale>) -> String {
    answer.as_ref().map_or_else(ToString::to_string, |_| "pays 100 EUR".into())
}

/// A number alone and a time alone, each with the recording that gets past it.
fn halves(stage: &mut Stage) -> Result<(), Failure> {
    stage.scene("A number alone: the bank remembers which numbers it has seen");
    let (mut alice, bank) = keys();
    let mut seen = Window::default();
    let mut pays = |message: &[u8], number| {
        let genuine = bank.open_in_place_at(number, b"", &mut message.to_vec()).is_ok();
        genuine && seen.accept(number).is_ok()
    };
    let (first, held_back) =
        (alice.seal(b"", ORDER).map_err(exhausted)?, alice.seal(b"", ORDER).map_err(exhausted)?);
    let (once, again) = (pays(&first, 0), pays(&first, 0));
    stage.says("Mallory", "sends order 0 again, and holds order 1 back for a year");
    let late = pays(&held_back, 1);
    stage.says("Bank", "0 was seen before; 1 is new, so it pays what Alice wanted a year ago");
    stage.says("Bank", "and what if it is restarted and forgets the numbers? Then 0 is new as well");
    stage.verdict(
        "a number alone keeps copies out, not delays, and only while it is remembered",
        once && !again && late,
    );

    stage.scene("A time alone: the bank takes what is at most two minutes old");
    let (mut alice, _) = keys();
    let order = seal(&mut alice, NOON_MS, b"", ORDER).map_err(exhausted)?;
    // Without a memory: each copy meets a receiver that has seen nothing.
    let mut pays = |now_ms| Receiver::new(keys().1).open(now_ms, b"", &order).is_ok();
    let copies = [NOON_MS + 1_000, NOON_MS + 2_000, NOON_MS + 60_000].map(&mut pays);
    let late = pays(NOON_MS + REPLAY_TOLERANCE_MS + 1);
    stage.says("Mallory", "sends the recording three times within a minute, and once two minutes later");
    stage.says("Bank", "pays three times; clocks differ, so the span cannot be made much shorter");
    stage.verdict("a time alone keeps delays out, not quick copies", copies == [true; 3] && !late);
    Ok(())
}

fn both(stage: &mut Stage) -> Result<(), Failure> {
    stage.scene("Both: a number and a time inside, a window of 1,024 numbers at the bank");
    let (mut alice, bank) = keys();
    let mut bank = Receiver::new(bank);
    let sealed = seal(&mut alice, NOON_MS, b"", ORDER).map_err(exhausted)?;
    let first = bank.open(NOON_MS + 50, b"", &sealed);
    stage.says("Bank", refused(&first));
    let again = bank.open(NOON_MS + 90, b"", &sealed);
    stage.says("Mallory", "sends the recording");
    stage.says("Bank", refused(&again));
    stage.verdict("the second copy is refused", first.is_ok() && again.is_err());
    let late = seal(&mut alice, NOON_MS + 2_000, b"", ORDER).map_err(exhausted)?;
    let kept_back = bank.open(NOON_MS + 2_001 + REPLAY_TOLERANCE_MS, b"", &late);
    stage.says("Mallory", "holds a new order back for two minutes, then delivers it");
    stage.says("Bank", refused(&kept_back));
    stage.verdict("a message that was held back is refused", kept_back.is_err());
    Ok(())
}

/// The hardest case for a bank that forgets: Alice's clock is ahead, so her order is from "after" the restart.
fn restart(stage: &mut Stage) -> Result<(), Failure> {
    stage.scene("The bank is restarted and has forgotten what it saw");
    const AHEAD_MS: u64 = 60_000;
    let (mut alice, bank) = keys();
    let sealed = seal(&mut alice, NOON_MS + AHEAD_MS, b"", ORDER).map_err(exhausted)?;
    let paid = Receiver::new(bank).open(NOON_MS, b"", &sealed);
    stage.says("Alice", "her clock is a minute ahead, which the bank allows");
    stage.says("Bank", format!("{}, then is restarted after a second", refused(&paid)));
    let naive = NOON_MS + AHEAD_MS > NOON_MS + 1_000;
    stage.says("Mallory", "sends the recording: by its time it is from after the restart");
    let mut forgetful = Receiver::after_restart(keys().1, NOON_MS + 1_000);
    let again = forgetful.open(NOON_MS + 1_001, b"", &sealed);
    stage.says("Bank", refused(&again));
    stage.verdict(
        "what can have been taken before is refused: up to the tolerance of the clocks beyond the restart",
        paid.is_ok() && naive && again.is_err(),
    );
    let fresh = seal(&mut alice, NOON_MS + 1_002 + REPLAY_TOLERANCE_MS, b"", ORDER).map_err(exhausted)?;
    let taken = forgetful.open(NOON_MS + 1_002 + REPLAY_TOLERANCE_MS, b"", &fresh);
    stage.says(
        "Bank",
        "two minutes later it takes orders again; had it kept the window, it need not have waited",
    );
    stage.verdict("honest orders are taken again", taken.is_ok());
    Ok(())
}

/// The second defence: an order that names itself can be asked for twice and is carried out once.
fn idempotency(stage: &mut Stage) {
    stage.scene("Idempotency: the order itself bears to be asked for twice");
    let mut ledger = BTreeMap::new();
    let mut pay = |number: u32| {
        let new = !ledger.contains_key(&number);
        ledger.entry(number).or_insert(100);
        new
    };
    stage.says("Alice", "order 17: pay 100 EUR to Mallory");
    let (first, again) = (pay(17), pay(17));
    stage.says("Mallory", "sends order 17 again");
    stage.says("Bank", "order 17 is in the books already: it answers as it did, and pays nothing");
    let sum: u32 = ledger.values().sum();
    stage.says(
        "Bank",
        "the number is written with the payment, so a restart cannot lose the one without the other",
    );
    stage.verdict(
        "pay(order 17), asked for twice, is paid once; x := 100 is safe to repeat, x := x + 100 is not",
        first && !again && sum == 100,
    );
}

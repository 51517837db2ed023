//! The scene of a session whose secrets are all stolen, and which heals: a part of `dyno demo forward-secrecy`.

use std::time::Instant;

use dyno_security::aead::Refused;
use dyno_security::channel::message::{HEADER_OCTETS, MessageKind, Suite};
use dyno_security::channel::record::{RecordOpener, RecordSealer};
use dyno_security::channel::schedule::Secret;
use dyno_security::dh::EphemeralKey;
use dyno_security::digest::sha256;

use super::stage::{Stage, hex, readable};
use crate::exit::Failure;

const SUITE: Suite = Suite::Aes256Gcm;

/// Alice's direction of a session, at Bob's end and at Eve's, who has copied all of Bob's secrets.
struct Theft {
    alice: RecordSealer,
    bob: RecordOpener,
    eve: RecordOpener,
}

impl Theft {
    /// Alice says it; what Bob and Eve read.
    fn says(&mut self, kind: MessageKind, text: &[u8]) -> [Result<Vec<u8>, Refused>; 2] {
        let mut wire = Vec::new();
        match kind {
            MessageKind::Rekey => self.alice.rekey(&mut wire),
            _ => self.alice.seal(kind, text, &mut wire),
        }
        let read = |opener: &mut RecordOpener| {
            let mut plain = Vec::new();
            opener.open(kind, &wire[HEADER_OCTETS..], &mut plain).map(|()| plain)
        };
        [read(&mut self.bob), read(&mut self.eve)]
    }
}

/// Plays the scene.
///
/// # Errors
/// When the system gives no random octets.
pub(super) fn play(stage: &mut Stage) -> Result<(), Failure> {
    let failed = |_| Failure::failed("the operating system gives no random octets", "");
    stage.scene("Every secret of a running session is stolen, and no long-term key");
    let [one, other] = [EphemeralKey::generate().map_err(failed)?, EphemeralKey::generate().map_err(failed)?];
    let (unusable, public) = (|_| Failure::failed("a fresh key is refused", ""), *other.public());
    let secret = one.agree(&public).map_err(unusable)?;
    let (th3, again) = (sha256(&[b"the handshake of Alice and Bob"]), || Secret::copy_of(&*secret));
    let mut theft = Theft {
        alice: RecordSealer::new(SUITE, again(), th3),
        bob: RecordOpener::new(SUITE, again(), th3),
        eve: RecordOpener::new(SUITE, again(), th3),
    };
    stage.says("Eve", "has copied the memory of Bob's process: record key, nonce base, next secret");
    let [_, first] = theft.says(MessageKind::Data, b"the password is swordfish");
    stage.says("Eve", format!("reads {:?}", readable(&first.clone().unwrap_or_default())));
    stage.says("Alice", "changes her key (rekey): the next one follows from the secret that Eve has");
    let rekeyed = theft.says(MessageKind::Rekey, b"").iter().all(Result::is_ok);
    let now = Instant::now();
    let follow = [theft.bob.rekey(now), theft.eve.rekey(now)].iter().all(Result::is_ok);
    let [_, second] = theft.says(MessageKind::Data, b"now it is marlin");
    stage.says("Eve", format!("reads {:?}", readable(&second.clone().unwrap_or_default())));
    stage.verdict(
        "a rekey protects what was before a theft and nothing after it",
        first.is_ok() && rekeyed && follow && second.is_ok(),
    );

    stage.scene("The session is renewed: fresh x' and y', signed by both");
    let (x, y) = (EphemeralKey::generate().map_err(failed)?, EphemeralKey::generate().map_err(failed)?);
    let (gx, gy) = (*x.public(), *y.public());
    stage.says("Alice", format!("renew, g^x' = {}", hex(&gx)));
    stage.says("Bob", format!("answer, g^y' = {}, and signs", hex(&gy)));
    stage.says("Alice", "fresh, and signs");
    let th4 = sha256(&[&th3, &gx, &gy]);
    let (at_alice, at_bob) = (x.agree(&gy).map_err(unusable)?, y.agree(&gx).map_err(unusable)?);
    theft.alice.renew(&*at_alice, &th4);
    theft.bob.renew(&*at_bob, &th4);
    stage.says("Eve", "has seen g^x' and g^y', and has neither x' nor y'; in the middle she could not sign");
    let [third, at_eve] = theft.says(MessageKind::Data, b"now it is herring");
    stage.says("Bob", format!("reads {:?}", readable(&third.clone().unwrap_or_default())));
    // She has the secret of the next epoch as well, and tries that.
    let next = theft.eve.rekey(now).map(|()| theft.says(MessageKind::Data, b"and again"));
    let [fourth, under_next] = next.unwrap_or([Err(Refused), Err(Refused)]);
    let told =
        |read: &Result<Vec<u8>, Refused>| read.as_ref().err().map_or("reads it".into(), ToString::to_string);
    stage.says("Eve", format!("with the stolen key: {}", told(&at_eve)));
    stage.says("Eve", format!("with the stolen next secret: {}", told(&under_next)));
    stage.verdict(
        "the session has healed: what was stolen reads nothing of what comes after",
        third.is_ok() && fourth.is_ok() && at_eve.is_err() && under_next.is_err(),
    );
    Ok(())
}

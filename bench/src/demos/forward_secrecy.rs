//! `dyno demo forward-secrecy`: everything was recorded, then both long-term keys are stolen.

use std::time::Instant;

use dyno_security::aead::{Algorithm, OpeningKey, SealingKey};
use dyno_security::channel::config::{Config, Identity};
use dyno_security::channel::endpoint::{ChannelClient, ChannelServer};
use dyno_security::channel::trust::Trust;
use dyno_security::dh::classical::groups::STANDARD;
use dyno_security::dh::classical::{Group, Invalid, PrivateKey};
use dyno_security::envelope::bound;
use dyno_security::envelope::sealed::RecipientKey;
use dyno_security::kdf;
use dyno_security::pipe::Pipe;
use dyno_security::pipe::error::PipeError;
use dyno_security::signature::SigningKey;

use super::stage::{Stage, hex, readable};
use super::wire::{drain, settle};
use super::{Choices, Demo};
use crate::exit::Failure;
pub(crate) const DEMO: Demo =
    Demo { name: "forward-secrecy", idea: "a recorded session stays closed, a stolen one heals", run };

const SECRET: &[u8] = b"meet me at the old mill";

fn run(stage: &mut Stage, _: &Choices) -> Result<(), Failure> {
    let failed = |refusal: PipeError| Failure::failed(refusal.to_string(), "");
    stage.scene("An envelope to Bob's long-term key, recorded");
    let alice = SigningKey::generate();
    let bob = RecipientKey::generate();
    let envelope = bound::seal(&alice.0, bob.public(), SECRET)
        .map_err(|_| Failure::failed("a fresh key is refused", ""))?;
    stage.says("Eve", format!("records {}", hex(&envelope)));
    stage.says("Eve", "years later: steals Bob's key");
    let opened = bound::open(&bob, alice.0.public(), &envelope);
    stage.says("Eve", format!("reads {:?}", readable(&opened.clone().unwrap_or_default())));
    stage.verdict("an envelope is as secret as the key is for ever", opened.as_deref() == Ok(SECRET));

    static_exchange(stage)?;

    stage.scene("A session of the channel, recorded");
    let (alice, bob) = (SigningKey::generate(), SigningKey::generate());
    let copy = |document: &[u8]| {
        SigningKey::from_pkcs8(document).map_err(|error| Failure::failed(error.to_string(), ""))
    };
    let trust = |key: &SigningKey| Trust::pinned(*key.public());
    let client = ChannelClient::new(Config::new(Identity::bare(copy(&alice.1)?), trust(&bob.0)));
    let server = ChannelServer::new(Config::new(Identity::bare(copy(&bob.1)?), trust(&alice.0)));
    let now = Instant::now();
    let (mut left, mut right) = (client.session(now), server.session(now));
    let one = drain(&mut left);
    right.receive(&one, &mut Vec::new(), now).map_err(failed)?;
    let two = drain(&mut right);
    left.receive(&two, &mut Vec::new(), now).map_err(failed)?;
    left.send(SECRET).map_err(failed)?;
    let three = drain(&mut left);
    let mut plain = Vec::new();
    right.receive(&three, &mut plain, now).map_err(failed)?;
    stage.says("Bob", format!("reads {:?}", readable(&plain)));
    stage.says("Eve", format!("has recorded all {} octets of it", one.len() + two.len() + three.len()));
    drop((left, right));

    stage.scene("Both long-term keys are stolen");
    stage.says("Eve", "is Bob now: plays the recording to a server with Bob's key");
    let mut as_bob =
        ChannelServer::new(Config::new(Identity::bare(copy(&bob.1)?), trust(&alice.0))).session(now);
    let mut opened = Vec::new();
    let first = as_bob.receive(&one, &mut opened, now);
    let replayed = first.and_then(|()| as_bob.receive(&three, &mut opened, now));
    stage.says("Eve", replayed.map_or_else(|refusal| refusal.to_string(), |()| "opened".into()));
    stage.says("Eve", "is Alice now: plays Bob's answer to a client with Alice's key");
    let mut as_alice =
        ChannelClient::new(Config::new(Identity::bare(copy(&alice.1)?), trust(&bob.0))).session(now);
    let answered = as_alice.receive(&two, &mut opened, now);
    stage.says("Eve", answered.map_or_else(|refusal| refusal.to_string(), |()| "opened".into()));
    stage.says(
        "Eve",
        "has no use for the recording itself: it holds g^x and g^y, and the stolen keys are neither x nor y",
    );
    stage.says("Narrator", "the keys of the session came from two ephemeral secrets that nobody has any more; the stolen keys only signed");
    stage.verdict(
        "the recorded session stays closed",
        replayed.is_err() && answered.is_err() && opened.is_empty(),
    );

    super::healing::play(stage)?;

    stage.scene("What a thief of the long-term keys can do from now on");
    let pretender = ChannelServer::new(Config::new(Identity::bare(copy(&bob.1)?), Trust::anyone()));
    let (mut victim, mut mallory) = (client.session(now), pretender.session(now));
    let deceived = settle(&mut victim, &mut mallory, now).is_ok();
    stage
        .verdict("pass for Bob in new sessions: forward secrecy protects the past, not the future", deceived);
    Ok(())
}

/// Diffie-Hellman with long-term keys on both sides: a recording falls when one of them is stolen.
fn static_exchange(stage: &mut Stage) -> Result<(), Failure> {
    stage.scene("An exchange of two long-term keys, recorded: K comes from g^(ab) each time");
    let unusable = |_: Invalid| Failure::failed("a value made a moment ago is refused", "");
    let group = Group::named(STANDARD[0]);
    let (alice, bob) = (PrivateKey::generate(&group), PrivateKey::generate(&group));
    let key = |own: &PrivateKey, other: &[u8]| {
        let shared = own.agree(other).map_err(unusable)?;
        let key = kdf::extract(&[], &shared).derive::<32>(b"dyno demo static");
        Ok::<_, Failure>(key)
    };
    let fresh = "32 and 12 octets";
    let at_alice = key(&alice, bob.public())?;
    let sealed = SealingKey::new(Algorithm::Aes256Gcm, &*at_alice, &[0; 12]).expect(fresh).seal(b"", SECRET);
    let recording = sealed.map_err(|error| Failure::failed(error.to_string(), ""))?;
    stage.says("Eve", format!("records {}", hex(&recording)));
    stage.says("Eve", "years later: steals b from Bob, and computes K = (g^a)^b as he did");
    let at_eve = key(&bob, alice.public())?;
    let opened =
        OpeningKey::new(Algorithm::Aes256Gcm, &*at_eve, &[0; 12]).expect(fresh).open(b"", &recording);
    stage.says("Eve", format!("reads {:?}", readable(&opened.clone().unwrap_or_default())));
    stage.verdict(
        "the recording falls: one long-term secret opens every session",
        opened.as_deref() == Ok(SECRET),
    );
    Ok(())
}

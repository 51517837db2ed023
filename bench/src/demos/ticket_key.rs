//! The scene of a stolen key for tickets: a part of `dyno demo resumption`. It is played with the parts of the channel
//! instead of a session, because no session gives its secrets away.

use dyno_security::aead::{Algorithm, OpeningKey, SealingKey};
use dyno_security::channel::message::{HEADER_OCTETS, MessageKind, Suite};
use dyno_security::channel::record::{RecordOpener, RecordSealer};
use dyno_security::channel::schedule::{self, Secret};
use dyno_security::dh::EphemeralKey;
use dyno_security::digest::sha256;
use dyno_security::kdf::Prk;

use super::stage::{Stage, hex, readable};
use crate::exit::Failure;

const SUITE: Suite = Suite::Aes256Gcm;
const SECRET: &[u8] = b"the cellar key is under the mat";
const NONCE: [u8; 12] = [7; 12];

/// What Eve has recorded of a resumed session.
struct Recording {
    /// The digest of the handshake, all of which went over the wire.
    th3: [u8; 32],
    /// A record of Alice's.
    record: Vec<u8>,
}

impl Recording {
    /// A session whose keys come from `shared`, which was exchanged afresh, and from the secret of the ticket.
    fn of(handshake: &[&[u8]], shared: &[u8], rs: &Secret) -> Self {
        let th3 = sha256(handshake);
        let [tk_i, _, _] = schedule::derive_resumed(&th3, shared, rs);
        let mut record = Vec::new();
        RecordSealer::new(SUITE, tk_i, th3).seal(MessageKind::Data, SECRET, &mut record);
        Recording { th3, record }
    }

    /// What who has the secret of the ticket reads with `shared` in the place of the exchanged secret.
    fn opened(&self, shared: &[u8], rs: &Secret) -> Option<Vec<u8>> {
        let [tk_i, _, _] = schedule::derive_resumed(&self.th3, shared, rs);
        let mut plain = Vec::new();
        let mut opener = RecordOpener::new(SUITE, tk_i, self.th3);
        opener.open(MessageKind::Data, &self.record[HEADER_OCTETS..], &mut plain).ok().map(|()| plain)
    }
}

/// The key of the present hour, and the root of the next, as CHANNEL.md has them.
fn key_and_next_root(root: &Secret) -> (Secret, Secret) {
    let okm = Prk::from_uniform(root).derive::<64>(b"dyno channel v1 ticket keys");
    (Secret::copy_of(&okm[32..]), Secret::copy_of(&okm[..32]))
}

fn open_ticket(key: &Secret, ticket: &[u8]) -> Option<Secret> {
    let mut key = OpeningKey::new(Algorithm::Aes256Gcm, &**key, &NONCE).ok()?;
    key.open(b"", ticket).ok().map(|rs| Secret::copy_of(&rs))
}

/// Plays the scene.
///
/// # Errors
/// When the system gives no random octets.
pub(super) fn play(stage: &mut Stage) -> Result<(), Failure> {
    let failed = |_| Failure::failed("the operating system gives no random octets", "");
    let unusable = |_| Failure::failed("a fresh key is refused", "");
    stage.scene("Everything was recorded; then Bob's key for tickets is stolen");
    // The agreement of two fresh keys is as random as any octets of the system.
    let random = || -> Result<Secret, Failure> {
        let (one, other) =
            (EphemeralKey::generate().map_err(failed)?, EphemeralKey::generate().map_err(failed)?);
        let public = *other.public();
        one.agree(&public).map_err(unusable)
    };
    let rs = random()?;
    let (key, next_root) = key_and_next_root(&random()?);
    let mut seals = SealingKey::new(Algorithm::Aes256Gcm, &*key, &NONCE).expect("32 and 12 octets");
    let ticket = seals.seal(b"", &*rs).map_err(|error| Failure::failed(error.to_string(), ""))?;
    let (x, y) = (EphemeralKey::generate().map_err(failed)?, EphemeralKey::generate().map_err(failed)?);
    let (gx, gy) = (*x.public(), *y.public());
    let z = x.agree(&gy).map_err(unusable)?;
    let fresh = Recording::of(&[&gx[..], &ticket[..], &gy[..]], &*z, &rs);
    let stale = Recording::of(&[&ticket[..]], b"", &rs);
    stage.says("Eve", format!("has recorded ticket {}, g^x, g^y, and Alice's record", hex(&ticket)));
    stage.says("Eve", "steals the key under which Bob seals tickets, and opens the ticket");
    let stolen = open_ticket(&key, &ticket);
    let at_eve = stolen.unwrap_or_else(Secret::zeros);
    stage.says("Eve", format!("has rs = {}, all that was secret in it", hex(&*at_eve)));

    stage.says("Narrator", "first a design that Dyno does not have: keys from rs alone, with no exchange");
    let read = stale.opened(b"", &at_eve);
    stage.says("Eve", format!("reads {:?}", readable(&read.clone().unwrap_or_default())));
    stage.verdict(
        "without a fresh exchange the recording falls with the ticket key",
        read.as_deref() == Some(SECRET),
    );

    stage.says("Narrator", "now Dyno's: keys from z || rs, with z from the x and y of this session");
    let guesses = [&b""[..], &gx, &gy, &*at_eve];
    let read = guesses.iter().find_map(|guess| fresh.opened(guess, &at_eve));
    stage.says("Eve", if read.is_some() { "reads it" } else { "has rs, and neither x nor y nor z: refused" });
    stage.verdict(
        "a stolen ticket key opens no old traffic",
        read.is_none() && fresh.opened(&*z, &rs).as_deref() == Some(SECRET),
    );

    stage.scene("What the thief has of other hours");
    let (next, _) = key_and_next_root(&next_root);
    stage.says("Bob", "goes on to the next key and root each hour, and overwrites those before");
    stage.says("Eve", "steals key and root an hour later, and tries the ticket of the hour before");
    stage.verdict(
        "later keys open no earlier ticket: the roots lead one way",
        open_ticket(&next, &ticket).is_none() && open_ticket(&next_root, &ticket).is_none(),
    );
    stage.says("Narrator", "until the hour is over she can be one of the two in sessions that resume by such a ticket; a renewal, which is signed, shuts her out");
    Ok(())
}

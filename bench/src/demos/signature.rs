//! `dyno demo signature`: what a signature proves about its author, and what it does not prove.

use std::collections::HashMap;

use dyno_security::digest;
use dyno_security::envelope::signed;
use dyno_security::signature::{Context, PublicKey, SigningKey};

use super::stage::{Stage, hex, readable};
use super::{Choices, Demo};
use crate::exit::Failure;
pub(crate) const DEMO: Demo = Demo {
    name: "signature",
    idea: "who said it: altered, taken elsewhere, and keys that anybody can use",
    run,
};

const ORDERS: Context = Context("demo orders");
const GREETINGS: Context = Context("demo greetings");

fn run(stage: &mut Stage, _: &Choices) -> Result<(), Failure> {
    stage.scene("Signed and altered (Ed25519)");
    let (alice, mallory) = (SigningKey::generate().0, SigningKey::generate().0);
    let message = b"I order 10 chairs";
    let signature = alice.sign(ORDERS, &[message]);
    stage.says("Alice", format!("signs {:?}", readable(message)));
    stage.says("Alice", format!("signature {}", hex(&signature)));
    stage.verdict(
        "everybody can check it with her public key",
        alice.public().verify(ORDERS, &[message], &signature).is_ok(),
    );
    stage.says("Mallory", "makes it 90 chairs");
    stage.verdict(
        "the signature does not fit",
        alice.public().verify(ORDERS, &[b"I order 90 chairs"], &signature).is_err(),
    );
    let forged = mallory.sign(ORDERS, &[b"I order 90 chairs"]);
    stage.says("Mallory", "signs it herself and says that Alice did");
    stage.verdict(
        "it does not fit Alice's key",
        alice.public().verify(ORDERS, &[b"I order 90 chairs"], &forged).is_err(),
    );

    digests(stage, &alice)?;

    stage.scene("The same octets in another protocol");
    stage.says("Mallory", "shows the order's signature where greetings are signed");
    stage.verdict(
        "it is refused there: each protocol signs its own context in front of the octets",
        alice.public().verify(GREETINGS, &[message], &signature).is_err(),
    );

    stage.scene("A key of small order");
    let mut weak = [0; 32];
    weak[0] = 1;
    stage.says("Narrator", "there are eight public keys under which anybody can make a signature");
    stage.says("Mallory", format!("registers one of them: {}", hex(&weak)));
    let enrolled = PublicKey::enrol(&weak);
    stage.says("Registrar", enrolled.map_or_else(|error| error.to_string(), |_| "welcome".into()));
    stage.verdict("it is refused at enrolment", enrolled.is_err());
    stage.says(
        "Narrator",
        "a signature says neither to whom nor when: see `dyno demo envelopes` and `dyno demo replay`",
    );
    Ok(())
}

/// Why what is signed is a digest, and what a collision would do.
fn digests(stage: &mut Stage, alice: &SigningKey) -> Result<(), Failure> {
    stage.scene("What is signed is a digest: M, SK_A(H(M))");
    stage.says("Narrator", "SK_A(M) hides nothing: whoever has Alice's public key reads M out of it");
    stage.says("Narrator", "and a signature has 64 octets; a film has more, so its digest H(M) is signed");
    // A digest of 16 bits, as if somebody had saved octets.
    let short = |text: &str| [digest::sha256(&[text.as_bytes()])[0], digest::sha256(&[text.as_bytes()])[1]];
    let harmless: HashMap<[u8; 2], u32> =
        (0..2_000).map(|number| (short(&format!("I order 10 chairs, note {number}")), number)).collect();
    let found = (0..100_000).find_map(|number| {
        let evil = format!("I order 90 chairs, note {number}");
        harmless.get(&short(&evil)).map(|note| (format!("I order 10 chairs, note {note}"), evil, number))
    });
    let Some((harmless, evil, tries)) = found else {
        return Err(Failure::failed("no collision of a digest of 16 bits", ""));
    };
    let signature = alice.sign(ORDERS, &[&short(&harmless)]);
    stage.says(
        "Mallory",
        format!("finds two texts with one digest of 16 bits, after {} tries", 2_000 + tries),
    );
    stage.says("Alice", format!("signs the digest of {harmless:?}"));
    stage.says("Mallory", format!("puts the signature under {evil:?}"));
    stage.verdict(
        "a collision moves a signature to another text",
        alice.public().verify(ORDERS, &[&short(&evil)], &signature).is_ok(),
    );
    let failed = |error: std::io::Error| Failure::failed(error.to_string(), "");
    let long = signed::sign_stream(alice, &mut harmless.as_bytes()).map_err(failed)?;
    let fits = signed::verify_stream(alice.public(), &mut harmless.as_bytes(), &long).is_ok();
    let moved = signed::verify_stream(alice.public(), &mut evil.as_bytes(), &long).is_ok();
    stage
        .verdict("with SHA-512, of which nobody has found a collision, it stays where it is", fits && !moved);
    Ok(())
}

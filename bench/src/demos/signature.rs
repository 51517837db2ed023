//! `dyno demo signature`: what a signature proves about its author, and what it does not prove.

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

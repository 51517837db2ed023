//! `dyno demo envelopes`: two naive ways to sign and encrypt fall, the sound one stands.

use dyno_security::envelope::sealed::{self, RecipientKey};
use dyno_security::envelope::{bound, weak};
use dyno_security::signature::SigningKey;

use super::stage::{Stage, readable};
use super::{Choices, Demo};
use crate::exit::Failure;
pub(crate) const DEMO: Demo = Demo {
    name: "envelopes",
    idea: "sign and encrypt: forwarding and stripping work on the naive forms, not on the sound one",
    run,
};

fn run(stage: &mut Stage, _: &Choices) -> Result<(), Failure> {
    let (alice, mallory) = (SigningKey::generate().0, SigningKey::generate().0);
    let (bob, carol) = (RecipientKey::generate(), RecipientKey::generate());
    let broken = |_| Failure::failed("a key made a moment ago is refused", "");

    let message = b"the deal is off";
    stage.scene("PK_B(M): sealed, and nothing else");
    let anonymous = sealed::seal(bob.public(), PURPOSE, message).map_err(broken)?;
    stage.says("Mallory", format!("seals {:?} to Bob, whose public key everybody has", readable(message)));
    let at_bob = sealed::open(&bob, PURPOSE, &anonymous);
    stage.says(
        "Bob",
        format!(
            "opens {:?}, and takes it for a word of Alice",
            readable(&at_bob.clone().unwrap_or_default())
        ),
    );
    let at_eve = sealed::open(&carol, PURPOSE, &anonymous).is_err();
    stage.verdict(
        "only Bob can read it, and anybody can have written it",
        at_eve && at_bob.as_deref() == Ok(message),
    );

    stage.scene("PK_B(SK_A(M)): signed, then sealed");
    let envelope = weak::signed_then_sealed(&alice, bob.public(), message).map_err(broken)?;
    stage.says("Alice", format!("to Bob: {:?}, signed, then sealed", readable(message)));
    let forwarded = weak::forward_surreptitiously(&bob, carol.public(), &envelope).map_err(broken)?;
    stage.says("Bob", "opens it, keeps Alice's signature, and seals it to Carol");
    let at_carol = weak::open_signed_then_sealed(&carol, alice.public(), &forwarded);
    stage
        .says("Carol", format!("genuine, from Alice: {:?}", readable(&at_carol.clone().unwrap_or_default())));
    stage.verdict(
        "surreptitious forwarding succeeds: Carol believes that Alice wrote to her",
        at_carol.as_deref() == Ok(message),
    );

    stage.scene("SK_A(PK_B(M)): sealed, then signed");
    let idea = b"my invention: the wheel";
    let envelope = weak::sealed_then_signed(&alice, bob.public(), idea).map_err(broken)?;
    stage.says("Alice", "to Bob: her invention, sealed, then signed");
    let stolen = weak::replace_signature(&mallory, &envelope).unwrap_or_default();
    stage.says("Mallory", "takes Alice's signature off and puts hers on, without being able to read a word");
    let at_bob = weak::open_sealed_then_signed(&bob, mallory.public(), &stolen);
    stage.says("Bob", format!("genuine, from Mallory: {:?}", readable(&at_bob.clone().unwrap_or_default())));
    stage.verdict("signature stripping succeeds: Mallory is the inventor", at_bob.as_deref() == Ok(idea));

    stage.scene("PK_B(SK_A(A, B, M)): both identities inside the signature and bound to the seal");
    let envelope = bound::seal(&alice, bob.public(), message).map_err(broken)?;
    let at_bob = bound::open(&bob, alice.public(), &envelope);
    stage.verdict("Bob opens it", at_bob.as_deref() == Ok(message));
    stage.says("Bob", "tries to forward it to Carol: sealed again as it is, and opened first");
    let purpose = |to: &RecipientKey| {
        [&b"dyno envelope v1 bound"[..], alice.public().octets(), &to.public().octets()].concat()
    };
    let inside = sealed::open(&bob, &purpose(&bob), &envelope).map_err(broken)?;
    let forged = sealed::seal(carol.public(), &purpose(&carol), &inside).map_err(broken)?;
    let refused = [&envelope, &forged].iter().all(|try_| bound::open(&carol, alice.public(), try_).is_err());
    stage.verdict("forwarding fails: the signature names Bob", refused);
    let stolen = weak::replace_signature(&mallory, &envelope).unwrap_or_default();
    stage.says("Mallory", "tries to pass for its author");
    let refused = [&envelope, &stolen].iter().all(|try_| bound::open(&bob, mallory.public(), try_).is_err());
    stage.verdict("stripping fails: there is nothing to take off, and the seal names Alice", refused);

    stage.scene("What each form gives");
    stage.says("Narrator", "form                 secret  from Alice  for Bob  for a judge");
    for (form, [secret, from, to, judge]) in FORMS {
        let word = |holds: bool| if holds { "yes" } else { "no" };
        let (secret, from, to, judge) = (word(secret), word(from), word(to), word(judge));
        stage.says("Narrator", format!("{form:<20} {secret:<7} {from:<11} {to:<8} {judge}"));
    }
    let whole: Vec<_> = FORMS.into_iter().filter(|(_, gives)| *gives == [true; 4]).collect();
    stage.verdict(
        "one form gives all four; none keeps replays out",
        matches!(whole[..], [("PK_B(SK_A(A, B, M))", _)]),
    );
    Ok(())
}

const PURPOSE: &[u8] = b"dyno demo envelopes";

/// What each form gives: secrecy, an author, an addressee, and something to show a judge.
const FORMS: [(&str, [bool; 4]); 5] = [
    ("PK_B(M)", [true, false, true, false]),
    ("M, SK_A(H(M))", [false, true, false, true]),
    ("PK_B(SK_A(M))", [true, true, false, true]),
    ("SK_A(PK_B(M))", [true, false, true, false]),
    ("PK_B(SK_A(A, B, M))", [true, true, true, true]),
];

//! `dyno demo diffie-hellman`: by hand, broken as the group grows, then X25519.

use std::time::{Duration, Instant};

use dyno_security::dh::EphemeralKey;
use dyno_security::dh::classical::groups::TOYS;
use dyno_security::dh::classical::toy::Toy;

use super::stage::{Stage, hex};
use super::{Choices, Demo};
use crate::exit::Failure;
use crate::limits::{BRUTE_FORCE_BITS, GIANT_STEP_BITS};
pub(crate) const DEMO: Demo = Demo {
    name: "diffie-hellman",
    idea: "toy numbers by hand, brute force as the group grows, then X25519",
    run,
};

fn run(stage: &mut Stage, _: &Choices) -> Result<(), Failure> {
    stage.scene("By hand: p = 23, g = 5");
    let toy = Toy::TEXTBOOK;
    let (a, b) = (6, 15);
    let (big_a, big_b) = (toy.power(5, a), toy.power(5, b));
    stage.says("Alice", format!("chooses a = {a}, sends A = 5^{a} mod 23 = {big_a}"));
    stage.says("Bob", format!("chooses b = {b}, sends B = 5^{b} mod 23 = {big_b}"));
    let (at_alice, at_bob) = (toy.power(big_b, a), toy.power(big_a, b));
    stage.says("Alice", format!("computes B^a = {big_b}^{a} mod 23 = {at_alice}"));
    stage.says("Bob", format!("computes A^b = {big_a}^{b} mod 23 = {at_bob}"));
    stage.verdict("both have the same secret, and it was never sent", at_alice == at_bob);
    let broken = toy.brute_force(big_a, 23).map(|broken| broken.exponent);
    stage.says("Eve", format!("tries every exponent and finds a = {}", broken.unwrap_or_default()));
    stage.verdict("23 is too small", broken == Some(a));

    stage.scene("The group grows: brute force, and baby-step giant-step");
    stage.says("Narrator", "bits     brute force: steps, ms      giant steps: steps, ms");
    let mut all_broken = true;
    for &(bits, prime) in TOYS.iter().filter(|(bits, _)| (8..=GIANT_STEP_BITS).contains(bits)) {
        let toy = Toy { prime, generator: 4 };
        // Three quarters of the way through the subgroup, so that brute force has its typical trouble.
        let secret = prime / 8 * 3;
        let public = toy.power(4, secret);
        let brute = (bits <= BRUTE_FORCE_BITS).then(|| timed(|| toy.brute_force(public, prime)));
        let giant = timed(|| toy.baby_step_giant_step(public, (prime / 2).isqrt() + 1));
        let found = |result: &Option<_>| {
            result.is_some_and(|broken: dyno_security::dh::classical::toy::Broken| broken.exponent == secret)
        };
        all_broken &= found(&giant.0) && brute.as_ref().is_none_or(|brute| found(&brute.0));
        let shown = |(broken, time): &(Option<dyno_security::dh::classical::toy::Broken>, Duration)| {
            format!("{:>12} {:>11.3}", broken.map_or(0, |b| b.steps), time.as_secs_f64() * 1e3)
        };
        let brute = brute.as_ref().map_or_else(|| format!("{:>24}", "(too long)"), shown);
        stage.says("Eve", format!("{bits:>4}{brute} {}", shown(&giant)));
    }
    stage.verdict(
        "each bit doubles brute force; giant steps take the square root of that, and memory",
        all_broken,
    );

    stage.scene("X25519: a group of 2^252 elements, for which nothing better than a square root is known");
    let random = |_| Failure::failed("the operating system gives no random octets", "");
    let (alice, bob) = (EphemeralKey::generate().map_err(random)?, EphemeralKey::generate().map_err(random)?);
    let (to_bob, to_alice) = (*alice.public(), *bob.public());
    stage.says("Alice", format!("sends {}", hex(&to_bob)));
    stage.says("Bob", format!("sends {}", hex(&to_alice)));
    let (at_alice, at_bob) = (alice.agree(&to_alice), bob.agree(&to_bob));
    stage.verdict(
        "both have the same secret (and it is not shown here)",
        at_alice.is_ok() && at_alice == at_bob,
    );
    stage.says("Mallory", "sends the all-zero point, which gives everybody the same secret");
    let refused = EphemeralKey::generate().map_err(random)?.agree(&[0; 32]).is_err();
    stage.verdict("a point of low order is refused", refused);
    stage.says(
        "Narrator",
        "a quantum computer that is large enough would find a from g^a (Shor), and what is recorded today waits for \
         it; against that one adds an exchange of another kind (ML-KEM)",
    );
    stage.says("Narrator", "none of this says WHOM the secret is shared with: see `dyno demo mitm`");
    Ok(())
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

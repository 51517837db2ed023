//! Claims about what cryptography takes.

use std::io;

use dyno_analysis::textbook::TrialRounds;
use dyno_record::textbook::ClaimUnit;
use dyno_security::aead::{Algorithm, SealingKey};
use dyno_security::dh::EphemeralKey;
use dyno_security::signature::SigningKey;

use super::claim::{Claim, Effort, MATTERS, Printed, TrialError, at_least};
use super::rounds::{each_ns, in_turns};

/// Operations with public keys for one figure.
const KEYS: u32 = 40;

/// Messages that are sealed for one figure.
const SEALED: u32 = 20_000;

/// A message as long as a key: what a hybrid system would otherwise send under the public key.
const MESSAGE: [u8; 32] = [7; 32];

pub(super) const CLAIMS: [Claim; 3] = [
    Claim {
        name: "public-key-thousand",
        group: "Secrets",
        says: "Cryptography with public keys is a thousand times slower than with a shared key.",
        source: Printed {
            author: "B. Schneier",
            work: "Applied Cryptography, 2nd ed. (1996)",
            place: "section 2.5",
        },
        claimed: at_least(1_000.0),
        figures: &["a key agreed on (X25519)", "a key sealed (AES-128-GCM)"],
        unit: ClaimUnit::Ns,
        trial: "A key pair is made and 32 octets are agreed on with X25519; 32 octets are sealed with AES-128-GCM.",
        if_holds: "A multiplication on a curve is some hundred thousand cycles, and two blocks of AES are some tens.",
        if_not: "Elliptic curves are that much cheaper than the RSA of 1996, so a fresh key for each connection became affordable.",
        run: hybrid,
    },
    Claim {
        name: "sign-agree",
        group: "Secrets",
        says: "To sign is dearer than to agree on a key, so signatures decide what a handshake takes.",
        source: Printed {
            author: "C. Coarfa, P. Druschel and D. S. Wallach",
            work: "Performance Analysis of TLS Web Servers (NDSS 2002)",
            place: "on RSA, the largest cost there",
        },
        claimed: at_least(MATTERS),
        figures: &["signing (Ed25519)", "agreeing (X25519)"],
        unit: ClaimUnit::Ns,
        trial: "A message of 32 octets is signed with Ed25519; a key pair is made and a key is agreed on with X25519.",
        if_holds: "Signing takes more operations on the curve than agreeing.",
        if_not: "An Ed25519 signature multiplies a fixed point, for which tables exist, and X25519 a point that only the peer knew.",
        run: |effort| in_turns(effort, signed, agreed),
    },
    Claim {
        name: "verify-sign",
        group: "Secrets",
        says: "To verify an Ed25519 signature takes longer than to make one.",
        source: Printed {
            author: "D. J. Bernstein, N. Duif, T. Lange, P. Schwabe and B.-Y. Yang",
            work: "High-speed high-security signatures (CHES 2011)",
            place: "abstract",
        },
        claimed: at_least(MATTERS),
        figures: &["verifying", "signing"],
        unit: ClaimUnit::Ns,
        trial: "A message of 32 octets is signed, and its signature is verified.",
        if_holds: "The verifier multiplies the signer's point as well as the fixed one. With RSA it is the other way round.",
        if_not: "The implementation here has tables for the one and none for the other.",
        run: |effort| in_turns(effort, verified, signed),
    },
];

fn hybrid(effort: &Effort) -> Result<TrialRounds, TrialError> {
    in_turns(effort, agreed, sealed)
}

fn agreed() -> Result<f64, TrialError> {
    let peer = EphemeralKey::generate().map_err(io::Error::other)?;
    each_ns(KEYS, || {
        let own = EphemeralKey::generate().map_err(io::Error::other)?;
        own.agree(peer.public()).map(drop).map_err(io::Error::other)
    })
}

fn sealed() -> Result<f64, TrialError> {
    let algorithm = Algorithm::Aes128Gcm;
    let mut key =
        SealingKey::new(algorithm, &vec![1; algorithm.key_octets()], &[2; 12]).map_err(io::Error::other)?;
    each_ns(SEALED, || {
        let sealed = key.seal(b"", &MESSAGE).map_err(io::Error::other)?;
        std::hint::black_box(&sealed);
        Ok(())
    })
}

fn signed() -> Result<f64, TrialError> {
    let (key, _) = SigningKey::generate();
    each_ns(KEYS, || {
        std::hint::black_box(key.sign_bare(&MESSAGE));
        Ok(())
    })
}

fn verified() -> Result<f64, TrialError> {
    let (key, _) = SigningKey::generate();
    let signature = key.sign_bare(&MESSAGE);
    each_ns(KEYS, || key.public().verify_bare(&MESSAGE, &signature).map_err(io::Error::other))
}

//! Published figures through Dyno's own wrappers: all of Wycheproof that fits, and the files of other suites where they
//! are.

#[path = "../examples/vectors/checks.rs"]
mod checks;
#[path = "../examples/vectors/json.rs"]
mod json;
#[path = "../examples/vectors/noise.rs"]
mod noise;
#[path = "../examples/vectors/text.rs"]
mod text;

use checks::{Aead, Outcome};
use dyno_security::digest::Algorithm;
use std::path::{Path, PathBuf};
use wycheproof::{TestResult, aead, ecdsa, eddsa, hkdf, mac, rsa_pss_verify, xdh};

/// Counts of one suite; a failure ends the test with its name.
#[derive(Debug, PartialEq, Eq, Default)]
struct Counts {
    passed: u32,
    skipped: u32,
}

impl Counts {
    fn add(&mut self, name: &str, outcome: Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Skipped(_) => self.skipped += 1,
            Outcome::Failed(what) => panic!("{name}: {what}"),
        }
    }
}

fn valid(result: &TestResult) -> bool {
    *result == TestResult::Valid
}

fn run_aead(name: aead::TestName, cipher: &str) -> Counts {
    let mut counts = Counts::default();
    for group in aead::TestSet::load(name).unwrap().test_groups {
        for t in group.tests {
            let (key, iv, aad, msg, ct, tag) = (&t.key, &t.nonce, &t.aad, &t.pt, &t.ct, &t.tag);
            let vector = Aead { cipher, key, iv, aad, msg, ct, tag, valid: valid(&t.result) };
            counts.add(&format!("{cipher} tcId {}", t.tc_id), checks::aead(&vector));
        }
    }
    counts
}

#[test]
fn wycheproof_aead() {
    assert_eq!(run_aead(aead::TestName::AesGcm, "AES-GCM"), Counts { passed: 133, skipped: 183 });
    assert_eq!(
        run_aead(aead::TestName::ChaCha20Poly1305, "CHACHA20-POLY1305"),
        Counts { passed: 316, skipped: 9 }
    );
}

#[test]
fn wycheproof_x25519() {
    let mut counts = Counts::default();
    for group in xdh::TestSet::load(xdh::TestName::X25519).unwrap().test_groups {
        for t in group.tests {
            let zero = t.flags.contains(&xdh::TestFlag::ZeroSharedSecret);
            let fine = !t.result.must_fail();
            counts.add(
                &format!("X25519 tcId {}", t.tc_id),
                checks::x25519(&t.private_key, &t.public_key, &t.shared_secret, fine, zero),
            );
        }
    }
    assert_eq!(counts, Counts { passed: 518, skipped: 0 });
}

#[test]
fn wycheproof_ed25519() {
    let mut counts = Counts::default();
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        for t in group.tests {
            counts.add(
                &format!("Ed25519 tcId {}", t.tc_id),
                checks::ed25519(&group.key.pk, &t.msg, &t.sig, valid(&t.result)),
            );
        }
    }
    assert_eq!(counts, Counts { passed: 151, skipped: 0 });
}

#[test]
fn wycheproof_hkdf_and_hmac() {
    let mut counts = Counts::default();
    for group in hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap().test_groups {
        for t in group.tests {
            counts.add(
                &format!("HKDF tcId {}", t.tc_id),
                checks::hkdf_sha256(&t.ikm, &t.salt, &t.info, t.size, &t.okm, valid(&t.result)),
            );
        }
    }
    for (name, algorithm) in [
        (mac::TestName::HmacSha256, Algorithm::Sha256),
        (mac::TestName::HmacSha384, Algorithm::Sha384),
        (mac::TestName::HmacSha512, Algorithm::Sha512),
    ] {
        for group in mac::TestSet::load(name).unwrap().test_groups {
            for t in group.tests {
                counts.add(
                    &format!("HMAC {algorithm:?} tcId {}", t.tc_id),
                    checks::hmac(algorithm, &t.key, &t.msg, &t.tag, valid(&t.result)),
                );
            }
        }
    }
    assert_eq!(counts, Counts { passed: 608, skipped: 0 });
}

#[test]
fn wycheproof_signatures_of_others() {
    let mut counts = Counts::default();
    for group in ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap().test_groups {
        for t in group.tests {
            let outcome = checks::ecdsa_p256(&group.key.key, &t.msg, &t.sig, valid(&t.result));
            counts.add(&format!("ECDSA tcId {}", t.tc_id), outcome);
        }
    }
    for name in [
        rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen32,
        rsa_pss_verify::TestName::RsaPss3072Sha256Mgf1SaltLen32,
        rsa_pss_verify::TestName::RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            for t in group.tests {
                let outcome = checks::rsa_pss(&group.asn_key, &t.msg, &t.sig, valid(&t.result));
                counts.add(&format!("RSA-PSS {} tcId {}", group.key_size, t.tc_id), outcome);
            }
        }
    }
    assert_eq!(counts, Counts { passed: 808, skipped: 0 });
}

/// The folder of vector files: DYNO_VECTORS, or `shared/vectors` beside the project where that exists.
fn folder() -> Option<PathBuf> {
    let beside = || Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"));
    std::env::var_os("DYNO_VECTORS").map(PathBuf::from).or_else(beside).filter(|path| path.is_dir())
}

#[test]
fn files_of_other_suites() {
    let Some(folder) = folder() else {
        eprintln!("SKIPPED: no vector files; name their folder in DYNO_VECTORS");
        return;
    };
    let mut counts = Counts::default();
    for kind in ["wycheproof", "rfc", "dh", "hpke", "noise"] {
        for entry in std::fs::read_dir(folder.join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let content = std::fs::read_to_string(&path).unwrap();
            let outcomes = match serde_json::from_str(&content) {
                Ok(value) => json::run(&value),
                Err(_) => text::run(&content),
            };
            let outcomes = outcomes.unwrap_or_else(|| panic!("{}: no schema fits", path.display()));
            outcomes
                .into_iter()
                .for_each(|(name, outcome)| counts.add(&format!("{}: {name}", path.display()), outcome));
        }
    }
    assert!(counts.passed > 0, "the folder holds vectors");
}

//! Published figures of ML-KEM-768 through Dyno's own wrapper: all of Wycheproof for key pairs from seeds, for
//! encapsulation, and for decapsulation, with keys that fail the modulus check of FIPS 203, 7.2.

use dyno_security::kem::{self, CannotEncapsulate, PrivateKey};
use dyno_security::secret::Secret;
use wycheproof::TestResult;
use wycheproof::mlkem::{TestName, TestSet};

/// Runs every case of `name` and counts those that passed, and those whose lengths our types cannot even hold.
fn run(name: TestName, check: impl Fn(&wycheproof::mlkem::Test) -> Option<bool>) -> (u32, u32) {
    let mut counts = (0, 0);
    for group in TestSet::load(name).unwrap().test_groups {
        for test in &group.tests {
            match check(test) {
                Some(passed) => assert!(passed, "{name:?} tcId {} {:?}", test.tc_id, test.flags),
                None => {
                    assert_eq!(test.result, TestResult::Invalid, "{name:?} tcId {}", test.tc_id);
                    counts.1 += 1;
                    continue;
                }
            }
            counts.0 += 1;
        }
    }
    counts
}

fn octets<const N: usize>(value: Option<impl AsRef<[u8]>>) -> Option<[u8; N]> {
    value?.as_ref().try_into().ok()
}

#[test]
fn key_pairs_from_seeds() {
    let counts = run(TestName::MlKem768KeyGenSeed, |test| {
        let seed = Secret::from(octets::<64>(test.seed.as_deref())?);
        Some(PrivateKey::from_seed(&seed).public()[..] == test.encaps_key.as_ref()?[..])
    });
    assert_eq!(counts, (100, 0));
}

#[test]
fn encapsulation_refuses_keys_that_are_malformed() {
    let refused = std::cell::Cell::new(0);
    let counts = run(TestName::MlKem768Encaps, |test| {
        let (key, random) = (octets(test.encaps_key.as_deref())?, octets::<32>(test.msg.as_deref())?);
        let result = kem::encapsulate_from(&key, &random.into());
        if test.result == TestResult::Invalid {
            refused.set(refused.get() + 1);
            return Some(result.err() == Some(CannotEncapsulate::BadKey));
        }
        let (ciphertext, secret) = result.unwrap();
        Some(ciphertext[..] == test.ct.as_ref()?[..] && secret[..] == test.shared_secret.as_ref()?[..])
    });
    assert_eq!((counts, refused.get()), ((245, 20), 112));
}

#[test]
fn decapsulation_finds_the_secret_or_another_one() {
    let counts = run(TestName::MlKem768, |test| {
        let seed = Secret::from(octets::<64>(test.seed.as_deref())?);
        let ciphertext = octets(test.ct.as_deref())?;
        let secret = PrivateKey::from_seed(&seed).decapsulate(&ciphertext);
        Some(secret[..] == test.shared_secret.as_ref()?[..])
    });
    assert_eq!(counts, (161, 40));
}

/// The boundary of the modulus check, coefficient by coefficient: two of 12 bits in three octets, little endian.
#[test]
fn every_coefficient_of_a_key_is_checked() {
    let key = *PrivateKey::generate().unwrap().public();
    let coefficients = 3 * 256;
    for place in [0, 1, 2, 255, 256, 511, 767] {
        for (value, fits) in [(0u16, true), (3328, true), (3329, false), (4095, false)] {
            let mut key = key;
            let at = place / 2 * 3;
            if place % 2 == 0 {
                key[at] = value as u8;
                key[at + 1] = key[at + 1] & 0xf0 | (value >> 8) as u8;
            } else {
                key[at + 1] = key[at + 1] & 0x0f | (value << 4) as u8;
                key[at + 2] = (value >> 4) as u8;
            }
            assert!(place < coefficients);
            assert_eq!(kem::encapsulate(&key).is_ok(), fits, "coefficient {place} is {value}");
        }
    }
}

#[test]
fn an_altered_ciphertext_gives_another_secret() {
    let key = PrivateKey::generate().unwrap();
    let (mut ciphertext, secret) = kem::encapsulate(key.public()).unwrap();
    ciphertext[7] ^= 1;
    assert!(key.decapsulate(&ciphertext) != secret);
    let key = PrivateKey::generate().unwrap();
    let (ciphertext, secret) = kem::encapsulate(key.public()).unwrap();
    assert!(key.decapsulate(&ciphertext) == secret, "the control");
}

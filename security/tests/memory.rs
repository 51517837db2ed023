//! Secrets whose values are known are looked for in the memory of this very process, through /proc/self/mem: when their
//! owners are dropped, nothing is left. Sessions of servers are looked at from outside (`secrets` in the tests of the
//! whole).

use dyno_security::aead::{Algorithm, OpeningKey, SealingKey};
use dyno_security::dh::EphemeralKey;
use dyno_security::kdf;
use dyno_security::kem::{self, PrivateKey};
use dyno_security::secret::Secret;
use dyno_security::signature::{Context, SigningKey, keyfile};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;

/// What is looked for is kept XOR this octet, or the search would find what it looks for in its own memory.
const MASK: u8 = 0xa5;

const PAGE_OCTETS: usize = 4096;

/// One test at a time: another's secrets are alive meanwhile.
static ALONE: Mutex<()> = Mutex::new(());

/// A secret that is kept in the masked form, and shown only where it is used.
struct Known(Vec<u8>);

impl Known {
    fn new(start: u8) -> Self {
        Known((0..32).map(|index: u8| (index.wrapping_mul(73).wrapping_add(start) ^ 0x5c) ^ MASK).collect())
    }

    fn masked(octets: &[u8]) -> Self {
        Known(octets.iter().map(|octet| octet ^ MASK).collect())
    }

    fn shown(&self) -> Secret<32> {
        let mut secret = Secret::zeros();
        secret.iter_mut().zip(&self.0).for_each(|(octet, masked)| *octet = masked ^ MASK);
        secret
    }

    /// How often it lies in memory.
    fn places(&self) -> usize {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let memory = File::open("/proc/self/mem").unwrap();
        let pagemap = File::open("/proc/self/pagemap").unwrap();
        let first = self.0[0] ^ MASK;
        let is_secret =
            |window: &[u8]| window.iter().zip(&self.0).all(|(octet, masked)| octet ^ MASK == *masked);
        let mut found = 0;
        // Secrets may go from one page into the next.
        let mut pages = vec![0; 2 * PAGE_OCTETS];
        for line in maps.lines().filter(|line| line.contains(" rw-p ")) {
            let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            let address = |text| u64::from_str_radix(text, 16).unwrap();
            for at in (address(start)..address(end)).step_by(PAGE_OCTETS) {
                // Pages that were never written hold nothing, and most of a stack is such.
                let mut entry = [0; 8];
                let place = at / PAGE_OCTETS as u64 * 8;
                let known = pagemap.read_exact_at(&mut entry, place).is_ok();
                if known && u64::from_le_bytes(entry) >> 62 == 0 {
                    continue;
                }
                let two = memory.read_at(&mut pages, at).unwrap_or(0);
                let begins =
                    pages[..two.min(PAGE_OCTETS)].iter().enumerate().filter(|(_, octet)| **octet == first);
                found += begins.filter(|(at, _)| pages.get(*at..at + 32).is_some_and(is_secret)).count();
            }
        }
        // What was read is no copy of a secret any more, for the next search.
        pages.fill(0);
        std::hint::black_box(&mut pages);
        found
    }
}

/// Fails unless the secret lies in memory while `owner` lives, and nowhere afterwards.
fn only_while_it_lives<T>(what: &str, secret: &Known, owner: impl FnOnce(&Secret<32>) -> T) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let owner = {
        let shown = secret.shown();
        owner(&shown)
    };
    assert!(secret.places() > 0, "{what}: the search is blind");
    drop(owner);
    assert_eq!(secret.places(), 0, "{what}");
}

#[test]
fn a_secret_is_wiped() {
    only_while_it_lives("a secret", &Known::new(1), |secret| Secret::<32>::copy_of(&**secret));
}

#[test]
fn keys_of_both_ciphers_are_overwritten_with_their_traces() {
    for algorithm in [Algorithm::Aes256Gcm, Algorithm::ChaCha20Poly1305] {
        for start in [10, 11] {
            let what = format!("{algorithm:?}");
            only_while_it_lives(&what, &Known::new(start), |secret| {
                let mut key = SealingKey::new(algorithm, &**secret, &[0; 12]).unwrap();
                key.seal(b"", b"a record").unwrap();
                key
            });
            only_while_it_lives(&what, &Known::new(start + 10), |secret| {
                let mut key = OpeningKey::new(algorithm, &**secret, &[0; 12]).unwrap();
                assert!(key.open(b"", &[0; 40]).is_err());
                key
            });
        }
    }
}

/// Leaves the secret on the stack below the caller, again and again, as work with a key may leave it there.
#[inline(never)]
fn litter(known: &Known) {
    let secret = known.shown();
    let mut place = [0; 32 * 1024];
    place.chunks_exact_mut(32).for_each(|octets| octets.copy_from_slice(&*secret));
    std::hint::black_box(&mut place);
}

/// A key of the one cipher is smaller than one of the other, and the rest of its place is not to come from the stack.
#[test]
fn what_lies_on_the_stack_gets_into_no_key_and_not_over_one() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for algorithm in [Algorithm::Aes256Gcm, Algorithm::ChaCha20Poly1305] {
        let known = Known::new(30);
        litter(&known);
        let key = SealingKey::new(algorithm, &[1; 32], &[0; 12]).unwrap();
        wipe_below();
        assert_eq!(known.places(), 0, "{algorithm:?}: a key was made");
        litter(&known);
        drop(key);
        wipe_below();
        assert_eq!(known.places(), 0, "{algorithm:?}: a key was overwritten");
    }
}

/// The private key of an exchange, used or not; and what both agree upon.
#[test]
fn an_exchange_leaves_neither_the_private_key_nor_the_result() {
    let other = *EphemeralKey::generate().unwrap().public();
    for agrees in [false, true] {
        let known = Known::new(40 + u8::from(agrees));
        let result = std::cell::RefCell::new(None);
        only_while_it_lives("an ephemeral key", &known, |secret| {
            let make = || {
                #[expect(deprecated, reason = "ring's source of known octets stands among its tests")]
                let random = ring::test::rand::FixedSliceRandom { bytes: &**secret };
                EphemeralKey::generate_from(&random).unwrap()
            };
            if agrees {
                *result.borrow_mut() = Some(make().agree(&other).unwrap());
            }
            make()
        });
        if let Some(shared) = result.into_inner() {
            only_while_it_lives("a shared secret", &Known::masked(&*shared), |_| shared);
        }
    }
}

#[inline(never)]
fn wipe_below() {
    std::hint::black_box(&mut [0u8; 64 * 1024]);
}

#[inline(never)]
fn half_of_digest(seed: &Known) -> Known {
    Known::masked(&ring::digest::digest(&ring::digest::SHA512, &*seed.shown()).as_ref()[32..])
}

/// The private key of a signer: its seed, and the half of the seed's digest that makes the nonces of signatures.
#[test]
fn a_signing_key_is_overwritten() {
    let seed = Known::new(60);
    let half = half_of_digest(&seed);
    // The test's own computation has left it on the stack.
    wipe_below();
    only_while_it_lives("the half of the digest", &half, |_| SigningKey::from_seed(&*seed.shown()).unwrap());
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let key = SigningKey::from_seed(&*seed.shown()).unwrap();
    key.sign(Context("dyno test"), &[b"a message"]);
    assert_eq!(seed.places(), 0, "the seed is needed once");
    drop(key);
    assert_eq!(half.places(), 0, "a signature's traces");
}

#[test]
fn key_files_leave_neither_the_key_nor_its_letters() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("key");
    let (_, document) = SigningKey::generate();
    let (seed, letters) = (Known::masked(&document[16..]), {
        let text = keyfile::to_pem("PRIVATE KEY", &document);
        let line = text.lines().nth(1).unwrap();
        Known::masked(&line.as_bytes()[24..56])
    });
    keyfile::write(&path, &document).unwrap();
    only_while_it_lives("a key file", &seed, |_| document);
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let key = keyfile::read(&path).unwrap();
    assert_eq!((seed.places(), letters.places()), (0, 0), "read");
    drop(key);
}

/// HKDF's pseudorandom key is kept as two states of SHA-256; its output is what leads on.
#[test]
fn derived_octets_are_wiped_with_their_key() {
    let input = Known::new(80);
    let output = Known::masked(&*kdf::extract(b"salt", &*input.shown()).derive::<32>(b"label"));
    only_while_it_lives("an output", &output, |_| {
        let key = kdf::extract(b"salt", &*input.shown());
        let derived = key.derive::<32>(b"label");
        (key, derived)
    });
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    assert_eq!(input.places(), 0, "the input is needed once");
}

/// The private key of ML-KEM, from its seed to its use; and what is encapsulated, with the random octets that it was
/// made from, on both sides.
#[test]
fn an_encapsulation_leaves_neither_the_private_key_nor_the_secret() {
    let pair = |secret: &Secret<32>| {
        let mut seed = Secret::<64>::zeros();
        seed[..32].copy_from_slice(&**secret);
        seed[32..].copy_from_slice(&**secret);
        PrivateKey::from_seed(&seed)
    };
    only_while_it_lives("a private key", &Known::new(100), pair);
    let (seed, random) = (Known::new(101), Known::new(102));
    let (ciphertext, secret) = {
        let key = pair(&seed.shown());
        kem::encapsulate_from(key.public(), &random.shown()).unwrap()
    };
    let known = Known::masked(&*secret);
    only_while_it_lives("an encapsulated secret", &known, |_| secret);
    only_while_it_lives("a secret that was found", &known, |_| pair(&seed.shown()).decapsulate(&ciphertext));
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    assert_eq!((seed.places(), random.places()), (0, 0), "the key and the random octets are needed once");
}

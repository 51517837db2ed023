//! Diffie and Hellman's exchange of 1976, modulo a prime. **For teaching and for old test figures; the channel uses
//! X25519.**
//!
//! ```text
//!   Alice: secret a, sends A = g^a mod p        Bob: secret b, sends B = g^b mod p
//!                  both compute  B^a = A^b = g^(ab) mod p
//! ```
//!
//! A party must check the public value y of its peer (NIST SP 800-56A, 5.6.2.3.1): 2 <= y <= p - 2 and y^q = 1.
//! Otherwise the peer can choose a value of small order and learn the private key piece by piece.

pub mod groups;
pub mod toy;

use self::groups::Parameters;
use crate::limits;
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

/// Octets of a private exponent: 256 bits, twice the strength of the groups here (RFC 7919, appendix A).
const EXPONENT_OCTETS: usize = 32;

/// A group or a public value that does not hold what it promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The parameters: an even or tiny modulus, a generator out of range or of the wrong order.
    #[error("these are no group parameters")]
    Group,
    /// A public value outside 2 to p - 2.
    #[error("the public value is out of range")]
    OutOfRange,
    /// A public value that is not in the subgroup of the generator.
    #[error("the public value is not in the subgroup")]
    NotInSubgroup,
    /// A private exponent that is zero or longer than the modulus.
    #[error("the private exponent is out of range")]
    Exponent,
}

/// A subgroup of prime order `q`, modulo `p`.
#[derive(Debug, Clone)]
pub struct Group {
    modulus: BoxedMontyParams,
    octets: usize,
    order: BoxedUint,
    generator: BoxedMontyForm,
}

impl Group {
    /// A group from its numbers, big endian. Primality is not examined: take groups from people you trust, or
    /// [`groups`].
    ///
    /// # Errors
    /// [`Invalid::Group`] when the modulus is even or above 8,192 bits, or g^q is not 1.
    pub fn new(prime: &[u8], order: &[u8], generator: &[u8]) -> Result<Self, Invalid> {
        let p = BoxedUint::from_be_slice_vartime(prime);
        let bits = p.bits_vartime();
        let precision = p.bits_precision();
        if !(4..=limits::CLASSICAL_MODULUS_BITS).contains(&bits) {
            return Err(Invalid::Group);
        }
        let modulus = p.to_odd().into_option().ok_or(Invalid::Group)?;
        let modulus = BoxedMontyParams::new_vartime(Odd::clone(&modulus));
        let order = BoxedUint::from_be_slice(trim(order), precision).map_err(|_| Invalid::Group)?;
        let generator = BoxedUint::from_be_slice(trim(generator), precision).map_err(|_| Invalid::Group)?;
        let octets = bits.div_ceil(8) as usize;
        let group = Group {
            generator: BoxedMontyForm::new(reduce(&generator, &modulus)?, &modulus),
            modulus,
            octets,
            order,
        };
        group.check(&generator).map_err(|_| Invalid::Group)?;
        Ok(group)
    }

    /// One of the named groups.
    ///
    /// # Panics
    /// Never: the tables are tested.
    pub fn named(parameters: &Parameters) -> Self {
        let prime = BoxedUint::from_str_radix_vartime(parameters.prime, 16)
            .expect("the table holds hexadecimal digits");
        let order = prime.shr_vartime(1).expect("a shift by one");
        Group::new(&prime.to_be_bytes(), &order.to_be_bytes(), &[parameters.generator])
            .expect("the table holds groups")
    }

    /// Octets of a public value.
    pub fn octets(&self) -> usize {
        self.octets
    }

    fn check(&self, value: &BoxedUint) -> Result<BoxedMontyForm, Invalid> {
        let one = BoxedUint::one_with_precision(value.bits_precision());
        let top = self.modulus.modulus().as_ref().wrapping_sub(&one);
        if value.cmp_vartime(&one).is_le() || value.cmp_vartime(&top).is_ge() {
            return Err(Invalid::OutOfRange);
        }
        let element = BoxedMontyForm::new(value.clone(), &self.modulus);
        if element.pow(&self.order).retrieve() != one {
            return Err(Invalid::NotInSubgroup);
        }
        Ok(element)
    }

    fn element(&self, public: &[u8]) -> Result<BoxedMontyForm, Invalid> {
        let value = BoxedUint::from_be_slice(trim(public), self.modulus.bits_precision())
            .map_err(|_| Invalid::OutOfRange)?;
        self.check(&value)
    }

    /// Full validation of a public value (big endian, leading zeros allowed).
    ///
    /// # Errors
    /// [`Invalid::OutOfRange`] or [`Invalid::NotInSubgroup`].
    pub fn validate(&self, public: &[u8]) -> Result<(), Invalid> {
        self.element(public).map(|_| ())
    }

    fn encode(&self, element: &BoxedMontyForm) -> Zeroizing<Vec<u8>> {
        let octets = Zeroizing::new(element.retrieve().to_be_bytes().into_vec());
        Zeroizing::new(octets[octets.len() - self.octets..].to_vec())
    }
}

fn trim(octets: &[u8]) -> &[u8] {
    &octets[octets.iter().position(|&octet| octet != 0).unwrap_or(octets.len())..]
}

fn reduce(value: &BoxedUint, modulus: &BoxedMontyParams) -> Result<BoxedUint, Invalid> {
    if value.cmp_vartime(modulus.modulus().as_ref()).is_lt() {
        Ok(value.clone())
    } else {
        Err(Invalid::Group)
    }
}

/// A private exponent and its public value.
pub struct PrivateKey {
    group: Group,
    exponent: Zeroizing<BoxedUint>,
    /// Bits that the exponent may have: its length is no secret, its value is.
    exponent_bits: u32,
    public: Vec<u8>,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivateKey").field("public_octets", &self.public.len()).finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// A fresh key with an exponent of 256 bits (of the order's length in smaller groups).
    ///
    /// # Panics
    /// When the operating system gives no random octets.
    pub fn generate(group: &Group) -> Self {
        let mut octets = Zeroizing::new([0; EXPONENT_OCTETS]);
        SystemRandom::new().fill(&mut *octets).expect("the operating system gives random octets");
        let length = EXPONENT_OCTETS.min(group.octets);
        // Not zero: one chance in 2^64 even in the smallest modulus a word holds, so the lowest bit is set.
        octets[length - 1] |= 1;
        PrivateKey::from_exponent(group, &octets[..length])
            .expect("an exponent of allowed length that is not zero")
    }

    /// A key from its exponent, big endian, for test figures.
    ///
    /// # Errors
    /// [`Invalid::Exponent`] when it is zero or longer than the modulus.
    pub fn from_exponent(group: &Group, exponent: &[u8]) -> Result<Self, Invalid> {
        let precision = group.modulus.bits_precision();
        let exponent_bits = precision.min(8 * exponent.len() as u32);
        let exponent = BoxedUint::from_be_slice(trim(exponent), precision).map_err(|_| Invalid::Exponent)?;
        if exponent.is_zero().to_bool() {
            return Err(Invalid::Exponent);
        }
        let public = group.encode(&group.generator.pow_bounded_exp(&exponent, exponent_bits)).to_vec();
        Ok(PrivateKey { group: group.clone(), exponent: Zeroizing::new(exponent), exponent_bits, public })
    }

    /// The public value, big endian, as long as the modulus.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The shared secret with the owner of `peer`, as long as the modulus. The exponentiation is in constant time.
    ///
    /// # Errors
    /// What [`Group::validate`] says of `peer`.
    pub fn agree(&self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, Invalid> {
        Ok(self.group.encode(&self.group.element(peer)?.pow_bounded_exp(&self.exponent, self.exponent_bits)))
    }
}

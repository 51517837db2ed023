//! Groups small enough to compute by hand and to break: the discrete logarithm, twice.
//!
//! Brute force takes as many steps as the group has elements, baby-step giant-step (Shanks 1971) the square root of
//! that. Each further bit doubles the steps of the first and adds two fifths to those of the second. At 2,048 bits
//! there are better methods than both, and still none that is feasible.

use std::collections::HashMap;

/// A group modulo a prime below 2^63 with a generator; nothing about it is examined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Toy {
    /// The prime.
    pub prime: u64,
    /// The generator.
    pub generator: u64,
}

/// A logarithm, and what it cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// The exponent.
    pub exponent: u64,
    /// Multiplications that it took.
    pub steps: u64,
}

impl Toy {
    /// Its textbook example: p = 23, g = 5.
    pub const TEXTBOOK: Toy = Toy { prime: 23, generator: 5 };

    /// The product modulo the prime.
    fn multiply(&self, a: u64, b: u64) -> u64 {
        (u128::from(a) * u128::from(b) % u128::from(self.prime)) as u64
    }

    /// `base^exponent` modulo the prime, by squaring.
    pub fn power(&self, base: u64, mut exponent: u64) -> u64 {
        let (mut square, mut product) = (base % self.prime, 1 % self.prime);
        while exponent > 0 {
            if exponent & 1 == 1 {
                product = self.multiply(product, square);
            }
            square = self.multiply(square, square);
            exponent >>= 1;
        }
        product
    }

    /// Tries every exponent up to `most_steps`. `None` when none of them fits.
    pub fn brute_force(&self, public: u64, most_steps: u64) -> Option<Broken> {
        let mut value = 1 % self.prime;
        for exponent in 0..most_steps {
            if value == public {
                return Some(Broken { exponent, steps: exponent });
            }
            value = self.multiply(value, self.generator);
        }
        None
    }

    /// Baby steps into a table of `root` entries, then as many giant steps; finds every exponent below `root` squared.
    /// The table takes some 40 octets an entry: `root` up to a few million.
    pub fn baby_step_giant_step(&self, public: u64, root: u64) -> Option<Broken> {
        let mut table = HashMap::with_capacity(root as usize);
        let mut value = 1 % self.prime;
        for exponent in 0..root {
            table.entry(value).or_insert(exponent);
            value = self.multiply(value, self.generator);
        }
        // g^(-root), by Fermat.
        let giant = self.power(value, self.prime - 2);
        let mut target = public % self.prime;
        for step in 0..root {
            if let Some(&baby) = table.get(&target) {
                return Some(Broken { exponent: step * root + baby, steps: root + step });
            }
            target = self.multiply(target, giant);
        }
        None
    }
}

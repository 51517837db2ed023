//! Random octets from a seed, so that whatever they break can be broken again.

/// SplitMix64 (Steele, Lea, Flood, *Fast Splittable Pseudorandom Number Generators*, 2014).
#[derive(Debug, Clone)]
pub struct Noise(u64);

impl Noise {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Noise {
        Noise(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, nearly uniform.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).expect("below a usize")
    }

    /// So many octets.
    pub fn octets(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.number().to_le_bytes()[0]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Noise;

    /// The first numbers of seed 1234567, as published with the algorithm's reference implementation.
    #[test]
    fn the_sequence_is_splitmix64() {
        let mut noise = Noise::new(1_234_567);
        assert_eq!(noise.number(), 6_457_827_717_110_365_317);
        assert_eq!(noise.number(), 3_203_168_211_198_807_973);
    }
}

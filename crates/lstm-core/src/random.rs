//! Every random number of the core: one seeded generator with named streams, the same bits on every platform.
//! Knows nothing of what the numbers are for. Not for privacy or secrets: whoever knows the seed knows them all.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

/// What a stream's numbers are for. Streams of one seed are independent: drawing from one never moves another.
/// The discriminants are part of every published result; a new stream takes the next free number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The weights a model starts with.
    Initialisation = 0,
    /// The order of the samples in each epoch.
    Shuffling = 1,
    /// What training drops or keeps: the masks of dropout and zoneout.
    Dropout = 2,
    /// The order of the chunks of data in each epoch.
    Chunks = 3,
}

/// One stream of one seed: ChaCha8 (Bernstein 2008), an integer-only generator, so the same bits everywhere.
#[derive(Debug, Clone)]
pub struct RandomStream {
    generator: ChaCha8Rng,
}

impl RandomStream {
    /// The stream from its beginning. The seed is the first word of the key and the rest of the key is zero: unlike
    /// `seed_from_u64`, this leans on nothing but the cipher's own definition.
    #[must_use]
    pub fn new(seed: u32, stream: Stream) -> Self {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&seed.to_le_bytes());
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(stream as u64);
        Self { generator }
    }

    /// The stream from its `position`-th word of 32 bits on.
    #[must_use]
    pub fn at(seed: u32, stream: Stream, position: u64) -> Self {
        let mut random = Self::new(seed, stream);
        random.generator.set_word_pos(position.into());
        random
    }

    /// How many words have been drawn; no program lives to draw 2⁶⁴.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.generator.get_word_pos() as u64
    }

    /// Any of the 2³² integers, each as likely.
    pub fn next_u32(&mut self) -> u32 {
        self.generator.next_u32()
    }

    /// A multiple of 2⁻⁵³ in `[0, 1)`, each as likely.
    pub fn unit_f64(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.generator.next_u64() >> 11) as f64 * STEP
    }

    /// A number between `low` and `high`, computed in f64 and rounded once, so that either end may occur.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        let (low, high) = (f64::from(low), f64::from(high));
        (low + (high - low) * self.unit_f64()) as f32
    }

    /// A number of the standard normal distribution, by Box and Muller (1958): for `u`, `v` uniform,
    /// `√(−2 ln(1 − u)) · cos 2πv`. The logarithm's argument is in `(0, 1]`, so the result is at most 8.6 in size.
    /// `libm` rather than the platform's functions, whose last bits differ.
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit_f64()));
        radius * libm::cos(std::f64::consts::TAU * self.unit_f64())
    }

    /// An integer in `0..n`, each as likely: Lemire's multiplication with rejection (2019, algorithm 5).
    ///
    /// # Panics
    /// When `n` is 0, for which there is no such integer.
    pub fn below(&mut self, n: u32) -> u32 {
        assert!(n > 0, "there is no integer below 0");
        // Of the 2³² products' low halves, this many would come once too often.
        let surplus = n.wrapping_neg() % n;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(n);
            if product as u32 >= surplus {
                return (product >> 32) as u32;
            }
        }
    }

    /// Fills a mask: each number is `hit` with probability `rate`, else `miss`. The rate is a multiple of 2⁻³².
    pub fn mask(&mut self, mask: &mut [f32], rate: f32, [hit, miss]: [f32; 2]) {
        const BLOCK: usize = 256;
        // 2³² · rate, exact in f64.
        let limit = f64::from(rate) * 2.0_f64.powi(32);
        let mut bytes = [0; 4 * BLOCK];
        for block in mask.chunks_mut(BLOCK) {
            let bytes = &mut bytes[..4 * block.len()];
            self.generator.fill_bytes(bytes);
            for (value, word) in block.iter_mut().zip(bytes.as_chunks().0) {
                *value = if f64::from(u32::from_le_bytes(*word)) < limit { hit } else { miss };
            }
        }
    }

    /// Puts the items into one of their orders, each as likely (Fisher and Yates, as Durstenfeld 1964).
    pub fn shuffle(&mut self, items: &mut [u32]) {
        for last in (1..items.len()).rev() {
            let chosen = self.below(last as u32 + 1) as usize;
            items.swap(last, chosen);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(seed: u32, stream: Stream) -> Vec<u32> {
        let mut random = RandomStream::new(seed, stream);
        (0..4).map(|_| random.next_u32()).collect()
    }

    /// Pearson's statistic of counts that should all be `expected`.
    fn chi_square(counts: &[u32], expected: f64) -> f64 {
        counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum()
    }

    #[test]
    fn seed_zero_is_the_published_chacha8_key_stream() {
        // ChaCha8 under an all-zero key and nonce begins 3e00ef2f 895f40d6 7f5bb8e8 1f09a5a1 in bytes
        // (test vector TC1 of draft-strombergson-chacha-test-vectors-01).
        assert_eq!(words(0, Stream::Initialisation), [0x2fef_003e, 0xd640_5f89, 0xe8b8_5b7f, 0xa1a5_091f]);
    }

    #[test]
    fn seeds_and_streams_all_differ() {
        let all = [
            words(7, Stream::Initialisation),
            words(7, Stream::Shuffling),
            words(8, Stream::Initialisation),
            words(8, Stream::Shuffling),
        ];
        for (index, first) in all.iter().enumerate() {
            assert!(all[index + 1..].iter().all(|second| first != second));
        }
        assert_eq!(words(7, Stream::Shuffling), words(7, Stream::Shuffling));
    }

    #[test]
    fn unit_and_uniform_stay_in_range_and_fill_it() {
        let mut random = RandomStream::new(1, Stream::Initialisation);
        let mut counts = [0; 16];
        for _ in 0..16_000 {
            let unit = random.unit_f64();
            assert!((0.0..1.0).contains(&unit));
            counts[(1..16).filter(|&edge| unit >= f64::from(edge) / 16.0).count()] += 1;
        }
        // 15 degrees of freedom: beyond 37.7 once in a thousand seeds.
        assert!(chi_square(&counts, 1_000.0) < 37.7, "{counts:?}");

        let values: Vec<f32> = (0..1_000).map(|_| random.uniform(-3.0, 5.0)).collect();
        assert!(values.iter().all(|value| (-3.0..=5.0).contains(value)));
        assert!(values.iter().any(|&value| value < -2.9) && values.iter().any(|&value| value > 4.9));
    }

    #[test]
    fn normal_has_the_moments_of_the_normal_distribution() {
        const SAMPLES: u32 = 100_000;
        let mut random = RandomStream::new(2, Stream::Initialisation);
        let values: Vec<f64> = (0..SAMPLES).map(|_| random.normal()).collect();
        let moment = |power| values.iter().map(|value| value.powi(power)).sum::<f64>() / f64::from(SAMPLES);
        // Each bound is four standard errors: √(var(xᵏ)/n), where var is 1, 2, 15 and 96 for k = 1 to 4.
        for (power, expected, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)] {
            let bound = 4.0 * (variance / f64::from(SAMPLES)).sqrt();
            assert!((moment(power) - expected).abs() < bound, "moment {power} is {}", moment(power));
        }
    }

    #[test]
    fn normal_gives_the_same_bits_everywhere() {
        let mut random = RandomStream::new(42, Stream::Initialisation);
        let bits: Vec<u64> = (0..3).map(|_| random.normal().to_bits()).collect();
        // An implementation of the same in Python gives -0.2058…, -0.7870… and 1.7046…, to within one last bit.
        assert_eq!(bits, [0xbfca_580d_e1ee_1918, 0xbfe9_2fd0_249a_1a47, 0x3ffb_4645_b2b3_c315]);
    }

    #[test]
    fn below_is_uniform_where_a_plain_remainder_or_product_is_not() {
        let mut random = RandomStream::new(3, Stream::Shuffling);
        // Of 3·2³⁰ values, a remainder of 32 bits gives the lowest third twice as often, a product every third value.
        let n = 3 << 30;
        let mut thirds = [0; 3];
        let mut remainders = [0; 3];
        for _ in 0..9_000 {
            let value = random.below(n);
            assert!(value < n);
            thirds[(value >> 30) as usize] += 1;
            remainders[value as usize % 3] += 1;
        }
        // 2 degrees of freedom: beyond 13.8 once in a thousand seeds.
        assert!(chi_square(&thirds, 3_000.0) < 13.8, "{thirds:?}");
        assert!(chi_square(&remainders, 3_000.0) < 13.8, "{remainders:?}");
        assert_eq!(random.below(1), 0);
    }

    #[test]
    fn shuffle_gives_each_permutation_as_often() {
        let mut random = RandomStream::new(4, Stream::Shuffling);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..24_000 {
            let mut items = [0, 1, 2, 3];
            random.shuffle(&mut items);
            *counts.entry(items).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        // 23 degrees of freedom: beyond 49.7 once in a thousand seeds.
        let counts: Vec<u32> = counts.into_values().collect();
        assert!(chi_square(&counts, 1_000.0) < 49.7, "{counts:?}");
    }

    #[test]
    fn a_stream_goes_on_from_its_position_whatever_was_drawn() {
        for words in [0, 1, 15, 16, 63, 64, 65, 1_000] {
            let mut random = RandomStream::new(6, Stream::Dropout);
            for _ in 0..words {
                random.next_u32();
            }
            let mut mask = [0.0; 37];
            random.mask(&mut mask, 0.5, [1.0, 0.0]);
            random.unit_f64();
            assert_eq!(random.position(), words + 37 + 2);
            let mut resumed = RandomStream::at(6, Stream::Dropout, random.position());
            assert_eq!(resumed.unit_f64().to_bits(), random.unit_f64().to_bits());
            assert_eq!((resumed.next_u32(), resumed.position()), (random.next_u32(), random.position()));
        }
    }

    #[test]
    fn shuffle_keeps_every_item() {
        let mut random = RandomStream::new(5, Stream::Shuffling);
        for length in [0, 1, 2, 1_000] {
            let mut items: Vec<u32> = (0..length).collect();
            random.shuffle(&mut items);
            assert!(length < 1_000 || items[..10] != [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
            items.sort_unstable();
            assert_eq!(items, (0..length).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_mask_hits_as_often_as_it_should_and_never_at_rate_0() {
        let mut random = RandomStream::new(3, Stream::Dropout);
        let mut mask = vec![0.0; 100_001];
        random.mask(&mut mask, 0.3, [2.0, -1.0]);
        let hits = mask.iter().filter(|&&value| value == 2.0).count();
        assert!(mask.iter().all(|&value| value == 2.0 || value == -1.0));
        // Four standard deviations, √(0.3 · 0.7 · 100,001) = 145.
        assert!(hits.abs_diff(30_000) < 580, "{hits}");
        random.mask(&mut mask, 0.0, [2.0, -1.0]);
        assert!(mask.iter().all(|&value| value == -1.0));
    }
}

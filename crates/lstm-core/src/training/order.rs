//! The order in which an epoch sees the samples of a chunk: as they are, shuffled, or shuffled into batches of similar length.

use super::options::TrainingOptions;
use crate::random::RandomStream;

/// Batches that are sorted by length together: few enough for chance to decide who meets whom, enough for lengths to be near.
const POOL: usize = 50;

/// What the order goes by.
pub(super) struct Order {
    shuffle: bool,
    bucketing: bool,
    batch_size: usize,
}

impl Order {
    pub(super) fn new(options: &TrainingOptions) -> Self {
        let TrainingOptions { shuffle, bucketing, batch_size, .. } = *options;
        Self { shuffle, bucketing, batch_size: batch_size as usize }
    }

    pub(super) fn shuffles(&self) -> bool {
        self.shuffle
    }

    /// Puts samples into the order of their next visit. Samples of one length stay in the order that chance gave them.
    pub(super) fn arrange(&self, samples: &mut [u32], random: &mut RandomStream, length: impl Fn(u32) -> usize) {
        if !self.shuffle {
            return;
        }
        random.shuffle(samples);
        if !self.bucketing {
            return;
        }
        // What makes no whole batch stays where it is, as chance put it there: the last batch is of any lengths.
        let batches = samples.len() / self.batch_size;
        let whole = &mut samples[..batches * self.batch_size];
        for pool in whole.chunks_mut(POOL * self.batch_size) {
            pool.sort_by_key(|&sample| length(sample));
        }
        let sorted = whole.to_vec();
        let mut places: Vec<u32> = (0..batches as u32).collect();
        random.shuffle(&mut places);
        for (batch, place) in whole.chunks_exact_mut(self.batch_size).zip(places) {
            batch.copy_from_slice(&sorted[place as usize * self.batch_size..][..self.batch_size]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    fn order(bucketing: bool) -> Order {
        Order { shuffle: true, bucketing, batch_size: 8 }
    }

    /// 1,003 samples of 1 to 100 steps, and how far lengths differ within each whole batch, in the mean.
    fn arranged(bucketing: bool, seed: u32) -> (Vec<u32>, f64) {
        let mut random = RandomStream::new(seed, Stream::Shuffling);
        let lengths: Vec<usize> = (0..1_003).map(|sample| 1 + sample * 37 % 100).collect();
        let mut samples: Vec<u32> = (0..1_003).collect();
        order(bucketing).arrange(&mut samples, &mut random, |sample| lengths[sample as usize]);
        let spread = |batch: &[u32]| {
            let of = || batch.iter().map(|&sample| lengths[sample as usize]);
            (of().max().unwrap() - of().min().unwrap()) as f64
        };
        let spreads: f64 = samples.chunks_exact(8).map(spread).sum();
        (samples, spreads / 125.0)
    }

    #[test]
    fn bucketing_keeps_every_sample_and_brings_lengths_together() {
        let (plain, apart) = arranged(false, 7);
        let (mut bucketed, near) = arranged(true, 7);
        // Of 8 numbers out of 100, the range is some 78; of 8 neighbours among 400, some 2.
        assert!(apart > 60.0 && near < 4.0, "{apart}, {near}");
        assert_eq!(bucketed[1_000..], plain[1_000..], "the last batch is what chance left over");
        assert_eq!(arranged(true, 7).0, bucketed);
        assert_ne!(arranged(true, 8).0, bucketed);
        // Batches are shuffled: their lengths do not rise from the first to the last of a pool.
        let first: Vec<u32> = bucketed.chunks(8).take(50).map(|batch| 1 + batch[0] * 37 % 100).collect();
        assert!(!first.is_sorted());
        bucketed.sort_unstable();
        assert_eq!(bucketed, (0..1_003).collect::<Vec<_>>());
    }

    #[test]
    fn without_shuffling_the_order_stays() {
        let mut samples = [2, 0, 1];
        let order = Order { shuffle: false, bucketing: false, batch_size: 2 };
        order.arrange(&mut samples, &mut RandomStream::new(1, Stream::Shuffling), |_| 1);
        assert_eq!(samples, [2, 0, 1]);
    }
}

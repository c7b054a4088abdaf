//! A number that tells data apart: whether a run goes on with what it began with. Not for secrets: who wants to can make
//! other data with the same one.

use crate::network::samples::{Inputs, Samples};
use crate::network::targets::{RowTarget, TargetRows, Targets};

/// 64 bits out of words, one after the other: FNV-1a (Fowler, Noll and Vo) of 32 bits at a time, its upper bits mixed in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fingerprint {
    pub(crate) fn word(&mut self, word: u32) {
        let mixed = (self.0 ^ u64::from(word)).wrapping_mul(0x0000_0100_0000_01b3);
        // The product alone carries no bit downwards: the upper half of each word would be lost to the lower half.
        self.0 = mixed ^ (mixed >> 32);
    }

    pub(crate) fn numbers(&mut self, numbers: &[f32]) {
        for number in numbers {
            self.word(number.to_bits());
        }
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for &word in words {
            self.word(u32::from_le_bytes(word));
        }
        for &byte in rest {
            self.word(byte.into());
        }
        self.word(bytes.len() as u32);
    }

    pub(crate) fn finish(self) -> u64 {
        self.0
    }
}

/// Of all that counts of some samples and their targets: what stands in the padding may be anything.
pub(super) fn fingerprint(inputs: Inputs, samples: &Samples, targets: Targets, rows: &TargetRows) -> u64 {
    let mut fingerprint = Fingerprint::default();
    for sample in 0..samples.count() {
        let length = samples.length(sample);
        fingerprint.word(length as u32);
        for step in 0..length {
            if inputs.x.is_some() {
                fingerprint.numbers(samples.step(sample, step));
            }
            if inputs.tokens.is_some() {
                fingerprint.word(samples.token(sample, step));
            }
        }
        fingerprint.numbers(samples.statics(sample));
        for step in 0..rows.valid(length) {
            if targets.weights.is_some() {
                fingerprint.numbers(&[rows.weight(sample, step)]);
            }
            match rows.row(rows.index(sample, step)) {
                RowTarget::Class(class) => fingerprint.word(class as u32),
                RowTarget::Numbers(numbers) => fingerprint.numbers(numbers),
            }
        }
    }
    fingerprint.finish()
}

#[cfg(test)]
mod tests {
    use crate::network::definition::ModelDefinition;
    use crate::network::samples::Inputs;
    use crate::network::targets::Targets;
    use crate::training::dataset::Dataset;

    fn of(x: &[f32], lengths: &[u32], classes: &[u32], weights: Option<&[f32]>) -> u64 {
        let definition = ModelDefinition::from_json(
            r#"{"input":{"features":2},"layers":[{"cell":"lstm","units":1}],"output":{"classes":["a","b"]}}"#,
        )
        .unwrap();
        let targets = Targets { weights, ..Targets::classes(classes) };
        Dataset::new(Inputs::from(x), 2, Some(lengths), targets, &definition).unwrap().fingerprint()
    }

    #[test]
    fn every_number_that_counts_makes_another_and_no_other_number() {
        let x = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let first = of(&x, &[2, 1], &[0, 1], None);
        for place in 0..8 {
            let mut other = x;
            // The last bit, and the first.
            for changed in [x[place] + x[place] * f32::EPSILON, -x[place]] {
                other[place] = changed;
                assert_eq!(of(&other, &[2, 1], &[0, 1], None) == first, place >= 6, "{place}");
            }
        }
        assert_ne!(of(&x, &[2, 2], &[0, 1], None), first);
        assert_ne!(of(&x, &[2, 1], &[1, 1], None), first);
        assert_ne!(of(&x, &[2, 1], &[0, 1], Some(&[1.0, 0.5])), first);
    }
}

//! Sequences as callers hand them over: one padded array [n, steps, features] and the length of each sample.
//! Checks them, and brings a batch of them into the kernels' packed order.

use crate::cells::sequences::Sequences;
use crate::executor::Executor;
use crate::finite::first_not_finite;
use crate::memory::SharedRows;
use crate::{Error, ErrorCode, Result};

/// A borrowed set of sequences, padded at the end. What lies in the padding is never read.
#[derive(Clone, Copy)]
pub struct Samples<'a> {
    x: &'a [f32],
    /// Steps of the padded array.
    steps: usize,
    features: usize,
    lengths: Option<&'a [u32]>,
    window: Window,
}

/// Some steps of every sequence, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// The first of them.
    pub(crate) first: usize,
    pub(crate) steps: usize,
}

impl Window {
    /// Every step.
    pub(crate) fn all(steps: usize) -> Self {
        Self { first: 0, steps }
    }

    /// Steps within of a sequence of `length` steps.
    pub(crate) fn length(self, length: usize) -> usize {
        length.saturating_sub(self.first).min(self.steps)
    }

    /// Whether a sequence of `length` steps ends within.
    pub(crate) fn holds_end(self, length: usize) -> bool {
        length > self.first && length <= self.first + self.steps
    }
}

impl<'a> Samples<'a> {
    /// Checks that `x` [n, `steps`, `features`] has at least one sample, that every length is within 1..=`steps`, and
    /// that every number of a valid step is finite. Without `lengths` every sample has `steps` steps.
    pub fn new(x: &'a [f32], steps: usize, features: usize, lengths: Option<&'a [u32]>) -> Result<Self> {
        let fail = |code, path: String, message: String| Err(Error::new(code, path, message));
        let size = steps * features;
        if x.is_empty() || size == 0 {
            let message = "there is no sample; give at least one sequence of at least one step";
            return fail(ErrorCode::EmptyData, "x".into(), message.into());
        }
        if !x.len().is_multiple_of(size) {
            let message =
                format!("x holds {} numbers, which is no multiple of {steps} steps of {features} features", x.len());
            return fail(ErrorCode::ShapeMismatch, "x".into(), message);
        }
        let samples = Self { x, steps, features, lengths, window: Window::all(steps) };
        if let Some(lengths) = lengths {
            if lengths.len() != samples.count() {
                let message = format!("there are {} lengths for {} sequences", lengths.len(), samples.count());
                return fail(ErrorCode::ShapeMismatch, "lengths".into(), message);
            }
            if let Some(index) = lengths.iter().position(|&length| length == 0 || length as usize > steps) {
                let message = format!("length {} is not within 1 to the {steps} steps of x", lengths[index]);
                return fail(ErrorCode::InvalidLength, format!("lengths[{index}]"), message);
            }
        }
        samples.check_finite()?;
        Ok(samples)
    }

    /// Samples that have been checked before.
    pub(crate) fn checked(x: &'a [f32], steps: usize, features: usize, lengths: Option<&'a [u32]>) -> Self {
        Self { x, steps, features, lengths, window: Window::all(steps) }
    }

    /// The same sequences, of which only these steps are there.
    pub(crate) fn within(self, window: Window) -> Self {
        Self { window, ..self }
    }

    fn check_finite(&self) -> Result<()> {
        for sample in 0..self.count() {
            let valid = &self.x[sample * self.steps * self.features..][..self.length(sample) * self.features];
            if let Some(index) = first_not_finite(valid) {
                let (step, feature) = (index / self.features, index % self.features);
                let message = format!(
                    "sequence {sample} has {} at step {step}, feature {feature}; replace or leave out what is missing",
                    valid[index]
                );
                return Err(Error::new(ErrorCode::NotFinite, format!("x[{sample}][{step}][{feature}]"), message));
            }
        }
        Ok(())
    }

    /// n: sequences.
    #[must_use]
    pub fn count(&self) -> usize {
        self.x.len() / (self.steps * self.features)
    }

    /// Steps that a sample may have.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.window.steps
    }

    /// Valid steps of a sample.
    #[must_use]
    pub fn length(&self, sample: usize) -> usize {
        self.window.length(self.lengths.map_or(self.steps, |lengths| lengths[sample] as usize))
    }

    /// The features of one step of one sample.
    #[must_use]
    pub fn step(&self, sample: usize, step: usize) -> &'a [f32] {
        &self.x[(sample * self.steps + self.window.first + step) * self.features..][..self.features]
    }
}

/// How features are scaled on their way in: `(value − mean) · factor`, and no further than to the ends of f32, because
/// the kernels' products with an infinite feature would be NaN where a weight is zero.
#[derive(Debug, Clone, Default)]
pub(crate) struct InputScaling {
    mean: Vec<f32>,
    factor: Vec<f32>,
}

impl InputScaling {
    /// From a model's `input.mean` and `input.deviation`; the identity while the deviations are 0, not fitted yet.
    pub(crate) fn set(&mut self, mean: &[f32], deviation: &[f32]) {
        self.mean.clear();
        self.factor.clear();
        if deviation.iter().all(|&value| value != 0.0) {
            self.mean.extend_from_slice(mean);
            // The reciprocal of a subnormal deviation may be infinite.
            self.factor.extend(deviation.iter().map(|value| finite(1.0 / value)));
        }
    }

    fn apply(&self, features: &mut [f32]) {
        for ((value, mean), factor) in features.iter_mut().zip(&self.mean).zip(&self.factor) {
            *value = finite((*value - mean) * factor);
        }
    }
}

/// The value, or the end of f32 that it is beyond.
fn finite(value: f32) -> f32 {
    value.clamp(f32::MIN, f32::MAX)
}

/// Where a batch goes in packed order, scaled, and who brings it there: `parts` threads, each the rows that are its own
/// in the time loop too.
pub(crate) struct Gathering<'a> {
    pub(crate) sequences: &'a Sequences,
    pub(crate) scaling: &'a InputScaling,
    pub(crate) executor: &'a Executor,
    pub(crate) parts: usize,
}

impl Gathering<'_> {
    /// Fills `out` [packed rows, features]. Sample `s` of the batch is `samples`' `pick(s)`.
    pub(crate) fn gather(&self, samples: &Samples, pick: impl Fn(usize) -> usize + Sync, out: &mut [f32]) {
        let (sequences, features) = (self.sequences, samples.features);
        assert!(out.len() >= sequences.packed_rows() * features);
        let out = SharedRows::new(out);
        self.executor.run(self.parts, |part| {
            let [start, end] = [part, part + 1].map(|part| sequences.part_start(part, self.parts));
            for step in 0..sequences.steps() {
                let rows = start..end.min(sequences.active(step)).max(start);
                let (first, length) = ((sequences.offset(step) + start) * features, rows.len() * features);
                if length == 0 {
                    break;
                }
                // SAFETY: within `out` as just asserted; the rows are this part's own.
                let targets = unsafe { std::slice::from_raw_parts_mut(out.at(first), length) };
                for (row, target) in rows.zip(targets.chunks_exact_mut(features)) {
                    target.copy_from_slice(samples.step(pick(sequences.sample(row)), step));
                    self.scaling.apply(target);
                }
            }
        });
    }
}

/// Mean and standard deviation of each feature over the valid steps, the latter 1 for a feature that never changes.
pub(crate) fn fit_scaling(samples: &Samples) -> (Vec<f32>, Vec<f32>) {
    let valid = || (0..samples.count()).flat_map(|sample| (0..samples.length(sample)).map(move |step| (sample, step)));
    let count = valid().count() as f64;
    let mut mean = vec![0.0; samples.features];
    for (sample, step) in valid() {
        for (sum, &value) in mean.iter_mut().zip(samples.step(sample, step)) {
            *sum += f64::from(value) / count;
        }
    }
    let mut variance = vec![0.0; samples.features];
    for (sample, step) in valid() {
        for ((sum, mean), &value) in variance.iter_mut().zip(&mean).zip(samples.step(sample, step)) {
            *sum += (f64::from(value) - mean) * (f64::from(value) - mean) / count;
        }
    }
    let deviation = variance.iter().map(|&variance| libm::sqrt(variance) as f32);
    // A spread below rounding is a constant: dividing by it would blow noise up to size 1. So is one that is subnormal,
    // which the kernels take for zero.
    let least = |mean: f64| (1e-6 * mean.abs() as f32).max(f32::MIN_POSITIVE);
    let deviation = deviation.zip(&mean).map(|(d, &mean)| if d > least(mean) { d } else { 1.0 }).collect();
    (mean.into_iter().map(|value| value as f32).collect(), deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(result: Result<Samples>) -> (ErrorCode, String) {
        let error = result.err().unwrap();
        (error.code, error.path)
    }

    #[test]
    fn wrong_samples_are_told_apart() {
        let x = [0.0; 12];
        assert_eq!(code(Samples::new(&[], 2, 3, None)), (ErrorCode::EmptyData, "x".into()));
        assert_eq!(code(Samples::new(&x, 0, 3, None)), (ErrorCode::EmptyData, "x".into()));
        assert_eq!(code(Samples::new(&x, 5, 3, None)), (ErrorCode::ShapeMismatch, "x".into()));
        assert_eq!(code(Samples::new(&x, 2, 3, Some(&[1]))), (ErrorCode::ShapeMismatch, "lengths".into()));
        assert_eq!(code(Samples::new(&x, 2, 3, Some(&[1, 3]))), (ErrorCode::InvalidLength, "lengths[1]".into()));
        assert_eq!(code(Samples::new(&x, 2, 3, Some(&[0, 2]))), (ErrorCode::InvalidLength, "lengths[0]".into()));
    }

    #[test]
    fn a_number_that_is_not_finite_counts_only_in_a_valid_step() {
        let x = [0.0, 1.0, f32::NAN, 2.0, f32::INFINITY, 3.0];
        assert!(Samples::new(&x, 3, 1, Some(&[2, 1])).is_ok());
        assert_eq!(code(Samples::new(&x, 3, 1, Some(&[3, 1]))), (ErrorCode::NotFinite, "x[0][2][0]".into()));
        assert_eq!(code(Samples::new(&x, 3, 1, Some(&[2, 3]))), (ErrorCode::NotFinite, "x[1][1][0]".into()));
    }

    #[test]
    fn scaling_is_fitted_over_valid_steps_and_leaves_constants_alone() {
        let x = [1.0, 7.0, 3.0, 7.0, 5.0, 7.0, 1e9, f32::NAN];
        let (mean, deviation) = fit_scaling(&Samples::new(&x, 2, 2, Some(&[2, 1])).unwrap());
        assert_eq!(mean, [3.0, 7.0]);
        assert!((deviation[0] - (8.0f32 / 3.0).sqrt()).abs() < 1e-6 && deviation[1] == 1.0, "{deviation:?}");

        let (_, deviation) = fit_scaling(&Samples::new(&[1e-39, -1e-39, 3e38, -3e38], 1, 1, None).unwrap());
        assert!(deviation[0] > 1e38 && deviation[0].is_finite(), "{deviation:?}");
        let (_, deviation) = fit_scaling(&Samples::new(&[1e-39, -1e-39], 1, 1, None).unwrap());
        assert_eq!(deviation, [1.0], "subnormal numbers are as good as equal");
    }

    #[test]
    fn scaling_goes_no_further_than_to_the_ends_of_f32() {
        let mut scaling = InputScaling::default();
        scaling.set(&[-1e38, 0.0, 0.0], &[1e-3, 1e-39, 1e-39]);
        let mut features = [3e38, 0.0, -1.0];
        scaling.apply(&mut features);
        assert_eq!(features, [f32::MAX, 0.0, f32::MIN]);
    }
}

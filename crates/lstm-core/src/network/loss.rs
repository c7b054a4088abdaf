//! The losses over rows of outputs, forward and backward, and what turns outputs into predictions.
//!
//! A row is one sample's output, or one step's. Its loss l and its weight w make the batch's loss Σ w·l / Σ w, as
//! PyTorch's `reduction="mean"` does it. With class weights, the sum below is of w times the weight of the target's class.
//!
//! Rows are taken in chunks of a fixed size, whose sums are added in their order: threads that share the chunks out change
//! no bit.

use std::sync::atomic::{AtomicU64, Ordering};

use rten_simd::ops::BitOps;
use serde::{Deserialize, Serialize};

use super::definition::OutputKind;
use super::targets::{RowTarget, RowTargets};
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::kernels::activations::sigmoid;
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};
use crate::kernels::softmax::{Exponentials, exponentials, shrunk};
use crate::memory::SharedRows;

/// What is minimised. Numbers of a row are indexed by j, K of them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Loss {
    /// −Σⱼ qⱼ ln softmax(z)ⱼ, with qⱼ = (1 − ε)·wⱼ for the target and ε/K·wⱼ added to each: class weights w, smoothing ε.
    CrossEntropy { class_weights: Option<Vec<f32>>, smoothing: f32 },
    /// The mean over j of −pⱼ·yⱼ ln σ(zⱼ) − (1 − yⱼ) ln(1 − σ(zⱼ)), with weights p of the positive targets.
    BinaryCrossEntropy { positive_weights: Option<Vec<f32>> },
    /// The mean of (z − y)².
    Squared,
    /// The mean of |z − y|.
    Absolute,
    /// The mean of d²/2 where |d| ≤ δ, else δ·(|d| − δ/2), of d = z − y (Huber 1964).
    Huber { delta: f32 },
    /// The mean of max(q·(y − z), (q − 1)·(y − z)) over the quantiles q, which lie side by side for each y.
    Pinball { quantiles: Vec<f32> },
}

/// Loss and hits of one batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct BatchLoss {
    /// Σ w·l, in nats where l is a cross-entropy.
    pub(crate) sum: f64,
    /// Σ w
    pub(crate) weight: f64,
    /// Rows whose largest output is the target's, or labels on the right side of one half; of rows with a weight.
    pub(crate) correct: u64,
    /// What `correct` is out of; 0 for values.
    pub(crate) counted: u64,
}

impl BatchLoss {
    pub(crate) fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.weight += other.weight;
        self.correct += other.correct;
        self.counted += other.counted;
    }

    /// The weighted mean; 0 where nothing has a weight.
    pub(crate) fn mean(&self) -> f32 {
        if self.weight > 0.0 { (self.sum / self.weight) as f32 } else { 0.0 }
    }

    /// The part that is right, where anything can be.
    pub(crate) fn accuracy(&self) -> Option<f32> {
        (self.counted > 0).then(|| (self.correct as f64 / self.counted as f64) as f32)
    }
}

/// Rows of outputs, and who works on them.
pub(crate) struct OutputRows<'a> {
    pub(crate) set: InstructionSet,
    pub(crate) executor: &'a Executor,
    /// [rows, `stride`], of which K numbers a row count.
    pub(crate) values: &'a mut [f32],
    pub(crate) rows: usize,
    pub(crate) size: usize,
    pub(crate) stride: usize,
}

/// Rows that are summed by one thread.
const CHUNK: usize = 64;

/// Sums of chunks, kept from batch to batch.
#[derive(Default)]
pub(crate) struct ChunkSums(Vec<[AtomicU64; 2]>);

impl Loss {
    /// The loss of some rows. If `differentiate`, the rows become its gradient; otherwise what they hold is lost.
    pub(crate) fn evaluate(
        &self,
        mut rows: OutputRows,
        targets: RowTargets,
        differentiate: bool,
        sums: &mut ChunkSums,
    ) -> BatchLoss {
        let mut total = BatchLoss::default();
        for row in 0..rows.rows {
            let weight = f64::from(targets.weight(row));
            total.weight += weight * self.normaliser(targets.row(row));
            total.counted += if weight > 0.0 { self.chances(rows.size) } else { 0 };
        }
        let scale = if total.weight > 0.0 { 1.0 / total.weight } else { 0.0 };
        let sums = &mut sums.0;
        sums.resize_with(rows.rows.div_ceil(CHUNK), Default::default);
        let sums = &*sums;
        let (set, size, stride) = (rows.set, rows.size, rows.stride);
        let gradient = differentiate.then_some(scale);
        rows.for_chunks(|first, values| {
            let chunk = LossChunk { loss: self, values, rows: (first, size, stride), targets, gradient };
            let (sum, correct) = dispatch(set, chunk);
            sums[first / CHUNK][0].store(sum.to_bits(), Ordering::Relaxed);
            sums[first / CHUNK][1].store(correct, Ordering::Relaxed);
        });
        for [sum, correct] in sums {
            total.sum += f64::from_bits(sum.load(Ordering::Relaxed));
            total.correct += correct.load(Ordering::Relaxed);
        }
        total
    }

    /// By what a row's weight is multiplied in the sum of the weights.
    fn normaliser(&self, target: RowTarget) -> f64 {
        match (self, target) {
            (Self::CrossEntropy { class_weights: Some(weights), .. }, RowTarget::Class(class)) => {
                weights.get(class).map_or(0.0, |&weight| f64::from(weight))
            }
            _ => 1.0,
        }
    }

    /// How many things of a row can be right.
    fn chances(&self, size: usize) -> u64 {
        match self {
            Self::CrossEntropy { .. } => 1,
            Self::BinaryCrossEntropy { .. } => size as u64,
            _ => 0,
        }
    }

    /// One row's loss, unweighted, and its hits. With a scale, the row becomes scale times the gradient.
    #[inline(always)]
    fn row<I: KernelIsa>(
        &self,
        isa: I,
        row: &mut [f32],
        size: usize,
        target: RowTarget,
        scale: Option<f64>,
    ) -> (f64, u64) {
        match (self, target) {
            (Self::CrossEntropy { class_weights, smoothing }, RowTarget::Class(class)) => {
                cross_entropy(isa, row, size, class, (class_weights.as_deref(), f64::from(*smoothing)), scale)
            }
            (Self::BinaryCrossEntropy { positive_weights }, RowTarget::Numbers(targets)) => {
                binary_cross_entropy(isa, &mut row[..size], targets, positive_weights.as_deref(), scale)
            }
            (Self::Squared, RowTarget::Numbers(targets)) => (each(row, size, targets, scale, |d| (d * d, 2.0 * d)), 0),
            (Self::Absolute, RowTarget::Numbers(targets)) => {
                (each(row, size, targets, scale, |d| (d.abs(), sign(d))), 0)
            }
            (Self::Huber { delta }, RowTarget::Numbers(targets)) => {
                let delta = f64::from(*delta);
                let huber = |d: f64| match d.abs() {
                    far if far > delta => (delta * (far - 0.5 * delta), delta * sign(d)),
                    _ => (0.5 * d * d, d),
                };
                (each(row, size, targets, scale, huber), 0)
            }
            (Self::Pinball { quantiles }, RowTarget::Numbers(targets)) => {
                (pinball(row, size, targets, quantiles, scale), 0)
            }
            _ => unreachable!("data sets hold the targets of their output's kind"),
        }
    }
}

fn sign(d: f64) -> f64 {
    if d == 0.0 { 0.0 } else { d.signum() }
}

impl OutputRows<'_> {
    /// Hands each chunk of rows to `work`, with its first row: on as many threads as are worthwhile.
    fn for_chunks(&mut self, work: impl Fn(usize, &mut [f32]) + Sync) {
        let chunks = self.rows.div_ceil(CHUNK);
        // A number takes as long as some thirty operations: an exponential, sums in f64, and its gradient.
        let parts = self.executor.parts(30 * self.rows * self.size).min(chunks);
        assert!(self.values.len() >= self.rows * self.stride);
        let (rows, stride) = (self.rows, self.stride);
        let values = SharedRows::new(self.values);
        self.executor.run(parts, |part| {
            for chunk in chunks * part / parts..chunks * (part + 1) / parts {
                let first = chunk * CHUNK;
                let rows = CHUNK.min(rows - first);
                // SAFETY: within the rows as asserted above; every chunk is of one part.
                let chunk = unsafe { std::slice::from_raw_parts_mut(values.at(first * stride), rows * stride) };
                work(first, chunk);
            }
        });
    }

    /// Turns outputs into predictions: probabilities by softmax or sigmoid, values as they are.
    pub(crate) fn predict(mut self, kind: OutputKind) {
        if kind != OutputKind::Values {
            let (set, size, stride) = (self.set, self.size, self.stride);
            self.for_chunks(|_, values| dispatch(set, Predict { kind, values, size, stride }));
        }
    }
}

struct Predict<'a> {
    kind: OutputKind,
    values: &'a mut [f32],
    size: usize,
    stride: usize,
}

impl Kernel for Predict<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let ops = isa.f32();
        for row in self.values.chunks_exact_mut(self.stride) {
            if self.kind == OutputKind::Labels {
                for vector in row.chunks_exact_mut(I::LANES) {
                    ops.store(sigmoid(isa, ops.load(vector)), vector);
                }
                continue;
            }
            // A logit that overflowed counts as the largest number there is.
            for value in &mut row[..self.size] {
                *value = value.clamp(f32::MIN, f32::MAX);
            }
            let Exponentials { rest, .. } = exponentials(isa, row, self.size);
            let factor = (1.0 / (1.0 + rest)) as f32;
            for value in &mut row[..self.size] {
                *value *= factor;
            }
        }
    }
}

struct LossChunk<'a> {
    loss: &'a Loss,
    values: &'a mut [f32],
    /// The first row, K, and the stride.
    rows: (usize, usize, usize),
    targets: RowTargets<'a>,
    /// 1 / Σ w if the rows shall become gradients.
    gradient: Option<f64>,
}

impl Kernel for LossChunk<'_> {
    /// Σ w·l, and the hits.
    type Output = (f64, u64);
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) -> (f64, u64) {
        let (first, size, stride) = self.rows;
        let mut total = (0.0, 0);
        for (index, row) in self.values.chunks_exact_mut(stride).enumerate() {
            let weight = f64::from(self.targets.weight(first + index));
            if weight == 0.0 {
                // What has no weight has no gradient, whatever stands there.
                row.fill(0.0);
                continue;
            }
            let scale = self.gradient.map(|scale| scale * weight);
            let (loss, correct) = self.loss.row(isa, row, size, self.targets.row(first + index), scale);
            total = (total.0 + weight * loss, total.1 + correct);
        }
        total
    }
}

/// With qⱼ as in [`Loss::CrossEntropy`] and Q = Σ q: the loss is Q·ln Σ exp(z − max z) + Σⱼ qⱼ·(max z − zⱼ), a sum of
/// nothing negative; the gradient Q·p − q. For the target it is taken apart, so that nothing cancels where p is nearly 1:
/// (Q − q)·p − q·(1 − p).
#[inline(always)]
fn cross_entropy<I: KernelIsa>(
    isa: I,
    row: &mut [f32],
    size: usize,
    target: usize,
    (weights, smoothing): (Option<&[f32]>, f64),
    scale: Option<f64>,
) -> (f64, u64) {
    let weight = |class: usize| weights.map_or(1.0, |weights| f64::from(weights[class]));
    let part = smoothing / size as f64;
    let of_target = (1.0 - smoothing) * weight(target);
    let at_target = row[target];
    let (mut all, mut weighted) = (0.0, 0.0);
    if smoothing > 0.0 {
        for (class, &logit) in row[..size].iter().enumerate() {
            all += weight(class);
            weighted += weight(class) * f64::from(logit);
        }
    }
    let Exponentials { best, largest, rest } = exponentials(isa, row, size);
    let largest = f64::from(largest);
    let whole = of_target + part * all;
    let smoothed = if smoothing > 0.0 { part * (all * largest - weighted) } else { 0.0 };
    let loss = whole * libm::log1p(rest) + of_target * (largest - f64::from(at_target)) + smoothed;
    if let Some(scale) = scale {
        let sum = 1.0 + rest;
        let exponential = f64::from(row[target]);
        let q = of_target + part * if smoothing > 0.0 { weight(target) } else { 0.0 };
        let slope = (whole - q) * exponential / sum - q * ((1.0 - exponential) + rest) / sum;
        let factor = (scale * whole / sum) as f32;
        match weights.filter(|_| smoothing > 0.0) {
            None => {
                let part = (scale * part) as f32;
                for value in &mut row[..size] {
                    *value = *value * factor - part;
                }
            }
            Some(weights) => {
                for (value, &weight) in row[..size].iter_mut().zip(weights) {
                    *value = *value * factor - (scale * part * f64::from(weight)) as f32;
                }
            }
        }
        row[target] = (scale * slope) as f32;
    }
    (loss, u64::from(best == target))
}

/// Factors of 1 to 2 whose product is taken before its logarithm: it stays below 2⁵¹².
const FACTORS: usize = 512;

/// With e = exp(−|z|): ln(1 + exp(±z)) = max(±z, 0) + ln(1 + e), σ(|z|) = 1 / (1 + e), σ(−|z|) = e / (1 + e).
#[inline(always)]
fn binary_cross_entropy<I: KernelIsa>(
    isa: I,
    row: &mut [f32],
    targets: &[f32],
    positive_weights: Option<&[f32]>,
    scale: Option<f64>,
) -> (f64, u64) {
    let size = row.len() as f64;
    let (mut loss, mut product, mut factors, mut correct) = (0.0, 1.0, 0, 0);
    for start in (0..row.len()).step_by(I::LANES) {
        let end = row.len().min(start + I::LANES);
        let shrunk = shrunk(isa, &row[start..end]);
        for ((index, &e), (value, &y)) in
            (start..end).zip(&shrunk).zip(row[start..end].iter_mut().zip(&targets[start..end]))
        {
            let (z, y, e) = (f64::from(*value), f64::from(y), f64::from(e));
            let positive = positive_weights.map_or(y, |weights| y * f64::from(weights[index]));
            loss += (1.0 - y) * z.max(0.0) + positive * (-z).max(0.0);
            if positive_weights.is_some() {
                loss += (1.0 - y + positive) * libm::log1p(e);
            } else {
                product *= 1.0 + e;
                factors += 1;
                if factors == FACTORS {
                    loss += libm::log(product);
                    (product, factors) = (1.0, 0);
                }
            }
            loss += if z.is_finite() { 0.0 } else { f64::NAN };
            correct += u64::from((z > 0.0) == (y > 0.5));
            if let Some(scale) = scale {
                let (near, far) = (1.0 / (1.0 + e), e / (1.0 + e));
                let (of_one, of_zero) = if z > 0.0 { (near, far) } else { (far, near) };
                *value = (scale / size * ((1.0 - y) * of_one - positive * of_zero)) as f32;
            }
        }
    }
    ((loss + libm::log(product)) / size, correct)
}

/// The mean of a function of z − y over the numbers of a row. `loss` gives its value and its slope.
#[inline(always)]
fn each(row: &mut [f32], size: usize, targets: &[f32], scale: Option<f64>, loss: impl Fn(f64) -> (f64, f64)) -> f64 {
    let mut sum = 0.0;
    for (value, &target) in row[..size].iter_mut().zip(targets) {
        let (loss, slope) = loss(f64::from(*value) - f64::from(target));
        sum += loss;
        if let Some(scale) = scale {
            *value = (scale / size as f64 * slope) as f32;
        }
    }
    sum / size as f64
}

#[inline(always)]
fn pinball(row: &mut [f32], size: usize, targets: &[f32], quantiles: &[f32], scale: Option<f64>) -> f64 {
    let mut sum = 0.0;
    for (values, &target) in row[..size].chunks_exact_mut(quantiles.len()).zip(targets) {
        for (value, &quantile) in values.iter_mut().zip(quantiles) {
            let (below, quantile) = (f64::from(target) - f64::from(*value), f64::from(quantile));
            sum += f64::max(quantile * below, (quantile - 1.0) * below);
            if let Some(scale) = scale {
                // At the target itself, the mean of the slopes on both sides, as PyTorch's `maximum` has it.
                let slope = if below == 0.0 {
                    0.5 - quantile
                } else if below > 0.0 {
                    -quantile
                } else {
                    1.0 - quantile
                };
                *value = (scale / size as f64 * slope) as f32;
            }
        }
    }
    sum / size as f64
}

#[cfg(test)]
mod tests {
    use super::super::definition::OutputDefinition;
    use super::super::targets::{TargetRows, Targets};
    use super::*;
    use crate::reference::{RowLoss, Scalar, Tape, weighted_loss};

    const ROWS: usize = 70; // more than a chunk

    /// Numbers between ±1 that look like none in particular.
    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|v| (((v * 7919 + seed * 104_729) % 20_011) as f32 - 10_005.0) / 10_005.0).collect()
    }

    fn error(actual: &[f32], expected: &[f64]) -> f64 {
        let difference = |(&a, &b): (&f32, &f64)| (f64::from(a) - b).abs();
        let largest = expected.iter().fold(1e-3, |largest: f64, b| largest.max(b.abs()));
        actual.iter().zip(expected).map(difference).fold(0.0, f64::max) / largest
    }

    /// Loss and gradient of rows of K outputs, up to `scale` in size, against the oracle's.
    fn check(loss: &Loss, exact: RowLoss, output: &OutputDefinition, scale: f32, targets: Targets) {
        let (size, length) = (output.size(), output.targets());
        let z: Vec<f32> = numbers(ROWS * size, size).iter().map(|number| number * scale).collect();
        let weights: Vec<f32> = numbers(ROWS, 3).iter().map(|number| number.max(0.0)).collect();
        let checked = TargetRows::new(targets, output, ROWS, 1, |_| 1).unwrap();
        let indices: Vec<usize> = (0..ROWS).collect();
        let exact_targets: Vec<f64> = (0..ROWS)
            .flat_map(|row| match checked.row(row) {
                RowTarget::Class(class) => vec![class as f64],
                RowTarget::Numbers(numbers) => numbers.iter().copied().map(f64::from).collect(),
            })
            .collect();
        assert_eq!(exact_targets.len(), ROWS * length);
        let tape = Tape::new();
        let variables: Vec<_> = z.iter().map(|&z| tape.variable(f64::from(z))).collect();
        let exact_weights: Vec<f64> = weights.iter().copied().map(f64::from).collect();
        let expected = weighted_loss(exact, &variables, &exact_targets, &exact_weights);
        let gradients = tape.gradients(expected).of(&variables);
        let executor = Executor::new(Some(1)).unwrap();
        for set in InstructionSet::available() {
            let stride = size.next_multiple_of(set.lanes());
            let mut values = vec![0.0; ROWS * stride];
            for (row, z) in values.chunks_exact_mut(stride).zip(z.chunks_exact(size)) {
                row[..size].copy_from_slice(z);
            }
            let rows = OutputRows { set, executor: &executor, values: &mut values, rows: ROWS, size, stride };
            let targets = RowTargets { targets: checked, indices: &indices, weights: &weights };
            let found = loss.evaluate(rows, targets, true, &mut ChunkSums::default());
            let what = format!("{loss:?} on {}, {size} outputs of {scale}", set.name());
            // One unit in the last place of an exponential is some 1e-7 of it.
            let off = (found.sum / found.weight - expected.value()).abs() / expected.value().abs();
            assert!(off < 5e-7, "{what}: the loss is off by {off:.1e}");
            let found: Vec<f32> = values.chunks_exact(stride).flat_map(|row| row[..size].to_vec()).collect();
            let off = error(&found, &gradients);
            assert!(off < 1e-6, "{what}: the gradient is off by {off:.1e}");
        }
    }

    #[test]
    fn classes_are_those_of_the_oracle() {
        for size in [2, 3, 16, 17, 65, 1000] {
            let output = OutputDefinition::of_classes((0..size).map(|class| class.to_string()).collect());
            let targets: Vec<u32> = (0..ROWS as u32).map(|row| row * 31 % size).collect();
            let targets = Targets::classes(&targets);
            let ones = vec![1.0; size as usize];
            let class_weights: Vec<f32> = numbers(size as usize, 9).iter().map(|number| number.abs() + 0.1).collect();
            let exact: Vec<f64> = class_weights.iter().copied().map(f64::from).collect();
            for scale in [1.0, 80.0] {
                let plain = Loss::CrossEntropy { class_weights: None, smoothing: 0.0 };
                check(&plain, RowLoss::CrossEntropy(&ones, 0.0), &output, scale, targets);
                let smoothed = Loss::CrossEntropy { class_weights: None, smoothing: 0.125 };
                check(&smoothed, RowLoss::CrossEntropy(&ones, 0.125), &output, scale, targets);
                let weighted = Loss::CrossEntropy { class_weights: Some(class_weights.clone()), smoothing: 0.125 };
                check(&weighted, RowLoss::CrossEntropy(&exact, 0.125), &output, scale, targets);
            }
        }
    }

    #[test]
    fn labels_are_those_of_the_oracle() {
        for size in [1, 15, 17, 600] {
            let names = (0..size).map(|label| label.to_string()).collect();
            let output = OutputDefinition { labels: Some(names), ..OutputDefinition::default() };
            let targets: Vec<f32> = numbers(ROWS * size, 5)
                .iter()
                .map(|&v| if v.abs() < 0.1 { 0.25 } else { f32::from(v > 0.0) })
                .collect();
            let ones = vec![1.0; size];
            let positive: Vec<f32> = numbers(size, 9).iter().map(|number| number.abs() + 0.1).collect();
            let exact: Vec<f64> = positive.iter().copied().map(f64::from).collect();
            // Beyond 30, the oracle's own ln σ(z) has lost digits.
            for scale in [1.0, 30.0] {
                let targets = Targets::numbers(&targets);
                let plain = Loss::BinaryCrossEntropy { positive_weights: None };
                check(&plain, RowLoss::BinaryCrossEntropy(&ones), &output, scale, targets);
                let weighted = Loss::BinaryCrossEntropy { positive_weights: Some(positive.clone()) };
                check(&weighted, RowLoss::BinaryCrossEntropy(&exact), &output, scale, targets);
            }
        }
    }

    #[test]
    fn values_are_those_of_the_oracle() {
        for values in [1, 5, 130] {
            let plain = OutputDefinition { values: Some(values), ..OutputDefinition::default() };
            let targets = numbers(ROWS * values as usize, 7);
            let targets = Targets::numbers(&targets);
            check(&Loss::Squared, RowLoss::Squared, &plain, 3.0, targets);
            check(&Loss::Absolute, RowLoss::Absolute, &plain, 3.0, targets);
            check(&Loss::Huber { delta: 0.5 }, RowLoss::Huber(0.5), &plain, 3.0, targets);
            let quantiles = vec![0.125, 0.5, 0.75];
            let exact: Vec<f64> = quantiles.iter().copied().map(f64::from).collect();
            let output = OutputDefinition { quantiles: Some(quantiles.clone()), ..plain.clone() };
            check(&Loss::Pinball { quantiles }, RowLoss::Pinball(&exact), &output, 3.0, targets);
        }
    }

    /// The loss of one row of class 1, and what becomes of the row.
    fn one_row(mut row: Vec<f32>, size: usize, set: InstructionSet) -> (f64, Vec<f32>) {
        let output = OutputDefinition::of_classes((0..size).map(|class| class.to_string()).collect());
        let checked = TargetRows::checked(Targets::classes(&[1]), &output, 1, 1);
        let executor = Executor::new(Some(1)).unwrap();
        row.resize(size.next_multiple_of(set.lanes()), 0.0);
        let stride = row.len();
        let rows = OutputRows { set, executor: &executor, values: &mut row, rows: 1, size, stride };
        let targets = RowTargets { targets: checked, indices: &[0], weights: &[1.0] };
        let loss = Loss::CrossEntropy { class_weights: None, smoothing: 0.0 };
        (loss.evaluate(rows, targets, true, &mut ChunkSums::default()).sum, row)
    }

    #[test]
    fn a_small_loss_and_its_gradient_keep_their_digits() {
        for set in InstructionSet::available() {
            let (loss, row) = one_row(vec![0.0, 20.0], 2, set);
            let exact = libm::log1p(libm::exp(-20.0));
            assert!((loss - exact).abs() < 1e-6 * exact, "{loss}");
            assert!((f64::from(row[1]) + exact).abs() < 1e-6 * exact && row[0] == -row[1], "{row:?}");
        }
    }

    #[test]
    fn huge_logits_stay_finite_and_what_is_no_number_shows() {
        for set in InstructionSet::available() {
            let (loss, row) = one_row(vec![1e30, -1e30], 2, set);
            assert!(loss.is_finite() && loss > 1e30);
            assert_eq!(row[..2], [1.0, -1.0]);
            for wrong in [f32::NAN, f32::INFINITY] {
                for place in 0..3 {
                    let mut row = vec![0.5; 3];
                    row[place] = wrong;
                    assert!(one_row(row, 3, set).0.is_nan(), "{wrong} at {place} on {}", set.name());
                }
            }
        }
    }

    #[test]
    fn probabilities_are_those_of_a_hand_computed_row() {
        let executor = Executor::new(Some(1)).unwrap();
        for set in InstructionSet::available() {
            let predict = |kind, given: &[f32]| {
                let stride = given.len().next_multiple_of(set.lanes());
                let mut values = given.to_vec();
                values.resize(stride, 9.0);
                let rows =
                    OutputRows { set, executor: &executor, values: &mut values, rows: 1, size: given.len(), stride };
                rows.predict(kind);
                values[..given.len()].to_vec()
            };
            let softmax = predict(OutputKind::Classes, &[1.0, 2.0, 4.0]);
            assert!(error(&softmax, &[0.042_010_066, 0.114_195_2, 0.843_794_7]) < 1e-6, "{softmax:?}");
            assert_eq!(predict(OutputKind::Classes, &[f32::INFINITY, f32::NEG_INFINITY]), [1.0, 0.0]);
            let sigmoid = predict(OutputKind::Labels, &[0.0, 2.0]);
            assert!(error(&sigmoid, &[0.5, 0.880_797_1]) < 1e-6, "{sigmoid:?}");
            assert_eq!(predict(OutputKind::Values, &[0.0, -2.0]), [0.0, -2.0]);
        }
    }
}

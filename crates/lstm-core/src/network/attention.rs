//! Attention over the steps of a sequence, forward and backward (Yang et al. 2016; the additive score is that of Bahdanau,
//! Cho and Bengio 2015). With hidden states h\[t\] [H], A units, and a softmax over a sequence's valid steps:
//!
//! ```text
//! u[t] = tanh(W h[t] + b)     a[t] = exp(v · u[t]) / Σₛ exp(v · u[s])     pooled = Σₜ a[t] h[t]
//! ```

use super::linear::{Linear, LinearGradients};
use super::parameters::AttentionRanges;
use super::pooling::{Pooled, RowsOfPart};
use crate::Result;
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::kernels::activations::{tanh, tanh_slope};
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};
use crate::memory::SharedRows;

use rten_simd::ops::{BitOps, NumOps};

/// The attention's weights, packed.
pub(crate) struct Attention {
    set: InstructionSet,
    hidden: Linear,
    /// v [1, A], as a map without bias.
    score: Linear,
}

/// What the passes leave and read, P standing for packed rows, B for the batch.
pub(crate) struct AttentionBuffers<'a> {
    /// [P, `unit_stride`]: u, and in the backward pass the gradients of W h + b.
    pub(crate) units: &'a mut [f32],
    /// [P, `score_stride`], of which the first number a row counts: a, and in the backward pass the scores' gradients.
    pub(crate) scores: &'a mut [f32],
    /// [B, `score_stride`] of scratch.
    pub(crate) sums: &'a mut [f32],
}

/// What the backward pass writes.
pub(crate) struct AttentionGradients<'a> {
    /// [P, S]
    pub(crate) hidden: &'a mut [f32],
    /// A flat vector of all trained numbers.
    pub(crate) flat: &'a mut [f32],
    pub(crate) scratch: &'a mut [f32],
}

impl Attention {
    pub(crate) fn new(set: InstructionSet, inputs: usize, units: usize) -> Result<Self> {
        Ok(Self { set, hidden: Linear::new(set, inputs, units)?, score: Linear::new(set, units, 1)? })
    }

    /// Takes over new weights, a flat vector.
    pub(crate) fn pack(&mut self, ranges: &AttentionRanges, weights: &[f32]) {
        self.hidden.pack(&weights[ranges.weight.clone()], &weights[ranges.bias.clone()]);
        self.score.pack(&weights[ranges.score.clone()], &[0.0]);
    }

    /// Numbers from one row of u to the next.
    pub(crate) fn unit_stride(&self) -> usize {
        self.hidden.output_stride()
    }

    /// Numbers from one score to the next.
    pub(crate) fn score_stride(&self) -> usize {
        self.score.output_stride()
    }

    /// Scratch values of the backward pass on `parts` threads.
    pub(crate) fn scratch(&self, parts: usize) -> usize {
        self.hidden.scratch(parts).max(self.score.scratch(parts))
    }

    /// Fills `pooled` [B, S].
    pub(crate) fn forward(&self, states: Pooled, buffers: AttentionBuffers, pooled: &mut [f32]) {
        let AttentionBuffers { units, scores, sums } = buffers;
        let Pooled { executor, sequences, hidden, .. } = states;
        let packed = sequences.packed_rows();
        self.hidden.forward(executor, hidden, packed, units);
        self.for_units(executor, units, &[], packed);
        self.score.forward(executor, units, packed, scores);
        let (stride, score_stride) = (states.stride, self.score_stride());
        let scores = SharedRows::new(scores);
        let sums = SharedRows::new(sums);
        assert!(scores.length() >= packed * score_stride && sums.length() >= sequences.batch() * score_stride);
        states.for_rows(pooled, |rows, pooled| {
            // SAFETY: the lengths were checked above; rows of the batch and their packed rows are one part's own.
            let score = |packed: usize| unsafe { &mut *scores.at(packed * score_stride) };
            // SAFETY: as above.
            let sum = |row: usize| unsafe { &mut *sums.at((rows.start + row) * score_stride) };
            softmax_over_steps(rows, score, sum);
            dispatch(self.set, WeightedSum { rows, hidden, stride, weight: |packed| *score(packed), pooled });
        });
    }

    /// From the gradient of `pooled` [B, S] to those of the hidden states and of the weights.
    pub(crate) fn backward(
        &self,
        states: Pooled,
        buffers: AttentionBuffers,
        (pooled, pooled_gradient): (&[f32], &mut [f32]),
        gradients: AttentionGradients,
        ranges: &AttentionRanges,
    ) {
        let AttentionBuffers { units, scores, sums } = buffers;
        let AttentionGradients { hidden: hidden_gradient, flat, scratch } = gradients;
        let Pooled { executor, sequences, hidden, stride, .. } = states;
        let packed = sequences.packed_rows();
        let score_stride = self.score_stride();
        assert!(hidden_gradient.len() >= packed * stride && scores.len() >= packed * score_stride);
        assert!(sums.len() >= sequences.batch() * score_stride);
        {
            let [scores, sums, hidden_gradient] = [&mut *scores, sums, &mut *hidden_gradient].map(SharedRows::new);
            states.for_rows(pooled_gradient, |rows, gradient| {
                let pooled = &pooled[rows.start * stride..];
                let scores = SequenceScores { each: scores, sums, stride: score_stride };
                let job = ToScores { rows, hidden, stride, pooled, gradient, scores, hidden_gradient };
                dispatch(self.set, job);
            });
        }
        let [weight, bias, score] = flat
            .get_disjoint_mut([ranges.weight.clone(), ranges.bias.clone(), ranges.score.clone()])
            .expect("tensors of one layout are disjoint");
        // The products read u where it lies, so its gradient has a place of its own behind it.
        let (units, unit_gradients) = units.split_at_mut(packed * self.unit_stride());
        let of_score =
            LinearGradients { x: unit_gradients, add: false, weight: score, bias: &mut [0.0], scratch: &mut *scratch };
        self.score.backward(executor, scores, packed, units, of_score);
        self.for_units(executor, unit_gradients, units, packed);
        let of_hidden = LinearGradients { x: hidden_gradient, add: true, weight, bias, scratch };
        self.hidden.backward(executor, unit_gradients, packed, hidden, of_hidden);
    }

    /// Replaces `values` [P, `unit_stride`] by their tanh; or, where `slopes_of` holds u, multiplies them by tanh's slope there.
    fn for_units(&self, executor: &Executor, values: &mut [f32], slopes_of: &[f32], packed: usize) {
        let (set, stride) = (self.set, self.unit_stride());
        assert!(values.len() >= packed * stride);
        // A tanh takes as long as some twenty operations.
        let parts = executor.parts(20 * packed * stride).min(packed);
        let values = SharedRows::new(values);
        executor.run(parts, |part| {
            let rows = packed * part / parts * stride..packed * (part + 1) / parts * stride;
            // SAFETY: within the values as asserted above; the parts' rows are disjoint.
            let values = unsafe { std::slice::from_raw_parts_mut(values.at(rows.start), rows.len()) };
            let slopes_of = if slopes_of.is_empty() { slopes_of } else { &slopes_of[rows] };
            dispatch(set, Squash { values, slopes_of });
        });
    }
}

struct Squash<'a> {
    values: &'a mut [f32],
    slopes_of: &'a [f32],
}

impl Kernel for Squash<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let ops = isa.f32();
        if self.slopes_of.is_empty() {
            for vector in self.values.chunks_exact_mut(I::LANES) {
                ops.store(tanh(isa, ops.load(vector)), vector);
            }
            return;
        }
        for (vector, units) in self.values.chunks_exact_mut(I::LANES).zip(self.slopes_of.chunks_exact(I::LANES)) {
            let slope = tanh_slope(isa, ops.load(units));
            ops.store(ops.mul(ops.load(vector), slope), vector);
        }
    }
}

/// Turns each row's scores into weights that sum to 1. `sum` gives a number of scratch a row.
fn softmax_over_steps<'a>(rows: RowsOfPart, score: impl Fn(usize) -> &'a mut f32, sum: impl Fn(usize) -> &'a mut f32) {
    for row in 0..rows.end - rows.start {
        *sum(row) = f32::NEG_INFINITY;
    }
    for (row, packed) in rows.steps() {
        let most = sum(row);
        *most = most.max(*score(packed));
    }
    for (row, packed) in rows.steps() {
        let score = score(packed);
        *score = libm::expf(*score - *sum(row));
    }
    for row in 0..rows.end - rows.start {
        *sum(row) = 0.0;
    }
    for (row, packed) in rows.steps() {
        *sum(row) += *score(packed);
    }
    for (row, packed) in rows.steps() {
        *score(packed) /= *sum(row);
    }
}

struct WeightedSum<'a, W> {
    rows: RowsOfPart<'a>,
    hidden: &'a [f32],
    stride: usize,
    weight: W,
    pooled: &'a mut [f32],
}

impl<W: Fn(usize) -> f32> Kernel for WeightedSum<'_, W> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) {
        let Self { rows, hidden, stride, weight, pooled } = self;
        pooled.fill(0.0);
        for (row, packed) in rows.steps() {
            let weight = weight(packed);
            let states = &hidden[packed * stride..][..stride];
            for (sum, &state) in pooled[row * stride..][..stride].iter_mut().zip(states) {
                *sum += weight * state;
            }
        }
    }
}

/// Scores and sums, as [`AttentionBuffers`] has them.
#[derive(Clone, Copy)]
struct SequenceScores<'a> {
    each: SharedRows<'a>,
    sums: SharedRows<'a>,
    stride: usize,
}

/// With dp the gradient of pooled: the score of step t has the gradient a\[t\]·dp·(h\[t\] − pooled), and h\[t\] has a\[t\]·dp
/// by the weighted sum.
///
/// These gradients of a sequence's scores add up to 0, which the rounding of pooled spoils: their mean is taken away.
struct ToScores<'a> {
    rows: RowsOfPart<'a>,
    hidden: &'a [f32],
    stride: usize,
    pooled: &'a [f32],
    gradient: &'a mut [f32],
    scores: SequenceScores<'a>,
    hidden_gradient: SharedRows<'a>,
}

impl Kernel for ToScores<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) {
        let Self { rows, hidden, stride, pooled, gradient, scores, hidden_gradient } = self;
        // SAFETY: within the sums, whose length `backward` asserts; the rows are this part's own.
        let mean = |row: usize| unsafe { &mut *scores.sums.at((rows.start + row) * scores.stride) };
        // A score's row has room for the distance beside the weight: vectors are at least four numbers.
        // SAFETY: within the scores likewise; packed rows of these rows are this part's own.
        let score =
            |packed: usize| unsafe { std::slice::from_raw_parts_mut(scores.each.at(packed * scores.stride), 2) };
        for row in 0..rows.end - rows.start {
            *mean(row) = 0.0;
        }
        for (row, packed) in rows.steps() {
            // SAFETY: within the gradient, whose length `backward` asserts; packed rows of these rows are this part's own.
            let target = unsafe { std::slice::from_raw_parts_mut(hidden_gradient.at(packed * stride), stride) };
            let [weight, distance] = score(packed) else { unreachable!("two numbers") };
            let gradient = &gradient[row * stride..][..stride];
            let away = dot(gradient, &hidden[packed * stride..][..stride], &pooled[row * stride..][..stride]);
            for (target, &gradient) in target.iter_mut().zip(gradient) {
                *target = *weight * gradient;
            }
            *distance = away;
            *mean(row) += *weight * away;
        }
        for (row, packed) in rows.steps() {
            let [weight, distance] = score(packed) else { unreachable!("two numbers") };
            *weight *= *distance - *mean(row);
        }
    }
}

/// Σ a·(b − c), in the same order on every instruction set.
#[inline(always)]
fn dot(a: &[f32], b: &[f32], c: &[f32]) -> f32 {
    const WIDTH: usize = 16;
    let mut lanes = [0.0f32; WIDTH];
    for ((a, b), c) in a.chunks(WIDTH).zip(b.chunks(WIDTH)).zip(c.chunks(WIDTH)) {
        for ((lane, &a), (&b, &c)) in lanes.iter_mut().zip(a).zip(b.iter().zip(c)) {
            *lane += a * (b - c);
        }
    }
    lanes.iter().sum()
}

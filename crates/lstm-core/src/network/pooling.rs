//! The mean and the largest of each hidden state over a sequence's valid steps, forward and backward.
//!
//! Rows of the batch are shared out over threads; each sums its own in the order of the steps.

use crate::cells::sequences::Sequences;
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};
use crate::memory::SharedRows;

/// How steps become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    Mean,
    Max,
}

/// A batch's hidden states, and who works on them. S stands for the stride, P for packed rows, B for the batch.
#[derive(Clone, Copy)]
pub(crate) struct Pooled<'a> {
    pub(crate) set: InstructionSet,
    pub(crate) executor: &'a Executor,
    pub(crate) sequences: &'a Sequences,
    /// [P, S]: the hidden states after every step.
    pub(crate) hidden: &'a [f32],
    pub(crate) stride: usize,
}

impl<'a> Pooled<'a> {
    /// Runs `work` on rows of the batch: each part's rows with the part of `pooled` [B, S] that is theirs.
    pub(crate) fn for_rows(&self, pooled: &mut [f32], work: impl Fn(RowsOfPart<'a>, &mut [f32]) + Sync) {
        let (sequences, stride) = (self.sequences, self.stride);
        assert!(pooled.len() >= sequences.batch() * stride);
        // Each number makes one or two trips to memory, which take as long as some ten operations.
        let parts = self.executor.parts(10 * sequences.packed_rows() * stride).min(sequences.batch());
        let pooled = SharedRows::new(pooled);
        self.executor.run(parts, |part| {
            let [start, end] = [part, part + 1].map(|part| sequences.part_start(part, parts));
            if start < end {
                // SAFETY: within `pooled` as asserted above; the parts' rows are disjoint.
                let pooled =
                    unsafe { std::slice::from_raw_parts_mut(pooled.at(start * stride), (end - start) * stride) };
                work(RowsOfPart { sequences, start, end }, pooled);
            }
        });
    }

    /// Fills `pooled` [B, S].
    pub(crate) fn forward(&self, pooling: Pooling, pooled: &mut [f32]) {
        let (set, hidden, stride) = (self.set, self.hidden, self.stride);
        self.for_rows(pooled, |rows, pooled| dispatch(set, Forward { pooling, rows, hidden, stride, pooled }));
    }

    /// From the gradient of `pooled` [B, S], which is used up, to that of the hidden states [P, S]. The largest is the
    /// first of its equals, as in `torch.max` over a dimension.
    pub(crate) fn backward(&self, pooling: Pooling, pooled: &[f32], gradient: &mut [f32], hidden_gradient: &mut [f32]) {
        let (set, hidden, stride) = (self.set, self.hidden, self.stride);
        assert!(hidden_gradient.len() >= self.sequences.packed_rows() * stride);
        let hidden_gradient = SharedRows::new(hidden_gradient);
        self.for_rows(gradient, |rows, gradient| {
            let pooled = &pooled[rows.start * stride..];
            dispatch(set, Backward { pooling, rows, hidden, stride, pooled, gradient, hidden_gradient });
        });
    }
}

/// Rows `start..end` of the batch.
#[derive(Clone, Copy)]
pub(crate) struct RowsOfPart<'a> {
    pub(crate) sequences: &'a Sequences,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl RowsOfPart<'_> {
    /// Each valid step of the rows, in the order of the steps: the row, counted from `start`, and its packed row.
    #[inline(always)]
    pub(crate) fn steps(self) -> impl Iterator<Item = (usize, usize)> {
        let Self { sequences, start, end } = self;
        (0..sequences.steps()).flat_map(move |step| {
            let end = end.min(sequences.active(step)).max(start);
            (start..end).map(move |row| (row - start, sequences.offset(step) + row))
        })
    }

    /// Steps of a row, counted from `start`.
    #[inline(always)]
    pub(crate) fn length(self, row: usize) -> usize {
        self.sequences.length(self.start + row)
    }
}

struct Forward<'a> {
    pooling: Pooling,
    rows: RowsOfPart<'a>,
    hidden: &'a [f32],
    stride: usize,
    pooled: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) {
        let Self { pooling, rows, hidden, stride, pooled } = self;
        pooled.fill(if pooling == Pooling::Mean { 0.0 } else { f32::NEG_INFINITY });
        for (row, packed) in rows.steps() {
            let states = pooled[row * stride..][..stride].iter_mut().zip(&hidden[packed * stride..][..stride]);
            match pooling {
                Pooling::Mean => states.for_each(|(sum, &state)| *sum += state),
                Pooling::Max => states.for_each(|(most, &state)| {
                    // NaN stays.
                    *most = if state > *most || state.is_nan() { state } else { *most };
                }),
            }
        }
        if pooling == Pooling::Mean {
            for (row, sums) in pooled.chunks_exact_mut(stride).enumerate() {
                let length = rows.length(row) as f32;
                for sum in sums {
                    *sum /= length;
                }
            }
        }
    }
}

struct Backward<'a> {
    pooling: Pooling,
    rows: RowsOfPart<'a>,
    hidden: &'a [f32],
    stride: usize,
    pooled: &'a [f32],
    gradient: &'a mut [f32],
    hidden_gradient: SharedRows<'a>,
}

impl Kernel for Backward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) {
        let Self { pooling, rows, hidden, stride, pooled, gradient, hidden_gradient } = self;
        if pooling == Pooling::Mean {
            for (row, gradient) in gradient.chunks_exact_mut(stride).enumerate() {
                let length = rows.length(row) as f32;
                for value in gradient {
                    *value /= length;
                }
            }
        }
        for (row, packed) in rows.steps() {
            // SAFETY: within the gradient, whose length `backward` asserts; packed rows of these rows are this part's own.
            let target = unsafe { std::slice::from_raw_parts_mut(hidden_gradient.at(packed * stride), stride) };
            let gradient = &mut gradient[row * stride..][..stride];
            if pooling == Pooling::Mean {
                target.copy_from_slice(gradient);
                continue;
            }
            let most = &pooled[row * stride..][..stride];
            let states = &hidden[packed * stride..][..stride];
            for ((target, gradient), (&most, &state)) in target.iter_mut().zip(gradient).zip(most.iter().zip(states)) {
                // Given away once, to the first.
                let given = if state == most { *gradient } else { 0.0 };
                *target = given;
                *gradient = if state == most { 0.0 } else { *gradient };
            }
        }
    }
}

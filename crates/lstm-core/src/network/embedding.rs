//! The embeddings of tokens: a table [tokens, E] of which each step reads one row. The table is read where it lies among
//! the weights. Backward, the gradients of the steps' rows are added up in the table's gradient, of which nothing else is
//! touched.

use std::ops::Range;

use super::parameters::EmbeddingRanges;
use super::samples::Samples;
use crate::cells::sequences::Sequences;
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};
use crate::memory::{LINE, SharedRows};

/// The table's form, and which of its rows a batch has read.
pub(crate) struct Embedding {
    set: InstructionSet,
    ranges: EmbeddingRanges,
    /// The token of each packed row.
    tokens: Vec<u32>,
    /// The rows of the table whose gradient the last backward pass has written, rising.
    rows: Vec<u32>,
    /// [tokens]: whether a row is one of `rows`.
    is_read: Vec<bool>,
}

/// Some rows of a table: what a training step has a gradient for, or all that it changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableRows<'a> {
    /// The numbers of the table, which come first among all that is trained.
    pub(crate) length: usize,
    /// Numbers of a row.
    pub(crate) size: usize,
    /// Rising.
    pub(crate) rows: &'a [u32],
}

/// The gradients of the input of every packed row, as [`Embedding::backward`] reads them.
#[derive(Clone, Copy)]
pub(crate) struct StepGradients<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
    /// Where in a row those of the embedding begin.
    pub(crate) first: usize,
}

impl Embedding {
    pub(crate) fn new(ranges: &EmbeddingRanges, set: InstructionSet, training: bool) -> Self {
        let is_read = vec![false; if training { ranges.tokens } else { 0 }];
        Self { set, ranges: ranges.clone(), tokens: Vec::new(), rows: Vec::new(), is_read }
    }

    /// Makes room for batches of up to so many packed rows.
    pub(crate) fn reserve(&mut self, packed_rows: usize) {
        self.tokens.reserve(packed_rows.saturating_sub(self.tokens.len()));
        let rows = packed_rows.min(self.is_read.len());
        self.rows.reserve(rows.saturating_sub(self.rows.len()));
    }

    /// The token of each packed row, from now on those of this batch.
    pub(crate) fn read(&mut self, sequences: &Sequences, samples: &Samples, pick: impl Fn(usize) -> usize) -> &[u32] {
        self.tokens.clear();
        for step in 0..sequences.steps() {
            let rows = 0..sequences.active(step);
            self.tokens.extend(rows.map(|row| samples.token(pick(sequences.sample(row)), step)));
        }
        &self.tokens
    }

    /// The table among the weights.
    pub(crate) fn table<'a>(&self, weights: &'a [f32]) -> &'a [f32] {
        &weights[self.ranges.weight.clone()]
    }

    /// Numbers of an embedding.
    pub(crate) fn size(&self) -> usize {
        self.ranges.size
    }

    /// Adds each step's gradient to the row of its token, in the order of the packed rows whatever the number of threads:
    /// they share out columns. `flat` is the same vector in every call, zero at first. What the last call has left in the
    /// table's part of it is cleared first, unless an output that reads the table too has just put its own gradient there.
    pub(crate) fn backward(&mut self, executor: &Executor, from: StepGradients, flat: &mut [f32]) {
        let EmbeddingRanges { size, padding, tied, .. } = self.ranges;
        let table = &mut flat[self.ranges.weight.clone()];
        for row in self.rows.drain(..) {
            self.is_read[row as usize] = false;
            if !tied {
                table[row as usize * size..][..size].fill(0.0);
            }
        }
        for &token in self.tokens.iter().filter(|&&token| Some(token) != padding) {
            if !std::mem::replace(&mut self.is_read[token as usize], true) {
                self.rows.push(token);
            }
        }
        self.rows.sort_unstable();
        assert!(from.values.len() + from.stride >= self.tokens.len() * from.stride + from.first + size);
        // A number is read, read again and written: as long as some ten operations. Threads write cache lines of their own.
        let lines = size.div_ceil(LINE);
        let parts = executor.parts(10 * self.tokens.len() * size).min(lines);
        let table = SharedRows::new(table);
        executor.run(parts, |part| {
            let [start, end] = [part, part + 1].map(|part| (lines * part / parts * LINE).min(size));
            let columns = start..end;
            dispatch(self.set, ScatterAdd { tokens: &self.tokens, padding, from, table, size, columns });
        });
    }

    /// The rows that a training step after the last backward pass changes, if not all of the table.
    pub(crate) fn changed_rows(&self) -> Option<TableRows<'_>> {
        let EmbeddingRanges { size, sparse, ref weight, .. } = self.ranges;
        sparse.then_some(TableRows { length: weight.len(), size, rows: &self.rows })
    }
}

/// Some columns of every step's gradient, on their way to the table.
struct ScatterAdd<'a> {
    tokens: &'a [u32],
    padding: Option<u32>,
    from: StepGradients<'a>,
    table: SharedRows<'a>,
    /// Numbers of a row of the table.
    size: usize,
    columns: Range<usize>,
}

impl Kernel for ScatterAdd<'_> {
    type Output = ();
    // Plain Rust: the compiler vectorises it, and no sum is reordered.
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) {
        let StepGradients { values, stride, first } = self.from;
        let (start, count) = (self.columns.start, self.columns.len());
        for (row, &token) in self.tokens.iter().enumerate() {
            if Some(token) == self.padding || count == 0 {
                continue;
            }
            let place = token as usize * self.size + start;
            assert!(place + count <= self.table.length());
            // SAFETY: within the table as just asserted; the columns are this part's own.
            let sums = unsafe { std::slice::from_raw_parts_mut(self.table.at(place), count) };
            for (sum, value) in sums.iter_mut().zip(&values[row * stride + first + start..][..count]) {
                *sum += value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::samples::Inputs;

    #[test]
    fn rows_that_occur_get_their_sums_and_those_of_the_batch_before_are_cleared() {
        let ranges = EmbeddingRanges { weight: 0..8, tokens: 4, size: 2, padding: Some(0), sparse: true, tied: false };
        let executor = Executor::new(Some(1)).unwrap();
        for set in InstructionSet::available() {
            let mut embedding = Embedding::new(&ranges, set, true);
            let mut flat = [0.0; 9];
            flat[8] = 7.0;
            // Rows of three numbers, the embedding's after the first.
            let values: Vec<f32> = (0..12).map(|value| value as f32).collect();
            let from = StepGradients { values: &values, stride: 3, first: 1 };
            for (tokens, expected, rows) in [
                ([3, 1, 3, 0], [0.0, 0.0, 4.0, 5.0, 0.0, 0.0, 8.0, 10.0], &[1, 3][..]),
                ([2, 0, 0, 0], [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0], &[2]),
            ] {
                let mut sequences = Sequences::default();
                sequences.pack(1, 4, |_| 4);
                let inputs = Inputs { tokens: Some(&tokens), ..Inputs::default() };
                embedding.read(&sequences, &Samples::checked(inputs, 4, 0, None), |sample| sample);
                embedding.backward(&executor, from, &mut flat);
                assert_eq!((&flat[..8], flat[8]), (&expected[..], 7.0));
                assert_eq!(embedding.changed_rows().unwrap().rows, rows);
            }
        }
    }
}

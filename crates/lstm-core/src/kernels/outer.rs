//! The gradient of a weight matrix: `grad[m, n] = Σ_k left[k, m] · right[k, n]`, summed over all packed rows k.
//!
//! Rows are taken in blocks that fit the second-level cache. A block of the right operand is packed in the order in which
//! the register tile reads it. The left operand is read where it lies: a tile reads few outputs of a row, which cost one
//! cache line for some twenty multiply-adds, and packing it would move four times as much as packing the right one. Sums of
//! earlier blocks are loaded into the tile and stored again. The order of the sum over k is that of the rows, whatever the
//! number of threads: threads share out the output's rows m.

use std::ops::Range;

use rten_simd::ops::BitOps;

use super::instruction_set::{InstructionSet, Kernel, KernelIsa, dispatch};
use super::panels::panels;
use super::tile::{Left, Tile, ZEROS, compute, tiles, with_rows};
use crate::memory::{Plan, Region, SharedRows, disjoint};

/// Rows k of one block.
const BLOCK: usize = 256;

/// The left operand: gradients of pre-activations. Row k holds segments of `columns` values, one for each run of outputs.
#[derive(Clone, Copy)]
pub(crate) struct Segmented<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) row_stride: usize,
    /// Where in a row each segment begins.
    pub(crate) segments: &'a [usize],
    pub(crate) columns: usize,
}

/// A right operand: what the weights were multiplied with.
#[derive(Clone, Copy)]
pub(crate) struct Right<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) row_stride: usize,
    pub(crate) columns: usize,
    /// Where row k lies, if not at k.
    pub(crate) index: Option<&'a [u32]>,
    /// Receives the gradient: row m of it from `m · gradient_stride + gradient_column` on.
    pub(crate) gradient: SharedRows<'a>,
    pub(crate) gradient_stride: usize,
    pub(crate) gradient_column: usize,
}

/// The gradients of the weights that share a left operand, and of their bias.
#[derive(Clone, Copy)]
pub(crate) struct OuterProduct<'a> {
    pub(crate) rows: usize,
    pub(crate) left: Segmented<'a>,
    /// Their columns lie side by side in the product.
    pub(crate) rights: &'a [Right<'a>],
    /// Receives the sum of left[k, m] over k, if it is wanted.
    pub(crate) bias_gradient: Option<SharedRows<'a>>,
}

/// Scratch values that one part of an outer product needs.
pub(crate) fn scratch_length(outputs: usize, columns: usize, lanes: usize) -> usize {
    plan_scratch(outputs, columns.next_multiple_of(lanes)).0.length()
}

/// Where the pieces of [`Scratch`] lie, in its order.
fn plan_scratch(outputs: usize, columns: usize) -> (Plan, [Region; 3]) {
    let mut plan = Plan::default();
    let pieces = [columns, BLOCK * columns, outputs * columns].map(|length| plan.take(length));
    (plan, pieces)
}

/// One part's scratch: a staged row and the packed block of the right operand, and the sums.
struct Scratch<'a> {
    right_row: &'a mut [f32],
    right: &'a mut [f32],
    sums: &'a mut [f32],
}

impl<'a> Scratch<'a> {
    #[inline(always)]
    fn carve(memory: &'a mut [f32], outputs: usize, columns: usize) -> Self {
        let [right_row, right, sums] = disjoint(memory, plan_scratch(outputs, columns).1);
        Self { right_row, right, sums }
    }
}

impl OuterProduct<'_> {
    /// Columns of all right operands side by side.
    pub(crate) fn columns(&self) -> usize {
        self.rights.iter().map(|right| right.columns).sum()
    }

    /// # Safety
    /// No other thread writes the output rows `outputs` of the gradients.
    #[inline(always)]
    unsafe fn part<I: KernelIsa>(&self, isa: I, outputs: Range<usize>, scratch: &mut [f32]) {
        let count = outputs.len();
        let columns = self.columns().next_multiple_of(I::LANES);
        let mut scratch = Scratch::carve(scratch, count, columns);
        let mut bias_gradient = self.bias_gradient.filter(|_| count > 0).map(|gradient| {
            assert!(gradient.length() >= outputs.end);
            // SAFETY: within the gradient as just asserted; the rows are this part's own.
            unsafe { std::slice::from_raw_parts_mut(gradient.at(outputs.start), count) }
        });
        if let Some(gradient) = &mut bias_gradient {
            gradient.fill(0.0);
        }
        for block in (0..self.rows).step_by(BLOCK) {
            let depth = BLOCK.min(self.rows - block);
            for k in 0..depth {
                self.stage_right(block + k, scratch.right_row);
                pack_vectors(isa, scratch.right, depth, k, scratch.right_row);
            }
            for Piece { outputs: piece, start } in self.left.pieces(outputs.clone()) {
                let sums = piece.start - outputs.start..piece.end - outputs.start;
                if let Some(gradient) = &mut bias_gradient {
                    self.left.add_rows(block..block + depth, start, &mut gradient[sums.clone()]);
                }
                let left = self.left.block(block, depth, start, piece.len());
                multiply_block(isa, left, &mut scratch, depth, sums, columns, block == 0);
            }
        }
        if self.rows == 0 {
            scratch.sums.fill(0.0);
        }
        // SAFETY: the rows are this part's own.
        unsafe { self.unpack(&outputs, scratch.sums, columns) };
    }

    /// Row k of the right operands side by side.
    #[inline(always)]
    fn stage_right(&self, k: usize, row: &mut [f32]) {
        let mut column = 0;
        for right in self.rights {
            let source = right.index.map_or(k, |index| index[k] as usize) * right.row_stride;
            row[column..column + right.columns].copy_from_slice(&right.values[source..source + right.columns]);
            column += right.columns;
        }
        row[column..].fill(0.0);
    }

    /// Writes the sums \[outputs, padded columns\] where the gradients belong.
    ///
    /// # Safety
    /// No other thread writes the output rows `outputs` of the gradients.
    #[inline(always)]
    unsafe fn unpack(&self, outputs: &Range<usize>, sums: &[f32], columns: usize) {
        for (row, output) in outputs.clone().enumerate() {
            let mut column = 0;
            for right in self.rights {
                let start = output * right.gradient_stride + right.gradient_column;
                assert!(right.gradient.length() >= start + right.columns);
                if right.columns > 0 {
                    // SAFETY: within the gradient as just asserted, and this part's own row.
                    let target = unsafe { std::slice::from_raw_parts_mut(right.gradient.at(start), right.columns) };
                    target.copy_from_slice(&sums[row * columns + column..][..right.columns]);
                }
                column += right.columns;
            }
        }
    }
}

/// Outputs that lie side by side in a row of the left operand, the first of them `start` values from the row's beginning.
struct Piece {
    outputs: Range<usize>,
    start: usize,
}

impl<'a> Segmented<'a> {
    /// The outputs, cut where segments end.
    #[inline(always)]
    fn pieces(self, outputs: Range<usize>) -> impl Iterator<Item = Piece> {
        let mut output = outputs.start;
        std::iter::from_fn(move || {
            let (segment, column) = (output / self.columns, output % self.columns);
            let first = output;
            output = (output + self.columns - column).min(outputs.end);
            (first < output).then(|| Piece { outputs: first..output, start: self.segments[segment] + column })
        })
    }

    /// Adds `rows` of the outputs from `start` on to `sums`, one after the other.
    #[inline(always)]
    fn add_rows(self, rows: Range<usize>, start: usize, sums: &mut [f32]) {
        for k in rows {
            let row = &self.values[k * self.row_stride + start..][..sums.len()];
            for (sum, &value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
    }

    /// `depth` rows from `block` on, `count` outputs from `start` on.
    #[inline(always)]
    fn block(self, block: usize, depth: usize, start: usize, count: usize) -> LeftBlock<'a> {
        let first = block * self.row_stride + start;
        let values = &self.values[first..first + (depth - 1) * self.row_stride + count];
        LeftBlock { values, depth_stride: self.row_stride }
    }
}

/// Value (m, k) at `values[k · depth_stride + m]`.
#[derive(Clone, Copy)]
struct LeftBlock<'a> {
    values: &'a [f32],
    depth_stride: usize,
}

/// As [`pack_row`](super::panels::pack_row), for a row of whole vectors.
#[inline(always)]
fn pack_vectors<I: KernelIsa>(isa: I, packed: &mut [f32], depth: usize, k: usize, row: &[f32]) {
    let ops = isa.f32();
    assert!(row.len().is_multiple_of(I::LANES) && packed.len() >= depth * row.len() && k < depth);
    for (first, vectors) in panels(row.len(), I::LANES) {
        for vector in 0..vectors {
            let (from, to) = (first + vector * I::LANES, depth * first + (k * vectors + vector) * I::LANES);
            // SAFETY: the panel's vectors are within the row; its k-th row of them ends before the panel's `depth`-th does.
            unsafe { ops.store_ptr(ops.load_ptr(row.as_ptr().add(from)), packed.as_mut_ptr().add(to)) };
        }
    }
}

/// `sums[m, n] (+)= Σ_k left[k, m] · right[k, n]` over one block, for the rows `outputs` of the sums.
#[inline(always)]
fn multiply_block<I: KernelIsa>(
    isa: I,
    left: LeftBlock,
    scratch: &mut Scratch,
    depth: usize,
    outputs: Range<usize>,
    columns: usize,
    first: bool,
) {
    assert!(scratch.sums.len() >= outputs.end * columns && scratch.right.len() >= depth * columns);
    assert!(left.values.len() >= (depth - 1) * left.depth_stride + outputs.len());
    for (column, vectors) in panels(columns, I::LANES) {
        for (output, rows) in tiles(outputs.clone(), I::ROWS) {
            // SAFETY: the tile's rows, depth and columns are within what was asserted above.
            unsafe {
                let start = left.values.as_ptr().add(output - outputs.start);
                let left = Left { start, stride: left.depth_stride, depth };
                let right = scratch.right.as_ptr().add(depth * column);
                let start = scratch.sums.as_mut_ptr().add(output * columns + column);
                let sums = Tile { start, row_stride: columns, vector_stride: I::LANES };
                let zeros = Tile { start: ZEROS.as_ptr(), row_stride: 0, vector_stride: I::LANES };
                let from = if first { zeros } else { sums.into() };
                with_rows!(rows, I, |R| match vectors {
                    4 => compute::<I, R, 4, true>(isa, from, &[left], right, sums),
                    2 => compute::<I, R, 2, true>(isa, from, &[left], right, sums),
                    _ => compute::<I, R, 1, true>(isa, from, &[left], right, sums),
                });
            }
        }
    }
}

impl Kernel for (OuterProduct<'_>, Range<usize>, &mut [f32]) {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let (product, outputs, scratch) = self;
        // SAFETY: `outer_product`'s caller answers for it.
        unsafe { product.part(isa, outputs, scratch) };
    }
}

/// Computes the output rows `outputs` of the gradients, with [`scratch_length`] values of scratch.
///
/// # Safety
/// No other thread writes these rows of the gradients.
pub(crate) unsafe fn outer_product(
    set: InstructionSet,
    product: OuterProduct<'_>,
    outputs: Range<usize>,
    scratch: &mut [f32],
) {
    dispatch(set, (product, outputs, scratch));
}

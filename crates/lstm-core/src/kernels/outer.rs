//! The gradient of a weight matrix: `grad[m, n] = Σ_k left[k, m] · right[k, n]`, summed over all packed rows k.
//!
//! Rows are taken in blocks that fit the second-level cache. A block of both operands is packed in the order in which
//! the register tile reads it; sums of earlier blocks are loaded into the tile and stored again. The order of the sum
//! over k is that of the rows, whatever the number of threads: threads share out the output's rows m.

use std::ops::Range;

use rten_simd::ops::BitOps;

use super::instruction_set::{InstructionSet, Kernel, KernelIsa, MAX_ROWS, dispatch};
use super::panels::{pack_row, panels};
use super::tile::{Left, load, multiply_add, store, with_rows};
use crate::memory::SharedRows;

/// Rows k of one block.
const BLOCK: usize = 256;

/// The left operand: gradients of pre-activations. Row k holds runs of `columns` values, `segment_stride` apart.
#[derive(Clone, Copy)]
pub(crate) struct Segmented<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) row_stride: usize,
    pub(crate) segment_stride: usize,
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
    /// Receives the sum of left[k, m] over k.
    pub(crate) bias_gradient: SharedRows<'a>,
}

/// Scratch values that one part of an outer product needs.
pub(crate) fn scratch_length(outputs: usize, columns: usize, lanes: usize) -> usize {
    let columns = columns.next_multiple_of(lanes);
    let outputs = outputs + MAX_ROWS;
    // Rounded so that every piece starts on a cache line.
    [columns, BLOCK * columns, outputs, BLOCK * outputs, outputs * columns].map(|n| n.next_multiple_of(16)).iter().sum()
}

/// One part's scratch: a staged row and the packed block of each operand, and the sums.
struct Scratch<'a> {
    right_row: &'a mut [f32],
    right: &'a mut [f32],
    left_row: &'a mut [f32],
    left: &'a mut [f32],
    sums: &'a mut [f32],
}

impl<'a> Scratch<'a> {
    #[inline(always)]
    fn carve(memory: &'a mut [f32], outputs: usize, columns: usize) -> Self {
        let outputs = outputs + MAX_ROWS;
        let mut rest = memory;
        let mut take = |length: usize| {
            let (piece, tail) = std::mem::take(&mut rest).split_at_mut(length.next_multiple_of(16));
            rest = tail;
            &mut piece[..length]
        };
        Self {
            right_row: take(columns),
            right: take(BLOCK * columns),
            left_row: take(outputs),
            left: take(BLOCK * outputs),
            sums: take(outputs * columns),
        }
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
        // SAFETY: the rows are this part's own.
        let bias_gradient = unsafe { std::slice::from_raw_parts_mut(self.bias_gradient.at(outputs.start), count) };
        bias_gradient.fill(0.0);
        for block in (0..self.rows).step_by(BLOCK) {
            let depth = BLOCK.min(self.rows - block);
            for k in 0..depth {
                self.stage_right(block + k, scratch.right_row);
                pack_row(scratch.right, depth, k, scratch.right_row, I::LANES);
                self.stage_left(block + k, outputs.clone(), scratch.left_row);
                for (sum, &value) in bias_gradient.iter_mut().zip(&*scratch.left_row) {
                    *sum += value;
                }
                pack_left(scratch.left, depth, k, &scratch.left_row[..count], I::ROWS);
            }
            multiply_block(isa, &mut scratch, depth, count, columns, block == 0);
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

    /// The left operand's row k without the gaps between segments, from output `outputs.start` on.
    #[inline(always)]
    fn stage_left(&self, k: usize, outputs: Range<usize>, row: &mut [f32]) {
        let left = self.left;
        let mut output = outputs.start;
        while output < outputs.end {
            let (segment, column) = (output / left.columns, output % left.columns);
            let length = (left.columns - column).min(outputs.end - output);
            let source = k * left.row_stride + segment * left.segment_stride + column;
            row[output - outputs.start..][..length].copy_from_slice(&left.values[source..source + length]);
            output += length;
        }
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

/// Packs a row of the left operand into groups of `rows` outputs: within a group, depth after depth.
#[inline(always)]
fn pack_left(packed: &mut [f32], depth: usize, k: usize, values: &[f32], rows: usize) {
    for (group, chunk) in values.chunks(rows).enumerate() {
        let start = group * depth * rows + k * rows;
        packed[start..start + chunk.len()].copy_from_slice(chunk);
    }
}

/// `sums[m, n] (+)= Σ_k left[k, m] · right[k, n]` over one packed block.
#[inline(always)]
fn multiply_block<I: KernelIsa>(
    isa: I,
    scratch: &mut Scratch,
    depth: usize,
    outputs: usize,
    columns: usize,
    first: bool,
) {
    assert!(scratch.sums.len() >= outputs * columns && scratch.right.len() >= depth * columns);
    assert!(scratch.left.len() >= outputs.next_multiple_of(I::ROWS) * depth);
    for (column, vectors) in panels(columns, I::LANES) {
        for output in (0..outputs).step_by(I::ROWS) {
            let rows = I::ROWS.min(outputs - output);
            // SAFETY: the tile's rows, depth and columns are within what was asserted above.
            unsafe {
                with_rows!(rows, I, |R| match vectors {
                    4 => tile::<I, R, 4>(isa, scratch, depth, output, column, columns, first),
                    2 => tile::<I, R, 2>(isa, scratch, depth, output, column, columns, first),
                    _ => tile::<I, R, 1>(isa, scratch, depth, output, column, columns, first),
                });
            }
        }
    }
}

/// # Safety
/// R outputs from `output` and V vectors from `column` are within the scratch.
#[inline(always)]
unsafe fn tile<I: KernelIsa, const R: usize, const V: usize>(
    isa: I,
    scratch: &mut Scratch,
    depth: usize,
    output: usize,
    column: usize,
    columns: usize,
    first: bool,
) {
    // SAFETY: the caller keeps the tile within the scratch; groups before `output` take depth · output values.
    unsafe {
        let sums_start = scratch.sums.as_mut_ptr().add(output * columns + column);
        let sums = if first { [[isa.f32().zero(); V]; R] } else { load(isa, sums_start, columns, I::LANES) };
        let left = Left { start: scratch.left.as_ptr().add(output * depth), row_stride: 1, depth_stride: I::ROWS };
        let sums = multiply_add(isa, sums, depth, left, scratch.right.as_ptr().add(depth * column));
        store(isa, sums, sums_start, columns, I::LANES);
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

//! Rows times a packed matrix: `out[r, :] = start[r, :] + left[r, :] · packed`.

use std::ops::Range;

use super::instruction_set::{InstructionSet, Kernel, KernelIsa, dispatch};
use super::panels::{pack_row, packed_length, panel, panels};
use super::tile::{Left, Tile, ZEROS, compute, tiles, with_rows};
use crate::memory::{ReadRows, SharedRows};

/// What the sums of a product start from.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    Zero,
    /// The same for every row; as many values as the padded columns.
    Bias(&'a [f32]),
    /// What `out` holds.
    Sum,
}

/// A product of rows with a packed matrix.
#[derive(Clone, Copy)]
pub(crate) struct Product<'a> {
    /// Row r, depth k at `left[r · left_stride + k]`.
    pub(crate) left: ReadRows<'a>,
    pub(crate) left_stride: usize,
    pub(crate) depth: usize,
    /// [depth, columns], packed by [`pack_row`].
    pub(crate) packed: &'a [f32],
    pub(crate) columns: usize,
    pub(crate) start: Start<'a>,
    /// Row r at `r · out_stride`; whole vectors are written, so `out_stride` is at least the padded columns.
    pub(crate) out: SharedRows<'a>,
    pub(crate) out_stride: usize,
    /// Whether to begin with the last panel: if the call before ended with it, it is still in the cache.
    pub(crate) last_panel_first: bool,
}

impl Product<'_> {
    /// Computes the given rows, all columns of them.
    ///
    /// # Safety
    /// No other thread touches these rows of `out`, nor writes what `left` and `packed` hold.
    #[inline(always)]
    pub(crate) unsafe fn rows<I: KernelIsa>(&self, isa: I, rows: Range<usize>) {
        // SAFETY: the caller answers for it.
        unsafe { self.block(isa, rows, 0..self.columns) };
    }

    /// Computes the given rows of the panels that begin within `columns`.
    ///
    /// # Safety
    /// No other thread touches this block of `out`, nor writes what `left` and `packed` hold.
    #[inline(always)]
    pub(crate) unsafe fn block<I: KernelIsa>(&self, isa: I, rows: Range<usize>, columns: Range<usize>) {
        let Some(last) = rows.end.checked_sub(1).filter(|_| !rows.is_empty()) else { return };
        let padded = self.columns.next_multiple_of(I::LANES);
        assert!(self.left.length() >= last * self.left_stride + self.depth);
        assert!(self.packed.len() >= packed_length(self.depth, self.columns, I::LANES));
        assert!(self.out_stride >= padded && self.out.length() >= last * self.out_stride + padded);
        if let Start::Bias(bias) = self.start {
            assert!(bias.len() >= padded);
        }
        let count = panels(self.columns, I::LANES).len();
        for turn in 0..count {
            let index = if self.last_panel_first { count - 1 - turn } else { turn };
            let (column, vectors) = panel(self.columns, I::LANES, index);
            if !columns.contains(&column) {
                continue;
            }
            for (row, count) in tiles(rows.clone(), I::ROWS) {
                // SAFETY: rows row..row + count and the panel's columns are within what was asserted above.
                unsafe {
                    with_rows!(count, I, |R| match vectors {
                        4 => self.tile::<I, R, 4>(isa, row, column),
                        2 => self.tile::<I, R, 2>(isa, row, column),
                        _ => self.tile::<I, R, 1>(isa, row, column),
                    });
                }
            }
        }
    }

    /// # Safety
    /// As [`block`](Self::block) asserts, for R rows from `row` and V vectors from `column`.
    #[inline(always)]
    unsafe fn tile<I: KernelIsa, const R: usize, const V: usize>(&self, isa: I, row: usize, column: usize) {
        // SAFETY: the caller keeps rows and columns within the operands.
        unsafe {
            let start = self.out.at(row * self.out_stride + column);
            let to = Tile { start, row_stride: self.out_stride, vector_stride: I::LANES };
            let same = |start| Tile { start, row_stride: 0, vector_stride: I::LANES };
            let from = match self.start {
                Start::Zero => same(ZEROS.as_ptr()),
                Start::Bias(bias) => same(bias.as_ptr().add(column)),
                Start::Sum => to.into(),
            };
            let start = self.left.at(row * self.left_stride);
            let left = Left { start, stride: self.left_stride, depth: self.depth };
            compute::<I, R, V, false>(isa, from, &[left], self.packed.as_ptr().add(self.depth * column), to);
        }
    }
}

impl Kernel for (Product<'_>, Range<usize>) {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let (product, rows) = self;
        // SAFETY: `multiply` hands every row to one part only.
        unsafe { product.rows(isa, rows) };
    }
}

/// Computes `rows` rows of a product.
///
/// # Safety
/// As [`Product::rows`].
pub(crate) unsafe fn multiply(set: InstructionSet, product: Product<'_>, rows: Range<usize>) {
    dispatch(set, (product, rows));
}

/// Packs a matrix [depth, columns] whose rows lie one after the other.
pub(crate) fn pack_matrix(packed: &mut [f32], matrix: &[f32], columns: usize, lanes: usize) {
    let depth = matrix.len() / columns;
    for (k, values) in matrix.chunks_exact(columns).enumerate() {
        pack_row(packed, depth, k, values, lanes);
    }
}

/// Packs the transpose [depth, columns] of a matrix [columns, depth].
pub(crate) fn pack_transposed(packed: &mut [f32], matrix: &[f32], depth: usize, lanes: usize) {
    let columns = matrix.len() / depth;
    for (first, vectors) in panels(columns, lanes) {
        let width = vectors * lanes;
        let target = &mut packed[depth * first..][..depth * width];
        for column in 0..width {
            let values = target[column..].iter_mut().step_by(width);
            match matrix.get((first + column) * depth..(first + column + 1) * depth) {
                Some(row) => values.zip(row).for_each(|(value, &weight)| *value = weight),
                None => values.for_each(|value| *value = 0.0),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::AlignedBuffer;

    #[test]
    fn a_transposed_matrix_is_packed_as_its_transpose() {
        let (depth, columns, lanes) = (3, 7_usize, 2);
        let matrix: Vec<f32> = (0..depth * columns).map(|value| value as f32).collect();
        let transpose: Vec<f32> =
            (0..depth * columns).map(|index| matrix[index % columns * depth + index / columns]).collect();
        let mut packed = [[-1.0; 24]; 2];
        pack_matrix(&mut packed[0], &transpose, columns, lanes);
        pack_transposed(&mut packed[1], &matrix, depth, lanes);
        assert_eq!(packed[0], packed[1]);
    }

    /// Every instruction set, tile remainder and panel width against a plain loop in f64.
    #[test]
    fn products_are_those_of_a_plain_loop() {
        for set in InstructionSet::available() {
            let lanes = set.lanes();
            for (rows, depth, columns) in
                [(1, 1, 1_usize), (3, 7, 5), (7, 15, 17), (16, 33, 64), (17, 3, 130), (5, 130, 48)]
            {
                let left: Vec<f32> = (0..rows * depth).map(|v| ((v * 37 % 101) as f32 - 50.0) / 50.0).collect();
                let right: Vec<f32> = (0..depth * columns).map(|v| ((v * 53 % 97) as f32 - 48.0) / 48.0).collect();
                let padded = columns.next_multiple_of(lanes);
                let bias: Vec<f32> = (0..padded).map(|v| v as f32 / 10.0).collect();
                let mut packed = AlignedBuffer::zeros(packed_length(depth, columns, lanes)).unwrap();
                pack_matrix(&mut packed, &right, columns, lanes);
                let mut out = AlignedBuffer::zeros(rows * padded).unwrap();
                let product = Product {
                    left: left.as_slice().into(),
                    left_stride: depth,
                    depth,
                    packed: &packed,
                    columns,
                    start: Start::Bias(&bias),
                    out: SharedRows::new(&mut out),
                    out_stride: padded,
                    last_panel_first: rows % 2 == 0,
                };
                // SAFETY: one thread.
                unsafe { multiply(set, product, 0..rows) };
                for row in 0..rows {
                    for column in 0..columns {
                        let exact = f64::from(bias[column])
                            + (0..depth)
                                .map(|k| f64::from(left[row * depth + k]) * f64::from(right[k * columns + column]))
                                .sum::<f64>();
                        let error = (f64::from(out[row * padded + column]) - exact).abs();
                        assert!(error < 1e-5 * depth as f64, "{set:?} {rows}×{depth}×{columns}: {error}");
                    }
                }
            }
        }
    }
}

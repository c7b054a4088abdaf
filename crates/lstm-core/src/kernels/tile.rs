//! The register tile: the one inner loop of every product here.
//!
//! A tile is R rows by V vectors of sums that stay in registers while the loop runs over the depth K:
//! `sums[r][v] += Σ_k a[r, k] · b[k, v]`. `b` is packed so that the V vectors of one k lie side by side; `a` is read a
//! number at a time and broadcast. Per k: R broadcasts, V loads, R·V fused multiply-adds. The broadcasts come first and
//! the vectors one at a time: that takes R·V + R + 1 registers; the other way round takes R·V + V + 1.
//!
//! The sums are stored with constant indices when the loop is done, and are read back from memory by whoever goes
//! over them row by row: an array of vectors that is indexed by a variable anywhere lives on the stack everywhere.

use std::ops::Range;

use rten_simd::ops::{BitOps, NumOps};

use super::instruction_set::KernelIsa;

/// Vectors side by side in the widest tile; for the gates of an LSTM one vector each of i, f, g, o.
pub(crate) const TILE_VECTORS: usize = 4;

/// The left operand of a product: value (r, k) lies at `start + r · row_stride + k · depth_stride`.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    pub(crate) start: *const f32,
    pub(crate) row_stride: usize,
    pub(crate) depth_stride: usize,
}

/// Adds a product of depth `depth` to the sums of a tile.
///
/// # Safety
/// `left` is readable at rows 0..R and depths 0..`depth`; `packed` at `depth · V · LANES` values.
#[inline(always)]
pub(crate) unsafe fn multiply_add<I: KernelIsa, const R: usize, const V: usize>(
    isa: I,
    mut sums: [[I::F32; V]; R],
    depth: usize,
    left: Left,
    packed: *const f32,
) -> [[I::F32; V]; R] {
    let ops = isa.f32();
    for k in 0..depth {
        let mut broadcast = [ops.zero(); R];
        for (r, a) in broadcast.iter_mut().enumerate() {
            // SAFETY: r < R and k < depth.
            *a = ops.splat(unsafe { *left.start.add(r * left.row_stride + k * left.depth_stride) });
        }
        for v in 0..V {
            // SAFETY: k < depth and v < V.
            let b = unsafe { ops.load_ptr(packed.add((k * V + v) * I::LANES)) };
            for (row, &a) in sums.iter_mut().zip(&broadcast) {
                row[v] = ops.mul_add(a, b, row[v]);
            }
        }
    }
    sums
}

/// Cuts rows into tiles of at most `most` rows, all of about the same height: pairs of first row and count.
#[inline(always)]
pub(crate) fn tiles(rows: Range<usize>, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut left = rows.len().div_ceil(most);
    let mut row = rows.start;
    std::iter::from_fn(move || {
        let count = (rows.end - row).div_ceil(left.max(1));
        let tile = (row, count);
        row += count;
        left = left.saturating_sub(1);
        (count > 0).then_some(tile)
    })
}

/// Stores the sums of a tile, vector v of row r at `start + r · row_stride + v · vector_stride`.
///
/// # Safety
/// LANES values are writable at each of these places.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "iterating by value would put the sums on the stack")]
pub(crate) unsafe fn store<I: KernelIsa, const R: usize, const V: usize>(
    isa: I,
    sums: [[I::F32; V]; R],
    start: *mut f32,
    row_stride: usize,
    vector_stride: usize,
) {
    let ops = isa.f32();
    for r in 0..R {
        for v in 0..V {
            // SAFETY: r < R and v < V.
            unsafe { ops.store_ptr(sums[r][v], start.add(r * row_stride + v * vector_stride)) };
        }
    }
}

/// Loads a tile, vector v of row r from `start + r · row_stride + v · vector_stride`.
///
/// # Safety
/// LANES values are readable at each of these places.
#[inline(always)]
pub(crate) unsafe fn load<I: KernelIsa, const R: usize, const V: usize>(
    isa: I,
    start: *const f32,
    row_stride: usize,
    vector_stride: usize,
) -> [[I::F32; V]; R] {
    let ops = isa.f32();
    let mut sums = [[ops.zero(); V]; R];
    for (r, row) in sums.iter_mut().enumerate() {
        for (v, sum) in row.iter_mut().enumerate() {
            // SAFETY: r < R and v < V.
            *sum = unsafe { ops.load_ptr(start.add(r * row_stride + v * vector_stride)) };
        }
    }
    sums
}

/// Calls `$tile::<I, R, …>` with R = `$rows`, a number of rows from 1 to `I::ROWS` known only at run time.
macro_rules! with_rows {
    ($rows:expr, $isa:ident, |$R:ident| $call:expr) => {{
        let rows: usize = $rows;
        macro_rules! arm {
            ($n:literal) => {{
                const $R: usize = $n;
                $call
            }};
        }
        // A set's unused arms fold away: `ROWS` is a constant.
        match rows {
            1 => arm!(1),
            2 if $isa::ROWS >= 2 => arm!(2),
            3 if $isa::ROWS >= 3 => arm!(3),
            4 if $isa::ROWS >= 4 => arm!(4),
            5 if $isa::ROWS >= 5 => arm!(5),
            6 if $isa::ROWS >= 6 => arm!(6),
            _ => unreachable!("a tile has at most {} rows", $isa::ROWS),
        }
    }};
}
pub(crate) use with_rows;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_the_rows_in_equal_heights() {
        assert_eq!(tiles(3..19, 6).collect::<Vec<_>>(), [(3, 6), (9, 5), (14, 5)]);
        assert_eq!(tiles(0..2, 6).collect::<Vec<_>>(), [(0, 2)]);
        assert_eq!(tiles(5..5, 6).count(), 0);
    }
}

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

use super::instruction_set::{KernelIsa, MAX_LANES};

/// Vectors side by side in the widest tile; for the gates of an LSTM one vector each of i, f, g, o.
pub(crate) const TILE_VECTORS: usize = 4;

/// What every row of a tile starts from where there is nothing to add to.
pub(crate) static ZEROS: [f32; TILE_VECTORS * MAX_LANES] = [0.0; TILE_VECTORS * MAX_LANES];

/// A tile in memory: vector v of row r lies at `start + r · row_stride + v · vector_stride`.
#[derive(Clone, Copy)]
pub(crate) struct Tile<P> {
    pub(crate) start: P,
    pub(crate) row_stride: usize,
    pub(crate) vector_stride: usize,
}

impl From<Tile<*mut f32>> for Tile<*const f32> {
    fn from(Tile { start, row_stride, vector_stride }: Tile<*mut f32>) -> Self {
        Self { start, row_stride, vector_stride }
    }
}

/// The left operand of a product, k being below `depth`: value (r, k) lies at `start + r · stride + k`, transposed at
/// `start + r + k · stride`.
#[derive(Clone, Copy)]
pub(crate) struct Left {
    pub(crate) start: *const f32,
    pub(crate) stride: usize,
    pub(crate) depth: usize,
}

/// Computes a tile, `to = from + Σ left · packed`, the packed operands lying one after the other.
///
/// In WebAssembly this is a function of its own: V8 assigns registers to a function as a whole, and in one as large as a
/// backward pass it kept the sums in memory.
///
/// # Safety
/// `from` is readable and `to` writable; `lefts` are readable at rows 0..R and all their depths, `packed` at V · LANES
/// values for each of these depths.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(crate) unsafe fn compute<I: KernelIsa, const R: usize, const V: usize, const TRANSPOSED: bool>(
    isa: I,
    from: Tile<*const f32>,
    lefts: &[Left],
    mut packed: *const f32,
    to: Tile<*mut f32>,
) {
    // SAFETY: the caller answers for it.
    unsafe {
        let mut sums: [[I::F32; V]; R] = load(isa, from);
        for &left in lefts {
            sums = multiply_add::<I, R, V, 0, V, TRANSPOSED>(isa, sums, left, packed);
            packed = packed.add(left.depth * V * I::LANES);
        }
        store(isa, sums, to);
    }
}

/// Computes a tile of a GRU, whose input and hidden state share two of their three vectors: the input's product goes to
/// the vectors 0 to 2, the hidden state's to 1 to 3.
///
/// # Safety
/// As [`compute`], the packed operands having three vectors.
#[cfg_attr(target_arch = "wasm32", inline(never))]
#[cfg_attr(not(target_arch = "wasm32"), inline(always))]
pub(crate) unsafe fn compute_overlapping<I: KernelIsa, const R: usize>(
    isa: I,
    from: Tile<*const f32>,
    inputs: &[Left],
    hidden: Option<Left>,
    mut packed: *const f32,
    to: Tile<*mut f32>,
) {
    // SAFETY: the caller answers for it.
    unsafe {
        let mut sums: [[I::F32; TILE_VECTORS]; R] = load(isa, from);
        for &left in inputs {
            sums = multiply_add::<I, R, TILE_VECTORS, 0, 3, false>(isa, sums, left, packed);
            packed = packed.add(left.depth * 3 * I::LANES);
        }
        if let Some(left) = hidden {
            sums = multiply_add::<I, R, TILE_VECTORS, 1, 3, false>(isa, sums, left, packed);
        }
        store(isa, sums, to);
    }
}

/// Adds a product of V vectors to the sums of a tile, from vector FIRST on.
///
/// # Safety
/// As [`compute`].
#[inline(always)]
unsafe fn multiply_add<
    I: KernelIsa,
    const R: usize,
    const ALL: usize,
    const FIRST: usize,
    const V: usize,
    const TRANSPOSED: bool,
>(
    isa: I,
    mut sums: [[I::F32; ALL]; R],
    left: Left,
    packed: *const f32,
) -> [[I::F32; ALL]; R] {
    let (row_stride, depth_stride) = if TRANSPOSED { (1, left.stride) } else { (left.stride, 1) };
    let (mut a, mut b, mut rest) = (left.start, packed, left.depth);
    if rest == 0 {
        return sums;
    }
    loop {
        for step in 0..I::UNROLLED {
            // SAFETY: `rest`, the depths that are left, is above `step`.
            unsafe {
                let (a, b) = (a.add(step * depth_stride), b.add(step * V * I::LANES));
                sums = add_depth::<I, R, ALL, FIRST, V>(isa, sums, a, row_stride, b);
            }
            if rest == step + 1 {
                return sums;
            }
        }
        // SAFETY: more than `UNROLLED` depths were left.
        unsafe {
            a = a.add(I::UNROLLED * depth_stride);
            b = b.add(I::UNROLLED * V * I::LANES);
        }
        rest -= I::UNROLLED;
    }
}

/// Adds the products of one depth.
///
/// # Safety
/// `left` is readable at R numbers that lie `row_stride` apart, `packed` at V · LANES values.
#[inline(always)]
unsafe fn add_depth<I: KernelIsa, const R: usize, const ALL: usize, const FIRST: usize, const V: usize>(
    isa: I,
    mut sums: [[I::F32; ALL]; R],
    left: *const f32,
    row_stride: usize,
    packed: *const f32,
) -> [[I::F32; ALL]; R] {
    let ops = isa.f32();
    let mut broadcast = [ops.zero(); R];
    for (r, a) in broadcast.iter_mut().enumerate() {
        // SAFETY: r < R.
        *a = ops.splat(unsafe { *left.add(r * row_stride) });
    }
    for v in 0..V {
        // SAFETY: v < V.
        let b = unsafe { ops.load_ptr(packed.add(v * I::LANES)) };
        for (row, &a) in sums.iter_mut().zip(&broadcast) {
            row[FIRST + v] = ops.mul_add(a, b, row[FIRST + v]);
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

/// # Safety
/// `to` is writable.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "iterating by value would put the sums on the stack")]
unsafe fn store<I: KernelIsa, const R: usize, const V: usize>(isa: I, sums: [[I::F32; V]; R], to: Tile<*mut f32>) {
    let ops = isa.f32();
    for r in 0..R {
        for v in 0..V {
            // SAFETY: r < R and v < V.
            unsafe { ops.store_ptr(sums[r][v], to.start.add(r * to.row_stride + v * to.vector_stride)) };
        }
    }
}

/// # Safety
/// `from` is readable.
#[inline(always)]
unsafe fn load<I: KernelIsa, const R: usize, const V: usize>(isa: I, from: Tile<*const f32>) -> [[I::F32; V]; R] {
    let ops = isa.f32();
    let mut sums = [[ops.zero(); V]; R];
    for (r, row) in sums.iter_mut().enumerate() {
        for (v, sum) in row.iter_mut().enumerate() {
            // SAFETY: r < R and v < V.
            *sum = unsafe { ops.load_ptr(from.start.add(r * from.row_stride + v * from.vector_stride)) };
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

//! A row of numbers and its normalisation: norm(v) = (v − mean(v)) · r with r = 1 / √(mean((v − mean(v))²) + ε), ε = 1e-5, and the
//! gradient through it. Knows nothing of what the numbers are.

use rten_simd::ops::{BitOps, NumOps};

use super::instruction_set::KernelIsa;
use crate::reference::cells::NORM_EPSILON;

/// The vectors of a row of `size` numbers: the first number of each, and the values of those of its lanes that are numbers of
/// the row, else zero.
#[inline(always)]
pub(crate) fn vectors<I: KernelIsa>(isa: I, size: usize) -> impl Iterator<Item = (usize, impl Fn(I::F32) -> I::F32)> {
    (0..size).step_by(I::LANES).map(move |first| {
        let valid = move |values: I::F32| {
            let ops = isa.f32();
            if first + I::LANES <= size {
                return values;
            }
            ops.select(values, ops.zero(), ops.first_n_mask(size - first))
        };
        (first, valid)
    })
}

/// The mean of a row, and r.
///
/// # Safety
/// The row is readable in whole vectors.
#[inline(always)]
pub(crate) unsafe fn statistics<I: KernelIsa>(isa: I, row: *const f32, size: usize) -> (f32, f32) {
    let ops = isa.f32();
    let mut sum = ops.zero();
    for (first, valid) in vectors(isa, size) {
        // SAFETY: the caller answers for the row.
        sum = ops.add(sum, valid(unsafe { ops.load_ptr(row.add(first)) }));
    }
    let mean = ops.sum(sum) / size as f32;
    let mut squares = ops.zero();
    for (first, valid) in vectors(isa, size) {
        // SAFETY: as above.
        let distance = valid(ops.sub(unsafe { ops.load_ptr(row.add(first)) }, ops.splat(mean)));
        squares = ops.mul_add(distance, distance, squares);
    }
    (mean, 1.0 / (ops.sum(squares) / size as f32 + NORM_EPSILON as f32).sqrt())
}

/// With v̂ = norm(v), the gradient of v is r times this: dv̂ − mean(dv̂) − v̂ ∘ mean(dv̂ ∘ v̂), given both means.
#[inline(always)]
pub(crate) fn centred<I: KernelIsa>(isa: I, d_normal: I::F32, normal: I::F32, means: [I::F32; 2]) -> I::F32 {
    let ops = isa.f32();
    ops.sub(ops.sub(d_normal, means[0]), ops.mul(normal, means[1]))
}

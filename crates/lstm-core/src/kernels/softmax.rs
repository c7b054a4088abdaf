//! The exponentials of a row of logits, as softmax and cross-entropy need them.

use rten_simd::SimdUnaryOp;
use rten_simd::ops::{BitOps, NumOps};
use rten_vecmath::Exp;

use super::instruction_set::{KernelIsa, MAX_LANES};

/// What is left of a row z once its exponentials stand in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exponentials {
    /// The first of the largest.
    pub(crate) best: usize,
    /// max z
    pub(crate) largest: f32,
    /// Σ exp(z − max z) without the one of `best`, which is 1: `ln_1p` of it keeps the digits of a small loss.
    pub(crate) rest: f64,
}

/// Numbers that are compared or added side by side, whatever the set.
const WIDTH: usize = 16;

/// Replaces each z of a row by exp(z − max z). `row` is padded to whole vectors; `size` numbers of it count. A row that
/// holds NaN has NaN as its `rest`, and so has one that holds an infinite number as its largest.
#[inline(always)]
pub(crate) fn exponentials<I: KernelIsa>(isa: I, row: &mut [f32], size: usize) -> Exponentials {
    let (best, largest) = largest(&row[..size]);
    let ops = isa.f32();
    let shift = ops.splat(largest);
    for vector in row.chunks_exact_mut(I::LANES) {
        ops.store(Exp::apply(isa, ops.sub(ops.load(vector), shift)), vector);
    }
    let infinite = if largest.is_finite() { 0.0 } else { f64::NAN };
    let at_best = std::mem::replace(&mut row[best], 0.0);
    let rest = sum(&row[..size]) + infinite + if at_best.is_nan() { f64::NAN } else { 0.0 };
    row[best] = 1.0;
    Exponentials { best, largest, rest }
}

/// The place of the first of the largest, and that number.
#[inline(always)]
fn largest(row: &[f32]) -> (usize, f32) {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; WIDTH];
    let (chunks, rest) = row.as_chunks::<WIDTH>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, value);
        }
    }
    let largest = lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |largest, &value| larger(largest, value));
    let is_there = |chunk: &[f32]| chunk.iter().any(|&value| value >= largest);
    let start = row.chunks(WIDTH).position(is_there).unwrap_or(0) * WIDTH;
    let place = row[start..].iter().position(|&value| value >= largest).unwrap_or(0);
    (start + place, largest)
}

/// The sum in f64, in the same order on every instruction set.
#[inline(always)]
fn sum(row: &[f32]) -> f64 {
    let mut lanes = [0.0f64; WIDTH];
    let (chunks, rest) = row.as_chunks::<WIDTH>();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(value);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().map(|&value| f64::from(value)).sum::<f64>()
}

/// exp(−|z|) of up to a vector of numbers.
#[inline(always)]
pub(crate) fn shrunk<I: KernelIsa>(isa: I, z: &[f32]) -> [f32; MAX_LANES] {
    let ops = isa.f32();
    let mut lanes = [0.0; MAX_LANES];
    for (lane, &value) in lanes.iter_mut().zip(z) {
        *lane = -value.abs();
    }
    ops.store(Exp::apply(isa, ops.load(&lanes[..I::LANES])), &mut lanes[..I::LANES]);
    lanes
}

//! The activations of the gates, and their slopes as functions of their own values.
//!
//! Bounds against the correctly rounded value, in units in the last place, as tested over f32 by
//! `tests/activations.rs` and exhaustively by `examples/exhaustive_activations.rs`: see [`MAX_ULP`].
//!
//! exp is `rten_vecmath`'s. Sigmoid and tanh are shorter than a general library's, because a layer of 64 units would
//! spend a quarter of its time in them. Both reduce their argument as Cody and Waite do, y = k·ln 2 + r with
//! |r| ≤ ln 2 / 2, and find k by adding a number so large that the sum's last bits are k: moved into the exponent's
//! place, they are 2ᵏ. With q(r) = (eʳ − 1) / r as a polynomial,
//!
//! ```text
//! sigmoid(x) = 1 / (1 + 2ᵏ·(1 + r·q(r)))                    y = −x
//! tanh(|x|)  = E / (E + 2),  E = 2ᵏ·r·q(r) + (2ᵏ − 1)       y = 2|x|, so E = eʸ − 1, k ≥ 0 and nothing cancels
//! ```
//!
//! tanh needs no second formula for small |x|: there k = 0 and E = r·q(r).

use rten_simd::ops::{BitOps, FloatOps, IntOps, NumOps};
use rten_simd::{Simd, SimdUnaryOp};
use rten_vecmath::Exp;

use super::instruction_set::{InstructionSet, Kernel, KernelIsa, dispatch};

/// A function of one number, evaluated a vector at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// eˣ
    Exp,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
    Tanh,
}

/// The largest error of each function in units in the last place, on any instruction set, as found over every f32.
/// Results below the smallest normal number, 1.2e-38, may be flushed to zero.
pub const MAX_ULP: [(Activation, f64); 3] =
    [(Activation::Exp, 1.25), (Activation::Sigmoid, 3.0), (Activation::Tanh, 3.0)];

/// 1.5·2²³ + 127. Added to a number of up to 2²² in size, the sum is that number rounded to a whole k, and the last
/// eight bits are k + 127: the exponent's bits of 2ᵏ.
const ROUNDING: f32 = 12_583_039.0;

/// ln 2 in two parts: the first has so few digits that k times it is exact.
const LN_2_HIGH: f32 = 0.693_145_75;
const LN_2_LOW: f32 = 1.428_606_8e-6;

/// q(r) = (eʳ − 1) / r for |r| ≤ ln 2 / 2, to a tenth of a unit in the last place, after its first coefficient, which
/// is 1: `activations.py` fits it.
const Q: [f32; 5] = [0.5, 1.666_650_6e-1, 4.166_713_7e-2, 8.369_104e-3, 1.388_887_3e-3];

/// The part of q after its 1, (q(scale · r) − 1) · scale / r, by Horner's rule. `scale` is a power of two or its
/// negative, which rounds nothing.
#[inline(always)]
fn growth<I: KernelIsa>(isa: I, r: I::F32, scale: f32) -> I::F32 {
    let ops = isa.f32();
    let mut factor = scale;
    let scaled = Q.map(|coefficient| {
        factor *= scale;
        coefficient * factor
    });
    let mut sum = ops.splat(scaled[4]);
    for &coefficient in scaled[..4].iter().rev() {
        sum = ops.mul_add(sum, r, ops.splat(coefficient));
    }
    sum
}

/// `(k, 2ᵏ)` of `x · factor` rounded to the whole number k, which is within −126 to 128.
#[inline(always)]
fn split<I: KernelIsa>(isa: I, x: I::F32, factor: f32) -> (I::F32, I::F32) {
    let ops = isa.f32();
    let shifted = ops.mul_add(x, ops.splat(factor), ops.splat(ROUNDING));
    let power = isa.i32().shift_left::<23>(shifted.reinterpret_cast()).reinterpret_cast();
    (ops.sub(shifted, ops.splat(ROUNDING)), power)
}

#[inline(always)]
pub(crate) fn sigmoid<I: KernelIsa>(isa: I, x: I::F32) -> I::F32 {
    let ops = isa.f32();
    // Beyond these, 1 + e⁻ˣ is 1 or infinite (2ᵏ is, for k = 128).
    let x = isa.at_most(isa.at_least(x, -88.8), 87.0);
    let (k, power) = split(isa, x, -std::f32::consts::LOG2_E);
    // −r = x + k·ln 2
    let r = ops.mul_add(k, ops.splat(LN_2_LOW), ops.mul_add(k, ops.splat(LN_2_HIGH), x));
    let exponential = ops.mul_add(ops.mul_add(growth(isa, r, -1.0), r, ops.splat(-1.0)), r, ops.one());
    ops.reciprocal(ops.mul_add(power, exponential, ops.one()))
}

#[inline(always)]
pub(crate) fn tanh<I: KernelIsa>(isa: I, x: I::F32) -> I::F32 {
    let ops = isa.f32();
    let sign = ops.and(x, ops.splat(-0.0));
    // tanh rounds to 1 from 9.02 on.
    let size = isa.at_most(ops.xor(x, sign), 9.1);
    let (k, power) = split(isa, size, 2.0 * std::f32::consts::LOG2_E);
    // r / 2 = |x| − k·ln 2 / 2. One part of ln 2 is enough: k is small where tanh is not yet flat.
    let r = ops.mul_add(k, ops.splat(-0.5 * std::f32::consts::LN_2), size);
    let grown = ops.mul_add(ops.mul(growth(isa, r, 2.0), r), r, ops.add(r, r));
    let grown = ops.mul_add(power, grown, ops.sub(power, ops.one()));
    ops.or(sign, ops.div(grown, ops.add(grown, ops.splat(2.0))))
}

/// dσ/dx = s · (1 − s), given s = σ(x).
#[inline(always)]
pub(crate) fn sigmoid_slope<I: KernelIsa>(isa: I, s: I::F32) -> I::F32 {
    let ops = isa.f32();
    ops.mul(s, ops.sub(ops.one(), s))
}

/// d tanh/dx = (1 − t) · (1 + t), given t = tanh(x): exact near |t| = 1, where 1 − t² cancels.
#[inline(always)]
pub(crate) fn tanh_slope<I: KernelIsa>(isa: I, t: I::F32) -> I::F32 {
    let ops = isa.f32();
    ops.mul(ops.sub(ops.one(), t), ops.add(ops.one(), t))
}

/// Replaces each value by the function's value, with the kernels' own vector code.
///
/// ```
/// use lstm_core::kernels::{Activation, InstructionSet, evaluate};
/// let mut values = [0.0, 1.0, -40.0];
/// evaluate(InstructionSet::Portable, Activation::Sigmoid, &mut values);
/// assert_eq!(values[0], 0.5);
/// ```
pub fn evaluate(set: InstructionSet, activation: Activation, values: &mut [f32]) {
    struct Evaluate<'a>(Activation, &'a mut [f32]);
    impl Kernel for Evaluate<'_> {
        type Output = ();
        #[inline(always)]
        fn run<I: KernelIsa>(self, isa: I) {
            let Self(activation, values) = self;
            let ops = isa.f32();
            let mut lanes = [0.0; 64];
            for chunk in values.chunks_mut(I::LANES) {
                lanes[..chunk.len()].copy_from_slice(chunk);
                let x = ops.load(&lanes[..I::LANES]);
                let y = match activation {
                    Activation::Exp => Exp::apply(isa, x),
                    Activation::Sigmoid => sigmoid(isa, x),
                    Activation::Tanh => tanh(isa, x),
                };
                ops.store(y, &mut lanes[..I::LANES]);
                chunk.copy_from_slice(&lanes[..chunk.len()]);
            }
        }
    }
    dispatch(set, Evaluate(activation, values));
}

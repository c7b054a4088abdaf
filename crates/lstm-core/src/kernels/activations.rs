//! The activations of the gates, and their slopes as functions of their own values.
//!
//! Bounds against the correctly rounded value, in units in the last place, as tested over f32 by
//! `tests/activations.rs` and exhaustively by `examples/exhaustive_activations.rs`: see [`MAX_ULP`].
//! The functions are `rten_vecmath`'s: exp by Cody and Waite's reduction and a polynomial of degree 6 (after Norbert
//! Juffa), sigmoid(x) = 1 / (1 + exp(−x)), tanh by an odd polynomial up to 0.55 and (e²ˣ − 1) / (e²ˣ + 1) above.

use rten_simd::SimdUnaryOp;
use rten_simd::ops::{BitOps, NumOps};
use rten_vecmath::{Exp, Sigmoid, Tanh};

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

#[inline(always)]
pub(crate) fn sigmoid<I: KernelIsa>(isa: I, x: I::F32) -> I::F32 {
    Sigmoid::apply(isa, x)
}

#[inline(always)]
pub(crate) fn tanh<I: KernelIsa>(isa: I, x: I::F32) -> I::F32 {
    Tanh::apply(isa, x)
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

//! The LSTM cell with a forget gate, gates in PyTorch's order.
//!
//! For each row of a batch at step t, with x `[I]`, h and c `[H]`, and weights `W_ih [4H, I]`, `W_hh [4H, H]`:
//!
//! ```text
//! [i f g o] = W_ih · x_t + b_ih + W_hh · h_{t−1} + b_hh        pre-activations, H each
//! i = σ(i)   f = σ(f)   g = tanh(g)   o = σ(o)                 input, forget, cell and output gates
//! c_t = f ∘ c_{t−1} + i ∘ g                                    cell state
//! h_t = o ∘ tanh(c_t)                                          hidden state
//! ```
//!
//! and backwards, with dh the gradient of `h_t` from above and from step t+1, dc that of `c_t` from step t+1:
//!
//! ```text
//! do = dh ∘ tanh(c_t)          dc = dc + dh ∘ o ∘ tanh′(c_t)
//! di = dc ∘ g    df = dc ∘ c_{t−1}    dg = dc ∘ i    dc_{t−1} = dc ∘ f
//! dgates = [di ∘ σ′(i)   df ∘ σ′(f)   dg ∘ tanh′(g)   do ∘ σ′(o)]
//! ```
//!
//! (Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000.)
//!
//! Options: with coupled gates f is 1 − i; the gates' σ may be a hard sigmoid; `c_t` may be clipped, and then its gradient
//! is zero wherever it was.

use rten_simd::ops::{BitOps, FloatOps, NumOps};

use super::recurrence::{BackwardUnit, Cell, ForwardUnit};
use crate::kernels::activations::{sigmoid, sigmoid_slope, tanh, tanh_slope};
use crate::kernels::instruction_set::KernelIsa;
use crate::kernels::panels::GateOrder;
use crate::network::definition::{GateActivation, LayerDefinition};

/// Gates of the tensors and slots are i, f, g, o.
pub(crate) const ORDER: GateOrder = GateOrder {
    gates: 4,
    input: &[Some(0), Some(1), Some(2), Some(3)],
    hidden: &[Some(0), Some(1), Some(2), Some(3)],
    hidden_slot: 0,
};

/// With coupled gates the tensors have i, g, o.
pub(crate) const COUPLED_ORDER: GateOrder = GateOrder {
    gates: 3,
    input: &[Some(0), None, Some(1), Some(2)],
    hidden: &[Some(0), None, Some(1), Some(2)],
    hidden_slot: 0,
};

/// What differs from the plain LSTM.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LstmOptions {
    /// Whether f is 1 − i.
    pub(crate) coupled: bool,
    /// The size that no cell state grows beyond; infinite where there is no limit.
    pub(crate) clip: f32,
    /// The function of the gates i, f, o.
    pub(crate) gates: GateActivation,
}

impl LstmOptions {
    /// None of them.
    pub(crate) const PLAIN: Self = Self { coupled: false, clip: f32::INFINITY, gates: GateActivation::Sigmoid };

    pub(crate) fn of(definition: &LayerDefinition) -> Self {
        Self {
            coupled: definition.coupled_gates,
            clip: definition.cell_clip.unwrap_or(f32::INFINITY),
            gates: definition.gate_activation,
        }
    }
}

/// The cell; `PLAIN` if it has no options, which the compiler then leaves out.
#[derive(Clone, Copy)]
pub(crate) struct Lstm<const PLAIN: bool> {
    pub(crate) options: LstmOptions,
}

impl<const PLAIN: bool> Lstm<PLAIN> {
    #[inline(always)]
    fn options(self) -> LstmOptions {
        if PLAIN { LstmOptions::PLAIN } else { self.options }
    }

    /// σ, or the hard sigmoid in its place.
    #[inline(always)]
    fn gate<I: KernelIsa>(self, isa: I, x: I::F32) -> I::F32 {
        let Some(slope) = hard_slope(self.options().gates) else { return sigmoid(isa, x) };
        let ops = isa.f32();
        isa.at_most(isa.at_least(ops.mul_add(x, ops.splat(slope), ops.splat(0.5)), 0.0), 1.0)
    }

    /// The slope of a gate, given its value.
    #[inline(always)]
    fn gate_slope<I: KernelIsa>(self, isa: I, value: I::F32) -> I::F32 {
        let Some(slope) = hard_slope(self.options().gates) else { return sigmoid_slope(isa, value) };
        let ops = isa.f32();
        let above = ops.select(ops.splat(slope), ops.zero(), ops.gt(value, ops.zero()));
        ops.select(above, ops.zero(), ops.lt(value, ops.one()))
    }
}

/// The slope of a hard sigmoid between its corners.
#[inline(always)]
fn hard_slope(activation: GateActivation) -> Option<f32> {
    match activation {
        GateActivation::Sigmoid => None,
        GateActivation::HardSigmoid => Some(1.0 / 6.0),
        GateActivation::HardSigmoidFifth => Some(0.2),
    }
}

impl<const PLAIN: bool> Cell for Lstm<PLAIN> {
    const CELL_STATE: bool = true;

    #[inline(always)]
    unsafe fn forward<I: KernelIsa, const TRAINING: bool>(self, isa: I, at: ForwardUnit) {
        let ops = isa.f32();
        let LstmOptions { coupled, clip, .. } = self.options();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let slot = |index: usize| ops.load_ptr(at.preactivations.add(index * I::LANES));
            let i = self.gate(isa, slot(0));
            let f = if coupled { ops.sub(ops.one(), i) } else { self.gate(isa, slot(1)) };
            let g = tanh(isa, slot(2));
            let o = self.gate(isa, slot(3));
            let c = ops.mul_add(f, ops.load_ptr(at.cell_before), ops.mul(i, g));
            let c = if PLAIN { c } else { isa.at_least(isa.at_most(c, clip), -clip) };
            ops.store_ptr(c, at.cell);
            ops.store_ptr(ops.mul(o, tanh(isa, c)), at.hidden);
            if TRAINING {
                for (index, value) in [i, f, g, o].into_iter().enumerate() {
                    ops.store_ptr(value, at.slots.add(index * at.slot_stride));
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn backward<I: KernelIsa>(self, isa: I, dh: I::F32, at: BackwardUnit) {
        let ops = isa.f32();
        let LstmOptions { coupled, clip, .. } = self.options();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let slot = |index: usize| at.slots.add(index * at.slot_stride);
            let [i, f, g, o] = [0, 1, 2, 3].map(
                #[inline(always)]
                |index| ops.load_ptr(slot(index)),
            );
            let tanh_c = tanh(isa, ops.load_ptr(at.cell));
            let c_before = ops.load_ptr(at.cell_before);
            let d_o = ops.mul(dh, tanh_c);
            let mut dc = ops.mul_add(ops.mul(dh, o), tanh_slope(isa, tanh_c), ops.load_ptr(at.carried));
            if !PLAIN {
                let unclipped = ops.mul_add(f, c_before, ops.mul(i, g));
                dc = ops.select(dc, ops.zero(), ops.lt(ops.abs(unclipped), ops.splat(clip)));
            }
            let [mut di, mut df, dg] = [ops.mul(dc, g), ops.mul(dc, c_before), ops.mul(dc, i)];
            if coupled {
                di = ops.sub(di, df);
                df = ops.zero();
            }
            ops.store_ptr(ops.mul(dc, f), at.carried);
            ops.store_ptr(ops.mul(di, self.gate_slope(isa, i)), slot(0));
            ops.store_ptr(ops.mul(df, self.gate_slope(isa, f)), slot(1));
            ops.store_ptr(ops.mul(dg, tanh_slope(isa, g)), slot(2));
            ops.store_ptr(ops.mul(d_o, self.gate_slope(isa, o)), slot(3));
        }
    }
}

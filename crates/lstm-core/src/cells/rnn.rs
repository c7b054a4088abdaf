//! The simple recurrent network (Elman 1990), tanh or `ReLU`.
//!
//! For each row of a batch at step t, with x `[I]`, h `[H]`, and weights `W_ih [H, I]`, `W_hh [H, H]`:
//!
//! ```text
//! h_t = φ(W_ih · x_t + b_ih + W_hh · h_{t−1} + b_hh)           φ: tanh, or max(·, 0)
//! ```
//!
//! and backwards, with dh the gradient of `h_t` from above and from step t+1:
//!
//! ```text
//! dgates = dh ∘ φ′(h_t)                                        φ′ as a function of φ's value: (1 − h)(1 + h), or h > 0
//! dh_{t−1} = dgates · W_hh
//! ```
//!
//! There is one gate, so a panel holds four vectors of units.

use rten_simd::ops::{BitOps, NumOps};

use super::recurrence::{BackwardUnit, Cell, ForwardUnit};
use crate::kernels::activations::{tanh, tanh_slope};
use crate::kernels::instruction_set::KernelIsa;
use crate::kernels::panels::GateOrder;
use crate::kernels::tile::TILE_VECTORS;
use crate::network::definition::Activation;

/// One gate.
pub(crate) const ORDER: GateOrder = GateOrder { gates: 1, input: &[Some(0)], hidden: &[Some(0)], hidden_slot: 0 };

/// The cell.
#[derive(Clone, Copy)]
pub(crate) struct Rnn {
    pub(crate) activation: Activation,
}

impl Cell for Rnn {
    const UNIT_VECTORS: usize = TILE_VECTORS;

    #[inline(always)]
    unsafe fn forward<I: KernelIsa>(self, isa: I, training: bool, at: ForwardUnit) {
        let ops = isa.f32();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let preactivation = ops.load_ptr(at.preactivations);
            let h = match self.activation {
                Activation::Tanh => tanh(isa, preactivation),
                Activation::Relu => isa.at_least(preactivation, 0.0),
            };
            ops.store_ptr(h, at.hidden);
            if training {
                ops.store_ptr(h, at.slots);
            }
        }
    }

    #[inline(always)]
    unsafe fn backward<I: KernelIsa>(self, isa: I, dh: I::F32, at: BackwardUnit) -> I::F32 {
        let ops = isa.f32();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let h = ops.load_ptr(at.slots);
            let dgate = match self.activation {
                Activation::Tanh => ops.mul(dh, tanh_slope(isa, h)),
                Activation::Relu => ops.select(dh, ops.zero(), ops.gt(h, ops.zero())),
            };
            ops.store_ptr(dgate, at.slots);
        }
        ops.zero()
    }
}

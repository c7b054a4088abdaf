//! The gated recurrent unit (Cho et al. 2014) with its reset gate after the product, as PyTorch and cuDNN have it.
//!
//! For each row of a batch at step t, with x `[I]`, h `[H]`, and weights `W_ih [3H, I]`, `W_hh [3H, H]`:
//!
//! ```text
//! r = σ(W_ir · x_t + b_ir + W_hr · h_{t−1} + b_hr)             reset gate
//! z = σ(W_iz · x_t + b_iz + W_hz · h_{t−1} + b_hz)             update gate
//! q = W_hn · h_{t−1} + b_hn
//! n = tanh(W_in · x_t + b_in + r ∘ q)                          the new
//! h_t = (1 − z) ∘ n + z ∘ h_{t−1}                              hidden state
//! ```
//!
//! and backwards, with dh the gradient of `h_t` from above and from step t+1:
//!
//! ```text
//! dz = dh ∘ (h_{t−1} − n)   dn = dh ∘ (1 − z) ∘ tanh′(n)   dr = dn ∘ q   dq = dn ∘ r
//! dgates = [dn   dr ∘ σ′(r)   dz ∘ σ′(z)   dq]
//! dh_{t−1} = dh ∘ z + [dr dz dq] · W_hh
//! ```
//!
//! A row has the slots n, r, z, q: the input's product fills the first three, the hidden state's the last three.

use rten_simd::ops::{BitOps, NumOps};

use super::recurrence::{BackwardUnit, Cell, ForwardUnit};
use crate::kernels::activations::{sigmoid, sigmoid_slope, tanh, tanh_slope};
use crate::kernels::instruction_set::KernelIsa;
use crate::kernels::panels::GateOrder;

/// Gates of the tensors are r, z, n.
pub(crate) const ORDER: GateOrder =
    GateOrder { gates: 3, input: &[Some(2), Some(0), Some(1)], hidden: &[Some(0), Some(1), Some(2)], hidden_slot: 1 };

/// The cell.
#[derive(Clone, Copy)]
pub(crate) struct Gru;

impl Cell for Gru {
    const OVERLAPPING: bool = true;

    #[inline(always)]
    unsafe fn forward<I: KernelIsa, const TRAINING: bool>(self, isa: I, at: ForwardUnit) {
        let ops = isa.f32();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let slot = |index: usize| ops.load_ptr(at.preactivations.add(index * I::LANES));
            let r = sigmoid(isa, slot(1));
            let z = sigmoid(isa, slot(2));
            let q = slot(3);
            let n = tanh(isa, ops.mul_add(r, q, slot(0)));
            let h_before = ops.load_ptr(at.hidden_before);
            ops.store_ptr(ops.mul_add(z, ops.sub(h_before, n), n), at.hidden);
            if TRAINING {
                for (index, value) in [n, r, z, q].into_iter().enumerate() {
                    ops.store_ptr(value, at.slots.add(index * at.slot_stride));
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn backward<I: KernelIsa>(self, isa: I, dh: I::F32, at: BackwardUnit) {
        let ops = isa.f32();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let slot = |index: usize| at.slots.add(index * at.slot_stride);
            let [n, r, z, q] = [0, 1, 2, 3].map(
                #[inline(always)]
                |index| ops.load_ptr(slot(index)),
            );
            let h_before = ops.load_ptr(at.hidden_before);
            let dh = ops.add(dh, ops.load_ptr(at.carried));
            let dz = ops.mul(dh, ops.sub(h_before, n));
            let dn = ops.mul(ops.mul(dh, ops.sub(ops.one(), z)), tanh_slope(isa, n));
            ops.store_ptr(ops.mul(dh, z), at.carried);
            ops.store_ptr(dn, slot(0));
            ops.store_ptr(ops.mul(ops.mul(dn, q), sigmoid_slope(isa, r)), slot(1));
            ops.store_ptr(ops.mul(dz, sigmoid_slope(isa, z)), slot(2));
            ops.store_ptr(ops.mul(dn, r), slot(3));
        }
    }
}

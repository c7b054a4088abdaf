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
//!
//! In the paper the reset gate stands before the product, n = tanh(`W_in` · `x_t` + `b_in` + `W_hn` · (r ∘ `h_{t−1}`) + `b_hn`):
//! [`ResetBefore`]. Then r is needed of every unit before n of any can be computed, so a step has a second product. The
//! last slot holds r ∘ `h_{t−1}`, and with u its gradient, u = dn · `W_hn`:
//!
//! ```text
//! dr = u ∘ h_{t−1}      dh_{t−1} = dh ∘ z + u ∘ r + [dr dz] · [W_hr W_hz]
//! ```

use rten_simd::ops::{BitOps, NumOps};

use super::recurrence::{BackwardUnit, Cell, Deferred, ForwardUnit};
use crate::kernels::activations::{sigmoid, sigmoid_slope, tanh, tanh_slope};
use crate::kernels::instruction_set::KernelIsa;
use crate::kernels::panels::GateOrder;

/// Gates of the tensors are r, z, n.
pub(crate) const ORDER: GateOrder =
    GateOrder { gates: 3, input: &[Some(2), Some(0), Some(1)], hidden: &[Some(0), Some(1), Some(2)], hidden_slot: 1 };

/// With the reset gate before the product, the hidden state's first product has r and z only.
pub(crate) const RESET_BEFORE_ORDER: GateOrder =
    GateOrder { gates: 3, input: &[Some(2), Some(0), Some(1)], hidden: &[Some(0), Some(1), None], hidden_slot: 1 };

/// The block of rows of n in the tensors.
pub(crate) const NEW_GATE: usize = 2;
/// The slot of r ∘ `h_{t−1}`, where the reset gate stands before the product.
pub(crate) const RESET_SLOT: usize = 3;

/// The cell.
#[derive(Clone, Copy)]
pub(crate) struct Gru;

impl Cell for Gru {
    const OVERLAPPING: bool = true;
    const DIRECT: bool = true;

    #[inline(always)]
    unsafe fn forward<I: KernelIsa>(self, isa: I, training: bool, at: ForwardUnit) {
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
            if training {
                for (index, value) in [n, r, z, q].into_iter().enumerate() {
                    ops.store_ptr(value, at.slots.add(index * at.slot_stride));
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn backward<I: KernelIsa>(self, isa: I, dh: I::F32, at: BackwardUnit) -> I::F32 {
        let ops = isa.f32();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let slot = |index: usize| at.slots.add(index * at.slot_stride);
            let [n, r, z, q] = [0, 1, 2, 3].map(
                #[inline(always)]
                |index| ops.load_ptr(slot(index)),
            );
            let (dn, dz) = new_and_update(isa, dh, n, z, ops.load_ptr(at.hidden_before));
            ops.store_ptr(dn, slot(0));
            ops.store_ptr(ops.mul(ops.mul(dn, q), sigmoid_slope(isa, r)), slot(1));
            ops.store_ptr(dz, slot(2));
            ops.store_ptr(ops.mul(dn, r), slot(3));
            ops.mul(dh, z)
        }
    }
}

/// The gradients of the pre-activations of n and z.
#[inline(always)]
fn new_and_update<I: KernelIsa>(isa: I, dh: I::F32, n: I::F32, z: I::F32, h_before: I::F32) -> (I::F32, I::F32) {
    let ops = isa.f32();
    let dz = ops.mul(dh, ops.sub(h_before, n));
    let dn = ops.mul(dh, ops.sub(ops.one(), z));
    (ops.mul(dn, tanh_slope(isa, n)), ops.mul(dz, sigmoid_slope(isa, z)))
}

/// The cell with its reset gate before the product. A step's second product is that of n.
#[derive(Clone, Copy)]
pub(crate) struct ResetBefore;

impl Cell for ResetBefore {
    const OVERLAPPING: bool = true;
    const DIRECT: bool = true;
    const DEFERRED: Option<Deferred> = Some(Deferred::Product);

    #[inline(always)]
    unsafe fn forward<I: KernelIsa>(self, isa: I, _training: bool, at: ForwardUnit) {
        let ops = isa.f32();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let n = tanh(isa, ops.load_ptr(at.slots));
            ops.store_ptr(n, at.slots);
            let z = ops.load_ptr(at.slots.add(2 * at.slot_stride));
            ops.store_ptr(ops.mul_add(z, ops.sub(ops.load_ptr(at.hidden_before), n), n), at.hidden);
        }
    }

    #[inline(always)]
    unsafe fn backward<I: KernelIsa>(self, isa: I, dh: I::F32, at: BackwardUnit) -> I::F32 {
        let ops = isa.f32();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let (n, z) = (ops.load_ptr(at.slots), ops.load_ptr(at.slots.add(2 * at.slot_stride)));
            let (dn, dz) = new_and_update(isa, dh, n, z, ops.load_ptr(at.hidden_before));
            ops.store_ptr(dn, at.slots);
            ops.store_ptr(dz, at.slots.add(2 * at.slot_stride));
            ops.mul(dh, z)
        }
    }

    #[inline(always)]
    unsafe fn before_product<I: KernelIsa>(self, isa: I, seen: *const f32, slots: *mut f32, stride: usize) {
        let ops = isa.f32();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let r = sigmoid(isa, ops.load_ptr(slots.add(stride)));
            ops.store_ptr(r, slots.add(stride));
            ops.store_ptr(sigmoid(isa, ops.load_ptr(slots.add(2 * stride))), slots.add(2 * stride));
            ops.store_ptr(ops.mul(r, ops.load_ptr(seen)), slots.add(RESET_SLOT * stride));
        }
    }

    #[inline(always)]
    unsafe fn after_product<I: KernelIsa>(
        self,
        isa: I,
        gradient: I::F32,
        seen: *const f32,
        slots: *mut f32,
        stride: usize,
    ) -> I::F32 {
        let ops = isa.f32();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let r = ops.load_ptr(slots.add(stride));
            let dr = ops.mul(gradient, ops.load_ptr(seen));
            ops.store_ptr(ops.mul(dr, sigmoid_slope(isa, r)), slots.add(stride));
            ops.mul(gradient, r)
        }
    }
}

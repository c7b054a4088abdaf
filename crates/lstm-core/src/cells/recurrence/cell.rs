//! What a cell is to the time loop: the vectors of its tile, and what happens to one vector of units of one row.

use crate::kernels::instruction_set::KernelIsa;

/// A cell's part of the loop, forward and backward. Methods are `#[inline(always)]`, so that they are compiled with the
/// instruction set's features.
pub(crate) trait Cell: Copy + Send + Sync {
    /// Vectors of units that a panel covers: one, of which the tile computes every gate, or four of a single gate.
    const UNIT_VECTORS: usize = 1;
    /// Whether the input and the hidden state each have a slot of their own: the input's product then goes to the tile's
    /// vectors 0 to 2, the hidden state's to 1 to 3.
    const OVERLAPPING: bool = false;
    /// Whether there is a cell state beside the hidden state.
    const CELL_STATE: bool = false;

    /// One vector of units at one step: from pre-activations to states. When `TRAINING`, saves what backward needs.
    ///
    /// # Safety
    /// The pointers are readable and writable as [`ForwardUnit`] says.
    unsafe fn forward<I: KernelIsa, const TRAINING: bool>(self, isa: I, at: ForwardUnit);

    /// From `dh`, the gradient of the new hidden state, and what is carried from the step after, to the gradients of the
    /// pre-activations, in the place of what was saved, and to what is carried to the step before.
    ///
    /// # Safety
    /// The pointers are readable and writable as [`BackwardUnit`] says.
    unsafe fn backward<I: KernelIsa>(self, isa: I, dh: I::F32, at: BackwardUnit);
}

/// Where one vector of units of one row lies, forward.
pub(crate) struct ForwardUnit {
    /// The pre-activations: slot k at `k · LANES`.
    pub(crate) preactivations: *const f32,
    /// What is saved: slot k at `k · slot_stride`. Writable when training.
    pub(crate) slots: *mut f32,
    pub(crate) slot_stride: usize,
    /// The states before and after the step; the cell states only if there are any.
    pub(crate) cell_before: *const f32,
    pub(crate) cell: *mut f32,
    pub(crate) hidden_before: *const f32,
    pub(crate) hidden: *mut f32,
}

/// Where one vector of units of one row lies, backward.
pub(crate) struct BackwardUnit {
    /// What was saved, then the gradients of the pre-activations: slot k at `k · slot_stride`.
    pub(crate) slots: *mut f32,
    pub(crate) slot_stride: usize,
    /// The states before and after the step; the cell states only if there are any.
    pub(crate) cell_before: *const f32,
    pub(crate) cell: *const f32,
    pub(crate) hidden_before: *const f32,
    pub(crate) hidden: *const f32,
    /// From the step after, then to the step before: the gradient of the cell state, or where there is none the part of
    /// the hidden state's gradient that does not pass through the weights.
    pub(crate) carried: *mut f32,
}

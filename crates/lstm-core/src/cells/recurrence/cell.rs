//! What a cell is to the time loop: the vectors of its tile, and what happens to one vector of units of one row.

use rten_simd::ops::{BitOps, NumOps};

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
    /// What a step waits for before its pre-activations become states; meanwhile they lie in the gates' rows.
    const DEFERRED: Option<Deferred> = None;
    /// Whether a cell without a cell state hands part of its hidden state's gradient to the step before itself.
    const DIRECT: bool = false;

    /// One vector of units at one step: from pre-activations to states. When `training`, saves what backward needs.
    ///
    /// # Safety
    /// The pointers are readable and writable as [`ForwardUnit`] says.
    unsafe fn forward<I: KernelIsa>(self, isa: I, training: bool, at: ForwardUnit);

    /// From `dh`, the gradient of what the cell said, and what is carried from the step after, to the gradients of the
    /// pre-activations, in the place of what was saved, and to what is carried to the step before. Gives the part of
    /// `dh` that passes by the weights to the hidden state of the step before, if there is one.
    ///
    /// # Safety
    /// The pointers are readable and writable as [`BackwardUnit`] says.
    unsafe fn backward<I: KernelIsa>(self, isa: I, dh: I::F32, at: BackwardUnit) -> I::F32;

    /// [`Deferred::Row`]: one row at one step, from pre-activations in the slots to states. `at` is its first unit's.
    ///
    /// # Safety
    /// As [`forward`](Self::forward), for all units of the row in whole vectors.
    #[inline(always)]
    unsafe fn forward_row<I: KernelIsa>(self, _isa: I, _row: Row, _at: ForwardUnit) {
        unreachable!("this cell takes its units one by one");
    }

    /// [`Deferred::Row`]: the same backwards; `dh` is the gradient of what the cell said.
    ///
    /// # Safety
    /// As [`backward`](Self::backward), for all units of the row in whole vectors; `dh` is readable likewise.
    #[inline(always)]
    unsafe fn backward_row<I: KernelIsa>(self, _isa: I, _row: Row, _dh: *const f32, _at: BackwardUnit) {
        unreachable!("this cell takes its units one by one");
    }

    /// [`Deferred::Product`]: what is done before the second product. `seen` is the hidden state as the gates see it.
    ///
    /// # Safety
    /// The slots are writable, `seen` is readable.
    #[inline(always)]
    unsafe fn before_product<I: KernelIsa>(self, _isa: I, _seen: *const f32, _slots: *mut f32, _stride: usize) {
        unreachable!("this cell has no second product");
    }

    /// [`Deferred::Product`]: what is done after the second product backwards, given its result. Gives the gradient of
    /// the hidden state as the gates see it.
    ///
    /// # Safety
    /// As [`before_product`](Self::before_product).
    #[inline(always)]
    unsafe fn after_product<I: KernelIsa>(
        self,
        _isa: I,
        _gradient: I::F32,
        _seen: *const f32,
        _slots: *mut f32,
        _stride: usize,
    ) -> I::F32 {
        unreachable!("this cell has no second product");
    }
}

/// What a step waits for. Only such cells are asked for what they do then.
pub(crate) enum Deferred {
    /// All units of a row, which the cell then takes together.
    Row,
    /// A second product, of what the cell makes of the first one.
    Product,
}

/// The units of one row.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// H
    pub(crate) units: usize,
    /// A cache line for what the row keeps for backward, writable.
    pub(crate) statistics: *mut f32,
}

/// Where one vector of units of one row lies, forward.
#[derive(Clone, Copy)]
pub(crate) struct ForwardUnit {
    /// The pre-activations: slot k at `k · LANES`.
    pub(crate) preactivations: *const f32,
    /// What is saved: slot k at `k · slot_stride`. Writable when training.
    pub(crate) slots: *mut f32,
    pub(crate) slot_stride: usize,
    /// The states before and after the step; the cell states only if there are any. `hidden` is what the cell says.
    pub(crate) cell_before: *const f32,
    pub(crate) cell: *mut f32,
    pub(crate) hidden_before: *const f32,
    pub(crate) hidden: *mut f32,
    /// The trained vectors: vector k at `k · slot_stride`.
    pub(crate) vectors: *const f32,
    /// The part of the cell state that is kept.
    pub(crate) cell_keep: Keep,
}

/// Where one vector of units of one row lies, backward.
#[derive(Clone, Copy)]
pub(crate) struct BackwardUnit {
    /// What was saved, then the gradients of the pre-activations: slot k at `k · slot_stride`.
    pub(crate) slots: *mut f32,
    pub(crate) slot_stride: usize,
    /// The states before and after the step; the cell states only if there are any.
    pub(crate) cell_before: *const f32,
    pub(crate) cell: *const f32,
    pub(crate) hidden_before: *const f32,
    /// From the step after, then to the step before: the gradient of the cell state.
    pub(crate) carried: *mut f32,
    /// The trained vectors, and the sums of this row's gradients of them: vector k at `k · slot_stride`.
    pub(crate) vectors: *const f32,
    pub(crate) vector_gradients: *mut f32,
    /// The part of the cell state that was kept.
    pub(crate) cell_keep: Keep,
}

/// The part of a state that zoneout keeps of the step before: a mask in training, in prediction the same everywhere.
#[derive(Clone, Copy)]
pub(crate) struct Keep {
    /// Null in prediction.
    pub(crate) mask: *const f32,
    pub(crate) rate: f32,
}

impl Keep {
    /// # Safety
    /// The mask is readable, if there is one.
    #[inline(always)]
    pub(crate) unsafe fn load<I: KernelIsa>(self, isa: I) -> I::F32 {
        let ops = isa.f32();
        // SAFETY: the caller answers for it.
        if self.mask.is_null() { ops.splat(self.rate) } else { unsafe { ops.load_ptr(self.mask) } }
    }

    /// The part at `offset` numbers from here.
    ///
    /// # Safety
    /// As [`load`](Self::load).
    #[inline(always)]
    pub(crate) unsafe fn at(self, offset: usize) -> Self {
        // SAFETY: the caller answers for it.
        Self { mask: if self.mask.is_null() { self.mask } else { unsafe { self.mask.add(offset) } }, ..self }
    }

    /// `before` where it is kept, else `now`: now + k · (before − now).
    ///
    /// # Safety
    /// As [`load`](Self::load).
    #[inline(always)]
    pub(crate) unsafe fn mix<I: KernelIsa>(self, isa: I, before: I::F32, now: I::F32) -> I::F32 {
        let ops = isa.f32();
        // SAFETY: the caller answers for it.
        ops.mul_add(unsafe { self.load(isa) }, ops.sub(before, now), now)
    }
}

//! The LSTM cell with layer normalisation (Ba, Kiros and Hinton 2016): the pre-activations of each gate, and the cell state
//! on its way out, are normalised over the units.
//!
//! norm(v) = (v − mean(v)) · r with r = 1 / √(mean((v − mean(v))²) + ε), over the H units of a row. For each gate k:
//!
//! ```text
//! ẑ_k = norm(W_ih[k] · x_t + W_hh[k] · h_{t−1})     z_k = gain_k ∘ ẑ_k + b_k
//! ĉ   = norm(c_t)                                   h_t = o ∘ tanh(gain ∘ ĉ + bias)
//! ```
//!
//! and backwards, with dv̂ = dv ∘ gain: `norm′: dv = r · (dv̂ − mean(dv̂) − v̂ ∘ mean(dv̂ ∘ v̂))`.
//!
//! A row's mean is known only when its last panel is computed: the tile leaves the sums in the gates' row, and a pass over
//! the row makes states of them. ẑ is kept there for backward, which computes the gates again.

use std::mem::MaybeUninit;

use rten_simd::ops::{BitOps, NumOps};

use super::lstm::{Lstm, add};
use super::recurrence::{BackwardUnit, Cell, Deferred, ForwardUnit, Row};
use crate::kernels::activations::{tanh, tanh_slope};
use crate::kernels::instruction_set::{KernelIsa, MAX_LANES};
use crate::kernels::normalisation::{centred, statistics, vectors};
use crate::network::definition::MAX_UNITS;

/// Trained vectors: the gains of the four gates, what is added to them, the cell state's gain and what is added to it.
pub(crate) const VECTORS: usize = 10;
pub(super) const GATE_BIASES: usize = 4;
pub(super) const CELL_GAIN: usize = 8;
pub(super) const CELL_BIAS: usize = 9;

/// What a row keeps for backward: r of each gate, then mean and r of the cell state.
const CELL_MEAN: usize = 4;
const CELL_DEVIATION: usize = 5;

/// The cell.
#[derive(Clone, Copy)]
pub(crate) struct NormalisedLstm(pub(crate) Lstm<false>);

/// Rows of numbers that a pass needs for itself.
struct Scratch<const ROWS: usize>(MaybeUninit<[[f32; MAX_UNITS as usize + MAX_LANES]; ROWS]>);

impl<const ROWS: usize> Scratch<ROWS> {
    #[inline(always)]
    fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    /// Number `unit` of a row; there is room for whole vectors at every unit that there may be.
    #[inline(always)]
    fn at(&mut self, row: usize, unit: usize) -> *mut f32 {
        assert!(row < ROWS && unit < MAX_UNITS as usize);
        // SAFETY: within the array, as just asserted.
        unsafe { self.0.as_mut_ptr().cast::<f32>().add(row * (MAX_UNITS as usize + MAX_LANES) + unit) }
    }
}

impl Lstm<false> {
    /// Where the normalisation's trained vectors begin.
    #[inline(always)]
    fn norm_vector(self, vectors: *const f32, index: usize, stride: usize) -> *const f32 {
        // The vectors are one array.
        vectors.wrapping_add((self.options().norm_vectors() + index) * stride)
    }

    /// The normalised pre-activations of one vector of units times their gains, and what is added.
    ///
    /// # Safety
    /// Slots and vectors are readable.
    #[inline(always)]
    unsafe fn preactivations<I: KernelIsa>(
        self,
        isa: I,
        slots: *const f32,
        vectors: *const f32,
        stride: usize,
    ) -> [I::F32; 4] {
        let ops = isa.f32();
        [0, 1, 2, 3].map(
            #[inline(always)]
            |gate| {
                // SAFETY: the caller answers for it.
                unsafe {
                    let normal = ops.load_ptr(slots.add(gate * stride));
                    let gain = ops.load_ptr(self.norm_vector(vectors, gate, stride));
                    let bias = ops.load_ptr(self.norm_vector(vectors, GATE_BIASES + gate, stride));
                    ops.mul_add(gain, normal, bias)
                }
            },
        )
    }

    /// tanh(gain ∘ ĉ + bias).
    ///
    /// # Safety
    /// The vectors are readable.
    #[inline(always)]
    unsafe fn out<I: KernelIsa>(self, isa: I, normal: I::F32, vectors: *const f32, stride: usize) -> I::F32 {
        let ops = isa.f32();
        // SAFETY: the caller answers for it.
        unsafe {
            let gain = ops.load_ptr(self.norm_vector(vectors, CELL_GAIN, stride));
            let bias = ops.load_ptr(self.norm_vector(vectors, CELL_BIAS, stride));
            tanh(isa, ops.mul_add(gain, normal, bias))
        }
    }
}

impl Cell for NormalisedLstm {
    const CELL_STATE: bool = true;
    const DEFERRED: Option<Deferred> = Some(Deferred::Row);

    unsafe fn forward<I: KernelIsa>(self, _isa: I, _training: bool, _at: ForwardUnit) {
        unreachable!("rows are taken as a whole");
    }

    unsafe fn backward<I: KernelIsa>(self, _isa: I, _dh: I::F32, _at: BackwardUnit) -> I::F32 {
        unreachable!("rows are taken as a whole");
    }

    #[inline(always)]
    unsafe fn forward_row<I: KernelIsa>(self, isa: I, row: Row, at: ForwardUnit) {
        let ops = isa.f32();
        let Row { units, statistics: kept } = row;
        let stride = at.slot_stride;
        let mut scratch = Scratch::<1>::new();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            for gate in 0..4 {
                let slot = at.slots.add(gate * stride);
                let (mean, deviation) = statistics(isa, slot, units);
                *kept.add(gate) = deviation;
                for (unit, valid) in vectors(isa, units) {
                    let distance = ops.sub(ops.load_ptr(slot.add(unit)), ops.splat(mean));
                    ops.store_ptr(valid(ops.mul(distance, ops.splat(deviation))), slot.add(unit));
                }
            }
            for (unit, valid) in vectors(isa, units) {
                let vectors = at.vectors.add(unit);
                let z = self.0.preactivations(isa, at.slots.add(unit), vectors, stride);
                let c_before = ops.load_ptr(at.cell_before.add(unit));
                let (gates, c) = self.0.step(isa, z, c_before, vectors, stride);
                ops.store_ptr(valid(c), scratch.at(0, unit));
                let cell_keep = at.cell_keep.at(unit);
                let after = if cell_keep.rate > 0.0 { cell_keep.mix(isa, c_before, c) } else { c };
                ops.store_ptr(after, at.cell.add(unit));
                ops.store_ptr(gates[3], at.hidden.add(unit));
            }
            let (mean, deviation) = statistics(isa, scratch.at(0, 0), units);
            *kept.add(CELL_MEAN) = mean;
            *kept.add(CELL_DEVIATION) = deviation;
            for (unit, valid) in vectors(isa, units) {
                let distance = ops.sub(ops.load_ptr(scratch.at(0, unit)), ops.splat(mean));
                let normal = valid(ops.mul(distance, ops.splat(deviation)));
                let o = ops.load_ptr(at.hidden.add(unit));
                let out = self.0.out(isa, normal, at.vectors.add(unit), stride);
                ops.store_ptr(ops.mul(o, out), at.hidden.add(unit));
            }
        }
    }

    #[inline(always)]
    unsafe fn backward_row<I: KernelIsa>(self, isa: I, row: Row, dh: *const f32, at: BackwardUnit) {
        /// Rows of the scratch: the gates, later the gradients of the normalised sums; then these.
        const D_O: usize = 4;
        const NORMAL: usize = 5;
        const D_NORMAL: usize = 6;
        let ops = isa.f32();
        let Row { units, statistics: kept } = row;
        let stride = at.slot_stride;
        let mut scratch = Scratch::<7>::new();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let (mean, deviation) = (ops.splat(*kept.add(CELL_MEAN)), ops.splat(*kept.add(CELL_DEVIATION)));
            let mut sums = [ops.zero(); 2];
            for (unit, valid) in vectors(isa, units) {
                let (vectors, gradients) = (at.vectors.add(unit), at.vector_gradients.add(unit));
                let z = self.0.preactivations(isa, at.slots.add(unit), vectors, stride);
                let c_before = ops.load_ptr(at.cell_before.add(unit));
                let (gates, c) = self.0.step(isa, z, c_before, vectors, stride);
                let normal = valid(ops.mul(ops.sub(c, mean), deviation));
                let out = self.0.out(isa, normal, vectors, stride);
                let dh = ops.load_ptr(dh.add(unit));
                let du = valid(ops.mul(ops.mul(dh, gates[3]), tanh_slope(isa, out)));
                let vector = |index: usize| gradients.add((self.0.options().norm_vectors() + index) * stride);
                add(isa, vector(CELL_GAIN), ops.mul(du, normal));
                add(isa, vector(CELL_BIAS), du);
                let d_normal = ops.mul(du, ops.load_ptr(self.0.norm_vector(vectors, CELL_GAIN, stride)));
                sums = [ops.add(sums[0], d_normal), ops.mul_add(d_normal, normal, sums[1])];
                for (gate, value) in gates.into_iter().enumerate() {
                    ops.store_ptr(value, scratch.at(gate, unit));
                }
                ops.store_ptr(ops.mul(dh, out), scratch.at(D_O, unit));
                ops.store_ptr(normal, scratch.at(NORMAL, unit));
                ops.store_ptr(d_normal, scratch.at(D_NORMAL, unit));
            }
            let mean_of = |sum: I::F32| ops.splat(ops.sum(sum) / units as f32);
            let means = sums.map(mean_of);
            let mut sums = [[ops.zero(); 2]; 4];
            for (unit, valid) in vectors(isa, units) {
                let load = |pointer: *mut f32| ops.load_ptr(pointer.cast_const());
                let normal = load(scratch.at(NORMAL, unit));
                let d_normal = load(scratch.at(D_NORMAL, unit));
                let dc = valid(ops.mul(deviation, centred(isa, d_normal, normal, means)));
                let gates = [0, 1, 2, 3].map(|gate| load(scratch.at(gate, unit)));
                let unit_at = BackwardUnit {
                    slots: at.slots.add(unit),
                    cell_before: at.cell_before.add(unit),
                    carried: at.carried.add(unit),
                    vectors: at.vectors.add(unit),
                    vector_gradients: at.vector_gradients.add(unit),
                    cell_keep: at.cell_keep.at(unit),
                    ..at
                };
                let dz = self.0.gradients(isa, gates, load(scratch.at(D_O, unit)), dc, unit_at);
                for (gate, dz) in dz.into_iter().enumerate() {
                    let dz = valid(dz);
                    let normal = load(unit_at.slots.add(gate * stride));
                    let vector =
                        |index: usize| unit_at.vector_gradients.add((self.0.options().norm_vectors() + index) * stride);
                    add(isa, vector(gate), ops.mul(dz, normal));
                    add(isa, vector(GATE_BIASES + gate), dz);
                    let d_normal = ops.mul(dz, ops.load_ptr(self.0.norm_vector(unit_at.vectors, gate, stride)));
                    sums[gate] = [ops.add(sums[gate][0], d_normal), ops.mul_add(d_normal, normal, sums[gate][1])];
                    ops.store_ptr(d_normal, scratch.at(gate, unit));
                }
            }
            for (gate, sums) in sums.into_iter().enumerate() {
                let (means, deviation) = (sums.map(mean_of), ops.splat(*kept.add(gate)));
                for (unit, valid) in vectors(isa, units) {
                    let slot = at.slots.add(gate * stride + unit);
                    let d_normal = ops.load_ptr(scratch.at(gate, unit).cast_const());
                    let d = ops.mul(deviation, centred(isa, d_normal, ops.load_ptr(slot), means));
                    ops.store_ptr(valid(d), slot);
                }
            }
        }
    }
}

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
//! is zero wherever it was; i and f may see p ∘ `c_{t−1}`, and o p ∘ `c_t`, through peepholes p; zoneout keeps a part of
//! `c_{t−1}` instead of `c_t`. With layer normalisation, [`normalised_lstm`](super::normalised_lstm) is the cell.

use std::ops::Range;

use rten_simd::ops::{BitOps, FloatOps, NumOps};

use super::normalised_lstm::{CELL_BIAS, CELL_GAIN, GATE_BIASES};
use super::recurrence::{BackwardUnit, Cell, ForwardUnit};
use crate::kernels::activations::{sigmoid, sigmoid_slope, tanh, tanh_slope};
use crate::kernels::instruction_set::KernelIsa;
use crate::kernels::panels::GateOrder;
use crate::network::definition::{DirectionTensors, GateActivation, LayerDefinition};

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
    /// Whether the gates see the cell state.
    pub(crate) peepholes: bool,
    /// Whether pre-activations and the cell state on its way out are normalised.
    pub(crate) layer_norm: bool,
    /// The part of the cell state that is kept of the step before.
    pub(crate) zoneout: f32,
}

impl LstmOptions {
    /// None of them.
    pub(crate) const PLAIN: Self = Self {
        coupled: false,
        clip: f32::INFINITY,
        gates: GateActivation::Sigmoid,
        peepholes: false,
        layer_norm: false,
        zoneout: 0.0,
    };

    pub(crate) fn of(definition: &LayerDefinition) -> Self {
        Self {
            coupled: definition.coupled_gates,
            clip: definition.cell_clip.unwrap_or(f32::INFINITY),
            gates: definition.gate_activation,
            peepholes: definition.peepholes,
            layer_norm: definition.layer_norm,
            zoneout: definition.zoneout.cell,
        }
    }

    /// Trained vectors: the peepholes of i, f and o, then those of the normalisation.
    pub(crate) fn vectors(self) -> usize {
        self.norm_vectors() + if self.layer_norm { super::normalised_lstm::VECTORS } else { 0 }
    }

    /// Tells `take` of each trained vector: its number, its tensor, and where it lies there. The biases of normalised gates are
    /// those of [`for_gate_biases`](Self::for_gate_biases) too.
    pub(crate) fn for_vectors(self, units: usize, mut take: impl FnMut(usize, VectorTensor, Range<usize>)) {
        let row = |index: usize| index * units..(index + 1) * units;
        if self.peepholes {
            let gates: &[usize] = if self.coupled { &[0, 2] } else { &[0, 1, 2] };
            for (index, &gate) in gates.iter().enumerate() {
                take(gate, VectorTensor::Peepholes, row(index));
            }
        }
        if self.layer_norm {
            let first = self.norm_vectors();
            for (index, gate) in self.gate_slots().enumerate() {
                take(first + gate, VectorTensor::Gains, row(index));
            }
            self.for_gate_biases(units, |vector, range| take(vector, VectorTensor::Biases, range));
            take(first + CELL_GAIN, VectorTensor::CellGain, row(0));
            take(first + CELL_BIAS, VectorTensor::CellBias, row(0));
        }
    }

    /// Tells `take` of the vectors that are added to normalised gates: their numbers, and where they lie in both biases.
    pub(crate) fn for_gate_biases(self, units: usize, mut take: impl FnMut(usize, Range<usize>)) {
        for (index, gate) in self.gate_slots().enumerate() {
            take(self.norm_vectors() + GATE_BIASES + gate, index * units..(index + 1) * units);
        }
    }

    /// The slots of the tensors' gates.
    fn gate_slots(self) -> impl Iterator<Item = usize> {
        let order = if self.coupled { COUPLED_ORDER } else { ORDER };
        (0..4).filter(move |&slot| order.input[slot].is_some())
    }

    /// The first vector of the normalisation.
    pub(crate) fn norm_vectors(self) -> usize {
        if self.peepholes { 3 } else { 0 }
    }
}

/// A tensor of trained vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VectorTensor {
    Peepholes,
    Gains,
    Biases,
    CellGain,
    CellBias,
}

impl VectorTensor {
    /// It, among a layer's.
    pub(crate) fn of<T>(self, tensors: &DirectionTensors<T>) -> &T {
        match self {
            Self::Peepholes => &tensors.weight_peephole,
            Self::Gains => &tensors.gain_gates,
            Self::Biases => &tensors.bias_ih,
            Self::CellGain => &tensors.gain_cell,
            Self::CellBias => &tensors.bias_cell,
        }
    }

    /// The same, to be changed.
    pub(crate) fn of_mut<T>(self, tensors: &mut DirectionTensors<T>) -> &mut T {
        match self {
            Self::Peepholes => &mut tensors.weight_peephole,
            Self::Gains => &mut tensors.gain_gates,
            Self::Biases => &mut tensors.bias_ih,
            Self::CellGain => &mut tensors.gain_cell,
            Self::CellBias => &mut tensors.bias_cell,
        }
    }
}

/// The cell; `PLAIN` if it has no options, which the compiler then leaves out.
#[derive(Clone, Copy)]
pub(crate) struct Lstm<const PLAIN: bool> {
    pub(crate) options: LstmOptions,
}

/// The gates i, f, g, o of one vector of units.
pub(crate) type Gates<V> = [V; 4];

impl<const PLAIN: bool> Lstm<PLAIN> {
    #[inline(always)]
    pub(super) fn options(self) -> LstmOptions {
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

    /// z + p ∘ c for the peephole of gate i (0), f (1) or o (2).
    ///
    /// # Safety
    /// The trained vectors are readable.
    #[inline(always)]
    unsafe fn seeing<I: KernelIsa>(
        self,
        isa: I,
        z: I::F32,
        c: I::F32,
        vectors: *const f32,
        (gate, stride): (usize, usize),
    ) -> I::F32 {
        if !self.options().peepholes {
            return z;
        }
        let ops = isa.f32();
        // SAFETY: the caller answers for it.
        ops.mul_add(unsafe { ops.load_ptr(vectors.add(gate * stride)) }, c, z)
    }

    /// From pre-activations to the gates, the new cell state, and the latter before it was clipped.
    ///
    /// # Safety
    /// The trained vectors are readable.
    #[inline(always)]
    pub(super) unsafe fn step<I: KernelIsa>(
        self,
        isa: I,
        z: Gates<I::F32>,
        c_before: I::F32,
        vectors: *const f32,
        stride: usize,
    ) -> (Gates<I::F32>, I::F32) {
        let ops = isa.f32();
        let LstmOptions { coupled, .. } = self.options();
        // SAFETY: the caller answers for the vectors.
        unsafe {
            let i = self.gate(isa, self.seeing(isa, z[0], c_before, vectors, (0, stride)));
            let f = if coupled {
                ops.sub(ops.one(), i)
            } else {
                self.gate(isa, self.seeing(isa, z[1], c_before, vectors, (1, stride)))
            };
            let g = tanh(isa, z[2]);
            let c = self.clip(isa, ops.mul_add(f, c_before, ops.mul(i, g)));
            let o = self.gate(isa, self.seeing(isa, z[3], c, vectors, (2, stride)));
            ([i, f, g, o], c)
        }
    }

    /// A cell state within its limits.
    #[inline(always)]
    pub(super) fn clip<I: KernelIsa>(self, isa: I, c: I::F32) -> I::F32 {
        let LstmOptions { clip, .. } = self.options();
        if PLAIN { c } else { isa.at_least(isa.at_most(c, clip), -clip) }
    }

    /// From the gradients of the output gate and of the cell state to those of the pre-activations. Reads and writes what
    /// is carried, and adds to the peepholes' gradients.
    ///
    /// # Safety
    /// The pointers are readable and writable as [`BackwardUnit`] says.
    #[inline(always)]
    pub(super) unsafe fn gradients<I: KernelIsa>(
        self,
        isa: I,
        [i, f, g, o]: Gates<I::F32>,
        d_o: I::F32,
        dc: I::F32,
        at: BackwardUnit,
    ) -> Gates<I::F32> {
        let ops = isa.f32();
        let LstmOptions { coupled, clip, peepholes, zoneout, .. } = self.options();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let c_before = ops.load_ptr(at.cell_before);
            let mut carried = ops.load_ptr(at.carried);
            let mut kept = ops.zero();
            if zoneout > 0.0 {
                kept = ops.mul(at.cell_keep.load(isa), carried);
                carried = ops.sub(carried, kept);
            }
            let dz_o = ops.mul(d_o, self.gate_slope(isa, o));
            let mut dc = ops.add(dc, carried);
            if !PLAIN {
                let unclipped = ops.mul_add(f, c_before, ops.mul(i, g));
                if peepholes {
                    let c = self.clip(isa, unclipped);
                    dc = ops.mul_add(dz_o, ops.load_ptr(at.vectors.add(2 * at.slot_stride)), dc);
                    add(isa, at.vector_gradients.add(2 * at.slot_stride), ops.mul(dz_o, c));
                }
                dc = ops.select(dc, ops.zero(), ops.lt(ops.abs(unclipped), ops.splat(clip)));
            }
            let [mut di, mut df, dg] = [ops.mul(dc, g), ops.mul(dc, c_before), ops.mul(dc, i)];
            if coupled {
                di = ops.sub(di, df);
                df = ops.zero();
            }
            let dz_i = ops.mul(di, self.gate_slope(isa, i));
            let dz_f = ops.mul(df, self.gate_slope(isa, f));
            let mut dc_before = ops.mul(dc, f);
            if peepholes {
                for (gate, dz) in [dz_i, dz_f].into_iter().enumerate() {
                    let vector = gate * at.slot_stride;
                    dc_before = ops.mul_add(dz, ops.load_ptr(at.vectors.add(vector)), dc_before);
                    add(isa, at.vector_gradients.add(vector), ops.mul(dz, c_before));
                }
            }
            if zoneout > 0.0 {
                dc_before = ops.add(dc_before, kept);
            }
            ops.store_ptr(dc_before, at.carried);
            [dz_i, dz_f, ops.mul(dg, tanh_slope(isa, g)), dz_o]
        }
    }
}

/// Adds to the vector at `sum`.
///
/// # Safety
/// It is readable and writable.
#[inline(always)]
pub(super) unsafe fn add<I: KernelIsa>(isa: I, sum: *mut f32, value: I::F32) {
    let ops = isa.f32();
    // SAFETY: the caller answers for it.
    unsafe { ops.store_ptr(ops.add(ops.load_ptr(sum), value), sum) };
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
    unsafe fn forward<I: KernelIsa>(self, isa: I, training: bool, at: ForwardUnit) {
        let ops = isa.f32();
        // SAFETY: the caller answers for the pointers.
        unsafe {
            let z = [0, 1, 2, 3].map(
                #[inline(always)]
                |index| ops.load_ptr(at.preactivations.add(index * I::LANES)),
            );
            let c_before = ops.load_ptr(at.cell_before);
            let (gates, c) = self.step(isa, z, c_before, at.vectors, at.slot_stride);
            let kept = if self.options().zoneout > 0.0 { at.cell_keep.mix(isa, c_before, c) } else { c };
            ops.store_ptr(kept, at.cell);
            ops.store_ptr(ops.mul(gates[3], tanh(isa, c)), at.hidden);
            if training {
                for (index, value) in gates.into_iter().enumerate() {
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
            let gates = [0, 1, 2, 3].map(
                #[inline(always)]
                |index| ops.load_ptr(at.slots.add(index * at.slot_stride)),
            );
            let [i, f, g, o] = gates;
            let c = if self.options().zoneout > 0.0 {
                // What was kept instead of it is all that is left in memory.
                self.clip(isa, ops.mul_add(f, ops.load_ptr(at.cell_before), ops.mul(i, g)))
            } else {
                ops.load_ptr(at.cell)
            };
            let tanh_c = tanh(isa, c);
            let dc = ops.mul(ops.mul(dh, o), tanh_slope(isa, tanh_c));
            let dgates = self.gradients(isa, gates, ops.mul(dh, tanh_c), dc, at);
            for (index, value) in dgates.into_iter().enumerate() {
                ops.store_ptr(value, at.slots.add(index * at.slot_stride));
            }
        }
        ops.zero()
    }
}

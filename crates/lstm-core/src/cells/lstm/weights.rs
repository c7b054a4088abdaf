//! A layer's weights: as users see them, and packed for the kernels.

use super::Shape;
use crate::Result;
use crate::kernels::panels::{pack_biases, pack_for_gradient, pack_gates, packed_length};
use crate::memory::{AlignedBuffer, Plan, Region, disjoint};

/// The four tensors of a layer, row-major, gates in the order i, f, g, o.
#[derive(Clone, Copy)]
pub(crate) struct Weights<'a> {
    /// [4H, I]
    pub(crate) weight_ih: &'a [f32],
    /// [4H, H]
    pub(crate) weight_hh: &'a [f32],
    /// `[4H]`
    pub(crate) bias_ih: &'a [f32],
    /// `[4H]`
    pub(crate) bias_hh: &'a [f32],
}

/// The weights in the order in which the kernels read them.
pub(crate) struct PackedWeights {
    pub(crate) shape: Shape,
    lanes: usize,
    memory: AlignedBuffer,
    gates: Region,
    biases: Region,
    recurrent: Region,
    input: Region,
}

impl PackedWeights {
    /// Room for a layer's weights; `gradients` says whether the backward pass's operands are wanted too, of which
    /// `input_gradient` says whether the gradient of the input is one.
    pub(crate) fn new(shape: Shape, lanes: usize, gradients: bool, input_gradient: bool) -> Result<Self> {
        let gate_columns = 4 * shape.padded_units;
        let when = |wanted: bool, length: usize| if wanted { length } else { 0 };
        let mut plan = Plan::default();
        let gates = plan.take((shape.input_size + shape.units) * gate_columns);
        let biases = plan.take(gate_columns);
        let recurrent = plan.take(when(gradients, packed_length(gate_columns, shape.units, lanes)));
        let input = plan.take(when(gradients && input_gradient, packed_length(gate_columns, shape.input_size, lanes)));
        Ok(Self { shape, lanes, memory: AlignedBuffer::zeros(plan.length())?, gates, biases, recurrent, input })
    }

    /// Packs new values.
    pub(crate) fn pack(&mut self, weights: Weights) {
        let Shape { units, padded_units, .. } = self.shape;
        let [gates, biases, recurrent, input] =
            disjoint(&mut self.memory, [self.gates, self.biases, self.recurrent, self.input]);
        pack_gates(gates, weights.weight_ih, weights.weight_hh, units, self.lanes);
        pack_biases(biases, weights.bias_ih, weights.bias_hh, units, self.lanes);
        if !recurrent.is_empty() {
            pack_for_gradient(recurrent, weights.weight_hh, units, padded_units, self.lanes);
        }
        if !input.is_empty() {
            pack_for_gradient(input, weights.weight_ih, units, padded_units, self.lanes);
        }
    }

    /// Panels of the gates, depth I + H.
    pub(crate) fn gates(&self) -> &[f32] {
        &self.memory[self.gates.range()]
    }

    /// `b_ih + b_hh` in the order of the gates' panels.
    pub(crate) fn biases(&self) -> &[f32] {
        &self.memory[self.biases.range()]
    }

    /// `W_hh` as the right operand of `dgates · W_hh`.
    pub(crate) fn recurrent(&self) -> &[f32] {
        &self.memory[self.recurrent.range()]
    }

    /// `W_ih` as the right operand of `dgates · W_ih`; empty unless the input's gradient is wanted.
    pub(crate) fn input(&self) -> &[f32] {
        &self.memory[self.input.range()]
    }
}

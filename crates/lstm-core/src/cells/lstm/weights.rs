//! A layer's weights: as users see them, and packed for the kernels.

use super::Shape;
use crate::Result;
use crate::executor::Executor;
use crate::kernels::panels::{pack_biases, pack_gates_panel, pack_gradient_panel, packed_length, panels};
use crate::kernels::tile::TILE_VECTORS;
use crate::memory::{AlignedBuffer, Plan, Region, SharedRows, disjoint};

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

    /// Packs new values, panel by panel, shared out over threads.
    pub(crate) fn pack(&mut self, executor: &Executor, weights: Weights) {
        let Shape { input_size, units, padded_units } = self.shape;
        let lanes = self.lanes;
        let [gates, biases, recurrent, input] =
            disjoint(&mut self.memory, [self.gates, self.biases, self.recurrent, self.input]);
        pack_biases(biases, weights.bias_ih, weights.bias_hh, units, lanes);
        let depth = input_size + units;
        let gate_panel = depth * TILE_VECTORS * lanes;
        let gate_panels = padded_units / lanes;
        let gradients = [(recurrent, weights.weight_hh, units), (input, weights.weight_ih, input_size)];
        let gradients = gradients.map(|(packed, weight, columns)| {
            let columns = if packed.is_empty() { 0 } else { columns };
            (SharedRows::new(packed), weight, columns)
        });
        let gates = SharedRows::new(gates);
        let panel = |packed: SharedRows, start: usize, length: usize| {
            assert!(start + length <= packed.length());
            // SAFETY: within the region as just asserted, and each panel is packed by one thread.
            unsafe { std::slice::from_raw_parts_mut(packed.at(start), length) }
        };
        // Packing takes as long as some hundred operations a number: into two orders, through two levels of cache.
        let parts = executor.parts(100 * 4 * units * depth);
        executor.run(parts, |part| {
            for index in (part..gate_panels).step_by(parts) {
                let target = panel(gates, index * gate_panel, gate_panel);
                pack_gates_panel(target, index, weights.weight_ih, weights.weight_hh, units, lanes);
            }
            for (packed, weight, columns) in gradients {
                for (first, vectors) in panels(columns, lanes).skip(part).step_by(parts) {
                    let depth = 4 * padded_units;
                    let target = panel(packed, depth * first, depth * vectors * lanes);
                    pack_gradient_panel(target, (first, vectors), weight, units, padded_units, lanes);
                }
            }
        });
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

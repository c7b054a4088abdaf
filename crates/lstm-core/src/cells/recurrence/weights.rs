//! A layer's weights: as users see them, and packed for the kernels.

use super::Shape;
use crate::Result;
use crate::executor::Executor;
use crate::kernels::panels::{GatePacking, pack_biases, pack_gradient_panel, packed_length, panels};
use crate::memory::{AlignedBuffer, Plan, Region, SharedRows, disjoint};
use crate::network::definition::DirectionTensors;

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
        let when = |wanted: bool, length: usize| if wanted { length } else { 0 };
        let order = shape.recurrence.gate_order();
        let depth = |slots: &[Option<usize>]| slots.len() * shape.padded_units;
        let mut plan = Plan::default();
        let gates = plan.take(shape.packed_gates(lanes));
        let biases = plan.take(shape.packed_biases(lanes));
        let recurrent = plan.take(when(gradients, packed_length(depth(order.hidden), shape.units, lanes)));
        let input =
            plan.take(when(gradients && input_gradient, packed_length(depth(order.input), shape.input_size, lanes)));
        Ok(Self { shape, lanes, memory: AlignedBuffer::zeros(plan.length())?, gates, biases, recurrent, input })
    }

    /// Packs new values, panel by panel, shared out over threads.
    pub(crate) fn pack(&mut self, executor: &Executor, weights: DirectionTensors<&[f32]>) {
        let Shape { input_size, units, padded_units, .. } = self.shape;
        let (shape, lanes) = (self.shape, self.lanes);
        let order = shape.recurrence.gate_order();
        let DirectionTensors { weight_ih, weight_hh, bias_ih, bias_hh } = weights;
        let [gates, biases, recurrent, input] =
            disjoint(&mut self.memory, [self.gates, self.biases, self.recurrent, self.input]);
        pack_biases(biases, order, bias_ih, bias_hh, units, lanes);
        let gate_panels = GatePacking { order, weight_ih, weight_hh, units, lanes };
        let gradients = [(recurrent, weight_hh, units, order.hidden), (input, weight_ih, input_size, order.input)].map(
            |(packed, weight, columns, slots)| {
                let wanted = if packed.is_empty() { 0 } else { columns };
                (SharedRows::new(packed), weight, columns, wanted, slots)
            },
        );
        let gates = SharedRows::new(gates);
        let panel = |packed: SharedRows, start: usize, length: usize| {
            assert!(start + length <= packed.length());
            // SAFETY: within the region as just asserted, and each panel is packed by one thread.
            unsafe { std::slice::from_raw_parts_mut(packed.at(start), length) }
        };
        // Packing takes as long as some hundred operations a number: into two orders, through two levels of cache.
        let parts = executor.parts(100 * order.gates * units * (input_size + units));
        executor.run(parts, |part| {
            let length = shape.packed_panel(lanes);
            for index in (part..shape.panels(lanes)).step_by(parts) {
                gate_panels.panel(panel(gates, index * length, length), index);
            }
            for (packed, weight, columns, wanted, slots) in gradients {
                let depth = slots.len() * padded_units;
                for (first, vectors) in panels(wanted, lanes).skip(part).step_by(parts) {
                    let target = panel(packed, depth * first, depth * vectors * lanes);
                    pack_gradient_panel(target, (first, vectors), weight, columns, slots, padded_units, lanes);
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

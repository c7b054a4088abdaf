//! A layer's weights, packed for the kernels.

use super::{Recurrence, Shape};
use crate::Result;
use crate::cells::gru::NEW_GATE;
use crate::executor::Executor;
use crate::kernels::panels::{GatePacking, pack_biases, pack_gradient_panel, packed_length, panels};
use crate::kernels::product::{pack_matrix, pack_transposed};
use crate::memory::{AlignedBuffer, Plan, Region, SharedRows, disjoint};
use crate::network::definition::{DirectionTensors, Reset};

/// The weights in the order in which the kernels read them.
pub(crate) struct PackedWeights {
    pub(crate) shape: Shape,
    lanes: usize,
    memory: AlignedBuffer,
    gates: Region,
    biases: Region,
    recurrent: Region,
    input: Region,
    vectors: Region,
    second: SecondMatrix,
}

/// The matrix of the product that a step has beside that of its gates: the projection's, or that of the new hidden state of a
/// GRU with its reset gate before the product. Empty where there is none.
#[derive(Clone, Copy)]
struct SecondMatrix {
    /// Its rows as columns: the right operand of `state · Wᵀ`.
    forward: Region,
    /// The right operand of `gradient · W`.
    backward: Region,
    /// Its columns.
    columns: usize,
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
        let recurrent = plan.take(when(gradients, packed_length(depth(order.hidden), shape.hidden, lanes)));
        let input =
            plan.take(when(gradients && input_gradient, packed_length(depth(order.input), shape.input_size, lanes)));
        let vectors = plan.take(shape.vectors() * shape.padded_units);
        let (rows, columns) = match shape.recurrence {
            Recurrence::Gru(Reset::Before) => (shape.units, shape.units),
            _ if shape.projected => (shape.hidden, shape.units),
            _ => (0, 0),
        };
        let second = SecondMatrix {
            forward: plan.take(packed_length(columns, rows, lanes)),
            backward: plan.take(when(gradients, packed_length(rows, columns, lanes))),
            columns,
        };
        let memory = AlignedBuffer::zeros(plan.length())?;
        Ok(Self { shape, lanes, memory, gates, biases, recurrent, input, vectors, second })
    }

    /// Numbers that they take.
    pub(crate) fn length(&self) -> usize {
        self.memory.len()
    }

    /// Packs new values, panel by panel, shared out over threads.
    pub(crate) fn pack(&mut self, executor: &Executor, weights: DirectionTensors<&[f32]>) {
        let (shape, lanes) = (self.shape, self.lanes);
        let Shape { input_size, units, padded_units, hidden, .. } = shape;
        let order = shape.recurrence.gate_order();
        self.pack_biases(&weights);
        self.pack_vectors(&weights);
        self.pack_second(&weights);
        let DirectionTensors { weight_ih, weight_hh, .. } = weights;
        let [gates, recurrent, input] = disjoint(&mut self.memory, [self.gates, self.recurrent, self.input]);
        let gate_panels = GatePacking { order, weight_ih, weight_hh, units, lanes };
        // Those of the gates that the hidden state's first product has.
        let first_hh = &weight_hh[..order.hidden.iter().flatten().count() * units * hidden];
        let gradients = [(recurrent, first_hh, hidden, order.hidden), (input, weight_ih, input_size, order.input)].map(
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
        let parts = executor.parts(100 * order.gates * units * (input_size + hidden));
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

    /// What tiles start from. Normalised pre-activations get their biases later.
    fn pack_biases(&mut self, weights: &DirectionTensors<&[f32]>) {
        let (shape, lanes, units) = (self.shape, self.lanes, self.shape.units);
        let biases = &mut self.memory[self.biases.range()];
        if shape.normalised() {
            return;
        }
        let order = shape.recurrence.gate_order();
        pack_biases(biases, order, weights.bias_ih, weights.bias_hh, units, lanes);
        if shape.recurrence == Recurrence::Gru(Reset::Before) && !weights.bias_hh.is_empty() {
            // Both biases of n are added before its second product, which has no start of its own: slot 0.
            let width = order.slots() * lanes;
            for (unit, bias) in weights.bias_hh[NEW_GATE * units..].iter().enumerate() {
                biases[unit / lanes * width + unit % lanes] += bias;
            }
        }
    }

    /// The trained vectors, in the order in which `cells` counts them.
    fn pack_vectors(&mut self, weights: &DirectionTensors<&[f32]>) {
        let Some(options) = self.shape.lstm() else { return };
        let Shape { units, padded_units, .. } = self.shape;
        let vectors = &mut self.memory[self.vectors.range()];
        options.for_vectors(units, |vector, tensor, range| {
            let values = tensor.of(weights).get(range).unwrap_or_default();
            for (target, value) in vectors[vector * padded_units..].iter_mut().zip(values) {
                *target = *value;
            }
        });
        if options.layer_norm && !weights.bias_hh.is_empty() {
            options.for_gate_biases(units, |vector, range| {
                for (target, value) in vectors[vector * padded_units..].iter_mut().zip(&weights.bias_hh[range]) {
                    *target += *value;
                }
            });
        }
    }

    fn pack_second(&mut self, weights: &DirectionTensors<&[f32]>) {
        let SecondMatrix { forward, backward, columns, .. } = self.second;
        if columns == 0 {
            return;
        }
        let matrix = if self.shape.projected {
            weights.weight_hr
        } else {
            &weights.weight_hh[NEW_GATE * self.shape.units * columns..]
        };
        let [forward, backward] = disjoint(&mut self.memory, [forward, backward]);
        pack_transposed(forward, matrix, columns, self.lanes);
        if !backward.is_empty() {
            pack_matrix(backward, matrix, columns, self.lanes);
        }
    }

    /// Panels of the gates, depth I + R.
    pub(crate) fn gates(&self) -> &[f32] {
        &self.memory[self.gates.range()]
    }

    /// What the tiles of the gates' panels start from, in their order.
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

    /// [vectors, H padded]: what the cell reads for itself.
    pub(crate) fn vectors(&self) -> &[f32] {
        &self.memory[self.vectors.range()]
    }

    /// The step's second matrix, transposed as the right operand of the forward pass.
    pub(crate) fn second(&self) -> &[f32] {
        &self.memory[self.second.forward.range()]
    }

    /// The same as the right operand of the backward pass.
    pub(crate) fn second_backward(&self) -> &[f32] {
        &self.memory[self.second.backward.range()]
    }
}

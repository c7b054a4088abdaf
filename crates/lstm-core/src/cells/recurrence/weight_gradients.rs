//! The gradients of a layer's weights: products over all packed rows at once, and sums over rows.

use super::scratch::outer_scratch;
use super::{LayerBatch, Recurrence, Shape};
use crate::cells::gru::{NEW_GATE, RESET_SLOT};
use crate::kernels::outer::{OuterProduct, Right, Segmented, outer_product};
use crate::kernels::tile::TILE_VECTORS;
use crate::memory::SharedRows;
use crate::network::definition::{DirectionTensors, Reset};

/// What the gradients are made of, P packed rows.
pub(super) struct Operands<'a> {
    /// [P, slots]: the gradients of the pre-activations.
    pub(super) dgates: &'a [f32],
    /// [B + P, R]: the hidden states as the gates saw them.
    pub(super) seen: &'a [f32],
    /// [P, R]: the gradients of what is projected to hidden states.
    pub(super) projected: &'a [f32],
    /// [P, H]: what is projected.
    pub(super) said: &'a [f32],
    /// [B, vectors, H]: each row's sums of the gradients of the trained vectors.
    pub(super) vectors: &'a [f32],
}

/// `dW = Σ dgatesᵀ · [x, h]` and `db = Σ dgates`, and the gradients of what the layer's options have.
pub(super) fn weight_gradients(
    job: LayerBatch,
    parts: usize,
    operands: Operands,
    gradients: DirectionTensors<&mut [f32]>,
    scratch: &mut [f32],
) {
    let shape = job.weights.shape;
    let Shape { recurrence, input_size, units, padded_units, hidden, padded_hidden, .. } = shape;
    let order = recurrence.gate_order();
    let mut gradients = gradients;
    let [ih, hh] = [&mut *gradients.weight_ih, &mut *gradients.weight_hh].map(SharedRows::new);
    let from_hidden = Right {
        values: operands.seen,
        row_stride: padded_hidden,
        columns: hidden,
        index: Some(job.sequences.states_before(job.direction)),
        gradient: hh,
        gradient_stride: hidden,
        gradient_column: 0,
    };
    // The input's columns are at most two pieces.
    let mut rights = [from_hidden; 3];
    let mut count = 1;
    for columns in job.x.columns() {
        rights[count] = Right {
            values: columns.values,
            row_stride: columns.stride,
            columns: columns.count,
            index: None,
            gradient: ih,
            gradient_stride: input_size,
            gradient_column: if count == 1 { 0 } else { job.x.first.count },
        };
        count += 1;
    }
    let mut products = Products { job, parts, scratch };
    let gates = |slots: &[Option<usize>], first: usize| {
        let mut segments = [0; TILE_VECTORS];
        for (slot, gate) in slots.iter().enumerate() {
            if let Some(gate) = gate {
                segments[*gate] = (first + slot) * padded_units;
            }
        }
        (segments, slots.iter().flatten().count())
    };
    let left =
        |segments| Segmented { values: operands.dgates, row_stride: shape.gate_stride(), segments, columns: units };
    let (from_input, input_gates) = gates(order.input, 0);
    let (from_state, state_gates) = gates(order.hidden, order.hidden_slot);
    let from_input = left(&from_input[..input_gates]);
    let bias = optional(if shape.normalised() { &mut [] } else { gradients.bias_ih });
    if order.hidden_slot == 0 {
        products.add(from_input, &rights[..count], bias);
    } else {
        products.add(from_input, &rights[1..count], bias);
        let separate = recurrence == Recurrence::Gru(Reset::After);
        let bias = optional(if separate { gradients.bias_hh } else { &mut [] });
        products.add(left(&from_state[..state_gates]), &rights[..1], bias);
    }
    if recurrence == Recurrence::Gru(Reset::Before) {
        let reset = Right {
            values: &operands.dgates[RESET_SLOT * padded_units..],
            row_stride: shape.gate_stride(),
            index: None,
            gradient: hh.skip(NEW_GATE * units * hidden),
            ..from_hidden
        };
        products.add(left(&[0]), &[reset], None);
    }
    if shape.projected {
        let left = Segmented { values: operands.projected, row_stride: padded_hidden, segments: &[0], columns: hidden };
        let said = Right {
            values: operands.said,
            row_stride: padded_units,
            columns: units,
            index: None,
            gradient: SharedRows::new(gradients.weight_hr),
            gradient_stride: units,
            gradient_column: 0,
        };
        products.add(left, &[said], None);
    }
    if let Some(options) = shape.lstm() {
        let length = shape.vectors() * padded_units;
        options.for_vectors(units, |vector, tensor, range| {
            let Some(gradient) = tensor.of_mut(&mut gradients).get_mut(range) else { return };
            gradient.fill(0.0);
            for row in operands.vectors.chunks_exact(length).take(job.sequences.batch()) {
                gradient.iter_mut().zip(&row[vector * padded_units..]).for_each(|(sum, value)| *sum += value);
            }
        });
    }
    if recurrence != Recurrence::Gru(Reset::After) {
        // Both biases are added to the same pre-activation.
        gradients.bias_hh.copy_from_slice(gradients.bias_ih);
    }
}

fn optional(bias: &mut [f32]) -> Option<SharedRows<'_>> {
    (!bias.is_empty()).then(|| SharedRows::new(bias))
}

/// Products over all packed rows, each with its output rows shared out over threads.
struct Products<'a> {
    job: LayerBatch<'a>,
    parts: usize,
    scratch: &'a mut [f32],
}

impl Products<'_> {
    /// Runs the products that share a left operand.
    fn add(&mut self, left: Segmented, rights: &[Right], bias_gradient: Option<SharedRows>) {
        let LayerBatch { set, executor, weights, sequences, .. } = self.job;
        let parts = self.parts;
        let product = OuterProduct { rows: sequences.packed_rows(), left, rights, bias_gradient };
        let outputs = left.segments.len() * left.columns;
        let part_scratch = outer_scratch(weights.shape, set.lanes());
        let scratch = SharedRows::new(self.scratch);
        assert!(scratch.length() >= parts * part_scratch);
        executor.run(parts, |part| {
            // SAFETY: every part has output rows and scratch of its own.
            unsafe {
                let scratch = std::slice::from_raw_parts_mut(scratch.at(part * part_scratch), part_scratch);
                outer_product(set, product, outputs * part / parts..outputs * (part + 1) / parts, scratch);
            }
        });
    }
}

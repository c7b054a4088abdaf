//! What a backward pass needs for itself: sums that wait to be added up, and gradients on their way.

use super::{LayerBatch, Shape};
use crate::kernels::outer::scratch_length;
use crate::memory::{Plan, Region, disjoint};

/// Where everything lies in one region of memory; B rows, P packed rows, H padded units, R padded numbers of hidden state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScratchLayout {
    length: usize,
    regions: [Region; 5],
}

/// The pieces; those that a layer does not need are empty.
pub(super) struct Scratch<'a> {
    /// [B, R]: the part of the hidden states' gradients that passes by the weights to the step before.
    pub(super) direct: &'a mut [f32],
    /// [P, R]: the gradients of what is projected to hidden states.
    pub(super) projected: &'a mut [f32],
    /// [B, H]: the gradients of what the cells said, or of what their second product is of.
    pub(super) said: &'a mut [f32],
    /// [B, vectors, H]: each row's sums of the gradients of the trained vectors.
    pub(super) vectors: &'a mut [f32],
    /// For the products of the weight gradients.
    pub(super) outer: &'a mut [f32],
}

impl ScratchLayout {
    /// The layout for a batch on `parts` threads.
    pub(crate) fn new(shape: Shape, lanes: usize, parts: usize, batch: usize, packed_rows: usize) -> Self {
        let when = |wanted: bool, length: usize| if wanted { length } else { 0 };
        let Shape { padded_units, padded_hidden, .. } = shape;
        let mut plan = Plan::default();
        let regions = [
            plan.take(when(shape.has_direct_gradient(), batch * padded_hidden)),
            plan.take(when(shape.projected, packed_rows * padded_hidden)),
            plan.take(when(shape.projected || shape.deferred(), batch * padded_units)),
            plan.take(batch * shape.vectors() * padded_units),
            plan.take(parts * outer_scratch(shape, lanes)),
        ];
        Self { length: plan.length(), regions }
    }

    pub(super) fn of(job: LayerBatch) -> Self {
        let LayerBatch { set, executor, weights, sequences, .. } = job;
        Self::new(weights.shape, set.lanes(), executor.threads(), sequences.batch(), sequences.packed_rows())
    }

    /// Numbers that it takes.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The pieces in memory of this layout.
    pub(super) fn carve<'a>(&self, memory: &'a mut [f32]) -> Scratch<'a> {
        let [direct, projected, said, vectors, outer] = disjoint(memory, self.regions);
        Scratch { direct, projected, said, vectors, outer }
    }
}

/// Numbers that one thread needs for the products of the weight gradients.
pub(super) fn outer_scratch(shape: Shape, lanes: usize) -> usize {
    let gates = scratch_length(shape.gates() * shape.units, shape.input_size + shape.hidden, lanes);
    let projection = if shape.projected { scratch_length(shape.hidden, shape.units, lanes) } else { 0 };
    gates.max(projection)
}

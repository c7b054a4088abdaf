//! How a layer's time loop is shared out over threads, forward and backward alike.
//!
//! Rows need nothing of each other: given enough of them, each thread runs its own through all steps and meets nobody.
//! With few rows, reading the weights is what takes the time: then each thread takes all rows of its own units, so that
//! its part of the weights stays in its cache, and the threads meet once a step to exchange the hidden states or the
//! gate gradients. Either way each number is computed by one thread in the same order of sums.

use std::ops::Range;

use super::LayerBatch;
use crate::executor::Barrier;
use crate::kernels::tile::TILE_VECTORS;

/// Rows a thread that are enough to keep its multiply-add units busy with weights that come from the second-level cache.
const ENOUGH_ROWS: usize = 4;

/// Floating-point operations a step and thread below which meeting takes longer than it saves: some 2 µs of work.
const WORTH_MEETING: usize = 200_000;

/// What one thread computes.
#[derive(Clone)]
pub(super) struct Share<'a> {
    pub(super) rows: Range<usize>,
    /// Units, among the padded ones: whole panels of [`TILE_VECTORS`] vectors but for the last.
    pub(super) units: Range<usize>,
    /// Numbers of the hidden state likewise.
    pub(super) hidden: Range<usize>,
    /// Where the threads meet after each step, if they share the units.
    pub(super) meeting: Option<&'a Barrier>,
}

impl Share<'_> {
    /// Waits for the other threads, if they share the units.
    #[inline(always)]
    pub(super) fn meet(&self) {
        if let Some(barrier) = self.meeting {
            barrier.wait();
        }
    }
}

/// Runs `job` for every share of the layer's time loop, all at once.
pub(super) fn share_out(batch: LayerBatch, job: impl Fn(Share) + Sync) {
    let LayerBatch { executor, sequences, .. } = batch;
    let shape = batch.weights.shape;
    let rows = sequences.batch();
    let all = || Share { rows: 0..rows, units: 0..shape.padded_units, hidden: 0..shape.padded_hidden, meeting: None };
    let parts = executor.parts(sequences.packed_rows() * shape.operations());
    let panel = TILE_VECTORS * batch.set.lanes();
    let panels = shape.padded_units.div_ceil(panel);
    let unit_parts = parts.min(panels).min(rows * shape.operations() / WORTH_MEETING);
    // A normalised row needs all of its units together.
    if rows < ENOUGH_ROWS * parts && unit_parts > 1 && !shape.normalised() {
        let barrier = Barrier::new(unit_parts);
        let part_of = |numbers: usize, part: usize| {
            let panels = numbers.div_ceil(panel);
            let start = |part: usize| (panels * part / unit_parts * panel).min(numbers);
            start(part)..start(part + 1)
        };
        executor.run(unit_parts, |part| {
            let (units, hidden) = (part_of(shape.padded_units, part), part_of(shape.padded_hidden, part));
            job(Share { units, hidden, meeting: Some(&barrier), ..all() });
        });
        return;
    }
    // Threads that computed the input's product ahead for their own rows would do so for the others' too.
    let parts = if batch.input_ahead() { 1 } else { parts.min(rows) };
    executor.run(parts, |part| {
        let start = |part| sequences.part_start(part, parts);
        job(Share { rows: start(part)..start(part + 1), ..all() });
    });
}

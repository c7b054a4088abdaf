//! The forward pass: time, then panels of units, then tiles of rows; the gates are applied while the tile is hot.

use std::mem::MaybeUninit;
use std::ops::Range;

use rten_simd::ops::{BitOps, NumOps};

use super::{LayerBatch, Shape};
use crate::cells::sequences::Sequences;
use crate::kernels::activations::{sigmoid, tanh};
use crate::kernels::instruction_set::{Kernel, KernelIsa, MAX_LANES, MAX_ROWS, dispatch};
use crate::kernels::tile::{Left, TILE_VECTORS, load, multiply_add, store, with_rows};
use crate::memory::{ReadRows, SharedRows};

/// What a forward pass writes, P standing for packed rows, B for the batch, H for the padded units.
pub(crate) struct Activations<'a> {
    /// [B + P, H]: the initial hidden states of the rows, filled in by the caller, then each packed row's.
    pub(crate) hidden: &'a mut [f32],
    /// Cell states likewise, [B + P, H]; without `saved` only [B, H], replaced step by step.
    pub(crate) cells: &'a mut [f32],
    /// What the backward pass needs.
    pub(crate) saved: Option<Saved<'a>>,
}

/// What the backward pass needs of the forward pass.
pub(crate) struct Saved<'a> {
    /// [P, 4, H]: the gates i, f, g, o after their activations.
    pub(crate) gates: &'a mut [f32],
    /// [P, H]: tanh(c).
    pub(crate) tanh_cells: &'a mut [f32],
}

/// Runs a layer over a batch.
pub(crate) fn forward(job: LayerBatch, activations: Activations) {
    let LayerBatch { set, executor, weights, sequences, x, x_stride } = job;
    let shape = weights.shape;
    let (batch, packed) = (sequences.batch(), sequences.packed_rows());
    let training = activations.saved.is_some();
    assert!(x.len() >= packed * x_stride && x_stride >= shape.input_size);
    assert!(activations.hidden.len() >= (batch + packed) * shape.padded_units);
    assert!(activations.cells.len() >= (batch + if training { packed } else { 0 }) * shape.padded_units);
    let (gates, tanh_cells) = activations.saved.map_or((&mut [][..], &mut [][..]), |s| (s.gates, s.tanh_cells));
    if training {
        assert!(gates.len() >= packed * 4 * shape.padded_units && tanh_cells.len() >= packed * shape.padded_units);
    }
    let pass = ForwardPass {
        shape,
        sequences,
        gate_weights: weights.gates(),
        biases: weights.biases(),
        x: x.into(),
        x_stride,
        hidden: SharedRows::new(activations.hidden),
        cells: SharedRows::new(activations.cells),
        gates: SharedRows::new(gates),
        tanh_cells: SharedRows::new(tanh_cells),
    };
    let parts = executor.parts(packed * shape.operations()).min(batch);
    executor.run(parts, |part| {
        let start = |part| sequences.part_start(part, parts, MAX_ROWS);
        let rows = start(part)..start(part + 1);
        if training {
            dispatch(set, ForwardRows::<true> { pass, rows });
        } else {
            dispatch(set, ForwardRows::<false> { pass, rows });
        }
    });
}

#[derive(Clone, Copy)]
struct ForwardPass<'a> {
    shape: Shape,
    sequences: &'a Sequences,
    gate_weights: &'a [f32],
    biases: &'a [f32],
    x: ReadRows<'a>,
    x_stride: usize,
    hidden: SharedRows<'a>,
    cells: SharedRows<'a>,
    gates: SharedRows<'a>,
    tanh_cells: SharedRows<'a>,
}

/// Some rows of the batch, for all of their steps. No row needs another, so parts run without meeting.
struct ForwardRows<'a, const TRAINING: bool> {
    pass: ForwardPass<'a>,
    rows: Range<usize>,
}

impl<const TRAINING: bool> Kernel for ForwardRows<'_, TRAINING> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let sequences = self.pass.sequences;
        for step in 0..sequences.steps() {
            let end = self.rows.end.min(sequences.active(step));
            for panel in 0..self.pass.shape.padded_units / I::LANES {
                for row in (self.rows.start..end).step_by(I::ROWS) {
                    let count = I::ROWS.min(end - row);
                    // SAFETY: the rows are active at this step and this part's own; `forward` checked the sizes.
                    unsafe { with_rows!(count, I, |R| self.tile::<I, R>(isa, step, panel, row)) };
                }
            }
        }
    }
}

impl<const TRAINING: bool> ForwardRows<'_, TRAINING> {
    /// One vector of units of R rows at one step: pre-activations in registers, then the gates.
    ///
    /// # Safety
    /// Rows `row..row + R` are active at `step` and written by this thread alone.
    #[inline(always)]
    unsafe fn tile<I: KernelIsa, const R: usize>(&self, isa: I, step: usize, panel: usize, row: usize) {
        let pass = &self.pass;
        let Shape { input_size, units, padded_units } = pass.shape;
        let width = TILE_VECTORS * I::LANES;
        let packed_row = pass.sequences.offset(step) + row;
        let state_before = pass.sequences.state_before(step) + row;
        let mut tile = MaybeUninit::<[f32; MAX_ROWS * TILE_VECTORS * MAX_LANES]>::uninit();
        let tile = tile.as_mut_ptr().cast::<f32>();
        // SAFETY: packed rows, states and panels are within the sizes that `forward` checked.
        unsafe {
            let weights = pass.gate_weights.as_ptr().add(panel * (input_size + units) * width);
            let x = Left { start: pass.x.at(packed_row * pass.x_stride), row_stride: pass.x_stride, depth_stride: 1 };
            let h =
                Left { start: pass.hidden.at(state_before * padded_units), row_stride: padded_units, depth_stride: 1 };
            let sums: [[I::F32; TILE_VECTORS]; R] = load(isa, pass.biases.as_ptr().add(panel * width), 0);
            let sums = multiply_add(isa, sums, input_size, x, weights);
            let sums = multiply_add(isa, sums, units, h, weights.add(input_size * width));
            store(isa, sums, tile, width);
            for r in 0..R {
                self.gates(isa, tile.add(r * width), packed_row + r, state_before + r, row + r, panel);
            }
        }
    }

    /// The gates and the new state of one vector of units of one row, from its pre-activations [4, LANES].
    ///
    /// # Safety
    /// As [`tile`](Self::tile).
    #[inline(always)]
    unsafe fn gates<I: KernelIsa>(
        &self,
        isa: I,
        preactivations: *const f32,
        packed_row: usize,
        state_before: usize,
        row: usize,
        panel: usize,
    ) {
        let pass = &self.pass;
        let ops = isa.f32();
        let padded_units = pass.shape.padded_units;
        let unit = panel * I::LANES;
        let state = pass.sequences.batch() + packed_row;
        let [cell_before, cell] = if TRAINING { [state_before, state] } else { [row, row] };
        // SAFETY: the row is this thread's; `forward` checked the sizes.
        unsafe {
            let gate = |index: usize| ops.load_ptr(preactivations.add(index * I::LANES));
            let i = sigmoid(isa, gate(0));
            let f = sigmoid(isa, gate(1));
            let g = tanh(isa, gate(2));
            let o = sigmoid(isa, gate(3));
            let c = ops.load_ptr(pass.cells.at(cell_before * padded_units + unit));
            let c = ops.mul_add(f, c, ops.mul(i, g));
            let tanh_c = tanh(isa, c);
            ops.store_ptr(c, pass.cells.at(cell * padded_units + unit));
            ops.store_ptr(ops.mul(o, tanh_c), pass.hidden.at(state * padded_units + unit));
            if TRAINING {
                for (index, value) in [i, f, g, o].into_iter().enumerate() {
                    ops.store_ptr(value, pass.gates.at((packed_row * 4 + index) * padded_units + unit));
                }
                ops.store_ptr(tanh_c, pass.tanh_cells.at(packed_row * padded_units + unit));
            }
        }
    }
}

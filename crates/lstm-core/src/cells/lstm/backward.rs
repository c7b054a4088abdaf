//! The backward pass: the steps in reverse, gate gradients in the place of the gates, one product a step; then the
//! gradients of weights and input as products over all packed rows at once.

use std::ops::Range;

use rten_simd::ops::{BitOps, NumOps};

use super::{LayerBatch, Shape};
use crate::cells::sequences::Sequences;
use crate::kernels::activations::{sigmoid_slope, tanh_slope};
use crate::kernels::instruction_set::{Kernel, KernelIsa, MAX_ROWS, dispatch};
use crate::kernels::outer::{OuterProduct, Right, Segmented, outer_product, scratch_length};
use crate::kernels::product::{Product, Start, multiply};
use crate::memory::{ReadRows, SharedRows};

/// What a backward pass reads and writes, P standing for packed rows, B for the batch, H for the padded units.
pub(crate) struct Gradients<'a> {
    /// [P, 4, H]: the gates as the forward pass saved them; afterwards the gradients of their pre-activations.
    pub(crate) gates: &'a mut [f32],
    /// [P, H]: tanh(c) as the forward pass saved it.
    pub(crate) tanh_cells: &'a [f32],
    /// [B + P, H]: the cell states, initial ones first.
    pub(crate) cells: &'a [f32],
    /// [B + P, H]: the hidden states, initial ones first.
    pub(crate) hidden: &'a [f32],
    /// [P, H]: gradients of the hidden states from above, if every step is used there.
    pub(crate) from_above: Option<&'a [f32]>,
    /// [B, H]: gradients of the final hidden states; afterwards those of the initial ones.
    pub(crate) hidden_state: &'a mut [f32],
    /// [B, H]: gradients of the final cell states; afterwards those of the initial ones.
    pub(crate) cell_state: &'a mut [f32],
    /// [P, stride]: receives the gradient of the input, if it is wanted; the stride is I rounded up to whole vectors.
    pub(crate) input: Option<&'a mut [f32]>,
    /// Receive the gradients of the weights, [4H, I], [4H, H] and `[4H]`, unpadded.
    pub(crate) weight_ih: &'a mut [f32],
    pub(crate) weight_hh: &'a mut [f32],
    pub(crate) bias: &'a mut [f32],
    /// [`scratch`] values.
    pub(crate) scratch: &'a mut [f32],
}

/// Scratch values of a backward pass on `parts` threads.
pub(crate) fn scratch(shape: Shape, lanes: usize, parts: usize) -> usize {
    parts * scratch_length(4 * shape.units, shape.input_size + shape.units, lanes)
}

/// Runs a layer backwards over a batch.
pub(crate) fn backward(job: LayerBatch, gradients: Gradients) {
    let shape = job.weights.shape;
    let parts = job.executor.parts(job.sequences.packed_rows() * shape.operations());
    let dgates = reverse_loop(
        job,
        parts,
        BackwardPass {
            shape,
            sequences: job.sequences,
            recurrent: job.weights.recurrent(),
            dgates: SharedRows::new(gradients.gates),
            tanh_cells: gradients.tanh_cells,
            cells: gradients.cells,
            from_above: gradients.from_above,
            dh: SharedRows::new(gradients.hidden_state),
            dc: SharedRows::new(gradients.cell_state),
        },
    );
    if let Some(input) = gradients.input {
        input_gradient(job, parts, dgates, input);
    }
    let right = |values, row_stride, columns, index, gradient| {
        let gradient = SharedRows::new(gradient);
        Right { values, row_stride, columns, index, gradient }
    };
    let before = Some(job.sequences.states_before());
    let rights = [
        right(job.x, job.x_stride, shape.input_size, None, gradients.weight_ih),
        right(gradients.hidden, shape.padded_units, shape.units, before, gradients.weight_hh),
    ];
    weight_gradients(job, parts, dgates, rights, gradients.bias, gradients.scratch);
}

/// The steps in reverse: leaves the gate gradients in the place of the gates, and gives them.
fn reverse_loop<'a>(job: LayerBatch, parts: usize, pass: BackwardPass<'a>) -> &'a [f32] {
    let stride = pass.shape.padded_units;
    let (batch, packed) = (job.sequences.batch(), job.sequences.packed_rows());
    assert!(pass.dgates.length() >= packed * 4 * stride && pass.tanh_cells.len() >= packed * stride);
    assert!(pass.cells.len() >= (batch + packed) * stride);
    assert!(pass.dh.length() >= batch * stride && pass.dc.length() >= batch * stride);
    assert!(pass.from_above.is_none_or(|from_above| from_above.len() >= packed * stride));
    let parts = parts.min(batch);
    job.executor.run(parts, |part| {
        let start = |part| job.sequences.part_start(part, parts, MAX_ROWS);
        dispatch(job.set, BackwardRows { pass, rows: start(part)..start(part + 1) });
    });
    // SAFETY: the loop is done and nobody writes the gate gradients any more; their length was checked above.
    unsafe { std::slice::from_raw_parts(pass.dgates.at(0).cast_const(), packed * 4 * stride) }
}

/// `dx = dgates · W_ih`, over all packed rows at once.
fn input_gradient(job: LayerBatch, parts: usize, dgates: &[f32], input: &mut [f32]) {
    let Shape { input_size, padded_units, .. } = job.weights.shape;
    let packed = job.sequences.packed_rows();
    let product = Product {
        left: dgates.into(),
        left_stride: 4 * padded_units,
        depth: 4 * padded_units,
        packed: job.weights.input(),
        columns: input_size,
        start: Start::Zero,
        out: SharedRows::new(input),
        out_stride: input_size.next_multiple_of(job.set.lanes()),
    };
    job.executor.run(parts, |part| {
        let rows = packed * part / parts..packed * (part + 1) / parts;
        // SAFETY: the parts' rows are disjoint.
        unsafe { multiply(job.set, product, rows) };
    });
}

/// `dW = Σ dgatesᵀ · [x, h]` and `db = Σ dgates`, over all packed rows at once.
fn weight_gradients(
    job: LayerBatch,
    parts: usize,
    dgates: &[f32],
    rights: [Right; 2],
    bias: &mut [f32],
    scratch: &mut [f32],
) {
    let Shape { units, padded_units, .. } = job.weights.shape;
    let product = OuterProduct {
        rows: job.sequences.packed_rows(),
        left: Segmented { values: dgates, row_stride: 4 * padded_units, segment_stride: padded_units, columns: units },
        rights,
        bias_gradient: SharedRows::new(bias),
    };
    let outputs = 4 * units;
    let part_scratch = self::scratch(job.weights.shape, job.set.lanes(), 1);
    let scratch = SharedRows::new(scratch);
    assert!(scratch.length() >= parts * part_scratch);
    job.executor.run(parts, |part| {
        // SAFETY: every part has output rows and scratch of its own.
        unsafe {
            let scratch = std::slice::from_raw_parts_mut(scratch.at(part * part_scratch), part_scratch);
            outer_product(job.set, product, outputs * part / parts..outputs * (part + 1) / parts, scratch);
        }
    });
}

#[derive(Clone, Copy)]
struct BackwardPass<'a> {
    shape: Shape,
    sequences: &'a Sequences,
    recurrent: &'a [f32],
    dgates: SharedRows<'a>,
    tanh_cells: &'a [f32],
    cells: &'a [f32],
    from_above: Option<&'a [f32]>,
    dh: SharedRows<'a>,
    dc: SharedRows<'a>,
}

/// Some rows of the batch, for all of their steps.
struct BackwardRows<'a> {
    pass: BackwardPass<'a>,
    rows: Range<usize>,
}

impl Kernel for BackwardRows<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let pass = &self.pass;
        let gate_stride = 4 * pass.shape.padded_units;
        for step in (0..pass.sequences.steps()).rev() {
            let rows = self.rows.start..self.rows.end.min(pass.sequences.active(step));
            if rows.is_empty() {
                continue;
            }
            for row in rows.clone() {
                // SAFETY: the row is active at this step and belongs to this part.
                unsafe { pass.gates(isa, step, row) };
            }
            let offset = pass.sequences.offset(step);
            let product = Product {
                left: ReadRows::from(pass.dgates).skip(offset * gate_stride),
                left_stride: gate_stride,
                depth: gate_stride,
                packed: pass.recurrent,
                columns: pass.shape.units,
                start: Start::Zero,
                out: pass.dh,
                out_stride: pass.shape.padded_units,
            };
            // SAFETY: these rows of `dh` are this part's, and so are the gate gradients that are read.
            unsafe { product.rows(isa, rows) };
        }
    }
}

impl BackwardPass<'_> {
    /// The gate gradients of one row at one step, and its dc for the step before.
    ///
    /// # Safety
    /// `row` is active at `step` and written by this thread alone.
    #[inline(always)]
    unsafe fn gates<I: KernelIsa>(&self, isa: I, step: usize, row: usize) {
        let ops = isa.f32();
        let padded_units = self.shape.padded_units;
        let packed_row = self.sequences.offset(step) + row;
        let before = self.sequences.state_before(step) + row;
        for unit in (0..padded_units).step_by(I::LANES) {
            // SAFETY: `backward` checked the sizes.
            unsafe {
                let gate = |index: usize| self.dgates.at((packed_row * 4 + index) * padded_units + unit);
                let [i, f, g, o] = [0, 1, 2, 3].map(
                    #[inline(always)]
                    |index| ops.load_ptr(gate(index)),
                );
                let tanh_c = ops.load_ptr(self.tanh_cells.as_ptr().add(packed_row * padded_units + unit));
                let c_before = ops.load_ptr(self.cells.as_ptr().add(before * padded_units + unit));
                let state = row * padded_units + unit;
                let mut dh = ops.load_ptr(self.dh.at(state));
                if let Some(from_above) = self.from_above {
                    dh = ops.add(dh, ops.load_ptr(from_above.as_ptr().add(packed_row * padded_units + unit)));
                }
                let d_o = ops.mul(dh, tanh_c);
                let dc = ops.mul_add(ops.mul(dh, o), tanh_slope(isa, tanh_c), ops.load_ptr(self.dc.at(state)));
                let [di, df, dg] = [ops.mul(dc, g), ops.mul(dc, c_before), ops.mul(dc, i)];
                ops.store_ptr(ops.mul(dc, f), self.dc.at(state));
                ops.store_ptr(ops.mul(di, sigmoid_slope(isa, i)), gate(0));
                ops.store_ptr(ops.mul(df, sigmoid_slope(isa, f)), gate(1));
                ops.store_ptr(ops.mul(dg, tanh_slope(isa, g)), gate(2));
                ops.store_ptr(ops.mul(d_o, sigmoid_slope(isa, o)), gate(3));
            }
        }
    }
}

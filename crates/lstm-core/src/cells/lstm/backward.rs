//! The backward pass: the steps in reverse, gate gradients in the place of the gates, one product a step; then the
//! gradients of weights and input as products over all packed rows at once.

use rten_simd::ops::{BitOps, NumOps};

use super::share::{Share, share_out};
use super::{Input, LayerBatch, Shape};
use crate::cells::sequences::{Direction, Sequences};
use crate::kernels::activations::{sigmoid_slope, tanh, tanh_slope};
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};
use crate::kernels::outer::{OuterProduct, Right, Segmented, outer_product, scratch_length};
use crate::kernels::product::{Product, Start, multiply};
use crate::memory::{ReadRows, SharedRows};

/// What a backward pass reads and writes, P standing for packed rows, B for the batch, H for the padded units.
pub(crate) struct Gradients<'a> {
    /// [P, 4 H and a gap]: the gates as the forward pass saved them; afterwards the gradients of their pre-activations.
    pub(crate) gates: &'a mut [f32],
    /// [B + P, H]: the cell states, initial ones first.
    pub(crate) cells: &'a [f32],
    /// [B + P, H]: the hidden states, initial ones first.
    pub(crate) hidden: &'a [f32],
    /// Gradients of the hidden states from above, if every step is used there.
    pub(crate) from_above: Option<FromAbove<'a>>,
    /// [B, H]: gradients of the final hidden states; afterwards those of the initial ones.
    pub(crate) hidden_state: &'a mut [f32],
    /// [B, H]: gradients of the final cell states; afterwards those of the initial ones.
    pub(crate) cell_state: &'a mut [f32],
    /// Where the gradient of the input goes, if it is wanted.
    pub(crate) input: Option<InputGradient<'a>>,
    /// Receive the gradients of the weights, [4H, I], [4H, H] and `[4H]`, unpadded.
    pub(crate) weight_ih: &'a mut [f32],
    pub(crate) weight_hh: &'a mut [f32],
    pub(crate) bias: &'a mut [f32],
    /// [`scratch`] values.
    pub(crate) scratch: &'a mut [f32],
}

/// Gradients of a layer's hidden states at every step, H of `stride` numbers a packed row.
#[derive(Clone, Copy)]
pub(crate) struct FromAbove<'a> {
    /// Readable for H padded to whole vectors at every packed row.
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
}

/// [P, I rounded up to whole vectors]: receives the gradient of the input.
pub(crate) struct InputGradient<'a> {
    pub(crate) values: &'a mut [f32],
    /// Whether to add to what is there: the other direction's gradient.
    pub(crate) add: bool,
}

/// Scratch values of a backward pass on `parts` threads.
pub(crate) fn scratch(shape: Shape, lanes: usize, parts: usize) -> usize {
    parts * scratch_length(4 * shape.units, shape.input_size + shape.units, lanes)
}

/// Runs a layer backwards over a batch.
pub(crate) fn backward(job: LayerBatch, gradients: Gradients) {
    let shape = job.weights.shape;
    job.x.check(shape.input_size, job.sequences.packed_rows());
    let dgates = reverse_loop(
        job,
        BackwardPass {
            shape,
            sequences: job.sequences,
            direction: job.direction,
            recurrent: job.weights.recurrent(),
            dgates: SharedRows::new(gradients.gates),
            cells: gradients.cells,
            from_above: gradients.from_above,
            dh: SharedRows::new(gradients.hidden_state),
            dc: SharedRows::new(gradients.cell_state),
        },
    );
    let parts = job.executor.parts(job.sequences.packed_rows() * shape.operations());
    if let Some(input) = gradients.input {
        input_gradient(job, parts, dgates, input);
    }
    let weights = WeightGradients { ih: gradients.weight_ih, hh: gradients.weight_hh, bias: gradients.bias };
    weight_gradients(job, parts, dgates, gradients.hidden, weights, gradients.scratch);
}

/// The steps against the direction of the forward pass: leaves the gate gradients in the place of the gates, and gives
/// them.
fn reverse_loop<'a>(job: LayerBatch, pass: BackwardPass<'a>) -> &'a [f32] {
    let stride = pass.shape.padded_units;
    let (batch, packed) = (job.sequences.batch(), job.sequences.packed_rows());
    assert!(pass.dgates.length() >= packed * pass.shape.gate_stride() && pass.cells.len() >= (batch + packed) * stride);
    assert!(pass.dh.length() >= batch * stride && pass.dc.length() >= batch * stride);
    if let Some(FromAbove { values, stride: above }) = pass.from_above {
        assert!(values.len() + above >= packed * above + stride);
    }
    share_out(job, |share| dispatch(job.set, BackwardShare { pass, share }));
    // SAFETY: the loop is done and nobody writes the gate gradients any more; their length was checked above.
    unsafe { std::slice::from_raw_parts(pass.dgates.at(0).cast_const(), packed * pass.shape.gate_stride()) }
}

/// `dx = dgates · W_ih`, over all packed rows at once.
fn input_gradient(job: LayerBatch, parts: usize, dgates: &[f32], input: InputGradient) {
    let Shape { input_size, padded_units, .. } = job.weights.shape;
    let packed = job.sequences.packed_rows();
    let product = Product {
        left: dgates.into(),
        left_stride: job.weights.shape.gate_stride(),
        depth: 4 * padded_units,
        packed: job.weights.input(),
        columns: input_size,
        start: if input.add { Start::Sum } else { Start::Zero },
        out: SharedRows::new(input.values),
        out_stride: input_size.next_multiple_of(job.set.lanes()),
        last_panel_first: false,
    };
    job.executor.run(parts, |part| {
        let rows = packed * part / parts..packed * (part + 1) / parts;
        // SAFETY: the parts' rows are disjoint.
        unsafe { multiply(job.set, product, rows) };
    });
}

struct WeightGradients<'a> {
    ih: &'a mut [f32],
    hh: &'a mut [f32],
    bias: &'a mut [f32],
}

/// `dW = Σ dgatesᵀ · [x, h]` and `db = Σ dgates`, over all packed rows at once.
fn weight_gradients(
    job: LayerBatch,
    parts: usize,
    dgates: &[f32],
    hidden: &[f32],
    gradients: WeightGradients,
    scratch: &mut [f32],
) {
    let Shape { input_size, units, padded_units } = job.weights.shape;
    let [ih, hh] = [gradients.ih, gradients.hh].map(SharedRows::new);
    let index = Some(job.sequences.states_before(job.direction));
    let from_hidden = Right {
        values: hidden,
        row_stride: padded_units,
        columns: units,
        index,
        gradient: hh,
        gradient_stride: units,
        gradient_column: 0,
    };
    // The input's columns are at most two pieces.
    let mut rights = [from_hidden; 3];
    let Input { first, second } = job.x;
    let mut count = 0;
    for columns in job.x.columns() {
        rights[count] = Right {
            values: columns.values,
            row_stride: columns.stride,
            columns: columns.count,
            index: None,
            gradient: ih,
            gradient_stride: input_size,
            gradient_column: if count == 0 { 0 } else { first.count },
        };
        count += 1;
    }
    debug_assert_eq!(count, 1 + usize::from(second.is_some()));
    let product = OuterProduct {
        rows: job.sequences.packed_rows(),
        left: Segmented {
            values: dgates,
            row_stride: job.weights.shape.gate_stride(),
            segment_stride: padded_units,
            columns: units,
        },
        rights: &rights[..=count],
        bias_gradient: SharedRows::new(gradients.bias),
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
    direction: Direction,
    recurrent: &'a [f32],
    dgates: SharedRows<'a>,
    cells: &'a [f32],
    from_above: Option<FromAbove<'a>>,
    dh: SharedRows<'a>,
    dc: SharedRows<'a>,
}

/// Some rows and units of the batch, for all of their steps.
struct BackwardShare<'a> {
    pass: BackwardPass<'a>,
    share: Share<'a>,
}

impl Kernel for BackwardShare<'_> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let Self { pass, share } = &self;
        let sequences = pass.sequences;
        let gate_stride = pass.shape.gate_stride();
        for index in (0..sequences.steps()).rev() {
            let step = sequences.step(pass.direction, index);
            for run in sequences.runs(pass.direction, step) {
                let run = run.within(&share.rows);
                for row in run.rows.clone() {
                    let state_before = run.state_before + row - run.rows.start;
                    // SAFETY: the row is active at this step, row and units this share's own.
                    unsafe { self.gates(isa, step, row, state_before) };
                }
            }
            share.meet();
            let product = Product {
                left: ReadRows::from(pass.dgates).skip(sequences.offset(step) * gate_stride),
                left_stride: gate_stride,
                depth: 4 * pass.shape.padded_units,
                packed: pass.recurrent,
                columns: pass.shape.units,
                start: Start::Zero,
                out: pass.dh,
                out_stride: pass.shape.padded_units,
                last_panel_first: index % 2 == 1,
            };
            let rows = share.rows.start..share.rows.end.min(sequences.active(step));
            // SAFETY: this block of `dh` is this share's; the gate gradients that it reads were written before the
            // threads met, or by this one.
            unsafe { product.block(isa, rows, share.units.clone()) };
        }
    }
}

impl BackwardShare<'_> {
    /// The gate gradients of one row at one step, and its dc for the step before.
    ///
    /// # Safety
    /// `row` is active at `step`, and the share's units of it written by this thread alone.
    #[inline(always)]
    unsafe fn gates<I: KernelIsa>(&self, isa: I, step: usize, row: usize, state_before: usize) {
        let pass = &self.pass;
        let ops = isa.f32();
        let padded_units = pass.shape.padded_units;
        let packed_row = pass.sequences.offset(step) + row;
        let state = pass.sequences.batch() + packed_row;
        for unit in self.share.units.clone().step_by(I::LANES) {
            // SAFETY: `backward` checked the sizes.
            unsafe {
                let gate =
                    |index: usize| pass.dgates.at(packed_row * pass.shape.gate_stride() + index * padded_units + unit);
                let [i, f, g, o] = [0, 1, 2, 3].map(
                    #[inline(always)]
                    |index| ops.load_ptr(gate(index)),
                );
                let tanh_c = tanh(isa, ops.load_ptr(pass.cells.as_ptr().add(state * padded_units + unit)));
                let c_before = ops.load_ptr(pass.cells.as_ptr().add(state_before * padded_units + unit));
                let at = row * padded_units + unit;
                let mut dh = ops.load_ptr(pass.dh.at(at));
                if let Some(FromAbove { values, stride }) = pass.from_above {
                    dh = ops.add(dh, ops.load_ptr(values.as_ptr().add(packed_row * stride + unit)));
                }
                let d_o = ops.mul(dh, tanh_c);
                let dc = ops.mul_add(ops.mul(dh, o), tanh_slope(isa, tanh_c), ops.load_ptr(pass.dc.at(at)));
                let [di, df, dg] = [ops.mul(dc, g), ops.mul(dc, c_before), ops.mul(dc, i)];
                ops.store_ptr(ops.mul(dc, f), pass.dc.at(at));
                ops.store_ptr(ops.mul(di, sigmoid_slope(isa, i)), gate(0));
                ops.store_ptr(ops.mul(df, sigmoid_slope(isa, f)), gate(1));
                ops.store_ptr(ops.mul(dg, tanh_slope(isa, g)), gate(2));
                ops.store_ptr(ops.mul(d_o, sigmoid_slope(isa, o)), gate(3));
            }
        }
    }
}

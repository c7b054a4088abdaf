//! The backward pass: the steps in reverse, gate gradients in the place of the gates, one product a step; then the
//! gradients of weights and input as products over all packed rows at once.

use rten_simd::ops::{BitOps, NumOps};

use super::share::{Share, share_out};
use super::{BackwardUnit, Cell, LayerBatch, Recurrence, Shape};
use crate::cells::gru::Gru;
use crate::cells::lstm::{Lstm, LstmOptions};
use crate::cells::rnn::Rnn;
use crate::cells::sequences::{Direction, Sequences};
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};
use crate::kernels::outer::{OuterProduct, Right, Segmented, outer_product, scratch_length};
use crate::kernels::product::{Product, Start, multiply};
use crate::kernels::tile::TILE_VECTORS;
use crate::memory::{ReadRows, SharedRows};
use crate::network::definition::DirectionTensors;

/// What a backward pass reads and writes, P standing for packed rows, B for the batch, H for the padded units.
pub(crate) struct Gradients<'a> {
    /// [P, the cell's slots of H and a gap] as the forward pass left them; afterwards the pre-activations' gradients.
    pub(crate) gates: &'a mut [f32],
    /// [B + P, H]: the cell states, initial ones first, if the cell has them.
    pub(crate) cells: &'a [f32],
    /// [B + P, H]: the hidden states, initial ones first.
    pub(crate) hidden: &'a [f32],
    /// Gradients of the hidden states from above, if every step is used there.
    pub(crate) from_above: Option<FromAbove<'a>>,
    /// [B, H]: gradients of the final hidden states; afterwards those of the initial ones.
    pub(crate) hidden_state: &'a mut [f32],
    /// [B, H]: gradients of the final cell states; afterwards those of the initial ones. Without cell states zero;
    /// afterwards what [`carried`](BackwardUnit::carried) has left over for the initial hidden states.
    pub(crate) cell_state: &'a mut [f32],
    /// Where the gradient of the input goes, if it is wanted.
    pub(crate) input: Option<InputGradient<'a>>,
    /// Receive the gradients of the weights, unpadded.
    pub(crate) weights: DirectionTensors<&'a mut [f32]>,
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
    parts * scratch_length(shape.gates() * shape.units, shape.input_size + shape.units, lanes)
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
            hidden: gradients.hidden,
            from_above: gradients.from_above,
            dh: SharedRows::new(gradients.hidden_state),
            dc: SharedRows::new(gradients.cell_state),
        },
    );
    let parts = job.executor.parts(job.sequences.packed_rows() * shape.operations());
    if let Some(input) = gradients.input {
        input_gradient(job, parts, dgates, input);
    }
    weight_gradients(job, parts, dgates, gradients.hidden, gradients.weights, gradients.scratch);
}

/// The steps against the direction of the forward pass: leaves the gate gradients in the place of the gates, and gives
/// them.
fn reverse_loop<'a>(job: LayerBatch, pass: BackwardPass<'a>) -> &'a [f32] {
    let stride = pass.shape.padded_units;
    let (batch, packed) = (job.sequences.batch(), job.sequences.packed_rows());
    assert!(pass.dgates.length() >= packed * pass.shape.gate_stride());
    assert!(!pass.shape.recurrence.has_cell_state() || pass.cells.len() >= (batch + packed) * stride);
    assert!(pass.hidden.len() >= (batch + packed) * stride);
    assert!(pass.dh.length() >= batch * stride && pass.dc.length() >= batch * stride);
    if let Some(FromAbove { values, stride: above }) = pass.from_above {
        assert!(values.len() + above >= packed * above + stride);
    }
    match pass.shape.recurrence {
        Recurrence::Lstm(LstmOptions::PLAIN) => run(job, pass, Lstm::<true> { options: LstmOptions::PLAIN }),
        Recurrence::Lstm(options) => run(job, pass, Lstm::<false> { options }),
        Recurrence::Gru => run(job, pass, Gru),
        Recurrence::Rnn(activation) => run(job, pass, Rnn { activation }),
    }
    // SAFETY: the loop is done and nobody writes the gate gradients any more; their length was checked above.
    unsafe { std::slice::from_raw_parts(pass.dgates.at(0).cast_const(), packed * pass.shape.gate_stride()) }
}

fn run<C: Cell>(job: LayerBatch, pass: BackwardPass, cell: C) {
    share_out(job, |share| dispatch(job.set, BackwardShare { cell, pass, share }));
}

/// `dx = dgates · W_ih`, over all packed rows at once.
fn input_gradient(job: LayerBatch, parts: usize, dgates: &[f32], input: InputGradient) {
    let Shape { input_size, padded_units, .. } = job.weights.shape;
    let packed = job.sequences.packed_rows();
    let product = Product {
        left: dgates.into(),
        left_stride: job.weights.shape.gate_stride(),
        depth: job.weights.shape.recurrence.gate_order().input.len() * padded_units,
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

/// `dW = Σ dgatesᵀ · [x, h]` and `db = Σ dgates`, over all packed rows at once.
fn weight_gradients(
    job: LayerBatch,
    parts: usize,
    dgates: &[f32],
    hidden: &[f32],
    gradients: DirectionTensors<&mut [f32]>,
    scratch: &mut [f32],
) {
    let Shape { recurrence, input_size, units, padded_units, .. } = job.weights.shape;
    let order = recurrence.gate_order();
    let [ih, hh] = [gradients.weight_ih, gradients.weight_hh].map(SharedRows::new);
    let from_hidden = Right {
        values: hidden,
        row_stride: padded_units,
        columns: units,
        index: Some(job.sequences.states_before(job.direction)),
        gradient: hh,
        gradient_stride: units,
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
    let segments = |slots: &[Option<usize>], first: usize| {
        let mut segments = [0; TILE_VECTORS];
        for (slot, gate) in slots.iter().enumerate() {
            if let Some(gate) = gate {
                segments[*gate] = (first + slot) * padded_units;
            }
        }
        segments
    };
    let (from_input, from_state) = (segments(order.input, 0), segments(order.hidden, order.hidden_slot));
    let product = |rights, segments, bias_gradient| OuterProduct {
        rows: job.sequences.packed_rows(),
        left: Segmented { values: dgates, row_stride: job.weights.shape.gate_stride(), segments, columns: units },
        rights,
        bias_gradient,
    };
    if order.hidden_slot == 0 {
        outer_gradients(job, parts, product(&rights[..count], &from_input, optional(gradients.bias_ih)), scratch);
        // Both biases are added to the same pre-activation.
        gradients.bias_hh.copy_from_slice(gradients.bias_ih);
    } else {
        outer_gradients(job, parts, product(&rights[1..count], &from_input, optional(gradients.bias_ih)), scratch);
        outer_gradients(job, parts, product(&rights[..1], &from_state, optional(gradients.bias_hh)), scratch);
    }
}

fn optional(bias: &mut [f32]) -> Option<SharedRows<'_>> {
    (!bias.is_empty()).then(|| SharedRows::new(bias))
}

/// Runs the products that share a left operand, their output rows shared out over threads.
fn outer_gradients(job: LayerBatch, parts: usize, product: OuterProduct, scratch: &mut [f32]) {
    let shape = job.weights.shape;
    let outputs = shape.gates() * shape.units;
    let part_scratch = self::scratch(shape, job.set.lanes(), 1);
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
    hidden: &'a [f32],
    from_above: Option<FromAbove<'a>>,
    dh: SharedRows<'a>,
    dc: SharedRows<'a>,
}

/// Some rows and units of the batch, for all of their steps.
struct BackwardShare<'a, C> {
    cell: C,
    pass: BackwardPass<'a>,
    share: Share<'a>,
}

impl<C: Cell> Kernel for BackwardShare<'_, C> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let Self { pass, share, .. } = &self;
        let sequences = pass.sequences;
        let gate_stride = pass.shape.gate_stride();
        let order = pass.shape.recurrence.gate_order();
        let hidden_slot = order.hidden_slot * pass.shape.padded_units;
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
                left: ReadRows::from(pass.dgates).skip(sequences.offset(step) * gate_stride + hidden_slot),
                left_stride: gate_stride,
                depth: order.hidden.len() * pass.shape.padded_units,
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

impl<C: Cell> BackwardShare<'_, C> {
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
            let at = row * padded_units + unit;
            // SAFETY: `backward` checked the sizes.
            unsafe {
                let mut dh = ops.load_ptr(pass.dh.at(at));
                if let Some(FromAbove { values, stride }) = pass.from_above {
                    dh = ops.add(dh, ops.load_ptr(values.as_ptr().add(packed_row * stride + unit)));
                }
                let before = state_before * padded_units + unit;
                let after = state * padded_units + unit;
                let cells = |at: usize| {
                    if C::CELL_STATE { pass.cells.as_ptr().add(at) } else { std::ptr::null() }
                };
                let unit = BackwardUnit {
                    slots: pass.dgates.at(packed_row * pass.shape.gate_stride() + unit),
                    slot_stride: padded_units,
                    cell_before: cells(before),
                    cell: cells(after),
                    hidden_before: pass.hidden.as_ptr().add(before),
                    hidden: pass.hidden.as_ptr().add(after),
                    carried: pass.dc.at(at),
                };
                self.cell.backward(isa, dh, unit);
            }
        }
    }
}

//! The backward pass: the steps in reverse, gate gradients in the place of the gates, one product a step; then the
//! gradients of weights and input as products over all packed rows at once.

use rten_simd::ops::{BitOps, NumOps};

use super::choice::{Pass, with_cell};
use super::kept::{Kept, Masks};
use super::scratch::{Scratch, ScratchLayout};
use super::share::{Share, share_out};
use super::weight_gradients::{Operands, weight_gradients};
use super::{BackwardUnit, Cell, Deferred, LayerBatch, PackedWeights, Row, Shape};
use crate::cells::sequences::{Direction, Sequences};
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};
use crate::kernels::product::{Product, Start, multiply};
use crate::memory::{ReadRows, SharedRows};
use crate::network::definition::DirectionTensors;

/// What a backward pass reads and writes, P standing for packed rows, B for the batch, H for the padded units, R for the
/// padded numbers of hidden state.
pub(crate) struct Gradients<'a> {
    /// [P, the cell's slots of H and a gap] as the forward pass left them; afterwards the pre-activations' gradients.
    pub(crate) gates: &'a mut [f32],
    /// [B + P, H]: the cell states, initial ones first, if the cell has them.
    pub(crate) cells: &'a [f32],
    /// [B + P, R]: the hidden states, initial ones first.
    pub(crate) hidden: &'a [f32],
    /// What the layer's options have kept.
    pub(crate) kept: Kept<'a>,
    /// Gradients of the hidden states from above, if every step is used there.
    pub(crate) from_above: Option<FromAbove<'a>>,
    /// [B, R]: gradients of the final hidden states; afterwards those of the initial ones.
    pub(crate) hidden_state: &'a mut [f32],
    /// [B, H]: gradients of the final cell states; afterwards those of the initial ones. Empty without cell states.
    pub(crate) cell_state: &'a mut [f32],
    /// Where the gradient of the input goes, if it is wanted.
    pub(crate) input: Option<InputGradient<'a>>,
    /// Receive the gradients of the weights, unpadded.
    pub(crate) weights: DirectionTensors<&'a mut [f32]>,
    /// Memory of the batch's [`ScratchLayout`].
    pub(crate) scratch: &'a mut [f32],
}

/// Gradients of a layer's hidden states at every step, R of `stride` numbers a packed row.
#[derive(Clone, Copy)]
pub(crate) struct FromAbove<'a> {
    /// Readable for R padded to whole vectors at every packed row.
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
}

/// [P, I rounded up to whole vectors]: receives the gradient of the input.
pub(crate) struct InputGradient<'a> {
    pub(crate) values: &'a mut [f32],
    /// Whether to add to what is there: the other direction's gradient.
    pub(crate) add: bool,
}

/// Runs a layer backwards over a batch.
pub(crate) fn backward(job: LayerBatch, gradients: Gradients) {
    let shape = job.weights.shape;
    job.x.check(shape.input_size, job.sequences.packed_rows());
    let Scratch { direct, projected, said, vectors, outer } = ScratchLayout::of(job).carve(gradients.scratch);
    let Kept { seen, masks, said: kept_said } = gradients.kept;
    vectors.fill(0.0);
    if masks.recurrent.is_empty() {
        direct.fill(0.0);
    } else {
        // Final states are no gate's input: their gradients are not under the mask.
        for (direct, dh) in direct.iter_mut().zip(&mut *gradients.hidden_state) {
            *direct = std::mem::take(dh);
        }
    }
    let seen: &[f32] = if masks.recurrent.is_empty() { gradients.hidden } else { seen };
    reverse_loop(
        job,
        &BackwardPass {
            shape,
            sequences: job.sequences,
            direction: job.direction,
            weights: job.weights,
            dgates: SharedRows::new(gradients.gates),
            cells: gradients.cells,
            hidden: gradients.hidden,
            seen,
            masks,
            from_above: gradients.from_above,
            dh: SharedRows::new(gradients.hidden_state),
            dc: SharedRows::new(gradients.cell_state),
            direct: SharedRows::new(direct),
            projected: SharedRows::new(projected),
            said: SharedRows::new(said),
            vectors: SharedRows::new(vectors),
        },
    );
    let dgates = &*gradients.gates;
    let parts = job.executor.parts(job.sequences.packed_rows() * shape.operations());
    if let Some(input) = gradients.input {
        input_gradient(job, parts, dgates, input);
    }
    let operands = Operands { dgates, seen, projected, said: kept_said, vectors };
    weight_gradients(job, parts, operands, gradients.weights, outer);
}

/// The steps against the direction of the forward pass: leaves the gate gradients in the place of the gates.
fn reverse_loop(job: LayerBatch, pass: &BackwardPass) {
    let Shape { padded_units, padded_hidden, .. } = pass.shape;
    let (batch, packed) = (job.sequences.batch(), job.sequences.packed_rows());
    assert!(pass.dgates.length() >= packed * pass.shape.gate_stride());
    assert!(!pass.shape.has_cell_state() || pass.cells.len() >= (batch + packed) * padded_units);
    assert!(!pass.shape.has_cell_state() || pass.dc.length() >= batch * padded_units);
    let states = (batch + packed) * padded_hidden;
    assert!(pass.hidden.len() >= states && pass.seen.len() >= states);
    assert!(pass.dh.length() >= batch * padded_hidden);
    pass.masks.check(pass.shape, batch, packed);
    if let Some(FromAbove { values, stride: above }) = pass.from_above {
        assert!(values.len() + above >= packed * above + padded_hidden);
    }
    with_cell(pass.shape.recurrence, Backward { job, pass });
}

/// The backward pass of a batch.
struct Backward<'a> {
    job: LayerBatch<'a>,
    pass: &'a BackwardPass<'a>,
}

impl Pass for Backward<'_> {
    fn run<C: Cell>(self, cell: C) {
        let Self { job, pass } = self;
        share_out(job, |share| dispatch(job.set, BackwardShare { cell, pass: *pass, share }));
    }
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

#[derive(Clone, Copy)]
struct BackwardPass<'a> {
    shape: Shape,
    sequences: &'a Sequences,
    direction: Direction,
    weights: &'a PackedWeights,
    dgates: SharedRows<'a>,
    cells: &'a [f32],
    hidden: &'a [f32],
    /// The hidden states as the gates saw them.
    seen: &'a [f32],
    masks: Masks<'a>,
    from_above: Option<FromAbove<'a>>,
    dh: SharedRows<'a>,
    dc: SharedRows<'a>,
    /// As [`Scratch`] says.
    direct: SharedRows<'a>,
    projected: SharedRows<'a>,
    said: SharedRows<'a>,
    vectors: SharedRows<'a>,
}

/// Some rows and units of the batch, for all of their steps.
struct BackwardShare<'a, C> {
    cell: C,
    pass: BackwardPass<'a>,
    share: Share<'a>,
}

/// One row at one step.
#[derive(Clone, Copy)]
struct StepRow {
    row: usize,
    packed_row: usize,
    state_before: usize,
}

impl<C: Cell> Kernel for BackwardShare<'_, C> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let Self { pass, share, .. } = &self;
        let sequences = pass.sequences;
        let Shape { padded_units, padded_hidden, hidden, .. } = pass.shape;
        let gate_stride = pass.shape.gate_stride();
        let order = pass.shape.recurrence.gate_order();
        let hidden_slot = order.hidden_slot * padded_units;
        for index in (0..sequences.steps()).rev() {
            let step = sequences.step(pass.direction, index);
            let rows = share.rows.start..share.rows.end.min(sequences.active(step));
            // SAFETY: the rows are active at this step, rows and units this share's own; threads that share the units meet
            // before one reads what another has written.
            unsafe {
                if pass.shape.projected {
                    self.project_back(isa, step);
                }
                for row in self.rows(step) {
                    self.gates(isa, row);
                }
                if let Some(Deferred::Product) = C::DEFERRED {
                    self.second_product(isa, step);
                }
            }
            share.meet();
            let product = Product {
                left: ReadRows::from(pass.dgates).skip(sequences.offset(step) * gate_stride + hidden_slot),
                left_stride: gate_stride,
                depth: order.hidden.len() * padded_units,
                packed: pass.weights.recurrent(),
                columns: hidden,
                start: Start::Zero,
                out: pass.dh,
                out_stride: padded_hidden,
                last_panel_first: index % 2 == 1,
            };
            // SAFETY: this block of `dh` is this share's; the gate gradients that it reads were written before the
            // threads met, or by this one.
            unsafe { product.block(isa, rows, share.hidden.clone()) };
        }
        // SAFETY: as above.
        unsafe { self.finish(isa) };
    }
}

impl<C: Cell> BackwardShare<'_, C> {
    /// This share's rows of a step.
    #[inline(always)]
    fn rows(&self, step: usize) -> impl Iterator<Item = StepRow> {
        let BackwardPass { sequences, direction, .. } = self.pass;
        let rows = self.share.rows.clone();
        sequences.runs(direction, step).into_iter().flat_map(move |run| {
            let run = run.within(&rows);
            run.rows.clone().map(move |row| StepRow {
                row,
                packed_row: sequences.offset(step) + row,
                state_before: run.state_before + row - run.rows.start,
            })
        })
    }

    /// The gradient of a vector of new hidden states of one row: what comes from above and from the step after, less what
    /// zoneout hands on to the step before, which is the second.
    ///
    /// # Safety
    /// The row is active, and the column this share's own.
    #[inline(always)]
    unsafe fn hidden_gradient<I: KernelIsa>(&self, isa: I, row: StepRow, column: usize) -> (I::F32, I::F32) {
        let pass = &self.pass;
        let ops = isa.f32();
        let at = row.row * pass.shape.padded_hidden + column;
        // SAFETY: `reverse_loop` checked the sizes.
        unsafe {
            let mut dh = ops.load_ptr(pass.dh.at(at));
            if !pass.masks.recurrent.is_empty() {
                dh = ops.mul(dh, ops.load_ptr(pass.masks.recurrent.as_ptr().add(at)));
            }
            if C::DIRECT || pass.shape.has_direct_gradient() {
                dh = ops.add(dh, ops.load_ptr(pass.direct.at(at)));
            }
            if let Some(FromAbove { values, stride }) = pass.from_above {
                dh = ops.add(dh, ops.load_ptr(values.as_ptr().add(row.packed_row * stride + column)));
            }
            if pass.shape.hidden_zoneout > 0.0 {
                let keep = pass.masks.keep_hidden(&pass.shape, row.packed_row, column);
                let kept = ops.mul(keep.load(isa), dh);
                return (ops.sub(dh, kept), kept);
            }
            (dh, ops.zero())
        }
    }

    /// The gate gradients of one row at one step, and what it carries to the step before.
    ///
    /// # Safety
    /// The row is active, and the share's units of it written by this thread alone.
    #[inline(always)]
    unsafe fn gates<I: KernelIsa>(&self, isa: I, row: StepRow) {
        let pass = &self.pass;
        let ops = isa.f32();
        let Shape { padded_units, padded_hidden, units, projected, .. } = pass.shape;
        let direct = C::DIRECT || pass.shape.has_direct_gradient();
        let said = row.row * padded_units;
        for unit in self.share.units.clone().step_by(I::LANES) {
            // SAFETY: `reverse_loop` checked the sizes.
            unsafe {
                let (dh, kept) = if projected {
                    (ops.load_ptr(pass.said.at(said + unit)), ops.zero())
                } else {
                    self.hidden_gradient(isa, row, unit)
                };
                let past = if let Some(Deferred::Row) = C::DEFERRED {
                    ops.store_ptr(dh, pass.said.at(said + unit));
                    kept
                } else {
                    ops.add(self.cell.backward(isa, dh, self.unit(row, unit)), kept)
                };
                if direct && !projected {
                    ops.store_ptr(past, pass.direct.at(row.row * padded_hidden + unit));
                }
            }
        }
        if let Some(Deferred::Row) = C::DEFERRED {
            // SAFETY: as above; a normalised layer's threads share rows only.
            unsafe {
                let gates = row.packed_row * pass.shape.gate_stride();
                let statistics = pass.dgates.at(gates + pass.shape.statistics());
                self.cell.backward_row(isa, Row { units, statistics }, pass.said.at(said), self.unit(row, 0));
            }
        }
    }

    /// Where the vector of a row from `unit` on lies.
    ///
    /// # Safety
    /// As [`gates`](Self::gates).
    #[inline(always)]
    unsafe fn unit(&self, row: StepRow, unit: usize) -> BackwardUnit {
        let pass = &self.pass;
        let Shape { padded_units, padded_hidden, projected, .. } = pass.shape;
        let StepRow { row, packed_row, state_before } = row;
        let state = pass.sequences.batch() + packed_row;
        // SAFETY: `reverse_loop` checked the sizes.
        unsafe {
            let cells = |state: usize| {
                if C::CELL_STATE { pass.cells.as_ptr().add(state * padded_units + unit) } else { std::ptr::null() }
            };
            let vectors = pass.shape.vectors();
            let vector_gradients =
                if vectors > 0 { pass.vectors.at(row * vectors * padded_units + unit) } else { std::ptr::null_mut() };
            BackwardUnit {
                slots: pass.dgates.at(packed_row * pass.shape.gate_stride() + unit),
                slot_stride: padded_units,
                cell_before: cells(state_before),
                cell: cells(state),
                // With a projection these are numbers of something else, which the LSTM does not ask for.
                hidden_before: pass
                    .hidden
                    .as_ptr()
                    .add(state_before * padded_hidden + if projected { 0 } else { unit }),
                carried: if C::CELL_STATE { pass.dc.at(row * padded_units + unit) } else { std::ptr::null_mut() },
                vectors: pass.weights.vectors().as_ptr().wrapping_add(unit),
                vector_gradients,
                cell_keep: pass.masks.keep_cell(&pass.shape, packed_row, unit),
            }
        }
    }

    /// From the gradients of the hidden states to those of what was projected.
    ///
    /// # Safety
    /// Rows, units and hidden columns are this share's own.
    #[inline(always)]
    unsafe fn project_back<I: KernelIsa>(&self, isa: I, step: usize) {
        let pass = &self.pass;
        let ops = isa.f32();
        let Shape { padded_hidden, hidden, .. } = pass.shape;
        for row in self.rows(step) {
            for column in self.share.hidden.clone().step_by(I::LANES) {
                // SAFETY: `reverse_loop` checked the sizes.
                unsafe {
                    let (dh, kept) = self.hidden_gradient(isa, row, column);
                    ops.store_ptr(dh, pass.projected.at(row.packed_row * padded_hidden + column));
                    if pass.shape.has_direct_gradient() {
                        ops.store_ptr(kept, pass.direct.at(row.row * padded_hidden + column));
                    }
                }
            }
        }
        let left = ReadRows::from(pass.projected).skip(pass.sequences.offset(step) * padded_hidden);
        // SAFETY: this share's gradients are there.
        unsafe { self.through_second_matrix(isa, step, left, padded_hidden, hidden) };
    }

    /// `gradient · W` with the step's second matrix, into `said`, for this share's rows and units. Row r of the step's
    /// gradients, `depth` numbers, is at `left[r · stride]`.
    ///
    /// # Safety
    /// This share's part of the gradients is written; other shares' parts are when they come to meet here.
    #[inline(always)]
    unsafe fn through_second_matrix<I: KernelIsa>(
        &self,
        isa: I,
        step: usize,
        left: ReadRows,
        stride: usize,
        depth: usize,
    ) {
        let pass = &self.pass;
        self.share.meet();
        let rows = self.share.rows.start..self.share.rows.end.min(pass.sequences.active(step));
        let product = Product {
            left,
            left_stride: stride,
            depth,
            packed: pass.weights.second_backward(),
            columns: pass.shape.units,
            start: Start::Zero,
            out: pass.said,
            out_stride: pass.shape.padded_units,
            last_panel_first: false,
        };
        // SAFETY: this block is this share's.
        unsafe { product.block(isa, rows, self.share.units.clone()) };
    }

    /// From the gradients of a second product to those of what it was of.
    ///
    /// # Safety
    /// As [`project_back`](Self::project_back).
    #[inline(always)]
    unsafe fn second_product<I: KernelIsa>(&self, isa: I, step: usize) {
        let pass = &self.pass;
        let ops = isa.f32();
        let Shape { padded_units, padded_hidden, units, .. } = pass.shape;
        let gate_stride = pass.shape.gate_stride();
        let left = ReadRows::from(pass.dgates).skip(pass.sequences.offset(step) * gate_stride);
        // SAFETY: rows and units are this share's; the sizes were checked by `reverse_loop`.
        unsafe {
            self.through_second_matrix(isa, step, left, gate_stride, units);
            for row in self.rows(step) {
                for unit in self.share.units.clone().step_by(I::LANES) {
                    let gradient = ops.load_ptr(pass.said.at(row.row * padded_units + unit).cast_const());
                    let seen = pass.seen.as_ptr().add(row.state_before * padded_hidden + unit);
                    let slots = pass.dgates.at(row.packed_row * gate_stride + unit);
                    let mut past = self.cell.after_product(isa, gradient, seen, slots, padded_units);
                    let at = row.row * padded_hidden + unit;
                    if !pass.masks.recurrent.is_empty() {
                        past = ops.mul(past, ops.load_ptr(pass.masks.recurrent.as_ptr().add(at)));
                    }
                    let direct = pass.direct.at(at);
                    ops.store_ptr(ops.add(ops.load_ptr(direct.cast_const()), past), direct);
                }
            }
        }
    }

    /// The gradients of the initial hidden states: the product's under the mask, and what has passed by the weights.
    ///
    /// # Safety
    /// Rows and hidden columns are this share's own.
    #[inline(always)]
    unsafe fn finish<I: KernelIsa>(&self, isa: I) {
        let pass = &self.pass;
        let (direct, masked) = (pass.shape.has_direct_gradient(), !pass.masks.recurrent.is_empty());
        if !direct && !masked {
            return;
        }
        let ops = isa.f32();
        for row in self.share.rows.clone() {
            for column in self.share.hidden.clone().step_by(I::LANES) {
                let at = row * pass.shape.padded_hidden + column;
                // SAFETY: `reverse_loop` checked the sizes.
                unsafe {
                    let mut dh = ops.load_ptr(pass.dh.at(at).cast_const());
                    if masked {
                        dh = ops.mul(dh, ops.load_ptr(pass.masks.recurrent.as_ptr().add(at)));
                    }
                    if direct {
                        dh = ops.add(dh, ops.load_ptr(pass.direct.at(at).cast_const()));
                    }
                    ops.store_ptr(dh, pass.dh.at(at));
                }
            }
        }
    }
}

//! The forward pass: time, then panels of units, then tiles of rows; the cell makes states of them while the tile is hot.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::choice::{Pass, with_cell};
use super::kept::{Kept, Masks};
use super::share::{Share, share_out};
use super::{Cell, Columns, ForwardUnit, Input, LayerBatch, PackedWeights, Shape};
use crate::cells::lstm::Lstm;
use crate::cells::sequences::{Direction, Sequences};
use crate::kernels::instruction_set::{Kernel, KernelIsa, MAX_LANES, MAX_ROWS, dispatch};
use crate::kernels::tile::{Left, TILE_VECTORS, Tile, compute, compute_overlapping, tiles, with_rows};
use crate::memory::SharedRows;

/// Rows up to which the input's product is computed ahead, for several steps at once: one row a step reads all weights
/// for one use of each, and what is read for several steps together is not read again in each.
const AHEAD_ROWS: usize = 2;

/// Steps whose input product is computed at once: several tiles' rows, and little enough to stay in the first-level
/// cache until it is used.
const AHEAD_STEPS: usize = 24;

/// What a forward pass writes, P standing for packed rows, B for the batch, H for the padded units.
pub(crate) struct Activations<'a> {
    /// [B + P, R]: the initial hidden states of the rows, filled in by the caller, then each packed row's.
    pub(crate) hidden: &'a mut [f32],
    /// Cell states likewise, [B + P, H], if the cell has them; unless training only [B, H], replaced step by step.
    pub(crate) cells: &'a mut [f32],
    /// [P, the cell's slots of H and a gap] when training: what the cell saves. Else room for [`spare_rows`] such rows.
    pub(crate) gates: &'a mut [f32],
    /// What the layer's options need.
    pub(crate) kept: Kept<'a>,
    /// Whether a backward pass will follow.
    pub(crate) training: bool,
}

/// Rows of gates that predictions of up to `batch` rows need room for.
pub(crate) fn spare_rows(shape: Shape, batch: usize) -> usize {
    let ahead = batch.min(AHEAD_ROWS) * AHEAD_STEPS;
    if shape.deferred() { ahead.max(batch) } else { ahead }
}

impl LayerBatch<'_> {
    /// Whether the input's product is computed ahead, for several steps at once.
    pub(super) fn input_ahead(&self) -> bool {
        self.sequences.batch() <= AHEAD_ROWS && self.sequences.steps() >= 4
    }
}

/// Runs a layer over a batch.
pub(crate) fn forward(job: LayerBatch, activations: Activations) {
    let (sequences, shape) = (job.sequences, job.weights.shape);
    let (batch, packed) = (sequences.batch(), sequences.packed_rows());
    let training = activations.training;
    job.x.check(shape.input_size, packed);
    assert!(activations.hidden.len() >= (batch + packed) * shape.padded_hidden);
    let state_rows = batch + if training { packed } else { 0 };
    let cell_rows = if shape.has_cell_state() { state_rows } else { 0 };
    assert!(activations.cells.len() >= cell_rows * shape.padded_units);
    let gate_rows = if training { packed } else { spare_rows(shape, batch) };
    assert!(activations.gates.len() >= gate_rows * shape.gate_stride());
    let Kept { said, seen, masks } = activations.kept;
    let said_rows = if !shape.projected {
        0
    } else if training {
        packed
    } else {
        batch
    };
    assert!(said.len() >= said_rows * shape.padded_units);
    masks.check(shape, batch, packed);
    assert!(masks.recurrent.is_empty() || seen.len() >= (batch + packed) * shape.padded_hidden);
    for (seen, (hidden, mask)) in seen.iter_mut().zip(activations.hidden.iter().zip(masks.recurrent)) {
        *seen = hidden * mask;
    }
    let hidden = SharedRows::new(activations.hidden);
    let pass = &ForwardPass {
        shape,
        sequences,
        direction: job.direction,
        ahead: job.input_ahead(),
        weights: job.weights,
        x: job.x,
        hidden,
        seen: if masks.recurrent.is_empty() { hidden } else { SharedRows::new(seen) },
        said: SharedRows::new(said),
        cells: SharedRows::new(activations.cells),
        gates: SharedRows::new(activations.gates),
        masks,
    };
    with_cell(shape.recurrence, Forward { job, pass, training });
}

/// The forward pass of a batch.
struct Forward<'a> {
    job: LayerBatch<'a>,
    pass: &'a ForwardPass<'a>,
    training: bool,
}

impl Forward<'_> {
    fn run_as<C: Cell, M: Mode>(self, mode: M, cell: C) {
        let Self { job, pass, .. } = self;
        share_out(job, |share| dispatch(job.set, ForwardShare { cell, mode, pass: *pass, share }));
    }
}

impl Pass for Forward<'_> {
    fn run<C: Cell>(self, cell: C) {
        let training = self.training;
        self.run_as(training, cell);
    }

    fn run_plain(self, cell: Lstm<true>) {
        if self.training { self.run_as(Known::<true>, cell) } else { self.run_as(Known::<false>, cell) }
    }
}

/// Whether a backward pass will follow. The plain LSTM is compiled for each case, every other cell once for both.
pub(super) trait Mode: Copy + Send + Sync {
    fn training(self) -> bool;
}

#[derive(Clone, Copy)]
struct Known<const TRAINING: bool>;

impl<const TRAINING: bool> Mode for Known<TRAINING> {
    #[inline(always)]
    fn training(self) -> bool {
        TRAINING
    }
}

impl Mode for bool {
    #[inline(always)]
    fn training(self) -> bool {
        self
    }
}

#[derive(Clone, Copy)]
pub(super) struct ForwardPass<'a> {
    pub(super) shape: Shape,
    pub(super) sequences: &'a Sequences,
    direction: Direction,
    ahead: bool,
    pub(super) weights: &'a PackedWeights,
    x: Input<'a>,
    pub(super) hidden: SharedRows<'a>,
    /// The hidden states as the gates see them; `hidden` itself without recurrent dropout.
    pub(super) seen: SharedRows<'a>,
    /// What is projected.
    pub(super) said: SharedRows<'a>,
    cells: SharedRows<'a>,
    pub(super) gates: SharedRows<'a>,
    pub(super) masks: Masks<'a>,
}

/// Some rows and units of the batch, for all of their steps.
pub(super) struct ForwardShare<'a, C, M> {
    pub(super) cell: C,
    pub(super) mode: M,
    pub(super) pass: ForwardPass<'a>,
    pub(super) share: Share<'a>,
}

/// Rows of one step that lie side by side.
#[derive(Clone, Copy)]
pub(super) struct StepRows {
    /// The first of them in the batch.
    pub(super) row: usize,
    /// Its packed row.
    pub(super) packed_row: usize,
    /// The state before it.
    pub(super) state_before: usize,
    /// Where its gates lie, if there are any of it.
    pub(super) gates: usize,
}

impl StepRows {
    /// The r-th of them.
    #[inline(always)]
    pub(super) fn nth(self, r: usize) -> Self {
        Self {
            row: self.row + r,
            packed_row: self.packed_row + r,
            state_before: self.state_before + r,
            gates: self.gates + r,
        }
    }
}

impl<C: Cell, M: Mode> Kernel for ForwardShare<'_, C, M> {
    type Output = ();
    #[inline(always)]
    fn run<I: KernelIsa>(self, isa: I) {
        let ForwardPass { sequences, direction, ahead, .. } = self.pass;
        let panel_units = C::UNIT_VECTORS * I::LANES;
        let panels = self.share.units.start / panel_units..self.share.units.end.div_ceil(panel_units);
        let mut first_gates = 0;
        for index in 0..sequences.steps() {
            let step = sequences.step(direction, index);
            if ahead && index % AHEAD_STEPS == 0 {
                let last = sequences.step(direction, (index + AHEAD_STEPS).min(sequences.steps()) - 1);
                let (low, high) = (step.min(last), step.max(last));
                let rows = sequences.offset(low)..sequences.offset(high) + sequences.active(high);
                first_gates = if self.mode.training() { 0 } else { rows.start };
                // SAFETY: this thread alone computes these units of all rows; the rows fit the gates' room.
                unsafe { self.project(isa, rows, first_gates, panels.clone()) };
            }
            for turn in 0..panels.len() {
                // Back and forth, so that a step begins with the weights that the step before has left in the cache.
                let panel = if index % 2 == 0 { panels.start + turn } else { panels.end - 1 - turn };
                for (rows, count) in self.runs(step, first_gates) {
                    for (row, count) in tiles(0..count, I::ROWS) {
                        // SAFETY: the rows are active at this step, rows and units this share's own; `forward` checked
                        // the sizes.
                        unsafe { self.tile(isa, rows.nth(row), count, panel) };
                    }
                }
            }
            // SAFETY: as above; threads that share the units meet before one reads what another has written.
            unsafe {
                self.finish_deferred(isa, step, first_gates);
                self.finish_hidden(isa, step, first_gates);
            }
            self.share.meet();
        }
    }
}

impl<C: Cell, M: Mode> ForwardShare<'_, C, M> {
    /// This share's rows of a step: runs of them side by side, and how many each has.
    #[inline(always)]
    pub(super) fn runs(&self, step: usize, first_gates: usize) -> impl Iterator<Item = (StepRows, usize)> {
        let ForwardPass { sequences, direction, ahead, .. } = self.pass;
        let rows = self.share.rows.clone();
        let runs = sequences.runs(direction, step).into_iter().map(move |run| run.within(&rows));
        // Rows that have no such step would lie behind the last one.
        runs.filter(|run| !run.rows.is_empty()).map(move |run| {
            let (row, packed_row) = (run.rows.start, sequences.offset(step) + run.rows.start);
            let gates = if self.mode.training() || ahead { packed_row - first_gates } else { row };
            (StepRows { row, packed_row, state_before: run.state_before, gates }, run.rows.len())
        })
    }

    /// The input's part of the pre-activations, `b + W_ih · x`, of the packed rows `rows` and some panels, into the gates'
    /// rows from `rows.start − first_gates` on.
    ///
    /// # Safety
    /// These units of these rows are written by this thread alone, and the gates have room for them.
    #[inline(always)]
    unsafe fn project<I: KernelIsa>(&self, isa: I, rows: Range<usize>, first_gates: usize, panels: Range<usize>) {
        for panel in panels {
            for (row, count) in tiles(rows.clone(), I::ROWS) {
                // SAFETY: as the caller answers for it.
                unsafe {
                    let gates = self.projected::<I>(row - first_gates, panel);
                    let (biases, weights) = (self.biases::<I>(panel), self.weights::<I>(panel));
                    let x = self.inputs(row);
                    with_rows!(count, I, |R| if C::OVERLAPPING {
                        compute_overlapping::<I, R>(isa, biases, &x, None, weights, gates);
                    } else {
                        compute::<I, R, TILE_VECTORS, false>(isa, biases, &x, weights, gates);
                    });
                }
            }
        }
    }

    /// Where the input's products of the gates' rows from `row` on and of one panel lie that were computed ahead.
    ///
    /// # Safety
    /// There is such a row and panel.
    #[inline(always)]
    unsafe fn projected<I: KernelIsa>(&self, row: usize, panel: usize) -> Tile<*mut f32> {
        let (padded_units, row_stride) = (self.pass.shape.padded_units, self.pass.shape.gate_stride());
        // SAFETY: the caller answers for it.
        let start = unsafe { self.pass.gates.at(row * row_stride + panel * C::UNIT_VECTORS * I::LANES) };
        Tile { start, row_stride, vector_stride: if C::UNIT_VECTORS == 1 { padded_units } else { I::LANES } }
    }

    /// The packed weights of one panel: those of the input, then those of the hidden state.
    #[inline(always)]
    fn weights<I: KernelIsa>(&self, panel: usize) -> *const f32 {
        self.pass.weights.gates()[panel * self.pass.shape.packed_panel(I::LANES)..].as_ptr()
    }

    /// Numbers of one depth of a panel.
    #[inline(always)]
    fn width<I: KernelIsa>() -> usize {
        (TILE_VECTORS - usize::from(C::OVERLAPPING)) * I::LANES
    }

    /// The biases of one panel, the same for every row of a tile.
    #[inline(always)]
    fn biases<I: KernelIsa>(&self, panel: usize) -> Tile<*const f32> {
        let start = self.pass.weights.biases()[panel * TILE_VECTORS * I::LANES..].as_ptr();
        Tile { start, row_stride: 0, vector_stride: I::LANES }
    }

    /// The input of the packed rows from `packed_row` on; of depth 0 what has no columns.
    #[inline(always)]
    fn inputs(&self, packed_row: usize) -> [Left; 2] {
        let Input { first, second } = self.pass.x;
        [first, second.unwrap_or(Columns { count: 0, ..first })].map(
            #[inline(always)]
            |Columns { values, stride, count }| Left {
                start: values[packed_row * stride..].as_ptr(),
                stride,
                depth: count,
            },
        )
    }

    /// One panel of units of `count` rows at one step: pre-activations in registers, then, unless that has to wait, the
    /// states.
    ///
    /// # Safety
    /// The rows are active at the step, and these units of theirs written by this thread alone.
    #[inline(always)]
    unsafe fn tile<I: KernelIsa>(&self, isa: I, rows: StepRows, count: usize, panel: usize) {
        let padded_units = self.pass.shape.padded_units;
        let width = TILE_VECTORS * I::LANES;
        let mut tile = MaybeUninit::<[f32; MAX_ROWS * TILE_VECTORS * MAX_LANES]>::uninit();
        let tile = tile.as_mut_ptr().cast::<f32>();
        // SAFETY: packed rows, states and panels are within the sizes that `forward` checked.
        unsafe {
            if C::DEFERRED.is_some() {
                let to = self.projected::<I>(rows.gates, panel);
                with_rows!(count, I, |R| self.preactivations::<I, R>(isa, rows, panel, to));
                return;
            }
            let to = Tile { start: tile, row_stride: width, vector_stride: I::LANES };
            with_rows!(count, I, |R| self.preactivations::<I, R>(isa, rows, panel, to));
            for r in 0..count {
                for vector in 0..C::UNIT_VECTORS {
                    let unit = (panel * C::UNIT_VECTORS + vector) * I::LANES;
                    // The last panel of several vectors may be wider than the units are.
                    if C::UNIT_VECTORS == 1 || unit < padded_units {
                        let at = self.unit(tile.add(r * width + vector * I::LANES), rows.nth(r), unit);
                        self.cell.forward(isa, self.mode.training(), at);
                    }
                }
            }
        }
    }

    /// The pre-activations of one panel of R rows.
    ///
    /// # Safety
    /// As [`tile`](Self::tile), and `to` is writable.
    #[inline(always)]
    unsafe fn preactivations<I: KernelIsa, const R: usize>(
        &self,
        isa: I,
        rows: StepRows,
        panel: usize,
        to: Tile<*mut f32>,
    ) {
        let pass = &self.pass;
        let Shape { input_size, hidden, padded_hidden, .. } = pass.shape;
        let weights = self.weights::<I>(panel);
        // SAFETY: the caller answers for it.
        unsafe {
            let h = pass.seen.at(rows.state_before * padded_hidden);
            let h = Left { start: h, stride: padded_hidden, depth: hidden };
            if pass.ahead {
                let projected = self.projected::<I>(rows.gates, panel).into();
                let weights = weights.add(input_size * Self::width::<I>());
                if C::OVERLAPPING {
                    compute_overlapping::<I, R>(isa, projected, &[], Some(h), weights, to);
                } else {
                    compute::<I, R, TILE_VECTORS, false>(isa, projected, &[h], weights, to);
                }
                return;
            }
            let biases = self.biases::<I>(panel);
            match self.inputs(rows.packed_row) {
                x if C::OVERLAPPING => compute_overlapping::<I, R>(isa, biases, &x, Some(h), weights, to),
                [x, Left { depth: 0, .. }] => {
                    compute::<I, R, TILE_VECTORS, false>(isa, biases, &[x, h], weights, to);
                }
                [x, y] => compute::<I, R, TILE_VECTORS, false>(isa, biases, &[x, y, h], weights, to),
            }
        }
    }

    /// Where the vector of a row from `unit` on lies.
    ///
    /// # Safety
    /// As [`tile`](Self::tile).
    #[inline(always)]
    pub(super) unsafe fn unit(&self, preactivations: *const f32, rows: StepRows, unit: usize) -> ForwardUnit {
        let pass = &self.pass;
        let Shape { padded_units, padded_hidden, projected, .. } = pass.shape;
        let StepRows { row, packed_row, state_before, gates } = rows;
        let state = pass.sequences.batch() + packed_row;
        let training = self.mode.training();
        let [cell_before, cell] = if training { [state_before, state] } else { [row, row] };
        // SAFETY: rows and units are this thread's; `forward` checked the sizes.
        unsafe {
            let cells = |state: usize| {
                if C::CELL_STATE { pass.cells.at(state * padded_units + unit) } else { std::ptr::null_mut() }
            };
            let slots = if training || C::DEFERRED.is_some() {
                pass.gates.at(gates * pass.shape.gate_stride() + unit)
            } else {
                std::ptr::null_mut()
            };
            let hidden = if projected {
                pass.said.at(if training { packed_row } else { row } * padded_units + unit)
            } else {
                pass.hidden.at(state * padded_hidden + unit)
            };
            ForwardUnit {
                preactivations,
                slots,
                slot_stride: padded_units,
                cell_before: cells(cell_before),
                cell: cells(cell),
                // With a projection these are numbers of something else, which the LSTM does not ask for.
                hidden_before: pass.hidden.at(state_before * padded_hidden).add(if projected { 0 } else { unit }),
                hidden,
                vectors: pass.weights.vectors().as_ptr().wrapping_add(unit),
                cell_keep: pass.masks.keep_cell(&pass.shape, packed_row, unit),
            }
        }
    }
}

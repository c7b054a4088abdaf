//! What the options of a layer keep beside its states and gates, from the forward pass to the backward pass. A plain layer
//! keeps nothing.

use super::{Keep, Shape};
use crate::memory::{Plan, Region, disjoint};

/// Where everything lies in one region of memory; P packed rows, B rows, H padded units, R padded numbers of hidden state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeptLayout {
    length: usize,
    said: Region,
    seen: Region,
    masks: [Region; 3],
}

/// The kept values.
pub(crate) struct Kept<'a> {
    /// What is projected: [P, H] when training, else [B, H].
    pub(crate) said: &'a mut [f32],
    /// [B + P, R] with recurrent dropout: the hidden states as the gates see them.
    pub(crate) seen: &'a mut [f32],
    pub(crate) masks: Masks<'a>,
}

/// The random factors of a training step; empty in prediction and where there are none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Masks<'a> {
    /// [B, R]: what the hidden state is multiplied with on its way into the gates.
    pub(crate) recurrent: &'a [f32],
    /// [P, R]: 1 where the hidden state keeps its value of the step before, else 0.
    pub(crate) keep_hidden: &'a [f32],
    /// [P, H]: the same of the cell state.
    pub(crate) keep_cell: &'a [f32],
}

/// A mask to be filled: rows of `columns` numbers, `stride` apart.
pub(crate) struct Mask<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) columns: usize,
    pub(crate) stride: usize,
    /// The probability of the first outcome.
    pub(crate) rate: f32,
    /// The mask's number where chance strikes, and where it does not.
    pub(crate) outcomes: [f32; 2],
    /// Whether rows are those of the batch, or packed rows.
    pub(crate) rows: MaskRows,
}

/// What the rows of a mask are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MaskRows {
    /// Sequences: the same at every step.
    Batch,
    /// Packed rows: every step of every sequence.
    Packed,
}

/// What dropout multiplies a number with: 0 where it is dropped, else so much that all are as large as before on average.
pub(crate) fn dropout_outcomes(rate: f32) -> [f32; 2] {
    [0.0, 1.0 / (1.0 - rate)]
}

impl KeptLayout {
    /// The layout for a batch. `training` says whether a backward pass will follow.
    pub(crate) fn new(shape: Shape, batch: usize, packed_rows: usize, training: bool) -> Self {
        let when = |wanted: bool, length: usize| if wanted { length } else { 0 };
        let Shape { padded_units, padded_hidden, .. } = shape;
        let drops = training && shape.recurrent_dropout > 0.0;
        let mut plan = Plan::default();
        let said = plan.take(when(shape.projected, padded_units * if training { packed_rows } else { batch }));
        let seen = plan.take(when(drops, (batch + packed_rows) * padded_hidden));
        let masks = [
            plan.take(when(drops, batch * padded_hidden)),
            plan.take(when(training && shape.hidden_zoneout > 0.0, packed_rows * padded_hidden)),
            plan.take(when(training && shape.cell_zoneout() > 0.0, packed_rows * padded_units)),
        ];
        Self { length: plan.length(), said, seen, masks }
    }

    /// Numbers that it takes.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    /// The values in memory of this layout; `masked` says whether the masks are filled and count.
    pub(crate) fn carve<'a>(&self, memory: &'a mut [f32], masked: bool) -> Kept<'a> {
        let [recurrent, keep_hidden, keep_cell] = self.masks;
        let [said, seen, recurrent, keep_hidden, keep_cell] =
            disjoint(memory, [self.said, self.seen, recurrent, keep_hidden, keep_cell]);
        if !masked {
            return Kept { said, seen: &mut [], masks: Masks::default() };
        }
        Kept { said, seen, masks: Masks { recurrent, keep_hidden, keep_cell } }
    }

    /// The masks of a layer, in the order of [`Masks`], to be filled before a training step.
    pub(crate) fn masks<'a>(&self, shape: Shape, memory: &'a mut [f32]) -> [Mask<'a>; 3] {
        let [recurrent, keep_hidden, keep_cell] = disjoint(memory, self.masks);
        let (hidden, units) = ((shape.hidden, shape.padded_hidden), (shape.units, shape.padded_units));
        let keep = |values, (columns, stride), rate| Mask {
            values,
            columns,
            stride,
            rate,
            outcomes: [1.0, 0.0],
            rows: MaskRows::Packed,
        };
        let rate = shape.recurrent_dropout;
        [
            Mask { outcomes: dropout_outcomes(rate), rows: MaskRows::Batch, ..keep(recurrent, hidden, rate) },
            keep(keep_hidden, hidden, shape.hidden_zoneout),
            keep(keep_cell, units, shape.cell_zoneout()),
        ]
    }
}

impl Masks<'_> {
    /// Fails unless there is room for a batch in every mask that is there.
    pub(crate) fn check(&self, shape: Shape, batch: usize, packed_rows: usize) {
        let masks = [
            (self.recurrent, batch * shape.padded_hidden),
            (self.keep_hidden, packed_rows * shape.padded_hidden),
            (self.keep_cell, packed_rows * shape.padded_units),
        ];
        assert!(masks.into_iter().all(|(mask, length)| mask.is_empty() || mask.len() >= length));
    }

    /// The part of the cell state that is kept, from number `unit` of a packed row on.
    #[inline(always)]
    pub(super) fn keep_cell(&self, shape: &Shape, packed_row: usize, unit: usize) -> Keep {
        keep(self.keep_cell, shape.cell_zoneout(), packed_row * shape.padded_units + unit)
    }

    /// The same of the hidden state.
    #[inline(always)]
    pub(super) fn keep_hidden(&self, shape: &Shape, packed_row: usize, column: usize) -> Keep {
        keep(self.keep_hidden, shape.hidden_zoneout, packed_row * shape.padded_hidden + column)
    }
}

#[inline(always)]
fn keep(mask: &[f32], rate: f32, at: usize) -> Keep {
    let mask = if mask.is_empty() { std::ptr::null() } else { mask.as_ptr().wrapping_add(at) };
    Keep { mask, rate }
}

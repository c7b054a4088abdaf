//! The time loop of a recurrent layer in one direction over a batch, forward mirrored by backward: the same for every
//! cell. What a cell does with the pre-activations of its units stands in [`lstm`](super::lstm), [`gru`](super::gru) and
//! [`rnn`](super::rnn).
//!
//! Forward, per step: a register tile computes the pre-activations of some rows and of one panel of units,
//! `W_ih · x_t + b_ih + W_hh · h_{t−1} + b_hh`, and the cell makes the new states of them while they are hot. Backward, per
//! step: the cell turns the gradients of its states into those of the pre-activations (back-propagation through time,
//! Werbos 1990), and one product takes them to the step before. After the loop, over all packed rows at once:
//!
//! ```text
//! dh_{t−1} = dgates · W_hh                                     the only product inside the reverse loop
//! dW_ih = Σ dgatesᵀ · x_t   dW_hh = Σ dgatesᵀ · h_{t−1}   db = Σ dgates   dx_t = dgates · W_ih    after it
//! ```
//!
//! In memory units are padded to whole vectors; padded units have zero weights, so their states and gradients are zero.

mod backward;
mod cell;
mod choice;
mod finish;
mod forward;
mod kept;
mod scratch;
mod shape;
mod share;
mod weight_gradients;
mod weights;

use super::sequences::{Direction, Sequences};
use crate::executor::Executor;
use crate::kernels::InstructionSet;

pub(crate) use backward::{FromAbove, Gradients, InputGradient, backward};
pub(crate) use cell::{BackwardUnit, Cell, Deferred, ForwardUnit, Keep, Row};
pub(crate) use forward::{Activations, forward, spare_rows};
pub(crate) use kept::{KeptLayout, MaskRows, dropout_outcomes};
pub(crate) use scratch::ScratchLayout;
pub(crate) use shape::{Recurrence, Shape};
pub(crate) use weights::PackedWeights;

/// A layer and the batch that it runs over: what both passes are told.
#[derive(Clone, Copy)]
pub(crate) struct LayerBatch<'a> {
    pub(crate) set: InstructionSet,
    pub(crate) executor: &'a Executor,
    pub(crate) weights: &'a PackedWeights,
    pub(crate) sequences: &'a Sequences,
    pub(crate) direction: Direction,
    /// The input, columns side by side, I in all: the batch's features, or the hidden states of the layer below, which
    /// has two directions where there are two of them.
    pub(crate) x: Input<'a>,
}

/// Some columns of a layer's input.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    /// [packed rows, stride], of which the first `count` numbers a row are the columns.
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) count: usize,
}

impl<'a> Columns<'a> {
    /// The columns of one packed row.
    pub(crate) fn row(self, row: usize) -> &'a [f32] {
        &self.values[row * self.stride..][..self.count]
    }
}

/// A layer's input, from the first column on.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) first: Columns<'a>,
    pub(crate) second: Option<Columns<'a>>,
}

impl<'a> Input<'a> {
    pub(crate) fn columns(self) -> impl Iterator<Item = Columns<'a>> {
        std::iter::once(self.first).chain(self.second)
    }

    /// Copies one packed row to the beginning of `to`.
    #[inline(always)]
    pub(crate) fn copy_row(self, row: usize, to: &mut [f32]) {
        let mut place = 0;
        for columns in self.columns() {
            to[place..][..columns.count].copy_from_slice(columns.row(row));
            place += columns.count;
        }
    }

    fn check(self, input_size: usize, packed_rows: usize) {
        assert_eq!(self.columns().map(|columns| columns.count).sum::<usize>(), input_size);
        for Columns { values, stride, count } in self.columns() {
            assert!(stride >= count && values.len() + stride >= packed_rows * stride + count);
        }
    }
}

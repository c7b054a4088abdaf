//! Between the layers, over packed rows: what becomes of the states of both directions, what a residual layer adds to them, and
//! what training drops of what a layer reads. Forward beside backward. Knows rows; nothing of cells and weights.

use std::ops::Range;

use super::definition::Merge;
use crate::cells::recurrence::Input;
use crate::executor::Executor;
use crate::memory::SharedRows;

/// Operations a number below which threads are not worth waking, as a layer's products count them.
pub(super) const OPERATIONS: usize = 10;

/// Calls `of` with each of the `rows` rows of `out`, `stride` numbers each, on all threads that are worth it.
pub(super) fn for_rows(
    executor: &Executor,
    rows: usize,
    stride: usize,
    out: &mut [f32],
    of: impl Fn(usize, &mut [f32]) + Sync,
) {
    for_parts(executor, rows, stride, out, |rows, targets| {
        for (row, target) in rows.zip(targets.chunks_exact_mut(stride)) {
            of(row, target);
        }
    });
}

/// The same with some rows at a time: all of those that one thread has.
pub(super) fn for_parts(
    executor: &Executor,
    rows: usize,
    stride: usize,
    out: &mut [f32],
    of: impl Fn(Range<usize>, &mut [f32]) + Sync,
) {
    assert!(out.len() >= rows * stride);
    let out = SharedRows::new(out);
    let parts = executor.parts(OPERATIONS * rows * stride).min(rows);
    executor.run(parts, |part| {
        let rows = rows * part / parts..rows * (part + 1) / parts;
        // SAFETY: within the rows as asserted above; the parts' rows are disjoint.
        let targets = unsafe { std::slice::from_raw_parts_mut(out.at(rows.start * stride), rows.len() * stride) };
        of(rows, targets);
    });
}

/// How a layer makes of its directions' states what it gives.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joint {
    pub(super) merge: Merge,
    pub(super) residual: bool,
}

impl Joint {
    /// What the gradient of a direction's states is, as a part of that of what the layer gives.
    pub(super) fn part(self) -> f32 {
        if self.merge == Merge::Mean { 0.5 } else { 1.0 }
    }

    /// Where direction `which`, of `hidden` numbers, stands among what the layer gives.
    pub(super) fn place(self, which: usize, hidden: usize) -> usize {
        if self.merge == Merge::Concat { which * hidden } else { 0 }
    }

    /// Adds a direction's states to what the layer gives of one row, which begins as zeros.
    pub(super) fn add(self, which: usize, states: &[f32], given: &mut [f32]) {
        let given = &mut given[self.place(which, states.len())..][..states.len()];
        for (given, state) in given.iter_mut().zip(states) {
            *given += state * self.part();
        }
    }

    /// The gradient of a direction's states from that of what the layer gives of one row.
    pub(super) fn backward(self, which: usize, given: &[f32], states: &mut [f32]) {
        let given = &given[self.place(which, states.len())..];
        for (state, given) in states.iter_mut().zip(given) {
            *state = given * self.part();
        }
    }

    /// What the layer gives at every step, from the states of its directions and from what it reads.
    pub(super) fn join(
        self,
        states: Input,
        read: Input,
        executor: &Executor,
        rows: usize,
        stride: usize,
        out: &mut [f32],
    ) {
        for_rows(executor, rows, stride, out, |row, given| {
            given.fill(0.0);
            for (which, columns) in states.columns().enumerate() {
                self.add(which, columns.row(row), given);
            }
            if self.residual {
                add_row(read, row, given);
            }
        });
    }

    /// The gradients of both directions' states, in the place of that of what the layer gives.
    pub(super) fn backward_in_place(self, executor: &Executor, rows: usize, stride: usize, gradient: &mut [f32]) {
        if self.merge == Merge::Mean {
            let part = self.part();
            for_rows(executor, rows, stride, gradient, |_, row| row.iter_mut().for_each(|value| *value *= part));
        }
    }
}

/// Adds a row of a layer's input to what is there.
pub(super) fn add_row(input: Input, row: usize, to: &mut [f32]) {
    let mut place = 0;
    for columns in input.columns() {
        for (sum, value) in to[place..].iter_mut().zip(columns.row(row)) {
            *sum += value;
        }
        place += columns.count;
    }
}

/// What training leaves of a layer's input: each number times the mask's.
pub(super) fn drop_input(input: Input, mask: &[f32], executor: &Executor, rows: usize, stride: usize, out: &mut [f32]) {
    for_rows(executor, rows, stride, out, |row, target| {
        let mut place = 0;
        for columns in input.columns() {
            let mask = &mask[row * stride + place..];
            for ((target, value), mask) in target[place..].iter_mut().zip(columns.row(row)).zip(mask) {
                *target = value * mask;
            }
            place += columns.count;
        }
    });
}

/// Multiplies `width` of each row's `stride` numbers with the mask's.
pub(super) fn apply_mask(
    mask: &[f32],
    executor: &Executor,
    rows: usize,
    (width, stride): (usize, usize),
    values: &mut [f32],
) {
    for_rows(executor, rows, stride, values, |row, values| {
        for (value, mask) in values[..width].iter_mut().zip(&mask[row * stride..]) {
            *value *= mask;
        }
    });
}

/// Adds `factor` times the rows of `from` to those of `to`.
pub(super) fn add_rows(from: &[f32], factor: f32, executor: &Executor, rows: usize, stride: usize, to: &mut [f32]) {
    for_rows(executor, rows, stride, to, |row, to| {
        for (sum, value) in to.iter_mut().zip(&from[row * stride..]) {
            *sum += factor * value;
        }
    });
}

//! How a batch of sequences of different lengths lies in memory: longest first, time-major, without padding.
//!
//! Rows are the batch's samples sorted by falling length. Step `t` holds one *packed row* for each sample that has
//! such a step: rows `0..active(t)`, from packed row `offset(t)` on. Padding has no place here, so it can reach
//! nothing; a finished sample costs nothing.
//!
//! A layer may walk through the steps in either direction. The state after packed row `p` is state `batch + p`; in
//! front of these lie the initial states, that of row `r` as state `r`. Walking forward, a row's initial state comes
//! before its step 0; walking in reverse, before its own last valid step.

use std::ops::Range;

/// The direction in which a layer walks through the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Reverse,
}

/// Rows of one step whose states before it lie side by side, that of row `rows.start` at `state_before`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) rows: Range<usize>,
    pub(crate) state_before: usize,
}

impl Run {
    /// The part of the run that lies within `rows`.
    #[inline(always)]
    pub(crate) fn within(&self, rows: &Range<usize>) -> Self {
        let start = self.rows.start.max(rows.start);
        let end = self.rows.end.min(rows.end).max(start);
        Self { rows: start..end, state_before: self.state_before.wrapping_add(start).wrapping_sub(self.rows.start) }
    }
}

/// The packing of one batch. Reused from batch to batch without allocating.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    order: Vec<u32>,
    lengths: Vec<u32>,
    active: Vec<usize>,
    offsets: Vec<usize>,
    /// The state before each packed row, walking forward and in reverse.
    states_before: [Vec<u32>; 2],
    rows: usize,
}

impl Sequences {
    /// Packs a batch whose sample `s` has `length(s)` valid steps, from 1 to `steps`. Allocates only for a larger
    /// `batch` or more `steps` than before, whatever the lengths.
    pub(crate) fn pack(&mut self, batch: usize, steps: usize, length: impl Fn(usize) -> usize) {
        self.order.clear();
        self.order.extend(0..batch as u32);
        // Ties keep their order, so that the packing, and with it every bit, follows from the data alone.
        self.order.sort_unstable_by_key(|&sample| (std::cmp::Reverse(length(sample as usize)), sample));
        self.lengths.clear();
        self.lengths.extend(self.order.iter().map(|&sample| length(sample as usize) as u32));
        self.active.clear();
        self.offsets.clear();
        self.active.reserve(steps);
        self.offsets.reserve(steps);
        self.rows = 0;
        let mut active = batch;
        for step in 0..self.lengths.first().map_or(0, |&longest| longest as usize) {
            while self.lengths[active - 1] as usize <= step {
                active -= 1;
            }
            self.active.push(active);
            self.offsets.push(self.rows);
            self.rows += active;
        }
        for direction in [Direction::Forward, Direction::Reverse] {
            let mut states = std::mem::take(&mut self.states_before[direction as usize]);
            states.clear();
            states.reserve(batch * steps);
            for step in 0..self.steps() {
                for run in self.runs(direction, step) {
                    states.extend((run.state_before..run.state_before + run.rows.len()).map(|state| state as u32));
                }
            }
            self.states_before[direction as usize] = states;
        }
    }

    /// Samples.
    pub(crate) fn batch(&self) -> usize {
        self.order.len()
    }

    /// Steps of the longest sample.
    pub(crate) fn steps(&self) -> usize {
        self.active.len()
    }

    /// Packed rows: valid steps of all samples together.
    pub(crate) fn packed_rows(&self) -> usize {
        self.rows
    }

    /// The sample that row `row` holds.
    pub(crate) fn sample(&self, row: usize) -> usize {
        self.order[row] as usize
    }

    /// Steps of the sample in `row`.
    #[inline(always)]
    pub(crate) fn length(&self, row: usize) -> usize {
        self.lengths[row] as usize
    }

    /// Rows that have a step `step`.
    #[inline(always)]
    pub(crate) fn active(&self, step: usize) -> usize {
        self.active[step]
    }

    /// The packed row of row 0 at `step`.
    #[inline(always)]
    pub(crate) fn offset(&self, step: usize) -> usize {
        self.offsets[step]
    }

    /// The packed row of the step that `row` ends with: its last valid step, or in reverse its first.
    pub(crate) fn last(&self, direction: Direction, row: usize) -> usize {
        match direction {
            Direction::Forward => self.offsets[self.lengths[row] as usize - 1] + row,
            Direction::Reverse => row,
        }
    }

    /// The step that a walk comes to as its `index`-th.
    #[inline(always)]
    pub(crate) fn step(&self, direction: Direction, index: usize) -> usize {
        match direction {
            Direction::Forward => index,
            Direction::Reverse => self.steps() - 1 - index,
        }
    }

    /// The active rows of a step, cut where their states before it stop lying side by side: where in reverse the rows
    /// begin that have no later step.
    #[inline(always)]
    pub(crate) fn runs(&self, direction: Direction, step: usize) -> [Run; 2] {
        let active = self.active[step];
        let (going_on, before) = match direction {
            Direction::Forward if step == 0 => (0, 0),
            Direction::Forward => (active, self.batch() + self.offsets[step - 1]),
            Direction::Reverse if step + 1 == self.steps() => (0, 0),
            Direction::Reverse => (self.active[step + 1], self.batch() + self.offsets[step + 1]),
        };
        [Run { rows: 0..going_on, state_before: before }, Run { rows: going_on..active, state_before: going_on }]
    }

    /// The state before every packed row.
    pub(crate) fn states_before(&self, direction: Direction) -> &[u32] {
        &self.states_before[direction as usize]
    }

    /// Cuts the rows into `parts` of about the same number of steps; gives the first row of part `part`.
    pub(crate) fn part_start(&self, part: usize, parts: usize) -> usize {
        let target = self.rows * part / parts;
        let mut steps = 0;
        let mut row = 0;
        while row < self.batch() && steps < target {
            steps += self.lengths[row] as usize;
            row += 1;
        }
        if part == parts { self.batch() } else { row }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(lengths: &[usize]) -> Sequences {
        let mut sequences = Sequences::default();
        sequences.pack(lengths.len(), 40, |sample| lengths[sample]);
        sequences
    }

    #[test]
    fn the_longest_sample_comes_first_and_ties_keep_their_order() {
        let sequences = packed(&[1, 3, 2, 3]);
        assert_eq!((0..4).map(|row| sequences.sample(row)).collect::<Vec<_>>(), [1, 3, 2, 0]);
        assert_eq!((0..3).map(|step| sequences.active(step)).collect::<Vec<_>>(), [4, 3, 2]);
        assert_eq!((0..3).map(|step| sequences.offset(step)).collect::<Vec<_>>(), [0, 4, 7]);
        assert_eq!((sequences.steps(), sequences.packed_rows()), (3, 9));
        assert_eq!((0..4).map(|row| sequences.last(Direction::Forward, row)).collect::<Vec<_>>(), [7, 8, 6, 3]);
        assert_eq!(sequences.states_before(Direction::Forward), [0, 1, 2, 3, 4, 5, 6, 8, 9]);
    }

    #[test]
    fn in_reverse_a_row_begins_at_its_own_last_step() {
        let sequences = packed(&[1, 3, 2, 3]);
        assert_eq!((0..3).map(|index| sequences.step(Direction::Reverse, index)).collect::<Vec<_>>(), [2, 1, 0]);
        // Packed rows 0 to 3 are step 0, 4 to 6 step 1, 7 and 8 step 2; the state after packed row p is 4 + p.
        assert_eq!(sequences.states_before(Direction::Reverse), [8, 9, 10, 3, 11, 12, 2, 0, 1]);
        assert_eq!((0..4).map(|row| sequences.last(Direction::Reverse, row)).collect::<Vec<_>>(), [0, 1, 2, 3]);
        let [going_on, beginning] = sequences.runs(Direction::Reverse, 1);
        assert_eq!(going_on.within(&(1..9)), Run { rows: 1..2, state_before: 12 });
        assert_eq!(beginning.within(&(0..3)), Run { rows: 2..3, state_before: 2 });
        assert!(going_on.within(&(2..3)).rows.is_empty());
    }

    #[test]
    fn parts_cover_all_rows_once_and_share_the_steps() {
        let sequences = packed(&[40, 40, 40, 40, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10]);
        let starts: Vec<_> = (0..=2).map(|part| sequences.part_start(part, 2)).collect();
        assert_eq!(starts, [0, 4, 20]);
    }

    #[test]
    fn packing_again_forgets_the_batch_before() {
        let mut sequences = packed(&[5, 5, 5]);
        sequences.pack(1, 2, |_| 2);
        assert_eq!((sequences.batch(), sequences.steps(), sequences.packed_rows()), (1, 2, 2));
    }
}

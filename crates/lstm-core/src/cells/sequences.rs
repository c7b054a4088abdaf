//! How a batch of sequences of different lengths lies in memory: longest first, time-major, without padding.
//!
//! Rows are the batch's samples sorted by falling length. Step `t` holds one *packed row* for each sample that has
//! such a step: rows `0..active(t)`, from packed row `offset(t)` on. Padding has no place here, so it can reach
//! nothing; a finished sample costs nothing.

/// The packing of one batch. Reused from batch to batch without allocating.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    order: Vec<u32>,
    lengths: Vec<u32>,
    active: Vec<usize>,
    offsets: Vec<usize>,
    states_before: Vec<u32>,
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
        self.states_before.clear();
        self.active.reserve(steps);
        self.offsets.reserve(steps);
        self.states_before.reserve(batch * steps);
        self.rows = 0;
        let mut active = batch;
        for step in 0..self.lengths.first().map_or(0, |&longest| longest as usize) {
            while self.lengths[active - 1] as usize <= step {
                active -= 1;
            }
            let before = if step == 0 { 0 } else { batch + self.offsets[step - 1] };
            self.states_before.extend((before..before + active).map(|state| state as u32));
            self.active.push(active);
            self.offsets.push(self.rows);
            self.rows += active;
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

    /// The packed row of the last valid step of `row`.
    pub(crate) fn last(&self, row: usize) -> usize {
        self.offsets[self.lengths[row] as usize - 1] + row
    }

    /// Where the state before a packed row lies, if the initial states of all rows are put in front of the packed
    /// rows' states: the initial state of row `r` is state `r`, the state after packed row `p` is state `batch + p`.
    #[inline(always)]
    pub(crate) fn state_before(&self, step: usize) -> usize {
        self.states_before[self.offsets[step]] as usize
    }

    /// [`state_before`](Self::state_before) of every packed row.
    pub(crate) fn states_before(&self) -> &[u32] {
        &self.states_before
    }

    /// Cuts the rows into `parts` of about the same number of steps, each a multiple of `granularity` rows but the
    /// last; gives the first row of part `part`.
    pub(crate) fn part_start(&self, part: usize, parts: usize, granularity: usize) -> usize {
        let target = self.rows * part / parts;
        let mut steps = 0;
        let mut row = 0;
        while row < self.batch() && steps < target {
            steps += self.lengths[row] as usize;
            row += 1;
        }
        if part == parts { self.batch() } else { row.next_multiple_of(granularity).min(self.batch()) }
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
        assert_eq!((0..4).map(|row| sequences.last(row)).collect::<Vec<_>>(), [7, 8, 6, 3]);
        assert_eq!((0..3).map(|step| sequences.state_before(step)).collect::<Vec<_>>(), [0, 4, 8]);
    }

    #[test]
    fn parts_cover_all_rows_once_and_share_the_steps() {
        let sequences = packed(&[40, 40, 40, 40, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10]);
        let starts: Vec<_> = (0..=2).map(|part| sequences.part_start(part, 2, 2)).collect();
        assert_eq!(starts, [0, 4, 20]);
    }

    #[test]
    fn packing_again_forgets_the_batch_before() {
        let mut sequences = packed(&[5, 5, 5]);
        sequences.pack(1, 2, |_| 2);
        assert_eq!((sequences.batch(), sequences.steps(), sequences.packed_rows()), (1, 2, 2));
    }
}

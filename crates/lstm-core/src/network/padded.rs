//! Between callers' padded arrays and the kernels' packed rows: B sequences, T steps, rows of some numbers.

use crate::cells::sequences::Sequences;

/// The columns of one direction in a row of a padded array: H of `stride` numbers, from `first` on.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) first: usize,
    pub(crate) stride: usize,
}

/// States [B, H] into the kernels' rows [B, padded], zero where there are none.
pub(crate) fn pad_states(sequences: &Sequences, rows: &mut [f32], states: Option<&[f32]>, units: usize, padded: usize) {
    for (row, target) in rows.chunks_exact_mut(padded).take(sequences.batch()).enumerate() {
        target.fill(0.0);
        if let Some(states) = states {
            target[..units].copy_from_slice(&states[sequences.sample(row) * units..][..units]);
        }
    }
}

/// The rows `of(row)`, in the order of the samples, without padding, into [B, H].
pub(crate) fn per_sample<'a>(sequences: &Sequences, units: usize, of: impl Fn(usize) -> &'a [f32], out: &mut [f32]) {
    for row in 0..sequences.batch() {
        out[sequences.sample(row) * units..][..units].copy_from_slice(&of(row)[..units]);
    }
}

/// Where each packed row belongs in a padded array [B, `steps`, …]: pairs of packed row and padded row.
fn placement(sequences: &Sequences, steps: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..sequences.steps()).flat_map(move |step| {
        (0..sequences.active(step)).map(move |row| (sequences.offset(step) + row, sequences.sample(row) * steps + step))
    })
}

/// `width` numbers of each packed row into their place in a padded array; the padding is left alone.
pub(crate) fn unpack(
    sequences: &Sequences,
    steps: usize,
    packed: &[f32],
    packed_stride: usize,
    out: &mut [f32],
    Place { first, stride }: Place,
    width: usize,
) {
    for (row, padded) in placement(sequences, steps) {
        out[padded * stride + first..][..width].copy_from_slice(&packed[row * packed_stride..][..width]);
    }
}

/// `width` numbers in their place in a padded array into packed rows.
pub(crate) fn pack_rows(
    sequences: &Sequences,
    steps: usize,
    padded: &[f32],
    Place { first, stride }: Place,
    out: &mut [f32],
    width: usize,
    packed_stride: usize,
) {
    for (row, place) in placement(sequences, steps) {
        out[row * packed_stride..][..width].copy_from_slice(&padded[place * stride + first..][..width]);
    }
}

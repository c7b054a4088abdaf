//! Packing: the right operand of a product, laid out in the order in which the register tile reads it.
//!
//! Columns are cut into panels of 4 vectors, then at most one of 2 and one of 1. A panel holds its columns of depth 0,
//! then of depth 1, …: the tile's inner loop reads it from end to end. Missing columns of the last vector are zero.

use super::tile::TILE_VECTORS;

/// The panels of `columns` columns (padded to whole vectors): first column and vectors of each. The panel at column c
/// starts at `depth · c`, because all columns before it lie before it.
#[inline(always)]
pub(crate) fn panels(columns: usize, lanes: usize) -> impl ExactSizeIterator<Item = (usize, usize)> {
    let vectors = columns.div_ceil(lanes);
    let count = vectors / TILE_VECTORS + (vectors % TILE_VECTORS).div_ceil(2);
    (0..count).map(move |index| panel(columns, lanes, index))
}

/// The `index`-th of the [`panels`].
#[inline(always)]
pub(crate) fn panel(columns: usize, lanes: usize, index: usize) -> (usize, usize) {
    let vectors = columns.div_ceil(lanes);
    let (whole, rest) = (vectors / TILE_VECTORS, vectors % TILE_VECTORS);
    match index.checked_sub(whole) {
        None => (index * TILE_VECTORS * lanes, TILE_VECTORS),
        Some(0) => (whole * TILE_VECTORS * lanes, rest.min(2)),
        Some(_) => ((whole * TILE_VECTORS + 2) * lanes, 1),
    }
}

/// Values that a packed operand takes.
pub(crate) fn packed_length(depth: usize, columns: usize, lanes: usize) -> usize {
    depth * columns.next_multiple_of(lanes)
}

/// Packs depth row `k` of an operand whose columns lie side by side in `values`.
#[inline(always)]
pub(crate) fn pack_row(packed: &mut [f32], depth: usize, k: usize, values: &[f32], lanes: usize) {
    for (first, vectors) in panels(values.len(), lanes) {
        let width = vectors * lanes;
        let target = &mut packed[depth * first + k * width..][..width];
        let there = width.min(values.len() - first);
        target[..there].copy_from_slice(&values[first..first + there]);
        target[there..].fill(0.0);
    }
}

/// Depths that a block of packing takes: 16 numbers are a cache line of the source, 16 rows of a panel are few enough to
/// stay in the first-level cache until they are whole.
const BLOCK: usize = 16;

/// Packs one panel of the gates' weights of an LSTM layer. Depth runs over the input, then over the previous hidden
/// state; a panel holds one vector of units for each gate, so that the tile has all four gates of a unit in its registers.
///
/// `weight_ih` is [4H, I], `weight_hh` [4H, H]; the panel takes (I + H) · 4 · `lanes` values.
pub(crate) fn pack_gates_panel(
    target: &mut [f32],
    panel: usize,
    weight_ih: &[f32],
    weight_hh: &[f32],
    units: usize,
    lanes: usize,
) {
    let width = TILE_VECTORS * lanes;
    let (from_input, from_hidden) = target.split_at_mut(weight_ih.len() / (4 * units) * width);
    for (target, weight) in [(from_input, weight_ih), (from_hidden, weight_hh)] {
        let depth = weight.len() / (4 * units);
        for (block, target) in target.chunks_mut(BLOCK * width).enumerate() {
            for column in 0..width {
                let (gate, unit) = (column / lanes, panel * lanes + column % lanes);
                let values = target[column..].iter_mut().step_by(width);
                if unit < units {
                    let row = &weight[(gate * units + unit) * depth..][block * BLOCK..depth];
                    for (value, &weight) in values.zip(row) {
                        *value = weight;
                    }
                } else {
                    values.for_each(|value| *value = 0.0);
                }
            }
        }
    }
}

/// Packs the sum of both biases `[4H]` in the order of the gates' panels.
pub(crate) fn pack_biases(packed: &mut [f32], bias_ih: &[f32], bias_hh: &[f32], units: usize, lanes: usize) {
    for (column, value) in packed.iter_mut().enumerate() {
        let (panel, gate) = (column / (TILE_VECTORS * lanes), column / lanes % TILE_VECTORS);
        let unit = panel * lanes + column % lanes;
        *value = if unit < units { bias_ih[gate * units + unit] + bias_hh[gate * units + unit] } else { 0.0 };
    }
}

/// Packs the panel of `vectors` vectors from column `first` on of W [4H, N] as the right operand of `dgates · W`, whose
/// depth runs over 4 gates of `padded` units each.
pub(crate) fn pack_gradient_panel(
    target: &mut [f32],
    (first, vectors): (usize, usize),
    weight: &[f32],
    units: usize,
    padded: usize,
    lanes: usize,
) {
    let columns = weight.len() / (4 * units);
    let width = vectors * lanes;
    let there = width.min(columns - first);
    for (gate, target) in target.chunks_exact_mut(padded * width).enumerate() {
        let (rows, padding) = target.split_at_mut(units * width);
        padding.fill(0.0);
        for (unit, row) in rows.chunks_exact_mut(width).enumerate() {
            row[..there].copy_from_slice(&weight[(gate * units + unit) * columns + first..][..there]);
            row[there..].fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_cover_the_columns_with_the_widest_first() {
        assert_eq!(panels(130, 16).collect::<Vec<_>>(), [(0, 4), (64, 4), (128, 1)]);
        assert_eq!(panels(48, 16).collect::<Vec<_>>(), [(0, 2), (32, 1)]);
        assert_eq!(panels(1, 4).collect::<Vec<_>>(), [(0, 1)]);
        assert_eq!(panels(0, 4).count(), 0);
    }

    #[test]
    fn a_row_goes_to_its_panels_padded_with_zeros() {
        let mut packed = [9.0; 2 * 8];
        pack_row(&mut packed, 2, 0, &[1., 2., 3., 4., 5.], 4);
        pack_row(&mut packed, 2, 1, &[6., 7., 8., 9., 10.], 4);
        assert_eq!(packed, [1., 2., 3., 4., 5., 0., 0., 0., 6., 7., 8., 9., 10., 0., 0., 0.]);
    }

    #[test]
    fn gates_of_a_unit_lie_side_by_side() {
        // One input, two units, two lanes: rows are i0 i1 f0 f1 g0 g1 o0 o1.
        let weight_ih = [1., 2., 3., 4., 5., 6., 7., 8.];
        let weight_hh: Vec<f32> = (0..16).map(|v| 10.0 + v as f32).collect();
        let mut packed = [9.0; 3 * 8];
        pack_gates_panel(&mut packed, 0, &weight_ih, &weight_hh, 2, 2);
        assert_eq!(packed[..8], weight_ih);
        assert_eq!(packed[8..16], [10., 12., 14., 16., 18., 20., 22., 24.]);
        assert_eq!(packed[16..], [11., 13., 15., 17., 19., 21., 23., 25.]);
    }
}

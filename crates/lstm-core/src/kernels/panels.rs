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

/// How a layer's gates lie in its weights, blocks of H rows each, and in the slots of a tile and of a row of gates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GateOrder {
    /// Blocks that the weights have.
    pub(crate) gates: usize,
    /// The block of each slot that the input's product fills, from slot 0 on. A slot without one stays zero.
    pub(crate) input: &'static [Option<usize>],
    /// The block of each slot that the hidden state's product fills, from slot `hidden_slot` on.
    pub(crate) hidden: &'static [Option<usize>],
    pub(crate) hidden_slot: usize,
}

impl GateOrder {
    /// Slots of a row.
    pub(crate) fn slots(&self) -> usize {
        self.input.len().max(self.hidden_slot + self.hidden.len())
    }

    /// Vectors of units of a panel: a tile is filled by all slots of one, or by one slot of several.
    pub(crate) fn unit_vectors(&self) -> usize {
        TILE_VECTORS / self.slots()
    }
}

/// Packs a layer's gates: some panels of one direction's weights.
pub(crate) struct GatePacking<'a> {
    pub(crate) order: GateOrder,
    /// [G·H, I]
    pub(crate) weight_ih: &'a [f32],
    /// [G·H, H]
    pub(crate) weight_hh: &'a [f32],
    pub(crate) units: usize,
    pub(crate) lanes: usize,
}

impl GatePacking<'_> {
    /// Packs one panel. Depth runs over the input, then over the previous hidden state; for each depth a panel holds its
    /// vectors of units for every slot, so that the tile has all gates of a unit in its registers.
    pub(crate) fn panel(&self, target: &mut [f32], panel: usize) {
        let rows = self.order.gates * self.units;
        let unit_width = self.order.unit_vectors() * self.lanes;
        let (input_width, hidden_width) = (self.order.input.len() * unit_width, self.order.hidden.len() * unit_width);
        let (from_input, from_hidden) = target.split_at_mut(self.weight_ih.len() / rows * input_width);
        for (target, weight, slots, width) in [
            (from_input, self.weight_ih, self.order.input, input_width),
            (from_hidden, self.weight_hh, self.order.hidden, hidden_width),
        ] {
            let depth = weight.len() / rows;
            for (block, target) in target.chunks_mut(BLOCK * width).enumerate() {
                for column in 0..width {
                    let unit = panel * unit_width + column % unit_width;
                    let values = target[column..].iter_mut().step_by(width);
                    if let Some(gate) = slots[column / unit_width]
                        && unit < self.units
                    {
                        let row = &weight[(gate * self.units + unit) * depth..][block * BLOCK..depth];
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
}

/// Packs biases `[G·H]`, empty where there are none, in the order of the gates' panels; a slot that both products fill
/// starts from the sum of both.
pub(crate) fn pack_biases(
    packed: &mut [f32],
    order: GateOrder,
    bias_ih: &[f32],
    bias_hh: &[f32],
    units: usize,
    lanes: usize,
) {
    let unit_width = order.unit_vectors() * lanes;
    let panel_width = order.slots() * unit_width;
    for (column, value) in packed.iter_mut().enumerate() {
        let (panel, slot) = (column / panel_width, column % panel_width / unit_width);
        let unit = panel * unit_width + column % unit_width;
        let of = |bias: &[f32], slots: &[Option<usize>], slot: Option<usize>| {
            let gate = slot.and_then(|slot| slots.get(slot).copied().flatten());
            gate.filter(|_| unit < units && !bias.is_empty()).map_or(0.0, |gate| bias[gate * units + unit])
        };
        let hidden_slot = slot.checked_sub(order.hidden_slot);
        *value = of(bias_ih, order.input, Some(slot)) + of(bias_hh, order.hidden, hidden_slot);
    }
}

/// Packs the panel of `vectors` vectors from column `first` on of W [G·H, N] as the right operand of `dgates · W`, whose
/// depth runs over the slots, `padded` units each.
pub(crate) fn pack_gradient_panel(
    target: &mut [f32],
    (first, vectors): (usize, usize),
    weight: &[f32],
    columns: usize,
    slots: &[Option<usize>],
    padded: usize,
    lanes: usize,
) {
    let width = vectors * lanes;
    let there = width.min(columns - first);
    let gates = slots.iter().flatten().count();
    let units = weight.len() / (gates * columns);
    for (gate, target) in slots.iter().zip(target.chunks_exact_mut(padded * width)) {
        let Some(gate) = gate else {
            target.fill(0.0);
            continue;
        };
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

    const FOUR: GateOrder = GateOrder {
        gates: 4,
        input: &[Some(0), Some(1), Some(2), Some(3)],
        hidden: &[Some(0), Some(1), Some(2), Some(3)],
        hidden_slot: 0,
    };
    const THREE: GateOrder = GateOrder {
        gates: 3,
        input: &[Some(2), Some(0), Some(1)],
        hidden: &[Some(0), Some(1), Some(2)],
        hidden_slot: 1,
    };
    const ONE: GateOrder = GateOrder { gates: 1, input: &[Some(0)], hidden: &[Some(0)], hidden_slot: 0 };

    /// One panel of one input and `units` units on vectors of two, weights numbered row by row.
    fn packed(order: GateOrder, units: usize, length: usize) -> Vec<f32> {
        let rows = order.gates * units;
        let weight_ih: Vec<f32> = (0..rows).map(|v| 1.0 + v as f32).collect();
        let weight_hh: Vec<f32> = (0..rows * units).map(|v| 20.0 + v as f32).collect();
        let mut packed = vec![-1.0; length];
        GatePacking { order, weight_ih: &weight_ih, weight_hh: &weight_hh, units, lanes: 2 }.panel(&mut packed, 0);
        packed
    }

    #[test]
    fn gates_of_a_unit_lie_side_by_side() {
        // Two units: rows are i0 i1 f0 f1 g0 g1 o0 o1.
        let packed = packed(FOUR, 2, 3 * 8);
        assert_eq!(packed[..8], [1., 2., 3., 4., 5., 6., 7., 8.]);
        assert_eq!(packed[8..16], [20., 22., 24., 26., 28., 30., 32., 34.]);
        assert_eq!(packed[16..], [21., 23., 25., 27., 29., 31., 33., 35.]);
    }

    #[test]
    fn gates_are_packed_in_the_order_of_their_slots() {
        // Rows are r0 r1 z0 z1 n0 n1; the input's slots are n, r, z.
        let packed = packed(THREE, 2, 3 * 6);
        assert_eq!(packed[..6], [5., 6., 1., 2., 3., 4.]);
        assert_eq!(packed[6..12], [20., 22., 24., 26., 28., 30.]);
        let mut biases = [-1.0; 8];
        let [ih, hh] = [[1., 2., 3., 4., 5., 6.], [10., 20., 30., 40., 50., 60.]];
        pack_biases(&mut biases, THREE, &ih, &hh, 2, 2);
        assert_eq!(biases, [5., 6., 11., 22., 33., 44., 50., 60.]);
    }

    #[test]
    fn one_gate_has_several_vectors_of_units_in_a_panel() {
        let packed = packed(ONE, 3, 4 * 8);
        assert_eq!(packed[..8], [1., 2., 3., 0., 0., 0., 0., 0.]);
        assert_eq!(packed[8..16], [20., 23., 26., 0., 0., 0., 0., 0.]);
        let mut biases = [-1.0; 8];
        pack_biases(&mut biases, ONE, &[1., 2., 3.], &[], 3, 2);
        assert_eq!(biases, [1., 2., 3., 0., 0., 0., 0., 0.]);
    }

    #[test]
    fn a_slot_without_a_gate_is_zero_in_the_gradients_operand() {
        let mut packed = [-1.0; 2 * 2 * 2];
        pack_gradient_panel(&mut packed, (0, 1), &[1., 2., 3., 4.], 2, &[None, Some(0)], 2, 2);
        assert_eq!(packed, [0., 0., 0., 0., 1., 2., 3., 4.]);
    }
}

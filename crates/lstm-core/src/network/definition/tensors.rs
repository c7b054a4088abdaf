//! The tensors of a recurrent layer: their names, shapes and order, which the layout of models, single layers and the oracle
//! all take from here.

use std::ops::Range;

use super::LayerDefinition;

/// Something of each tensor of one direction of a layer: its name, its shape, where it lies in a flat vector, its values.
///
/// The layer has I inputs, H units, G gates and R numbers of hidden state (H, or what they are projected to); tensors that it
/// has not are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectionTensors<T> {
    /// `[G·H, I]`
    pub weight_ih: T,
    /// `[G·H, R]`
    pub weight_hh: T,
    /// `[G·H]`
    pub bias_ih: T,
    /// `[G·H]`
    pub bias_hh: T,
    /// The projection of the hidden state `[R, H]`.
    pub weight_hr: T,
    /// What the gates i, f, o see of the cell state `[3, H]`; with coupled gates i and o `[2, H]`.
    pub weight_peephole: T,
    /// What the normalised gates are multiplied with `[G, H]`.
    pub gain_gates: T,
    /// What the normalised cell state is multiplied with `[H]`.
    pub gain_cell: T,
    /// What is added to it `[H]`.
    pub bias_cell: T,
}

impl DirectionTensors<&'static str> {
    /// The names, without a layer's prefix and a direction's suffix.
    const NAMES: Self = Self {
        weight_ih: "weight_ih",
        weight_hh: "weight_hh",
        bias_ih: "bias_ih",
        bias_hh: "bias_hh",
        weight_hr: "weight_hr",
        weight_peephole: "weight_peephole",
        gain_gates: "gain_gates",
        gain_cell: "gain_cell",
        bias_cell: "bias_cell",
    };
}

impl<T> DirectionTensors<T> {
    /// Each in the order of files and flat vectors.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let Self {
            weight_ih,
            weight_hh,
            bias_ih,
            bias_hh,
            weight_hr,
            weight_peephole,
            gain_gates,
            gain_cell,
            bias_cell,
        } = self;
        [weight_ih, weight_hh, bias_ih, bias_hh, weight_hr, weight_peephole, gain_gates, gain_cell, bias_cell]
            .into_iter()
    }

    /// Something else of each, made in their order.
    pub fn map<U>(self, mut of: impl FnMut(T) -> U) -> DirectionTensors<U> {
        self.zip(DirectionTensors::NAMES, |value, _| of(value))
    }

    /// Something of each of both, made in their order.
    fn zip<U, V>(self, other: DirectionTensors<U>, mut of: impl FnMut(T, U) -> V) -> DirectionTensors<V> {
        DirectionTensors {
            weight_ih: of(self.weight_ih, other.weight_ih),
            weight_hh: of(self.weight_hh, other.weight_hh),
            bias_ih: of(self.bias_ih, other.bias_ih),
            bias_hh: of(self.bias_hh, other.bias_hh),
            weight_hr: of(self.weight_hr, other.weight_hr),
            weight_peephole: of(self.weight_peephole, other.weight_peephole),
            gain_gates: of(self.gain_gates, other.gain_gates),
            gain_cell: of(self.gain_cell, other.gain_cell),
            bias_cell: of(self.bias_cell, other.bias_cell),
        }
    }
}

impl DirectionTensors<Option<Vec<usize>>> {
    /// The shapes of the tensors that one direction of a layer over `inputs` numbers a step has.
    #[must_use]
    pub fn shapes(layer: &LayerDefinition, inputs: usize) -> Self {
        let (units, hidden) = (layer.units as usize, layer.hidden_size());
        let (gates, normalised) = (layer.gates(), layer.layer_norm);
        let rows = gates * units;
        let when = |wanted: bool, shape: &[usize]| wanted.then(|| shape.to_vec());
        Self {
            weight_ih: when(true, &[rows, inputs]),
            weight_hh: when(true, &[rows, hidden]),
            bias_ih: when(layer.bias, &[rows]),
            bias_hh: when(layer.bias, &[rows]),
            weight_hr: when(layer.projection.is_some(), &[hidden, units]),
            weight_peephole: when(layer.peepholes, &[gates - 1, units]),
            gain_gates: when(normalised, &[gates, units]),
            gain_cell: when(normalised, &[units]),
            bias_cell: when(normalised, &[units]),
        }
    }

    /// Something of each, given its name and shape, and `T`'s default where there is no such tensor.
    pub fn map_named<T: Default>(self, mut of: impl FnMut(&'static str, Vec<usize>) -> T) -> DirectionTensors<T> {
        self.zip(DirectionTensors::NAMES, |shape, name| shape.map_or_else(T::default, |shape| of(name, shape)))
    }

    /// The names and shapes of those that there are.
    #[must_use]
    pub fn named(self) -> Vec<(&'static str, Vec<usize>)> {
        let mut named = Vec::new();
        self.map_named(|name, shape| named.push((name, shape)));
        named
    }
}

impl DirectionTensors<Range<usize>> {
    /// Where the tensors of a layer by itself lie in one flat vector.
    #[must_use]
    pub fn ranges(layer: &LayerDefinition, inputs: usize) -> Self {
        let mut end = 0;
        DirectionTensors::shapes(layer, inputs).map(|shape| {
            let start = end;
            end += shape.map_or(0, |shape| shape.iter().product());
            start..end
        })
    }

    /// The values of a flat vector.
    #[must_use]
    pub fn of<'a>(&self, flat: &'a [f32]) -> DirectionTensors<&'a [f32]> {
        self.clone().map(|range| &flat[range])
    }

    /// The values of a flat vector, to be written.
    pub fn of_mut<'a>(&self, mut flat: &'a mut [f32]) -> DirectionTensors<&'a mut [f32]> {
        let mut taken = 0;
        self.clone().map(|range| {
            let skipped = range.start.saturating_sub(taken);
            let (values, rest) = std::mem::take(&mut flat)[skipped..].split_at_mut(range.len());
            taken += skipped + range.len();
            flat = rest;
            values
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Cell;
    use super::*;

    #[test]
    fn ranges_lie_one_after_the_other_and_show_their_values() {
        let layer = LayerDefinition { bias: false, ..LayerDefinition::new(Cell::Rnn, 2) };
        let ranges = DirectionTensors::ranges(&layer, 3);
        assert_eq!((ranges.weight_ih.clone(), ranges.weight_hh.clone()), (0..6, 6..10));
        let mut flat: Vec<f32> = (0..12).map(|value| value as f32).collect();
        assert_eq!(ranges.of(&flat).weight_hh, [6., 7., 8., 9.]);
        let later = DirectionTensors { weight_ih: 1..3, weight_hh: 4..6, ..DirectionTensors::default() };
        later.of_mut(&mut flat).weight_hh.fill(0.0);
        assert_eq!(flat[3..7], [3., 0., 0., 6.]);
        assert!(later.of(&flat).bias_ih.is_empty());
    }
}

//! The tensors of a recurrent layer: their names, shapes and order, which the layout of models, single layers and the oracle
//! all take from here.

use std::ops::Range;

use super::LayerDefinition;

/// Something of each tensor of one direction of a layer: its name, its shape, where it lies in a flat vector, its values.
///
/// The layer has I inputs, H units and G gates; tensors that it has not are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectionTensors<T> {
    /// `[G·H, I]`
    pub weight_ih: T,
    /// `[G·H, H]`
    pub weight_hh: T,
    /// `[G·H]`
    pub bias_ih: T,
    /// `[G·H]`
    pub bias_hh: T,
}

impl DirectionTensors<&'static str> {
    /// The names, without a layer's prefix and a direction's suffix.
    const NAMES: Self = Self { weight_ih: "weight_ih", weight_hh: "weight_hh", bias_ih: "bias_ih", bias_hh: "bias_hh" };
}

impl<T> DirectionTensors<T> {
    /// Each in the order of files and flat vectors.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let Self { weight_ih, weight_hh, bias_ih, bias_hh } = self;
        [weight_ih, weight_hh, bias_ih, bias_hh].into_iter()
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
        }
    }
}

impl DirectionTensors<Option<Vec<usize>>> {
    /// The shapes of the tensors that one direction of a layer over `inputs` numbers a step has.
    #[must_use]
    pub fn shapes(layer: &LayerDefinition, inputs: usize) -> Self {
        let units = layer.units as usize;
        let rows = layer.gates() * units;
        let when = |wanted: bool, shape: &[usize]| wanted.then(|| shape.to_vec());
        Self {
            weight_ih: when(true, &[rows, inputs]),
            weight_hh: when(true, &[rows, units]),
            bias_ih: when(layer.bias, &[rows]),
            bias_hh: when(layer.bias, &[rows]),
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

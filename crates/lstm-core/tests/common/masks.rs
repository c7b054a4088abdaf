//! What a model's first training step drops and keeps: the masks drawn again from the same stream, in the order that
//! `network/dropout.rs` fixes.

use std::cmp::Reverse;

use lstm_core::network::definition::{At, LayerDefinition, ModelDefinition};
use lstm_core::random::{RandomStream, Stream};
use lstm_core::reference::{LayerMasks, Masks, NetworkMasks};

/// The masks of a first step over all these sequences, in the oracle's order: sample by sample.
pub(crate) fn first_step(definition: &ModelDefinition, lengths: &[u32], steps: usize) -> NetworkMasks {
    let mut draw = Draw::new(definition.seed, lengths, steps);
    let mut inputs = definition.input.size();
    let mut sizes = Vec::new();
    for layer in &definition.layers {
        sizes.push(inputs);
        inputs = layer.outputs();
    }
    let weights = |layer| LayerMasks { weights: draw.weights(layer), ..LayerMasks::default() };
    let mut layers: Vec<LayerMasks> = definition.layers.iter().map(weights).collect();
    for ((masks, layer), inputs) in layers.iter_mut().zip(&definition.layers).zip(sizes) {
        masks.dropout = draw.packed(layer.dropout, inputs, dropped(layer.dropout));
        masks.input_dropout = draw.batch(layer.input_dropout, inputs, dropped(layer.input_dropout));
        masks.states = (0..layer.directions()).map(|_| draw.states(layer)).collect();
    }
    let rate = definition.output.dropout;
    let output = if definition.output.at == At::Each {
        let padded = draw.packed(rate, inputs, dropped(rate));
        let rows = draw.places().filter_map(|place| padded.get(place * inputs..(place + 1) * inputs));
        rows.flatten().copied().collect()
    } else {
        draw.batch(rate, inputs, dropped(rate))
    };
    NetworkMasks { layers, output }
}

/// What dropout multiplies with.
fn dropped(rate: f32) -> [f32; 2] {
    [0.0, 1.0 / (1.0 - rate)]
}

const KEPT: [f32; 2] = [1.0, 0.0];

/// Draws the masks of batches of these sequences.
pub(crate) struct Draw<'a> {
    random: RandomStream,
    lengths: &'a [u32],
    steps: usize,
    /// Samples in the order of packed rows: the longest first.
    order: Vec<usize>,
}

impl<'a> Draw<'a> {
    /// From the beginning of a seed's stream.
    pub(crate) fn new(seed: u32, lengths: &'a [u32], steps: usize) -> Self {
        let mut order: Vec<usize> = (0..lengths.len()).collect();
        order.sort_by_key(|&sample| Reverse(lengths[sample]));
        Self { random: RandomStream::new(seed, Stream::Dropout), lengths, steps, order }
    }

    /// The next masks of each direction's recurrent weights.
    pub(crate) fn weights(&mut self, layer: &LayerDefinition) -> Vec<Vec<f64>> {
        let (rate, size) = (layer.weight_dropout, layer.gates() * layer.units as usize * layer.hidden_size());
        (0..layer.directions()).map(|_| self.row(rate, size, dropped(rate))).collect()
    }

    /// The next masks of one direction's states.
    pub(crate) fn states(&mut self, layer: &LayerDefinition) -> Masks {
        let rate = layer.recurrent_dropout;
        Masks {
            recurrent: self.batch(rate, layer.hidden_size(), dropped(rate)),
            keep_hidden: self.packed(layer.zoneout.hidden, layer.hidden_size(), KEPT),
            keep_cell: self.packed(layer.zoneout.cell, layer.units as usize, KEPT),
        }
    }

    /// [n, columns], a row a sequence.
    fn batch(&mut self, rate: f32, columns: usize, values: [f32; 2]) -> Vec<f64> {
        let rows: Vec<(usize, Vec<f64>)> =
            self.order.clone().into_iter().map(|sample| (sample, self.row(rate, columns, values))).collect();
        (0..rows.len()).flat_map(|n| rows.iter().find(|&&(sample, _)| sample == n).unwrap().1.clone()).collect()
    }

    /// [n, steps, columns], a row a valid step; what lies in the padding is not a number.
    fn packed(&mut self, rate: f32, columns: usize, values: [f32; 2]) -> Vec<f64> {
        let mut mask = vec![f64::NAN; if rate > 0.0 { self.lengths.len() * self.steps * columns } else { 0 }];
        for step in 0..self.steps {
            for sample in self.order.clone() {
                if step < self.lengths[sample] as usize && rate > 0.0 {
                    let place = (sample * self.steps + step) * columns;
                    mask[place..place + columns].copy_from_slice(&self.row(rate, columns, values));
                }
            }
        }
        mask
    }

    /// The next numbers of the stream; none where nothing is dropped.
    fn row(&mut self, rate: f32, columns: usize, values: [f32; 2]) -> Vec<f64> {
        let mut mask = vec![0.0; if rate > 0.0 { columns } else { 0 }];
        self.random.mask(&mut mask, rate, values);
        mask.into_iter().map(f64::from).collect()
    }

    /// The valid steps, sample by sample, as places in [n, steps].
    fn places(&self) -> impl Iterator<Item = usize> {
        let steps = self.steps;
        let of = move |(sample, &length): (usize, &u32)| sample * steps..sample * steps + length as usize;
        self.lengths.iter().enumerate().flat_map(of)
    }
}

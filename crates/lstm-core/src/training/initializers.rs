//! The weights a model starts with. Knows the layout and the seed, nothing of training.
//!
//! | tensor | starts as |
//! |---|---|
//! | `embedding.weight` | standard normal, as PyTorch's `nn.Embedding`; 0 for the padding token |
//! | `weight_ih` | Glorot uniform, each gate a matrix of its own |
//! | `weight_hh` | orthogonal, each gate a matrix of its own |
//! | `bias_ih` | 1 for an LSTM's forget gate, 0 elsewhere |
//! | `bias_hh` | 0 |
//! | `weight_hr` | Glorot uniform |
//! | `gain_gates`, `gain_cell` | 1 |
//! | `weight_peephole`, `bias_cell` | 0 |
//! | `initial.weight`, `attention.weight`, `attention.score`, `output.weight` | Glorot uniform |
//! | `initial.bias`, `attention.bias`, `output.bias`; means and deviations of the input's scaling | 0 |
//!
//! Each gate by itself, because an LSTM's `[4H, I]` and `[4H, H]` are only how four maps are stored: every gate maps `I` inputs
//! and `H` states to `H` sums. Keras takes the stored matrix as one: its Glorot bound counts `4H` outputs, which makes
//! every gate's weights smaller than the derivation asks for, and the four blocks of its `[H, 4H]` orthogonal matrix
//! preserve the state's length only together. Here every gate's recurrent matrix preserves it (Saxe et al. 2014).

use std::ops::Range;

use crate::{
    network::{
        definition::{Cell, ModelDefinition},
        parameters::{LayerRanges, Layout},
    },
    random::{RandomStream, Stream},
};

/// The forget gate's place among the gates.
const FORGET: usize = 1;
/// What the forget gate's two biases add up to at first, so that cells begin by remembering (Jozefowicz et al. 2015).
const FORGET_BIAS: f32 = 1.0;

/// The flat vector of weights that a model of this definition starts with: `layout.total_length()` numbers, the same
/// bits for the same seed on every platform. Scaling is left unfitted.
#[must_use]
pub fn initialise(definition: &ModelDefinition, layout: &Layout, seed: u32) -> Vec<f32> {
    debug_assert_eq!(definition.layers.len(), layout.layers().len());
    let mut random = RandomStream::new(seed, Stream::Initialisation);
    let mut weights = vec![0.0; layout.total_length()];
    if let Some(embedding) = layout.embedding() {
        weights[embedding.weight.clone()].fill_with(|| random.normal() as f32);
        if let Some(padding) = embedding.padding {
            weights[embedding.weight.start + padding as usize * embedding.size..][..embedding.size].fill(0.0);
        }
    }
    if let Some(initial) = layout.initial() {
        glorot_uniform(&mut weights[initial.weight.clone()], initial.statics, initial.size, &mut random);
    }
    for layer in layout.layers() {
        initialise_layer(&mut weights, layer, &mut random);
    }
    let head = layout.head();
    if let Some(attention) = layout.attention() {
        glorot_uniform(&mut weights[attention.weight.clone()], head.units, attention.units, &mut random);
        glorot_uniform(&mut weights[attention.score.clone()], attention.units, 1, &mut random);
    }
    if !layout.embedding().is_some_and(|embedding| embedding.tied) {
        glorot_uniform(&mut weights[head.weight.clone()], head.units, head.size, &mut random);
    }
    weights
}

/// The weights that a layer by itself starts with: those of the first layer of a model of this seed.
pub(crate) fn initialise_alone(layer: &LayerRanges, length: usize, seed: u32) -> Vec<f32> {
    let mut weights = vec![0.0; length];
    initialise_layer(&mut weights, layer, &mut RandomStream::new(seed, Stream::Initialisation));
    weights
}

fn initialise_layer(weights: &mut [f32], layer: &LayerRanges, random: &mut RandomStream) {
    let (inputs, units, gates) = (layer.input_size, layer.units, layer.definition.gates());
    for direction in &layer.directions {
        for gate in 0..gates {
            glorot_uniform(&mut weights[gate_of(&direction.weight_ih, gate, gates)], inputs, units, random);
        }
        for gate in 0..gates {
            orthogonal(&mut weights[gate_of(&direction.weight_hh, gate, gates)], units, random);
        }
        glorot_uniform(&mut weights[direction.weight_hr.clone()], units, layer.definition.hidden_size(), random);
        weights[direction.gain_gates.clone()].fill(1.0);
        weights[direction.gain_cell.clone()].fill(1.0);
        if layer.definition.cell == Cell::Lstm && !layer.definition.coupled_gates && layer.definition.bias {
            weights[gate_of(&direction.bias_ih, FORGET, gates)].fill(FORGET_BIAS);
        }
    }
}

/// One gate's part of a tensor whose outermost size is `gates · H`.
fn gate_of(tensor: &Range<usize>, gate: usize, gates: usize) -> Range<usize> {
    let length = tensor.len() / gates;
    tensor.start + gate * length..tensor.start + (gate + 1) * length
}

/// Uniform between `±√(6 / (inputs + outputs))` (Glorot and Bengio 2010, equation 16).
fn glorot_uniform(weights: &mut [f32], inputs: usize, outputs: usize, random: &mut RandomStream) {
    let bound = libm::sqrt(6.0 / (inputs + outputs) as f64) as f32;
    weights.fill_with(|| random.uniform(-bound, bound));
}

/// A matrix of `size` rows and as many columns or fewer, whose columns are orthonormal, and whose rows are too if it is
/// square, each such matrix as likely: the orthonormal factor of a normally distributed matrix (Mezzadri 2007), by Gram and
/// Schmidt in f64.
fn orthogonal(weights: &mut [f32], size: usize, random: &mut RandomStream) {
    let columns = weights.len() / size;
    let mut vectors: Vec<f64> = Vec::with_capacity(weights.len());
    let mut vector = vec![0.0; size];
    while vectors.len() < weights.len() {
        vector.fill_with(|| random.normal());
        if orthonormalise(&mut vector, &vectors) {
            vectors.extend_from_slice(&vector);
        }
    }
    // The vectors are the rows of a square matrix, the columns of a narrower one.
    let place = |index: usize| if columns == size { index } else { index % size * columns + index / size };
    for (index, value) in vectors.into_iter().enumerate() {
        weights[place(index)] = value as f32;
    }
}

/// Makes `row` a unit vector that is orthogonal to all `rows`; false where nothing is left of it.
///
/// The subtraction leaves some `2⁻⁵³ · size` of the vector's length along the earlier rows, which counts by as much as
/// the vector has become shorter. Where that is more than a thousandfold, it is done again with what is left ("twice is
/// enough", Giraud et al. 2005). So inner products are at most some `1000 · 2⁻⁵³ · size`, 5e-10 at 4,096 units: far
/// below the 6e-8 of the rounding to f32 that follows.
fn orthonormalise(row: &mut [f64], rows: &[f64]) -> bool {
    loop {
        let before = libm::sqrt(dot(row, row));
        for earlier in rows.chunks_exact(row.len()) {
            let projection = dot(earlier, row);
            for (value, direction) in row.iter_mut().zip(earlier) {
                *value -= projection * direction;
            }
        }
        let after = libm::sqrt(dot(row, row));
        if after == 0.0 {
            return false;
        }
        for value in row.iter_mut() {
            *value /= after;
        }
        if after > 1e-3 * before {
            return true;
        }
    }
}

/// The inner product, in an order that is fixed and yet leaves the compiler eight sums to run side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gates of an LSTM.
    const GATES: usize = 4;

    fn definition(features: u32, units: &[u32]) -> ModelDefinition {
        let layers: Vec<String> = units.iter().map(|units| format!(r#"{{"cell":"lstm","units":{units}}}"#)).collect();
        ModelDefinition::from_json(&format!(
            r#"{{"input":{{"features":{features},"scaling":"standard"}},"layers":[{}],"output":{{"classes":["a","b","c"]}}}}"#,
            layers.join(",")
        ))
        .unwrap()
    }

    fn initialised(features: u32, units: &[u32], seed: u32) -> (Layout, Vec<f32>) {
        let definition = definition(features, units);
        let layout = Layout::of(&definition);
        let weights = initialise(&definition, &layout, seed);
        (layout, weights)
    }

    /// The weights fill `±bound`: a sample of `n` comes within `10·bound/n` of either end but for 1 in e⁵ seeds, and
    /// its mean square is `bound²/3` to within four standard errors, `4·√(4/45)/√n` of `bound²`.
    fn assert_glorot(weights: &[f32], inputs: usize, outputs: usize) {
        let bound = (6.0 / (inputs + outputs) as f64).sqrt();
        let n = weights.len() as f64;
        let (low, high) = weights
            .iter()
            .fold((0.0_f64, 0.0_f64), |(low, high), &weight| (low.min(f64::from(weight)), high.max(f64::from(weight))));
        // Rounding the bound to f32 may add half a unit in the last place.
        assert!(low >= -bound * (1.0 + 6e-8) && high <= bound * (1.0 + 6e-8), "{low} {high} {bound}");
        assert!(low < -bound * (1.0 - 10.0 / n) && high > bound * (1.0 - 10.0 / n), "{low} {high} {bound}");
        let mean_square = weights.iter().map(|&weight| f64::from(weight).powi(2)).sum::<f64>() / n;
        assert!((mean_square / bound.powi(2) - 1.0 / 3.0).abs() < 4.0 * (4.0 / 45.0_f64).sqrt() / n.sqrt());
    }

    #[test]
    fn a_projected_layers_recurrent_matrices_have_orthonormal_columns() {
        let (size, columns) = (9, 4);
        let mut weights = vec![0.0; size * columns];
        orthogonal(&mut weights, size, &mut RandomStream::new(1, Stream::Initialisation));
        for (a, b) in (0..columns).flat_map(|a| (0..columns).map(move |b| (a, b))) {
            let column = |c: usize| weights[c..].iter().step_by(columns).map(|&weight| f64::from(weight));
            let product: f64 = column(a).zip(column(b)).map(|(a, b)| a * b).sum();
            assert!((product - f64::from(u8::from(a == b))).abs() < 1e-6, "{a}, {b}: {product}");
        }
    }

    #[test]
    fn input_and_head_weights_fill_their_own_glorot_bounds() {
        let (layout, weights) = initialised(40, &[64, 16], 3);
        for (index, (inputs, units)) in [(40, 64), (64, 16)].into_iter().enumerate() {
            for gate in 0..GATES {
                assert_glorot(
                    &weights[gate_of(&layout.layer(index).directions[0].weight_ih, gate, GATES)],
                    inputs,
                    units,
                );
            }
        }
        assert_glorot(&weights[layout.head().weight.clone()], 16, 3);
    }

    #[test]
    fn each_gates_recurrent_matrix_is_orthogonal() {
        for units in [1, 2, 3, 7, 33, 130] {
            let (layout, weights) = initialised(2, &[units], 11);
            let size = units as usize;
            for gate in 0..GATES {
                let matrix = &weights[gate_of(&layout.layer(0).directions[0].weight_hh, gate, GATES)];
                for (i, row) in matrix.chunks_exact(size).enumerate() {
                    for (j, other) in matrix.chunks_exact(size).enumerate() {
                        let product: f64 = row.iter().zip(other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                        let expected = if i == j { 1.0 } else { 0.0 };
                        // Rounding to f32 alone: at most 2·6e-8 of a sum of products that is at most 1.
                        assert!((product - expected).abs() < 1.2e-7, "{units} units, gate {gate}: {i}·{j} = {product}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_nearly_dependent_row_is_still_made_orthogonal() {
        let third = 1.0 / 3.0_f64.sqrt();
        let rows = [third, third, third];
        let mut row = [1.0, 1.0, 1.0 + 1e-12];
        assert!(orthonormalise(&mut row, &rows));
        // One pass alone leaves some 1e-4.
        assert!(dot(&row, &rows).abs() < 1e-15 && (dot(&row, &row) - 1.0).abs() < 1e-15, "{row:?}");
        assert!(!orthonormalise(&mut [0.0; 3], &rows));
    }

    #[test]
    fn orthogonal_matrices_turn_and_mirror_alike() {
        // Of 1×1 matrices, +1 and −1 are as likely: of 400, 200 ± 40 are positive (four standard errors).
        let positive = (0..100).flat_map(|seed| {
            let (layout, weights) = initialised(1, &[1], seed);
            weights[layout.layer(0).directions[0].weight_hh.clone()].to_vec()
        });
        let positive = positive.filter(|&weight| weight > 0.0).count();
        assert!((160..=240).contains(&positive), "{positive}");
    }

    #[test]
    fn biases_add_up_to_one_for_the_forget_gate_and_zero_elsewhere() {
        let (layout, weights) = initialised(4, &[3, 2], 1);
        for layer in layout.layers() {
            let direction = &layer.directions[0];
            let sums: Vec<f32> = direction
                .bias_ih
                .clone()
                .zip(direction.bias_hh.clone())
                .map(|(ih, hh)| weights[ih] + weights[hh])
                .collect();
            let expected: Vec<f32> =
                [0.0, 1.0, 0.0, 0.0].iter().flat_map(|&bias| std::iter::repeat_n(bias, layer.units)).collect();
            assert_eq!(sums, expected);
            assert!(weights[direction.bias_hh.clone()].iter().all(|&bias| bias == 0.0));
        }
        let rest = layout.head().bias.start..layout.total_length();
        assert!(weights[rest].iter().all(|&value| value == 0.0), "head bias and unfitted scaling are 0");
    }

    #[test]
    fn embeddings_are_standard_normal_but_for_the_padding_and_stay_so_where_they_are_tied() {
        let definition = ModelDefinition::from_json(
            r#"{"input":{"tokens":5,"embedding":400,"padding":2,"statics":40,"staticsAs":"states"},
                "layers":[{"cell":"gru","units":400}],"output":{"classes":["a","b","c","d","e"],"tied":true}}"#,
        )
        .unwrap();
        let layout = Layout::of(&definition);
        let weights = initialise(&definition, &layout, 4);
        for (token, row) in weights[layout.embedding().unwrap().weight.clone()].chunks_exact(400).enumerate() {
            if token == 2 {
                assert!(row.iter().all(|&value| value == 0.0));
                continue;
            }
            // Four standard errors: 4/√400 of the mean, 4·√2/√400 of the mean square.
            let mean = row.iter().map(|&value| f64::from(value)).sum::<f64>() / 400.0;
            let square = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / 400.0;
            assert!(mean.abs() < 0.2 && (square - 1.0).abs() < 0.283, "{token}: {mean}, {square}");
        }
        let initial = layout.initial().unwrap();
        assert_glorot(&weights[initial.weight.clone()], 40, 400);
        assert!(weights[initial.bias.clone()].iter().all(|&value| value == 0.0));
    }

    #[test]
    fn the_seed_decides_every_bit() {
        let bits =
            |seed| -> Vec<u32> { initialised(3, &[5, 4], seed).1.iter().map(|weight| weight.to_bits()).collect() };
        assert_eq!(bits(9), bits(9));
        let (first, second) = (bits(9), bits(10));
        let layout = Layout::of(&definition(3, &[5, 4]));
        for layer in layout.layers() {
            assert_ne!(first[layer.directions[0].weight_ih.clone()], second[layer.directions[0].weight_ih.clone()]);
            assert_ne!(first[layer.directions[0].weight_hh.clone()], second[layer.directions[0].weight_hh.clone()]);
        }
    }
}

//! Numbers of the seeded stream, as each kind of initialisation has them. Scalar functions are `libm`'s, so that they have the same
//! bits everywhere.

use crate::random::RandomStream;

use super::parameters::{GateBiases, Role};

/// Where a tensor's numbers come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Draw {
    /// Between plus and minus the number.
    Uniform(f32),
    /// Of a standard deviation.
    Normal(f64),
    Constant(f32),
    /// Times a gain.
    Orthogonal(f32),
    /// Times a gain.
    Identity(f32),
    /// Biases that remember over so many steps.
    Chrono(u32),
}

impl Draw {
    /// Fills a tensor, which is zero.
    pub(super) fn fill(self, weights: &mut [f32], role: &Role, random: &mut RandomStream) {
        match self {
            Self::Uniform(bound) => weights.fill_with(|| random.uniform(-bound, bound)),
            Self::Normal(deviation) => weights.fill_with(|| (deviation * random.normal()) as f32),
            Self::Constant(value) => weights.fill(value),
            Self::Orthogonal(gain) => {
                each_map(weights, role, |map, outputs, inputs| orthogonal(map, [outputs, inputs], gain, random));
            }
            Self::Identity(gain) => {
                each_map(weights, role, |map, _, inputs| {
                    map.iter_mut().step_by(inputs + 1).for_each(|value| *value = gain);
                });
            }
            Self::Chrono(longest) => {
                if let Role::GateBiases(biases) = role {
                    chrono(weights, biases, longest, random);
                }
            }
        }
        if let Role::Table { size, padding: Some(padding), .. } = *role {
            weights[padding as usize * size..][..size].fill(0.0);
        }
    }
}

fn each_map(weights: &mut [f32], role: &Role, mut fill: impl FnMut(&mut [f32], usize, usize)) {
    // A table's rows are its tokens'.
    let (rows, columns) = match *role {
        Role::Table { tokens, size, .. } => (tokens, size),
        Role::Maps { outputs, inputs, .. } => (outputs, inputs),
        _ => return,
    };
    weights.chunks_exact_mut(rows * columns).for_each(|map| fill(map, rows, columns));
}

/// With u uniform from 1 to T − 1: ln u for the gate that keeps, −ln u for the one that takes (Tallec and Ollivier 2018). So a
/// unit forgets within 1/(1 − σ(ln u)) = 1 + u steps: some within two, some within T. A GRU has no gate of its own that
/// takes, an LSTM with coupled gates none that keeps; σ(−b) = 1 − σ(b), so that either alone says the same. Nothing in `bias_hh`.
fn chrono(weights: &mut [f32], biases: &GateBiases, longest: u32, random: &mut RandomStream) {
    if !biases.of_input {
        return;
    }
    for unit in 0..biases.units {
        let time = 1.0 + f64::from(longest - 2) * random.unit_f64();
        let bias = libm::log(time) as f32;
        for (gate, bias) in [(biases.keeps, bias), (biases.takes, -bias)] {
            if let Some(gate) = gate {
                weights[gate * biases.units + unit] = bias;
            }
        }
    }
}

/// A matrix `[rows, columns]` whose rows are orthonormal, or whose columns are if they are fewer, times a gain; each such matrix as
/// likely: the orthonormal factor of a normally distributed matrix (Mezzadri 2007), by Gram and Schmidt in f64.
fn orthogonal(weights: &mut [f32], [rows, columns]: [usize; 2], gain: f32, random: &mut RandomStream) {
    let size = rows.max(columns);
    let mut vectors: Vec<f64> = Vec::with_capacity(weights.len());
    let mut vector = vec![0.0; size];
    while vectors.len() < weights.len() {
        vector.fill_with(|| random.normal());
        if orthonormalise(&mut vector, &vectors) {
            vectors.extend_from_slice(&vector);
        }
    }
    // The vectors are the rows, unless the columns are fewer.
    let place = |index: usize| if columns == size { index } else { index % size * columns + index / size };
    for (index, value) in vectors.into_iter().enumerate() {
        weights[place(index)] = (f64::from(gain) * value) as f32;
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
    use crate::random::Stream;

    #[test]
    fn matrices_have_orthonormal_rows_or_columns_whichever_are_fewer() {
        for ([rows, columns], gain) in [([9, 4], 1.0_f32), ([4, 9], 1.0), ([6, 6], 0.5), ([1, 5], 2.0)] {
            let mut weights = vec![0.0; rows * columns];
            orthogonal(&mut weights, [rows, columns], gain, &mut RandomStream::new(1, Stream::Initialisation));
            let few = rows.min(columns);
            let vector = |which: usize| -> Vec<f64> {
                let (start, step) = if rows == few { (which * columns, 1) } else { (which, columns) };
                weights[start..].iter().step_by(step).take(rows.max(columns)).map(|&weight| f64::from(weight)).collect()
            };
            for (a, b) in (0..few).flat_map(|a| (0..few).map(move |b| (a, b))) {
                let product = dot(&vector(a), &vector(b));
                let expected = if a == b { f64::from(gain * gain) } else { 0.0 };
                // Rounding to f32: 2·6e-8 of a sum of products that is at most the gain's square.
                assert!(
                    (product - expected).abs() < 1.2e-7 * f64::from(gain * gain),
                    "{rows}x{columns}: {a}·{b} = {product}"
                );
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
}

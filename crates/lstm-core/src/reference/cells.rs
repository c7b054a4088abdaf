//! The recurrent cells: one step of one sequence each, as equations. Knows no time and no batch.
//!
//! A cell has I inputs and H units. At step t it reads x\[t\] and what it said at the last step, h\[t−1\]; an LSTM also
//! what it remembers, c\[t−1\]. Its weights are `PyTorch`'s: `W_ih` \[G·H, I\], `W_hh` \[G·H, H\] and two biases
//! \[G·H\], G gates one after the other. Gate k's rows give
//!
//! ```text
//! x_k = W_ih[k] x[t] + b_ih[k]      h_k = W_hh[k] h[t−1] + b_hh[k]      z_k = x_k + h_k      [H] each
//! ```
//!
//! σ(x) = 1 / (1 + e⁻ˣ), and ⊙ multiplies element by element.

use super::layer::DirectionWeights;
use super::scalar::{Scalar, dot};
use crate::network::definition::{Activation, Cell, GateActivation, LayerDefinition};

/// One step: x \[I\], h \[H\] and c \[H\] to the next h and c; c is empty unless the cell is an LSTM.
pub(super) fn step<S: Scalar>(
    definition: &LayerDefinition,
    weights: &DirectionWeights<S>,
    x: &[S],
    h: &[S],
    c: &[S],
) -> (Vec<S>, Vec<S>) {
    let gates = Gates { units: definition.units as usize, weights, x, h };
    let units = 0..gates.units;
    match definition.cell {
        Cell::Lstm => units.map(|unit| lstm(definition, &gates, unit, c[unit])).unzip(),
        Cell::Gru => (units.map(|unit| gru(&gates, unit)).collect(), Vec::new()),
        Cell::Rnn => (units.map(|unit| rnn(definition, &gates, unit)).collect(), Vec::new()),
    }
}

/// Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers, Schmidhuber and Cummins 2000):
///
/// ```text
/// i = σ(z_i)            input gate: how much of the new to take in
/// f = σ(z_f)            forget gate: how much of the old to keep; with coupled gates 1 − i (Greff et al. 2017)
/// g = tanh(z_g)         cell gate: the new
/// o = σ(z_o)            output gate: how much to say
///
/// c[t] = f ⊙ c[t−1] + i ⊙ g       cell state: what is remembered; clipped to ±cell_clip if there is such a limit
/// h[t] = o ⊙ tanh(c[t])           hidden state: what is said
/// ```
///
/// The memory passes from step to step through a sum and a factor f near 1, not through a matrix and a squashing
/// function: that is why gradients survive many steps. Gates lie in the order i, f, g, o, coupled ones i, g, o.
fn lstm<S: Scalar>(definition: &LayerDefinition, gates: &Gates<S>, unit: usize, c: S) -> (S, S) {
    let squash = |z: S| match definition.gate_activation {
        GateActivation::Sigmoid => z.sigmoid(),
        GateActivation::HardSigmoid => (z / S::from(6.0) + S::from(0.5)).clamp(0.0, 1.0),
        GateActivation::HardSigmoidFifth => (z / S::from(5.0) + S::from(0.5)).clamp(0.0, 1.0),
    };
    let after_f = if definition.coupled_gates { 1 } else { 2 };
    let i = squash(gates.z(0, unit));
    let f = if definition.coupled_gates { S::from(1.0) - i } else { squash(gates.z(1, unit)) };
    let g = gates.z(after_f, unit).tanh();
    let o = squash(gates.z(after_f + 1, unit));
    let mut next_c = f * c + i * g;
    if let Some(limit) = definition.cell_clip {
        next_c = next_c.clamp(-f64::from(limit), f64::from(limit));
    }
    (o * next_c.tanh(), next_c)
}

/// The gated recurrent unit (Cho et al. 2014), its reset gate after the product as in `PyTorch` and cuDNN:
///
/// ```text
/// r = σ(z_r)                      reset gate: how much of the old the new may see
/// z = σ(z_z)                      update gate: how much of the old to keep
/// n = tanh(x_n + r ⊙ h_n)         the new
/// h[t] = (1 − z) ⊙ n + z ⊙ h[t−1]
/// ```
fn gru<S: Scalar>(gates: &Gates<S>, unit: usize) -> S {
    let r = gates.z(0, unit).sigmoid();
    let z = gates.z(1, unit).sigmoid();
    let n = (gates.of_input(2, unit) + r * gates.of_hidden(2, unit)).tanh();
    (S::from(1.0) - z) * n + z * gates.h[unit]
}

/// The simple recurrent network (Elman 1990): h\[t\] = tanh(z), or max(z, 0).
fn rnn<S: Scalar>(definition: &LayerDefinition, gates: &Gates<S>, unit: usize) -> S {
    match definition.activation {
        Activation::Tanh => gates.z(0, unit).tanh(),
        Activation::Relu => gates.z(0, unit).clamp(0.0, f64::INFINITY),
    }
}

/// What a step's gates are computed from.
struct Gates<'a, S> {
    units: usize,
    weights: &'a DirectionWeights<S>,
    x: &'a [S],
    h: &'a [S],
}

impl<S: Scalar> Gates<'_, S> {
    fn z(&self, gate: usize, unit: usize) -> S {
        self.of_input(gate, unit) + self.of_hidden(gate, unit)
    }

    fn of_input(&self, gate: usize, unit: usize) -> S {
        self.product("weight_ih", "bias_ih", self.x, gate * self.units + unit)
    }

    fn of_hidden(&self, gate: usize, unit: usize) -> S {
        self.product("weight_hh", "bias_hh", self.h, gate * self.units + unit)
    }

    /// One row of a matrix times a vector, and its bias if there is one.
    fn product(&self, weight: &str, bias: &str, vector: &[S], row: usize) -> S {
        let product = dot(&self.weights.get(weight)[row * vector.len()..][..vector.len()], vector);
        self.weights.get(bias).get(row).map_or(product, |&bias| product + bias)
    }
}

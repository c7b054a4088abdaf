//! The recurrent cells: one step of one sequence each, as equations. Knows no time and no batch.
//!
//! A cell has I inputs, H units and a hidden state of R numbers, H unless an LSTM projects it to fewer. At step t it reads
//! x\[t\] and what it said at the last step, h\[t−1\]; an LSTM also what it remembers, c\[t−1\]. Its weights are `PyTorch`'s:
//! `W_ih` \[G·H, I\], `W_hh` \[G·H, R\] and two biases \[G·H\], G gates one after the other. Gate k's rows give
//!
//! ```text
//! x_k = W_ih[k] x[t] + b_ih[k]      h_k = W_hh[k] (d ⊙ h[t−1]) + b_hh[k]      z_k = x_k + h_k      [H] each
//! ```
//!
//! σ(x) = 1 / (1 + e⁻ˣ), and ⊙ multiplies element by element. d is the mask of recurrent dropout (Gal and Ghahramani 2016):
//! the same at every step of a sequence; 1 where there is none.
//!
//! Zoneout (Krueger et al. 2017) keeps the part k of a state: s\[t\] = k ⊙ s\[t−1\] + (1 − k) ⊙ s̃\[t\], where s̃\[t\] is what
//! the cell says. In training k is a mask of zeros and ones, in prediction the number that is its expectation.

use super::layer::DirectionWeights;
use super::scalar::{Scalar, dot, sum};
use crate::network::definition::{Activation, Cell, GateActivation, LayerDefinition, Reset};

/// Added to variances before their root, as in `PyTorch`'s `LayerNorm`.
pub(crate) const NORM_EPSILON: f64 = 1e-5;

/// The masks of one step of one sequence.
pub(super) struct StepMasks<'a> {
    /// d \[R\]
    pub(super) recurrent: &'a [f64],
    /// k of the hidden state \[R\]
    pub(super) keep_hidden: &'a [f64],
    /// k of the cell state \[H\]
    pub(super) keep_cell: &'a [f64],
}

/// One step: x \[I\], h \[R\] and c \[H\] to the next h and c; c is empty unless the cell is an LSTM.
pub(super) fn step<S: Scalar>(
    definition: &LayerDefinition,
    weights: &DirectionWeights<S>,
    masks: &StepMasks,
    x: &[S],
    h: &[S],
    c: &[S],
) -> (Vec<S>, Vec<S>) {
    let seen: Vec<S> = h.iter().zip(masks.recurrent).map(|(&h, &d)| h * S::from(d)).collect();
    let gates = Gates { definition, weights, x, h: &seen };
    let (mut hidden, mut cell) = match definition.cell {
        Cell::Lstm => lstm(&gates, c),
        Cell::Gru => (gru(&gates, h), Vec::new()),
        Cell::Rnn => (rnn(&gates), Vec::new()),
    };
    if definition.projection.is_some() {
        hidden = weights.get("weight_hr").chunks_exact(hidden.len()).map(|row| dot(row, &hidden)).collect();
    }
    if definition.zoneout.hidden > 0.0 {
        keep(&mut hidden, h, masks.keep_hidden);
    }
    if definition.zoneout.cell > 0.0 {
        keep(&mut cell, c, masks.keep_cell);
    }
    (hidden, cell)
}

fn keep<S: Scalar>(state: &mut [S], before: &[S], keep: &[f64]) {
    for ((state, &before), &keep) in state.iter_mut().zip(before).zip(keep) {
        *state = S::from(keep) * before + S::from(1.0 - keep) * *state;
    }
}

/// Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers, Schmidhuber and Cummins 2000):
///
/// ```text
/// i = σ(z_i + p_i ⊙ c[t−1])       input gate: how much of the new to take in
/// f = σ(z_f + p_f ⊙ c[t−1])       forget gate: how much of the old to keep; with coupled gates 1 − i (Greff et al. 2017)
/// g = tanh(z_g)                   cell gate: the new
/// c[t] = f ⊙ c[t−1] + i ⊙ g       cell state: what is remembered; clipped to ±cell_clip if there is such a limit
/// o = σ(z_o + p_o ⊙ c[t])         output gate: how much to say
/// h[t] = o ⊙ tanh(c[t])           hidden state: what is said
/// ```
///
/// The memory passes from step to step through a sum and a factor f near 1, not through a matrix and a squashing
/// function: that is why gradients survive many steps. Gates lie in the order i, f, g, o, coupled ones i, g, o.
///
/// p are the peepholes (Gers and Schmidhuber 2000), 0 where there are none. With layer normalisation (Ba et al. 2016), each
/// gate by itself, `z_k` is `gain_k ⊙ norm(W_ih[k] x + W_hh[k] h) + b_ih[k] + b_hh[k]`, and what the output gate lets out is
/// `tanh(gain ⊙ norm(c[t]) + bias)`.
fn lstm<S: Scalar>(gates: &Gates<S>, before: &[S]) -> (Vec<S>, Vec<S>) {
    let Gates { definition, weights, .. } = gates;
    let units = before.len();
    let squash = |z: S| match definition.gate_activation {
        GateActivation::Sigmoid => z.sigmoid(),
        GateActivation::HardSigmoid => (z / S::from(6.0) + S::from(0.5)).clamp(0.0, 1.0),
        GateActivation::HardSigmoidFifth => (z / S::from(5.0) + S::from(0.5)).clamp(0.0, 1.0),
    };
    let coupled = definition.coupled_gates;
    let (forget, cell, output) = if coupled { (None, 1, 2) } else { (Some(1), 2, 3) };
    // Gate k's pre-activations and what it sees of a cell state through the peepholes' row.
    let seeing = |k: usize, row: usize, c: &[S]| -> Vec<S> {
        let z = gates.z(k).into_iter().zip(c).enumerate();
        let peepholes = weights.get("weight_peephole");
        z.map(|(unit, (z, &c))| peepholes.get(row * units + unit).map_or(z, |&p| z + p * c)).collect()
    };
    let i: Vec<S> = seeing(0, 0, before).into_iter().map(squash).collect();
    let f: Vec<S> = match forget {
        Some(k) => seeing(k, 1, before).into_iter().map(squash).collect(),
        None => i.iter().map(|&i| S::from(1.0) - i).collect(),
    };
    let g: Vec<S> = gates.z(cell).into_iter().map(S::tanh).collect();
    let limit = definition.cell_clip.map_or(f64::INFINITY, f64::from);
    let c: Vec<S> = (0..units).map(|u| (f[u] * before[u] + i[u] * g[u]).clamp(-limit, limit)).collect();
    let o: Vec<S> = seeing(output, 2 - usize::from(coupled), &c).into_iter().map(squash).collect();
    let said = if definition.layer_norm {
        let (gain, bias) = (weights.get("gain_cell"), weights.get("bias_cell"));
        norm(&c).into_iter().zip(gain).zip(bias).map(|((c, &gain), &bias)| gain * c + bias).collect()
    } else {
        c.clone()
    };
    (o.into_iter().zip(said).map(|(o, c)| o * c.tanh()).collect(), c)
}

/// The gated recurrent unit (Cho et al. 2014), its reset gate after the product as in `PyTorch` and cuDNN:
///
/// ```text
/// r = σ(z_r)                      reset gate: how much of the old the new may see
/// z = σ(z_z)                      update gate: how much of the old to keep
/// n = tanh(x_n + r ⊙ h_n)         the new; before the product as in the paper: tanh(x_n + W_hh[n] (r ⊙ h[t−1]) + b_hh[n])
/// h[t] = (1 − z) ⊙ n + z ⊙ h[t−1]
/// ```
fn gru<S: Scalar>(gates: &Gates<S>, before: &[S]) -> Vec<S> {
    let r: Vec<S> = gates.z(0).into_iter().map(S::sigmoid).collect();
    let z: Vec<S> = gates.z(1).into_iter().map(S::sigmoid).collect();
    let h_n = match gates.definition.reset {
        Reset::After => gates.of_hidden(2).into_iter().zip(&r).map(|(h_n, &r)| r * h_n).collect(),
        Reset::Before => {
            let h: Vec<S> = gates.h.iter().zip(&r).map(|(&h, &r)| r * h).collect();
            Gates { h: &h, ..*gates }.of_hidden(2)
        }
    };
    let n = gates.of_input(2).into_iter().zip(h_n).map(|(x_n, h_n)| (x_n + h_n).tanh());
    n.zip(z).zip(before).map(|((n, z), &h)| (S::from(1.0) - z) * n + z * h).collect()
}

/// The simple recurrent network (Elman 1990): h\[t\] = tanh(z), or max(z, 0).
fn rnn<S: Scalar>(gates: &Gates<S>) -> Vec<S> {
    let function = |z: S| match gates.definition.activation {
        Activation::Tanh => z.tanh(),
        Activation::Relu => z.clamp(0.0, f64::INFINITY),
    };
    gates.z(0).into_iter().map(function).collect()
}

/// (v − mean) / √(variance + ε), over all numbers.
pub(super) fn norm<S: Scalar>(values: &[S]) -> Vec<S> {
    let count = S::from(values.len() as f64);
    let mean = sum(values.iter().copied()) / count;
    let variance = sum(values.iter().map(|&value| (value - mean) * (value - mean))) / count;
    let deviation = (variance + S::from(NORM_EPSILON)).sqrt();
    values.iter().map(|&value| (value - mean) / deviation).collect()
}

/// What a step's gates are computed from.
#[derive(Clone, Copy)]
struct Gates<'a, S> {
    definition: &'a LayerDefinition,
    weights: &'a DirectionWeights<S>,
    x: &'a [S],
    /// The hidden state as the gates see it.
    h: &'a [S],
}

impl<S: Scalar> Gates<'_, S> {
    /// z of one gate \[H\].
    fn z(&self, gate: usize) -> Vec<S> {
        if !self.definition.layer_norm {
            return add(self.of_input(gate), &self.of_hidden(gate));
        }
        let sums = add(self.product("weight_ih", self.x, gate), &self.product("weight_hh", self.h, gate));
        let z = norm(&sums).into_iter().zip(self.of_gate("gain_gates", gate)).map(|(z, &gain)| gain * z).collect();
        add(add(z, self.of_gate("bias_ih", gate)), self.of_gate("bias_hh", gate))
    }

    fn of_input(&self, gate: usize) -> Vec<S> {
        add(self.product("weight_ih", self.x, gate), self.of_gate("bias_ih", gate))
    }

    fn of_hidden(&self, gate: usize) -> Vec<S> {
        add(self.product("weight_hh", self.h, gate), self.of_gate("bias_hh", gate))
    }

    /// One gate's rows of a matrix times a vector.
    fn product(&self, weight: &str, vector: &[S], gate: usize) -> Vec<S> {
        self.of_gate(weight, gate).chunks_exact(vector.len()).map(|row| dot(row, vector)).collect()
    }

    /// One gate's part of a tensor; empty where there is no such tensor.
    fn of_gate(&self, tensor: &str, gate: usize) -> &[S] {
        let tensor = self.weights.get(tensor);
        let length = tensor.len() / self.definition.gates();
        &tensor[gate * length..][..length]
    }
}

/// a + b; a where b is empty.
fn add<S: Scalar>(a: Vec<S>, b: &[S]) -> Vec<S> {
    if b.is_empty() { a } else { a.into_iter().zip(b).map(|(a, &b)| a + b).collect() }
}

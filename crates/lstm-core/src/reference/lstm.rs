//! The LSTM: one step, one layer over a batch of sequences, a stack of layers. Knows no head and no loss.
//!
//! Long short-term memory (Hochreiter and Schmidhuber 1997) with a forget gate (Gers, Schmidhuber and Cummins 2000),
//! with `PyTorch`'s parameters: the gates lie in the order input, forget, cell, output, and there are two biases. A
//! layer has I inputs and H units. At step t it reads x\[t\], what it said at the last step, h\[t−1\], and what it
//! remembers, c\[t−1\]:
//!
//! ```text
//! z = W_ih x[t] + b_ih + W_hh h[t−1] + b_hh    [4H] = [4H, I] [I] + [4H] + [4H, H] [H] + [4H]
//!
//! i = σ(z[0  ..  H])                           [H]    input gate: how much of the new to take in
//! f = σ(z[H  .. 2H])                           [H]    forget gate: how much of the old to keep
//! g = tanh(z[2H .. 3H])                        [H]    cell gate: the new
//! o = σ(z[3H .. 4H])                           [H]    output gate: how much to say
//!
//! c[t] = f ⊙ c[t−1] + i ⊙ g                    [H]    cell state: what is remembered
//! h[t] = o ⊙ tanh(c[t])                        [H]    hidden state: what is said
//! ```
//!
//! σ(x) = 1 / (1 + e⁻ˣ), and ⊙ multiplies element by element. The memory passes from step to step through a sum and a
//! factor f near 1, not through a matrix and a squashing function: that is why gradients survive many steps.

use super::scalar::{Scalar, dot};

/// The parameters of a layer, as the four tensors of a one-layer `torch.nn.LSTM`.
#[derive(Debug, Clone)]
pub struct LayerWeights<S> {
    /// I: numbers a step of the input has.
    pub input_size: usize,
    /// H: hidden units.
    pub units: usize,
    /// `W_ih` \[4H, I\], `weight_ih_l0`.
    pub weight_ih: Vec<S>,
    /// `W_hh` \[4H, H\], `weight_hh_l0`.
    pub weight_hh: Vec<S>,
    /// `b_ih` \[4H\], `bias_ih_l0`.
    pub bias_ih: Vec<S>,
    /// `b_hh` \[4H\], `bias_hh_l0`.
    pub bias_hh: Vec<S>,
}

/// What a layer computes over a batch.
#[derive(Debug, Clone)]
pub struct LayerOutput<S> {
    /// h of every step \[batch, steps, H\]; zero beyond a sequence's length.
    pub hidden: Vec<S>,
    /// h after each sequence's last valid step \[batch, H\].
    pub h_n: Vec<S>,
    /// c after each sequence's last valid step \[batch, H\].
    pub c_n: Vec<S>,
}

impl<S: Copy> LayerWeights<S> {
    /// The same weights as another kind of number: `weights.map(|number| tape.variable(number))`.
    pub fn map<T>(&self, mut number: impl FnMut(S) -> T) -> LayerWeights<T> {
        let mut each = |tensor: &[S]| tensor.iter().map(|&element| number(element)).collect();
        LayerWeights {
            input_size: self.input_size,
            units: self.units,
            weight_ih: each(&self.weight_ih),
            weight_hh: each(&self.weight_hh),
            bias_ih: each(&self.bias_ih),
            bias_hh: each(&self.bias_hh),
        }
    }
}

/// A layer over a batch of sequences: x \[batch, steps, I\], lengths \[batch\], h0 and c0 \[batch, H\].
///
/// Sequence n has `lengths[n]` valid steps; what x holds beyond them is never read.
///
/// # Panics
/// Where shapes do not fit or a length is beyond the steps.
pub fn lstm<S: Scalar>(
    weights: &LayerWeights<S>,
    x: &[S],
    lengths: &[usize],
    steps: usize,
    h0: &[S],
    c0: &[S],
) -> LayerOutput<S> {
    let (batch, features, units) = (lengths.len(), weights.input_size, weights.units);
    assert_eq!(weights.weight_ih.len(), 4 * units * features, "weight_ih is [4 units, input_size]");
    assert_eq!(weights.weight_hh.len(), 4 * units * units, "weight_hh is [4 units, units]");
    assert_eq!((weights.bias_ih.len(), weights.bias_hh.len()), (4 * units, 4 * units), "biases are [4 units]");
    assert_eq!(x.len(), batch * steps * features, "x is [batch, steps, input_size]");
    assert_eq!((h0.len(), c0.len()), (batch * units, batch * units), "h0 and c0 are [batch, units]");
    assert!(lengths.iter().all(|&length| length <= steps), "no length is beyond the steps");

    let mut hidden = vec![S::from(0.0); batch * steps * units];
    let (mut h_n, mut c_n) = (h0.to_vec(), c0.to_vec());
    for (n, &length) in lengths.iter().enumerate() {
        let state = n * units..(n + 1) * units;
        for t in 0..length {
            let at = n * steps + t;
            let (h, c) = step(weights, &x[at * features..][..features], &h_n[state.clone()], &c_n[state.clone()]);
            hidden[at * units..][..units].copy_from_slice(&h);
            h_n[state.clone()].copy_from_slice(&h);
            c_n[state.clone()].copy_from_slice(&c);
        }
    }
    LayerOutput { hidden, h_n, c_n }
}

/// The equations at the top of this file, for one sequence: x \[I\], h and c \[H\] to the next h and c \[H\].
fn step<S: Scalar>(weights: &LayerWeights<S>, x: &[S], h: &[S], c: &[S]) -> (Vec<S>, Vec<S>) {
    let LayerWeights { input_size, units, weight_ih, weight_hh, bias_ih, bias_hh } = weights;
    let z = |gate: usize, unit: usize| {
        let row = gate * units + unit;
        let from_input = dot(&weight_ih[row * input_size..][..*input_size], x) + bias_ih[row];
        let from_hidden = dot(&weight_hh[row * units..][..*units], h) + bias_hh[row];
        from_input + from_hidden
    };
    (0..*units)
        .map(|unit| {
            let i = z(0, unit).sigmoid();
            let f = z(1, unit).sigmoid();
            let g = z(2, unit).tanh();
            let o = z(3, unit).sigmoid();
            let next_c = f * c[unit] + i * g;
            (o * next_c.tanh(), next_c)
        })
        .unzip()
}

/// Layers one upon another, the one nearest to the input first: each reads the hidden states of the one below.
///
/// `h0[k]` and `c0[k]` \[batch, H of layer k\] are layer k's initial state. Gives every layer's output, in this order.
///
/// # Panics
/// As [`lstm`], and where there is not one initial state a layer.
pub fn stack<S: Scalar>(
    layers: &[LayerWeights<S>],
    x: &[S],
    lengths: &[usize],
    steps: usize,
    h0: &[Vec<S>],
    c0: &[Vec<S>],
) -> Vec<LayerOutput<S>> {
    assert_eq!((h0.len(), c0.len()), (layers.len(), layers.len()), "h0 and c0 have an entry a layer");
    let mut outputs: Vec<LayerOutput<S>> = Vec::new();
    for (k, weights) in layers.iter().enumerate() {
        let input = outputs.last().map_or(x, |below| &below.hidden);
        outputs.push(lstm(weights, input, lengths, steps, &h0[k], &c0[k]));
    }
    outputs
}

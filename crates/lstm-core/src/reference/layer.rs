//! A layer in one direction over a batch of sequences. Knows no head and no loss.

use std::collections::BTreeMap;

use super::cells::{self, StepMasks};
use super::scalar::Scalar;
use crate::network::definition::{Cell, DirectionTensors, LayerDefinition};

/// The tensors of one direction of a layer, by their names without prefix and suffix: `weight_ih`, `weight_hh`, and where
/// the layer has biases `bias_ih`, `bias_hh`.
#[derive(Debug, Clone)]
pub struct DirectionWeights<S> {
    /// Each row-major, in the shapes of [`DirectionTensors::shapes`].
    pub tensors: BTreeMap<&'static str, Vec<S>>,
}

impl<S> DirectionWeights<S> {
    /// A tensor; empty where the layer has none of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> &[S] {
        self.tensors.get(name).map_or(&[], Vec::as_slice)
    }

    /// The same weights as another kind of number: `weights.map(|&number| tape.variable(number))`.
    pub fn map<T>(&self, number: impl Fn(&S) -> T) -> DirectionWeights<T> {
        let tensors = self.tensors.iter().map(|(name, tensor)| (*name, tensor.iter().map(&number).collect()));
        DirectionWeights { tensors: tensors.collect() }
    }
}

/// The random factors of training, given: R numbers of hidden state, H units.
///
/// An empty one stands for prediction: nothing is dropped, and zoneout keeps the part that it keeps on average.
#[derive(Debug, Clone, Default)]
pub struct Masks {
    /// \[batch, R\]: what the hidden state is multiplied with on its way into the gates.
    pub recurrent: Vec<f64>,
    /// \[batch, steps, R\]: the part of the hidden state that is kept of the step before.
    pub keep_hidden: Vec<f64>,
    /// \[batch, steps, H\]: the same of the cell state.
    pub keep_cell: Vec<f64>,
}

/// What a layer computes over a batch in one direction.
#[derive(Debug, Clone)]
pub struct DirectionOutput<S> {
    /// h of every step \[batch, steps, R\]; zero beyond a sequence's length.
    pub hidden: Vec<S>,
    /// h after the step that each sequence ends with \[batch, R\]: its last valid one, in reverse its first.
    pub h_n: Vec<S>,
    /// c likewise \[batch, H\]; empty unless the layer is an LSTM.
    pub c_n: Vec<S>,
}

/// A batch of sequences, and the states that they begin with.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a, S> {
    /// \[batch, steps, I\]
    pub x: &'a [S],
    /// \[batch\]: sequence n has `lengths[n]` valid steps; what x holds beyond them is never read.
    pub lengths: &'a [usize],
    /// Steps of the longest sequence, or more.
    pub steps: usize,
    /// \[batch, R\]
    pub h0: &'a [S],
    /// \[batch, H\]; empty unless the layer is an LSTM.
    pub c0: &'a [S],
}

/// A layer over a batch of sequences. In reverse, it begins at each sequence's own last valid step.
///
/// # Panics
/// Where shapes do not fit or a length is beyond the steps.
#[must_use]
pub fn direction<S: Scalar>(
    definition: &LayerDefinition,
    weights: &DirectionWeights<S>,
    masks: &Masks,
    Batch { x, lengths, steps, h0, c0 }: Batch<S>,
    reverse: bool,
) -> DirectionOutput<S> {
    let (batch, units, states) = (lengths.len(), definition.units as usize, definition.hidden_size());
    let features = weights.get("weight_ih").len() / (definition.gates() * units);
    for (name, shape) in DirectionTensors::shapes(definition, features).named() {
        assert_eq!(weights.get(name).len(), shape.iter().product::<usize>(), "{name} is {shape:?}");
    }
    let cells = if definition.cell == Cell::Lstm { units } else { 0 };
    assert_eq!(x.len(), batch * steps * features, "x is [batch, steps, inputs]");
    assert_eq!((h0.len(), c0.len()), (batch * states, batch * cells), "h0 and c0 are [batch, units]");
    assert!(lengths.iter().all(|&length| length <= steps), "no length is beyond the steps");

    let mut hidden = vec![S::from(0.0); batch * steps * states];
    let (mut h_n, mut c_n) = (h0.to_vec(), c0.to_vec());
    for (n, &length) in lengths.iter().enumerate() {
        let (state, cell) = (n * states..(n + 1) * states, n * cells..(n + 1) * cells);
        for turn in 0..length {
            let at = n * steps + if reverse { length - 1 - turn } else { turn };
            let step_masks = StepMasks {
                recurrent: &mask(&masks.recurrent, n, states, 1.0),
                keep_hidden: &mask(&masks.keep_hidden, at, states, f64::from(definition.zoneout.hidden)),
                keep_cell: &mask(&masks.keep_cell, at, units, f64::from(definition.zoneout.cell)),
            };
            let x = &x[at * features..][..features];
            let (h, c) = cells::step(definition, weights, &step_masks, x, &h_n[state.clone()], &c_n[cell.clone()]);
            hidden[at * states..][..states].copy_from_slice(&h);
            h_n[state.clone()].copy_from_slice(&h);
            c_n[cell.clone()].copy_from_slice(&c);
        }
    }
    DirectionOutput { hidden, h_n, c_n }
}

/// Row `at` of a mask, or the same number everywhere.
fn mask(mask: &[f64], at: usize, width: usize, otherwise: f64) -> Vec<f64> {
    mask.get(at * width..(at + 1) * width).map_or_else(|| vec![otherwise; width], <[f64]>::to_vec)
}

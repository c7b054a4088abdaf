//! A layer in one direction over a batch of sequences, and a stack of LSTM layers. Knows no head and no loss.

use std::collections::BTreeMap;

use super::cells;
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

/// What a layer computes over a batch in one direction.
#[derive(Debug, Clone)]
pub struct DirectionOutput<S> {
    /// h of every step \[batch, steps, H\]; zero beyond a sequence's length.
    pub hidden: Vec<S>,
    /// h after the step that each sequence ends with \[batch, H\]: its last valid one, in reverse its first.
    pub h_n: Vec<S>,
    /// c likewise \[batch, H\]; empty unless the layer is an LSTM.
    pub c_n: Vec<S>,
}

/// A layer over a batch of sequences: x \[batch, steps, I\], lengths \[batch\], h0 and c0 \[batch, H\], c0 empty unless the
/// layer is an LSTM.
///
/// Sequence n has `lengths[n]` valid steps; what x holds beyond them is never read. In reverse, the layer begins at each
/// sequence's own last valid step.
///
/// # Panics
/// Where shapes do not fit or a length is beyond the steps.
#[expect(clippy::too_many_arguments, reason = "a layer's inputs, as the equations name them")]
pub fn direction<S: Scalar>(
    definition: &LayerDefinition,
    weights: &DirectionWeights<S>,
    x: &[S],
    lengths: &[usize],
    steps: usize,
    h0: &[S],
    c0: &[S],
    reverse: bool,
) -> DirectionOutput<S> {
    let (batch, units) = (lengths.len(), definition.units as usize);
    let features = weights.get("weight_ih").len() / (definition.gates() * units);
    for (name, shape) in DirectionTensors::shapes(definition, features).named() {
        assert_eq!(weights.get(name).len(), shape.iter().product::<usize>(), "{name} is {shape:?}");
    }
    let cells = if definition.cell == Cell::Lstm { units } else { 0 };
    assert_eq!(x.len(), batch * steps * features, "x is [batch, steps, inputs]");
    assert_eq!((h0.len(), c0.len()), (batch * units, batch * cells), "h0 and c0 are [batch, units]");
    assert!(lengths.iter().all(|&length| length <= steps), "no length is beyond the steps");

    let mut hidden = vec![S::from(0.0); batch * steps * units];
    let (mut h_n, mut c_n) = (h0.to_vec(), c0.to_vec());
    for (n, &length) in lengths.iter().enumerate() {
        let (state, cell) = (n * units..(n + 1) * units, n * cells..(n + 1) * cells);
        for turn in 0..length {
            let at = n * steps + if reverse { length - 1 - turn } else { turn };
            let x = &x[at * features..][..features];
            let (h, c) = cells::step(definition, weights, x, &h_n[state.clone()], &c_n[cell.clone()]);
            hidden[at * units..][..units].copy_from_slice(&h);
            h_n[state.clone()].copy_from_slice(&h);
            c_n[cell.clone()].copy_from_slice(&c);
        }
    }
    DirectionOutput { hidden, h_n, c_n }
}

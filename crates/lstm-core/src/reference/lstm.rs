//! A plain LSTM layer as four tensors. The equations are in `cells`.

use super::layer::{Batch, DirectionOutput, DirectionWeights, Masks, direction};
use super::scalar::Scalar;
use crate::network::definition::{Cell, LayerDefinition};

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

/// A plain LSTM layer over a batch of sequences: as [`direction`], forward.
///
/// # Panics
/// As [`direction`].
pub fn lstm<S: Scalar>(
    weights: &LayerWeights<S>,
    x: &[S],
    lengths: &[usize],
    steps: usize,
    h0: &[S],
    c0: &[S],
) -> DirectionOutput<S> {
    let LayerWeights { units, weight_ih, weight_hh, bias_ih, bias_hh, .. } = weights.clone();
    let definition = LayerDefinition::new(Cell::Lstm, units as u32);
    let tensors =
        [("weight_ih", weight_ih), ("weight_hh", weight_hh), ("bias_ih", bias_ih), ("bias_hh", bias_hh)].into();
    let batch = Batch { x, lengths, steps, h0, c0 };
    direction(&definition, &DirectionWeights { tensors }, &Masks::default(), batch, false)
}

//! What a training step drops and keeps: draws the masks of the recurrent layers.
//!
//! Everything is drawn from one stream in a fixed order: first the masks of weights, layer by layer and direction by
//! direction; then with each layer's forward pass the masks of its input, that of `dropout` and that of `inputDropout`, and
//! direction by direction the masks of [`KeptLayout::masks`](crate::cells::recurrence::KeptLayout::masks); at the end what the
//! output reads. Rows are drawn in packed order, one after the other.

use std::ops::Range;

use super::parameters::LayerRanges;
use crate::cells::recurrence::{KeptLayout, Shape, dropout_outcomes};
use crate::network::definition::DirectionTensors;
use crate::random::RandomStream;

/// Draws the masks of one direction of a layer, where the kernels read them.
pub(super) fn draw(layout: KeptLayout, shape: Shape, kept: &mut [f32], random: &mut RandomStream) {
    for mask in layout.masks(shape, kept) {
        if mask.values.is_empty() {
            continue;
        }
        for row in mask.values.chunks_exact_mut(mask.stride) {
            random.mask(&mut row[..mask.columns], mask.rate, mask.outcomes);
        }
    }
}

/// Draws what `rows` rows of `width` numbers are multiplied with; nothing is dropped at rate 0.
pub(super) fn draw_rows(
    rate: f32,
    (rows, width, stride): (usize, usize, usize),
    mask: &mut [f32],
    random: &mut RandomStream,
) {
    for row in mask.chunks_exact_mut(stride).take(rows) {
        if rate > 0.0 {
            random.mask(&mut row[..width], rate, dropout_outcomes(rate));
        } else {
            row[..width].fill(1.0);
        }
    }
}

/// The recurrent weights of one direction with some of them dropped (`DropConnect`: Wan et al. 2013; on recurrent weights,
/// Merity et al. 2018). Nothing where the layer drops none.
pub(crate) struct WeightDropout {
    rate: f32,
    mask: Vec<f32>,
    weight_hh: Vec<f32>,
}

impl WeightDropout {
    pub(crate) fn new(layer: &LayerRanges, tensors: &DirectionTensors<Range<usize>>, training: bool) -> Self {
        let rate = layer.definition.weight_dropout;
        let length = if training && rate > 0.0 { tensors.weight_hh.len() } else { 0 };
        Self { rate, mask: vec![0.0; length], weight_hh: vec![0.0; length] }
    }

    /// The tensors with a new mask over the recurrent weights, if any are to be dropped.
    pub(crate) fn draw<'a>(
        &'a mut self,
        tensors: DirectionTensors<&'a [f32]>,
        random: &mut RandomStream,
    ) -> Option<DirectionTensors<&'a [f32]>> {
        if self.mask.is_empty() {
            return None;
        }
        random.mask(&mut self.mask, self.rate, dropout_outcomes(self.rate));
        Some(self.masked(tensors))
    }

    /// The tensors with a given mask over the recurrent weights, if any may be dropped.
    pub(crate) fn take<'a>(
        &'a mut self,
        tensors: DirectionTensors<&'a [f32]>,
        mask: &[f32],
    ) -> Option<DirectionTensors<&'a [f32]>> {
        if self.mask.is_empty() {
            return None;
        }
        self.mask.copy_from_slice(mask);
        Some(self.masked(tensors))
    }

    fn masked<'a>(&'a mut self, tensors: DirectionTensors<&'a [f32]>) -> DirectionTensors<&'a [f32]> {
        for ((masked, weight), mask) in self.weight_hh.iter_mut().zip(tensors.weight_hh).zip(&self.mask) {
            *masked = weight * mask;
        }
        DirectionTensors { weight_hh: &self.weight_hh, ..tensors }
    }

    /// From the gradient of the masked weights to that of the weights.
    pub(crate) fn backward(&self, weight_hh: &mut [f32]) {
        for (gradient, mask) in weight_hh.iter_mut().zip(&self.mask) {
            *gradient *= mask;
        }
    }
}

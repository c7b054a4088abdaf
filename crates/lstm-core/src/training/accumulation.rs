//! Gradients of several batches as those of one: their mean, weighed as the batches' losses are.

use crate::network::loss::BatchLoss;

/// The batches of a step so far.
pub(super) struct Accumulation {
    /// Batches of a step.
    batches: u32,
    pub(super) pending: u32,
    /// Loss, weight and hits of the pending ones.
    pub(super) loss: BatchLoss,
    /// Their mean gradient by every trained number; empty where a batch is a step.
    pub(super) mean: Vec<f32>,
}

impl Accumulation {
    pub(super) fn new(batches: u32, parameters: usize) -> Self {
        let mean = vec![0.0; if batches > 1 { parameters } else { 0 }];
        Self { batches, pending: 0, loss: BatchLoss::default(), mean }
    }

    /// Batches of a step.
    pub(super) fn batches(&self) -> usize {
        self.batches as usize
    }

    /// Takes a batch in. With G the gradient of its mean loss and W the weight of its samples, the mean over all samples so
    /// far is `M + (G − M) · W / Σ W`.
    pub(super) fn add(&mut self, gradient: &[f32], loss: BatchLoss) {
        self.pending += 1;
        self.loss.add(loss);
        if self.batches == 1 || loss.weight == 0.0 {
            return;
        }
        let part = (loss.weight / self.loss.weight) as f32;
        for (mean, &gradient) in self.mean.iter_mut().zip(gradient) {
            *mean += (gradient - *mean) * part;
        }
    }

    /// Whether the batches make up a step.
    pub(super) fn is_full(&self) -> bool {
        self.pending == self.batches
    }

    /// The gradient of the step, given that of its last batch.
    pub(super) fn gradient<'a>(&'a self, last: &'a [f32]) -> &'a [f32] {
        if self.batches == 1 { last } else { &self.mean }
    }

    /// Begins anew; gives loss, weight and hits of what was there.
    pub(super) fn clear(&mut self) -> BatchLoss {
        self.pending = 0;
        self.mean.fill(0.0);
        std::mem::take(&mut self.loss)
    }
}

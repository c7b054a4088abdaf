//! The exponential mean of the weights over steps.

/// The mean; see [`AveragingOptions`](super::options::AveragingOptions).
pub(super) struct Average {
    decay: f32,
    /// Every number of the model, those too that are not trained; empty before the first step.
    pub(super) weights: Vec<f32>,
}

/// The mean of the weights over steps where one is kept and there was a step, else the weights of the last step.
pub(super) fn averaged<'a>(average: Option<&'a Average>, weights: &'a [f32]) -> &'a [f32] {
    average.map(|average| &average.weights[..]).filter(|mean| !mean.is_empty()).unwrap_or(weights)
}

impl Average {
    pub(super) fn new(decay: f32) -> Self {
        Self { decay, weights: Vec::new() }
    }

    /// Takes in the weights after a step, of which the first `trained` are trained.
    pub(super) fn add(&mut self, weights: &[f32], trained: usize) {
        if self.weights.is_empty() {
            self.weights.extend_from_slice(weights);
            return;
        }
        let part = 1.0 - self.decay;
        for (mean, &weight) in self.weights[..trained].iter_mut().zip(weights) {
            *mean += (weight - *mean) * part;
        }
    }
}

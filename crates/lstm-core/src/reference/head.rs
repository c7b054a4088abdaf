//! From the last hidden states to a loss: a linear map, class probabilities, cross-entropy. Knows no layer.
//!
//! With D numbers a sample and K classes:
//!
//! ```text
//! logits[n] = W h_n[n] + b                          [K] = [K, D] [D] + [K]
//! p[n, k]   = exp(logits[n, k]) / Σⱼ exp(logits[n, j])   softmax
//! loss      = −(1/N) Σₙ ln p[n, target[n]]          mean over the batch, in nats
//! ```

use super::scalar::{Scalar, dot, sum};

/// W x + b for every sample: weight \[K, D\], bias \[K\], x \[batch, D\] to \[batch, K\].
///
/// # Panics
/// Where shapes do not fit.
pub fn linear<S: Scalar>(weight: &[S], bias: &[S], x: &[S]) -> Vec<S> {
    let features = weight.len() / bias.len();
    assert_eq!(weight.len(), bias.len() * features, "weight is [outputs, features]");
    assert_eq!(x.len() % features, 0, "x is [batch, features]");
    let output = |sample, k: usize| dot(&weight[k * features..][..features], sample) + bias[k];
    x.chunks(features).flat_map(|sample| (0..bias.len()).map(move |k| output(sample, k))).collect()
}

/// Probabilities of the classes: logits \[batch, K\] to \[batch, K\], each row of which sums to 1.
///
/// Any constant may be taken from all logits of a sample: it cancels. The largest is, so that nothing overflows.
///
/// # Panics
/// Where `classes` is 0.
pub fn softmax<S: Scalar>(logits: &[S], classes: usize) -> Vec<S> {
    let probabilities = |row: &[S]| {
        let shift = S::from(largest(row));
        let exponentials: Vec<S> = row.iter().map(|&logit| (logit - shift).exp()).collect();
        let total = sum(exponentials.iter().copied());
        exponentials.into_iter().map(move |exponential| exponential / total)
    };
    logits.chunks(classes).flat_map(probabilities).collect()
}

/// ln p of each class of one row of logits: logitₖ − s − ln Σⱼ exp(logitⱼ − s), with s the largest logit, so that neither
/// the exponentials overflow nor the logarithm meets 0.
pub(super) fn log_softmax<S: Scalar>(row: &[S]) -> Vec<S> {
    let shift = S::from(largest(row));
    let total = sum(row.iter().map(|&logit| (logit - shift).exp())).ln();
    row.iter().map(|&logit| logit - shift - total).collect()
}

/// Mean of −ln p\[target\] over the batch: logits \[batch, K\], targets \[batch\], each below K.
///
/// # Panics
/// Where shapes do not fit or a target is no class.
pub fn cross_entropy<S: Scalar>(logits: &[S], targets: &[usize]) -> S {
    let classes = logits.len() / targets.len();
    assert_eq!(logits.len(), targets.len() * classes, "logits are [batch, classes]");
    let losses = logits.chunks(classes).zip(targets).map(|(row, &target)| S::from(0.0) - log_softmax(row)[target]);
    sum(losses) / S::from(targets.len() as f64)
}

fn largest<S: Scalar>(row: &[S]) -> f64 {
    row.iter().map(|number| number.value()).fold(f64::NEG_INFINITY, f64::max)
}

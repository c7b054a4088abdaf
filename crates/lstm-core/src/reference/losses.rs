//! The losses of every kind of output, over rows that each have a weight w: Σₙ w\[n\] l\[n\] / Σₙ w\[n\], and 0 where Σ w is.
//! Knows no layer.
//!
//! With z the K outputs of a row and y its target:
//!
//! ```text
//! cross-entropy          l = −Σⱼ qⱼ ln softmax(z)ⱼ      qⱼ = (1 − ε) c[y] [j = y] + ε/K c[j], class weights c;
//!                                                       Σ w becomes Σ w c[y]
//! binary cross-entropy   l = −1/K Σⱼ (pⱼ yⱼ ln σ(zⱼ) + (1 − yⱼ) ln σ(−zⱼ))      1 − σ(z) = σ(−z)
//! squared, absolute      l = 1/K Σⱼ (zⱼ − yⱼ)²          l = 1/K Σⱼ |zⱼ − yⱼ|
//! Huber                  l = 1/K Σⱼ c (d − c/2)         d = |zⱼ − yⱼ|, c = min(d, δ): d²/2, and beyond δ a line
//! pinball                l = 1/K Σⱼ (q max(u, 0) + (1 − q) max(−u, 0))      u = y − zⱼ, for each quantile q of each y
//! ```

use super::head::log_softmax;
use super::scalar::{Scalar, sum};

/// What a row's loss is.
#[derive(Debug, Clone, Copy)]
pub enum RowLoss<'a> {
    /// Class weights c \[K\] and smoothing ε.
    CrossEntropy(&'a [f64], f64),
    /// Weights p \[K\] of the positive targets.
    BinaryCrossEntropy(&'a [f64]),
    /// The square of the distance.
    Squared,
    /// The distance.
    Absolute,
    /// δ
    Huber(f64),
    /// The quantiles, which lie side by side for each y.
    Pinball(&'a [f64]),
}

/// The weighted mean over rows z \[rows, K\]; targets \[rows, numbers\], of classes one, the index; weights \[rows\]. A row that
/// weighs 0 is not looked at.
///
/// # Panics
/// Where shapes do not fit or a target is no class.
pub fn weighted_loss<S: Scalar>(loss: RowLoss, z: &[S], targets: &[f64], weights: &[f64]) -> S {
    let (size, numbers) = (z.len() / weights.len(), targets.len() / weights.len());
    let rows = z.chunks(size).zip(targets.chunks(numbers)).zip(weights).filter(|&(_, &weight)| weight > 0.0);
    let (mut total, mut divisor) = (S::from(0.0), 0.0);
    for ((z, y), &weight) in rows {
        total = total + S::from(weight) * row_loss(loss, z, y);
        divisor += weight
            * match loss {
                RowLoss::CrossEntropy(class_weights, _) => class_weights[class_of(y)],
                _ => 1.0,
            };
    }
    if divisor > 0.0 { total / S::from(divisor) } else { S::from(0.0) }
}

fn class_of(y: &[f64]) -> usize {
    usize::try_from(y[0] as i64).expect("classes count from 0")
}

fn row_loss<S: Scalar>(loss: RowLoss, z: &[S], y: &[f64]) -> S {
    let size = z.len() as f64;
    let mean = |losses: Vec<S>| sum(losses) / S::from(size);
    let above = |number: S| number.clamp(0.0, f64::INFINITY);
    let distance = |z: S, y: f64| above(z - S::from(y)) + above(S::from(y) - z);
    let each = |loss: &dyn Fn(S, f64) -> S| mean(z.iter().zip(y).map(|(&z, &y)| loss(z, y)).collect());
    match loss {
        RowLoss::CrossEntropy(class_weights, smoothing) => {
            let target = class_of(y);
            let logs = log_softmax(z);
            let spread = logs.iter().zip(class_weights).map(|(&log, &c)| S::from(-smoothing / size * c) * log);
            S::from(-(1.0 - smoothing) * class_weights[target]) * logs[target] + sum(spread)
        }
        RowLoss::BinaryCrossEntropy(positive_weights) => {
            let losses = z.iter().zip(y).zip(positive_weights).map(|((&z, &y), &p)| {
                S::from(-p * y) * z.sigmoid().ln() - S::from(1.0 - y) * (S::from(0.0) - z).sigmoid().ln()
            });
            mean(losses.collect())
        }
        RowLoss::Squared => each(&|z, y| (z - S::from(y)) * (z - S::from(y))),
        RowLoss::Absolute => each(&distance),
        RowLoss::Huber(delta) => each(&|z, y| {
            let d = distance(z, y);
            let c = d.clamp(0.0, delta);
            c * (d - c / S::from(2.0))
        }),
        RowLoss::Pinball(quantiles) => {
            let losses = z.chunks(quantiles.len()).zip(y).flat_map(|(z, &y)| {
                z.iter()
                    .zip(quantiles)
                    .map(move |(&z, &q)| S::from(q) * above(S::from(y) - z) + S::from(1.0 - q) * above(z - S::from(y)))
            });
            mean(losses.collect())
        }
    }
}

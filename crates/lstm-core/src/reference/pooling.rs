//! From the hidden states h\[n, t\] of every step to one vector a sequence: over its valid steps alone. Knows no layer.
//!
//! ```text
//! mean        (1/T) Σₜ h[n, t]
//! max         maxₜ h[n, t], element by element
//! attention   Σₜ a[n, t] h[n, t]      a[n, t] = exp(s[n, t]) / Σₖ exp(s[n, k]),  s[n, t] = v · tanh(W h[n, t] + b)
//! ```
//!
//! Attention's score is the additive one (Bahdanau, Cho and Bengio 2015) without a query, as in Yang et al. 2016.

use super::head::{linear, softmax};
use super::scalar::{Scalar, dot, sum};

/// How steps become one.
#[derive(Debug, Clone, Copy)]
pub enum StepPooling<'a, S> {
    /// The mean.
    Mean,
    /// The largest, of equals the first.
    Max,
    /// W \[A, D\], b \[A\] and v \[A\].
    Attention(&'a [S], &'a [S], &'a [S]),
}

/// hidden \[batch, steps, D\] with lengths \[batch\] to \[batch, D\].
///
/// # Panics
/// Where shapes do not fit or a length is 0.
pub fn pool_steps<S: Scalar>(pooling: StepPooling<S>, hidden: &[S], lengths: &[usize], steps: usize) -> Vec<S> {
    let size = hidden.len() / (lengths.len() * steps);
    let of_sequence = |(hidden, &length): (&[S], &usize)| {
        let valid: Vec<&[S]> = hidden.chunks(size).take(length).collect();
        let weights = match pooling {
            StepPooling::Mean => vec![S::from(1.0 / length as f64); length],
            StepPooling::Attention(weight, bias, v) => {
                let units = |h: &&[S]| linear(weight, bias, h).into_iter().map(S::tanh).collect::<Vec<_>>();
                softmax(&valid.iter().map(|h| dot(v, &units(h))).collect::<Vec<_>>(), length)
            }
            StepPooling::Max => {
                let larger = |a: S, b: S| if b.value() > a.value() { b } else { a };
                let column = |j: usize| valid.iter().map(move |h| h[j]).reduce(larger).expect("there is a step");
                return (0..size).map(column).collect::<Vec<S>>();
            }
        };
        (0..size).map(|j| sum(valid.iter().zip(&weights).map(|(h, &weight)| weight * h[j]))).collect()
    };
    hidden.chunks(steps * size).zip(lengths).flat_map(of_sequence).collect()
}

//! What the equations ask of a number. They must not know which kind of number it is.

use std::ops::{Add, Div, Mul, Sub};

/// A real number: plain `f64`, or a [`Variable`](super::Variable) that remembers how it came about.
///
/// `S::from(1.0)` is a constant. Each function is a step of its own, so that a tape can give it an exact and stable
/// derivative: `1 / (1 + exp(−x))` taken apart would have 0 · ∞ in its derivative for very negative `x`.
pub trait Scalar:
    Copy + From<f64> + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// The number itself, without its history.
    fn value(self) -> f64;
    /// eˣ.
    #[must_use]
    fn exp(self) -> Self;
    /// The natural logarithm.
    #[must_use]
    fn ln(self) -> Self;
    /// The square root.
    #[must_use]
    fn sqrt(self) -> Self;
    /// The hyperbolic tangent.
    #[must_use]
    fn tanh(self) -> Self;
    /// The number, but no further than to the bounds. Its slope is 1 between them, 0 at them and beyond.
    #[must_use]
    fn clamp(self, low: f64, high: f64) -> Self;
    /// The logistic function σ(x) = 1 / (1 + e⁻ˣ).
    #[must_use]
    fn sigmoid(self) -> Self;
}

impl Scalar for f64 {
    fn value(self) -> f64 {
        self
    }

    fn exp(self) -> f64 {
        f64::exp(self)
    }

    fn ln(self) -> f64 {
        f64::ln(self)
    }

    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }

    fn tanh(self) -> f64 {
        f64::tanh(self)
    }

    fn clamp(self, low: f64, high: f64) -> f64 {
        f64::clamp(self, low, high)
    }

    fn sigmoid(self) -> f64 {
        1.0 / (1.0 + f64::exp(-self))
    }
}

/// Σ of the numbers, in their order.
pub(super) fn sum<S: Scalar>(numbers: impl IntoIterator<Item = S>) -> S {
    numbers.into_iter().fold(S::from(0.0), |total, number| total + number)
}

/// a · b = Σⱼ aⱼ bⱼ.
pub(super) fn dot<S: Scalar>(a: &[S], b: &[S]) -> S {
    assert_eq!(a.len(), b.len(), "both sides of a dot product have the same length");
    sum(a.iter().zip(b).map(|(&a, &b)| a * b))
}

//! Softmax and cross-entropy, forward and backward.

/// Replaces each row's logits by probabilities `p = exp(z − max z) / Σ exp(z − max z)`. A logit that overflowed counts as
/// the largest number there is.
pub(crate) fn softmax(logits: &mut [f32], classes: usize, stride: usize, rows: usize) {
    for row in logits.chunks_exact_mut(stride).take(rows) {
        let row = &mut row[..classes];
        for value in row.iter_mut() {
            *value = value.clamp(f32::MIN, f32::MAX);
        }
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut sum = 0.0;
        for value in row.iter_mut() {
            *value = libm::expf(*value - largest);
            sum += *value;
        }
        for value in row.iter_mut() {
            *value /= sum;
        }
    }
}

/// Loss and hits of one batch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct BatchLoss {
    /// The sum over the rows of −ln of the probability of the target, in nats.
    pub(crate) sum: f64,
    /// Rows whose most probable class (the first of equals) is the target.
    pub(crate) correct: usize,
}

impl BatchLoss {
    pub(crate) fn add(&mut self, other: Self) {
        self.sum += other.sum;
        self.correct += other.correct;
    }

    /// The loss a row, in nats.
    pub(crate) fn mean(&self, rows: usize) -> f32 {
        (self.sum / rows as f64) as f32
    }
}

/// The cross-entropy of `rows` rows of logits, computed from the logits so that small probabilities lose nothing.
pub(crate) fn cross_entropy(
    logits: &[f32],
    classes: usize,
    stride: usize,
    rows: usize,
    target: impl Fn(usize) -> usize,
) -> BatchLoss {
    let mut loss = BatchLoss::default();
    for (index, row) in logits.chunks_exact(stride).take(rows).enumerate() {
        let row = &row[..classes];
        let mut best = 0;
        for (class, &value) in row.iter().enumerate() {
            if value > row[best] {
                best = class;
            }
        }
        let largest = f64::from(row[best]);
        let sum: f64 = row.iter().map(|&value| libm::exp(f64::from(value) - largest)).sum();
        loss.sum += libm::log(sum) - (f64::from(row[target(index)]) - largest);
        loss.correct += usize::from(best == target(index));
    }
    loss
}

/// Turns probabilities into the gradient of the mean cross-entropy by the logits: `(p − onehot(target)) / rows`.
pub(crate) fn cross_entropy_gradient(
    probabilities: &mut [f32],
    classes: usize,
    stride: usize,
    rows: usize,
    target: impl Fn(usize) -> usize,
) {
    let factor = 1.0 / rows as f32;
    for (index, row) in probabilities.chunks_exact_mut(stride).take(rows).enumerate() {
        row[target(index)] -= 1.0;
        for value in &mut row[..classes] {
            *value *= factor;
        }
        row[classes..].fill(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_and_gradient_are_those_of_a_hand_computed_row() {
        // softmax([1, 2, 4]) = [0.042010066, 0.1141952, 0.8437947]; −ln p[1] = 2.169845…
        let mut rows = [1.0, 2.0, 4.0, 9.0];
        let loss = cross_entropy(&rows, 3, 4, 1, |_| 1);
        assert!((loss.sum - 2.169_846_3).abs() < 1e-6 && loss.correct == 0);
        softmax(&mut rows, 3, 4, 1);
        assert!((rows[2] - 0.843_794_7).abs() < 1e-6);
        cross_entropy_gradient(&mut rows, 3, 4, 1, |_| 1);
        let expected = [0.042_010_07, 0.114_195_2 - 1.0, 0.843_794_7, 0.0];
        assert!(rows.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{rows:?}");
    }

    #[test]
    fn huge_logits_stay_finite() {
        let mut rows = [1e30, -1e30];
        let loss = cross_entropy(&rows, 2, 2, 1, |_| 1);
        assert!(loss.sum.is_finite() && loss.sum > 1e30);
        softmax(&mut rows, 2, 2, 1);
        assert_eq!(rows, [1.0, 0.0]);
        let mut rows = [f32::INFINITY, f32::NEG_INFINITY];
        softmax(&mut rows, 2, 2, 1);
        assert_eq!(rows, [1.0, 0.0]);
    }
}

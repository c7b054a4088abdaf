//! How gradients become steps, as `PyTorch` computes it: clipping by the norm over all parameters, then Adam. Knows
//! only flat lists of parameters and gradients: all tensors of a model, one after the other.

/// Scales the gradients down where their Euclidean norm, taken over all of them, is above `max_norm`; gives the norm
/// that they had. As `torch.nn.utils.clip_grad_norm_`:
///
/// ```text
/// gradients ← gradients · min(1, max_norm / (norm + 1e-6))
/// ```
pub fn clip_by_global_norm(gradients: &mut [f64], max_norm: f64) -> f64 {
    let norm = gradients.iter().map(|gradient| gradient * gradient).sum::<f64>().sqrt();
    let scale = f64::min(1.0, max_norm / (norm + 1e-6));
    for gradient in gradients {
        *gradient *= scale;
    }
    norm
}

/// Adam (Kingma and Ba 2015) as `torch.optim.Adam` computes it. For a parameter θ with gradient γ, at step s = 1, 2, …:
///
/// ```text
/// m ← β₁ m + (1 − β₁) γ             running mean of gradients, 0 at first
/// v ← β₂ v + (1 − β₂) γ²            running mean of their squares, 0 at first
/// m̂ = m / (1 − β₁ˢ)                 makes up for the start at 0
/// v̂ = v / (1 − β₂ˢ)
/// θ ← θ − learning_rate · m̂ / (√v̂ + ε)
/// ```
#[derive(Debug, Clone)]
pub struct Adam {
    /// Step size.
    pub learning_rate: f64,
    /// β₁, decay of the mean of gradients.
    pub beta1: f64,
    /// β₂, decay of the mean of squared gradients.
    pub beta2: f64,
    /// ε, added to the root of the mean of squares.
    pub epsilon: f64,
    steps: i32,
    m: Vec<f64>,
    v: Vec<f64>,
}

impl Adam {
    /// Before its first step, for so many parameters.
    #[must_use]
    pub fn new(learning_rate: f64, beta1: f64, beta2: f64, epsilon: f64, parameters: usize) -> Self {
        Self { learning_rate, beta1, beta2, epsilon, steps: 0, m: vec![0.0; parameters], v: vec![0.0; parameters] }
    }

    /// Moves the parameters one step down the gradients.
    ///
    /// # Panics
    /// Where the parameters or gradients are not as many as [`new`](Self::new) was told.
    pub fn step(&mut self, parameters: &mut [f64], gradients: &[f64]) {
        assert_eq!((parameters.len(), gradients.len()), (self.m.len(), self.m.len()), "one of each a parameter");
        self.steps += 1;
        for (k, &gradient) in gradients.iter().enumerate() {
            self.m[k] = self.beta1 * self.m[k] + (1.0 - self.beta1) * gradient;
            self.v[k] = self.beta2 * self.v[k] + (1.0 - self.beta2) * gradient * gradient;
            let m_hat = self.m[k] / (1.0 - self.beta1.powi(self.steps));
            let v_hat = self.v[k] / (1.0 - self.beta2.powi(self.steps));
            parameters[k] -= self.learning_rate * m_hat / (v_hat.sqrt() + self.epsilon);
        }
    }
}

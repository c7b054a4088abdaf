//! Adam (Kingma and Ba 2015, algorithm 1), in the order of operations of PyTorch's `torch.optim.Adam`, and of a sparse table as
//! `torch.optim.SparseAdam` has it; AMSGrad (Reddi et al. 2018). AdamW is Adam whose weights decay by themselves.

use super::fused::Rule;

/// ```text
/// m = m + (1 − β1) (g − m)      v = β2 v + (1 − β2) g²
/// p = p − lr / (1 − β1ᵗ) · m / (√v / √(1 − β2ᵗ) + ε)
/// ```
#[derive(Clone, Copy)]
pub(super) struct Adam {
    beta1_complement: f32,
    beta2: f32,
    beta2_complement: f32,
    step_size: f32,
    /// 1 / √(1 − β2ᵗ)
    root_factor: f32,
    epsilon: f32,
}

impl Adam {
    /// Of the `t`-th step, from 1.
    pub(super) fn new(t: u32, learning_rate: f64, beta1: f64, beta2: f64, epsilon: f32) -> Self {
        let correction = |beta: f64| 1.0 - libm::pow(beta, f64::from(t));
        Self {
            beta1_complement: (1.0 - beta1) as f32,
            beta2: beta2 as f32,
            beta2_complement: (1.0 - beta2) as f32,
            step_size: (learning_rate / correction(beta1)) as f32,
            root_factor: (1.0 / libm::sqrt(correction(beta2))) as f32,
            epsilon,
        }
    }

    /// PyTorch's sparse Adam adds ε to the root before its correction: √v / √(1 − β2ᵗ) + ε / √(1 − β2ᵗ).
    pub(super) fn sparse(self) -> Self {
        Self { epsilon: self.epsilon * self.root_factor, ..self }
    }

    #[inline(always)]
    fn moments(self, gradient: f32, mean: &mut f32, square: &mut f32) {
        *mean += self.beta1_complement * (gradient - *mean);
        *square = self.beta2 * *square + self.beta2_complement * gradient * gradient;
    }

    #[inline(always)]
    fn moved(self, parameter: f32, mean: f32, square: f32) -> f32 {
        parameter - self.step_size * (mean / (square.sqrt() * self.root_factor + self.epsilon))
    }
}

impl Rule<2> for Adam {
    #[inline(always)]
    fn step(self, parameter: f32, gradient: f32, [mean, square]: &mut [f32; 2]) -> f32 {
        self.moments(gradient, mean, square);
        self.moved(parameter, *mean, *square)
    }
}

/// With the largest v so far in the place of v.
#[derive(Clone, Copy)]
pub(super) struct AmsGrad(pub(super) Adam);

impl Rule<3> for AmsGrad {
    #[inline(always)]
    fn step(self, parameter: f32, gradient: f32, [mean, square, largest]: &mut [f32; 3]) -> f32 {
        self.0.moments(gradient, mean, square);
        // NaN takes its place too, as in PyTorch.
        *largest = if *square <= *largest { *largest } else { *square };
        self.0.moved(parameter, *mean, *largest)
    }
}

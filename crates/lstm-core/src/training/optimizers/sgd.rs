//! Stochastic gradient descent, in the order of operations of PyTorch's `torch.optim.SGD`.

use super::fused::Rule;

/// ```text
/// p = p − lr g
/// ```
#[derive(Clone, Copy)]
pub(super) struct Sgd {
    pub(super) learning_rate: f32,
}

impl Rule<0> for Sgd {
    #[inline(always)]
    fn step(self, parameter: f32, gradient: f32, _kept: &mut [f32; 0]) -> f32 {
        parameter - self.learning_rate * gradient
    }
}

/// With momentum (Polyak 1964), μ, and dampening, d, which the first step does without; Nesterov's, or not:
///
/// ```text
/// b = μ b + (1 − d) g
/// p = p − lr (g + μ b)      or      p = p − lr b
/// ```
#[derive(Clone, Copy)]
pub(super) struct Momentum {
    pub(super) learning_rate: f32,
    /// μ
    pub(super) kept: f32,
    /// 1 − d
    pub(super) part: f32,
    /// How much of g and of b a step is: 1 and μ, or 0 and 1.
    pub(super) ahead: [f32; 2],
}

impl Rule<1> for Momentum {
    #[inline(always)]
    fn step(self, parameter: f32, gradient: f32, [buffer]: &mut [f32; 1]) -> f32 {
        *buffer = self.kept * *buffer + self.part * gradient;
        parameter - self.learning_rate * (self.ahead[0] * gradient + self.ahead[1] * *buffer)
    }
}

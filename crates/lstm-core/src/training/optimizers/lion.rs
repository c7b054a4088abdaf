//! Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2). PyTorch has none.

use super::fused::{Rule, sign};

/// ```text
/// p = p − lr sign(β1 m + (1 − β1) g)      m = β2 m + (1 − β2) g
/// ```
#[derive(Clone, Copy)]
pub(super) struct Lion {
    pub(super) learning_rate: f32,
    pub(super) beta1: f32,
    pub(super) beta1_complement: f32,
    pub(super) beta2: f32,
    pub(super) beta2_complement: f32,
}

impl Rule<1> for Lion {
    #[inline(always)]
    fn step(self, parameter: f32, gradient: f32, [mean]: &mut [f32; 1]) -> f32 {
        let direction = sign(self.beta1 * *mean + self.beta1_complement * gradient);
        *mean = self.beta2 * *mean + self.beta2_complement * gradient;
        parameter - self.learning_rate * direction
    }
}

//! Adam (Kingma and Ba 2015, algorithm 1), in the order of operations of PyTorch's `torch.optim.Adam`.

use crate::kernels::InstructionSet;
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};

/// The settings of Adam.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AdamSettings {
    pub(crate) learning_rate: f32,
    pub(crate) beta1: f32,
    pub(crate) beta2: f32,
    pub(crate) epsilon: f32,
}

/// The moments of every parameter.
pub(crate) struct Adam {
    settings: AdamSettings,
    step: i32,
    /// m: decaying mean of gradients.
    mean: Vec<f32>,
    /// v: decaying mean of squared gradients.
    square: Vec<f32>,
}

impl Adam {
    pub(crate) fn new(settings: AdamSettings, parameters: usize) -> Self {
        Self { settings, step: 0, mean: vec![0.0; parameters], square: vec![0.0; parameters] }
    }

    /// One step:
    ///
    /// ```text
    /// m = m + (1 − β1) (g − m)      v = β2 v + (1 − β2) g²
    /// p = p − lr / (1 − β1ᵗ) · m / (√v / √(1 − β2ᵗ) + ε)
    /// ```
    ///
    /// Each gradient is multiplied by `scale` first, which is how clipping arrives.
    pub(crate) fn step(&mut self, set: InstructionSet, parameters: &mut [f32], gradients: &[f32], scale: f32) {
        self.step += 1;
        let AdamSettings { learning_rate, beta1, beta2, epsilon } = self.settings;
        let correction = |beta: f32| 1.0 - libm::pow(f64::from(beta), f64::from(self.step));
        dispatch(
            set,
            Update {
                parameters,
                gradients,
                mean: &mut self.mean,
                square: &mut self.square,
                scale,
                beta1_complement: (1.0 - f64::from(beta1)) as f32,
                beta2,
                beta2_complement: (1.0 - f64::from(beta2)) as f32,
                step_size: (f64::from(learning_rate) / correction(beta1)) as f32,
                root_correction: libm::sqrt(correction(beta2)) as f32,
                epsilon,
            },
        );
    }
}

struct Update<'a> {
    parameters: &'a mut [f32],
    gradients: &'a [f32],
    mean: &'a mut [f32],
    square: &'a mut [f32],
    scale: f32,
    beta1_complement: f32,
    beta2: f32,
    beta2_complement: f32,
    step_size: f32,
    root_correction: f32,
    epsilon: f32,
}

impl Kernel for Update<'_> {
    type Output = ();
    // Plain Rust: the compiler vectorises it with the set's features, and every operation rounds as IEEE 754 says.
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) {
        let moments = self.mean.iter_mut().zip(self.square);
        for ((p, &g), (m, v)) in self.parameters.iter_mut().zip(self.gradients).zip(moments) {
            let g = g * self.scale;
            *m += self.beta1_complement * (g - *m);
            *v = self.beta2 * *v + self.beta2_complement * g * g;
            *p -= self.step_size * (*m / (v.sqrt() / self.root_correction + self.epsilon));
        }
    }
}

//! Adam (Kingma and Ba 2015, algorithm 1), in the order of operations of PyTorch's `torch.optim.Adam`.

use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};
use crate::memory::SharedRows;

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
    pub(crate) fn step(
        &mut self,
        set: InstructionSet,
        executor: &Executor,
        parameters: &mut [f32],
        gradients: &[f32],
        scale: f32,
    ) {
        self.step += 1;
        let AdamSettings { learning_rate, beta1, beta2, epsilon } = self.settings;
        let correction = |beta: f32| 1.0 - libm::pow(f64::from(beta), f64::from(self.step));
        let factors = Factors {
            scale,
            beta1_complement: (1.0 - f64::from(beta1)) as f32,
            beta2,
            beta2_complement: (1.0 - f64::from(beta2)) as f32,
            step_size: (f64::from(learning_rate) / correction(beta1)) as f32,
            root_factor: (1.0 / libm::sqrt(correction(beta2))) as f32,
            epsilon,
        };
        let count = gradients.len();
        assert!(parameters.len() == count && self.mean.len() == count && self.square.len() == count);
        let [parameters, mean, square] = [parameters, &mut self.mean, &mut self.square].map(SharedRows::new);
        // A number takes as long as some eighty operations: a root, a quotient, and seven trips to memory.
        let parts = executor.parts(80 * count);
        executor.run(parts, |part| {
            let range = count * part / parts..count * (part + 1) / parts;
            // SAFETY: the parts' ranges are disjoint and within every slice, as asserted above.
            let [parameters, mean, square] = [parameters, mean, square]
                .map(|values| unsafe { std::slice::from_raw_parts_mut(values.at(range.start), range.len()) });
            dispatch(set, Update { parameters, gradients: &gradients[range], mean, square, factors });
        });
    }
}

#[derive(Clone, Copy)]
struct Factors {
    scale: f32,
    beta1_complement: f32,
    beta2: f32,
    beta2_complement: f32,
    step_size: f32,
    /// 1 / √(1 − β2ᵗ)
    root_factor: f32,
    epsilon: f32,
}

struct Update<'a> {
    parameters: &'a mut [f32],
    gradients: &'a [f32],
    mean: &'a mut [f32],
    square: &'a mut [f32],
    factors: Factors,
}

impl Kernel for Update<'_> {
    type Output = ();
    // Plain Rust: the compiler vectorises it with the set's features, and every operation rounds as IEEE 754 says.
    #[inline(always)]
    fn run<I: KernelIsa>(self, _isa: I) {
        let Factors { scale, beta1_complement, beta2, beta2_complement, step_size, root_factor, epsilon } =
            self.factors;
        let moments = self.mean.iter_mut().zip(self.square);
        for ((p, &g), (m, v)) in self.parameters.iter_mut().zip(self.gradients).zip(moments) {
            let g = g * scale;
            *m += beta1_complement * (g - *m);
            *v = beta2 * *v + beta2_complement * g * g;
            *p -= step_size * (*m / (v.sqrt() * root_factor + epsilon));
        }
    }
}

//! Clipping by the global norm (Pascanu, Mikolov and Bengio 2013), as `torch.nn.utils.clip_grad_norm_` does it.

use crate::kernels::InstructionSet;
use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};

/// What PyTorch adds to the norm before dividing by it.
const EPSILON: f64 = 1e-6;

/// The Euclidean norm of all values, summed in f64.
pub(crate) fn global_norm(set: InstructionSet, values: &[f32]) -> f64 {
    struct SumOfSquares<'a>(&'a [f32]);
    impl Kernel for SumOfSquares<'_> {
        type Output = f64;
        #[inline(always)]
        fn run<I: KernelIsa>(self, _isa: I) -> f64 {
            // Sixteen sums whatever the set, so that every set adds in the same order.
            let mut sums = [0.0f64; 16];
            let (chunks, rest) = self.0.as_chunks::<16>();
            for chunk in chunks {
                for (sum, &value) in sums.iter_mut().zip(chunk) {
                    *sum += f64::from(value) * f64::from(value);
                }
            }
            sums.iter().sum::<f64>() + rest.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>()
        }
    }
    libm::sqrt(dispatch(set, SumOfSquares(values)))
}

/// The factor that brings gradients of the given norm down to `limit`; 1 where they are within it.
pub(crate) fn clip_factor(norm: f64, limit: Option<f32>) -> f32 {
    limit.map_or(1.0, |limit| (f64::from(limit) / (norm + EPSILON)).min(1.0) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norm_and_factor_are_those_of_a_triangle() {
        for set in InstructionSet::available() {
            let mut values = vec![0.0; 35];
            (values[0], values[34]) = (3.0, -4.0);
            assert_eq!(global_norm(set, &values).to_bits(), 5.0f64.to_bits());
        }
        assert!((clip_factor(5.0, Some(1.0)) - 0.2).abs() < 1e-7);
        assert!((clip_factor(0.5, Some(1.0)) - 1.0).abs() < f32::EPSILON);
        assert!((clip_factor(5.0, None) - 1.0).abs() < f32::EPSILON);
    }
}

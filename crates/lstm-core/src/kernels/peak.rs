//! The limit that kernels are measured against: multiply-adds on values that never leave the registers.

use rten_simd::ops::{BitOps, NumOps};

use super::instruction_set::{InstructionSet, Kernel, KernelIsa, dispatch};

/// Independent chains: more than any machine's latency times its multiply-adds a cycle (2 · 5).
const CHAINS: usize = 12;

/// Runs `rounds` rounds of independent multiply-adds and gives the floating-point operations that they were.
/// Timed, that is the machine's peak for the instruction set; sets without a fused instruction multiply, then add.
#[must_use]
pub fn multiply_add_rounds(set: InstructionSet, rounds: usize) -> usize {
    struct Rounds(usize);
    impl Kernel for Rounds {
        type Output = usize;
        #[inline(always)]
        fn run<I: KernelIsa>(self, isa: I) -> usize {
            let ops = isa.f32();
            let mut sums = [ops.zero(); CHAINS];
            // Not known to the compiler, which would otherwise work the sums out beforehand.
            let (a, b) = (ops.splat(std::hint::black_box(0.999)), ops.splat(std::hint::black_box(0.001)));
            for _ in 0..self.0 {
                for sum in &mut sums {
                    *sum = ops.mul_add(*sum, a, b);
                }
            }
            let mut total = ops.zero();
            for sum in sums {
                total = ops.add(total, sum);
            }
            std::hint::black_box(ops.sum(total));
            self.0 * CHAINS * I::LANES * 2
        }
    }
    dispatch(set, Rounds(rounds))
}

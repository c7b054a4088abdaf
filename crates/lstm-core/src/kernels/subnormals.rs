//! The floating-point mode that kernels run in: subnormal numbers (below 1.2e-38 in size) count as zero. Many
//! processors compute with them in microcode, at a hundred cycles an operation, and fading states, gradients and moments
//! are full of them.
//!
//! x86 has the mode in the register MXCSR, 64-bit Arm in FPCR; WebAssembly has none, and elsewhere nothing is done. The
//! rest of the register is as at a program's start, so that the bits do not depend on the caller's rounding either. It
//! belongs to the thread: the guard is made where a kernel starts, on the thread that runs it, and gives back what it
//! found, also when the kernel panics. No caller's arithmetic ever sees it.
//!
//! Rust compiles all arithmetic for the default mode, and so calls changing it undefined. Two things could come of that:
//! a constant computed beforehand, or an operation on registers moved from one side of a switch to the other. Either way
//! a subnormal is kept or flushed where the text says otherwise, and no kernel and no caller here relies on which.
//! Arithmetic on memory stays where it is: to the compiler, a switch may read and write all of it.

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
use std::arch::asm;

/// From [`begin`](Self::begin) until it goes, this thread runs in the kernels' mode.
pub(crate) struct KernelMode {
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    before: mode::Register,
    /// Must not move to another thread.
    thread: std::marker::PhantomData<*const ()>,
}

impl KernelMode {
    #[inline(always)]
    pub(crate) fn begin() -> Self {
        let guard = Self {
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            before: mode::read(),
            thread: std::marker::PhantomData,
        };
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        mode::write(mode::KERNELS);
        guard
    }
}

impl Drop for KernelMode {
    #[inline(always)]
    fn drop(&mut self) {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        mode::write(self.before);
    }
}

// None of these is `nomem`, `readonly` or `pure`: no access to memory moves across them.

#[cfg(target_arch = "x86_64")]
mod mode {
    use super::asm;

    /// MXCSR.
    pub(super) type Register = u32;

    /// Every exception masked (bits 7 to 12), rounding to nearest, flush-to-zero for results (bit 15) and
    /// denormals-are-zero for operands (bit 6), which every x86-64 processor has.
    pub(super) const KERNELS: Register = 0x1f80 | 1 << 15 | 1 << 6;

    #[inline(always)]
    pub(super) fn read() -> Register {
        let mut register: Register = 0;
        // SAFETY: writes 32 bits, to a local variable.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut register, options(nostack, preserves_flags)) };
        register
    }

    #[inline(always)]
    pub(super) fn write(register: Register) {
        // SAFETY: reads 32 bits, of a local variable; they are `KERNELS` or what `read` gave.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const register, options(nostack)) };
    }
}

#[cfg(target_arch = "aarch64")]
mod mode {
    use super::asm;

    /// FPCR.
    pub(super) type Register = u64;

    /// No trap, rounding to nearest, flush-to-zero for operands and results (bit 24).
    pub(super) const KERNELS: Register = 1 << 24;

    #[inline(always)]
    pub(super) fn read() -> Register {
        let register;
        // SAFETY: reads a register that every program may read.
        unsafe { asm!("mrs {}, fpcr", out(reg) register, options(nostack, preserves_flags)) };
        register
    }

    #[inline(always)]
    pub(super) fn write(register: Register) {
        // SAFETY: the register is every program's own; the value is `KERNELS` or what `read` gave.
        unsafe { asm!("msr fpcr, {}", in(reg) register, options(nostack)) };
    }
}

#[cfg(all(test, any(target_arch = "x86_64", target_arch = "aarch64")))]
mod tests {
    use std::hint::black_box;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use rten_simd::ops::{BitOps, NumOps};

    use super::mode;
    use crate::kernels::InstructionSet;
    use crate::kernels::instruction_set::{Kernel, KernelIsa, dispatch};

    /// 2⁻¹²⁷, half of the smallest normal number.
    const SUBNORMAL: f32 = f32::MIN_POSITIVE / 2.0;

    /// Two products of vectors and two of plain Rust: with a subnormal operand, and with a subnormal result.
    struct Products;

    impl Kernel for Products {
        type Output = [f32; 4];
        #[inline(always)]
        fn run<I: KernelIsa>(self, isa: I) -> [f32; 4] {
            let ops = isa.f32();
            let pairs = [(SUBNORMAL, 4.0), (f32::MIN_POSITIVE, 0.5)].map(black_box);
            let vectors = pairs.map(
                #[inline(always)]
                |(a, b)| ops.sum(ops.mul(ops.splat(a), ops.splat(b))),
            );
            let numbers = pairs.map(
                #[inline(always)]
                |(a, b)| black_box(a * b),
            );
            [vectors[0], vectors[1], numbers[0], numbers[1]]
        }
    }

    #[test]
    fn subnormals_are_zero_in_a_kernel_and_only_there() {
        for set in InstructionSet::available() {
            let before = mode::read();
            assert_eq!(dispatch(set, Products), [0.0; 4], "{set:?}");
            assert_eq!(mode::read(), before, "{set:?}");
            assert_eq!(black_box(SUBNORMAL) * black_box(4.0), 2.0 * f32::MIN_POSITIVE, "{set:?}");
            assert_eq!(black_box(f32::MIN_POSITIVE) * black_box(0.5), SUBNORMAL, "{set:?}");
        }
    }

    #[test]
    fn a_kernel_that_panics_leaves_the_callers_mode() {
        struct Panic;
        impl Kernel for Panic {
            type Output = ();
            #[inline(always)]
            fn run<I: KernelIsa>(self, _isa: I) {
                assert_eq!(mode::read(), mode::KERNELS);
                panic!("as it must");
            }
        }
        for set in InstructionSet::available() {
            let before = mode::read();
            let result = catch_unwind(AssertUnwindSafe(|| dispatch(set, Panic)));
            assert_eq!(result.unwrap_err().downcast_ref(), Some(&"as it must"), "{set:?}");
            assert_eq!(mode::read(), before, "{set:?}");
        }
    }

    #[test]
    fn a_callers_mode_is_neither_used_nor_lost() {
        struct Third;
        impl Kernel for Third {
            type Output = f32;
            #[inline(always)]
            fn run<I: KernelIsa>(self, _isa: I) -> f32 {
                black_box(black_box(-1.0) / black_box(3.0))
            }
        }

        // Rounding upwards: x86 bits 13 and 14, Arm bits 22 and 23.
        let upwards = if cfg!(target_arch = "x86_64") { 0b10 << 13 } else { 0b01 << 22 };
        for set in InstructionSet::available() {
            let before = mode::read();
            mode::write(before | upwards);
            let (theirs, kernels) = (black_box(black_box(-1.0) / black_box(3.0)), dispatch(set, Third));
            let after = mode::read();
            mode::write(before);
            assert_eq!(kernels, -1.0f32 / 3.0, "{set:?}");
            assert!(theirs > kernels, "{set:?}: the mode was on");
            assert_eq!(after & upwards, upwards, "{set:?}");
        }
    }
}

//! The one place that knows which instruction sets there are: names them, finds them, and dispatches a kernel to one.
//! Inside a dispatched kernel everything inlines; outside nothing knows the instruction set.

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use std::arch::wasm32::{f32x4_pmax, f32x4_pmin, f32x4_splat};

use rten_simd::Isa;
#[cfg(target_arch = "aarch64")]
use rten_simd::isa::ArmNeonIsa;
use rten_simd::isa::GenericIsa;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use rten_simd::isa::Wasm32Isa;
#[cfg(target_arch = "x86_64")]
use rten_simd::isa::{Avx2Isa, Avx512Isa};
use rten_simd::ops::{BitOps, NumOps};

use super::subnormals::KernelMode;
use crate::{Error, ErrorCode, Result};

/// The environment variable that forces an instruction set by name: for tests, and to tell a defect from a feature.
pub const FORCE_VARIABLE: &str = "GATEWISE_ISA";

/// A family of SIMD instructions that the kernels are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionSet {
    /// x86-64 with AVX-512 F, VL, BW and DQ: 16 lanes.
    Avx512,
    /// x86-64 with AVX2 and FMA: 8 lanes.
    Avx2,
    /// 64-bit Arm: 4 lanes.
    Neon,
    /// WebAssembly's fixed-width SIMD: 4 lanes, no fused multiply-add.
    Simd128,
    /// Four lanes of plain Rust, for every other machine.
    Portable,
}

impl InstructionSet {
    const ALL: [Self; 5] = [Self::Avx512, Self::Avx2, Self::Neon, Self::Simd128, Self::Portable];

    /// The name used in `model.backend.isa` and in [`FORCE_VARIABLE`].
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Simd128 => "simd128",
            Self::Portable => "portable",
        }
    }

    /// What this build and this machine have, the fastest first. Never empty: the portable set is always there.
    #[must_use]
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|set| set.is_available()).collect()
    }

    /// The fastest set of this machine, or the one that [`FORCE_VARIABLE`] names.
    pub fn choose() -> Result<Self> {
        let available = Self::available();
        let Some(name) = std::env::var(FORCE_VARIABLE).ok().filter(|name| !name.is_empty()) else {
            return Ok(available[0]);
        };
        available.iter().copied().find(|set| set.name() == name).ok_or_else(|| {
            let names: Vec<_> = available.iter().map(|set| set.name()).collect();
            Error::new(
                ErrorCode::BackendUnavailable,
                FORCE_VARIABLE,
                format!("\"{name}\" is not an instruction set of this machine; choose one of: {}", names.join(", ")),
            )
        })
    }

    /// f32 lanes of one vector.
    #[must_use]
    pub fn lanes(self) -> usize {
        struct Lanes;
        impl Kernel for Lanes {
            type Output = usize;
            #[inline(always)]
            fn run<I: KernelIsa>(self, _isa: I) -> usize {
                I::LANES
            }
        }
        // Asked often, and no arithmetic.
        select(self, Lanes)
    }

    fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => Avx512Isa::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Avx2Isa::new().is_some(),
            #[cfg(target_arch = "aarch64")]
            Self::Neon => ArmNeonIsa::new().is_some(),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Self::Simd128 => Wasm32Isa::new().is_some(),
            Self::Portable => true,
            #[allow(unreachable_patterns, reason = "which sets remain depends on the target")]
            _ => false,
        }
    }
}

/// An instruction set as the kernels see it: vectors, and the register tile that its registers hold.
pub(crate) trait KernelIsa: Isa {
    /// f32 lanes of one vector.
    const LANES: usize = size_of::<Self::F32>() / size_of::<f32>();
    /// Rows of a register tile that is four vectors wide: 4 · `ROWS` sums, `ROWS` broadcasts and a vector of weights
    /// must fit the registers of the set. Measured on x86-64.
    const ROWS: usize;
    /// Depths of one round of the register tile's loop, each with a branch of its own to end the loop.
    const UNROLLED: usize = 1;

    /// The smaller of x and a bound; NaN stays NaN.
    #[inline(always)]
    fn at_most(self, x: Self::F32, bound: f32) -> Self::F32 {
        // Arm's minimum keeps any NaN, x86's gives its second operand.
        self.f32().min(self.f32().splat(bound), x)
    }

    /// The larger of x and a bound; NaN stays NaN.
    #[inline(always)]
    fn at_least(self, x: Self::F32, bound: f32) -> Self::F32 {
        self.f32().max(self.f32().splat(bound), x)
    }
}

/// The largest [`KernelIsa::LANES`].
pub(crate) const MAX_LANES: usize = 16;

/// The largest [`KernelIsa::ROWS`].
pub(crate) const MAX_ROWS: usize = 6;

#[cfg(target_arch = "x86_64")]
impl KernelIsa for Avx512Isa {
    const ROWS: usize = 6; // 24 accumulators of 32 registers
}
#[cfg(target_arch = "x86_64")]
impl KernelIsa for Avx2Isa {
    const ROWS: usize = 2; // 8 of 16: 3 fit, are as fast forward, and a quarter slower backward
}
#[cfg(target_arch = "aarch64")]
impl KernelIsa for ArmNeonIsa {
    const ROWS: usize = 6; // 24 of 32
}
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl KernelIsa for Wasm32Isa {
    const ROWS: usize = 2; // 8 of 16, some of which the engine keeps for itself
    // V8 puts all loads between two branches before all arithmetic, and has registers for the loads of one depth.
    const UNROLLED: usize = 4;

    // The set's own minimum keeps NaN from either side, which takes seven instructions on x86; these take one.
    #[inline(always)]
    fn at_most(self, x: Self::F32, bound: f32) -> Self::F32 {
        f32x4_pmin(x.0, f32x4_splat(bound)).into()
    }

    #[inline(always)]
    fn at_least(self, x: Self::F32, bound: f32) -> Self::F32 {
        f32x4_pmax(x.0, f32x4_splat(bound)).into()
    }
}
impl KernelIsa for GenericIsa {
    const ROWS: usize = 2;

    // Rust's `min` and `max` drop NaN; WebAssembly's keep it, in many instructions.
    #[inline(always)]
    fn at_most(self, x: Self::F32, bound: f32) -> Self::F32 {
        let (ops, bound) = (self.f32(), self.f32().splat(bound));
        ops.select(bound, x, ops.gt(x, bound))
    }

    #[inline(always)]
    fn at_least(self, x: Self::F32, bound: f32) -> Self::F32 {
        let (ops, bound) = (self.f32(), self.f32().splat(bound));
        ops.select(bound, x, ops.lt(x, bound))
    }
}

/// Work that is written once, generic over the instruction set, and compiled for each.
pub(crate) trait Kernel {
    type Output;
    /// Implementations and all they call are `#[inline(always)]`, so that they are compiled with the set's features.
    fn run<I: KernelIsa>(self, isa: I) -> Self::Output;
}

/// Runs a kernel with an instruction set, which must be [available](InstructionSet::available). Subnormal numbers are
/// zero to it.
pub(crate) fn dispatch<K: Kernel>(set: InstructionSet, kernel: K) -> K::Output {
    let _mode = KernelMode::begin();
    select(set, kernel)
}

#[inline(always)]
fn select<K: Kernel>(set: InstructionSet, kernel: K) -> K::Output {
    // The features are those that `rten_simd` tests for in each set's `new`.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,avx2,fma,f16c")]
    fn avx512<K: Kernel>(isa: Avx512Isa, kernel: K) -> K::Output {
        kernel.run(isa)
    }
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,avx,fma,f16c")]
    fn avx2<K: Kernel>(isa: Avx2Isa, kernel: K) -> K::Output {
        kernel.run(isa)
    }
    match set {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the value exists only where `new` found the features.
        InstructionSet::Avx512 => unsafe { avx512(Avx512Isa::new().expect("AVX-512 is available"), kernel) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        InstructionSet::Avx2 => unsafe { avx2(Avx2Isa::new().expect("AVX2 is available"), kernel) },
        #[cfg(target_arch = "aarch64")]
        InstructionSet::Neon => kernel.run(ArmNeonIsa::new().expect("NEON is available")),
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        InstructionSet::Simd128 => kernel.run(Wasm32Isa::new().expect("simd128 is compiled in")),
        _ => kernel.run(GenericIsa::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portable_set_is_always_there_and_last() {
        assert_eq!(InstructionSet::available().last(), Some(&InstructionSet::Portable));
    }

    #[test]
    fn lanes_follow_the_set() {
        for set in InstructionSet::available() {
            let lanes = match set {
                InstructionSet::Avx512 => 16,
                InstructionSet::Avx2 => 8,
                _ => 4,
            };
            assert_eq!(set.lanes(), lanes, "{}", set.name());
        }
    }

    #[test]
    fn dispatch_runs_the_very_set() {
        struct Name;
        impl Kernel for Name {
            type Output = &'static str;
            fn run<I: KernelIsa>(self, _isa: I) -> &'static str {
                std::any::type_name::<I>()
            }
        }
        for set in InstructionSet::available() {
            let expected = match set {
                InstructionSet::Avx512 => "Avx512Isa",
                InstructionSet::Avx2 => "Avx2Isa",
                InstructionSet::Neon => "ArmNeonIsa",
                InstructionSet::Simd128 => "Wasm32Isa",
                InstructionSet::Portable => "GenericIsa",
            };
            assert!(dispatch(set, Name).ends_with(expected), "{set:?}");
        }
    }
}

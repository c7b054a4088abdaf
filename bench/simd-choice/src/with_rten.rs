//! `rten-simd`, with the activations of this program or those of `rten-vecmath`.

use rten_simd::isa::{Avx2Isa, Avx512Isa, GenericIsa};
use rten_simd::ops::{BitOps, FloatOps, IntOps, NumOps};
use rten_simd::{Isa, Simd, SimdUnaryOp};
use rten_vecmath::{Sigmoid, Tanh};

use crate::lstm::Lstm;
use crate::vectors::{self, Vectors};

/// VECMATH: sigmoid and tanh are rten-vecmath's.
#[derive(Clone, Copy)]
pub struct Rten<I, const VECMATH: bool>(pub I);

impl<I: Isa, const VECMATH: bool> Vectors for Rten<I, VECMATH> {
    type V = I::F32;
    const LANES: usize = size_of::<I::F32>() / size_of::<f32>();
    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        self.0.f32().splat(value)
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::V {
        // SAFETY: the caller's.
        unsafe { self.0.f32().load_ptr(from) }
    }
    #[inline(always)]
    unsafe fn store(self, value: Self::V, to: *mut f32) {
        // SAFETY: the caller's.
        unsafe { self.0.f32().store_ptr(value, to) }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        self.0.f32().add(a, b)
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        self.0.f32().sub(a, b)
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        self.0.f32().mul(a, b)
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        self.0.f32().div(a, b)
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        self.0.f32().min(a, b)
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        self.0.f32().max(a, b)
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        self.0.f32().mul_add(a, b, c)
    }
    #[inline(always)]
    fn mantissa_to_exponent(self, a: Self::V) -> Self::V {
        let bits: I::I32 = a.reinterpret_cast();
        self.0.i32().shift_left::<23>(bits).reinterpret_cast()
    }
    #[inline(always)]
    fn sigmoid(self, x: Self::V) -> Self::V {
        if VECMATH { Sigmoid::apply(self.0, x) } else { vectors::sigmoid(self, x) }
    }
    #[inline(always)]
    fn tanh(self, x: Self::V) -> Self::V {
        if VECMATH { Tanh::apply(self.0, x) } else { vectors::tanh(self, x) }
    }
}

/// Calls `work` with AVX-512. The features are those that `Avx512Isa::new` looks for.
pub fn with_avx512<R>(work: impl FnOnce(Avx512Isa) -> R) -> R {
    #[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,f16c")]
    fn run<R>(isa: Avx512Isa, work: impl FnOnce(Avx512Isa) -> R) -> R {
        work(isa)
    }
    // SAFETY: the value exists only where the features do.
    unsafe { run(Avx512Isa::new().expect("AVX-512"), work) }
}

/// Calls `work` with AVX2. The features are those that `Avx2Isa::new` looks for.
pub fn with_avx2<R>(work: impl FnOnce(Avx2Isa) -> R) -> R {
    #[target_feature(enable = "avx2,avx,fma,f16c")]
    fn run<R>(isa: Avx2Isa, work: impl FnOnce(Avx2Isa) -> R) -> R {
        work(isa)
    }
    // SAFETY: the value exists only where the features do.
    unsafe { run(Avx2Isa::new().expect("AVX2"), work) }
}

#[inline(never)]
pub fn avx512<const ROWS: usize, const VECMATH: bool>(lstm: &mut Lstm) {
    with_avx512(
        #[inline(always)]
        |isa| lstm.forward::<_, ROWS>(Rten::<_, VECMATH>(isa)),
    );
}

#[inline(never)]
pub fn avx2<const ROWS: usize, const VECMATH: bool>(lstm: &mut Lstm) {
    with_avx2(
        #[inline(always)]
        |isa| lstm.forward::<_, ROWS>(Rten::<_, VECMATH>(isa)),
    );
}

/// No SSE: four lanes of plain Rust, which the compiler vectorizes.
#[inline(never)]
pub fn narrow<const ROWS: usize, const VECMATH: bool>(lstm: &mut Lstm) {
    lstm.forward::<_, ROWS>(Rten::<_, VECMATH>(GenericIsa::new()));
}

//! `pulp`.

use pulp::x86::{V2, V3, V4};
use pulp::{Simd, WithSimd};

use crate::lstm::Lstm;
use crate::vectors::Vectors;

/// FUSED: the set has a fused multiply-add. Where it has not, pulp calls `fmaf` lane by lane (1 GFLOP/s instead of 41),
/// and nothing in its `Simd` tells the sets apart.
#[derive(Clone, Copy)]
struct Pulp<S, const FUSED: bool>(S);

impl<S: Simd, const FUSED: bool> Vectors for Pulp<S, FUSED> {
    type V = S::f32s;
    const LANES: usize = S::F32_LANES;
    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        self.0.splat_f32s(value)
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::V {
        // SAFETY: the caller's; the vectors are plain arrays of f32.
        unsafe { from.cast::<S::f32s>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, value: Self::V, to: *mut f32) {
        // SAFETY: as above.
        unsafe { to.cast::<S::f32s>().write_unaligned(value) }
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        self.0.add_f32s(a, b)
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        self.0.sub_f32s(a, b)
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        self.0.mul_f32s(a, b)
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        self.0.div_f32s(a, b)
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        self.0.min_f32s(a, b)
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        self.0.max_f32s(a, b)
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        if FUSED { self.0.mul_add_e_f32s(a, b, c) } else { self.add(self.mul(a, b), c) }
    }
    #[inline(always)]
    fn mantissa_to_exponent(self, a: Self::V) -> Self::V {
        // The generic trait has no shift by a constant.
        let bits = self.0.transmute_u32s_f32s(a);
        self.0.transmute_f32s_u32s(self.0.wrapping_dyn_shl_u32s(bits, self.0.splat_u32s(23)))
    }
}

/// The work that pulp calls with the features on. A closure would not do: pulp takes it through a trait of its own, so
/// that it is compiled as `FnMut` with a shim around it, which the compiler then does not inline.
struct Forward<'a, const ROWS: usize, const FUSED: bool>(&'a mut Lstm);

impl<const ROWS: usize, const FUSED: bool> WithSimd for Forward<'_, ROWS, FUSED> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, isa: S) {
        self.0.forward::<_, ROWS>(Pulp::<_, FUSED>(isa));
    }
}

#[inline(never)]
pub fn avx512<const ROWS: usize>(lstm: &mut Lstm) {
    Simd::vectorize(V4::try_new().expect("AVX-512"), Forward::<ROWS, true>(lstm));
}

#[inline(never)]
pub fn avx2<const ROWS: usize>(lstm: &mut Lstm) {
    Simd::vectorize(V3::try_new().expect("AVX2"), Forward::<ROWS, true>(lstm));
}

/// SSE 4.2.
#[inline(never)]
pub fn narrow<const ROWS: usize>(lstm: &mut Lstm) {
    Simd::vectorize(V2::try_new().expect("SSE 4.2"), Forward::<ROWS, false>(lstm));
}

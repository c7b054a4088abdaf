//! `fearless_simd`.

use fearless_simd::{Level, Simd, SimdBase, SimdFloat};

use crate::lstm::Lstm;
use crate::vectors::Vectors;

#[derive(Clone, Copy)]
struct Fearless<S>(S);

impl<S: Simd> Vectors for Fearless<S> {
    type V = S::f32s;
    const LANES: usize = S::f32s::LEN;
    #[inline(always)]
    fn splat(self, value: f32) -> Self::V {
        S::f32s::splat(self.0, value)
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Self::V {
        // SAFETY: the caller's.
        S::f32s::from_slice(self.0, unsafe { std::slice::from_raw_parts(from, Self::LANES) })
    }
    #[inline(always)]
    unsafe fn store(self, value: Self::V, to: *mut f32) {
        // SAFETY: the caller's.
        value.store_slice(unsafe { std::slice::from_raw_parts_mut(to, Self::LANES) });
    }
    #[inline(always)]
    fn add(self, a: Self::V, b: Self::V) -> Self::V {
        a + b
    }
    #[inline(always)]
    fn sub(self, a: Self::V, b: Self::V) -> Self::V {
        a - b
    }
    #[inline(always)]
    fn mul(self, a: Self::V, b: Self::V) -> Self::V {
        a * b
    }
    #[inline(always)]
    fn div(self, a: Self::V, b: Self::V) -> Self::V {
        a / b
    }
    #[inline(always)]
    fn min(self, a: Self::V, b: Self::V) -> Self::V {
        a.min(b)
    }
    #[inline(always)]
    fn max(self, a: Self::V, b: Self::V) -> Self::V {
        a.max(b)
    }
    #[inline(always)]
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        a.mul_add(b, c)
    }
    #[inline(always)]
    fn mantissa_to_exponent(self, a: Self::V) -> Self::V {
        S::f32s::from_bits(a.to_bits() << 23)
    }
}

#[inline(never)]
pub fn avx512<const ROWS: usize>(lstm: &mut Lstm) {
    let isa = Level::new().as_avx512().expect("AVX-512 of Ice Lake");
    isa.vectorize(
        #[inline(always)]
        || lstm.forward::<_, ROWS>(Fearless(isa)),
    );
}

#[inline(never)]
pub fn avx2<const ROWS: usize>(lstm: &mut Lstm) {
    let isa = Level::new().as_avx2().expect("AVX2");
    isa.vectorize(
        #[inline(always)]
        || lstm.forward::<_, ROWS>(Fearless(isa)),
    );
}

/// SSE 4.2.
#[inline(never)]
pub fn narrow<const ROWS: usize>(lstm: &mut Lstm) {
    let isa = Level::new().as_sse4_2().expect("SSE 4.2");
    isa.vectorize(
        #[inline(always)]
        || lstm.forward::<_, ROWS>(Fearless(isa)),
    );
}

//! What the kernel asks of a SIMD crate, and the activations in these terms. Knows no crate and no instruction set.

/// One instruction set of one crate.
///
/// Implementations are `#[inline(always)]` and run inside a function that has the set's target features.
pub trait Vectors: Copy {
    /// A vector of f32.
    type V: Copy;
    const LANES: usize;
    fn splat(self, value: f32) -> Self::V;
    /// # Safety
    /// LANES values are readable.
    unsafe fn load(self, from: *const f32) -> Self::V;
    /// # Safety
    /// LANES values are writable.
    unsafe fn store(self, value: Self::V, to: *mut f32);
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// a · b + c, fused where the set can.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The bits of each f32 shifted left by 23, read as f32.
    fn mantissa_to_exponent(self, a: Self::V) -> Self::V;

    #[inline(always)]
    fn sigmoid(self, x: Self::V) -> Self::V {
        sigmoid(self, x)
    }
    #[inline(always)]
    fn tanh(self, x: Self::V) -> Self::V {
        tanh(self, x)
    }
}

/// σ(x) = 1 / (1 + e⁻ˣ), with x kept where e⁻ˣ is a normal number.
#[inline(always)]
pub fn sigmoid<A: Vectors>(a: A, x: A::V) -> A::V {
    let x = a.max(a.min(x, a.splat(87.0)), a.splat(-87.0));
    let one = a.splat(1.0);
    a.div(one, a.add(one, exp(a, a.sub(a.splat(0.0), x))))
}

/// tanh(x) = 2 σ(2x) − 1: good to some 1e-7 absolute, not relative, near 0.
#[inline(always)]
pub fn tanh<A: Vectors>(a: A, x: A::V) -> A::V {
    let two = a.splat(2.0);
    a.sub(a.mul(two, sigmoid(a, a.mul(two, x))), a.splat(1.0))
}

/// eˣ for |x| ≤ 87: e^r · 2^k with k = round(x / ln 2); coefficients as in rten-vecmath, after Norbert Juffa.
#[inline(always)]
fn exp<A: Vectors>(a: A, x: A::V) -> A::V {
    // Adding 1.5 · 2²³ rounds to an integer, which is left in the low bits; 127 more makes it a biased exponent.
    let magic = a.splat(12_582_912.0 + 127.0);
    let biased = a.mul_add(x, a.splat(std::f32::consts::LOG2_E), magic);
    let k = a.sub(biased, magic);
    let r = a.mul_add(k, a.splat(-6.931_457_5e-1), x);
    let r = a.mul_add(k, a.splat(-1.428_606_8e-6), r);
    let mut p = a.splat(1.378_059_4e-3);
    for c in [8.373_124_5e-3, 4.166_953_6e-2, 1.666_647_2e-1, 4.999_998_5e-1, 1.0, 1.0] {
        p = a.mul_add(p, r, a.splat(c));
    }
    a.mul(p, a.mantissa_to_exponent(biased))
}

//! What one core can do at each width: chains of multiply-adds that never leave the registers.

use std::hint::black_box;
use std::time::Instant;

use rten_simd::isa::GenericIsa;

use crate::vectors::Vectors;
use crate::with_rten::{Rten, with_avx2, with_avx512};

pub fn avx512() -> f64 {
    with_avx512(
        #[inline(always)]
        |isa| peak::<_, 16>(Rten::<_, false>(isa)),
    )
}

pub fn avx2() -> f64 {
    with_avx2(
        #[inline(always)]
        |isa| peak::<_, 12>(Rten::<_, false>(isa)),
    )
}

pub fn narrow() -> f64 {
    peak::<_, 12>(Rten::<_, false>(GenericIsa::new()))
}

/// GFLOP/s of CHAINS independent chains: more than latency times multiply-adds a cycle, fewer than registers.
#[inline(always)]
fn peak<A: Vectors, const CHAINS: usize>(a: A) -> f64 {
    const STEPS: usize = 1 << 18;
    let (factor, term) = (a.splat(black_box(0.5)), a.splat(black_box(1.0)));
    let mut sums = [term; CHAINS];
    let start = Instant::now();
    for _ in 0..STEPS {
        for sum in &mut sums {
            *sum = a.mul_add(*sum, factor, term);
        }
    }
    // The sums are wanted, all of them, before the clock stops.
    let mut kept = [0.0_f32; 16 * 16];
    for (chain, sum) in sums.into_iter().enumerate() {
        // SAFETY: there are at most 16 chains of at most 16 lanes.
        unsafe { a.store(sum, kept.as_mut_ptr().add(chain * A::LANES)) };
    }
    black_box(&kept);
    (2 * STEPS * CHAINS * A::LANES) as f64 / start.elapsed().as_secs_f64() / 1e9
}

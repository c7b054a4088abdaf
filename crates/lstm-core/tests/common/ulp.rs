//! How far the kernels' activations are from the exact values, in units in the last place.

use lstm_core::kernels::{Activation, InstructionSet, evaluate};

/// The largest error found, and where.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Worst {
    /// In units in the last place of the exact value.
    pub(crate) ulp: f64,
    pub(crate) at: f32,
    /// Values compared.
    pub(crate) values: u64,
}

/// f64 is exact enough: its own error is some 2e-9 of an f32's unit in the last place.
fn exact(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Exp => libm::exp(x),
        Activation::Sigmoid => 1.0 / (1.0 + libm::exp(-x)),
        Activation::Tanh => libm::tanh(x),
    }
}

/// |actual − exact| in units in the last place of the exact value. Below the smallest normal number, results may be
/// flushed to zero: there the unit is that number.
fn error(actual: f32, exact: f64) -> f64 {
    if actual.is_infinite() && actual == exact as f32 {
        return 0.0;
    }
    (f64::from(actual) - exact).abs() / unit(exact)
}

fn unit(exact: f64) -> f64 {
    let smallest = f64::from(f32::MIN_POSITIVE);
    if exact.abs() < smallest {
        return smallest;
    }
    // The power of two at or below the value, which is the value without its mantissa, times 2⁻²³.
    let power = f64::from_bits(exact.abs().min(f64::from(f32::MAX)).to_bits() & 0x7ff0_0000_0000_0000);
    power * f64::from(f32::EPSILON)
}

/// The worst error of each set over the bit patterns `0, step, 2·step, …` of f32. NaN must stay NaN.
///
/// The exact values cost the most: they are computed once for all sets, on all cores.
pub(crate) fn worst(sets: &[InstructionSet], activation: Activation, step: u32) -> Vec<Worst> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let patterns = (1u64 << 32).div_ceil(u64::from(step));
    let parts = (0..threads).map(|part| patterns * part / threads..patterns * (part + 1) / threads);
    let worst = std::thread::scope(|scope| {
        let parts: Vec<_> =
            parts.map(|part| scope.spawn(move || worst_of(sets, activation, step, part.start, part.end))).collect();
        parts.into_iter().map(|part| part.join().expect("a part fails with its own message")).collect::<Vec<_>>()
    });
    let merge = |mut all: Vec<Worst>, part: Vec<Worst>| {
        for (all, part) in all.iter_mut().zip(part) {
            let values = all.values + part.values;
            *all = Worst { values, ..if part.ulp > all.ulp { part } else { *all } };
        }
        all
    };
    worst.into_iter().reduce(merge).unwrap_or_default()
}

/// The same over the patterns numbered `start..end`.
fn worst_of(sets: &[InstructionSet], activation: Activation, step: u32, start: u64, end: u64) -> Vec<Worst> {
    const CHUNK: usize = 1 << 12;
    let mut worst = vec![Worst::default(); sets.len()];
    for first in (start..end).step_by(CHUNK) {
        let chunk = first..end.min(first + CHUNK as u64);
        let x: Vec<f32> = chunk.map(|pattern| f32::from_bits((pattern * u64::from(step)) as u32)).collect();
        let expected: Vec<f64> = x.iter().map(|&x| exact(activation, f64::from(x))).collect();
        for (set, worst) in sets.iter().zip(&mut worst) {
            let mut y = x.clone();
            evaluate(*set, activation, &mut y);
            for ((&x, &y), &expected) in x.iter().zip(&y).zip(&expected) {
                if x.is_nan() {
                    assert!(y.is_nan(), "{activation:?}(NaN) is {y} on {}", set.name());
                    continue;
                }
                worst.values += 1;
                let ulp = error(y, expected);
                if ulp > worst.ulp {
                    (worst.ulp, worst.at) = (ulp, x);
                }
            }
        }
    }
    worst
}

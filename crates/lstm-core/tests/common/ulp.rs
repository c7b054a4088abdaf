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
    libm::exp2(libm::floor(libm::log2(exact.abs().min(f64::from(f32::MAX)))) - 23.0)
}

/// The worst error over the bit patterns `0, step, 2·step, …` of f32, infinities and zeros of both signs among them
/// when `step` divides their patterns. NaN must stay NaN.
pub(crate) fn worst(set: InstructionSet, activation: Activation, step: u32) -> Worst {
    let mut worst = Worst::default();
    let mut patterns = (0..=u32::MAX).step_by(step as usize);
    loop {
        let x: Vec<f32> = patterns.by_ref().take(1 << 16).map(f32::from_bits).collect();
        if x.is_empty() {
            return worst;
        }
        let mut y = x.clone();
        evaluate(set, activation, &mut y);
        for (&x, &y) in x.iter().zip(&y) {
            if x.is_nan() {
                assert!(y.is_nan(), "{activation:?}(NaN) is {y} on {}", set.name());
                continue;
            }
            worst.values += 1;
            let ulp = error(y, exact(activation, f64::from(x)));
            if ulp > worst.ulp {
                (worst.ulp, worst.at) = (ulp, x);
            }
        }
    }
}

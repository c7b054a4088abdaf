//! exp, sigmoid and tanh of the kernels against exact values, over 16.8 million values of every exponent.
//! `cargo run --release -p lstm-core --example exhaustive_activations` takes every f32 there is.

#[path = "common/ulp.rs"]
mod ulp;

use lstm_core::kernels::{Activation, InstructionSet, MAX_ULP, evaluate};

/// Odd, so that the patterns reach every exponent with ever other mantissas: 2³² / 255 > 2²⁴ of them.
const STEP: u32 = 255;

#[test]
fn activations_stay_within_their_bounds_on_every_instruction_set() {
    let sets = InstructionSet::available();
    for (activation, bound) in MAX_ULP {
        for (set, worst) in sets.iter().zip(ulp::worst(&sets, activation, STEP)) {
            println!("{:8} {activation:?}: {:.2} ULP at {:e}", set.name(), worst.ulp, worst.at);
            assert!(worst.values > 1 << 24, "NaN aside, there are enough values");
            assert!(worst.ulp <= bound, "{activation:?} on {}: {worst:?}", set.name());
        }
    }
}

#[test]
fn limits_are_exact() {
    for set in InstructionSet::available() {
        for (activation, x, y) in [
            (Activation::Exp, f32::NEG_INFINITY, 0.0),
            (Activation::Exp, f32::INFINITY, f32::INFINITY),
            (Activation::Exp, 0.0, 1.0),
            (Activation::Sigmoid, f32::NEG_INFINITY, 0.0),
            (Activation::Sigmoid, f32::INFINITY, 1.0),
            (Activation::Sigmoid, 0.0, 0.5),
            (Activation::Tanh, f32::NEG_INFINITY, -1.0),
            (Activation::Tanh, f32::INFINITY, 1.0),
            (Activation::Tanh, 0.0, 0.0),
        ] {
            let mut value = [x];
            evaluate(set, activation, &mut value);
            assert!((value[0] - y).abs() == 0.0 || value[0] == y, "{activation:?}({x}) is {} on {set:?}", value[0]);
        }
    }
}

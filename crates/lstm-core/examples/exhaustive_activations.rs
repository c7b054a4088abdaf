//! Compares exp, sigmoid and tanh of the kernels with exact values over every f32, on every instruction set of the
//! machine, and fails where a bound does not hold. Takes some minutes: `npm run verify` runs it.

#[path = "../tests/common/ulp.rs"]
mod ulp;

use lstm_core::kernels::{InstructionSet, MAX_ULP};

fn main() {
    let mut failed = false;
    let sets = InstructionSet::available();
    for (activation, bound) in MAX_ULP {
        for (set, worst) in sets.iter().zip(ulp::worst(&sets, activation, 1)) {
            let holds = worst.ulp <= bound;
            failed |= !holds;
            println!(
                "{:8} {activation:?}: {:.3} ULP at {:e} over {} values, bound {bound}: {}",
                set.name(),
                worst.ulp,
                worst.at,
                worst.values,
                if holds { "holds" } else { "BROKEN" }
            );
        }
    }
    if failed {
        std::process::exit(1);
    }
}

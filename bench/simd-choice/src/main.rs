//! Which SIMD crate carries the fused LSTM kernel? One kernel, three crates, three widths; see README.md.

#[cfg(not(target_arch = "x86_64"))]
compile_error!("this comparison is between the x86-64 instruction sets");

mod lstm;
mod peak;
mod vectors;
mod with_fearless;
mod with_pulp;
mod with_rten;

use std::time::Instant;

use lstm::{Lstm, Shape};

const SHAPES: [Shape; 2] =
    [Shape { batch: 64, steps: 28, inputs: 28, units: 128 }, Shape { batch: 64, steps: 128, inputs: 64, units: 256 }];
/// Against f64: single precision's rounding over all the steps. A wrong kernel is off by 0.1 and more.
const LARGEST_ERROR: f64 = 5e-6;

/// The kernels of one vector width.
struct Width {
    name: &'static str,
    lanes: usize,
    available: bool,
    peak: fn() -> f64,
    kernels: Vec<Kernel>,
}

struct Kernel {
    name: &'static str,
    rows: usize,
    forward: fn(&mut Lstm),
}

/// The kernels of one width: the three crates at the best rows, then rten-simd at each of the other rows.
macro_rules! width {
    ($name:literal, $function:ident, $lanes:literal, $available:expr, $best:literal, $($rows:literal)*) => {
        Width {
            name: $name,
            lanes: $lanes,
            available: $available,
            peak: peak::$function,
            kernels: vec![
                Kernel { name: "rten-simd, rten-vecmath", rows: $best, forward: with_rten::$function::<$best, true> },
                Kernel { name: "rten-simd", rows: $best, forward: with_rten::$function::<$best, false> },
                Kernel { name: "pulp", rows: $best, forward: with_pulp::$function::<$best> },
                Kernel { name: "fearless_simd", rows: $best, forward: with_fearless::$function::<$best> },
                $(Kernel { name: "rten-simd", rows: $rows, forward: with_rten::$function::<$rows, false> },)*
            ],
        }
    };
}

fn main() {
    let repeats: usize = std::env::args().nth(1).map_or(20, |argument| argument.parse().expect("repeats: a number"));
    let widths = [
        width!("AVX-512", avx512, 16, rten_simd::isa::Avx512Isa::new().is_some(), 6, 3 4 5 7 8),
        width!("AVX2", avx2, 8, rten_simd::isa::Avx2Isa::new().is_some(), 3, 1 2 4),
        width!("128 bit", narrow, 4, true, 2, 1 3 4),
    ];
    println!("| B, T, I, H | width | crate | rows | GFLOP/s | of the peak | largest error |");
    println!("|---|---|---|--:|--:|--:|--:|");
    for shape in SHAPES {
        let mut lstm = Lstm::new(shape);
        let reference = lstm.reference();
        for width in widths.iter().filter(|width| width.available) {
            measure(width, &mut lstm, &reference, repeats);
        }
    }
}

/// Checks the kernels of a width, then times each in turn, `repeats` times over, and prints the best of each.
fn measure(width: &Width, lstm: &mut Lstm, reference: &[Vec<f64>; 3], repeats: usize) {
    let shape = lstm.shape;
    lstm.pack(width.lanes);
    let mut errors = Vec::new();
    for Kernel { name, rows, forward } in &width.kernels {
        lstm.clear();
        forward(lstm);
        let error = lstm.error(reference);
        assert!(error <= LARGEST_ERROR, "{}, {name}, {rows} rows: error {error}", width.name);
        errors.push(error);
    }
    let mut peak = 0.0_f64;
    let mut best = vec![f64::INFINITY; width.kernels.len()];
    for _ in 0..repeats {
        peak = peak.max((width.peak)());
        for (kernel, best) in width.kernels.iter().zip(&mut best) {
            let start = Instant::now();
            (kernel.forward)(lstm);
            *best = best.min(start.elapsed().as_secs_f64());
        }
    }
    let place = format!("{}, {}, {}, {} | {}", shape.batch, shape.steps, shape.inputs, shape.units, width.name);
    println!("| {place} | *multiply-adds alone* | | {peak:.0} | 100% | |");
    for ((Kernel { name, rows, .. }, seconds), error) in width.kernels.iter().zip(best).zip(errors) {
        let speed = shape.operations() / seconds / 1e9;
        println!("| {place} | {name} | {rows} | {speed:.0} | {:.0}% | {error:.1e} |", 100.0 * speed / peak);
    }
}

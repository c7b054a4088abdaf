//! What the engine reaches, beside what the machine can: one core's multiply-add peak, then prediction and training of
//! a one-layer model on each instruction set, best of many runs, in GFLOP/s of the layer's products alone
//! (2·B·T·4H·(I+H) forward, three times that with the backward pass). Gathering, gates, head, loss, clipping and Adam
//! are in the time but not in the count.
//!
//!     cargo bench -p lstm-core            (or: npm run bench)

use std::time::Instant;

use lstm_core::kernels::{InstructionSet, multiply_add_rounds};
use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::random::{RandomStream, Stream};
use lstm_core::training::options::TrainingOptions;
use lstm_core::{Model, Result, Trainer};

/// Batch, steps, input size, units.
const SHAPES: [(usize, usize, usize, usize); 6] =
    [(64, 28, 28, 128), (64, 128, 64, 256), (128, 64, 256, 512), (128, 32, 32, 64), (256, 24, 8, 32), (1, 100, 16, 64)];

/// Seconds a figure may take.
const PATIENCE: f64 = 1.0;

fn main() -> Result<()> {
    println!("one thread, best of many runs; GFLOP/s of the layer's products and their part of the peak\n");
    for set in InstructionSet::available() {
        // What the compiler makes of plain Rust is no property of the machine: there is no peak to compare with.
        let peak = (set != InstructionSet::Portable).then(|| peak(set));
        match peak {
            Some(peak) => println!("{}: multiply-add peak {peak:.0} GFLOP/s", set.name()),
            None => println!("{}:", set.name()),
        }
        println!("     B    T    I    H      prediction                    training step");
        for (batch, steps, features, units) in SHAPES {
            let operations = (2 * batch * steps * 4 * units * (features + units)) as f64;
            let (prediction, training) = measure(set, batch, steps, features, units)?;
            let show = |seconds: f64, operations: f64| {
                let rate = operations / seconds / 1e9;
                let part = peak.map_or(String::new(), |peak| format!("({:3.0} %)", rate / peak * 100.0));
                format!("{:8.3} ms {rate:6.1} {part:7}", seconds * 1e3)
            };
            println!(
                "  {batch:4} {steps:4} {features:4} {units:4}  {}   {}",
                show(prediction, operations),
                show(training, 3.0 * operations)
            );
        }
        println!();
    }
    Ok(())
}

/// The shortest of the runs that `PATIENCE` allows, at least five, in seconds.
fn best(mut run: impl FnMut() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    let (mut best, mut runs) = (f64::INFINITY, 0);
    while runs < 5 || started.elapsed().as_secs_f64() < PATIENCE {
        let start = Instant::now();
        run()?;
        best = best.min(start.elapsed().as_secs_f64());
        runs += 1;
    }
    Ok(best)
}

fn peak(set: InstructionSet) -> f64 {
    let rounds = 1_000_000;
    let mut operations = 0;
    let seconds = best(|| {
        operations = multiply_add_rounds(set, rounds);
        Ok(())
    });
    operations as f64 / seconds.expect("the peak cannot fail") / 1e9
}

/// Seconds of predicting and of training one batch.
fn measure(set: InstructionSet, batch: usize, steps: usize, features: usize, units: usize) -> Result<(f64, f64)> {
    let definition = ModelDefinition::from_json(&format!(
        r#"{{"input":{{"features":{features}}},"layers":[{{"cell":"lstm","units":{units}}}],
            "output":{{"classes":["no","yes"]}}}}"#
    ))?;
    let options = TrainingOptions::from_json(&format!(r#"{{"epochs":1000000,"batchSize":{batch},"clipNorm":1}}"#))?;
    let machine = MachineOptions { threads: Some(1), instruction_set: Some(set) };
    let mut random = RandomStream::new(1, Stream::Shuffling);
    let x: Vec<f32> = (0..batch * steps * features).map(|_| random.uniform(-1.0, 1.0)).collect();
    let targets: Vec<u32> = (0..batch as u32).map(|sample| sample % 2).collect();
    let mut y = vec![0.0; batch * 2];

    let mut model = Model::new(definition.clone(), machine)?;
    let prediction = best(|| model.run(&x, None, &mut y))?;
    let mut trainer = Trainer::new(definition, machine, model.weights(), options)?;
    trainer.set_training(&x, steps, None, &targets)?;
    trainer.start()?;
    let training = best(|| trainer.advance(1).map(drop))?;
    Ok((prediction, training))
}

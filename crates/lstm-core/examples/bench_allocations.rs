//! Counts the allocations of a warm training step, a prediction and a stream's step, as `tests/allocations.rs` does, and
//! prints them as JSON: `npm run bench` shows them.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::targets::Targets;
use lstm_core::training::options::TrainingOptions;
use lstm_core::{Model, Trainer};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations<T>(work: impl FnOnce() -> T) -> usize {
    let before = ALLOCATIONS.get();
    drop(work());
    ALLOCATIONS.get() - before
}

fn main() -> lstm_core::Result<()> {
    let (batch, steps, features, units, classes) = (64, 28, 28, 128, 10);
    let names: Vec<_> = (0..classes).map(|class| format!("\"class {class}\"")).collect();
    let definition = ModelDefinition::from_json(&format!(
        r#"{{"input":{{"features":{features}}},"layers":[{{"cell":"lstm","units":{units}}}],"output":{{"classes":[{}]}}}}"#,
        names.join(",")
    ))?;
    let machine = MachineOptions { threads: Some(1), ..MachineOptions::default() };
    let x: Vec<f32> = (0..batch * steps * features).map(|index| (index as f32).sin()).collect();
    let targets: Vec<u32> = (0..batch as u32).map(|sample| sample % classes).collect();

    let mut model = Model::new(definition.clone(), machine)?;
    let options = format!(r#"{{"epochs":1000000,"batchSize":{batch},"clipNorm":1}}"#);
    let mut trainer = Trainer::new(definition, machine, model.weights(), TrainingOptions::from_json(&options)?)?;
    trainer.set_training(&x, steps, None, Targets::classes(&targets))?;
    trainer.start()?;
    trainer.advance(1)?;
    // A call's report has lists of its own; what a step costs is what more steps in one call cost.
    let few = allocations(|| trainer.advance(16));
    let many = allocations(|| trainer.advance(64));
    // Those lists grow by doubling: twice from 16 to 64 losses, twice from 16 to 64 epochs.
    let training = many.saturating_sub(few + 2 * 2) as f64 / 48.0;

    let mut y = vec![0.0; batch * classes as usize];
    model.run(&x[..], None, None, &mut y)?;
    let prediction = allocations(|| model.run(&x[..], None, None, &mut y));
    let stream = model.open_stream(None)?;
    let mut step = || model.next_step(stream, &x[..features], &mut y[..classes as usize]);
    step()?;
    let streaming = allocations(step);
    println!(r#"{{"training step":{training},"inference":{prediction},"streaming step":{streaming}}}"#);
    Ok(())
}

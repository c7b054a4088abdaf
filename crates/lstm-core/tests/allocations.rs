//! Once warm, neither training steps nor predictions nor stream steps allocate, nor does a layer by itself.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use lstm_core::network::definition::{LayerDefinition, ModelDefinition};
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::samples::Inputs;
use lstm_core::network::targets::Targets;
use lstm_core::training::options::TrainingOptions;
use lstm_core::{
    Dropping, InputGradients, Layer, LayerInput, LayerOptions, LayerStates, Model, StateGradients, Trainer,
};

struct Counting;

thread_local! {
    /// Of this thread alone: the test's own harness allocates when it likes.
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

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

#[test]
fn warm_steps_allocate_nothing() {
    for at in ["last", "each", "mean", "max", "attention"] {
        check(at);
    }
}

fn check(at: &str) {
    let definition = ModelDefinition::from_json(&format!(
        r#"{{"input":{{"features":3,"scaling":"standard"}},"layers":[{{"cell":"lstm","units":20}},
            {{"cell":"lstm","units":7}}],"output":{{"classes":["a","b","c"],"at":"{at}"}}}}"#,
    ))
    .unwrap();
    let machine = MachineOptions { threads: Some(1), ..MachineOptions::default() };
    let (samples, steps) = (64, 9);
    let x: Vec<f32> = (0..samples * steps * 3).map(|v| ((v * 31 % 17) as f32 - 8.0) / 8.0).collect();
    let lengths: Vec<u32> = (0..samples as u32).map(|sample| 1 + sample * 5 % steps as u32).collect();
    let rows = samples * if at == "each" { steps } else { 1 };
    let targets: Vec<u32> = (0..rows as u32).map(|row| row % 3).collect();

    let mut model = Model::new(definition.clone(), machine).unwrap();
    let options = TrainingOptions::from_json(r#"{"epochs":100,"batchSize":16,"clipNorm":1}"#).unwrap();
    let mut trainer = Trainer::new(definition, machine, model.weights(), options).unwrap();
    trainer.set_training(&x, steps, Some(&lengths), Targets::classes(&targets)).unwrap();
    trainer.start().unwrap();
    trainer.advance(1).unwrap();
    let few = allocations(|| drop(trainer.advance(8).unwrap()));
    let many = allocations(|| drop(trainer.advance(8 * 16).unwrap()));
    // The report's two lists grow by doubling: log₂ of their lengths, whatever the number of steps.
    assert!(many <= few + 2 * 4, "{at}: 8 steps allocate {few} times, 128 steps {many} times");

    let mut y = vec![0.0; rows * 3];
    let mut predict = |model: &mut Model| model.run(&x, Some(&lengths), None, &mut y).unwrap();
    predict(&mut model);
    assert_eq!(allocations(|| predict(&mut model)), 0);

    if !["last", "each"].contains(&at) {
        return;
    }
    let stream = model.open_stream(None).unwrap();
    let step = |model: &mut Model| model.next_step(stream, &x[..3], &mut [0.0; 3]).unwrap();
    step(&mut model);
    assert_eq!(allocations(|| step(&mut model)), 0);
}

#[test]
fn warm_steps_over_tokens_and_statics_allocate_nothing() {
    for sparse in [false, true] {
        for statics_as in ["steps", "states"] {
            check_inputs(sparse, statics_as);
        }
    }
}

fn check_inputs(sparse: bool, statics_as: &str) {
    let definition = ModelDefinition::from_json(&format!(
        r#"{{"input":{{"features":3,"tokens":50,"embedding":20,"padding":0,"sparse":{sparse},"statics":2,
            "staticsAs":"{statics_as}","scaling":"standard"}},"layers":[{{"cell":"lstm","units":20,"inputNorm":true}}],
            "output":{{"classes":["a","b","c"],"norm":true}}}}"#,
    ))
    .unwrap();
    let machine = MachineOptions { threads: Some(1), ..MachineOptions::default() };
    let (samples, steps) = (64, 9);
    let x: Vec<f32> = (0..samples * steps * 3).map(|v| ((v * 31 % 17) as f32 - 8.0) / 8.0).collect();
    // The first batch reads few tokens, the last ones many.
    let tokens: Vec<u32> = (0..samples * steps).map(|v| (v * 31 % (1 + v % 50)) as u32).collect();
    let statics: Vec<f32> = (0..samples * 2).map(|v| (v * 7 % 5) as f32).collect();
    let inputs = Inputs { x: Some(&x), tokens: Some(&tokens), statics: Some(&statics) };
    let lengths: Vec<u32> = (0..samples as u32).map(|sample| 1 + sample * 5 % steps as u32).collect();
    let targets: Vec<u32> = (0..samples as u32).map(|row| row % 3).collect();

    let mut model = Model::new(definition.clone(), machine).unwrap();
    let options = TrainingOptions::from_json(r#"{"epochs":100,"batchSize":16,"clipNorm":1}"#).unwrap();
    let mut trainer = Trainer::new(definition, machine, model.weights(), options).unwrap();
    trainer.set_training(inputs, steps, Some(&lengths), Targets::classes(&targets)).unwrap();
    trainer.start().unwrap();
    trainer.advance(1).unwrap();
    let few = allocations(|| drop(trainer.advance(8).unwrap()));
    let many = allocations(|| drop(trainer.advance(8 * 16).unwrap()));
    // As above.
    assert!(many <= few + 2 * 4, "{statics_as}: 8 steps allocate {few} times, 128 steps {many} times");

    let mut y = vec![0.0; samples * 3];
    let mut predict = |model: &mut Model| model.run(inputs, Some(&lengths), None, &mut y).unwrap();
    predict(&mut model);
    assert_eq!(allocations(|| predict(&mut model)), 0);
    let stream = model.open_stream(Some(&statics[..2])).unwrap();
    let step = Inputs { x: Some(&x[..3]), tokens: Some(&tokens[..1]), statics: None };
    let step = |model: &mut Model| model.next_step(stream, step, &mut [0.0; 3]).unwrap();
    step(&mut model);
    assert_eq!(allocations(|| step(&mut model)), 0);
}

#[test]
fn a_warm_layer_allocates_nothing() {
    let definition = LayerDefinition::from_json(
        r#"{"cell":"lstm","units":20,"bidirectional":true,"recurrentDropout":0.5,"weightDropout":0.5,"zoneout":{"hidden":0.5}}"#,
    );
    let machine = MachineOptions { threads: Some(1), ..MachineOptions::default() };
    let mut layer =
        Layer::new(definition.unwrap(), LayerOptions { inputs: 3, seed: 1, ..LayerOptions::default() }, machine)
            .unwrap();
    let mut weights = layer.weights().to_vec();
    let (n, steps) = (16, 9);
    let [x, hidden] = [3, 40].map(|width| vec![0.5; n * steps * width]);
    let [mut dx, mut states] = [x.clone(), hidden.clone()];
    let [mut h, mut c] = [vec![0.0; 2 * n * 20], vec![0.0; 2 * n * 20]];
    let mut step = |layer: &mut Layer, shortest: usize| {
        layer.commit(&weights).unwrap();
        let lengths: [u32; 16] = std::array::from_fn(|sample| (shortest + sample * 5 % (steps + 1 - shortest)) as u32);
        let dropping = if shortest.is_multiple_of(2) { Dropping::Drawn } else { Dropping::Expected };
        let input =
            LayerInput { x: &x, steps, lengths: Some(&lengths), initial_hidden: None, initial_cell: None, dropping };
        layer.forward(input, LayerStates { hidden: &mut states, final_hidden: &mut h, final_cell: &mut c }).unwrap();
        let from = StateGradients { hidden: Some(&hidden), ..StateGradients::default() };
        let out = InputGradients { x: &mut dx, weights: &mut weights, initial_hidden: &mut h, initial_cell: &mut c };
        layer.backward(from, out).unwrap();
    };
    // Once with as many steps that count as there can be.
    step(&mut layer, steps);
    assert_eq!(allocations(|| (1..steps).for_each(|shortest| step(&mut layer, shortest))), 0);
}

//! The same bits on any number of threads, on every instruction set of the machine: layers and whole training steps, ten
//! times each, because what threads do to each other they do now and then. Eight threads are more than most test
//! machines have cores, so that threads also wait for one another.

mod common;

use common::case::Case;
use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::layer::{LayerGradients, LayerOutput};
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::samples::Inputs;
use lstm_core::network::targets::Targets;
use lstm_core::random::{RandomStream, Stream};
use lstm_core::training::options::TrainingOptions;
use lstm_core::{Model, Trainer};

const THREADS: [usize; 4] = [1, 2, 4, 8];
/// Whose turn it is differs from run to run; what memory is touched does not.
const RUNS: usize = if cfg!(address_sanitizer) { 2 } else { 10 };

/// Operations of a forward pass that are worth four threads (`Executor::parts`).
const WORTH_FOUR: usize = 15_000_000;

/// The bits of every number, each NaN and zero for itself.
fn bits<'a>(values: impl IntoIterator<Item = &'a Vec<f32>>) -> Vec<Vec<u32>> {
    values.into_iter().map(|values| values.iter().map(|value| value.to_bits()).collect()).collect()
}

fn layer_bits(output: &LayerOutput, gradients: &LayerGradients) -> Vec<Vec<u32>> {
    let LayerGradients { weights, x, initial_hidden, initial_cell } = gradients;
    let states = [&output.hidden, &output.final_hidden, &output.final_cell];
    bits(states.into_iter().chain([weights, x, initial_hidden, initial_cell]))
}

/// Runs a layer forward and backward on every number of threads.
fn check_layer(case: &Case) {
    let rows: usize = case.lengths.iter().map(|&length| length as usize).sum();
    assert!(8 * case.units * (case.input_size + case.units) * rows >= WORTH_FOUR, "{}: too small", case.name());
    for set in InstructionSet::available() {
        let mut expected = None;
        for threads in THREADS {
            let mut layer = case.layer(set, threads);
            for run in 0..RUNS {
                let actual = layer_bits(&case.forward(&mut layer), &case.backward(&mut layer));
                let same = *expected.get_or_insert_with(|| actual.clone()) == actual;
                assert!(same, "{set:?}, {}: run {run} on {threads} threads has other bits", case.name());
            }
        }
    }
}

#[test]
fn one_row_on_any_number_of_threads() {
    check_layer(&Case::with_steps(1, 64, 16, 256));
    check_layer(&Case::with_steps(1, 50, 24, 190).reversed());
}

#[test]
fn a_few_rows_on_any_number_of_threads() {
    check_layer(&Case::with_steps(3, 21, 40, 250));
    check_layer(&Case::with_steps(3, 25, 30, 190).reversed());
}

#[test]
fn many_ragged_rows_on_any_number_of_threads() {
    check_layer(&Case::with_steps(67, 9, 20, 70));
    check_layer(&Case::with_steps(130, 5, 33, 64).reversed());
}

/// Three epochs over `samples` ragged sequences as one batch, and then their probabilities, on every number of threads. The
/// output is of `classes` classes, from where `at` says.
fn check_training(samples: usize, steps: usize, layers: &str, (classes, at): (u32, &str)) {
    check_inputs(samples, steps, r#""features":12"#, layers, (classes, at, ""));
}

/// The same over inputs of any kind, and an output with an option more.
fn check_inputs(samples: usize, steps: usize, input: &str, layers: &str, (classes, at, option): (u32, &str, &str)) {
    let definition = ModelDefinition::from_json(&format!(
        r#"{{"input":{{{input}{}}},"layers":[{layers}],
            "output":{{"classes":{:?},"at":"{at}"{option}}},"seed":3}}"#,
        if input.contains("features") { r#","scaling":"standard""# } else { "" },
        (0..classes).map(|class| class.to_string()).collect::<Vec<_>>()
    ))
    .unwrap();
    let mut random = RandomStream::new(1, Stream::Shuffling);
    let (features, statics) = (definition.input.features(), definition.input.statics());
    let x: Vec<f32> = (0..samples * steps * features).map(|_| random.uniform(-1.0, 1.0)).collect();
    let tokens: Vec<u32> = (0..samples * steps).map(|_| random.below(definition.input.tokens.unwrap_or(1))).collect();
    let numbers: Vec<f32> = (0..samples * statics).map(|_| random.uniform(-1.0, 1.0)).collect();
    let inputs = Inputs {
        x: (features > 0).then_some(&x),
        tokens: definition.input.tokens.map(|_| &tokens[..]),
        statics: (statics > 0).then_some(&numbers),
    };
    let lengths: Vec<u32> = (0..samples).map(|sample| (steps - sample * 5 % steps) as u32).collect();
    let rows = samples * if at == "each" { steps } else { 1 };
    let targets: Vec<u32> = (0..rows as u32).map(|row| row % classes).collect();
    let options = format!(r#"{{"epochs":3,"batchSize":{samples},"clipNorm":0.5,"optimizer":{{"kind":"adam"}}}}"#);
    for set in InstructionSet::available() {
        let mut expected = None;
        for threads in THREADS {
            let machine = MachineOptions { threads: Some(threads as u32), instruction_set: Some(set) };
            for run in 0..RUNS {
                let mut model = Model::new(definition.clone(), machine).unwrap();
                let options = TrainingOptions::from_json(&options).unwrap();
                let mut trainer = Trainer::new(definition.clone(), machine, model.weights(), options).unwrap();
                trainer.set_training(inputs, steps, Some(&lengths), Targets::classes(&targets)).unwrap();
                trainer.start().unwrap();
                let losses = trainer.advance(3).unwrap().losses;
                model.commit(trainer.weights()).unwrap();
                let mut probabilities = vec![0.0; rows * classes as usize];
                model.run(inputs, Some(&lengths), None, &mut probabilities).unwrap();
                let actual =
                    bits([&losses, &trainer.gradients().to_vec(), &trainer.weights().to_vec(), &probabilities]);
                let same = *expected.get_or_insert_with(|| actual.clone()) == actual;
                assert!(same, "{set:?}, {samples} samples: run {run} on {threads} threads has other bits");
            }
        }
    }
}

#[test]
fn tokens_and_statics_on_any_number_of_threads() {
    // Some 1,500 steps of 1,024 numbers are worth four threads to add them up, and so is Adam over their rows of the table.
    let rnn = r#"{"cell":"rnn","units":8}"#;
    check_inputs(40, 70, r#""tokens":600,"embedding":1024,"padding":7"#, rnn, (3, "last", ""));
    check_inputs(40, 70, r#""tokens":600,"embedding":1024,"padding":7,"sparse":true"#, rnn, (3, "mean", ""));
    // And so is the normalisation of each step's numbers.
    let norm = r#"{"cell":"rnn","units":8,"inputNorm":true,"dropout":0.25}"#;
    check_inputs(40, 70, r#""tokens":600,"embedding":1024,"padding":7"#, norm, (3, "last", r#","norm":true"#));
    let all = r#""features":3,"tokens":30,"embedding":200,"statics":9"#;
    check_inputs(40, 30, all, r#"{"cell":"lstm","units":40,"bidirectional":true}"#, (3, "last", ""));
    // And so is the map from 2,000 statics to 128 initial states.
    let states = r#""tokens":70,"embedding":64,"statics":2000,"staticsAs":"states""#;
    check_inputs(64, 10, states, r#"{"cell":"lstm","units":64}"#, (70, "each", r#","tied":true"#));
}

#[test]
fn training_and_predicting_on_any_number_of_threads() {
    let two = r#"{"cell":"lstm","units":40,"bidirectional":true},{"cell":"lstm","units":70}"#;
    check_training(37, 12, two, (3, "last"));
    check_training(1, 40, r#"{"cell":"lstm","units":160}"#, (3, "last"));
    // The last threads' rows end long before the longest.
    check_training(64, 40, r#"{"cell":"lstm","units":70,"projection":20}"#, (3, "last"));
}

#[test]
fn outputs_at_each_step_and_pooled_on_any_number_of_threads() {
    check_training(40, 30, r#"{"cell":"gru","units":70}"#, (300, "each"));
    let both = r#"{"cell":"gru","units":60,"bidirectional":true}"#;
    check_training(64, 50, both, (3, "attention"));
    check_training(64, 50, both, (3, "max"));
    check_training(64, 50, r#"{"cell":"rnn","units":130}"#, (3, "mean"));
}

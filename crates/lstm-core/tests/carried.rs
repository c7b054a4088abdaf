//! States in and out of a model, truncated back-propagation and stateful training: against `PyTorch`'s float64 runs, and
//! against whole sequences. `vectors/structure.py` says what the vectors hold.

mod common;

use common::{Vectors, assert_close, vectors};
use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::parameters::Layout;
use lstm_core::network::targets::Targets;
use lstm_core::training::options::TrainingOptions;
use lstm_core::{ErrorCode, Model, Trainer};

/// f32 against float64 over a dozen steps, as in `pytorch.rs`.
const BOUND: f64 = 5e-6;
const TRAINED: f64 = 1e-4;

const RUNS: [&str; 5] =
    ["carried-truncated-each", "carried-truncated-last", "carried-stateful", "carried-both", "carried-norm"];

fn machine(set: InstructionSet) -> MachineOptions {
    MachineOptions { threads: Some(1), instruction_set: Some(set) }
}

/// The run of some vectors, its training data as validation data too if `validated`.
fn trainer(vectors: &Vectors, set: InstructionSet, validated: bool) -> Trainer {
    let definition = ModelDefinition::from_json(&vectors.case()["definition"].to_string()).unwrap();
    let options = TrainingOptions::from_json(&vectors.case()["options"].to_string()).unwrap();
    let weights: Vec<f32> =
        Layout::of(&definition).tensors().iter().flat_map(|tensor| vectors.f32(&tensor.name)).collect();
    let mut trainer = Trainer::new(definition, machine(set), &weights, options).unwrap();
    let small = |name: &str| vectors.indices(name).iter().map(|&value| value as u32).collect::<Vec<_>>();
    let (x, steps, lengths, targets) = (vectors.f32("x"), vectors.shape("x")[1], small("lengths"), small("targets"));
    trainer.set_training(&x, steps, Some(&lengths), Targets::classes(&targets)).unwrap();
    if validated {
        trainer.set_validation(&x, steps, Some(&lengths), Targets::classes(&targets)).unwrap();
    }
    trainer.start().unwrap();
    trainer
}

#[test]
fn truncated_and_stateful_training_is_pytorchs() {
    for (name, set) in RUNS.iter().flat_map(|name| InstructionSet::available().into_iter().map(move |s| (name, s))) {
        let vectors = vectors(name);
        let mut trainer = trainer(&vectors, set, false);
        let progress = trainer.advance(1000).unwrap();
        assert!(progress.finished);
        assert_eq!(progress.step, progress.total_steps, "{name}");
        assert_close(&format!("{name}, {}: losses", set.name()), &progress.losses, vectors.get("losses"), BOUND);
        let definition = ModelDefinition::from_json(&vectors.case()["definition"].to_string()).unwrap();
        for tensor in Layout::of(&definition).tensors() {
            let expected = vectors.get(&format!("trained.{}", tensor.name));
            assert_close(&format!("{name}: {}", tensor.name), &trainer.weights()[tensor.range()], expected, TRAINED);
        }
    }
}

#[test]
fn the_size_of_crossings_changes_nothing_and_validation_is_as_if_whole() {
    for name in RUNS {
        let vectors = vectors(name);
        let set = InstructionSet::choose().unwrap();
        let (mut whole, mut bit_by_bit) = (trainer(&vectors, set, true), trainer(&vectors, set, true));
        let at_once = whole.advance(1000).unwrap();
        let mut epochs = Vec::new();
        loop {
            let progress = bit_by_bit.advance(1).unwrap();
            epochs.extend(progress.epochs);
            if progress.finished {
                break;
            }
        }
        assert_eq!(whole.weights(), bit_by_bit.weights(), "{name}");
        assert_eq!(at_once.epochs, epochs, "{name}");
        if vectors.case()["options"]["stateful"].is_null() {
            // What a model that reads whole sequences makes of the same weights.
            let mut validated = trainer(&vectors, set, false);
            validated.advance(at_once.total_steps / 2).unwrap();
            let all: Vec<u32> = (0..vectors.shape("x")[0] as u32).collect();
            let loss = validated.differentiate(&all).unwrap();
            let reported = at_once.epochs[0].validation.as_ref().unwrap().loss;
            assert!((loss - reported).abs() < 1e-5 * loss, "{name}: {loss}, {reported}");
        }
    }
}

fn definition(layers: &str, at: &str) -> ModelDefinition {
    let text =
        format!(r#"{{"input":{{"features":2}},"layers":{layers},"output":{{"values":3,"at":"{at}"}},"seed":5}}"#);
    ModelDefinition::from_json(&text).unwrap()
}

const MIXED: &str = r#"[{"cell":"lstm","units":6,"projection":4,"zoneout":{"cell":0.25}},{"cell":"gru","units":5},
    {"cell":"rnn","units":5,"residual":true,"inputNorm":true}]"#;

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * 37 % 101) as f32 - 50.0) / 50.0).collect()
}

#[test]
fn states_carry_a_sequence_from_call_to_call() {
    let (n, steps) = (5, 8);
    for set in InstructionSet::available() {
        let mut model = Model::new(definition(MIXED, "each"), machine(set)).unwrap();
        let states = model.describe().states.into_iter();
        let places: Vec<_> = states.map(|state| (state.layer, state.offset, state.hidden, state.cell)).collect();
        assert_eq!(places, [(0, 0, 4, 6), (1, 10, 5, 0), (2, 15, 5, 0)]);
        let size = 20;
        let x = numbers(n * steps * 2);
        let mut whole = vec![0.0; n * steps * 3];
        let mut final_states = vec![0.0; n * size];
        model.run(&x, Some(&[8; 5]), Some(&mut final_states), &mut whole).unwrap();

        let (mut states, mut parts) = (vec![0.0; n * size], Vec::new());
        for (first, count) in [(0, 3), (3, 1), (4, 4)] {
            let part: Vec<f32> = (0..n).flat_map(|s| x[(s * steps + first) * 2..][..count * 2].to_vec()).collect();
            let mut y = vec![0.0; n * count * 3];
            model.run(&part, None, Some(&mut states), &mut y).unwrap();
            parts.push((first, count, y));
        }
        assert_eq!(states, final_states, "{set:?}");
        for (first, count, y) in parts {
            for sample in 0..n {
                let expected = &whole[(sample * steps + first) * 3..][..count * 3];
                assert_eq!(&y[sample * count * 3..][..count * 3], expected, "{set:?}, from step {first}");
            }
        }
    }
}

#[test]
fn each_sequence_ends_at_its_own_step_and_the_reverse_direction_at_the_first() {
    let layers = r#"[{"cell":"lstm","units":4,"bidirectional":true}]"#;
    let mut model = Model::new(definition(layers, "each"), machine(InstructionSet::choose().unwrap())).unwrap();
    let x = numbers(3 * 6 * 2);
    let (mut y, mut states) = (vec![0.0; 3 * 6 * 3], vec![0.0; 3 * 16]);
    model.run(&x, Some(&[2, 6, 4]), Some(&mut states), &mut y).unwrap();
    for (sample, length) in [2, 6, 4].into_iter().enumerate() {
        // The same sequence alone, without padding.
        let (mut alone, mut state) = (vec![0.0; length * 3], vec![0.0; 16]);
        model.run(&x[sample * 12..][..length * 2], None, Some(&mut state), &mut alone).unwrap();
        let error =
            common::error(&states[sample * 16..][..16], &state.iter().map(|&s| f64::from(s)).collect::<Vec<_>>());
        assert!(error < 1e-6, "{error}");
        assert!(state.iter().all(|&state| state != 0.0));
    }
}

#[test]
fn states_that_do_not_fit_are_refused_and_stay() {
    let mut model = Model::new(definition(MIXED, "last"), machine(InstructionSet::choose().unwrap())).unwrap();
    let mut y = [0.0; 6];
    let mut states = vec![0.0; 39];
    let error = model.run(&numbers(8), None, Some(&mut states), &mut y).unwrap_err();
    assert_eq!((error.code, error.path.as_str()), (ErrorCode::ShapeMismatch, "states"));
    states.push(f32::NAN);
    let error = model.run(&numbers(8), None, Some(&mut states), &mut y).unwrap_err();
    assert_eq!((error.code, error.path.as_str()), (ErrorCode::NotFinite, "states[39]"));
    assert!(states[..39].iter().all(|&state| state == 0.0) && y == [0.0; 6]);
}

#[test]
fn what_cannot_be_carried_on_is_refused_by_name() {
    let refused = |layers: &str, at: &str, options: &str| {
        let definition = definition(layers, at);
        let weights = vec![0.0; Layout::of(&definition).total_length()];
        let options = TrainingOptions::from_json(options).unwrap();
        let made = Trainer::new(definition, MachineOptions::default(), &weights, options).and_then(|mut trainer| {
            trainer.set_training(&numbers(12), 2, None, Targets::numbers(&numbers(9)))?;
            trainer.start()
        });
        let error = made.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidOption);
        (error.path, error.message)
    };
    let plain = r#"[{"cell":"gru","units":3}]"#;
    let both = r#"[{"cell":"gru","units":3,"bidirectional":true}]"#;
    for (layers, at, options, path, part) in [
        (both, "last", r#"{"backpropagationSteps":3}"#, "backpropagationSteps", "layers[0] is bidirectional"),
        (both, "last", r#"{"stateful":true,"shuffle":false}"#, "stateful", "layers[0] is bidirectional"),
        (plain, "mean", r#"{"backpropagationSteps":3}"#, "backpropagationSteps", "pools all steps"),
        (plain, "last", r#"{"stateful":true}"#, "stateful", "say `shuffle: false`"),
        (plain, "last", r#"{"stateful":true,"shuffle":false,"batchSize":2}"#, "batchSize", "a batch size that divides"),
    ] {
        let (found, message) = refused(layers, at, options);
        assert_eq!(found, path, "{message}");
        assert!(message.contains(part), "{message}");
    }
}

//! Every kind of input: tokens through embeddings, statics at steps and as states, numbers beside them. Losses, gradients,
//! predictions and training against `PyTorch`'s float64 numbers, and what inputs promise beyond numbers.
//! `vectors/generate.py` says what the vectors hold: NaN and tokens that there are not fill their padding.

mod common;

use common::assert_close;
use common::inputs::{INPUTS, InputCase};
use common::slopes::{gradients, on_tape};
use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::{At, ModelDefinition};
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::parameters::Layout;
use lstm_core::network::samples::Inputs;
use lstm_core::network::targets::Targets;
use lstm_core::reference::{NetworkMasks, Scalar, Tape};
use lstm_core::training::options::TrainingOptions;
use lstm_core::{ErrorCode, Model, Trainer};

/// f32 against float64, as in `layer.rs`.
const BOUND: f64 = 5e-6;
/// f64 against float64, as in `reference.rs`.
const ROUNDING: f64 = 1e-12;
/// After eight steps of Adam, as in `pytorch.rs`.
const TRAINED: f64 = 1e-4;

fn machine(set: InstructionSet, threads: u32) -> MachineOptions {
    MachineOptions { threads: Some(threads), instruction_set: Some(set) }
}

fn best() -> MachineOptions {
    machine(InstructionSet::choose().unwrap(), 1)
}

fn cases() -> impl Iterator<Item = (String, InputCase, InstructionSet)> {
    let sets = |name: &'static str| {
        InstructionSet::available()
            .into_iter()
            .map(move |set| (format!("{name}, {}", set.name()), InputCase::read(name), set))
    };
    INPUTS.into_iter().flat_map(sets)
}

fn trainer(case: &InputCase, definition: &ModelDefinition, machine: MachineOptions, options: &str) -> Trainer {
    let options = TrainingOptions::from_json(options).unwrap();
    let mut trainer = Trainer::new(definition.clone(), machine, &case.weights(), options).unwrap();
    trainer.set_training(case.inputs(), case.steps, Some(&case.lengths), case.targets()).unwrap();
    trainer.start().unwrap();
    trainer
}

/// The training that the vectors of `PyTorch` are of.
fn training(case: &InputCase) -> String {
    let setting = |name: &str| case.vectors.scalar(name);
    format!(
        r#"{{"epochs":3,"batchSize":{},"shuffle":false,"clipNorm":{},
            "optimizer":{{"kind":"adam","learningRate":{},"beta1":{},"beta2":{},"epsilon":{}}}}}"#,
        case.batch,
        setting("clip_norm"),
        setting("adam.learning_rate"),
        setting("adam.beta1"),
        setting("adam.beta2"),
        setting("adam.epsilon")
    )
}

fn norm(gradients: &[f32]) -> f64 {
    gradients.iter().map(|&gradient| f64::from(gradient).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn losses_and_gradients_are_pytorchs() {
    for (name, case, set) in cases() {
        let mut trainer = trainer(&case, &case.definition, machine(set, 1), r#"{"shuffle":false}"#);
        let first: Vec<u32> = (0..case.batch as u32).collect();
        // Others before, and twice: what a batch before has left must not count.
        trainer.differentiate(&[1, 0]).unwrap();
        for _ in 0..2 {
            let loss = trainer.differentiate(&first).unwrap();
            assert_close(&format!("{name}: loss"), &[loss], case.vectors.get("loss"), BOUND);
            for tensor in Layout::of(&case.definition).tensors().iter().filter(|tensor| tensor.trained) {
                let expected = case.vectors.get(&format!("gradient.{}", tensor.name));
                let what = format!("{name}: gradient of {}", tensor.name);
                assert_close(&what, &trainer.gradients()[tensor.range()], expected, BOUND);
            }
        }
    }
}

#[test]
fn predictions_are_pytorchs() {
    for (name, case, set) in cases() {
        let mut model = Model::new(case.definition.clone(), machine(set, 1)).unwrap();
        model.commit(&case.weights()).unwrap();
        let expected = case.vectors.get("outputs");
        let mut y = vec![f32::NAN; expected.len()];
        model.run(case.first_batch(), Some(&case.lengths[..case.batch]), None, &mut y).unwrap();
        assert_close(&name, &y, expected, BOUND);
    }
}

#[test]
fn the_oracles_loss_gradients_and_predictions_are_pytorchs() {
    for name in INPUTS {
        let case = InputCase::read(name);
        let network = case.network();
        let tape = Tape::new();
        let variables = on_tape(&network.parameters, &tape);
        let loss = network.loss(&variables, &NetworkMasks::default());
        assert_close(&format!("{name}: loss"), &[loss.value()], case.vectors.get("loss"), ROUNDING);
        let gradients = gradients(loss, &variables, &tape);
        for tensor in Layout::of(&case.definition).tensors().iter().filter(|tensor| tensor.trained) {
            let expected = case.vectors.get(&format!("gradient.{}", tensor.name));
            let what = format!("{name}: gradient of {}", tensor.name);
            assert_close(&what, &gradients[&tensor.name], expected, ROUNDING);
        }
        let predictions = network.predictions(&network.parameters);
        assert_close(name, &predictions, case.vectors.get("outputs"), ROUNDING);
    }
}

#[test]
fn training_is_pytorchs_with_sparse_and_tied_embeddings_too() {
    for (name, case, set) in cases().filter(|(name, ..)| name.contains("adam")) {
        let mut trainer = trainer(&case, &case.definition, machine(set, 1), &training(&case));
        let (losses, norms): (Vec<_>, Vec<_>) =
            (0..8).map(|_| (trainer.advance(1).unwrap().losses[0], norm(trainer.gradients()))).unzip();
        assert_close(&format!("{name}: losses"), &losses, case.vectors.get("losses"), BOUND);
        assert_close(&format!("{name}: norms"), &norms, case.vectors.get("norms"), BOUND);
        for tensor in Layout::of(&case.definition).tensors() {
            let expected = case.vectors.get(&format!("trained.{}", tensor.name));
            assert_close(
                &format!("{name}: trained {}", tensor.name),
                &trainer.weights()[tensor.range()],
                expected,
                TRAINED,
            );
        }
        if !case.definition.output.tied {
            let (padding, size) = (case.definition.input.padding.unwrap() as usize, case.definition.input.embedding());
            assert!(trainer.weights()[padding * size..][..size].iter().all(|&value| value == 0.0), "{name}: padding");
        }
    }
}

#[test]
fn the_first_sparse_step_is_a_dense_one_of_the_rows_that_are_read() {
    let case = InputCase::read("input-adam-sparse");
    let mut dense = case.definition.clone();
    dense.input.sparse = false;
    // Without ε both optimisers are the same where moments begin from zero; and a dense one has no gradient for other rows.
    let options = training(&case).replace("0.0010000000474974513", "1e-37");
    assert_ne!(options, training(&case));
    let [sparse, dense] = [&case.definition, &dense].map(|definition| {
        let mut trainer = trainer(&case, definition, best(), &options);
        trainer.advance(1).unwrap();
        trainer
    });
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(sparse.gradients()), bits(dense.gradients()));
    for (a, b) in sparse.weights().iter().zip(dense.weights()) {
        // The norms are sums in another order.
        assert!((a - b).abs() <= 1e-6, "{a} {b}");
    }
}

#[test]
fn streams_give_what_whole_sequences_do() {
    for name in INPUTS {
        let case = InputCase::read(name);
        if case.definition.layers[0].bidirectional || ![At::Last, At::Each].contains(&case.definition.output.at) {
            continue;
        }
        let mut model = Model::new(case.definition.clone(), best()).unwrap();
        model.commit(&case.weights()).unwrap();
        let (size, all) = (case.definition.output.size(), case.size());
        let expected = case.vectors.get("outputs");
        let stream = model.open_stream(case.step(0, 0).1).unwrap();
        let mut y = vec![0.0; size];
        // A second time after a reset: statics stay.
        for (sample, &length) in case.lengths[..case.batch].iter().enumerate().flat_map(|sample| [sample; 2]) {
            let stream = if sample == 0 { stream } else { model.open_stream(case.step(sample, 0).1).unwrap() };
            model.reset_stream(stream).unwrap();
            for step in 0..length as usize {
                model.next_step(stream, case.step(sample, step).0, &mut y).unwrap();
                if all > size {
                    assert_close(name, &y, &expected[sample * all + step * size..][..size], BOUND);
                }
            }
            if all == size {
                assert_close(name, &y, &expected[sample * all..][..size], BOUND);
            }
        }
    }
}

#[test]
fn what_stands_in_the_padding_changes_no_bit() {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    for name in ["input-adam", "input-adam-sparse", "input-adam-tied"] {
        let case = InputCase::read(name);
        let lengths = &case.lengths;
        let run = |fill: &dyn Fn(usize) -> u32| {
            let mut tokens = case.inputs().tokens.unwrap().to_vec();
            for (place, token) in tokens.iter_mut().enumerate() {
                if place % case.steps >= lengths[place / case.steps] as usize {
                    *token = fill(place);
                }
            }
            let inputs = Inputs { tokens: Some(&tokens), ..Inputs::default() };
            let options = TrainingOptions::from_json(&training(&case)).unwrap();
            let mut trainer = Trainer::new(case.definition.clone(), best(), &case.weights(), options).unwrap();
            trainer.set_training(inputs, case.steps, Some(lengths), case.targets()).unwrap();
            trainer.start().unwrap();
            let losses = trainer.advance(9).unwrap().losses;
            [bits(&losses), bits(trainer.weights())]
        };
        let expected = run(&|_| u32::MAX);
        assert_eq!(run(&|_| case.definition.input.padding.unwrap()), expected, "{name}");
        assert_eq!(run(&|place| place as u32 * 7 % 12), expected, "{name}");
    }
}

#[test]
fn each_mistake_has_its_place() {
    let case = InputCase::read("input-tied");
    let mut model = Model::new(case.definition.clone(), best()).unwrap();
    let (inputs, lengths) = (case.inputs(), &case.lengths);
    let mut y = vec![0.0; case.batch * case.size()];
    let mut refuse = |inputs: Inputs, lengths: Option<&[u32]>, code: ErrorCode, path: &str| {
        let error = model.run(inputs, lengths, None, &mut y).unwrap_err();
        assert_eq!((error.code, error.path.as_str()), (code, path), "{error}");
    };
    let tokens = inputs.tokens.unwrap();
    refuse(inputs, None, ErrorCode::UnknownToken, "tokens[0][4]");
    refuse(Inputs::default(), Some(lengths), ErrorCode::ShapeMismatch, "tokens");
    refuse(Inputs { x: Some(&[0.0; 42]), ..inputs }, Some(lengths), ErrorCode::ShapeMismatch, "x");
    refuse(Inputs { statics: Some(&[0.0; 6]), ..inputs }, Some(lengths), ErrorCode::ShapeMismatch, "statics");
    refuse(Inputs { tokens: Some(&tokens[1..]), ..inputs }, Some(lengths), ErrorCode::ShapeMismatch, "tokens");
    refuse(Inputs { tokens: Some(&tokens[..6]), ..inputs }, Some(lengths), ErrorCode::ShapeMismatch, "y");

    let stream = model.open_stream(None).unwrap();
    let mut y = vec![0.0; 12];
    let mut step = |x, tokens, path: &str, code| {
        let error = model.next_step(stream, Inputs { x, tokens, statics: None }, &mut y).unwrap_err();
        assert_eq!((error.code, error.path.as_str()), (code, path), "{error}");
    };
    step(None, Some(&[12]), "token", ErrorCode::UnknownToken);
    step(None, None, "token", ErrorCode::ShapeMismatch);
    step(None, Some(&[1, 2]), "token", ErrorCode::ShapeMismatch);
    step(Some(&[1.0]), Some(&[1]), "features", ErrorCode::ShapeMismatch);

    let case = InputCase::read("input-statics-steps");
    let mut model = Model::new(case.definition.clone(), best()).unwrap();
    for (statics, code, path) in [
        (None, ErrorCode::ShapeMismatch, "statics"),
        (Some(&[0.0; 3][..]), ErrorCode::ShapeMismatch, "statics"),
        (Some(&[0.0, 0.0, f32::INFINITY, 0.0]), ErrorCode::NotFinite, "statics[2]"),
    ] {
        let error = model.open_stream(statics).unwrap_err();
        assert_eq!((error.code, error.path.as_str()), (code, path), "{error}");
    }
}

#[test]
fn statics_are_scaled_by_what_training_saw_and_the_scaling_is_saved() {
    let definition = ModelDefinition::from_json(
        r#"{"input":{"tokens":3,"embedding":2,"statics":2,"staticsAs":"states","scaling":"standard"},
            "layers":[{"cell":"lstm","units":3}],"output":{"values":1}}"#,
    )
    .unwrap();
    let model = Model::new(definition.clone(), best()).unwrap();
    let mut trainer = Trainer::new(definition.clone(), best(), model.weights(), TrainingOptions::default()).unwrap();
    let inputs = Inputs { x: None, tokens: Some(&[0, 1, 2, 0]), statics: Some(&[1.0, 10.0, 3.0, 10.0]) };
    trainer.set_training(inputs, 2, None, Targets::numbers(&[1.0, 2.0])).unwrap();
    trainer.start().unwrap();
    let layout = Layout::of(&definition);
    let scaling = layout.statics_scaling().unwrap();
    assert_eq!(trainer.weights()[scaling.mean.clone()], [2.0, 10.0]);
    assert_eq!(trainer.weights()[scaling.deviation.clone()], [1.0, 1.0]);

    let mut model = model;
    model.commit(trainer.weights()).unwrap();
    let mut loaded = Model::load(&model.save().unwrap(), best()).unwrap();
    let [mut y, mut again] = [[0.0; 2], [1.0; 2]];
    model.run(inputs, None, None, &mut y).unwrap();
    loaded.run(inputs, None, None, &mut again).unwrap();
    assert_eq!(y, again);
    assert_ne!(y[0], y[1]);
}

//! Every kind of output with its losses: the fast path and the oracle against `PyTorch`'s float64 numbers, and what outputs
//! promise beyond numbers. `vectors/generate.py` says what the vectors
//! hold: NaN fills their padding and what weighs nothing.

mod common;

use common::assert_close;
use common::outputs::{OUTPUTS, OutputCase};
use common::slopes::on_tape;
use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::{At, ModelDefinition, OutputKind};
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::parameters::Layout;
use lstm_core::network::targets::{NO_CLASS, Targets};
use lstm_core::reference::{NetworkMasks, Scalar, Tape};
use lstm_core::training::evaluation::Evaluation;
use lstm_core::training::options::TrainingOptions;
use lstm_core::training::report::Report;
use lstm_core::{ErrorCode, Model, Result, Trainer};

/// f32 against float64, as in `layer.rs`.
const BOUND: f64 = 5e-6;
/// f64 against float64, as in `reference.rs`.
const ROUNDING: f64 = 1e-12;

#[test]
fn losses_and_gradients_are_pytorchs() {
    for (name, set) in OUTPUTS.iter().flat_map(|name| InstructionSet::available().into_iter().map(move |s| (name, s))) {
        let case = OutputCase::read(name);
        let mut trainer = case.network.trainer(set);
        let all: Vec<u32> = (0..case.network.lengths.len() as u32).collect();
        let loss = trainer.differentiate(&all).unwrap();
        assert_close(&format!("{name}, {}: loss", set.name()), &[loss], case.vectors.get("loss"), BOUND);
        for tensor in Layout::of(&case.network.definition).tensors() {
            let expected = case.vectors.get(&format!("gradient.{}", tensor.name));
            let what = format!("{name}, {}: gradient of {}", set.name(), tensor.name);
            assert_close(&what, &trainer.gradients()[tensor.range()], expected, BOUND);
        }
    }
}

#[test]
fn predictions_are_pytorchs_and_zero_in_the_padding() {
    for name in OUTPUTS {
        let case = OutputCase::read(name);
        let expected = case.vectors.get("outputs");
        assert_close(
            &format!("{name}: the oracle"),
            &case.network.predictions(&case.network.parameters),
            expected,
            ROUNDING,
        );
        for set in InstructionSet::available() {
            let y = case.network.predict(set);
            assert_close(&format!("{name}, {}", set.name()), &y, expected, BOUND);
            if case.network.definition.output.at == At::Each {
                let size = case.network.definition.output.size();
                for (sample, &length) in case.network.lengths.iter().enumerate() {
                    let steps = case.network.steps;
                    let padding = (sample * steps + length as usize) * size..(sample + 1) * steps * size;
                    assert!(y[padding].iter().all(|&number| number == 0.0), "{name}");
                }
            }
        }
    }
}

#[test]
fn the_oracles_loss_and_gradients_are_pytorchs() {
    for name in OUTPUTS {
        let case = OutputCase::read(name);
        let tape = Tape::new();
        let variables = on_tape(&case.network.parameters, &tape);
        let loss = case.network.loss(&variables, &NetworkMasks::default());
        assert_close(&format!("{name}: loss"), &[loss.value()], case.vectors.get("loss"), ROUNDING);
        let gradients = tape.gradients(loss);
        for (tensor, variables) in &variables {
            let expected = case.vectors.get(&format!("gradient.{tensor}"));
            assert_close(&format!("{name}: gradient of {tensor}"), &gradients.of(variables), expected, ROUNDING);
        }
    }
}

#[test]
fn streams_give_each_steps_output() {
    for name in ["output-classes-each", "output-values-each", "output-labels", "output-norm-first", "output-norm-each"]
    {
        let case = OutputCase::read(name);
        let mut model = Model::new(case.network.definition.clone(), MachineOptions::default()).unwrap();
        model.commit(&case.network.flat()).unwrap();
        let (features, size) = (case.network.definition.input.features(), case.network.definition.output.size());
        let each = case.network.definition.output.at == At::Each;
        let (x, expected) = (case.vectors.f32("x"), case.vectors.get("outputs"));
        for (sample, &length) in case.network.lengths.iter().enumerate() {
            let stream = model.open_stream(None).unwrap();
            let mut y = vec![0.0; size];
            for step in 0..length as usize {
                let at = sample * case.network.steps + step;
                model.next_step(stream, &x[at * features..][..features], &mut y).unwrap();
                if each {
                    assert_close(name, &y, &expected[at * size..][..size], BOUND);
                }
            }
            if !each {
                assert_close(name, &y, &expected[sample * size..][..size], BOUND);
            }
        }
    }
}

#[test]
fn pooled_outputs_cannot_be_streamed() {
    for name in ["output-classes-mean", "output-labels-max", "output-classes-attention"] {
        let mut definition = OutputCase::read(name).network.definition;
        definition.layers[0].bidirectional = false;
        definition.layers[1].bidirectional = false;
        let error = Model::new(definition, MachineOptions::default()).unwrap().open_stream(None).unwrap_err();
        assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidDefinition, "output.at"));
    }
}

/// A model of one layer with this output.
fn definition(output: &str) -> ModelDefinition {
    ModelDefinition::from_json(&format!(
        r#"{{"input":{{"features":2}},"layers":[{{"cell":"lstm","units":6}}],"output":{output},"seed":3}}"#
    ))
    .unwrap()
}

fn data(samples: usize, steps: usize) -> Vec<f32> {
    (0..samples * steps * 2).map(|v| ((v * 37 % 101) as f32 - 50.0) / 50.0).collect()
}

#[test]
fn bad_targets_are_refused_with_their_place() {
    let refuse = |output: &str, lengths: Option<&[u32]>, targets: Targets| {
        let definition = definition(output);
        let model = Model::new(definition.clone(), MachineOptions::default()).unwrap();
        let options = TrainingOptions::default();
        let mut trainer = Trainer::new(definition, MachineOptions::default(), model.weights(), options).unwrap();
        let error = trainer.set_training(&data(2, 2), 2, lengths, targets).err();
        error.map(|error| (error.code, error.path))
    };
    let wrong = |code, path: &str| Some((code, path.to_owned()));
    let weighted = |targets, weights| Targets { weights: Some(weights), ..targets };
    let (classes, each) = (r#"{"classes":["a","b"]}"#, r#"{"classes":["a","b"],"at":"each"}"#);
    let (labels, values) = (r#"{"labels":["a","b"]}"#, r#"{"values":1,"at":"each"}"#);
    let two = Targets::classes(&[0, 1]);
    assert_eq!(refuse(classes, None, two), None);
    assert_eq!(refuse(classes, None, Targets::numbers(&[0.0, 1.0])), wrong(ErrorCode::InvalidTarget, "targets"));
    assert_eq!(refuse(classes, None, Targets::classes(&[0, NO_CLASS])), wrong(ErrorCode::UnknownClass, "targets[1]"));
    assert_eq!(refuse(classes, None, weighted(Targets::classes(&[0, 7]), &[1.0, 0.0])), None);
    assert_eq!(refuse(classes, None, weighted(two, &[1.0; 3])), wrong(ErrorCode::ShapeMismatch, "weights"));
    assert_eq!(refuse(classes, None, weighted(two, &[1.0, -1.0])), wrong(ErrorCode::InvalidTarget, "weights[1]"));
    assert_eq!(refuse(classes, None, weighted(two, &[1.0, f32::NAN])), wrong(ErrorCode::InvalidTarget, "weights[1]"));
    assert_eq!(refuse(classes, None, weighted(two, &[0.0, 0.0])), wrong(ErrorCode::EmptyData, "targets"));
    assert_eq!(refuse(each, None, two), wrong(ErrorCode::ShapeMismatch, "targets"));
    let four = Targets::classes(&[0, NO_CLASS, 1, 9]);
    assert_eq!(refuse(each, None, four), wrong(ErrorCode::UnknownClass, "targets[3]"));
    assert_eq!(refuse(each, Some(&[2, 1]), four), None);
    assert_eq!(refuse(each, None, weighted(four, &[1.0, 1.0, 1.0, 0.0])), None);
    assert_eq!(refuse(each, None, weighted(four, &[1.0, 0.0])), None);
    let nothing = Targets::classes(&[NO_CLASS; 4]);
    assert_eq!(refuse(each, None, nothing), wrong(ErrorCode::EmptyData, "targets"));
    let soft = Targets::numbers(&[0.0, 1.0, 0.5, 1.5]);
    assert_eq!(refuse(labels, None, soft), wrong(ErrorCode::InvalidTarget, "targets[3]"));
    assert_eq!(refuse(labels, None, Targets::numbers(&[0.0; 3])), wrong(ErrorCode::ShapeMismatch, "targets"));
    let numbers = Targets::numbers(&[0.0, f32::NAN, 1.0, 2.0]);
    assert_eq!(refuse(values, None, numbers), wrong(ErrorCode::NotFinite, "targets[1]"));
    assert_eq!(refuse(values, Some(&[1, 2]), numbers), None);
    assert_eq!(refuse(values, None, weighted(numbers, &[1.0, 0.0, 1.0, 1.0])), None);
}

#[test]
fn the_size_of_y_follows_from_the_output() {
    let mut model = Model::new(definition(r#"{"values":2,"at":"each"}"#), MachineOptions::default()).unwrap();
    let x = data(3, 4);
    let path = |result: Result<()>| result.unwrap_err().path;
    let mut y = [0.0; 24];
    model.run(&x, Some(&[4, 2, 1]), None, &mut y).unwrap();
    assert!(y[..12].iter().all(|&v| v != 0.0) && y[12..16].iter().all(|&v| v == 0.0));
    // Without lengths, one sequence of twelve steps.
    model.run(&x, None, None, &mut y).unwrap();
    assert!(y.iter().all(|&v| v != 0.0));
    assert_eq!(path(model.run(&x, Some(&[4, 2, 1]), None, &mut y[..6])), "y");
    assert_eq!(path(model.run(&x[..22], Some(&[4, 2, 1]), None, &mut y[..22])), "x");
    assert_eq!(path(model.run(&x, Some(&[]), None, &mut y)), "x");
    assert_eq!(path(model.run(&x, Some(&[4, 2, 5]), None, &mut y)), "lengths[2]");
}

type Part<'a> = (&'a [f32], Option<&'a [u32]>, Targets<'a>);

fn report(output: &str, parts: &[Part]) -> Report {
    let mut evaluation = Evaluation::new(&definition(output).output);
    for &(predictions, each, targets) in parts {
        evaluation.add(predictions, each, targets).unwrap();
    }
    evaluation.report().unwrap()
}

#[test]
fn values_are_reported_as_scikit_learn_does() {
    // mean_absolute_error, root_mean_squared_error and r2_score of scikit-learn for y = [[1, 2], [3, −1], [4, 0.5], [2, 2]],
    // in two parts; the last row weighs 0.
    let first = ([1.5, 2.0, 2.0, 0.0], [1.0, 2.0, 3.0, -1.0]);
    let second = ([4.0, 1.0, 9.0, 9.0], [4.0, 0.5, f32::NAN, 9.0]);
    let weights = Targets { weights: Some(&[1.0, 0.0]), ..Targets::numbers(&second.1) };
    let parts = [(&first.0[..], None, Targets::numbers(&first.1)), (&second.0[..], None, weights)];
    let Report::Values(report) = report(r#"{"values":2}"#, &parts) else { panic!("values") };
    assert_eq!((report.samples, report.coverage), (3, None));
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");
    near(report.values[0].mae, 0.5);
    near(report.values[1].mae, 0.5);
    near(report.values[0].r2.unwrap(), 1.0 - 1.25 / (14.0 / 3.0));
    near(report.values[1].r2.unwrap(), 1.0 - 1.25 / 4.5);
    near(report.loss, 2.5 / 6.0);
    near(report.rmse, (2.5_f64 / 6.0).sqrt());
    near(report.r2.unwrap(), 1.0 - 0.5 * (1.25 / (14.0 / 3.0) + 1.25 / 4.5));
}

#[test]
fn quantiles_are_reported_with_their_coverage() {
    let predictions = [0.0, 1.0, 2.0, 0.0, 1.0, 2.0];
    let targets = Targets::numbers(&[0.5, 3.0]);
    let parts = [(&predictions[..], None, targets)];
    let Report::Values(report) = report(r#"{"values":1,"quantiles":[0.125,0.5,0.75]}"#, &parts) else {
        panic!("values")
    };
    assert_eq!(report.coverage.unwrap(), [0.0, 0.5, 0.5]);
    assert_eq!(report.mae, 1.25);
    let pinball = (0.125 * 0.5 + 0.5 * 0.5 + 0.25 * 1.5) + (0.125 * 3.0 + 0.5 * 2.0 + 0.75 * 1.0);
    assert!((report.loss - pinball / 6.0).abs() < 1e-12);
}

#[test]
fn labels_are_reported_as_scikit_learn_does() {
    let predictions = [0.75, 0.25, 0.75, 0.75, 0.25, 0.25];
    let targets = Targets::numbers(&[1.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
    let parts = [(&predictions[..], None, targets)];
    let Report::Labels(report) = report(r#"{"labels":["a","b"]}"#, &parts) else { panic!("labels") };
    let figures: Vec<_> = report.labels.iter().map(|l| (l.precision, l.recall, l.f1, l.support)).collect();
    assert_eq!(figures, [(1.0, 2.0 / 3.0, 0.8, 3), (0.0, 0.0, 0.0, 0)]);
    assert_eq!((report.samples, report.exact_match, report.f1), (3, 1.0 / 3.0, 0.4));
    let (good, bad) = (-(0.75_f64.ln()), -(0.25_f64.ln()));
    assert!((report.loss - (4.0 * good + 2.0 * bad) / 6.0).abs() < 1e-12, "{report:?}");
}

#[test]
fn classes_of_steps_are_reported_without_padding_and_steps_that_have_none() {
    let half = [0.5, 0.5];
    let predictions = [[0.75, 0.25], half, [0.25, 0.75], [9.0, 9.0]].concat();
    let each = Some(&[2, 1][..]);
    let targets = Targets::classes(&[0, NO_CLASS, 0, 77]);
    let output = r#"{"classes":["a","b"],"at":"each"}"#;
    let Report::Steps(report) = report(output, &[(&predictions, each, targets)]) else { panic!("steps") };
    assert_eq!((report.steps, report.accuracy), (2, 0.5));
    let loss = -(0.75_f64.ln() + 0.25_f64.ln()) / 2.0;
    assert!((report.loss - loss).abs() < 1e-12 && (report.perplexity - loss.exp()).abs() < 1e-12);
}

#[test]
fn a_batch_without_weight_has_no_loss_and_no_gradient() {
    let definition = definition(r#"{"classes":["a","b"]}"#);
    let model = Model::new(definition.clone(), MachineOptions::default()).unwrap();
    let options = TrainingOptions { batch_size: 2, shuffle: false, epochs: 1, ..TrainingOptions::default() };
    let mut trainer = Trainer::new(definition, MachineOptions::default(), model.weights(), options).unwrap();
    let targets = Targets { weights: Some(&[0.0, 0.0, 1.0, 1.0]), ..Targets::classes(&[0, 1, 0, 1]) };
    trainer.set_training(&data(4, 3), 3, None, targets).unwrap();
    trainer.start().unwrap();
    let progress = trainer.advance(1).unwrap();
    assert_eq!(progress.losses, [0.0]);
    assert!(trainer.gradients().iter().all(|&gradient| gradient == 0.0));
    let progress = trainer.advance(1).unwrap();
    assert_eq!(progress.epochs[0].loss, progress.losses[0], "the epoch's mean is weighted");
}

#[test]
fn every_output_learns_and_validates() {
    for (output, kind) in [
        (r#"{"classes":["a","b"],"at":"each"}"#, OutputKind::Classes),
        (r#"{"labels":["a","b"],"at":"attention"}"#, OutputKind::Labels),
        (r#"{"values":1,"at":"max"}"#, OutputKind::Values),
        (r#"{"values":1,"quantiles":[0.25,0.75],"at":"mean"}"#, OutputKind::Values),
    ] {
        let definition = definition(output);
        let (samples, steps) = (40, 5);
        let x = data(samples, steps);
        let signs: Vec<f32> = x.chunks(2).map(|step| f32::from(step[0] > 0.0)).collect();
        let first = |sample: usize| signs[sample * steps];
        let classes: Vec<u32> = signs.iter().map(|&sign| u32::from(sign > 0.0)).collect();
        let labels: Vec<f32> = (0..samples).flat_map(|sample| [first(sample), 1.0 - first(sample)]).collect();
        let values: Vec<f32> = (0..samples).map(|sample| first(sample) - 0.5).collect();
        let targets = match kind {
            OutputKind::Classes => Targets::classes(&classes),
            OutputKind::Labels => Targets::numbers(&labels),
            OutputKind::Values => Targets::numbers(&values),
        };
        let model = Model::new(definition.clone(), MachineOptions::default()).unwrap();
        let options = TrainingOptions::from_json(
            r#"{"epochs":60,"batchSize":8,"optimizer":{"kind":"adam","learningRate":0.02}}"#,
        );
        let mut trainer =
            Trainer::new(definition, MachineOptions::default(), model.weights(), options.unwrap()).unwrap();
        trainer.set_training(&x, steps, None, targets).unwrap();
        trainer.set_validation(&x, steps, None, targets).unwrap();
        trainer.start().unwrap();
        let epochs = trainer.advance(1000).unwrap().epochs;
        let [early, late] = [&epochs[0], &epochs[59]].map(|epoch| epoch.validation.as_ref().unwrap());
        assert!(late.loss < early.loss / 2.0, "{output}: {} to {}", early.loss, late.loss);
        assert_eq!(late.accuracy.is_some(), kind != OutputKind::Values, "{output}");
        assert!(late.accuracy.unwrap_or(1.0) > 0.9, "{output}: {late:?}");
    }
}

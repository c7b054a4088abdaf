//! What options make of a run: accumulated batches, averaged weights, early stopping, data in chunks, what validation reports,
//! and what is said of a run whose numbers are no longer finite.

mod common;

use common::runs::{FEATURES, STEPS, Task, advance, definition, finish, trainer};
use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::parameters::Layout;
use lstm_core::network::targets::Targets;
use lstm_core::training::evaluation::Evaluation;
use lstm_core::training::options::TrainingOptions;
use lstm_core::training::report::Report;
use lstm_core::{Error, ErrorCode, Model, Trainer};

fn started(layers: &str, options: &str, train: &Task, test: Option<&Task>) -> Trainer {
    let mut trainer = trainer(&definition(layers), options, train, test);
    trainer.start().unwrap();
    trainer
}

fn error(a: &[f32], b: &[f32]) -> f64 {
    common::error(a, &b.iter().map(|&number| f64::from(number)).collect::<Vec<_>>())
}

#[test]
fn accumulated_batches_are_one_batch_of_as_many_times_the_size() {
    let train = Task::new(50, &[]);
    // With weights of classes, means over batches of different weights are not the mean over all samples.
    let options = |sizes: &str| {
        format!(
            r#"{{"epochs":3,{sizes},"clipNorm":0.5,"loss":{{"kind":"cross_entropy","classWeights":{{"rising":7}}}}}}"#
        )
    };
    let mut whole = started("[PLAIN]", &options(r#""batchSize":12"#), &train, None);
    let mut parts = started("[PLAIN]", &options(r#""batchSize":4,"accumulateBatches":3"#), &train, None);
    let (at_once, by_parts) = (finish(&mut whole, &train, 1000), finish(&mut parts, &train, 1));
    // 50 samples are four batches of 12 and one of 2, and thirteen of at most 4.
    assert_eq!((at_once.step, at_once.total_steps, at_once.batches), (15, 15, 15));
    assert_eq!((by_parts.step, by_parts.total_steps, by_parts.batches), (15, 15, 39));
    // Roundings of sums in another order, through 15 steps of Adam.
    assert!(error(&by_parts.losses, &at_once.losses) < 1e-5);
    assert!(error(parts.weights(), whole.weights()) < 1e-5);
    assert!((at_once.epochs[2].loss - by_parts.epochs[2].loss).abs() < 1e-5);
}

#[test]
fn averaged_weights_are_the_exponential_mean_of_every_steps() {
    let train = Task::new(50, &[]);
    let options = r#"{"epochs":2,"batchSize":8,"optimizer":{"kind":"adam","learningRate":0.05}"#;
    let mut plain = started("[DROPOUT]", &format!("{options}}}"), &train, Some(&train));
    let averaging = format!(r#"{options},"averaging":{{"decay":0.8}}}}"#);
    let mut averaged = started("[DROPOUT]", &averaging, &train, Some(&train));
    assert_eq!(averaged.weights(), plain.weights(), "before the first step");
    let mut mean: Vec<f64> = Vec::new();
    loop {
        let (one, other) = (plain.advance(1).unwrap(), averaged.advance(1).unwrap());
        assert_eq!(one.losses, other.losses, "steps are taken from the weights themselves");
        if !one.losses.is_empty() {
            if mean.is_empty() {
                mean = plain.weights().iter().map(|&weight| f64::from(weight)).collect();
            }
            for (mean, &weight) in mean.iter_mut().zip(plain.weights()) {
                *mean += 0.2 * (f64::from(weight) - *mean);
            }
        }
        assert!(common::error(averaged.weights(), &mean) < 1e-6);
        if let (Some(one), Some(other)) = (one.epochs.first(), other.epochs.first()) {
            let (Some(one), Some(other)) = (&one.validation, &other.validation) else { panic!("both validate") };
            assert_ne!(one.loss, other.loss, "validation is of the mean");
            let Report::Classification(report) = &other.report else { panic!("classes") };
            let evaluated = evaluated(&definition("[DROPOUT]"), averaged.weights(), &train);
            assert!((report.loss - evaluated).abs() < 1e-6, "{} {evaluated}", report.loss);
        }
        if one.finished {
            break;
        }
    }
}

/// The loss of a model with such weights.
fn evaluated(definition: &ModelDefinition, weights: &[f32], task: &Task) -> f64 {
    let mut model = Model::new(definition.clone(), MachineOptions::default()).unwrap();
    model.commit(weights).unwrap();
    let mut y = vec![0.0; task.targets.len() * 2];
    model.run(&task.x, Some(&task.lengths), None, &mut y).unwrap();
    let mut evaluation = Evaluation::new(&definition.output);
    evaluation.add(&y, None, Targets::classes(&task.targets)).unwrap();
    let Report::Classification(report) = evaluation.report().unwrap() else { panic!("classes") };
    report.loss
}

#[test]
fn early_stopping_ends_with_the_weights_of_the_best_epoch() {
    let (train, test) = (Task::new(40, &[]), Task::new(31, &[]));
    let options = |epochs: u32, more: &str| {
        format!(r#"{{"epochs":{epochs},"batchSize":8,"optimizer":{{"kind":"adam","learningRate":0.05}}{more}}}"#)
    };
    let stopping = r#","earlyStopping":{"patience":3}"#;
    let mut stopped = started("[PLAIN]", &options(200, stopping), &train, Some(&test));
    let progress = finish(&mut stopped, &train, 7);
    let (best, ended) = (progress.best_epoch.unwrap(), progress.epochs.len() as u32);
    assert!(progress.early && ended == best + 3, "best {best}, ended {ended}");
    let losses: Vec<f32> = progress.epochs.iter().map(|epoch| epoch.validation.as_ref().unwrap().loss).collect();
    assert!(losses.iter().all(|&loss| loss >= losses[best as usize - 1]));

    let after = |epochs: u32| {
        let mut plain = started("[PLAIN]", &options(epochs, ""), &train, Some(&test));
        finish(&mut plain, &train, 1000);
        plain.weights().to_vec()
    };
    assert_eq!(stopped.weights(), after(best));
    let mut filled = vec![0.0; stopped.weights().len()];
    stopped.copy_best_weights(&mut filled).unwrap();
    assert_eq!(filled, stopped.weights());
    let not_restored = r#","earlyStopping":{"patience":3,"restoreBest":false}"#;
    let mut last = started("[PLAIN]", &options(200, not_restored), &train, Some(&test));
    finish(&mut last, &train, 1000);
    assert_eq!(last.weights(), after(ended));

    let mut without = trainer(&definition("[PLAIN]"), &options(9, stopping), &train, None);
    assert_eq!(without.start().unwrap_err().path, "earlyStopping");
    let values = r#"{"input":{"features":1},"layers":[{"cell":"rnn","units":1}],"output":{"values":1}}"#;
    let options = TrainingOptions::from_json(r#"{"earlyStopping":{"metric":"accuracy"}}"#).unwrap();
    let machine = MachineOptions::default();
    let values = ModelDefinition::from_json(values).unwrap();
    let weights = Model::new(values.clone(), machine).unwrap().weights().to_vec();
    let error = Trainer::new(values, machine, &weights, options).err().unwrap();
    assert_eq!(error.path, "earlyStopping.metric");
}

#[test]
fn data_of_one_chunk_is_data_given_at_once_and_many_are_visited_in_an_order_of_each_epoch() {
    let options = r#"{"epochs":6,"batchSize":4}"#;
    let (whole, one) = (Task::new(50, &[]), Task::new(50, &[50]));
    let mut at_once = started("[DROPOUT]", options, &whole, None);
    let mut chunk = trainer(&definition("[DROPOUT]"), options, &one, None);
    one.give(&mut chunk, 0);
    chunk.start().unwrap();
    assert_eq!(finish(&mut chunk, &one, 9), finish(&mut at_once, &whole, 9));
    assert_eq!(chunk.weights(), at_once.weights());

    let many = Task::new(50, &[11, 9, 14, 16]);
    let mut trainer = trainer(&definition("[DROPOUT]"), options, &many, Some(&whole));
    let mut progress = trainer.start().unwrap();
    let (mut wanted, mut next) = (Vec::new(), progress.chunk);
    // 3 + 3 + 4 + 4 batches an epoch.
    assert_eq!((progress.total_steps, next), (84, Some(0)));
    while !progress.finished {
        if let Some(chunk) = progress.chunk {
            // It was announced, unless what was announced is there still.
            assert!(next == Some(chunk) || next == wanted.last().copied(), "{chunk} after {wanted:?}");
            wanted.push(chunk);
            many.give(&mut trainer, chunk);
            next = progress.next_chunk;
        }
        progress = trainer.advance(1000).unwrap();
    }
    assert_eq!((progress.step, next, trainer.advance(1).unwrap().chunk), (84, None, None));
    // The scaling's pass, whose last chunk may stay; then six epochs.
    assert_eq!(wanted[..4], [0, 1, 2, 3]);
    let visits = &wanted[wanted.len().min(4)..];
    assert!(visits.len() >= 24 - 6, "{visits:?}");
    let layout = Layout::of(&definition("[DROPOUT]"));
    for range in [&layout.scaling().unwrap().mean, &layout.scaling().unwrap().deviation] {
        assert!(error(&trainer.weights()[range.clone()], &at_once.weights()[range.clone()]) < 1e-6);
    }
}

#[test]
fn a_chunk_that_is_not_what_was_announced_is_refused() {
    let many = Task::new(50, &[20, 30]);
    let mut chunked = trainer(&definition("[PLAIN]"), r#"{"epochs":9,"batchSize":8}"#, &many, None);
    assert_eq!(chunked.start().unwrap().chunk, Some(0));
    assert_eq!(chunked.advance(5).unwrap().batches, 0, "there is nothing to work on");
    many.give(&mut chunked, 0);
    let mut give = |chunk: u32, samples: usize, change: f32| {
        let mut x = many.x[..samples * STEPS * FEATURES].to_vec();
        x[0] += change;
        let (lengths, targets) = (&many.lengths[..samples], Targets::classes(&many.targets[..samples]));
        chunked.set_chunk(chunk, &x, STEPS, Some(lengths), targets).map_err(|Error { code, path, .. }| (code, path))
    };
    assert_eq!(give(1, 20, 0.0), Err((ErrorCode::ShapeMismatch, "sizes[1]".to_owned())));
    assert_eq!(give(2, 20, 0.0), Err((ErrorCode::InvalidOption, "chunk".to_owned())));
    assert_eq!(give(0, 20, 1.0), Err((ErrorCode::InvalidOption, "data".to_owned())));
    assert_eq!(give(0, 20, 0.0), Ok(()));
    for (sizes, path) in [(&[][..], "sizes"), (&[3, 0], "sizes[1]")] {
        assert_eq!(chunked.set_chunks(sizes).unwrap_err().path, path);
    }
    for (option, field) in [
        (r#""backpropagationSteps":3"#, "backpropagationSteps"),
        (r#""stateful":true,"shuffle":false,"batchSize":10"#, "stateful"),
    ] {
        let mut trainer = trainer(&definition("[PLAIN]"), &format!("{{{option}}}"), &many, None);
        assert_eq!(trainer.start().unwrap_err().path, field);
    }
}

/// A trainer of one layer with values as its output, and the error that its run ends with.
fn failure(layer: &str, (x, y): (f32, f32), options: &str, change: impl Fn(&Layout, &mut [f32])) -> Error {
    let definition = ModelDefinition::from_json(&format!(
        r#"{{"input":{{"features":1}},"layers":[{layer}],"output":{{"values":1}},"seed":1}}"#
    ))
    .unwrap();
    let machine = MachineOptions::default();
    let mut weights = Model::new(definition.clone(), machine).unwrap().weights().to_vec();
    change(&Layout::of(&definition), &mut weights);
    let options = TrainingOptions::from_json(options).unwrap();
    let mut trainer = Trainer::new(definition, machine, &weights, options).unwrap();
    trainer.set_training(&[x; 12], 3, None, Targets::numbers(&[y; 4])).unwrap();
    trainer.start().unwrap();
    let before = trainer.weights().to_vec();
    loop {
        match trainer.advance(1) {
            Ok(progress) => assert!(!progress.finished, "all stayed finite"),
            Err(error) => {
                let same = trainer.weights() == before;
                assert!(same || error.message.contains("weights"), "{error}");
                return error;
            }
        }
    }
}

#[test]
fn numbers_that_are_not_finite_are_told_by_place_step_and_likely_cause() {
    let lstm = r#"{"cell":"lstm","units":4}"#;
    let relu = r#"{"cell":"rnn","units":4,"activation":"relu"}"#;
    let (none, once) = (|_: &Layout, _: &mut [f32]| {}, r#"{"epochs":500,"batchSize":4}"#);
    let hot = r#"{"epochs":500,"batchSize":4,"optimizer":{"kind":"adam","learningRate":3e38}}"#;
    let tensor =
        |layout: &Layout, name: &str| layout.tensors().iter().find(|tensor| tensor.name == name).unwrap().range();
    // The step itself overflows.
    let error = failure(lstm, (0.5, 1.0), hot, none);
    assert!(
        error.message.contains("at step 1; the first numbers that are not finite are the weights ")
            && error.message.contains("learning rate"),
        "{error}"
    );
    // What the layer computes does: its input's product.
    let error = failure(relu, (3e38, 1.0), once, |layout, weights| {
        weights[tensor(layout, "layers.0.weight_ih_l0")].fill(5.0);
    });
    let parts =
        ["the loss became", "in epoch 1, at step 1", "the hidden states of layers[0]", "huge inputs", "3.000e38"];
    assert!(parts.iter().all(|part| error.message.contains(part)), "{error}");
    // Only the square of a target does.
    let error = failure(lstm, (0.5, 3e30), once, none);
    let parts = ["the loss became inf", "the loss itself", "huge targets, up to 3.000e30"];
    assert!(parts.iter().all(|part| error.message.contains(part)), "{error}");
    // The loss is finite still, its gradient by what multiplies large states is not.
    let error = failure(relu, (1e25, 0.0), once, |layout, weights| {
        weights.fill(0.0);
        weights[tensor(layout, "layers.0.weight_ih_l0")].fill(1.0);
        weights[tensor(layout, "output.weight")].fill(1e-7);
    });
    let parts = ["the gradient became", "the loss was still", "the gradient of output.weight", "huge inputs"];
    assert!(parts.iter().all(|part| error.message.contains(part)), "{error}");
    assert_eq!((error.code, error.path.as_str()), (ErrorCode::NotFinite, "loss"));
}

#[test]
fn validation_reports_what_an_evaluation_of_the_same_weights_does_for_every_kind_of_output() {
    let train = Task::new(30, &[]);
    let n = train.targets.len();
    let numbers = |count: usize| (0..count).map(|i| (i * 7 % 5) as f32 / 4.0).collect::<Vec<_>>();
    for (output, at, size, kind) in [
        (r#""classes":["a","b"]"#, "each", 1, "classes"),
        (r#""labels":["a","b","c"]"#, "last", 3, "labels"),
        (r#""values":2"#, "each", 2, "values"),
        (r#""values":1,"quantiles":[0.1,0.5,0.9]"#, "mean", 1, "values"),
    ] {
        let definition = ModelDefinition::from_json(&format!(
            r#"{{"input":{{"features":2}},"layers":[{{"cell":"gru","units":5}}],"output":{{{output},"at":"{at}"}}}}"#
        ))
        .unwrap();
        let rows = if at == "each" { n * STEPS } else { n };
        let values: Vec<f32> =
            numbers(rows * size).into_iter().map(|y| if kind == "labels" { y.round() } else { y }).collect();
        // Every fifth step has no class.
        let classes: Vec<u32> = (0..rows as u32).map(|row| if row % 5 == 4 { u32::MAX } else { row % 2 }).collect();
        let targets = || if kind == "classes" { Targets::classes(&classes) } else { Targets::numbers(&values) };
        let spans: &[&str] = if at == "mean" { &[""] } else { &["", r#","backpropagationSteps":2"#] };
        for span in spans {
            let machine = MachineOptions::default();
            let mut model = Model::new(definition.clone(), machine).unwrap();
            let options = TrainingOptions::from_json(&format!(r#"{{"epochs":2,"batchSize":7{span}}}"#)).unwrap();
            let mut trainer = Trainer::new(definition.clone(), machine, model.weights(), options).unwrap();
            trainer.set_training(&train.x, STEPS, Some(&train.lengths), targets()).unwrap();
            trainer.set_validation(&train.x, STEPS, Some(&train.lengths), targets()).unwrap();
            trainer.start().unwrap();
            let progress = trainer.advance(10_000).unwrap();
            model.commit(trainer.weights()).unwrap();
            let mut y = vec![0.0; rows * definition.output.size()];
            model.run(&train.x, Some(&train.lengths), None, &mut y).unwrap();
            let mut evaluation = Evaluation::new(&definition.output);
            evaluation.add(&y, (at == "each").then_some(&train.lengths[..]), targets()).unwrap();
            let expected = serde_json::to_value(evaluation.report().unwrap()).unwrap();
            let found = serde_json::to_value(&progress.epochs[1].validation.as_ref().unwrap().report).unwrap();
            close(&found, &expected, &format!("{output} at {at}{span}"));
        }
    }
}

/// Figures of sums in another order.
fn close(found: &serde_json::Value, expected: &serde_json::Value, what: &str) {
    match (found, expected) {
        (serde_json::Value::Object(found), serde_json::Value::Object(expected)) => {
            assert!(found.keys().eq(expected.keys()), "{what}");
            expected.iter().for_each(|(key, value)| close(&found[key], value, &format!("{what}: {key}")));
        }
        (serde_json::Value::Array(found), serde_json::Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{what}");
            found.iter().zip(expected).for_each(|(found, expected)| close(found, expected, what));
        }
        (found, expected) => match (found.as_f64(), expected.as_f64()) {
            (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-5, "{what}: {found}, {expected}"),
            _ => assert_eq!(found, expected, "{what}"),
        },
    }
}

#[test]
fn bucketing_makes_batches_of_fewer_steps_and_the_seed_decides_them() {
    let train = Task::new(300, &[]);
    let losses = |options: &str| finish(&mut started("[PLAIN]", options, &train, None), &train, 1000).losses;
    let bucketed = r#"{"epochs":2,"batchSize":8,"bucketing":true}"#;
    assert_eq!(losses(bucketed), losses(bucketed));
    assert_ne!(losses(bucketed), losses(r#"{"epochs":2,"batchSize":8}"#));
    let mut run = started("[PLAIN]", bucketed, &train, None);
    assert_eq!(advance(&mut run, &train, 1000).step, 76, "no sample is lost: 37 batches of 8 and one of 4, twice");
}

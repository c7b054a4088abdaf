//! Training as its callers see it: what `Trainer` and `Model` promise beyond the numbers that `pytorch.rs` compares.

use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::parameters::Layout;
use lstm_core::network::targets::Targets;
use lstm_core::random::{RandomStream, Stream};
use lstm_core::training::options::{OptimizerOptions, TrainingOptions};
use lstm_core::training::report::{Report, TrainingProgress};
use lstm_core::{ErrorCode, Model, Trainer};

const STEPS: usize = 6;
const FEATURES: usize = 2;

fn definition(scaling: &str, seed: u32) -> ModelDefinition {
    ModelDefinition::from_json(&format!(
        r#"{{"input":{{"features":{FEATURES},"scaling":"{scaling}"}},"layers":[{{"cell":"lstm","units":9}},
            {{"cell":"lstm","units":5}}],"output":{{"classes":["falling","rising"]}},"seed":{seed}}}"#
    ))
    .unwrap()
}

/// Sequences of which those of class 1 have a positive mean in feature 0; feature 1 is noise far from zero.
struct Task {
    x: Vec<f32>,
    lengths: Vec<u32>,
    targets: Vec<u32>,
}

fn task(samples: usize) -> Task {
    let mut random = RandomStream::new(5, Stream::Shuffling);
    let mut task = Task { x: Vec::new(), lengths: Vec::new(), targets: Vec::new() };
    for sample in 0..samples {
        let class = (sample % 2) as u32;
        task.targets.push(class);
        task.lengths.push(1 + random.below(STEPS as u32));
        for _ in 0..STEPS {
            let centre = if class == 1 { 0.4 } else { -0.4 };
            task.x.extend([centre + random.uniform(-1.0, 1.0), 100.0 + random.uniform(-1.0, 1.0)]);
        }
    }
    task
}

fn trainer(definition: &ModelDefinition, options: &str, task: &Task, validation: Option<&Task>) -> Trainer {
    let machine = MachineOptions { threads: Some(1), ..MachineOptions::default() };
    let model = Model::new(definition.clone(), machine).unwrap();
    let options = TrainingOptions::from_json(options).unwrap();
    let mut trainer = Trainer::new(definition.clone(), machine, model.weights(), options).unwrap();
    trainer.set_training(&task.x, STEPS, Some(&task.lengths), Targets::classes(&task.targets)).unwrap();
    if let Some(task) = validation {
        trainer.set_validation(&task.x, STEPS, Some(&task.lengths), Targets::classes(&task.targets)).unwrap();
    }
    trainer.start().unwrap();
    trainer
}

/// Everything that happens until the end, some batches at a time.
fn finish(trainer: &mut Trainer, batches: u32) -> TrainingProgress {
    let mut all = trainer.advance(batches).unwrap();
    while !all.finished {
        let next = trainer.advance(batches).unwrap();
        all.losses.extend(&next.losses);
        all.epochs.extend(next.epochs.clone());
        all = TrainingProgress { losses: all.losses, epochs: all.epochs, batches: all.batches + next.batches, ..next };
    }
    all
}

#[test]
fn a_model_learns_what_can_be_learned() {
    let (definition, train, test) = (definition("standard", 3), task(300), task(301));
    let options = r#"{"epochs":12,"optimizer":{"kind":"adam","learningRate":0.01},"clipNorm":1}"#;
    let mut trainer = trainer(&definition, options, &train, Some(&test));
    let progress = finish(&mut trainer, 7);
    assert_eq!((progress.step, progress.total_steps, progress.epochs.len()), (120, 120, 12));
    let last = progress.epochs[11].validation.as_ref().unwrap();
    // Some sequences have one step of noise ±1 around ±0.4: nobody gets all of them.
    assert!(progress.epochs[0].loss > 0.6 && last.accuracy.unwrap() > 0.75, "{:?}", progress.epochs);

    let machine = MachineOptions::default();
    let mut model = Model::new(definition, machine).unwrap();
    model.commit(trainer.weights()).unwrap();
    let mut probabilities = vec![0.0; 301 * 2];
    model.run(&test.x, Some(&test.lengths), None, &mut probabilities).unwrap();
    let evaluation = model.open_evaluation();
    model.add_to_evaluation(evaluation, &probabilities, None, Targets::classes(&test.targets)).unwrap();
    let Report::Classification(report) = model.close_evaluation(evaluation).unwrap() else { panic!("classes") };
    assert!((report.accuracy - f64::from(last.accuracy.unwrap())).abs() < 1e-6);
    assert!((report.loss - f64::from(last.loss)).abs() < 1e-5);
}

#[test]
fn the_size_of_crossings_changes_nothing() {
    let (definition, train) = (definition("standard", 3), task(50));
    let options = r#"{"epochs":3,"batchSize":8}"#;
    let mut one = trainer(&definition, options, &train, Some(&train));
    let mut many = trainer(&definition, options, &train, Some(&train));
    let (by_one, by_many) = (finish(&mut one, 1), finish(&mut many, 1000));
    assert_eq!((by_one.losses, by_one.epochs), (by_many.losses, by_many.epochs));
    assert_eq!(one.weights(), many.weights());
    // Seven training batches and seven of validation, three times.
    assert_eq!(by_one.batches, 42);
}

#[test]
fn the_seed_decides_initial_weights_and_order() {
    let train = task(50);
    let losses =
        |seed: u32, options: &str| finish(&mut trainer(&definition("none", seed), options, &train, None), 100).losses;
    let options = r#"{"epochs":2,"batchSize":8}"#;
    assert_eq!(losses(1, options), losses(1, options));
    assert_ne!(losses(1, options), losses(2, options));
    assert_ne!(losses(1, options), losses(1, r#"{"epochs":2,"batchSize":8,"shuffle":false}"#));
}

#[test]
fn an_epoch_reports_the_mean_over_its_samples() {
    let train = task(50);
    let mut trainer = trainer(&definition("none", 1), r#"{"epochs":1,"batchSize":16}"#, &train, None);
    let progress = finish(&mut trainer, 100);
    let weighted: f32 = progress.losses.iter().zip([16.0, 16.0, 16.0, 2.0]).map(|(loss, samples)| loss * samples).sum();
    assert!((progress.epochs[0].loss - weighted / 50.0).abs() < 1e-6);
    assert_eq!(progress.epochs[0].validation, None);
}

#[test]
fn scaling_is_fitted_once_on_the_training_data_and_kept() {
    let (definition, train, other) = (definition("standard", 1), task(50), task(9));
    let layout = Layout::of(&definition);
    let scaling = layout.scaling().unwrap();
    let mut first = trainer(&definition, r#"{"epochs":1}"#, &train, Some(&other));
    let mean = |weights: &[f32]| weights[scaling.mean.clone()].to_vec();
    let fitted = mean(first.weights());
    assert!(fitted[0].abs() < 0.2 && (fitted[1] - 100.0).abs() < 0.2, "{fitted:?}");
    finish(&mut first, 100);
    assert_eq!(mean(first.weights()), fitted, "training leaves it alone");

    let options = TrainingOptions::default();
    let mut second = Trainer::new(definition, MachineOptions::default(), first.weights(), options).unwrap();
    second.set_training(&other.x, STEPS, Some(&other.lengths), Targets::classes(&other.targets)).unwrap();
    second.start().unwrap();
    assert_eq!(mean(second.weights()), fitted, "another run keeps it");
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run() {
    let options = r#"{"epochs":500,"optimizer":{"kind":"adam","learningRate":3e38}}"#;
    let mut trainer = trainer(&definition("none", 1), options, &task(50), None);
    let error = loop {
        match trainer.advance(10) {
            Ok(progress) => assert!(!progress.finished, "the loss stayed finite"),
            Err(error) => break error,
        }
    };
    assert_eq!((error.code, error.path.as_str()), (ErrorCode::NotFinite, "loss"));
}

#[test]
fn bad_data_is_refused_with_its_place() {
    let machine = MachineOptions::default();
    let definition = definition("none", 1);
    let model = Model::new(definition.clone(), machine).unwrap();
    let mut trainer = Trainer::new(definition, machine, model.weights(), TrainingOptions::default()).unwrap();
    let mut refuse = |x: &[f32], lengths: Option<&[u32]>, targets: &[u32]| {
        let error = trainer.set_training(x, 2, lengths, Targets::classes(targets)).unwrap_err();
        (error.code, error.path)
    };
    let x = [0.0; 8];
    assert_eq!(refuse(&x, None, &[0]), (ErrorCode::ShapeMismatch, "targets".into()));
    assert_eq!(refuse(&x, None, &[0, 2]), (ErrorCode::UnknownClass, "targets[1]".into()));
    assert_eq!(refuse(&x, Some(&[1, 3]), &[0, 1]), (ErrorCode::InvalidLength, "lengths[1]".into()));
    assert_eq!(refuse(&[], None, &[]), (ErrorCode::EmptyData, "x".into()));
    let error = trainer.set_validation(&x, 2, None, Targets::classes(&[0, 2])).unwrap_err();
    assert_eq!(error.path, "validation.targets[1]");
    assert_eq!(trainer.start().unwrap_err().code, ErrorCode::EmptyData);
    assert_eq!(trainer.advance(1).unwrap_err().code, ErrorCode::EmptyData);
}

#[test]
fn a_model_refuses_arrays_that_do_not_fit_and_stays_as_it_was() {
    let mut model = Model::new(definition("none", 1), MachineOptions::default()).unwrap();
    let before = model.weights().to_vec();
    let mut y = [0.0; 4];
    let path = |result: lstm_core::Result<()>| result.unwrap_err().path;
    assert_eq!(path(model.run(&[0.0; 12], None, None, &mut y[..3])), "y");
    assert_eq!(path(model.run(&[0.0; 11], None, None, &mut y)), "x");
    assert_eq!(path(model.run(&[0.0, 1.0, f32::NAN, 0.0], None, None, &mut y)), "x[1][0][0]");
    assert_eq!(path(model.commit(&before[1..])), "weights");
    let mut broken = before.clone();
    broken[3] = f32::INFINITY;
    assert_eq!(path(model.commit(&broken)), "layers.0.weight_ih_l0");
    let stream = model.open_stream(None).unwrap();
    assert_eq!(path(model.next_step(stream, &[0.0; 3], &mut y[..2])), "features");
    assert_eq!(path(model.next_step(stream, &[0.0, f32::NAN], &mut y[..2])), "features[1]");
    assert_eq!(path(model.next_step(stream + 1, &[0.0; 2], &mut y[..2])), "stream");
    model.close_stream(stream);
    assert_eq!(path(model.reset_stream(stream)), "stream");
    assert_eq!(model.weights(), before);
}

#[test]
fn streams_are_apart_and_start_over_when_reset() {
    let mut model = Model::new(definition("none", 1), MachineOptions::default()).unwrap();
    let (a, b) = (model.open_stream(None).unwrap(), model.open_stream(None).unwrap());
    let mut step = |stream: u32, value: f32| {
        let mut y = [0.0; 2];
        model.next_step(stream, &[value, -value], &mut y).unwrap();
        y
    };
    let first = step(a, 1.0);
    assert_ne!(step(a, 1.0), first, "the state moved on");
    assert_eq!(step(b, 1.0), first, "the other stream is where the first one began");
    model.reset_stream(a).unwrap();
    let mut y = [0.0; 2];
    model.next_step(a, &[1.0, -1.0], &mut y).unwrap();
    assert_eq!(y, first);
}

#[test]
fn a_saved_model_predicts_the_same_bits() {
    let (definition, train) = (definition("standard", 1), task(40));
    let mut trainer = trainer(&definition, r#"{"epochs":2}"#, &train, None);
    finish(&mut trainer, 100);
    let mut model = Model::new(definition.clone(), MachineOptions::default()).unwrap();
    model.commit(trainer.weights()).unwrap();
    let mut loaded = Model::load(&model.save().unwrap(), MachineOptions::default()).unwrap();
    assert_eq!(loaded.describe().definition, definition);
    let (mut expected, mut actual) = (vec![0.0; 80], vec![0.0; 80]);
    model.run(&train.x, Some(&train.lengths), None, &mut expected).unwrap();
    loaded.run(&train.x, Some(&train.lengths), None, &mut actual).unwrap();
    assert_eq!(expected, actual);
}

#[test]
fn differentiating_gives_what_a_step_uses_and_takes_none() {
    let (definition, train) = (definition("none", 8), task(20));
    let options = r#"{"epochs":1,"batchSize":20,"shuffle":false}"#;
    let mut stepped = trainer(&definition, options, &train, None);
    let mut asked = trainer(&definition, options, &train, None);
    let before = asked.weights().to_vec();

    let all: Vec<u32> = (0..20).collect();
    let loss = asked.differentiate(&all).unwrap();
    assert_eq!(stepped.advance(1).unwrap().losses, [loss]);
    assert_eq!(stepped.gradients(), asked.gradients());
    assert_eq!(asked.weights(), before);
    assert_eq!(asked.advance(1).unwrap().losses, [loss]);

    for wrong in [&[][..], &[20]] {
        let error = asked.differentiate(wrong).unwrap_err();
        assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidOption, "samples"));
    }
}

#[test]
fn the_summary_says_how_much_memory_training_takes() {
    let definition = ModelDefinition::from_json(
        r#"{"input":{"features":3},"layers":[{"cell":"lstm","units":20,"dropout":0.5,"bidirectional":true},
            {"cell":"gru","units":9,"recurrentDropout":0.25}],"output":{"values":2,"at":"mean"}}"#,
    )
    .unwrap();
    let model = Model::new(definition.clone(), MachineOptions::default()).unwrap();
    let adam = OptimizerOptions::default();
    let summary = model.summarise(48, 10, &adam).unwrap();
    assert_eq!(u64::from(summary.parameters), definition.parameters());
    // Weights, gradients, and what each optimiser keeps.
    for (optimizer, numbers) in [
        (r#"{"kind":"adam"}"#, 4),
        (r#"{"kind":"adamw","amsgrad":true}"#, 5),
        (r#"{"kind":"sgd"}"#, 2),
        (r#"{"kind":"sgd","momentum":0.9}"#, 3),
        (r#"{"kind":"rmsprop","centered":true}"#, 4),
        (r#"{"kind":"lion"}"#, 3),
    ] {
        let summary = model.summarise(48, 10, &OptimizerOptions::from_json(optimizer).unwrap()).unwrap();
        assert_eq!(summary.training.parameters, 4 * numbers * definition.parameters(), "{optimizer}");
    }
    assert_eq!(
        OptimizerOptions::from_json(r#"{"kind":"adam","momentum":0.9}"#).unwrap_err().path,
        "optimizer.momentum"
    );
    // What the backward pass needs at the least: gates and states of both layers at each step.
    let least = 4 * 48 * 10 * (2 * (4 + 2) * 20 + (4 + 1) * 9);
    let (few, many) = (summary.training.activations, model.summarise(96, 10, &adam).unwrap().training.activations);
    assert!(few > least && few < 3 * least, "{few}, {least}");
    // Twice of everything but the scratch of the weight gradients.
    assert!(many > 2 * few - few / 8 && many <= 2 * few, "{few}, {many}");
    for (batch, steps, path) in [(0, 1, "batchSize"), (1, 0, "steps"), (u32::MAX, u32::MAX, "batchSize")] {
        let error = model.summarise(batch, steps, &adam).unwrap_err();
        assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidOption, path));
    }
}

//! Training that goes on with the state of an optimiser: `PyTorch`'s comes to `PyTorch`'s next losses, a run in two parts to the
//! bits of a whole one, and a state that does not fit changes nothing. `vectors/optimizer_state.py` says what the vectors hold.

mod common;

use common::runs::{STEPS, Task, advance, definition, finish, trainer};
use common::{Vectors, error, vectors};
use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::parameters::Layout;
use lstm_core::network::targets::Targets;
use lstm_core::training::optimizer_state::{OptimizerContents, OptimizerTensor};
use lstm_core::training::options::TrainingOptions;
use lstm_core::{ErrorCode, Trainer};
use serde_json::Value;

/// f32 against float64, relative to each loss. 6e-7 is the largest error measured.
const LOSSES: f64 = 1e-6;
/// The same of weights and of what optimisers keep, after ten steps that divide by small numbers: 8e-6.
const KEPT: f64 = 2e-5;

/// One case of the file, and the model that it is of.
struct Case<'a> {
    vectors: &'a Vectors,
    said: &'a Value,
    definition: ModelDefinition,
}

impl Case<'_> {
    fn name(&self) -> &str {
        self.said["name"].as_str().unwrap()
    }

    /// The parameters at a place of the file, one after the other.
    fn weights(&self, at: &str) -> Vec<f32> {
        let layout = Layout::of(&self.definition);
        let of = |name: &str| self.vectors.get(&format!("{}{at}.weight.{name}", self.name()));
        layout.tensors().iter().flat_map(|tensor| of(&tensor.name)).map(|&weight| weight as f32).collect()
    }

    /// What `PyTorch`'s optimiser kept, in the order of its own file.
    fn state(&self, at: &str) -> (OptimizerContents, Vec<f32>) {
        let (mut tensors, mut numbers, mut step) = (Vec::new(), Vec::new(), 1);
        for (id, parameter) in self.said["order"].as_array().unwrap().iter().enumerate() {
            let prefix = format!("{}{at}.state.{id}.", self.name());
            for name in self.vectors.names().filter(|name| name.starts_with(&prefix)) {
                let slot = name[prefix.len()..].to_owned();
                if slot == "step" {
                    step = u32::try_from(self.vectors.scalar(name) as i64).unwrap();
                    continue;
                }
                let shape = self.vectors.shape(name).iter().map(|&size| size as u32).collect();
                tensors.push(OptimizerTensor { parameter: parameter.as_str().unwrap().to_owned(), slot, shape });
                numbers.extend(self.vectors.get(name).iter().map(|&value| value as f32));
            }
        }
        let optimizer = TrainingOptions::from_json(&self.options()).unwrap().optimizer;
        (OptimizerContents { kind: optimizer.kind, step, tensors }, numbers)
    }

    fn options(&self) -> String {
        format!(r#"{{"epochs":5,"batchSize":8,"shuffle":false,"optimizer":{}}}"#, self.said["optimizer"])
    }

    /// A trainer that begins with `PyTorch`'s weights, not started.
    fn trainer(&self) -> Trainer {
        let machine = MachineOptions { threads: Some(1), ..MachineOptions::default() };
        let options = TrainingOptions::from_json(&self.options()).unwrap();
        let mut trainer = Trainer::new(self.definition.clone(), machine, &self.weights(""), options).unwrap();
        let targets: Vec<u32> = self.vectors.indices("targets").iter().map(|&class| class as u32).collect();
        let steps = self.vectors.shape("x")[1];
        trainer.set_training(&self.vectors.f32("x"), steps, None, Targets::classes(&targets)).unwrap();
        trainer
    }

    /// The largest relative error of the ten losses.
    fn error_of(&self, losses: &[f32]) -> f64 {
        let expected = self.vectors.get(&format!("{}.losses", self.name()));
        assert_eq!(losses.len(), expected.len());
        let errors = losses.iter().zip(expected).map(|(&loss, expected)| (f64::from(loss) - expected).abs() / expected);
        errors.fold(0.0, f64::max)
    }
}

fn each_case(mut check: impl FnMut(&Case)) {
    let vectors = vectors("optimizer-state");
    let definition = ModelDefinition::from_json(&vectors.case()["definition"].to_string()).unwrap();
    for case in vectors.case()["cases"].as_array().unwrap() {
        check(&Case { vectors: &vectors, said: case, definition: definition.clone() });
    }
}

#[test]
fn a_run_goes_on_where_pytorch_stopped() {
    let (mut largest, mut largest_kept) = (0.0f64, 0.0f64);
    each_case(|case| {
        let (contents, numbers) = case.state("");
        let mut trainer = case.trainer();
        trainer.set_optimizer(&contents, &numbers).unwrap();
        trainer.start().unwrap();
        let off = case.error_of(&trainer.advance(100).unwrap().losses);
        assert!(off <= LOSSES, "{}: {off:.2e}", case.name());
        // And back: what it keeps then is what PyTorch's keeps.
        let (expected, expected_numbers) = case.state(".after");
        let (found, found_numbers) = (trainer.optimizer(), trainer.optimizer_numbers());
        if contents.tensors.iter().any(|tensor| tensor.slot == "exp_avg") {
            assert_eq!((contents.step, found.step), (20, 30), "{}", case.name());
        }
        let mut at = 0;
        for tensor in &found.tensors {
            let length = tensor.shape.iter().product::<u32>() as usize;
            let place = expected.tensors.iter().position(|other| other == tensor).unwrap();
            let before = expected.tensors[..place].iter().map(|other| other.shape.iter().product::<u32>() as usize);
            let start = before.sum::<usize>();
            let wanted: Vec<f64> = expected_numbers[start..start + length].iter().map(|&value| value.into()).collect();
            let off = error(&found_numbers[at..at + length], &wanted);
            assert!(off <= KEPT, "{}, {}.{}: {off:.2e}", case.name(), tensor.parameter, tensor.slot);
            largest_kept = largest_kept.max(off);
            at += length;
        }
        assert_eq!((found.tensors.len(), at), (expected.tensors.len(), found_numbers.len()));
        let weights: Vec<f64> = case.weights(".after").iter().map(|&weight| weight.into()).collect();
        largest_kept = largest_kept.max(error(trainer.weights(), &weights));
        largest = largest.max(off);
    });
    println!("losses are off by up to {largest:.1e}, weights and what is kept by {largest_kept:.1e}");
    assert!(largest_kept <= KEPT);
}

#[test]
fn the_losses_would_show_a_wrong_state() {
    each_case(|case| {
        let (contents, numbers) = case.state("");
        let off = |contents: &OptimizerContents, numbers: &[f32]| {
            let mut trainer = case.trainer();
            trainer.set_optimizer(contents, numbers).unwrap();
            trainer.start().unwrap();
            case.error_of(&trainer.advance(100).unwrap().losses)
        };
        if contents.tensors.iter().any(|tensor| tensor.slot == "exp_avg") {
            let later = OptimizerContents { step: contents.step + 1, ..contents.clone() };
            assert!(off(&later, &numbers) > 10.0 * LOSSES, "{}: another step", case.name());
        }
        let larger: Vec<f32> = numbers.iter().map(|value| value * 1.1).collect();
        assert!(off(&contents, &larger) > 10.0 * LOSSES, "{}: other numbers", case.name());
        let mut none = case.trainer();
        none.start().unwrap();
        assert!(case.error_of(&none.advance(100).unwrap().losses) > 1e-3, "{}: no state", case.name());
    });
}

#[test]
fn a_run_in_two_parts_comes_to_the_bits_of_a_whole_one() {
    let task = Task::new(24, &[]);
    for optimizer in [
        r#"{"kind":"adam","amsgrad":true,"groups":[{"parameters":["layers.1.*"],"frozen":true}]}"#,
        r#"{"kind":"adamw"}"#,
        r#"{"kind":"sgd"}"#,
        r#"{"kind":"sgd","momentum":0.9,"dampening":0.5}"#,
        r#"{"kind":"rmsprop","momentum":0.5,"centered":true}"#,
        r#"{"kind":"lion"}"#,
    ] {
        let definition = definition("[PLAIN]");
        let options =
            |epochs| format!(r#"{{"epochs":{epochs},"batchSize":8,"shuffle":false,"optimizer":{optimizer}}}"#);
        let mut whole = trainer(&definition, &options(4), &task, None);
        whole.start().unwrap();
        let losses = finish(&mut whole, &task, 1000).losses;

        let mut first = trainer(&definition, &options(1), &task, None);
        first.start().unwrap();
        assert_eq!(finish(&mut first, &task, 1000).losses, losses[..3], "{optimizer}");
        let machine = MachineOptions { threads: Some(1), ..MachineOptions::default() };
        let options = TrainingOptions::from_json(&options(3)).unwrap();
        let mut second = Trainer::new(definition, machine, first.weights(), options).unwrap();
        second.set_training(&task.x, STEPS, Some(&task.lengths), Targets::classes(&task.targets)).unwrap();
        let text = lstm_core::to_json(&first.optimizer());
        second.set_optimizer(&OptimizerContents::from_json(&text).unwrap(), &first.optimizer_numbers()).unwrap();
        second.start().unwrap();
        assert_eq!(finish(&mut second, &task, 1000).losses, losses[3..], "{optimizer}");
        assert!(second.weights() == whole.weights(), "{optimizer}");
        assert_eq!((second.optimizer(), second.optimizer_numbers()), (whole.optimizer(), whole.optimizer_numbers()));
    }
}

#[test]
fn what_is_frozen_need_not_be_there() {
    let task = Task::new(16, &[]);
    let frozen = r#"{"epochs":1,"optimizer":{"kind":"adam","groups":[{"parameters":["layers.0.*"],"frozen":true}]}}"#;
    let mut run = trainer(&definition("[PLAIN]"), frozen, &task, None);
    run.start().unwrap();
    advance(&mut run, &task, 1);
    let (contents, numbers) = (run.optimizer(), run.optimizer_numbers());
    assert!(contents.tensors.iter().all(|tensor| !tensor.parameter.starts_with("layers.0.")));
    let mut second = trainer(&definition("[PLAIN]"), frozen, &task, None);
    second.set_optimizer(&contents, &numbers).unwrap();
    assert_eq!((second.optimizer(), second.optimizer_numbers()), (contents.clone(), numbers.clone()));
    // Without the group the others are missing.
    let mut thawed = trainer(&definition("[PLAIN]"), r#"{"epochs":1}"#, &task, None);
    let error = thawed.set_optimizer(&contents, &numbers).unwrap_err();
    assert_eq!(error.code, ErrorCode::StateMismatch);
    assert!(error.message.contains("missing: layers.0.weight_ih_l0.exp_avg, "), "{error}");
    assert!(!error.message.contains("layers.1") && !error.message.contains("unexpected"), "{error}");
    // A state that has them is kept whole.
    let mut whole = trainer(&definition("[PLAIN]"), r#"{"epochs":1}"#, &task, None);
    whole.start().unwrap();
    advance(&mut whole, &task, 1);
    second.set_optimizer(&whole.optimizer(), &whole.optimizer_numbers()).unwrap();
    assert_eq!((second.optimizer(), second.optimizer_numbers()), (whole.optimizer(), whole.optimizer_numbers()));
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let task = Task::new(16, &[]);
    let options = r#"{"epochs":2}"#;
    let mut run = trainer(&definition("[PLAIN]"), options, &task, None);
    run.start().unwrap();
    advance(&mut run, &task, 1);
    let (contents, numbers) = (run.optimizer(), run.optimizer_numbers());
    let begun = run.set_optimizer(&contents, &numbers).unwrap_err();
    assert_eq!((begun.code, begun.path.as_str()), (ErrorCode::InvalidOption, "optimizerState"));

    let mut other = trainer(&definition("[PLAIN]"), options, &task, None);
    let untouched = other.optimizer_numbers();
    let mut refused = |change: &dyn Fn(&mut OptimizerContents, &mut Vec<f32>), code, path: &str, parts: &[&str]| {
        let (mut changed, mut changed_numbers) = (contents.clone(), numbers.clone());
        change(&mut changed, &mut changed_numbers);
        let error = other.set_optimizer(&changed, &changed_numbers).unwrap_err();
        assert_eq!((error.code, error.path.as_str()), (code, path), "{error}");
        for part in parts {
            assert!(error.message.contains(part), "{part}: {error}");
        }
        assert_eq!((other.optimizer().step, other.optimizer_numbers()), (0, untouched.clone()), "{error}");
    };
    let (option, mismatch) = (ErrorCode::InvalidOption, ErrorCode::StateMismatch);
    let adamw = |contents: &mut OptimizerContents, _: &mut Vec<f32>| {
        contents.kind = serde_json::from_str(r#""adamw""#).unwrap();
    };
    refused(&adamw, option, "optimizerState.kind", &["`adamw`", "`adam`"]);
    refused(&|contents, _| contents.step = 0, option, "optimizerState.step", &["is not"]);
    refused(&|contents, _| contents.step = u32::MAX, option, "optimizerState.step", &["out of range"]);
    refused(&|_, numbers| _ = numbers.pop(), ErrorCode::ShapeMismatch, "optimizerState", &["numbers"]);
    let nan = |at: usize, value: f32| move |_: &mut OptimizerContents, numbers: &mut Vec<f32>| numbers[at] = value;
    let first = |slot: &str| format!("optimizerState.parameters[\"layers.0.weight_ih_l0\"].{slot}");
    refused(&nan(3, f32::NAN), ErrorCode::NotFinite, &first("exp_avg"), &["number 3"]);
    // [36, 2] of the first moment come first.
    refused(&nan(73, f32::INFINITY), ErrorCode::NotFinite, &first("exp_avg_sq"), &["number 1 is inf"]);
    refused(&nan(74, -1e-3), option, &first("exp_avg_sq"), &["squares"]);
    let several = |contents: &mut OptimizerContents, _: &mut Vec<f32>| {
        contents.tensors[0].shape = vec![2, 36];
        contents.tensors[1].slot = "max_exp_avg_sq".to_owned();
        contents.tensors[2].parameter = "head.weight".to_owned();
    };
    let listed = [
        "missing: layers.0.weight_ih_l0.exp_avg_sq, layers.0.weight_hh_l0.exp_avg;",
        "unexpected: layers.0.weight_ih_l0.max_exp_avg_sq, head.weight.exp_avg;",
        "of another shape: layers.0.weight_ih_l0.exp_avg [2, 36] in the place of [36, 2]",
    ];
    refused(&several, mismatch, "optimizerState.parameters", &listed);
    let twice = |contents: &mut OptimizerContents, _: &mut Vec<f32>| contents.tensors[1] = contents.tensors[0].clone();
    refused(&twice, mismatch, "optimizerState.parameters", &["missing", "unexpected"]);
    let text = OptimizerContents::from_json(r#"{"kind":"adam","step":1.5,"tensors":[]}"#).unwrap_err();
    assert_eq!((text.code, text.path.as_str()), (option, "optimizerState.step"));
}

#[test]
fn a_checkpoint_brings_its_own() {
    let task = Task::new(16, &[]);
    let options = r#"{"epochs":3}"#;
    let mut run = trainer(&definition("[PLAIN]"), options, &task, None);
    run.start().unwrap();
    advance(&mut run, &task, 2);
    let mut resumed = trainer(&definition("[PLAIN]"), options, &task, None);
    let contents = OptimizerContents { step: 77, ..run.optimizer() };
    resumed.set_optimizer(&contents, &run.optimizer_numbers()).unwrap();
    resumed.resume(&run.checkpoint().unwrap()).unwrap();
    assert_eq!((resumed.optimizer(), resumed.optimizer_numbers()), (run.optimizer(), run.optimizer_numbers()));
}

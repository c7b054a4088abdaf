//! Every schedule against `PyTorch`'s schedulers, and where it ends.

use super::super::options::TrainingOptions;
use super::super::vectors::Vectors;
use super::*;

fn options(learning_rate: &str) -> OptimizerOptions {
    let text = format!(r#"{{"optimizer":{{"kind":"adam","learningRate":{learning_rate}}}}}"#);
    TrainingOptions::from_json(&text).unwrap().optimizer
}

fn rates(learning_rate: &str, epochs: u32, steps_per_epoch: u32) -> Result<Vec<f64>> {
    learning_rates(&options(learning_rate), Course { epochs, steps_per_epoch })
}

/// Both are f64; cosines near their ends leave some roundings of what they are taken from.
fn assert_close(what: &str, actual: f64, expected: f64, largest: f64) {
    let error = (actual - expected).abs() / expected.max(1e-9 * largest);
    assert!(error <= 1e-6, "{what}: {actual:e} instead of {expected:e}");
}

#[test]
fn every_schedule_is_pytorchs() {
    let vectors = Vectors::read("schedules");
    let case = vectors.case();
    let cases = case["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 26);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let number = |field: &str| case[field].as_u64().unwrap() as u32;
        let course = Course { epochs: number("epochs"), steps_per_epoch: number("stepsPerEpoch") };
        let schedule = Schedule::new(&options(&case["learningRate"].to_string()), course).unwrap();
        let of_case = |what: &str| vectors.get(&format!("{name}.{what}"));
        let (rates, momenta, losses) = (of_case("rates").unwrap(), of_case("momenta"), of_case("losses"));
        assert_eq!(rates.len() as u64, course.steps(), "{name}");
        let largest = rates.iter().copied().fold(0.0, f64::max);
        let mut state = PlateauState::default();
        for (step, &expected) in rates.iter().enumerate() {
            let pace = schedule.at(step as u64, &state);
            assert_close(&format!("{name}, step {step}"), pace.learning_rate, expected, largest);
            assert_eq!(pace.momentum.is_some(), momenta.is_some(), "{name}");
            if let (Some(momentum), Some(momenta)) = (pace.momentum, &momenta) {
                assert_close(&format!("{name}, step {step}: momentum"), momentum, momenta[step], 1.0);
            }
            let done = step as u32 + 1;
            if let Some(losses) = losses.as_ref().filter(|_| done.is_multiple_of(course.steps_per_epoch)) {
                let epoch = done / course.steps_per_epoch - 1;
                schedule.end_epoch(epoch, losses[epoch as usize], &mut state);
                // It is saved and read again.
                state = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
            }
        }
    }
}

#[test]
fn a_curve_is_the_rate_of_each_step() {
    assert_eq!(rates("0.5", 2, 2).unwrap(), [0.5; 4]);
    assert_eq!(rates(r#"{"schedule":"table","rates":[0.5,0.25,0,1]}"#, 2, 2).unwrap(), [0.5, 0.25, 0.0, 1.0]);
    let warmed = rates(r#"{"schedule":"step","rate":0.5,"every":1,"factor":0.5,"warmup":{"epochs":1,"from":0}}"#, 3, 2);
    assert_eq!(warmed.unwrap(), [0.0, 0.25, 0.5, 0.5, 0.25, 0.25]);
    let defaults = TrainingOptions::from_json(r#"{"optimizer":{"kind":"rmsprop"}}"#).unwrap().optimizer;
    assert_eq!(learning_rates(&defaults, Course { epochs: 1, steps_per_epoch: 2 }).unwrap(), [0.01; 2]);
}

#[test]
fn what_does_not_fit_the_run_is_refused() {
    for (learning_rate, path, part) in [
        (r#"{"schedule":"table","rates":[1,2,3]}"#, "rates", "3 rates, and the run has 4 steps"),
        (r#"{"schedule":"cosine","warmup":{"steps":4}}"#, "warmup", "takes 4 steps, and the run has 4"),
        (r#"{"schedule":"cosine","warmup":{"epochs":3}}"#, "warmup", "takes 6 steps"),
    ] {
        let error = rates(learning_rate, 2, 2).unwrap_err();
        assert_eq!((error.code, error.path), (ErrorCode::InvalidOption, format!("optimizer.learningRate.{path}")));
        assert!(error.message.contains(part), "{}", error.message);
    }
}

#[test]
fn the_ends_of_what_may_be_asked_for_give_numbers() {
    let schedules = [
        r#"{"schedule":"one-cycle","peak":1,"rise":0}"#,
        r#"{"schedule":"one-cycle","peak":1,"rise":1}"#,
        // The rise is of one step, which PyTorch divides by zero for.
        r#"{"schedule":"one-cycle","peak":1,"rise":0.5}"#,
        r#"{"schedule":"one-cycle","peak":1,"warmup":{"steps":1}}"#,
        r#"{"schedule":"cosine","restartEpochs":1,"restartFactor":4294967295}"#,
        r#"{"schedule":"exponential","factor":1e-30}"#,
        r#"{"schedule":"polynomial","power":1e-30}"#,
    ];
    for schedule in schedules {
        for epochs in [2, 3, 200] {
            let rates = rates(schedule, epochs, 1).unwrap();
            assert!(rates.iter().all(|rate| (0.0..=1.0).contains(rate)), "{schedule}: {rates:?}");
        }
    }
}

#[test]
fn a_plateau_does_not_look_at_the_warm_up_nor_think_nan_is_good() {
    let course = Course { epochs: 9, steps_per_epoch: 2 };
    let plateau = r#"{"schedule":"plateau","rate":0.5,"factor":0.5,"patience":0,"warmup":{"steps":3}}"#;
    let schedule = Schedule::new(&options(plateau), course).unwrap();
    let mut state = PlateauState::default();
    schedule.end_epoch(0, 1e-9, &mut state);
    assert_eq!(state, PlateauState::default());
    let after = |epoch: u32, loss: f64, state: &mut PlateauState| {
        schedule.end_epoch(epoch, loss, state);
        schedule.at(2 * u64::from(epoch) + 2, state).learning_rate
    };
    assert_eq!(after(1, f64::NAN, &mut state), 0.25);
    assert_eq!(after(2, f64::INFINITY, &mut state), 0.125);
    assert_eq!(after(3, 1.0, &mut state), 0.125);
    assert_eq!(after(4, 1.0, &mut state), 0.0625);
}

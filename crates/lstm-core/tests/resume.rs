//! A run that goes on from a checkpoint, wherever it was stopped, comes to the same bits as one that never stopped; and what
//! is no checkpoint of this run is refused.

mod common;

use common::runs::{Task, advance, definition, finish, trainer};
use lstm_core::training::report::TrainingProgress;
use lstm_core::{ErrorCode, Trainer};

/// What a run may have: each with its definition's layers, its options, and whether its data comes in chunks.
const RUNS: [(&str, &str, &str, &[u32]); 10] = [
    ("plain", "[PLAIN]", r#"{"epochs":3,"batchSize":8,"clipNorm":1}"#, &[]),
    ("dropout", "[DROPOUT]", r#"{"epochs":3,"batchSize":8}"#, &[]),
    (
        "one cycle",
        "[DROPOUT]",
        r#"{"epochs":3,"batchSize":8,"clipAdaptive":0.1,"optimizer":
            {"kind":"adamw","amsgrad":true,"learningRate":{"schedule":"one-cycle","peak":0.05}}}"#,
        &[],
    ),
    (
        "plateau",
        "[PLAIN]",
        r#"{"epochs":6,"batchSize":8,"optimizer":{"kind":"sgd","momentum":0.9,"learningRate":
            {"schedule":"plateau","rate":0.5,"factor":0.5,"patience":0}}}"#,
        &[],
    ),
    ("truncated", "[PLAIN]", r#"{"epochs":2,"batchSize":8,"backpropagationSteps":2}"#, &[]),
    (
        "stateful",
        "[PLAIN]",
        r#"{"epochs":2,"batchSize":10,"stateful":true,"shuffle":false,"backpropagationSteps":3}"#,
        &[],
    ),
    (
        "accumulated and averaged",
        "[DROPOUT]",
        r#"{"epochs":3,"batchSize":4,"accumulateBatches":3,"averaging":{"decay":0.9}}"#,
        &[],
    ),
    (
        "stopped early",
        "[DROPOUT]",
        r#"{"epochs":9,"batchSize":8,"optimizer":{"kind":"adam","learningRate":0.1},"earlyStopping":{"patience":1}}"#,
        &[],
    ),
    ("bucketing", "[PLAIN]", r#"{"epochs":3,"batchSize":4,"bucketing":true}"#, &[]),
    (
        "chunks",
        "[DROPOUT]",
        r#"{"epochs":3,"batchSize":4,"bucketing":true,"accumulateBatches":2,"averaging":{"decay":0.5}}"#,
        &[11, 9, 30],
    ),
];

/// Everything that a run tells in the end.
fn outcome(trainer: &Trainer, last: &TrainingProgress) -> (Vec<f32>, Vec<f32>, String, bool, Option<u32>) {
    let epochs = serde_json::to_string(&last.epochs).unwrap();
    (trainer.weights().to_vec(), last.losses.clone(), epochs, last.early, last.best_epoch)
}

#[test]
fn wherever_it_stops_it_goes_on_to_the_same_bits() {
    for (name, layers, options, sizes) in RUNS {
        let (definition, train, test) = (definition(layers), Task::new(50, sizes), Task::new(20, &[]));
        let start = || trainer(&definition, options, &train, Some(&test));
        let mut whole = start();
        whole.start().unwrap();
        let at_once = finish(&mut whole, &train, 1000);
        let expected = outcome(&whole, &at_once);

        let mut stops = 0;
        for stop in 0.. {
            let mut first = start();
            first.start().unwrap();
            let before = advance(&mut first, &train, stop);
            let file = first.checkpoint().unwrap();
            assert_eq!(file, first.checkpoint().unwrap(), "{name}: the same state is the same file");
            let mut second = start();
            let resumed = second.resume(&file).unwrap();
            assert_eq!(resumed.losses, before.losses, "{name} after {stop} batches");
            assert_eq!((resumed.step, resumed.total_steps), (before.step, before.total_steps));
            assert_eq!(second.weights(), first.weights(), "{name} after {stop} batches");
            let mut rest = finish(&mut second, &train, 3);
            rest.losses.splice(0..0, resumed.losses);
            rest.epochs.splice(0..0, resumed.epochs);
            assert_eq!(outcome(&second, &rest), expected, "{name} after {stop} batches");
            stops = stop;
            if before.finished {
                break;
            }
        }
        assert!(stops > 15, "{name}: {stops}");
    }
}

#[test]
fn a_run_that_is_done_goes_on_with_more_epochs_as_if_it_had_been_told_so_before() {
    let (definition, train) = (definition("[DROPOUT]"), Task::new(50, &[]));
    let run = |epochs: u32| trainer(&definition, &format!(r#"{{"epochs":{epochs},"batchSize":8}}"#), &train, None);
    let mut long = run(5);
    long.start().unwrap();
    finish(&mut long, &train, 100);
    let mut short = run(2);
    short.start().unwrap();
    finish(&mut short, &train, 100);
    let file = short.checkpoint().unwrap();
    let mut longer = run(5);
    assert!(!longer.resume(&file).unwrap().finished);
    finish(&mut longer, &train, 100);
    assert_eq!(longer.weights(), long.weights());

    let error = run(1).resume(&file).unwrap_err();
    assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidOption, "epochs"));
    assert!(run(2).resume(&file).unwrap().finished);
}

#[test]
fn what_does_not_fit_is_refused_and_says_why() {
    const OPTIONS: &str = r#"{"epochs":3,"batchSize":8}"#;
    let (train, test) = (Task::new(50, &[]), Task::new(20, &[]));
    let mut run = trainer(&definition("[DROPOUT]"), OPTIONS, &train, Some(&test));
    run.start().unwrap();
    let file = advance(&mut run, &train, 5).finished.then(Vec::new).unwrap_or_else(|| run.checkpoint().unwrap());
    let mut other = Task::new(50, &[]);
    other.x[0] += 1e-3;
    let (fewer, chunks) = (Task::new(49, &[]), Task::new(50, &[25, 25]));
    for (layers, options, train, test, part) in [
        ("[PLAIN]", OPTIONS, &train, Some(&test), "its layers[0].dropout is 0.3, this one's"),
        ("[DROPOUT]", r#"{"epochs":3,"batchSize":9}"#, &train, Some(&test), "its run has batchSize 8, this one 9"),
        ("[DROPOUT]", r#"{"epochs":3,"batchSize":8,"clipNorm":1}"#, &train, Some(&test), "clipNorm not given"),
        (
            "[DROPOUT]",
            r#"{"epochs":3,"batchSize":8,"optimizer":{"kind":"adam","beta1":0.5}}"#,
            &train,
            Some(&test),
            "optimizer.beta1",
        ),
        ("[DROPOUT]", OPTIONS, &other, Some(&test), "training data is other data"),
        ("[DROPOUT]", OPTIONS, &fewer, Some(&test), "has 50 samples, this one 49"),
        ("[DROPOUT]", OPTIONS, &chunks, Some(&test), "has 50 samples, this one 2 chunks"),
        ("[DROPOUT]", OPTIONS, &train, Some(&train), "validation data is other data"),
        ("[DROPOUT]", OPTIONS, &train, None, "validation data is other data"),
    ] {
        let mut trainer = trainer(&definition(layers), options, train, test);
        let before = trainer.weights().to_vec();
        let error = trainer.resume(&file).unwrap_err();
        assert_eq!((error.code, error.path.as_str()), (ErrorCode::InvalidOption, "checkpoint"), "{error}");
        assert!(error.message.contains(part), "{error}");
        assert_eq!(trainer.weights(), before);
        trainer.start().unwrap();
    }
}

#[test]
fn a_damaged_file_is_refused_whatever_byte_it_is_and_nothing_is_half_loaded() {
    let (definition, train) = (definition("[PLAIN]"), Task::new(20, &[]));
    let new = || trainer(&definition, r#"{"epochs":2,"batchSize":8,"averaging":{}}"#, &train, None);
    let mut run = new();
    run.start().unwrap();
    advance(&mut run, &train, 4);
    let file = run.checkpoint().unwrap();
    let mut reader = new();
    let before = reader.weights().to_vec();
    let mut refuse = |bytes: &[u8], what: &str| {
        let error = reader.resume(bytes).unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidFile, "{what}: {error}");
        assert_eq!(reader.weights(), before, "{what}");
    };
    refuse(&[], "nothing");
    refuse(b"PK\x03\x04 and more", "a zip");
    // Every byte of the header, every 7th of the numbers.
    let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    for place in (0..header).chain((header..file.len()).step_by(7)) {
        let mut bytes = file.clone();
        bytes[place] ^= 1 << (place % 8);
        refuse(&bytes, &format!("byte {place} of {}", file.len()));
    }
    for length in (0..file.len()).step_by(61) {
        refuse(&file[..length], &format!("{length} of {} bytes", file.len()));
    }
    let model = lstm_core::Model::new(definition, lstm_core::network::machine::MachineOptions::default()).unwrap();
    refuse(&model.save().unwrap(), "a model");
    reader.resume(&file).unwrap();
    assert_eq!(reader.weights(), run.weights());
}

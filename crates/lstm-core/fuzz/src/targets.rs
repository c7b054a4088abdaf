//! What each parser must hold to, whatever bytes it is given: an error with a code, or something that is whole. A panic, a hang
//! or memory beyond bounds is a defect; the assertions say what else would be one.

#![allow(unreachable_pub, reason = "a library of the fuzzer's programs, a module of the tests")]

use std::sync::LazyLock;

use lstm_core::formats::header::{self, FileTensor};
use lstm_core::formats::loading::Loading;
use lstm_core::network::definition::{At, InputDefinition, ModelDefinition};
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::samples::Inputs;
use lstm_core::network::targets::Targets;
use lstm_core::training::optimizer_state::OptimizerContents;
use lstm_core::training::options::TrainingOptions;
use lstm_core::{Error, ErrorCode, Model, Trainer};
use serde_json::{Value, json};

/// Numbers of a model that is made and tried, at most: enough for every cell and option, few enough for thousands a minute.
const MOST_PARAMETERS: u64 = 20_000;

/// What is done with bytes.
pub type Target = fn(&[u8]);

/// Every target, by its name.
pub const ALL: [(&str, Target); 6] = [
    ("model", model),
    ("header", header),
    ("checkpoint", checkpoint),
    ("definition", definition),
    ("options", options),
    ("optimizer", optimizer),
];

fn machine() -> MachineOptions {
    MachineOptions { threads: Some(1), ..MachineOptions::default() }
}

/// A model's file, at once and in pieces: both come to the same, and what has been loaded is saved and loaded again.
pub fn model(file: &[u8]) {
    let at_once = Model::load(file, machine());
    let pieces = in_pieces(file, 1 + file.len() % 97);
    match (at_once, pieces) {
        (Ok(model), Ok(other)) => {
            assert!(model.weights().iter().all(|weight| weight.is_finite()));
            assert_eq!(model.weights(), other.weights());
            let saved = model.save().expect("what was loaded can be saved");
            let again = Model::load(&saved, machine()).expect("what was saved can be loaded");
            assert_eq!((again.weights(), again.describe()), (model.weights(), model.describe()));
        }
        (Err(error), Err(other)) => {
            assert_eq!(error, other);
            assert_file_error(&error);
        }
        (one, other) => panic!("at once {:?}, in pieces {:?}", one.err(), other.err()),
    }
}

fn in_pieces(file: &[u8], size: usize) -> Result<Model, Error> {
    let mut loading = Loading::new(file, file.len() as f64)?;
    for piece in file[loading.begin()..].chunks(size) {
        loading.take(piece)?;
    }
    Model::of(loading.finish()?, machine())
}

fn assert_file_error(error: &Error) {
    assert_eq!(error.code, ErrorCode::InvalidFile, "{error}");
    assert!(!error.message.is_empty());
}

/// A safetensors header, of a file that is as long as the bytes are, or much longer: tensors lie one after the other up to the end,
/// and a header that is written of them has the same.
pub fn header(beginning: &[u8]) {
    for length in [beginning.len() as f64, 1e9] {
        let header = match header::read(beginning, length) {
            Ok(header) => header,
            Err(error) => return assert_file_error(&error),
        };
        assert!(header.tensors.windows(2).all(|pair| pair[0].begin <= pair[0].end && pair[0].end == pair[1].begin));
        assert!(header.tensors.last().is_none_or(|last| last.end as f64 == length));
        let tensors: Vec<_> = header.tensors.iter().map(described).collect();
        let text = json!({ "tensors": tensors, "metadata": header.metadata }).to_string();
        // What is read may be too much to be written: names and texts take more room as JSON than they may have had.
        let Ok(written) = header::write(&text) else { continue };
        let data: u64 = header.tensors.iter().map(|tensor| tensor.end - tensor.begin).sum();
        let again = header::read(&written, (written.len() as u64 + data) as f64).expect("what is written can be read");
        let sorted = |tensors: &[FileTensor]| {
            let mut names: Vec<_> = tensors.iter().map(described).map(|tensor| tensor.to_string()).collect();
            names.sort();
            names
        };
        assert_eq!((sorted(&again.tensors), again.metadata), (sorted(&header.tensors), header.metadata));
    }
}

fn described(FileTensor { name, kind, shape, .. }: &FileTensor) -> Value {
    json!({ "name": name, "type": kind, "shape": shape })
}

/// A run that goes on from a checkpoint, as it is and with its checksum put right: what is refused leaves the trainer as it was,
/// and a run that goes on ends.
pub fn checkpoint(file: &[u8]) {
    let sealed = sealed(file);
    for run in &RUNS {
        run.resume(file);
        if let Some(file) = &sealed {
            run.resume(file);
        }
    }
}

/// A run that checkpoints are resumed with; the seeds are checkpoints of all of them.
pub struct Run {
    options: &'static str,
    /// Samples of each chunk; none where all data is given at once.
    chunks: &'static [u32],
}

/// Runs that differ in what their checkpoints hold.
pub const RUNS: [Run; 3] = [
    Run {
        options: r#"{"epochs":2,"batchSize":2,"accumulateBatches":2,"averaging":{"decay":0.5},"earlyStopping":{"patience":3},
            "optimizer":{"kind":"adam","learningRate":{"schedule":"plateau","rate":0.1,"patience":0}}}"#,
        chunks: &[],
    },
    Run {
        options: r#"{"epochs":2,"batchSize":2,"backpropagationSteps":2,"stateful":true,"shuffle":false,
            "optimizer":{"kind":"sgd","momentum":0.9}}"#,
        chunks: &[],
    },
    Run { options: r#"{"epochs":2,"batchSize":2,"bucketing":true,"optimizer":{"kind":"lion"}}"#, chunks: &[3, 1] },
];

/// Samples that runs are trained on, their steps, and those of them that runs are validated on.
const SAMPLES: usize = 4;
const STEPS: usize = 3;
const VALIDATED: usize = 2;

static DATA: LazyLock<(ModelDefinition, Vec<f32>, Vec<f32>)> = LazyLock::new(|| {
    let definition = r#"{"input":{"features":1,"scaling":"standard"},"layers":[{"cell":"lstm","units":2,"dropout":0.1}],
        "output":{"values":1},"seed":3}"#;
    let x = (0..SAMPLES * STEPS).map(|number| (number * 7 % 5) as f32 - 2.0).collect();
    let values = (0..SAMPLES).map(|number| number as f32 / 4.0).collect();
    (ModelDefinition::from_json(definition).expect("a definition"), x, values)
});

impl Run {
    /// A trainer with its data, not started.
    pub fn trainer(&self) -> Trainer {
        let (definition, x, values) = &*DATA;
        let options = TrainingOptions::from_json(self.options).expect("options");
        let weights: Vec<f32> = Model::new(definition.clone(), machine()).expect("a model").weights().to_vec();
        let mut trainer = Trainer::new(definition.clone(), machine(), &weights, options).expect("a trainer");
        if self.chunks.is_empty() {
            trainer.set_training(x, STEPS, None, Targets::numbers(values)).expect("data");
        } else {
            trainer.set_chunks(self.chunks).expect("sizes");
        }
        let (x, values) = (&x[..VALIDATED * STEPS], &values[..VALIDATED]);
        trainer.set_validation(x, STEPS, None, Targets::numbers(values)).expect("data");
        trainer
    }

    /// A batch, with the chunk that it needs: whether it was the last.
    pub fn advance(&self, trainer: &mut Trainer) -> Result<bool, Error> {
        if let Some(chunk) = trainer.advance(0)?.chunk {
            let (_, x, values) = &*DATA;
            let before = self.chunks[..chunk as usize].iter().sum::<u32>() as usize;
            let of = before..before + self.chunks[chunk as usize] as usize;
            let x = &x[of.start * STEPS..of.end * STEPS];
            trainer.set_chunk(chunk, x, STEPS, None, Targets::numbers(&values[of]))?;
        }
        Ok(trainer.advance(1)?.finished)
    }

    fn resume(&self, file: &[u8]) {
        let mut trainer = self.trainer();
        if let Err(error) = trainer.resume(file) {
            let is_known = matches!(error.code, ErrorCode::InvalidFile | ErrorCode::InvalidOption);
            assert!(is_known && !error.message.is_empty(), "{error}");
            trainer.start().expect("what was refused has changed nothing");
            return;
        }
        for _ in 0..100 {
            match self.advance(&mut trainer) {
                Ok(false) => {}
                Ok(true) => return,
                // Numbers that training makes too large, and data that the checkpoint has other fingerprints of.
                Err(error) => {
                    let is_known = matches!(error.code, ErrorCode::NotFinite | ErrorCode::InvalidOption);
                    return assert!(is_known, "{error}");
                }
            }
        }
        panic!("a run of 2 epochs goes on and on");
    }
}

/// The checkpoint with the checksum that its contents have, as a stranger would make it who wants to be believed.
fn sealed(file: &[u8]) -> Option<Vec<u8>> {
    const KEY: &str = "gatewise.checkpoint";
    let mut header = header::read(file, file.len() as f64).ok()?;
    let mut saved: Value = serde_json::from_str(header.metadata.get(KEY)?).ok()?;
    let run = saved.get("run")?.as_str()?.to_owned();
    let mut sum = Fnv(0xcbf2_9ce4_8422_2325);
    sum.bytes(run.as_bytes());
    let bytes = |tensor: &FileTensor| &file[tensor.begin as usize..tensor.end as usize];
    header.tensors.sort_by(|one, other| one.name.cmp(&other.name));
    for tensor in &header.tensors {
        sum.bytes(tensor.name.as_bytes());
        sum.bytes(bytes(tensor));
    }
    *saved.get_mut("checksum")? = json!(format!("{:016x}", sum.0));
    header.metadata.insert(KEY.to_owned(), saved.to_string());
    let tensors: Vec<_> = header.tensors.iter().map(described).collect();
    let mut sealed = header::write(&json!({ "tensors": tensors, "metadata": header.metadata }).to_string()).ok()?;
    let data: u64 = header.tensors.iter().map(|tensor| tensor.end - tensor.begin).sum();
    let order = header::read(&sealed, (sealed.len() as u64 + data) as f64).ok()?.tensors;
    for name in order.into_iter().map(|tensor| tensor.name) {
        sealed.extend_from_slice(bytes(header.tensors.iter().find(|tensor| tensor.name == name)?));
    }
    Some(sealed)
}

/// FNV-1a as checkpoints have it (`training/fingerprint.rs`).
struct Fnv(u64);

impl Fnv {
    fn word(&mut self, word: u32) {
        let mixed = (self.0 ^ u64::from(word)).wrapping_mul(0x0000_0100_0000_01b3);
        self.0 = mixed ^ (mixed >> 32);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for &word in words {
            self.word(u32::from_le_bytes(word));
        }
        for &byte in rest {
            self.word(byte.into());
        }
        self.word(bytes.len() as u32);
    }
}

/// A definition's JSON: what is accepted survives its own JSON, and is a model that predicts.
pub fn definition(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let definition = match ModelDefinition::from_json(text) {
        Ok(definition) => definition,
        Err(error) => return assert_eq!(error.code, ErrorCode::InvalidDefinition, "{error}"),
    };
    let again = lstm_core::to_json(&definition);
    assert_eq!(ModelDefinition::from_json(&again).as_ref(), Ok(&definition), "{again}");
    if definition.parameters() > MOST_PARAMETERS || largest(&definition.input) > MOST_PARAMETERS as usize {
        return;
    }
    let (n, steps) = (2, 3);
    let input = definition.input.clone();
    let (state_size, size) = (definition.state_size(), definition.output.size());
    let rows = if definition.output.at == At::Each { n * steps } else { n };
    let mut model = Model::new(definition, machine()).expect("a definition that was accepted is a model");
    let numbers = |count: usize| (count > 0).then(|| (0..count).map(|at| (at % 7) as f32 - 3.0).collect::<Vec<_>>());
    let x = numbers(n * steps * input.features());
    let statics = numbers(n * input.statics());
    let tokens = input.tokens.map(|tokens| (0..(n * steps) as u32).map(|at| at % tokens).collect::<Vec<_>>());
    let given = Inputs { x: x.as_deref(), tokens: tokens.as_deref(), statics: statics.as_deref() };
    let (mut states, mut y) = (vec![0.0; n * state_size], vec![f32::NAN; rows * size]);
    model.run(given, Some(&[3, 1]), Some(&mut states), &mut y).expect("a model predicts");
    // Weights of a constant's size may make them infinite, but room is never left unwritten.
    let is_plain = model.weights().iter().all(|weight| weight.abs() < 100.0);
    assert!(!is_plain || y.iter().all(|value| value.is_finite()), "{y:?}");
    let file = model.save().map(|file| Model::load(&file, machine()).map(|again| again.weights() == model.weights()));
    assert!(matches!(file, Ok(Ok(true)) | Err(_)));
}

/// Numbers of one step or of one sequence.
fn largest(input: &InputDefinition) -> usize {
    input.features().max(input.statics())
}

/// Training options' JSON: what is accepted survives its own JSON, and trains or says why not.
pub fn options(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let options = match TrainingOptions::from_json(text) {
        Ok(options) => options,
        Err(error) => return assert_eq!(error.code, ErrorCode::InvalidOption, "{error}"),
    };
    let again = lstm_core::to_json(&options);
    assert_eq!(TrainingOptions::from_json(&again).as_ref(), Ok(&options), "{again}");
    let definition = DATA.0.clone();
    let model = Model::new(definition.clone(), machine()).expect("a model");
    let trained = train(definition, model.weights(), options);
    let is_known = |code| matches!(code, ErrorCode::InvalidOption | ErrorCode::NotFinite | ErrorCode::InvalidTarget);
    assert!(trained.as_ref().is_ok_and(|finite| *finite) || trained.as_ref().is_err_and(|error| is_known(error.code)));
}

/// What an optimiser is said to know, as JSON, with numbers enough: a run begins with it, or it is refused and the run begins as new.
pub fn optimizer(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let run = &RUNS[0];
    let mut trainer = run.trainer();
    let numbers = vec![0.5; 2 * DATA.0.parameters() as usize];
    let given = OptimizerContents::from_json(text).and_then(|contents| trainer.set_optimizer(&contents, &numbers));
    if let Err(error) = given {
        let known = [ErrorCode::InvalidOption, ErrorCode::StateMismatch, ErrorCode::ShapeMismatch];
        assert!(known.contains(&error.code) && !error.message.is_empty(), "{error}");
        assert_eq!(trainer.optimizer().step, 0, "what was refused has changed nothing");
    }
    trainer.start().expect("the run begins");
    for _ in 0..4 {
        run.advance(&mut trainer).expect("the run goes on");
    }
}

/// Whether a few steps leave all weights finite.
fn train(definition: ModelDefinition, weights: &[f32], options: TrainingOptions) -> Result<bool, Error> {
    let mut trainer = Trainer::new(definition, machine(), weights, options)?;
    let x = [0.5, -0.5, 1.0, -1.0, 0.25, 0.0, 0.125, 2.0, -2.0, 0.75, 0.1, 0.2];
    trainer.set_training(&x, 3, Some(&[3, 1, 2, 3]), Targets::numbers(&[0.0, 1.0, 0.5, -1.0]))?;
    trainer.set_validation(&x[..6], 3, None, Targets::numbers(&[0.0, 1.0]))?;
    trainer.start()?;
    for _ in 0..6 {
        if trainer.advance(1)?.finished {
            break;
        }
    }
    Ok(trainer.weights().iter().all(|weight| weight.is_finite()))
}

//! The benchmark's view of the bare core, without Node: forward and backward, whole training steps, and the machine's
//! own multiply-add peak. A worker of `npm run bench`, which speaks JSON lines over the standard streams: see
//! `bench/workers/protocol.ts`.

use std::io::{BufRead, Write};
use std::time::Instant;

use lstm_core::kernels::{InstructionSet, multiply_add_rounds};
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::targets::Targets;
use lstm_core::training::options::TrainingOptions;
use lstm_core::{Model, Trainer};
use serde::Deserialize;
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

#[derive(Deserialize)]
#[serde(tag = "ask", rename_all = "lowercase")]
enum Request {
    Load { job: Job },
    Check { into: String },
    Run { count: usize, times: usize },
}

#[derive(Deserialize)]
struct Job {
    operation: String,
    threads: u32,
    #[serde(default)]
    model: String,
    #[serde(default)]
    shape: Shape,
    #[serde(default)]
    data: Data,
}

#[derive(Deserialize, Default)]
struct Shape {
    batch: usize,
    steps: usize,
}

#[derive(Deserialize, Default)]
struct Data {
    x: String,
    targets: String,
    lengths: Option<String>,
}

/// What a worker has been asked to repeat.
enum Work {
    Peak { set: InstructionSet, threads: usize },
    Gradients { trainer: Box<Trainer>, names: Vec<(String, usize)>, batch: Vec<u32> },
    Steps { trainer: Box<Trainer> },
}

/// Of each thread, between two looks at the clock: some 30 ms of work, beside which starting a thread is nothing.
const PEAK_ROUNDS: usize = 5_000_000;

fn main() -> Outcome<()> {
    let mut work = None;
    for line in std::io::stdin().lock().lines() {
        let answer = answer(&line?, &mut work).map_or_else(
            |error| json!({ "ok": false, "error": error.to_string() }),
            |value| json!({ "ok": true, "value": value }),
        );
        let mut output = std::io::stdout().lock();
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn answer(line: &str, work: &mut Option<Work>) -> Outcome<Value> {
    match serde_json::from_str(line)? {
        Request::Load { job } => {
            let (isa, loaded) = load(&job)?;
            *work = Some(loaded);
            Ok(json!({ "isa": isa }))
        }
        Request::Check { into } => check(work.as_mut().ok_or("load a job first")?, &into),
        Request::Run { count, times } => {
            let work = work.as_mut().ok_or("load a job first")?;
            let mut milliseconds = Vec::with_capacity(times);
            for _ in 0..times {
                let start = Instant::now();
                for _ in 0..count {
                    run(work)?;
                }
                milliseconds.push(start.elapsed().as_secs_f64() * 1e3 / count as f64);
            }
            Ok(json!(milliseconds))
        }
    }
}

fn load(job: &Job) -> Outcome<(&'static str, Work)> {
    let set = InstructionSet::choose()?;
    if job.operation == "peak" {
        return Ok((set.name(), Work::Peak { set, threads: job.threads as usize }));
    }
    let machine = MachineOptions { threads: Some(job.threads), instruction_set: Some(set) };
    let model = Model::load(&std::fs::read(&job.model)?, machine)?;
    let description = model.describe();
    let options = format!(r#"{{"epochs":1000000,"batchSize":{},"shuffle":false,"clipNorm":1}}"#, job.shape.batch);
    let options = TrainingOptions::from_json(&options)?;
    let mut trainer = Box::new(Trainer::new(description.definition, machine, model.weights(), options)?);
    let numbers = |path: &str| Ok::<_, std::io::Error>(words(&std::fs::read(path)?));
    let lengths = job.data.lengths.as_deref().map(numbers).transpose()?;
    let x: Vec<f32> = numbers(&job.data.x)?.into_iter().map(f32::from_bits).collect();
    trainer.set_training(&x, job.shape.steps, lengths.as_deref(), Targets::classes(&numbers(&job.data.targets)?))?;
    trainer.start()?;
    let work = match job.operation.as_str() {
        "forward and backward" => {
            let names = description.tensors.into_iter().filter(|tensor| tensor.trained);
            let names = names.map(|tensor| (tensor.name, tensor.length)).collect();
            Work::Gradients { trainer, names, batch: (0..job.shape.batch as u32).collect() }
        }
        "training step" => Work::Steps { trainer },
        other => return Err(format!("the core's worker knows no operation \"{other}\"").into()),
    };
    Ok((set.name(), work))
}

/// The work once. Gives the floating-point operations where that is what is asked for, else 0.
fn run(work: &mut Work) -> Outcome<usize> {
    match work {
        Work::Peak { set, threads } => {
            let set = *set;
            let operations = std::thread::scope(|scope| {
                let others: Vec<_> =
                    (1..*threads).map(|_| scope.spawn(move || multiply_add_rounds(set, PEAK_ROUNDS))).collect();
                let own = multiply_add_rounds(set, PEAK_ROUNDS);
                own + others.into_iter().map(|thread| thread.join().expect("it only multiplies")).sum::<usize>()
            });
            return Ok(operations);
        }
        Work::Gradients { trainer, batch, .. } => drop(trainer.differentiate(batch)?),
        Work::Steps { trainer } => drop(trainer.advance(1)?),
    }
    Ok(0)
}

/// Results for comparison, as f32 in a file, one tensor after the other.
fn check(work: &mut Work, into: &str) -> Outcome<Value> {
    if let Work::Peak { .. } = work {
        return Ok(json!({ "tensors": [], "operations": run(work)? }));
    }
    let mut tensors: Vec<(String, usize)> = Vec::new();
    let mut bytes: Vec<u8> = Vec::new();
    let mut add = |name: String, numbers: &[f32]| {
        tensors.push((name, numbers.len()));
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    };
    match work {
        Work::Gradients { trainer, names, batch } => {
            add("loss".to_owned(), &[trainer.differentiate(batch)?]);
            let mut gradients = trainer.gradients();
            for (name, length) in names {
                let (own, rest) = gradients.split_at(*length);
                add(name.clone(), own);
                gradients = rest;
            }
        }
        Work::Steps { trainer } => add("losses".to_owned(), &trainer.advance(CHECKED_STEPS)?.losses),
        Work::Peak { .. } => {}
    }
    std::fs::write(into, bytes)?;
    let tensors: Vec<_> = tensors.iter().map(|(name, length)| json!({ "name": name, "length": length })).collect();
    Ok(json!({ "tensors": tensors }))
}

/// As in `bench/workers/protocol.ts`.
const CHECKED_STEPS: u32 = 4;

fn words(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
}

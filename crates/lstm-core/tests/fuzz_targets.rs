//! The fuzzer's targets without the fuzzer: every seed, and some thousand mutations of them, always the same. `npm run verify` has
//! libFuzzer go further, from the same seeds.

#[path = "../fuzz/src/targets.rs"]
mod targets;

use std::fs;
use std::path::Path;

use lstm_core::Model;
use lstm_core::formats::header;
use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::random::{RandomStream, Stream};
use lstm_core::training::optimizer_state::OptimizerContents;
use lstm_core::training::options::TrainingOptions;
use serde_json::{Value, json};

/// Mutations of each target's seeds.
const MUTATIONS: u32 = 30_000;

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

fn check(target: &str) {
    let (_, run) = targets::ALL.into_iter().find(|(name, _)| *name == target).unwrap();
    let seeds = seeds(target);
    assert!(seeds.len() > 2, "{target} has seeds");
    for seed in &seeds {
        run(seed);
    }
    let mut random = RandomStream::new(1, Stream::Shuffling);
    for _ in 0..MUTATIONS {
        let mut bytes = seeds[random.below(seeds.len() as u32) as usize].clone();
        for _ in 0..=random.below(3) {
            mutate(&mut bytes, &mut random, &seeds);
        }
        run(&bytes);
    }
}

/// Changes one thing, as fuzzers do.
fn mutate(bytes: &mut Vec<u8>, random: &mut RandomStream, seeds: &[Vec<u8>]) {
    const NUMBERS: [&str; 8] = ["0", "-1", "1e999", "1e-9", "null", "4294967295", "4294967296", "18446744073709551615"];
    let mut place = |length: usize| random.below(length.max(1) as u32) as usize;
    if bytes.is_empty() {
        return bytes.push(b'{');
    }
    let at = place(bytes.len());
    let end = at + place((bytes.len() - at).min(40));
    match place(7) {
        0 => bytes[at] ^= 1 << place(8),
        1 => bytes[at] = place(256) as u8,
        2 => bytes.truncate(at),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        5 => {
            let other = &seeds[place(seeds.len())];
            let from = place(other.len());
            bytes.splice(at..end, other[from..].iter().copied().take(end - at + 8));
        }
        // A number of the JSON becomes another.
        _ => {
            let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit).map(|offset| at + offset) else { return };
            let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            bytes.splice(start..start + digits, NUMBERS[place(NUMBERS.len())].bytes());
        }
    }
}

#[test]
fn model_files() {
    check("model");
}

#[test]
fn headers() {
    check("header");
}

#[test]
fn checkpoints() {
    check("checkpoint");
}

/// Places and counts that no run comes to, in a checkpoint that is sound in all else: chance takes long to write these.
#[test]
fn checkpoints_of_no_run() {
    let position = |phase: &str, start: u32, first: u32| json!({ "phase": phase, "epoch": 0, "visit": 0, "chunk": 0, "epochs": 0, "early": false, "start": start, "first": first });
    let mut changes = vec![
        ("best", json!({ "epoch": 9, "value": 0.0, "stale": u32::MAX })),
        ("step", json!(u32::MAX)),
        ("step", json!(i32::MAX)),
        ("streams", json!({ "shuffling": u64::MAX, "dropout": u64::MAX })),
        ("totals", json!({ "sum": 1e300, "weight": 0.0, "correct": u64::MAX, "counted": u64::MAX })),
        ("pending", json!([1, { "sum": 1e300, "weight": -1.0, "correct": u64::MAX, "counted": 0 }])),
        (
            "update",
            json!({ "steps": u32::MAX, "learningRate": -1.0, "plateau":
            { "rate": 1e300, "best": -1e300, "waited": u32::MAX, "cooling": u32::MAX } }),
        ),
    ];
    for phase in ["training", "validation", "scaling", "finished"] {
        changes.extend(
            [0, 1, 2, 3, 4, 1000]
                .iter()
                .flat_map(|&start| [0, 1, 2, 3].map(|first| ("position", position(phase, start, first)))),
        );
    }
    for seed in seeds("checkpoint") {
        for (field, value) in &changes {
            targets::checkpoint(&with_run(&seed, |run| run[*field] = value.clone()));
        }
    }
}

/// The checkpoint with its run changed; the checksum is no longer right.
fn with_run(file: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let length = u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    let mut header: Value = serde_json::from_slice(&file[8..8 + length]).unwrap();
    let text = &mut header["__metadata__"]["gatewise.checkpoint"];
    let mut saved: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
    let mut run = serde_json::from_str(saved["run"].as_str().unwrap()).unwrap();
    change(&mut run);
    saved["run"] = json!(run.to_string());
    *text = json!(saved.to_string());
    let header = header.to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &file[8 + length..]].concat()
}

#[test]
fn definitions() {
    check("definition");
}

#[test]
fn training_options() {
    check("options");
}

#[test]
fn states_of_optimisers() {
    check("optimizer");
}

/// Else mutations would stop at the first check.
#[test]
fn seeds_are_what_is_written_today() {
    let machine = MachineOptions::default();
    let text = |seed: &[u8]| String::from_utf8(seed.to_vec()).unwrap();
    let accepted = |target: &str, seed: &[u8]| match target {
        "model" => Model::load(seed, machine).is_ok(),
        "header" => header::read(seed, seed.len() as f64).is_ok(),
        "checkpoint" => targets::RUNS.iter().any(|run| run.trainer().resume(seed).is_ok()),
        "definition" => ModelDefinition::from_json(&text(seed)).is_ok(),
        "options" => TrainingOptions::from_json(&text(seed)).is_ok(),
        _ => OptimizerContents::from_json(&text(seed)).is_ok(),
    };
    for (target, _) in targets::ALL {
        let all = seeds(target).iter().all(|seed| accepted(target, seed));
        assert!(all, "write the seeds of {target} anew: cargo run -p lstm-core --example fuzz_seeds");
    }
}

#[test]
fn every_target_is_run() {
    let named = ["model", "header", "checkpoint", "definition", "options", "optimizer"];
    assert_eq!(targets::ALL.map(|(name, _)| name), named);
}

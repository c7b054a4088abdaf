//! The fuzzer's targets without the fuzzer: every seed, and some thousand mutations of them, always the same. `npm run verify` has
//! libFuzzer go further, from the same seeds.

#[path = "../fuzz/src/targets.rs"]
mod targets;

use std::fs;
use std::path::Path;

use lstm_core::random::{RandomStream, Stream};

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

#[test]
fn definitions() {
    check("definition");
}

#[test]
fn training_options() {
    check("options");
}

#[test]
fn every_target_is_run() {
    let named = ["model", "header", "checkpoint", "definition", "options"];
    assert_eq!(targets::ALL.map(|(name, _)| name), named);
}

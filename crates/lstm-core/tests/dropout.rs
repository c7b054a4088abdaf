//! What training drops: a model's gradients under masks, which the test draws again from the same stream, against the
//! oracle's tape; and predictions, which drop nothing.

mod common;

use common::error;
use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::{DirectionTensors, LayerDefinition, ModelDefinition};
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::parameters::Layout;
use lstm_core::network::targets::Targets;
use lstm_core::random::{RandomStream, Stream};
use lstm_core::reference::{Batch, DirectionWeights, Masks, Scalar, Tape, Variable, cross_entropy, direction, linear};
use lstm_core::training::options::TrainingOptions;
use lstm_core::{Model, Trainer};

const SEED: u32 = 11;
const SAMPLES: usize = 6;
const STEPS: usize = 4;
const FEATURES: usize = 3;

/// As in `layer.rs`.
const BOUND: f64 = 8e-6;

fn definition() -> ModelDefinition {
    ModelDefinition::from_json(&format!(
        r#"{{"input":{{"features":{FEATURES}}},
            "layers":[
                {{"cell":"lstm","units":5,"recurrentDropout":0.5,"weightDropout":0.25,"zoneout":{{"hidden":0.25,"cell":0.5}}}},
                {{"cell":"gru","units":4,"recurrentDropout":0.25,"bidirectional":true}},
                {{"cell":"rnn","units":7,"weightDropout":0.5,"zoneout":{{"hidden":0.125}}}}
            ],
            "output":{{"classes":["a","b","c"]}},"seed":{SEED}}}"#
    ))
    .unwrap()
}

fn data() -> (Vec<f32>, Vec<u32>) {
    let x = (0..SAMPLES * STEPS * FEATURES).map(|v| ((v * 37 % 101) as f32 - 50.0) / 50.0).collect();
    (x, (0..SAMPLES as u32).map(|sample| sample % 3).collect())
}

fn trainer(set: InstructionSet, threads: u32) -> Trainer {
    let machine = MachineOptions { threads: Some(threads), instruction_set: Some(set) };
    let weights = Model::new(definition(), machine).unwrap().weights().to_vec();
    let options = TrainingOptions::from_json(r#"{"epochs":2,"batchSize":6,"shuffle":false}"#).unwrap();
    let mut trainer = Trainer::new(definition(), machine, &weights, options).unwrap();
    let (x, targets) = data();
    trainer.set_training(&x, STEPS, None, Targets::classes(&targets)).unwrap();
    trainer.start().unwrap();
    trainer
}

/// A stream's next mask: rows of numbers that are `hit` at this rate, else `miss`.
fn mask(random: &mut RandomStream, rate: f32, rows: usize, columns: usize, values: [f32; 2]) -> Vec<f64> {
    let mut mask = vec![0.0; if rate > 0.0 { columns } else { 0 }];
    let mut row = || {
        random.mask(&mut mask, rate, values);
        mask.iter().map(|&value| f64::from(value)).collect::<Vec<_>>()
    };
    (0..rows).flat_map(|_| row()).collect()
}

fn dropped(rate: f32) -> [f32; 2] {
    [0.0, 1.0 / (1.0 - rate)]
}

/// Packed rows, step by step, as rows of samples.
fn by_sample(packed: &[f64], columns: usize) -> Vec<f64> {
    let places = (0..SAMPLES).flat_map(|sample| (0..STEPS).map(move |step| step * SAMPLES + sample));
    places.filter_map(|place| packed.get(place * columns..(place + 1) * columns)).flatten().copied().collect()
}

/// Under the masks of one direction's pass, in the order in which training draws them.
fn masks(random: &mut RandomStream, layer: &LayerDefinition) -> Masks {
    let (states, units) = (layer.hidden_size(), layer.units as usize);
    let keep = [1.0, 0.0];
    let rate = layer.recurrent_dropout;
    let recurrent = mask(random, rate, SAMPLES, states, dropped(rate));
    let packed = STEPS * SAMPLES;
    let keep_hidden = by_sample(&mask(random, layer.zoneout.hidden, packed, states, keep), states);
    let keep_cell = by_sample(&mask(random, layer.zoneout.cell, packed, units, keep), units);
    Masks { recurrent, keep_hidden, keep_cell }
}

/// The loss of a training step by the oracle.
fn loss<S: Scalar>(weights: &[S]) -> S {
    let definition = definition();
    let layout = Layout::of(&definition);
    let mut random = RandomStream::new(SEED, Stream::Dropout);
    let mut weight_masks = Vec::new();
    for layer in layout.layers() {
        for ranges in &layer.directions {
            let rate = layer.definition.weight_dropout;
            weight_masks.push(mask(&mut random, rate, 1, ranges.weight_hh.len(), dropped(rate)));
        }
    }
    let mut weight_masks = weight_masks.into_iter();
    let (x, targets) = data();
    let mut input: Vec<S> = x.iter().map(|&value| S::from(f64::from(value))).collect();
    let mut last = Vec::new();
    for layer in layout.layers() {
        let states = layer.definition.hidden_size();
        let outputs = layer.directions.iter().enumerate().map(|(which, ranges)| {
            let mut tensors = DirectionTensors::shapes(&layer.definition, layer.input_size).named();
            let tensors = tensors.drain(..).zip(ranges.iter().filter(|range| !range.is_empty()));
            let mut tensors: Vec<_> =
                tensors.map(|((name, _), range)| (name, weights[range.clone()].to_vec())).collect();
            for (weight, mask) in tensors[1].1.iter_mut().zip(weight_masks.next().unwrap()) {
                *weight = *weight * S::from(mask);
            }
            let weights = DirectionWeights { tensors: tensors.into_iter().collect() };
            let zeros = vec![S::from(0.0); SAMPLES * states];
            let c0 = if weights.get("bias_ih").len() == 4 * states { &zeros[..] } else { &[] };
            let batch = Batch { x: &input, lengths: &[STEPS; SAMPLES], steps: STEPS, h0: &zeros, c0 };
            direction(&layer.definition, &weights, &masks(&mut random, &layer.definition), batch, which == 1)
        });
        let outputs: Vec<_> = outputs.collect();
        let beside = |of: fn(&lstm_core::reference::DirectionOutput<S>) -> &Vec<S>, rows: usize| -> Vec<S> {
            (0..rows)
                .flat_map(|row| outputs.iter().flat_map(move |out| of(out)[row * states..][..states].to_vec()))
                .collect()
        };
        last = beside(|output| &output.h_n, SAMPLES);
        input = beside(|output| &output.hidden, SAMPLES * STEPS);
    }
    let head = layout.head();
    let logits = linear(&weights[head.weight.clone()], &weights[head.bias.clone()], &last);
    cross_entropy(&logits, &targets.iter().map(|&target| target as usize).collect::<Vec<_>>())
}

#[test]
fn gradients_under_masks_are_the_tapes() {
    for set in InstructionSet::available() {
        let mut trainer = trainer(set, 1);
        let tape = Tape::new();
        let weights: Vec<Variable> = trainer.weights().iter().map(|&weight| tape.variable(f64::from(weight))).collect();
        let exact = loss(&weights);
        let gradients = tape.gradients(exact).of(&weights);
        let found = trainer.advance(1).unwrap().losses;
        assert!((f64::from(found[0]) - exact.value()).abs() < 1e-6, "{set:?}: {found:?}, {}", exact.value());
        for tensor in Layout::of(&definition()).tensors() {
            let error = error(&trainer.gradients()[tensor.range()], &gradients[tensor.range()]);
            assert!(error <= BOUND, "{set:?}: gradient of {}: {error:.1e}", tensor.name);
        }
    }
}

#[test]
fn a_seed_drops_the_same_on_any_number_of_threads_and_something_else_at_each_step() {
    let mut runs = [1, 2, 4].map(|threads| trainer(InstructionSet::choose().unwrap(), threads));
    let losses = runs.each_mut().map(|trainer| trainer.advance(2).unwrap().losses);
    assert_eq!(losses[0], losses[1]);
    assert_eq!(losses[0], losses[2]);
    assert_eq!(runs[0].weights(), runs[2].weights());
    // Without a step in between, only the masks differ.
    let mut frozen = trainer(InstructionSet::choose().unwrap(), 1);
    let all: Vec<u32> = (0..SAMPLES as u32).collect();
    let undropped = frozen.differentiate(&all).unwrap();
    assert_ne!(undropped, losses[0][0]);
    assert_eq!(undropped, frozen.differentiate(&all).unwrap(), "differentiating drops nothing");
}

//! Numbers at the ends of f32, against the oracle, whose f64 overflows nowhere here: subnormal, huge and infinite inputs,
//! weights and states. What is not finite comes out exactly where it does there, and stays in its own sequence.
//!
//! Left out is what f32 cannot say: a sum that overflows on its way to a finite value, and a gradient beyond 3.4e38. So a
//! row of weights here has at most one huge product.

mod common;

use common::case::Case;
use common::error;
use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::ModelDefinition;
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::parameters::Layout;
use lstm_core::network::targets::Targets;
use lstm_core::random::{RandomStream, Stream};
use lstm_core::reference::{LayerWeights, linear, lstm, softmax};
use lstm_core::training::options::TrainingOptions;
use lstm_core::{Model, Trainer};

/// As in `layer.rs`.
const BOUND: f64 = 8e-6;

/// Huge numbers: a product of two of the smaller ones is finite in f32 with neither, with the larger ones infinite.
const HUGE: [f32; 2] = [1e30, 3e38];

/// Batches, inputs and units: one row, whose input products are computed ahead, a tile and a bit, padded units and none.
const SHAPES: [(usize, usize, usize); 4] = [(1, 5, 17), (3, 3, 7), (7, 17, 33), (20, 4, 16)];

fn cases() -> impl Iterator<Item = Case> {
    SHAPES.into_iter().flat_map(|(batch, input_size, units)| {
        let case = Case::with_steps(batch, 6, input_size, units);
        [case.reversed(), case]
    })
}

/// Fails unless every number is the oracle's: NaN, infinite of the same sign, or as close as f32 comes.
#[track_caller]
fn assert_same(what: &str, actual: &[f32], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len());
    for (index, (&a, &b)) in actual.iter().zip(expected).enumerate() {
        let same = if b.is_finite() {
            (f64::from(a) - b).abs() <= BOUND * b.abs().max(1.0)
        } else {
            (a.is_nan() && b.is_nan()) || f64::from(a) == b
        };
        assert!(same, "{what}: number {index} is {a:e} instead of {b:e}");
    }
}

fn check_states(case: &Case, what: &str) {
    let exact = case.exact();
    for set in InstructionSet::available() {
        let output = case.forward(&mut case.layer(set, 1));
        for (actual, expected) in [&output.hidden, &output.final_hidden, &output.final_cell].into_iter().zip(&exact) {
            assert_same(&format!("{what}: {set:?}, {}", case.name()), actual, expected);
        }
    }
}

fn check_gradients(case: &Case, what: &str) {
    let exact = case.exact_gradients();
    for set in InstructionSet::available() {
        let mut layer = case.layer(set, 1);
        case.forward(&mut layer);
        for ((name, actual), expected) in case.named(&case.backward(&mut layer)).into_iter().zip(&exact) {
            let error = error(actual, expected);
            assert!(error <= BOUND, "{what}: {set:?}, {}: gradient of {name}: {error:.1e}", case.name());
        }
    }
}

/// One value of each row of `width` becomes ±`size`, another one in each row; every second row keeps its own.
fn enlarge(values: &mut [f32], width: usize, size: f32) {
    for (index, row) in values.chunks_mut(width).enumerate().step_by(2) {
        let value = &mut row[index % width];
        *value = size.copysign(*value);
    }
}

#[test]
fn huge_inputs_saturate_the_gates() {
    for (case, size) in cases().flat_map(|case| HUGE.map(|size| (case.clone(), size))) {
        let mut case = case;
        enlarge(&mut case.x, case.input_size, size);
        case.fill_padding(f32::NAN);
        check_states(&case, &format!("x of ±{size:e}"));
        check_gradients(&case, &format!("x of ±{size:e}"));
    }
}

#[test]
fn huge_weights_saturate_the_gates() {
    for (case, size) in cases().flat_map(|case| HUGE.map(|size| (case.clone(), size))) {
        for tensor in 0..4 {
            let mut case = case.clone();
            let width = [case.input_size, case.units, 1, 1][tensor];
            enlarge(case.tensor(tensor), width, size);
            check_states(&case, &format!("tensor {tensor} of ±{size:e}"));
            // Where h was 0, gates do not saturate and hand gradients of the weights' own size on to h; a few times
            // 3e38 is too much.
            if tensor != 1 || size < 1e38 {
                check_gradients(&case, &format!("tensor {tensor} of ±{size:e}"));
            }
        }
    }
}

#[test]
fn products_that_overflow_saturate_the_gates() {
    for mut case in cases() {
        // One input is huge, and so is its weight everywhere: every pre-activation is ±9e76.
        let input_size = case.input_size;
        for (row, values) in case.tensor(0).chunks_mut(input_size).enumerate() {
            values[0] = if row % 3 == 0 { -3e38 } else { 3e38 };
        }
        for (row, values) in case.x.chunks_mut(case.input_size).enumerate() {
            values[0] = [3e38, -3e38][row % 2];
        }
        case.fill_padding(f32::NAN);
        check_states(&case, "x and weights of ±3e38");
        check_gradients(&case, "x and weights of ±3e38");
    }
}

#[test]
fn huge_states_are_kept() {
    for (case, size) in cases().flat_map(|case| HUGE.map(|size| (case.clone(), size))) {
        let [mut hidden, mut cell] = [case.clone(), case];
        enlarge(&mut hidden.h0, hidden.units, size);
        check_states(&hidden, &format!("h0 of ±{size:e}"));
        check_gradients(&hidden, &format!("h0 of ±{size:e}"));
        enlarge(&mut cell.c0, cell.units, size);
        check_states(&cell, &format!("c0 of ±{size:e}"));
        // Gradients of the gates are multiples of c0, and summed up over the batch.
        cell.final_cell.iter_mut().for_each(|value| *value *= 1e-3);
        check_gradients(&cell, &format!("c0 of ±{size:e}"));
    }
}

#[test]
fn infinite_states_saturate_the_gates_or_are_kept() {
    for case in cases() {
        let [mut hidden, mut cell] = [case.clone(), case];
        enlarge(&mut hidden.h0, hidden.units, f32::INFINITY);
        check_states(&hidden, "h0 of ±∞");
        enlarge(&mut cell.c0, cell.units, f32::INFINITY);
        check_states(&cell, "c0 of ±∞");
    }
}

#[test]
fn nan_comes_out_where_the_oracle_has_it_and_stays_in_its_sequence() {
    for case in cases() {
        // ∞ − ∞ in those gates whose weights of both have the wrong signs.
        let mut opposite = case.clone();
        opposite.h0[..2].copy_from_slice(&[f32::INFINITY, f32::NEG_INFINITY]);
        check_states(&opposite, "h0 of +∞ and −∞");
        for tensor in 0..2 {
            let mut case = case.clone();
            [&mut case.h0, &mut case.c0][tensor][case.units / 2] = f32::NAN;
            check_states(&case, &format!("NaN in {}", ["h0", "c0"][tensor]));
        }
    }
}

/// Changes every tensor of a case, cotangents too.
fn each(case: &mut Case, change: impl FnMut(&mut Vec<f32>)) {
    let Case { weights, x, h0, c0, hidden, final_hidden, final_cell, .. } = case;
    [weights, x, h0, c0, hidden, final_hidden, final_cell].into_iter().for_each(change);
}

/// Where processors have a mode for it (`kernels/subnormals.rs`).
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[test]
fn subnormal_numbers_are_zero() {
    for mut case in cases() {
        // Against 3e38 even a subnormal weight would count: 0.3.
        case.x.iter_mut().step_by(case.input_size).for_each(|value| *value = 3e38);
        let with = |size: f32| {
            let mut case = case.clone();
            each(&mut case, |values| {
                values.iter_mut().skip(1).step_by(2).for_each(|value| *value = size.copysign(*value));
            });
            let input_size = case.input_size;
            case.tensor(0).iter_mut().step_by(input_size).for_each(|weight| *weight = size.copysign(*weight));
            case.fill_padding(f32::NAN);
            case
        };
        let (subnormal, zero) = (with(1e-39), with(0.0));
        for set in InstructionSet::available() {
            let [mut actual, mut expected] = [&subnormal, &zero].map(|case| case.layer(set, 1));
            assert_eq!(subnormal.forward(&mut actual), zero.forward(&mut expected), "{set:?}, {}", case.name());
            assert_eq!(subnormal.backward(&mut actual), zero.backward(&mut expected), "{set:?}, {}", case.name());
        }
        check_states(&zero, "zeros");
    }
}

#[test]
fn tiny_numbers_count_for_what_they_are() {
    // From the normal numbers at the lower end to those below them; results are of that size too.
    for (case, size) in cases().flat_map(|case| [1e-30, 1e-37, 1e-39].map(|size| (case.clone(), size))) {
        let mut case = case;
        each(&mut case, |values| values.iter_mut().for_each(|value| *value *= size));
        check_states(&case, &format!("all of {size:e}"));
        check_gradients(&case, &format!("all of {size:e}"));
    }
}

const FEATURES: usize = 3;
const STEPS: usize = 5;

fn definition(scaling: &str) -> ModelDefinition {
    let json = format!(
        r#"{{"input":{{"features":{FEATURES},"scaling":"{scaling}"}},"layers":[{{"cell":"lstm","units":9}}],
            "output":{{"classes":["a","b","c"]}},"seed":5}}"#
    );
    ModelDefinition::from_json(&json).unwrap()
}

/// Sequences of which every second step has one huge feature.
fn huge_features(samples: usize) -> Vec<f32> {
    let mut random = RandomStream::new(2, Stream::Shuffling);
    let mut x: Vec<f32> = (0..samples * STEPS * FEATURES).map(|_| random.uniform(-1.0, 1.0)).collect();
    enlarge(&mut x, FEATURES, 3e38);
    x
}

/// The oracle's probabilities for the model's weights and features that are scaled already.
fn exact_probabilities(definition: &ModelDefinition, weights: &[f32], x: &[f64]) -> Vec<f64> {
    let layout = Layout::of(definition);
    let tensor = |name: &str| -> Vec<f64> {
        let tensor = layout.tensors().iter().find(|tensor| tensor.name == name).expect("the layout has the tensor");
        weights[tensor.range()].iter().copied().map(f64::from).collect()
    };
    let [weight_ih, weight_hh, bias_ih, bias_hh] =
        ["weight_ih", "weight_hh", "bias_ih", "bias_hh"].map(|name| tensor(&format!("layers.0.{name}_l0")));
    let units = bias_ih.len() / 4;
    let layer = LayerWeights { input_size: FEATURES, units, weight_ih, weight_hh, bias_ih, bias_hh };
    let batch = x.len() / (STEPS * FEATURES);
    let zeros = vec![0.0; batch * units];
    let output = lstm(&layer, x, &vec![STEPS; batch], STEPS, &zeros, &zeros);
    softmax(&linear(&tensor("output.weight"), &tensor("output.bias"), &output.h_n), 3)
}

/// The probabilities of a model on every instruction set, all at once and, for the first sample, step by step.
fn check_model(what: &str, definition: &ModelDefinition, weights: &[f32], x: &[f32], expected: &[f64]) {
    assert!(expected.iter().any(|p| (p - 1.0 / 3.0).abs() > 0.01), "{what}: the hidden states are not all 0");
    for set in InstructionSet::available() {
        let machine = MachineOptions { threads: Some(1), instruction_set: Some(set) };
        let mut model = Model::new(definition.clone(), machine).unwrap();
        model.commit(weights).unwrap();
        let mut probabilities = vec![0.0; expected.len()];
        model.run(x, None, None, &mut probabilities).unwrap();
        assert_same(&format!("{what} on {set:?}"), &probabilities, expected);
        let stream = model.open_stream(None).unwrap();
        let mut y = [0.0; 3];
        for features in x.chunks(FEATURES).take(STEPS) {
            model.next_step(stream, features, &mut y).unwrap();
        }
        assert_same(&format!("{what} on {set:?}, step by step"), &y, &expected[..3]);
    }
}

fn initial_weights(definition: &ModelDefinition) -> Vec<f32> {
    Model::new(definition.clone(), MachineOptions::default()).unwrap().weights().to_vec()
}

#[test]
fn a_model_predicts_from_huge_features() {
    let (definition, x) = (definition("none"), huge_features(8));
    let weights = initial_weights(&definition);
    let wide: Vec<f64> = x.iter().copied().map(f64::from).collect();
    check_model("huge features", &definition, &weights, &x, &exact_probabilities(&definition, &weights, &wide));
}

#[test]
fn features_that_scaling_makes_huge_saturate_the_gates() {
    let (definition, mut x) = (definition("standard"), vec![0.0; 8 * STEPS * FEATURES]);
    let mut random = RandomStream::new(3, Stream::Shuffling);
    x.fill_with(|| random.uniform(-1.0, 1.0));
    let layout = Layout::of(&definition);
    let scaling = layout.scaling().unwrap();
    // One feature of the three leaves f32: by its mean and its deviation, or by a deviation whose reciprocal does.
    for (first, means, deviations) in [(3e38, [-1e38, 0.0, 0.5], [1e-3, 0.5, 1.0]), (1.0, [0.0; 3], [1.0, 0.5, 1e-39])]
    {
        x.iter_mut().step_by(2 * FEATURES).for_each(|value| *value = first);
        let mut weights = initial_weights(&definition);
        weights[scaling.mean.clone()].copy_from_slice(&means);
        weights[scaling.deviation.clone()].copy_from_slice(&deviations);
        let [means, deviations] = [means, deviations].map(|values| values.map(f64::from));
        let scale = |(index, &value)| (f64::from(value) - means[index % 3]) / deviations[index % 3];
        let scaled: Vec<f64> = x.iter().enumerate().map(scale).collect();
        let expected = exact_probabilities(&definition, &weights, &scaled);
        check_model(&format!("deviations {deviations:?}"), &definition, &weights, &x, &expected);
    }
}

#[test]
fn logits_that_overflow_decide_for_their_class() {
    let definition = definition("none");
    let layout = Layout::of(&definition);
    let mut weights = initial_weights(&definition);
    // Every hidden unit is near 1, counts for the first class and against the third, beyond all bounds.
    let head = layout.head().weight.clone();
    for (class, rows) in weights[head].chunks_mut(9).enumerate() {
        rows.fill([3e38, 0.0, -3e38][class]);
    }
    let gates = layout.layer(0).directions[0].bias_ih.clone();
    weights[gates].fill(30.0);
    let x = [0.5; 8 * STEPS * FEATURES];
    let wide = x.map(f64::from);
    check_model("logits of ±∞", &definition, &weights, &x, &exact_probabilities(&definition, &weights, &wide));
}

#[test]
fn huge_features_do_not_stop_training() {
    for (set, scaling) in InstructionSet::available().into_iter().flat_map(|set| ["none", "standard"].map(|s| (set, s)))
    {
        let (definition, x) = (definition(scaling), huge_features(8));
        let machine = MachineOptions { threads: Some(1), instruction_set: Some(set) };
        let options = TrainingOptions::from_json(r#"{"epochs":4,"batchSize":8}"#).unwrap();
        let mut trainer = Trainer::new(definition.clone(), machine, &initial_weights(&definition), options).unwrap();
        trainer.set_training(&x, STEPS, None, Targets::classes(&[0, 1, 2, 0, 1, 2, 0, 1])).unwrap();
        trainer.start().unwrap();
        let losses = trainer.advance(4).unwrap().losses;
        assert!(losses.len() == 4 && losses[3] < losses[0], "{set:?}, scaling {scaling}: {losses:?}");
        assert!(trainer.gradients().iter().chain(trainer.weights()).all(|value| value.is_finite()), "{set:?}");
    }
}

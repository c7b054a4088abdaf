//! The oracle on trial: its values and gradients against `PyTorch`'s float64 numbers, its gradients against finite
//! differences of its own values, and padding against being read.

mod common;

use common::slopes::{Tensors, assert_gradients_are_slopes, gradients, on_tape};
use common::{Vectors, assert_close, cases, stacks, vectors};
use lstm_core::network::definition::{Activation, Cell, DirectionTensors, GateActivation, LayerDefinition};
use lstm_core::reference::{
    Adam, Batch, DirectionOutput, DirectionWeights, LayerWeights, Masks, Scalar, Tape, clip_by_global_norm,
    cross_entropy, direction, linear, lstm, softmax,
};
use proptest::prelude::*;

/// Against `PyTorch`: the same sums in another order, in f64. Each term is off by 1e-16 of itself and the longest sums
/// have some thousand terms of both signs, which makes some 1e-15 (as measured). 1e-12 leaves room for another libm;
/// a wrong term, a forgotten 1e-6 or an f32 on the way (6e-8) is far above it.
const ROUNDING: f64 = 1e-12;

/// Everything that the vectors hold a gradient for: the weights; of stacks also x and the initial states.
fn differentiable(vectors: &Vectors) -> Tensors<f64> {
    let names = vectors.names().filter_map(|name| name.strip_prefix("gradient."));
    names.map(|name| (name.to_owned(), vectors.get(name).to_vec())).collect()
}

/// Holds gradients to those of the vectors.
fn assert_gradients_equal_pytorch(vectors: &Vectors, gradients: &Tensors<f64>) {
    for (name, gradient) in gradients {
        let expected = vectors.get(&format!("gradient.{name}"));
        assert_close(&format!("{}: gradient of {name}", vectors.file()), gradient, expected, ROUNDING);
    }
}

/// The weights of one direction of a layer, under their mask if there is one.
fn weights<S: Scalar>(vectors: &Vectors, tensors: &Tensors<S>, k: usize, which: usize) -> DirectionWeights<S> {
    let definition = vectors.layer(k);
    let inputs = vectors.shape(&format!("layers.{k}.weight_ih_l0"))[1];
    let names = DirectionTensors::shapes(&definition, inputs).named().into_iter();
    let named = names.map(|(name, _)| (name, tensors[&format!("layers.{k}.{name}{}", SUFFIXES[which])].clone()));
    let mut weights = DirectionWeights { tensors: named.collect() };
    let mask = mask(vectors, k, "weight", which, definition.directions());
    for (weight, &factor) in weights.tensors.get_mut("weight_hh").unwrap().iter_mut().zip(&mask) {
        *weight = *weight * S::from(factor);
    }
    weights
}

const SUFFIXES: [&str; 2] = ["_l0", "_l0_reverse"];

/// One direction's part of a mask: a block of its own, or its columns of every step; empty where there is none.
fn mask(vectors: &Vectors, k: usize, name: &str, which: usize, directions: usize) -> Vec<f64> {
    let name = format!("layers.{k}.masks.{name}");
    if !vectors.has(&name) {
        return Vec::new();
    }
    let values = vectors.get(&name);
    let run = if name.contains("keep") { vectors.shape(&name)[2] } else { values.len() } / directions;
    values.chunks(run).skip(which).step_by(directions).flatten().copied().collect()
}

/// A whole layer: each direction of it, side by side in `hidden` and one after the other in the final states.
fn layer<S: Scalar>(
    vectors: &Vectors,
    tensors: &Tensors<S>,
    k: usize,
    (x, lengths, steps): (&[S], &[usize], usize),
    state: impl Fn(usize, &str) -> Option<Vec<S>>,
) -> DirectionOutput<S> {
    let definition = vectors.layer(k);
    let (n, directions, states) = (lengths.len(), definition.directions(), definition.hidden_size());
    let cells = if definition.cell == Cell::Lstm { definition.units as usize } else { 0 };
    let [h0, c0] = [("h0", states), ("c0", cells)]
        .map(|(name, size)| state(k, name).unwrap_or_else(|| vec![S::from(0.0); directions * n * size]));
    let outputs = (0..directions).map(|which| {
        let mask = |name: &str| mask(vectors, k, name, which, directions);
        let masks =
            Masks { recurrent: mask("recurrent"), keep_hidden: mask("keep_hidden"), keep_cell: mask("keep_cell") };
        let (h0, c0) = (&h0[which * n * states..][..n * states], &c0[which * n * cells..][..n * cells]);
        let batch = Batch { x, lengths, steps, h0, c0 };
        direction(&definition, &weights(vectors, tensors, k, which), &masks, batch, which == 1)
    });
    let outputs: Vec<DirectionOutput<S>> = outputs.collect();
    let rows =
        (0..n * steps).flat_map(|row| outputs.iter().flat_map(move |output| &output.hidden[row * states..][..states]));
    DirectionOutput {
        hidden: rows.copied().collect(),
        h_n: outputs.iter().flat_map(|output| output.h_n.clone()).collect(),
        c_n: outputs.iter().flat_map(|output| output.c_n.clone()).collect(),
    }
}

/// Every layer's output, each running over the one below from the initial states that `state` gives, or from zero.
fn run_layers<S: Scalar>(
    vectors: &Vectors,
    tensors: &Tensors<S>,
    x: &[S],
    (lengths, steps): (&[usize], usize),
    state: impl Fn(usize, &str) -> Option<Vec<S>>,
) -> Vec<DirectionOutput<S>> {
    let mut outputs: Vec<DirectionOutput<S>> = Vec::new();
    for k in 0..vectors.layers() {
        let x = outputs.last().map_or(x, |below| &below.hidden);
        outputs.push(layer(vectors, tensors, k, (x, lengths, steps), &state));
    }
    outputs
}

/// Every result of a stack of layers.
fn stack_outputs<S: Scalar>(vectors: &Vectors, tensors: &Tensors<S>) -> Tensors<S> {
    let state = |k: usize, name: &str| tensors.get(&format!("layers.{k}.{name}")).cloned();
    let [batch, steps, _] = *vectors.shape("x") else { panic!("x is [batch, steps, features]") };
    let lengths = if vectors.has("lengths") { vectors.indices("lengths") } else { vec![steps; batch] };
    let outputs = run_layers(vectors, tensors, &tensors["x"], (&lengths, steps), state).into_iter();
    let named = |(k, DirectionOutput { hidden, h_n, c_n })| {
        [("hidden", hidden), ("h_n", h_n), ("c_n", c_n)].map(|(name, tensor)| (format!("layers.{k}.{name}"), tensor))
    };
    outputs.enumerate().flat_map(named).filter(|(_, tensor)| !tensor.is_empty()).collect()
}

/// y = Σ cotangent · result over every result that has a cotangent.
fn stack_functional<S: Scalar>(vectors: &Vectors, tensors: &Tensors<S>) -> S {
    let mut y = S::from(0.0);
    for (name, result) in stack_outputs(vectors, tensors) {
        if vectors.names().any(|cotangent| cotangent.strip_prefix("cotangent.") == Some(&name)) {
            let cotangents = vectors.get(&format!("cotangent.{name}"));
            y = result.iter().zip(cotangents).fold(y, |y, (&element, &weight)| y + element * S::from(weight));
        }
    }
    y
}

/// The model's logits \[batch, classes\] for one of its batches.
fn model_logits<S: Scalar>(vectors: &Vectors, parameters: &Tensors<S>, batch: usize) -> Vec<S> {
    let [_, rows, steps, features] = *vectors.shape("x") else { panic!("x is [batches, batch, steps, features]") };
    let x: Vec<S> =
        vectors.get("x").chunks(rows * steps * features).nth(batch).unwrap().iter().map(|&x| S::from(x)).collect();
    let lengths = &vectors.indices("lengths")[batch * rows..][..rows];
    let top = run_layers(vectors, parameters, &x, (lengths, steps), |_, _| None).pop().unwrap();
    linear(&parameters["output.weight"], &parameters["output.bias"], &top.h_n)
}

/// The model's mean cross-entropy over one of its batches.
fn model_loss<S: Scalar>(vectors: &Vectors, parameters: &Tensors<S>, batch: usize) -> S {
    let rows = vectors.shape("targets")[1];
    cross_entropy(&model_logits(vectors, parameters, batch), &vectors.indices("targets")[batch * rows..][..rows])
}

#[test]
fn values_equal_pytorch() {
    for vectors in stacks() {
        let outputs = stack_outputs(&vectors, &differentiable(&vectors));
        let results = vectors.names().filter(|name| name.starts_with("layers.")).filter(|name| is_result(name));
        for name in results {
            let what = format!("{}: {name}", vectors.file());
            assert_close(&what, &outputs[name], vectors.get(name), ROUNDING);
        }
    }
}

/// Whether a tensor of the vectors is something that layers compute.
fn is_result(name: &str) -> bool {
    ["hidden", "h_n", "c_n"].iter().any(|result| name.ends_with(result)) && !name.contains("masks")
}

#[test]
fn gradients_equal_pytorch() {
    for vectors in stacks() {
        let tape = Tape::new();
        let tensors = on_tape(&differentiable(&vectors), &tape);
        let y = stack_functional(&vectors, &tensors);
        assert_gradients_equal_pytorch(&vectors, &gradients(y, &tensors, &tape));
    }
}

#[test]
fn the_models_loss_and_gradients_equal_pytorch() {
    let vectors = vectors("model");
    let tape = Tape::new();
    let parameters = on_tape(&differentiable(&vectors), &tape);
    let loss = model_loss(&vectors, &parameters, 0);
    let logits = model_logits(&vectors, &differentiable(&vectors), 0);
    assert_close("logits", &logits, vectors.get("logits"), ROUNDING);
    assert_close("loss", &[loss.value()], vectors.get("loss"), ROUNDING);
    assert_gradients_equal_pytorch(&vectors, &gradients(loss, &parameters, &tape));
}

#[test]
fn ten_steps_of_clipped_adam_equal_pytorch() {
    let vectors = vectors("model");
    let batches = vectors.shape("x")[0];
    let mut parameters = differentiable(&vectors);
    let setting = |name: &str| vectors.scalar(&format!("adam.{name}"));
    let mut adam = Adam::new(
        setting("learning_rate"),
        setting("beta1"),
        setting("beta2"),
        setting("epsilon"),
        parameters.values().map(Vec::len).sum(),
    );
    let (mut losses, mut norms) = (Vec::new(), Vec::new());
    for step in 0..10 {
        let tape = Tape::new();
        let variables = on_tape(&parameters, &tape);
        let loss = model_loss(&vectors, &variables, step % batches);
        let mut gradients = tape.gradients(loss).of(&variables.values().flatten().copied().collect::<Vec<_>>());
        losses.push(loss.value());
        norms.push(clip_by_global_norm(&mut gradients, vectors.scalar("clip_norm")));

        let mut flat: Vec<f64> = parameters.values().flatten().copied().collect();
        adam.step(&mut flat, &gradients);
        parameters.values_mut().flatten().zip(flat).for_each(|(parameter, moved)| *parameter = moved);
    }
    assert_close("losses", &losses, vectors.get("losses"), ROUNDING);
    assert_close("norms", &norms, vectors.get("norms"), ROUNDING);
    for (name, parameter) in &parameters {
        assert_close(name, parameter, vectors.get(&format!("trained.{name}")), ROUNDING);
    }
}

#[test]
fn gradients_equal_finite_differences() {
    let plain = ["layer-1-1-1-1", "layer-3-7-5-4", "ragged-3-6-2-16", "stack-4-8-6-9-5"].map(vectors);
    // A difference across a corner, of clipping and hard gates, is no slope.
    let smooth = |vectors: &Vectors| {
        let corners = |layer: LayerDefinition| {
            layer.cell_clip.is_some()
                || layer.gate_activation != GateActivation::Sigmoid
                || layer.activation == Activation::Relu
        };
        !(0..vectors.layers()).any(|k| corners(vectors.layer(k)))
    };
    for vectors in plain.into_iter().chain(cases("options").into_iter().filter(smooth)) {
        let name = vectors.file();
        let tensors = differentiable(&vectors);
        let tape = Tape::new();
        let variables = on_tape(&tensors, &tape);
        let gradients = gradients(stack_functional(&vectors, &variables), &variables, &tape);
        assert_gradients_are_slopes(name, &tensors, &gradients, |tensors| stack_functional(&vectors, tensors));
    }
    let vectors = vectors("model");
    let parameters = differentiable(&vectors);
    let tape = Tape::new();
    let variables = on_tape(&parameters, &tape);
    let gradients = gradients(model_loss(&vectors, &variables, 1), &variables, &tape);
    assert_gradients_are_slopes("model", &parameters, &gradients, |parameters| model_loss(&vectors, parameters, 1));
}

/// Every operation, in a chain, some operands used twice and some constant.
fn every_operation<S: Scalar>(tensors: &Tensors<S>) -> S {
    let [a, b] = tensors["v"][..] else { panic!("v is [2]") };
    let ratio = (a - S::from(3.0)) / (b * b + S::from(1.0));
    let curve = (a * b).tanh() * ratio.sigmoid() - (S::from(0.5) * b).exp();
    softmax(&[curve, ratio, a], 3)[1].ln() + S::from(2.0) / (a + b.exp()) + curve
}

proptest! {
    #[test]
    fn every_operations_gradient_is_its_slope(a in 0.5..2.0, b in -1.5..1.5) {
        let point = Tensors::from([("v".to_owned(), vec![a, b])]);
        let tape = Tape::new();
        let variables = on_tape(&point, &tape);
        let y = every_operation(&variables);
        assert_close("value", &[y.value()], &[every_operation(&point)], 0.0);
        assert_gradients_are_slopes("operations", &point, &gradients(y, &variables, &tape), every_operation);
    }

    #[test]
    fn padding_is_never_read(ragged in ragged()) {
        let Ragged { weights, x, lengths, steps, h0, c0 } = ragged;
        let (features, units) = (weights.input_size, weights.units);
        let mut poisoned = x.clone();
        for (n, &length) in lengths.iter().enumerate() {
            poisoned[(n * steps + length) * features..(n + 1) * steps * features].fill(f64::NAN);
        }

        // Each sequence cut to its length and run alone gives the same bits, and the padding of `hidden` is zero.
        let together = lstm(&weights, &poisoned, &lengths, steps, &h0, &c0);
        for (n, &length) in lengths.iter().enumerate() {
            let state = n * units..(n + 1) * units;
            let valid = &x[n * steps * features..][..length * features];
            let alone = lstm(&weights, valid, &[length], length, &h0[state.clone()], &c0[state.clone()]);
            let (hidden, padding) = together.hidden[n * steps * units..][..steps * units].split_at(length * units);
            assert_close("hidden", hidden, &alone.hidden, 0.0);
            assert_close("hidden's padding", padding, &vec![0.0; padding.len()], 0.0);
            assert_close("h_n", &together.h_n[state.clone()], &alone.h_n, 0.0);
            assert_close("c_n", &together.c_n[state], &alone.c_n, 0.0);
        }

        // The gradient is finite everywhere, zero in the padding, and what it is without NaN.
        let gradients = |x: &[f64]| {
            let tape = Tape::new();
            let (weights, x) = (weights.map(|number| tape.variable(number)), tape.variables(x));
            let output = lstm(&weights, &x, &lengths, steps, &tape.variables(&h0), &tape.variables(&c0));
            let y = [output.hidden, output.h_n, output.c_n].concat().into_iter().reduce(|y, result| y + result);
            let gradients = tape.gradients(y.unwrap());
            (gradients.of(&x), [gradients.of(&weights.weight_ih), gradients.of(&weights.weight_hh)].concat())
        };
        let (by_x, by_weights) = gradients(&poisoned);
        let (by_clean_x, by_clean_weights) = gradients(&x);
        for (n, &length) in lengths.iter().enumerate() {
            let padding = &by_x[(n * steps + length) * features..(n + 1) * steps * features];
            assert_close("gradient of the padding", padding, &vec![0.0; padding.len()], 0.0);
        }
        assert_close("gradient of x", &by_x, &by_clean_x, 0.0);
        assert_close("gradient of the weights", &by_weights, &by_clean_weights, 0.0);
    }
}

#[derive(Debug)]
struct Ragged {
    weights: LayerWeights<f64>,
    x: Vec<f64>,
    lengths: Vec<usize>,
    steps: usize,
    h0: Vec<f64>,
    c0: Vec<f64>,
}

/// Small batches of sequences of any lengths, 0 among them.
fn ragged() -> impl Strategy<Value = Ragged> {
    let numbers = |count: usize| prop::collection::vec(-2.0..2.0, count);
    (1..4_usize, 1..6_usize, 1..4_usize, 1..4_usize).prop_flat_map(move |(batch, steps, input_size, units)| {
        let weights =
            (numbers(4 * units * input_size), numbers(4 * units * units), numbers(4 * units), numbers(4 * units));
        let weights = weights.prop_map(move |(weight_ih, weight_hh, bias_ih, bias_hh)| LayerWeights {
            input_size,
            units,
            weight_ih,
            weight_hh,
            bias_ih,
            bias_hh,
        });
        let x = numbers(batch * steps * input_size);
        let lengths = prop::collection::vec(0..=steps, batch);
        (weights, x, lengths, numbers(batch * units), numbers(batch * units))
            .prop_map(move |(weights, x, lengths, h0, c0)| Ragged { weights, x, lengths, steps, h0, c0 })
    })
}

#[test]
fn probabilities_and_loss_survive_huge_logits() {
    let logits = [1000.0, 0.0, -1000.0];
    assert_close("probabilities", &softmax(&logits, 3), &[1.0, 0.0, 0.0], 0.0);
    assert_close("loss", &[cross_entropy(&logits, &[2])], &[2000.0], 0.0);
    assert_close("probabilities", &softmax(&[2.0, 2.0, 0.0, 3.0_f64.ln()], 2), &[0.5, 0.5, 0.25, 0.75], ROUNDING);
}

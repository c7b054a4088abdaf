//! The fast path against `PyTorch`'s float64 numbers: layers, stacks, and a whole training run, on every instruction
//! set of the machine. `vectors/generate.py` says what the vectors hold.

mod common;

use common::{Vectors, assert_close, error, stacks, vectors};
use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::{InputDefinition, ModelDefinition, OutputDefinition};
use lstm_core::network::description::LayerDescription;
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::parameters::Layout;
use lstm_core::network::targets::Targets;
use lstm_core::training::options::TrainingOptions;
use lstm_core::{
    Dropping, InputGradients, Layer, LayerInput, LayerOptions, LayerStates, Model, StateGradients, Trainer,
    TrainingMasks,
};

/// f32 against float64, of states: the terms of a sum, of both signs, are off by 6e-8 each, and errors go from step to step.
/// 1e-6 is the largest error measured.
const STATES: f64 = 2e-6;

/// The same of gradients, whose sums run over all steps of a batch: 4e-6 is the largest error measured.
const GRADIENTS: f64 = 5e-6;

/// Ten steps of Adam divide gradients by their own size, so that what is nearly zero keeps few of its digits: the
/// parameters, which a step moves by up to the learning rate, end up this close.
const TRAINED: f64 = 1e-4;

/// A layer of a stack with the weights of the vectors.
fn layer(vectors: &Vectors, k: usize, set: InstructionSet) -> Layer {
    let inputs = vectors.shape(&format!("layers.{k}.weight_ih_l0"))[1] as u32;
    let machine = MachineOptions { threads: Some(1), instruction_set: Some(set) };
    let mut layer =
        Layer::new(vectors.layer(k), LayerOptions { inputs, seed: 0, ..LayerOptions::default() }, machine).unwrap();
    let tensors = layer.describe().tensors.into_iter();
    let weights: Vec<f32> = tensors.flat_map(|tensor| vectors.f32(&format!("layers.{k}.{}", tensor.name))).collect();
    layer.commit(&weights).unwrap();
    layer
}

/// Holds what a stack's layers compute, whole layers chained by hand, to the vectors; gives the largest error of the states and
/// of the gradients.
fn check_stack(vectors: &Vectors, set: InstructionSet) -> [f64; 2] {
    let mut layers: Vec<Layer> = (0..vectors.layers()).map(|k| layer(vectors, k, set)).collect();
    let mut largest = [0.0f64; 2];
    let mut check = |which: usize, actual: &[f32], tensor: String| {
        // Lower layers of some cases have no hidden states, and those that begin from zero no gradient of that.
        let Some(error) = vectors.has(&tensor).then(|| error(actual, vectors.get(&tensor))) else { return };
        let bound = [STATES, GRADIENTS][which];
        assert!(error <= bound, "{} on {}: {tensor}: {error:.2e}", vectors.file(), set.name());
        largest[which] = largest[which].max(error);
    };
    let [batch, steps, _] = *vectors.shape("x") else { panic!("x is [batch, steps, features]") };
    let lengths: Option<Vec<u32>> =
        vectors.has("lengths").then(|| vectors.indices("lengths").iter().map(|&length| length as u32).collect());
    let mut x = vectors.f32("x");
    for (k, layer) in layers.iter_mut().enumerate() {
        let given = |name: &str| vectors.f32_if_there(&format!("layers.{k}.{name}"));
        let [h0, c0] = ["h0", "c0"].map(given);
        let masks = ["recurrent", "keep_hidden", "keep_cell", "weight"].map(|name| given(&format!("masks.{name}")));
        let [recurrent, keep_hidden, keep_cell, weight] = masks.each_ref().map(Option::as_deref);
        let trains = masks.iter().any(Option::is_some);
        let masks = TrainingMasks { recurrent, keep_hidden, keep_cell, weight };
        let input = LayerInput {
            x: &x,
            steps,
            lengths: lengths.as_deref(),
            initial_hidden: h0.as_deref(),
            initial_cell: c0.as_deref(),
            dropping: if trains { Dropping::Given(masks) } else { Dropping::Expected },
        };
        let mut states = Room::of(layer, batch, steps);
        layer.forward(input, states.of_states()).unwrap();
        let Room { hidden, h, c, .. } = states;
        for (what, actual) in [("hidden", &hidden), ("h_n", &h), ("c_n", &c)] {
            check(0, actual, format!("layers.{k}.{what}"));
        }
        x = hidden;
    }
    let mut hidden = vectors.f32(&format!("cotangent.layers.{}.hidden", layers.len() - 1));
    for (k, layer) in layers.iter_mut().enumerate().rev() {
        let cotangent = |what: &str| vectors.f32_if_there(&format!("cotangent.layers.{k}.{what}"));
        let [h, c] = ["h_n", "c_n"].map(cotangent);
        let from = StateGradients { hidden: Some(&hidden), final_hidden: h.as_deref(), final_cell: c.as_deref() };
        let mut room = Room::of(layer, batch, steps);
        let Room { x, weights, h, c, .. } = &mut room;
        layer.backward(from, InputGradients { x, weights, initial_hidden: h, initial_cell: c }).unwrap();
        for tensor in layer.describe().tensors {
            let expected = format!("gradient.layers.{k}.{}", tensor.name);
            assert!(vectors.has(&expected), "{} has no {expected}", vectors.file());
            check(1, &weights[tensor.range()], expected);
        }
        check(1, h, format!("gradient.layers.{k}.h0"));
        check(1, c, format!("gradient.layers.{k}.c0"));
        hidden = room.x;
    }
    check(1, &hidden, "gradient.x".into());
    largest
}

/// Room for what a layer computes over a batch.
struct Room {
    x: Vec<f32>,
    weights: Vec<f32>,
    hidden: Vec<f32>,
    h: Vec<f32>,
    c: Vec<f32>,
}

impl Room {
    fn of(layer: &Layer, batch: usize, steps: usize) -> Self {
        let LayerDescription { inputs, directions, hidden_size, cell_size, parameters, .. } = layer.describe();
        let filled = |sizes: &[u32]| vec![f32::NAN; sizes.iter().map(|&size| size as usize).product()];
        let (n, steps) = (batch as u32, steps as u32);
        Self {
            x: filled(&[n, steps, inputs]),
            weights: filled(&[parameters]),
            hidden: filled(&[n, steps, directions, hidden_size]),
            h: filled(&[directions, n, hidden_size]),
            c: filled(&[directions, n, cell_size]),
        }
    }

    fn of_states(&mut self) -> LayerStates<'_> {
        LayerStates { hidden: &mut self.hidden, final_hidden: &mut self.h, final_cell: &mut self.c }
    }
}

#[test]
fn layers_and_stacks_compute_what_pytorch_computes() {
    let all: Vec<Vectors> = stacks().collect();
    for set in InstructionSet::available() {
        let errors: Vec<[f64; 2]> = all.iter().map(|vectors| check_stack(vectors, set)).collect();
        let [states, gradients] = [0, 1].map(|which| errors.iter().map(|error| error[which]).fold(0.0, f64::max));
        println!("{}: {} stacks, states {states:.1e}, gradients {gradients:.1e}", set.name(), all.len());
    }
}

/// The model of the vectors: its definition and its weights as one flat vector; `prefix` names which.
fn model(vectors: &Vectors, prefix: &str) -> (ModelDefinition, Vec<f64>) {
    let [_, _, _, features] = *vectors.shape("x") else { panic!("x is [batches, batch, steps, features]") };
    let classes = (0..vectors.shape("output.bias")[0]).map(|class| class.to_string()).collect();
    let definition = ModelDefinition {
        input: InputDefinition::of_features(features as u32),
        layers: (0..vectors.layers()).map(|k| vectors.layer(k)).collect(),
        output: OutputDefinition::of_classes(classes),
        seed: 0,
        initialisation: None,
    };
    definition.validate().unwrap();
    let layout = Layout::of(&definition);
    let weights = layout.tensors().iter().flat_map(|tensor| vectors.get(&format!("{prefix}{}", tensor.name)).to_vec());
    (definition.clone(), weights.collect())
}

fn trainer(vectors: &Vectors, set: InstructionSet, threads: u32) -> Trainer {
    let (definition, weights) = model(vectors, "");
    let batch = vectors.shape("x")[1];
    let options = TrainingOptions::from_json(&format!(
        r#"{{"epochs":3,"batchSize":{batch},"shuffle":false,"clipNorm":{},
            "optimizer":{{"kind":"adam","learningRate":{},"beta1":{},"beta2":{},"epsilon":{}}}}}"#,
        vectors.scalar("clip_norm"),
        vectors.scalar("adam.learning_rate"),
        vectors.scalar("adam.beta1"),
        vectors.scalar("adam.beta2"),
        vectors.scalar("adam.epsilon")
    ));
    let machine = MachineOptions { threads: Some(threads), instruction_set: Some(set) };
    let weights: Vec<f32> = weights.iter().map(|&weight| weight as f32).collect();
    let mut trainer = Trainer::new(definition, machine, &weights, options.unwrap()).unwrap();
    let small = |name: &str| vectors.indices(name).iter().map(|&value| value as u32).collect::<Vec<_>>();
    trainer
        .set_training(
            &vectors.f32("x"),
            vectors.shape("x")[2],
            Some(&small("lengths")),
            Targets::classes(&small("targets")),
        )
        .unwrap();
    trainer.start().unwrap();
    trainer
}

/// The models of the vectors, each on every instruction set.
fn models() -> impl Iterator<Item = (&'static str, InstructionSet)> {
    ["model", "model-bidirectional", "model-gru-bidirectional", "model-rnn-relu"]
        .into_iter()
        .flat_map(|name| InstructionSet::available().into_iter().map(move |set| (name, set)))
}

#[test]
fn the_models_logits_gradients_and_training_are_pytorchs() {
    for (name, set) in models() {
        let vectors = vectors(name);
        let mut trainer = trainer(&vectors, set, 1);
        let mut losses = trainer.advance(1).unwrap().losses;
        let (definition, _) = model(&vectors, "");
        for tensor in Layout::of(&definition).tensors() {
            let expected = vectors.get(&format!("gradient.{}", tensor.name));
            let what = format!("{name}, {}: gradient of {}", set.name(), tensor.name);
            assert_close(&what, &trainer.gradients()[tensor.range()], expected, GRADIENTS);
        }
        losses.extend(trainer.advance(9).unwrap().losses);
        assert_close(&format!("{name}, {}: losses", set.name()), &losses, vectors.get("losses"), STATES);
        let (_, trained) = model(&vectors, "trained.");
        assert_close(&format!("{name}, {}: trained", set.name()), trainer.weights(), &trained, TRAINED);
    }
}

#[test]
fn a_model_predicts_the_softmax_of_pytorchs_logits() {
    for (name, set) in models() {
        predicts_the_softmax(&vectors(name), set);
    }
}

fn predicts_the_softmax(vectors: &Vectors, set: InstructionSet) {
    let [_, batch, steps, features] = *vectors.shape("x") else { panic!("x is [batches, batch, steps, features]") };
    let logits = vectors.get("logits");
    let classes = logits.len() / batch;
    let expected: Vec<f64> = logits
        .chunks(classes)
        .flat_map(|row| {
            let sum: f64 = row.iter().map(|logit| logit.exp()).sum();
            row.iter().map(move |logit| logit.exp() / sum)
        })
        .collect();
    let lengths: Vec<u32> = vectors.indices("lengths")[..batch].iter().map(|&length| length as u32).collect();
    let (definition, weights) = model(vectors, "");
    let machine = MachineOptions { threads: Some(1), instruction_set: Some(set) };
    let mut predictor = Model::new(definition, machine).unwrap();
    predictor.commit(&weights.iter().map(|&weight| weight as f32).collect::<Vec<_>>()).unwrap();
    let mut probabilities = vec![0.0; batch * classes];
    let x = &vectors.f32("x")[..batch * steps * features];
    predictor.run(x, Some(&lengths), None, &mut probabilities).unwrap();
    assert_close(set.name(), &probabilities, &expected, STATES);

    // The same, one step at a time, where no layer needs the end first.
    if predictor.describe().definition.layers.iter().any(|layer| layer.bidirectional) {
        assert_eq!(predictor.open_stream(None).unwrap_err().path, "layers[0].bidirectional");
        return;
    }
    for sample in 0..batch {
        let stream = predictor.open_stream(None).unwrap();
        let mut y = vec![0.0; classes];
        for step in 0..lengths[sample] as usize {
            let features = &x[(sample * steps + step) * features..][..features];
            predictor.next_step(stream, features, &mut y).unwrap();
        }
        assert_close(set.name(), &y, &expected[sample * classes..][..classes], STATES);
        predictor.close_stream(stream);
    }
}

//! The fast path against `PyTorch`'s float64 numbers: layers, stacks, and a whole training run, on every instruction
//! set of the machine. `vectors/generate.py` says what the vectors hold.

mod common;

use common::{STACKS, Vectors, assert_close, vectors};
use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::{InputDefinition, ModelDefinition, OutputDefinition};
use lstm_core::network::layer::RecurrentLayer;
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::parameters::Layout;
use lstm_core::network::targets::Targets;
use lstm_core::training::options::TrainingOptions;
use lstm_core::{InputGradients, Layer, LayerInput, LayerOptions, LayerStates, Model, StateGradients, Trainer};

/// f32 against float64, as in `layer.rs`.
const BOUND: f64 = 5e-6;

/// Ten steps of Adam divide gradients by their own size, so that what is nearly zero keeps few of its digits: the
/// parameters, which a step moves by up to the learning rate, end up this close.
const TRAINED: f64 = 1e-4;

fn stack(vectors: &Vectors, set: InstructionSet) -> Vec<RecurrentLayer> {
    let layers = (0..vectors.layers()).map(|k| {
        let name = |tensor: &str| format!("layers.{k}.{tensor}_l0");
        let input_size = vectors.shape(&name("weight_ih"))[1];
        let mut layer = RecurrentLayer::new(&vectors.layer(k), input_size, set, Some(1)).unwrap();
        let tensors = layer.tensors();
        let weights: Vec<f32> = tensors.iter().flat_map(|(tensor, _)| vectors.f32(&name(tensor))).collect();
        layer.set_weights(&weights).unwrap();
        layer
    });
    layers.collect()
}

#[test]
fn layers_and_stacks_compute_what_pytorch_computes() {
    for (name, set) in
        STACKS.iter().flat_map(|name| InstructionSet::available().into_iter().map(move |set| (name, set)))
    {
        let vectors = vectors(name);
        let mut layers = stack(&vectors, set);
        let steps = vectors.shape("x")[1];
        let lengths: Vec<u32> = vectors.indices("lengths").iter().map(|&length| length as u32).collect();
        let check = |what: String, actual: &[f32], expected: &str| {
            if !vectors.has(expected) {
                assert!(actual.is_empty(), "{name}: there is no {what}");
                return;
            }
            assert_close(&format!("{name} on {}: {what}", set.name()), actual, vectors.get(expected), BOUND);
        };
        let mut x = vectors.f32("x");
        for (k, layer) in layers.iter_mut().enumerate() {
            let [h0, c0] = ["h0", "c0"].map(|state| vectors.f32_if_there(&format!("layers.{k}.{state}")));
            let output = layer.forward(&x, steps, Some(&lengths), Some((&h0, &c0))).unwrap();
            for (what, actual) in
                [("hidden", &output.hidden), ("h_n", &output.final_hidden), ("c_n", &output.final_cell)]
            {
                let tensor = format!("layers.{k}.{what}");
                check(tensor.clone(), actual, &tensor);
            }
            x = output.hidden;
        }
        let top = layers.len() - 1;
        let mut hidden = vectors.f32(&format!("cotangent.layers.{top}.hidden"));
        for (k, layer) in layers.iter_mut().enumerate().rev() {
            let cotangent = |what: &str| vectors.f32_if_there(&format!("cotangent.layers.{k}.{what}"));
            let gradients = layer.backward(Some(&hidden), &cotangent("h_n"), &cotangent("c_n")).unwrap();
            let mut rest = &gradients.weights[..];
            for (name, shape) in layer.tensors() {
                let (actual, left) = rest.split_at(shape.iter().product());
                check(name.to_owned(), actual, &format!("gradient.layers.{k}.{name}_l0"));
                rest = left;
            }
            for (what, actual) in [("h0", &gradients.initial_hidden), ("c0", &gradients.initial_cell)] {
                let tensor = format!("gradient.layers.{k}.{what}");
                check(tensor.clone(), actual, &tensor);
            }
            hidden = gradients.x;
        }
        check("gradient of x".into(), &hidden, "gradient.x");
    }
}

/// The bidirectional stacks: whole layers chained by hand.
#[test]
fn bidirectional_layers_compute_what_pytorch_computes() {
    for name in ["lstm-9-5-bidirectional", "gru-9-5-bidirectional", "rnn-9-5-bidirectional"] {
        for set in InstructionSet::available() {
            check_bidirectional(&vectors(name), set);
        }
    }
}

fn check_bidirectional(vectors: &Vectors, set: InstructionSet) {
    let check = |actual: &[f32], expected: &str| {
        let what = format!("{} on {}: {expected}", vectors.file(), set.name());
        let expected = if vectors.has(expected) { vectors.get(expected) } else { &[] };
        assert_close(&what, actual, expected, BOUND);
    };
    let [batch, steps, _] = *vectors.shape("x") else { panic!("x is [batch, steps, features]") };
    let lengths: Vec<u32> = vectors.indices("lengths").iter().map(|&length| length as u32).collect();
    let mut x = vectors.f32("x");
    let mut layers = Vec::new();
    for k in 0..vectors.layers() {
        let tensor = |name: &str| format!("layers.{k}.{name}");
        let inputs = vectors.shape(&tensor("weight_ih_l0"))[1] as u32;
        let machine = MachineOptions { threads: Some(1), instruction_set: Some(set) };
        let mut layer = Layer::new(vectors.layer(k), LayerOptions { inputs, seed: 0 }, machine).unwrap();
        let names: Vec<String> = layer.describe().tensors.into_iter().map(|tensor| tensor.name).collect();
        layer.commit(&names.iter().flat_map(|name| vectors.f32(&tensor(name))).collect::<Vec<_>>()).unwrap();
        let [h0, c0] = ["h0", "c0"].map(|state| vectors.f32_if_there(&tensor(state)));
        let input =
            LayerInput { x: &x, steps, lengths: Some(&lengths), initial_hidden: Some(&h0), initial_cell: Some(&c0) };
        let width = vectors.layer(k).outputs();
        let [mut hidden, mut h, mut c] = [batch * steps * width, h0.len(), c0.len()].map(|length| vec![0.0; length]);
        layer.forward(input, LayerStates { hidden: &mut hidden, final_hidden: &mut h, final_cell: &mut c }).unwrap();
        for (what, actual) in [("hidden", &hidden), ("h_n", &h), ("c_n", &c)] {
            check(actual, &tensor(what));
        }
        x = hidden;
        layers.push((layer, names, [h, c]));
    }
    let mut hidden = vectors.f32(&format!("cotangent.layers.{}.hidden", layers.len() - 1));
    for (k, (mut layer, names, [mut h, mut c])) in layers.into_iter().enumerate().rev() {
        let description = layer.describe();
        let cotangent = |what: &str| vectors.f32_if_there(&format!("cotangent.layers.{k}.{what}"));
        let [final_hidden, final_cell] = [cotangent("h_n"), cotangent("c_n")];
        let mut weights = vec![0.0; description.parameters as usize];
        let mut below = vec![0.0; batch * steps * description.inputs as usize];
        let from =
            StateGradients { hidden: Some(&hidden), final_hidden: Some(&final_hidden), final_cell: Some(&final_cell) };
        let out = InputGradients { x: &mut below, weights: &mut weights, initial_hidden: &mut h, initial_cell: &mut c };
        layer.backward(from, out).unwrap();
        for (name, tensor) in names.iter().zip(&description.tensors) {
            check(&weights[tensor.range()], &format!("gradient.layers.{k}.{name}"));
        }
        check(&h, &format!("gradient.layers.{k}.h0"));
        check(&c, &format!("gradient.layers.{k}.c0"));
        hidden = below;
    }
    check(&hidden, "gradient.x");
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
            assert_close(&what, &trainer.gradients()[tensor.range()], expected, BOUND);
        }
        losses.extend(trainer.advance(9).unwrap().losses);
        assert_close(&format!("{name}, {}: losses", set.name()), &losses, vectors.get("losses"), BOUND);
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
    assert_close(set.name(), &probabilities, &expected, BOUND);

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
        assert_close(set.name(), &y, &expected[sample * classes..][..classes], BOUND);
        predictor.close_stream(stream);
    }
}

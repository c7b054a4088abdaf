//! The oracle's whole networks on trial: the tape's gradients against finite differences, for every option of every part and
//! every loss; and each way of putting parts together against the same thing said otherwise.

mod common;

use common::assert_close;
use common::masks::first_step;
use common::network::{NetworkCase, WeightsOf};
use common::outputs::{OUTPUTS, OutputCase};
use common::slopes::{Tensors, assert_gradients_are_slopes, gradients, on_tape};
use lstm_core::network::definition::ModelDefinition;
use lstm_core::reference::{LayerMasks, NetworkMasks, Tape, linear};

/// The same numbers in another order of operations, in f64.
const ROUNDING: f64 = 1e-13;

const STEPS: usize = 4;
const LENGTHS: [u32; 3] = [2, 4, 3];

/// A network of these parts over ragged sequences.
fn case(input: &str, layers: &str, output: &str) -> NetworkCase {
    let text = format!(r#"{{"input":{{{input}}},"layers":[{layers}],"output":{{{output}}},"seed":3}}"#);
    let definition: ModelDefinition = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    NetworkCase::random(&definition, &LENGTHS, STEPS, WeightsOf::Sequences, 5)
}

/// Holds the gradients of the loss in prediction and under the masks of a training step to finite differences.
fn assert_gradients_of_the_loss_are_slopes(case: &NetworkCase) {
    let what = serde_json::to_string(&case.definition).unwrap();
    let training = first_step(&case.definition, &case.lengths, case.steps);
    for masks in [NetworkMasks::default(), training] {
        let tape = Tape::new();
        let variables = on_tape(&case.parameters, &tape);
        let mut gradients = gradients(case.loss(&variables, &masks), &variables, &tape);
        let mut free = case.parameters.clone();
        if let Some(padding) = case.definition.input.padding {
            // Its embedding is no variable of what is looked up.
            let size = case.definition.input.embedding();
            let row = padding as usize * size..(padding as usize + 1) * size;
            let gradient = &gradients["embedding.weight"][row.clone()];
            assert_eq!(gradient.iter().all(|&number| number == 0.0), !case.definition.output.tied, "{what}");
            for tensors in [&mut gradients, &mut free] {
                tensors.get_mut("embedding.weight").unwrap().drain(row.clone());
            }
        }
        assert_gradients_are_slopes(&what, &free, &gradients, |moved| case.loss(&whole(case, moved), &masks));
    }
}

/// The tensors with the padding token's embedding in its place again.
fn whole(case: &NetworkCase, moved: &Tensors<f64>) -> Tensors<f64> {
    let mut tensors = moved.clone();
    if let Some(padding) = case.definition.input.padding {
        let size = case.definition.input.embedding();
        let at = padding as usize * size;
        let row = case.parameters["embedding.weight"][at..at + size].to_vec();
        tensors.get_mut("embedding.weight").unwrap().splice(at..at, row);
    }
    tensors
}

#[test]
fn gradients_of_every_input_are_slopes() {
    for input in [
        r#""features":2,"scaling":"standard""#,
        r#""tokens":4,"embedding":3"#,
        r#""tokens":4,"embedding":3,"padding":1,"sparse":true"#,
        r#""features":2,"tokens":4,"embedding":3,"statics":2,"scaling":"standard""#,
        r#""features":2,"statics":2,"staticsAs":"states","scaling":"standard""#,
    ] {
        let layers = r#"{"cell":"lstm","units":4,"projection":3,"bidirectional":true},{"cell":"gru","units":2}"#;
        assert_gradients_of_the_loss_are_slopes(&case(input, layers, r#""values":2"#));
    }
}

#[test]
fn gradients_of_every_option_of_a_layer_are_slopes() {
    for layer in [
        r#""cell":"lstm""#,
        r#""cell":"gru""#,
        r#""cell":"rnn""#,
        r#""cell":"lstm","bias":false"#,
        r#""cell":"lstm","projection":2"#,
        r#""cell":"lstm","peepholes":true"#,
        r#""cell":"lstm","layerNorm":true"#,
        r#""cell":"lstm","coupledGates":true,"peepholes":true"#,
        r#""cell":"lstm","cellClip":0.25"#,
        r#""cell":"lstm","gateActivation":"hard_sigmoid""#,
        r#""cell":"lstm","gateActivation":"hard_sigmoid_fifth""#,
        r#""cell":"gru","reset":"before""#,
        r#""cell":"rnn","activation":"relu""#,
        r#""cell":"lstm","recurrentDropout":0.25"#,
        r#""cell":"gru","weightDropout":0.25"#,
        r#""cell":"lstm","zoneout":{"hidden":0.25,"cell":0.5}"#,
        r#""cell":"lstm","dropout":0.25"#,
        r#""cell":"gru","inputDropout":0.25"#,
        r#""cell":"rnn","dropout":0.25,"inputDropout":0.25,"bidirectional":true"#,
        r#""cell":"gru","bidirectional":true"#,
        r#""cell":"gru","bidirectional":true,"merge":"sum""#,
        r#""cell":"lstm","bidirectional":true,"merge":"mean""#,
        r#""cell":"lstm","residual":true,"dropout":0.25"#,
        r#""cell":"gru","bidirectional":true,"merge":"mean","residual":true"#,
        r#""cell":"gru","inputNorm":true"#,
        r#""cell":"lstm","inputNorm":true,"residual":true,"dropout":0.25,"inputDropout":0.25"#,
        r#""cell":"lstm","projection":2,"peepholes":true,"layerNorm":true,"coupledGates":true,"recurrentDropout":0.25,
            "weightDropout":0.25,"zoneout":{"hidden":0.25,"cell":0.25},"dropout":0.25,"inputDropout":0.25"#,
    ] {
        // The deviation of few numbers may be so small that the normalised ones are no smooth curve to finite differences.
        let units = if layer.contains("layerNorm") { 9 } else { 3 };
        // Once with the states of every step read from above, once with the final ones.
        let layers = format!(r#"{{{layer},"units":{units}}},{{"cell":"rnn","units":2}}"#);
        assert_gradients_of_the_loss_are_slopes(&case(r#""features":3"#, &layers, r#""values":1,"at":"mean""#));
        if !layer.contains(r#""merge":"mean","residual""#) {
            let layers = format!(r#"{{{layer},"units":{units}}}"#);
            assert_gradients_of_the_loss_are_slopes(&case(r#""features":3"#, &layers, r#""values":1"#));
        }
    }
}

#[test]
fn gradients_of_every_output_are_slopes() {
    for output in [
        r#""classes":["a","b","c","d"],"dropout":0.25"#,
        r#""classes":["a","b","c","d"],"tied":true"#,
        r#""classes":["a","b","c","d"],"at":"each","tied":true,"dropout":0.25"#,
        r#""labels":["a","b"],"at":"max","dropout":0.25"#,
        r#""values":1,"steps":2,"at":"attention","attentionUnits":2,"dropout":0.25"#,
        r#""values":2,"quantiles":[0.25,0.75],"at":"mean""#,
        r#""values":2,"norm":true,"dropout":0.25"#,
        r#""labels":["a","b"],"at":"each","norm":true"#,
        r#""values":1,"at":"attention","norm":true"#,
    ] {
        // As above: the deviation of three numbers may be too small.
        let units = if output.contains("norm") { 9 } else { 3 };
        let layers = format!(r#"{{"cell":"lstm","units":{units}}}"#);
        assert_gradients_of_the_loss_are_slopes(&case(r#""tokens":4,"embedding":3,"padding":2"#, &layers, output));
    }
}

/// Every loss, with its options, weights and pooling: the cases that `PyTorch`'s numbers are there for.
#[test]
fn gradients_of_every_loss_are_slopes() {
    for name in OUTPUTS {
        let OutputCase { network, .. } = OutputCase::read(name);
        let tape = Tape::new();
        let variables = on_tape(&network.parameters, &tape);
        let gradients = gradients(network.loss(&variables, &NetworkMasks::default()), &variables, &tape);
        let above = |(name, _): &(&String, &Vec<f64>)| !name.starts_with("layers");
        let tensors = network.parameters.iter().filter(above).map(|(name, tensor)| (name.clone(), tensor.clone()));
        assert_gradients_are_slopes(name, &tensors.collect(), &gradients, |moved| {
            let mut parameters = network.parameters.clone();
            parameters.extend(moved.clone());
            network.loss(&parameters, &NetworkMasks::default())
        });
    }
}

fn outputs(case: &NetworkCase, masks: &NetworkMasks) -> Vec<f64> {
    case.run(&case.parameters, masks).outputs
}

fn predicted(case: &NetworkCase) -> Vec<f64> {
    outputs(case, &NetworkMasks::default())
}

/// Rows of two tensors beside each other.
fn beside(left: (&[f64], usize), right: (&[f64], usize)) -> Vec<f64> {
    left.0.chunks(left.1).zip(right.0.chunks(right.1)).flat_map(|(left, right)| [left, right].concat()).collect()
}

#[test]
fn embeddings_and_statics_at_steps_are_numbers_beside_the_features() {
    let said = case(r#""features":2,"tokens":4,"embedding":3,"statics":2"#, LAYER, EACH);
    let mut plain = case(r#""features":7"#, LAYER, EACH);
    let embeddings = &said.parameters["embedding.weight"];
    let step = |place: usize| {
        let (token, sample) = (said.tokens[place] as usize, place / STEPS);
        let embedding = embeddings.get(token.wrapping_mul(3)..).map_or([f64::NAN; 3], |row| [row[0], row[1], row[2]]);
        let features = &said.x[place * 2..][..2];
        [features, &embedding.map(|number| number as f32), &said.statics[sample * 2..][..2]].concat()
    };
    plain.x = (0..LENGTHS.len() * STEPS).flat_map(step).collect();
    plain.parameters.extend(said.parameters.clone());
    assert_close("outputs", &predicted(&said), &predicted(&plain), 0.0);
}

const LAYER: &str = r#"{"cell":"lstm","units":3}"#;
const EACH: &str = r#""values":2,"at":"each""#;

#[test]
fn statics_as_states_are_a_linear_map_that_sequences_begin_with() {
    let layers = r#"{"cell":"lstm","units":3,"projection":2,"bidirectional":true},{"cell":"gru","units":2}"#;
    let said = case(r#""features":2,"statics":2,"staticsAs":"states""#, layers, EACH);
    let statics: Vec<f64> = said.statics.iter().copied().map(f64::from).collect();
    let tensor = |name: &str| said.parameters[name].as_slice();
    let initial = linear(tensor("initial.weight"), tensor("initial.bias"), &statics);
    let mut plain = case(r#""features":2"#, layers, EACH);
    plain.x.clone_from(&said.x);
    plain.parameters.extend(said.parameters.clone());
    let given = plain.run_from(&plain.parameters, &NetworkMasks::default(), Some(&initial));
    assert_close("outputs", &predicted(&said), &given.outputs, 0.0);
    assert_eq!(given.states.len(), initial.len());
}

#[test]
fn a_sequence_cut_in_two_goes_on_from_its_states() {
    let layers = r#"{"cell":"lstm","units":3,"projection":2},{"cell":"gru","units":4},{"cell":"lstm","units":2}"#;
    let mut whole = case(r#""features":2"#, layers, EACH);
    whole.lengths.fill(STEPS as u32);
    for (place, x) in whole.x.iter_mut().enumerate() {
        *x = (place % 7) as f32 - 3.0;
    }
    let part = |steps: std::ops::Range<usize>| {
        let (mut part, rows) = (whole.clone(), whole.x.chunks(STEPS * 2));
        part.x = rows.flat_map(|row| row[steps.start * 2..steps.end * 2].to_vec()).collect();
        (part.steps, part.lengths) = (steps.len(), vec![steps.len() as u32; LENGTHS.len()]);
        part
    };
    let (first, second) = (part(0..1), part(1..STEPS));
    let none = NetworkMasks::default();
    let states = first.run(&whole.parameters, &none).states;
    let second = second.run_from(&whole.parameters, &none, Some(&states));
    let first = predicted(&first);
    let together = beside((&first, 2), (&second.outputs, (STEPS - 1) * 2));
    assert_close("outputs", &predicted(&whole), &together, 0.0);
    assert_close("states", &whole.run(&whole.parameters, &none).states, &second.states, 0.0);
}

/// Under a linear head, merged directions are those side by side with the head's weights twice.
#[test]
fn merged_directions_are_their_sum_and_mean() {
    for (merge, part) in [("sum", 1.0), ("mean", 0.5)] {
        for at in ["last", "each", "mean"] {
            let output = format!(r#""values":2,"at":"{at}""#);
            let layer = r#""cell":"gru","units":3,"bidirectional":true"#;
            let merged = case(r#""features":2"#, &format!(r#"{{{layer},"merge":"{merge}"}}"#), &output);
            let mut both = case(r#""features":2"#, &format!("{{{layer}}}"), &output);
            both.x.clone_from(&merged.x);
            both.parameters.clone_from(&merged.parameters);
            let weight: Vec<f64> = merged.parameters["output.weight"].iter().map(|weight| weight * part).collect();
            both.parameters.insert("output.weight".into(), beside((&weight, 3), (&weight, 3)));
            assert_close(&format!("{merge} at {at}"), &predicted(&merged), &predicted(&both), ROUNDING);
        }
    }
}

/// Under a linear head, a residual layer's outputs are the layer's and the head's of what the layer reads.
#[test]
fn residual_layers_add_what_they_read() {
    for at in ["last", "each"] {
        let output = format!(r#""values":2,"at":"{at}""#);
        let residual = case(r#""features":3"#, r#"{"cell":"lstm","units":3,"residual":true,"dropout":0.5}"#, &output);
        let mut plain = residual.clone();
        plain.definition.layers[0].residual = false;
        let masks = first_step(&residual.definition, &residual.lengths, STEPS);
        assert!(masks.layers[0].dropout.contains(&0.0));
        let read: Vec<f64> = residual.x.iter().copied().map(f64::from).collect();
        let valid = |(sample, &length): (usize, &u32)| {
            let from = if at == "each" { 0 } else { length as usize - 1 };
            read[(sample * STEPS + from) * 3..(sample * STEPS + length as usize) * 3].to_vec()
        };
        let read: Vec<f64> = LENGTHS.iter().enumerate().flat_map(valid).collect();
        let added = linear(&residual.parameters["output.weight"], &[0.0; 2], &read);
        let expected: Vec<f64> = outputs(&plain, &masks).iter().zip(added).map(|(y, r)| y + r).collect();
        assert_close(at, &outputs(&residual, &masks), &expected, ROUNDING);
    }
}

#[test]
fn masks_are_factors_of_what_is_read() {
    let plain = case(r#""features":2"#, LAYER, EACH);
    let each: Vec<f64> = (0..LENGTHS.len() * STEPS * 2).map(|place| f64::from(place as u32 % 3)).collect();
    let same: Vec<f64> = (0..LENGTHS.len() * 2).map(|place| f64::from(place as u32 % 2) * 2.0).collect();
    let layer = LayerMasks { dropout: each.clone(), input_dropout: same.clone(), ..LayerMasks::default() };
    let masks = NetworkMasks { layers: vec![layer], output: Vec::new() };
    let mut scaled = plain.clone();
    for (place, x) in scaled.x.iter_mut().enumerate() {
        *x *= (each[place] * same[place / (STEPS * 2) * 2 + place % 2]) as f32;
    }
    assert_close("outputs", &outputs(&plain, &masks), &predicted(&scaled), 0.0);
    // What the head reads: dropped alone, only its bias is left.
    let rows = LENGTHS.iter().sum::<u32>() as usize;
    let masks = NetworkMasks { output: vec![0.0; rows * 3], ..NetworkMasks::default() };
    assert_close("bias", &outputs(&plain, &masks), &plain.parameters["output.bias"].repeat(rows), 0.0);
}

#[test]
fn tied_outputs_share_the_embeddings() {
    let output = r#""classes":["a","b","c","d"]"#;
    let tied = case(r#""tokens":4,"embedding":3"#, LAYER, &format!(r#"{output},"tied":true"#));
    assert!(!tied.parameters.contains_key("output.weight"));
    let mut apart = tied.clone();
    apart.definition.output.tied = false;
    apart.parameters.insert("output.weight".into(), tied.parameters["embedding.weight"].clone());
    assert_close("outputs", &predicted(&tied), &predicted(&apart), 0.0);
    let gradients = |case: &NetworkCase| {
        let tape = Tape::new();
        let variables = on_tape(&case.parameters, &tape);
        gradients(case.loss(&variables, &NetworkMasks::default()), &variables, &tape)
    };
    let apart = gradients(&apart);
    let both: Vec<f64> = apart["embedding.weight"].iter().zip(&apart["output.weight"]).map(|(a, b)| a + b).collect();
    assert_close("gradient", &gradients(&tied)["embedding.weight"], &both, ROUNDING);
}

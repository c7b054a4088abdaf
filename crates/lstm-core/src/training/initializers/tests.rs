//! The first weights of whole models: that those without `initialisation` are what they were, and that each kind's numbers have the
//! distribution that its source derives.

use super::*;
use crate::Model;
use crate::network::machine::MachineOptions;
use std::ops::Range;

/// Gates of an LSTM.
const GATES: usize = 4;

fn definition(features: u32, units: &[u32]) -> ModelDefinition {
    let layers: Vec<String> = units.iter().map(|units| format!(r#"{{"cell":"lstm","units":{units}}}"#)).collect();
    ModelDefinition::from_json(&format!(
        r#"{{"input":{{"features":{features},"scaling":"standard"}},"layers":[{}],"output":{{"classes":["a","b","c"]}}}}"#,
        layers.join(",")
    ))
    .unwrap()
}

fn initialised(features: u32, units: &[u32], seed: u32) -> (Layout, Vec<f32>) {
    let definition = definition(features, units);
    let layout = Layout::of(&definition);
    let weights = initialise(&definition, &layout, seed).unwrap();
    (layout, weights)
}

/// One gate's part of a tensor whose outermost size is `gates · H`.
fn gate_of(tensor: &Range<usize>, gate: usize, gates: usize) -> Range<usize> {
    let length = tensor.len() / gates;
    tensor.start + gate * length..tensor.start + (gate + 1) * length
}

/// The weights fill `±bound`: a sample of `n` comes within `10·bound/n` of either end but for 1 in e⁵ seeds, and
/// its mean square is `bound²/3` to within four standard errors, `4·√(4/45)/√n` of `bound²`.
fn assert_uniform(weights: &[f32], bound: f64) {
    let n = weights.len() as f64;
    let (low, high) = weights
        .iter()
        .fold((0.0_f64, 0.0_f64), |(low, high), &weight| (low.min(f64::from(weight)), high.max(f64::from(weight))));
    // Rounding the bound to f32 may add half a unit in the last place.
    assert!(low >= -bound * (1.0 + 6e-8) && high <= bound * (1.0 + 6e-8), "{low} {high} {bound}");
    assert!(low < -bound * (1.0 - 10.0 / n) && high > bound * (1.0 - 10.0 / n), "{low} {high} {bound}");
    let mean_square = weights.iter().map(|&weight| f64::from(weight).powi(2)).sum::<f64>() / n;
    assert!((mean_square / bound.powi(2) - 1.0 / 3.0).abs() < 4.0 * (4.0 / 45.0_f64).sqrt() / n.sqrt());
}

fn assert_glorot(weights: &[f32], inputs: usize, outputs: usize) {
    assert_uniform(weights, (6.0 / (inputs + outputs) as f64).sqrt());
}

/// The first three even moments and the mean, each to within four standard errors: √(var(xᵏ)/n), where var is 1, 2 and 96 for
/// k = 1, 2 and 4.
fn assert_normal(weights: &[f32], deviation: f64) {
    let n = weights.len() as f64;
    for (power, expected, variance) in [(1, 0.0, 1.0), (2, 1.0, 2.0), (4, 3.0, 96.0)] {
        let moment = weights.iter().map(|&weight| (f64::from(weight) / deviation).powi(power)).sum::<f64>() / n;
        assert!((moment - expected).abs() < 4.0 * (variance / n).sqrt(), "moment {power} is {moment}");
    }
}

/// A tensor of an LSTM of 64 units over 40 numbers with three classes, that starts as `initialisation` says.
fn tensor(initialisation: &str, name: &str) -> Vec<f32> {
    of_definition(
        &format!(
            r#"{{"input":{{"features":40}},"layers":[{{"cell":"lstm","units":64}}],"output":{{"classes":["a","b","c"]}},
                 "initialisation":{{{initialisation}}}}}"#
        ),
        name,
    )
}

fn of_definition(definition: &str, name: &str) -> Vec<f32> {
    let definition = ModelDefinition::from_json(definition).unwrap();
    let layout = Layout::of(&definition);
    let range = layout.tensors().iter().find(|tensor| tensor.name == name).unwrap().range();
    initialise(&definition, &layout, 5).unwrap()[range].to_vec()
}

fn rule(kind: &str) -> String {
    format!(r#""rules":[{{"parameters":["*weight_*"],"kind":{kind}}}]"#)
}

#[test]
fn input_and_head_weights_fill_their_own_glorot_bounds() {
    let (layout, weights) = initialised(40, &[64, 16], 3);
    for (index, (inputs, units)) in [(40, 64), (64, 16)].into_iter().enumerate() {
        for gate in 0..GATES {
            assert_glorot(&weights[gate_of(&layout.layer(index).directions[0].weight_ih, gate, GATES)], inputs, units);
        }
    }
    assert_glorot(&weights[layout.head().weight.clone()], 16, 3);
}

#[test]
fn each_gates_recurrent_matrix_is_orthogonal() {
    for units in [1, 2, 3, 7, 33, 130] {
        let (layout, weights) = initialised(2, &[units], 11);
        let size = units as usize;
        for gate in 0..GATES {
            let matrix = &weights[gate_of(&layout.layer(0).directions[0].weight_hh, gate, GATES)];
            for (i, row) in matrix.chunks_exact(size).enumerate() {
                for (j, other) in matrix.chunks_exact(size).enumerate() {
                    let product: f64 = row.iter().zip(other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                    let expected = if i == j { 1.0 } else { 0.0 };
                    // Rounding to f32 alone: at most 2·6e-8 of a sum of products that is at most 1.
                    assert!((product - expected).abs() < 1.2e-7, "{units} units, gate {gate}: {i}·{j} = {product}");
                }
            }
        }
    }
}

#[test]
fn orthogonal_matrices_turn_and_mirror_alike() {
    // Of 1×1 matrices, +1 and −1 are as likely: of 400, 200 ± 40 are positive (four standard errors).
    let positive = (0..100).flat_map(|seed| {
        let (layout, weights) = initialised(1, &[1], seed);
        weights[layout.layer(0).directions[0].weight_hh.clone()].to_vec()
    });
    let positive = positive.filter(|&weight| weight > 0.0).count();
    assert!((160..=240).contains(&positive), "{positive}");
}

#[test]
fn biases_add_up_to_one_for_the_forget_gate_and_zero_elsewhere() {
    let (layout, weights) = initialised(4, &[3, 2], 1);
    for layer in layout.layers() {
        let direction = &layer.directions[0];
        let sums: Vec<f32> = direction
            .bias_ih
            .clone()
            .zip(direction.bias_hh.clone())
            .map(|(ih, hh)| weights[ih] + weights[hh])
            .collect();
        let expected: Vec<f32> =
            [0.0, 1.0, 0.0, 0.0].iter().flat_map(|&bias| std::iter::repeat_n(bias, layer.units)).collect();
        assert_eq!(sums, expected);
        assert!(weights[direction.bias_hh.clone()].iter().all(|&bias| bias == 0.0));
    }
    let rest = layout.head().bias.start..layout.total_length();
    assert!(weights[rest].iter().all(|&value| value == 0.0), "head bias and unfitted scaling are 0");
}

#[test]
fn embeddings_are_standard_normal_but_for_the_padding_and_stay_so_where_they_are_tied() {
    let definition = ModelDefinition::from_json(
        r#"{"input":{"tokens":5,"embedding":400,"padding":2,"statics":40,"staticsAs":"states"},
            "layers":[{"cell":"gru","units":400}],"output":{"classes":["a","b","c","d","e"],"tied":true}}"#,
    )
    .unwrap();
    let layout = Layout::of(&definition);
    let weights = initialise(&definition, &layout, 4).unwrap();
    for (token, row) in weights[layout.embedding().unwrap().weight.clone()].chunks_exact(400).enumerate() {
        if token == 2 {
            assert!(row.iter().all(|&value| value == 0.0));
            continue;
        }
        // Four standard errors: 4/√400 of the mean, 4·√2/√400 of the mean square.
        let mean = row.iter().map(|&value| f64::from(value)).sum::<f64>() / 400.0;
        let square = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() / 400.0;
        assert!(mean.abs() < 0.2 && (square - 1.0).abs() < 0.283, "{token}: {mean}, {square}");
    }
    let initial = layout.initial().unwrap();
    assert_glorot(&weights[initial.weight.clone()], 40, 400);
    assert!(weights[initial.bias.clone()].iter().all(|&value| value == 0.0));
}

#[test]
fn the_seed_decides_every_bit() {
    let bits = |seed| -> Vec<u32> { initialised(3, &[5, 4], seed).1.iter().map(|weight| weight.to_bits()).collect() };
    assert_eq!(bits(9), bits(9));
    let (first, second) = (bits(9), bits(10));
    let layout = Layout::of(&definition(3, &[5, 4]));
    for layer in layout.layers() {
        assert_ne!(first[layer.directions[0].weight_ih.clone()], second[layer.directions[0].weight_ih.clone()]);
        assert_ne!(first[layer.directions[0].weight_hh.clone()], second[layer.directions[0].weight_hh.clone()]);
    }
}

#[test]
fn normalisations_begin_as_ones_and_zeros_and_move_no_other_tensor() {
    for scheme in ["gatewise", "pytorch"] {
        let start = |layer: &str, output: &str| {
            let definition = ModelDefinition::from_json(&format!(
                r#"{{"input":{{"features":3}},"layers":[{{"cell":"gru","units":4{layer}}}],
                    "output":{{"values":2{output}}},"initialisation":{{"scheme":"{scheme}"}}}}"#
            ))
            .unwrap();
            let layout = Layout::of(&definition);
            let weights = initialise(&definition, &layout, 5).unwrap();
            let of = |tensor: &Tensor| (tensor.name.clone(), weights[tensor.range()].to_vec());
            layout.tensors().iter().map(of).collect::<Vec<_>>()
        };
        let (norms, others): (Vec<_>, Vec<_>) =
            start(r#","inputNorm":true"#, r#","norm":true"#).into_iter().partition(|(name, _)| name.contains(".norm."));
        let norm = |prefix: &str, size: usize| {
            [("weight", 1.0), ("bias", 0.0)].map(|(name, value)| (format!("{prefix}.norm.{name}"), vec![value; size]))
        };
        assert_eq!(norms, [norm("layers.0", 3), norm("output", 4)].concat());
        assert_eq!(others, start("", ""));
    }
}

/// FNV-1a over the bytes of every tensor, taken from the release before definitions could say how weights start.
#[test]
fn without_initialisation_every_bit_is_what_it_always_was() {
    let definition = ModelDefinition::from_json(
        r#"{"input":{"features":3,"tokens":5,"embedding":4,"padding":1,"statics":2,"staticsAs":"states","scaling":"standard"},
            "layers":[{"cell":"lstm","units":6,"bidirectional":true,"projection":3,"peepholes":true,"layerNorm":true},
                {"cell":"gru","units":5},{"cell":"rnn","units":4,"bias":false},{"cell":"lstm","units":3,"coupledGates":true}],
            "output":{"values":2,"at":"attention"},"seed":7}"#,
    );
    let definition = definition.unwrap();
    let hash = |definition: &ModelDefinition| {
        let weights = initialise(definition, &Layout::of(definition), 7).unwrap();
        let bytes = weights.iter().flat_map(|weight| weight.to_le_bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    assert_eq!(hash(&definition), 0xe487_d027_dbef_3668);
    let named = ModelDefinition { initialisation: Some(InitialisationDefinition::default()), ..definition };
    assert_eq!(hash(&named), 0xe487_d027_dbef_3668);
}

#[test]
fn kinds_of_maps_have_the_variance_of_their_derivation_gate_by_gate() {
    for (kind, numerator, both) in [("glorot", 2.0, true), ("he", 2.0, false), ("lecun", 1.0, false)] {
        for (name, inputs) in [("layers.0.weight_ih_l0", 40), ("layers.0.weight_hh_l0", 64)] {
            let deviation = (numerator / if both { inputs + 64 } else { inputs } as f64).sqrt();
            for gate in tensor(&rule(&format!(r#""{kind}_uniform""#)), name).chunks_exact(64 * inputs) {
                assert_uniform(gate, 3.0_f64.sqrt() * deviation);
            }
            for gate in tensor(&rule(&format!(r#""{kind}_normal","gain":0.5"#)), name).chunks_exact(64 * inputs) {
                assert_normal(gate, 0.5 * deviation);
            }
        }
    }
    assert_uniform(&tensor(&rule(r#""uniform","bound":0.25"#), "layers.0.weight_ih_l0"), 0.25);
    assert_normal(&tensor(&rule(r#""normal","deviation":0.02"#), "layers.0.weight_ih_l0"), 0.02);
    assert!(tensor(&rule(r#""constant","value":-0.5"#), "layers.0.weight_ih_l0").iter().all(|&weight| weight == -0.5));
}

#[test]
fn pytorchs_scheme_has_its_bounds_and_its_embeddings() {
    let scheme = r#""scheme":"pytorch""#;
    // nn.LSTM: ±1/√H for all; nn.Linear: ±1/√n for both.
    for name in ["weight_ih", "weight_hh", "bias_ih", "bias_hh"] {
        assert_uniform(&tensor(scheme, &format!("layers.0.{name}_l0")), 1.0 / 8.0);
    }
    assert_uniform(&tensor(scheme, "output.weight"), 1.0 / 8.0);
    let whole = |name: &str| {
        of_definition(
            r#"{"input":{"tokens":20,"embedding":30,"padding":3,"statics":100,"staticsAs":"states"},
                "layers":[{"cell":"lstm","units":36,"projection":9,"peepholes":true,"layerNorm":true}],
                "output":{"values":200,"at":"attention","attentionUnits":49},"initialisation":{"scheme":"pytorch"}}"#,
            name,
        )
    };
    let embedding = whole("embedding.weight");
    assert!(embedding[3 * 30..4 * 30].iter().all(|&weight| weight == 0.0));
    assert_normal(&[&embedding[..90], &embedding[120..]].concat(), 1.0);
    for (name, n) in [
        ("initial.weight", 100),
        ("initial.bias", 100),
        ("layers.0.weight_hr_l0", 36),
        ("attention.weight", 9),
        ("attention.bias", 9),
        ("attention.score", 49),
        ("output.weight", 9),
        ("output.bias", 9),
    ] {
        assert_uniform(&whole(name), 1.0 / f64::from(n).sqrt());
    }
    // What PyTorch has not.
    assert!(whole("layers.0.gain_gates_l0").iter().all(|&gain| gain == 1.0));
    assert!(whole("layers.0.weight_peephole_l0").iter().all(|&weight| weight == 0.0));
}

#[test]
fn the_forget_bias_is_set_in_bias_ih_alone_whatever_drew_the_rest() {
    for given in [
        r#""scheme":"pytorch","forgetBias":1"#,
        r#""forgetBias":1,"rules":[{"parameters":["*.bias_*"],"kind":"uniform","bound":0.125}]"#,
    ] {
        let bias = tensor(given, "layers.0.bias_ih_l0");
        assert!(bias[64..128].iter().all(|&bias| bias == 1.0));
        assert_uniform(&[&bias[..64], &bias[128..]].concat(), 0.125);
        assert_uniform(&tensor(given, "layers.0.bias_hh_l0"), 0.125);
    }
    let zero = tensor(r#""forgetBias":0"#, "layers.0.bias_ih_l0");
    assert!(zero.iter().all(|&bias| bias == 0.0));
    // A rule of the whole tensor takes the scheme's 1 away.
    let ruled = tensor(r#""rules":[{"parameters":["*.bias_ih*"],"kind":"constant","value":0}]"#, "layers.0.bias_ih_l0");
    assert!(ruled.iter().all(|&bias| bias == 0.0));
}

/// The greatest distance of the sample's distribution function from that of the uniform one on [0, 1] (Kolmogorov 1933).
fn kolmogorov(mut sample: Vec<f64>) -> f64 {
    sample.sort_by(f64::total_cmp);
    let n = sample.len() as f64;
    let distance = |(index, value): (usize, f64)| (value - index as f64 / n).max((index + 1) as f64 / n - value);
    sample.into_iter().enumerate().map(distance).fold(0.0, f64::max)
}

#[test]
fn chronos_gates_keep_for_uniformly_distributed_times() {
    let chrono = |cell: &str, name: &str| {
        of_definition(
            &format!(
                r#"{{"input":{{"features":1}},"layers":[{{{cell},"units":1000}}],"output":{{"values":1}},"initialisation":
                    {{"rules":[{{"parameters":["*.bias_*"],"kind":"chrono","longest":400}}]}}}}"#
            ),
            name,
        )
    };
    // How the times, which go from 1 to T − 1, lie between them.
    let times = |biases: &[f32]| biases.iter().map(|&bias| (f64::from(bias).exp() - 1.0) / 398.0).collect::<Vec<_>>();
    let negated = |biases: &[f32]| biases.iter().map(|bias| -bias).collect::<Vec<_>>();
    // Of 1,000, beyond 1.95/√n one time in a thousand.
    let bound = 1.95 / 1000.0_f64.sqrt();
    let lstm = chrono(r#""cell":"lstm""#, "layers.0.bias_ih_l0");
    let [input, forget, rest] = [&lstm[..1000], &lstm[1000..2000], &lstm[2000..]];
    assert!(kolmogorov(times(forget)) < bound);
    assert_eq!(input, negated(forget));
    assert!(rest.iter().all(|&bias| bias == 0.0));
    assert!(chrono(r#""cell":"lstm""#, "layers.0.bias_hh_l0").iter().all(|&bias| bias == 0.0));

    let coupled = chrono(r#""cell":"lstm","coupledGates":true"#, "layers.0.bias_ih_l0");
    assert!(kolmogorov(times(&negated(&coupled[..1000]))) < bound && coupled[1000..].iter().all(|&bias| bias == 0.0));
    let gru = chrono(r#""cell":"gru""#, "layers.0.bias_ih_l0");
    assert!(kolmogorov(times(&gru[1000..2000])) < bound);
    assert!(gru[..1000].iter().chain(&gru[2000..]).all(|&bias| bias == 0.0));
}

/// Le et al. 2015: `ReLU`, the identity and no biases. With no input, a step changes nothing.
#[test]
fn a_relu_network_that_starts_as_the_identity_keeps_its_state() {
    let definition = ModelDefinition::from_json(
        r#"{"input":{"features":2},"layers":[{"cell":"rnn","units":3,"activation":"relu"}],"output":{"values":3},"initialisation":{
            "rules":[{"parameters":["*.weight_hh*","output.weight"],"kind":"identity"},
                {"parameters":["*.weight_ih*"],"kind":"normal","deviation":0.001}]}}"#,
    );
    let mut model = Model::new(definition.unwrap(), MachineOptions::default()).unwrap();
    let (mut states, mut y) = ([0.5, 2.0, 7.0], [0.0; 3]);
    model.run(&[0.0; 200][..], None, Some(&mut states), &mut y).unwrap();
    assert_eq!((states, y), ([0.5, 2.0, 7.0], [0.5, 2.0, 7.0]));
}

#[test]
fn the_last_rule_that_names_a_tensor_counts_and_a_gain_multiplies() {
    let rules = r#""rules":[{"parameters":["*.weight_hh*"],"kind":"orthogonal","gain":0.5},
        {"parameters":["output.*","layers.0.weight_*"],"kind":"constant","value":3},
        {"parameters":["*.weight_hh_l0"],"kind":"identity","gain":0.25}]"#;
    let [ih, hh, output] =
        ["layers.0.weight_ih_l0", "layers.0.weight_hh_l0", "output.bias"].map(|name| tensor(rules, name));
    assert!(ih.iter().chain(&output).all(|&weight| weight == 3.0));
    for gate in hh.chunks_exact(64 * 64) {
        assert!(gate.iter().enumerate().all(|(place, &weight)| weight == if place % 65 == 0 { 0.25 } else { 0.0 }));
    }
}

#[test]
fn files_keep_how_the_weights_began() {
    let network =
        r#""input":{"features":2,"scaling":"none"},"layers":[{"cell":"lstm","units":3,"bidirectional":false}]"#;
    let rules = r#"[{"parameters":["*.bias_hh*"],"kind":"constant","value":0.0}]"#;
    let initialisation = format!(r#"{{"scheme":"pytorch","forgetBias":1.5,"rules":{rules}}}"#);
    let text = format!(r#"{{{network},"output":{{"values":1}},"seed":0,"initialisation":{initialisation}}}"#);
    let definition = ModelDefinition::from_json(&text).unwrap();
    assert_eq!(serde_json::to_string(&definition).unwrap(), text);
    let model = Model::new(definition.clone(), MachineOptions::default()).unwrap();
    let loaded = Model::load(&model.save().unwrap(), MachineOptions::default()).unwrap();
    assert_eq!(loaded.describe().definition, definition);
    assert_eq!(loaded.weights(), model.weights());
}

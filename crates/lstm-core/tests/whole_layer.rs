//! A layer as people hold it who build their own network, against the single directions that `layer.rs` holds to the oracle.

mod common;

use common::assert_close;
use common::case::Case;
use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::{Cell, LayerDefinition, ModelDefinition};
use lstm_core::network::layer::{LayerGradients, LayerOutput};
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::parameters::Layout;
use lstm_core::training::initializers::initialise;
use lstm_core::{Dropping, ErrorCode, InputGradients, Layer, LayerInput, LayerOptions, LayerStates, StateGradients};

/// Gradients of two directions added up in f32, as in `layer.rs`.
const BOUND: f64 = 8e-6;
const STEPS: usize = 5;

/// A whole layer and its batch: the same batch for each direction, each with weights and states of its own.
struct Whole {
    definition: LayerDefinition,
    cases: Vec<Case>,
}

impl Whole {
    fn new(definition: &LayerDefinition, batch: usize, inputs: usize) -> Self {
        let first = Case::of(definition.clone(), batch, STEPS, inputs);
        // Any other numbers will do for the weights and states of the other direction.
        let negated = |values: &[f32]| values.iter().rev().map(|value| -value).collect();
        let second = Case {
            weights: negated(&first.weights),
            h0: negated(&first.h0),
            c0: negated(&first.c0),
            hidden: negated(&first.hidden),
            final_hidden: negated(&first.final_hidden),
            final_cell: negated(&first.final_cell),
            ..first.reversed()
        };
        let cases = if definition.bidirectional { vec![first, second] } else { vec![first] };
        Self { definition: definition.clone(), cases }
    }

    fn layer(&self, set: InstructionSet) -> Layer {
        self.layer_on(set, 1)
    }

    fn layer_on(&self, set: InstructionSet, threads: u32) -> Layer {
        let inputs = self.cases[0].input_size as u32;
        let machine = MachineOptions { threads: Some(threads), instruction_set: Some(set) };
        let mut layer =
            Layer::new(self.definition.clone(), LayerOptions { inputs, seed: 1, ..LayerOptions::default() }, machine)
                .unwrap();
        layer.commit(&self.joined(|case| &case.weights)).unwrap();
        layer
    }

    /// Something of each direction, one after the other.
    fn joined<'a>(&'a self, of: impl Fn(&'a Case) -> &'a [f32]) -> Vec<f32> {
        self.cases.iter().flat_map(of).copied().collect()
    }

    /// [n, T, H] of each direction side by side.
    fn side_by_side(&self, each: &[&[f32]]) -> Vec<f32> {
        let units = self.cases[0].units;
        (0..each[0].len() / units)
            .flat_map(|row| each.iter().flat_map(move |v| v[row * units..][..units].to_vec()))
            .collect()
    }

    fn forward(&self, layer: &mut Layer) -> LayerOutput {
        let case = &self.cases[0];
        let batch = case.lengths.len();
        let mut output = LayerOutput {
            hidden: vec![f32::NAN; batch * STEPS * self.definition.outputs()],
            final_hidden: vec![f32::NAN; batch * self.definition.outputs()],
            final_cell: vec![f32::NAN; self.cases.len() * case.c0.len()],
        };
        let [initial_hidden, initial_cell] = [self.joined(|case| &case.h0), self.joined(|case| &case.c0)];
        let input = LayerInput {
            x: &case.x,
            steps: STEPS,
            lengths: Some(&case.lengths),
            initial_hidden: Some(&initial_hidden),
            initial_cell: Some(&initial_cell),
            dropping: Dropping::Expected,
        };
        let LayerOutput { hidden, final_hidden, final_cell } = &mut output;
        layer.forward(input, LayerStates { hidden, final_hidden, final_cell }).unwrap();
        output
    }

    fn backward(&self, layer: &mut Layer) -> LayerGradients {
        let of = |out: &LayerOutput| LayerGradients {
            weights: vec![f32::NAN; layer.weights().len()],
            x: vec![f32::NAN; self.cases[0].x.len()],
            initial_hidden: vec![f32::NAN; out.final_hidden.len()],
            initial_cell: vec![f32::NAN; out.final_cell.len()],
        };
        let mut cotangents = LayerOutput {
            hidden: self.side_by_side(&self.cases.iter().map(|case| &case.hidden[..]).collect::<Vec<_>>()),
            final_hidden: self.joined(|case| &case.final_hidden),
            final_cell: self.joined(|case| &case.final_cell),
        };
        // What lies in the padding reaches nothing.
        let width = self.definition.outputs();
        for (sample, &length) in self.cases[0].lengths.iter().enumerate() {
            cotangents.hidden[(sample * STEPS + length as usize) * width..(sample + 1) * STEPS * width].fill(f32::NAN);
        }
        let mut gradients = of(&cotangents);
        let LayerGradients { weights, x, initial_hidden, initial_cell } = &mut gradients;
        let from = StateGradients {
            hidden: Some(&cotangents.hidden),
            final_hidden: Some(&cotangents.final_hidden),
            final_cell: Some(&cotangents.final_cell),
        };
        layer.backward(from, InputGradients { x, weights, initial_hidden, initial_cell }).unwrap();
        gradients
    }
}

fn definitions() -> Vec<LayerDefinition> {
    let layers = [Cell::Lstm, Cell::Gru, Cell::Rnn].map(|cell| LayerDefinition::new(cell, 1));
    let mut definitions = layers.to_vec();
    definitions.extend(layers.map(|layer| LayerDefinition { bidirectional: true, ..layer }));
    definitions
}

/// Both passes against those of each direction by itself: bits, but for the input's gradient, to which both add.
fn check(whole: &Whole, layer: &mut Layer, set: InstructionSet) {
    let mut singles: Vec<_> = whole.cases.iter().map(|case| (case, case.layer(set, 1))).collect();
    let outputs: Vec<_> = singles.iter_mut().map(|(case, layer)| case.forward(layer)).collect();
    let output = whole.forward(layer);
    assert_eq!(output.hidden, whole.side_by_side(&outputs.iter().map(|o| &o.hidden[..]).collect::<Vec<_>>()));
    assert_eq!(output.final_hidden, outputs.iter().flat_map(|o| o.final_hidden.clone()).collect::<Vec<_>>());
    assert_eq!(output.final_cell, outputs.iter().flat_map(|o| o.final_cell.clone()).collect::<Vec<_>>());

    let expected: Vec<_> = singles.iter_mut().map(|(case, layer)| case.backward(layer)).collect();
    let gradients = whole.backward(layer);
    assert_eq!(gradients.weights, expected.iter().flat_map(|g| g.weights.clone()).collect::<Vec<_>>());
    assert_eq!(gradients.initial_hidden, expected.iter().flat_map(|g| g.initial_hidden.clone()).collect::<Vec<_>>());
    assert_eq!(gradients.initial_cell, expected.iter().flat_map(|g| g.initial_cell.clone()).collect::<Vec<_>>());
    let x: Vec<f64> = (0..gradients.x.len()).map(|i| expected.iter().map(|g| f64::from(g.x[i])).sum()).collect();
    assert_close("gradient of x", &gradients.x, &x, BOUND);
}

#[test]
fn a_layer_is_its_directions_side_by_side() {
    for set in InstructionSet::available() {
        for definition in definitions() {
            for (batch, inputs, units) in [(1, 1, 1), (3, 5, 7), (17, 3, 33), (6, 40, 16)] {
                let whole = Whole::new(&LayerDefinition { units, ..definition.clone() }, batch, inputs);
                check(&whole, &mut whole.layer(set), set);
            }
        }
    }
}

#[test]
fn a_layer_may_be_used_again_with_another_batch_and_other_weights() {
    for set in InstructionSet::available() {
        let definition = LayerDefinition { bidirectional: true, ..LayerDefinition::new(Cell::Lstm, 9) };
        let mut layer = Whole::new(&definition, 20, 4).layer(set);
        for batch in [20, 3, 30] {
            let whole = Whole::new(&definition, batch, 4);
            layer.commit(&whole.joined(|case| &case.weights)).unwrap();
            check(&whole, &mut layer, set);
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    // 17 million operations a direction: three threads have work. Units are shared out too, for the batch of two.
    for (batch, inputs, units) in [(64, 40, 64), (2, 300, 400)] {
        let definition = LayerDefinition { bidirectional: true, ..LayerDefinition::new(Cell::Gru, units) };
        let whole = Whole::new(&definition, batch, inputs);
        for set in InstructionSet::available() {
            let passes = [1, 2, 3].map(|threads| {
                let mut layer = whole.layer_on(set, threads);
                (whole.forward(&mut layer), whole.backward(&mut layer))
            });
            passes[1..].iter().for_each(|pass| assert_eq!(*pass, passes[0]));
        }
    }
}

#[test]
fn what_is_left_out_is_zero() {
    let set = InstructionSet::Portable;
    let definition = LayerDefinition { bidirectional: true, ..LayerDefinition::new(Cell::Lstm, 3) };
    let mut whole = Whole::new(&definition, 4, 2);
    for case in &mut whole.cases {
        for values in [&mut case.h0, &mut case.c0, &mut case.hidden, &mut case.final_cell] {
            values.fill(0.0);
        }
    }
    let mut layer = whole.layer(set);
    let (output, gradients) = (whole.forward(&mut layer), whole.backward(&mut layer));
    let case = &whole.cases[0];
    let (mut hidden, mut states) = (vec![0.0; output.hidden.len()], [vec![0.0; 24], vec![0.0; 24]]);
    let [final_hidden, final_cell] = &mut states;
    let lengths = Some(&case.lengths[..]);
    let dropping = Dropping::Expected;
    let input = LayerInput { x: &case.x, steps: STEPS, lengths, initial_hidden: None, initial_cell: None, dropping };
    layer.forward(input, LayerStates { hidden: &mut hidden, final_hidden, final_cell }).unwrap();
    assert_eq!((hidden, &states[0]), (output.hidden, &output.final_hidden));
    let final_hidden = whole.joined(|case| &case.final_hidden);
    let mut weights = vec![0.0; gradients.weights.len()];
    let [mut x, mut initial_hidden, mut initial_cell] = [vec![0.0; gradients.x.len()], vec![0.0; 24], vec![0.0; 24]];
    let out = InputGradients {
        x: &mut x,
        weights: &mut weights,
        initial_hidden: &mut initial_hidden,
        initial_cell: &mut initial_cell,
    };
    layer.backward(StateGradients { final_hidden: Some(&final_hidden), ..StateGradients::default() }, out).unwrap();
    assert_eq!((weights, x), (gradients.weights, gradients.x));
}

#[test]
fn a_backward_pass_keeps_to_the_weights_of_its_forward_pass() {
    let definition = LayerDefinition::new(Cell::Gru, 5);
    let whole = Whole::new(&definition, 3, 4);
    let mut layer = whole.layer(InstructionSet::Portable);
    whole.forward(&mut layer);
    let expected = whole.backward(&mut layer);
    whole.forward(&mut layer);
    layer.commit(&vec![0.5; layer.weights().len()]).unwrap();
    assert_eq!(whole.backward(&mut layer), expected);
}

#[test]
fn the_first_weights_are_those_of_a_models_first_layer() {
    let layer_json = r#"{"cell":"lstm","units":6,"bidirectional":true}"#;
    let definition = LayerDefinition::from_json(layer_json).unwrap();
    let layer = Layer::new(
        definition,
        LayerOptions { inputs: 3, seed: 9, ..LayerOptions::default() },
        MachineOptions::default(),
    )
    .unwrap();
    let model = ModelDefinition::from_json(&format!(
        r#"{{"input":{{"features":3}},"layers":[{layer_json}],"output":{{"classes":["a","b"]}},"seed":9}}"#
    ));
    let model = model.unwrap();
    let expected = initialise(&model, &Layout::of(&model), 9).unwrap();
    assert_eq!(layer.weights(), &expected[..layer.weights().len()]);
    let description = layer.describe();
    assert_eq!(description.parameters as usize, layer.weights().len());
    let names: Vec<_> = description.tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    assert_eq!(names[..2], ["weight_ih_l0", "weight_hh_l0"]);
    assert_eq!(names[4..6], ["weight_ih_l0_reverse", "weight_hh_l0_reverse"]);
    assert_eq!((description.directions, description.hidden_size, description.cell_size), (2, 6, 6));
}

#[test]
fn what_is_wrong_is_refused_by_name() {
    let definition = LayerDefinition { bidirectional: true, ..LayerDefinition::new(Cell::Lstm, 3) };
    let problem = |result: lstm_core::Result<()>| {
        let error = result.unwrap_err();
        (error.code, error.path)
    };
    let of = |json: &str, options: &str| -> lstm_core::Result<()> {
        let (definition, options) = (LayerDefinition::from_json(json)?, LayerOptions::from_json(options)?);
        Layer::new(definition, options, MachineOptions::default()).map(drop)
    };
    let good = r#"{"cell":"gru","units":4}"#;
    let (shape, not_finite) = (ErrorCode::ShapeMismatch, ErrorCode::NotFinite);
    assert_eq!(problem(of(r#"{"cell":"gru","units":0}"#, "{}")), (ErrorCode::InvalidDefinition, "units".into()));
    assert_eq!(problem(of(good, "{}")), (ErrorCode::InvalidOption, "inputs".into()));
    assert_eq!(problem(of(good, r#"{"inputs":0}"#)), (ErrorCode::InvalidOption, "inputs".into()));
    let large = of(r#"{"cell":"lstm","units":4096}"#, r#"{"inputs":65536}"#);
    assert_eq!(problem(large), (ErrorCode::InvalidDefinition, "units".into()));

    let whole = Whole::new(&definition, 2, 2);
    let mut layer = whole.layer(InstructionSet::Portable);
    assert_eq!(problem(layer.commit(&[0.0])), (shape, "weights".into()));
    let mut broken = layer.weights().to_vec();
    *broken.last_mut().unwrap() = f32::NAN;
    assert_eq!(problem(layer.commit(&broken)), (not_finite, "bias_hh_l0_reverse".into()));

    let run = |layer: &mut Layer, initial_hidden: &[f32], initial_cell: &[f32], hidden: usize| {
        let [initial_hidden, initial_cell] = [Some(initial_hidden), Some(initial_cell)];
        let dropping = Dropping::Expected;
        let input =
            LayerInput { x: &[0.0; 8], steps: 2, lengths: Some(&[2, 1]), initial_hidden, initial_cell, dropping };
        let (mut hidden, [mut h, mut c]) = (vec![0.0; hidden], [[0.0; 12]; 2]);
        layer.forward(input, LayerStates { hidden: &mut hidden, final_hidden: &mut h, final_cell: &mut c })
    };
    let zeros = [0.0; 12];
    let mut infinite = zeros;
    infinite[10] = f32::INFINITY;
    assert_eq!(problem(run(&mut layer, &zeros[..11], &zeros, 24)), (shape, "initialHidden".into()));
    assert_eq!(problem(run(&mut layer, &zeros, &infinite, 24)), (not_finite, "initialCell[1][1][1]".into()));
    assert_eq!(problem(run(&mut layer, &zeros, &zeros, 23)), (shape, "hidden".into()));

    let back = |layer: &mut Layer, hidden: &[f32], final_hidden: &[f32], weights: usize| {
        let from = StateGradients { hidden: Some(hidden), final_hidden: Some(final_hidden), final_cell: None };
        let (mut weights, [mut h, mut c], mut x) = (vec![0.0; weights], [[0.0; 12]; 2], [0.0; 8]);
        let out = InputGradients { x: &mut x, weights: &mut weights, initial_hidden: &mut h, initial_cell: &mut c };
        layer.backward(from, out)
    };
    let all = layer.weights().len();
    assert_eq!(problem(back(&mut layer, &[0.0; 24], &zeros, all)), (ErrorCode::EmptyData, String::new()));
    run(&mut layer, &zeros, &zeros, 24).unwrap();
    let mut hidden = [0.0; 24];
    assert_eq!(problem(back(&mut layer, &hidden[..23], &zeros, all)), (shape, "hidden".into()));
    assert_eq!(problem(back(&mut layer, &hidden, &infinite, all)), (not_finite, "finalHidden[1][1][1]".into()));
    assert_eq!(problem(back(&mut layer, &hidden, &zeros, all - 1)), (shape, "weights".into()));
    // Step 1 of sequence 1 is padding, step 0 is not.
    hidden[20] = f32::NAN;
    let mut counts = hidden;
    counts[14] = f32::NAN;
    assert_eq!(problem(back(&mut layer, &counts, &zeros, all)), (not_finite, "hidden[1][0][2]".into()));
    back(&mut layer, &hidden, &zeros, all).unwrap();
    assert_eq!(problem(back(&mut layer, &hidden, &zeros, all)).0, ErrorCode::EmptyData);
}

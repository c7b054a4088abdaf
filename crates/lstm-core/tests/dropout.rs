//! What training drops: a model's gradients under masks, which the test draws again from the same stream, against the
//! oracle's tape; and predictions, which drop nothing. A layer by itself draws the same way.

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
use lstm_core::{
    Dropping, ErrorCode, InputGradients, Layer, LayerInput, LayerOptions, LayerStates, Model, StateGradients, Trainer,
    TrainingMasks,
};

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

/// A layer by itself that drops all that a layer can.
fn layer() -> Layer {
    let definition = LayerDefinition::from_json(
        r#"{"cell":"lstm","units":5,"projection":3,"bidirectional":true,"recurrentDropout":0.5,"weightDropout":0.25,
            "zoneout":{"hidden":0.25,"cell":0.5}}"#,
    );
    let machine = MachineOptions { threads: Some(1), ..MachineOptions::default() };
    Layer::new(definition.unwrap(), LayerOptions { inputs: FEATURES as u32, seed: SEED }, machine).unwrap()
}

fn forward(layer: &mut Layer, dropping: Dropping) -> lstm_core::Result<Vec<f32>> {
    let (x, _) = data();
    let [mut hidden, mut h, mut c] = [STEPS * 6, 6, 10].map(|numbers| vec![f32::NAN; SAMPLES * numbers]);
    let input = LayerInput { x: &x, steps: STEPS, lengths: None, initial_hidden: None, initial_cell: None, dropping };
    layer.forward(input, LayerStates { hidden: &mut hidden, final_hidden: &mut h, final_cell: &mut c })?;
    Ok([hidden, h, c].concat())
}

/// All gradients of Σ hᵢ after each step.
fn backward(layer: &mut Layer) -> Vec<f32> {
    let mut weights = vec![f32::NAN; layer.weights().len()];
    let [mut x, mut h, mut c] = [STEPS * FEATURES, 6, 10].map(|numbers| vec![f32::NAN; SAMPLES * numbers]);
    let out = InputGradients { x: &mut x, weights: &mut weights, initial_hidden: &mut h, initial_cell: &mut c };
    let ones = [1.0; SAMPLES * STEPS * 6];
    layer.backward(StateGradients { hidden: Some(&ones), ..StateGradients::default() }, out).unwrap();
    [weights, x, h, c].concat()
}

/// The next masks of a stream as [`TrainingMasks`] has them: recurrent, `keep_hidden`, `keep_cell`, weight.
fn masks_of_layer(random: &mut RandomStream) -> [Vec<f32>; 4] {
    let definition = layer().describe().definition;
    let weight = [(); 2].map(|()| mask(random, 0.25, 1, 20 * 3, dropped(0.25))).concat();
    let [first, second] = [(); 2].map(|()| masks(random, &definition));
    let beside = |first: &[f64], second: &[f64], width: usize| -> Vec<f64> {
        first.chunks(width).zip(second.chunks(width)).flat_map(|(a, b)| [a, b].concat()).collect()
    };
    let all = [
        [first.recurrent, second.recurrent].concat(),
        beside(&first.keep_hidden, &second.keep_hidden, 3),
        beside(&first.keep_cell, &second.keep_cell, 5),
        weight,
    ];
    all.map(|mask| mask.into_iter().map(|value| value as f32).collect())
}

fn given([recurrent, keep_hidden, keep_cell, weight]: &[Vec<f32>; 4]) -> TrainingMasks<'_> {
    TrainingMasks {
        recurrent: Some(recurrent),
        keep_hidden: Some(keep_hidden),
        keep_cell: Some(keep_cell),
        weight: Some(weight),
    }
}

#[test]
fn a_layer_by_itself_draws_the_next_masks_of_its_seed_at_each_training_pass() {
    let (mut drawing, mut repeating) = (layer(), layer());
    let expected = forward(&mut repeating, Dropping::Expected).unwrap();
    let mut random = RandomStream::new(SEED, Stream::Dropout);
    let mut passes = Vec::new();
    for _ in 0..2 {
        let masks = masks_of_layer(&mut random);
        let states = forward(&mut drawing, Dropping::Drawn).unwrap();
        assert_eq!(states, forward(&mut repeating, Dropping::Given(given(&masks))).unwrap());
        // New weights count from the next pass on, dropped or not.
        let weights = drawing.weights().to_vec();
        drawing.commit(&vec![0.5; weights.len()]).unwrap();
        assert_eq!(backward(&mut drawing), backward(&mut repeating));
        drawing.commit(&weights).unwrap();
        passes.push(states);
        // Prediction in between draws nothing and finds every weight, whether or not they were new.
        assert_eq!(forward(&mut drawing, Dropping::Expected).unwrap(), expected);
        assert_eq!(forward(&mut repeating, Dropping::Expected).unwrap(), expected);
    }
    assert_ne!(passes[0], passes[1]);
    assert_ne!(passes[0], expected);
}

#[test]
fn masks_that_are_not_the_layers_are_refused_and_nothing_is_drawn() {
    let good = masks_of_layer(&mut RandomStream::new(1, Stream::Dropout));
    let changed = |which: usize, change: &dyn Fn(&mut Vec<f32>)| {
        let mut masks = good.clone();
        change(&mut masks[which]);
        let mut layer = layer();
        forward(&mut layer, Dropping::Given(given(&good))).unwrap();
        let error = forward(&mut layer, Dropping::Given(given(&masks))).unwrap_err();
        let mut untouched = self::layer();
        forward(&mut untouched, Dropping::Given(given(&good))).unwrap();
        assert_eq!(backward(&mut layer), backward(&mut untouched));
        assert_eq!(forward(&mut layer, Dropping::Drawn), forward(&mut untouched, Dropping::Drawn));
        (error.code, error.path)
    };
    for (which, name) in ["recurrent", "keepHidden", "keepCell", "weight"].into_iter().enumerate() {
        let short = changed(which, &|mask| mask.truncate(mask.len() - 1));
        assert_eq!(short, (ErrorCode::ShapeMismatch, format!("masks.{name}")));
    }
    let not_finite = |which: usize, at: usize| changed(which, &|mask| mask[at] = f32::NAN);
    assert_eq!(not_finite(0, 35), (ErrorCode::NotFinite, "masks.recurrent[1][5][2]".into()));
    assert_eq!(not_finite(1, 30), (ErrorCode::NotFinite, "masks.keepHidden[1][1][0]".into()));
    assert_eq!(not_finite(3, 119), (ErrorCode::NotFinite, "masks.weight[1][19][2]".into()));

    let problem = |masks: TrainingMasks| {
        let error = forward(&mut layer(), Dropping::Given(masks)).unwrap_err();
        (error.code, error.path)
    };
    let all = given(&good);
    let missing = TrainingMasks { keep_cell: None, ..all };
    assert_eq!(problem(missing), (ErrorCode::ShapeMismatch, "masks.keepCell".into()));
    assert_eq!(problem(TrainingMasks::default()), (ErrorCode::ShapeMismatch, "masks.recurrent".into()));
    let definition = LayerDefinition::from_json(r#"{"cell":"gru","units":3,"bidirectional":true}"#).unwrap();
    let options = LayerOptions { inputs: FEATURES as u32, seed: 0 };
    let mut plain = Layer::new(definition, options, MachineOptions::default()).unwrap();
    let (x, [mut hidden, mut h]) = (data().0, [vec![0.0; SAMPLES * STEPS * 6], vec![0.0; SAMPLES * 6]]);
    let mut run = |dropping| {
        let input =
            LayerInput { x: &x, steps: STEPS, lengths: None, initial_hidden: None, initial_cell: None, dropping };
        plain.forward(input, LayerStates { hidden: &mut hidden, final_hidden: &mut h, final_cell: &mut [] })
    };
    for (name, masks) in [
        ("masks.recurrent", TrainingMasks { recurrent: all.recurrent, ..TrainingMasks::default() }),
        ("masks.keepHidden", TrainingMasks { keep_hidden: all.keep_hidden, ..TrainingMasks::default() }),
        ("masks.keepCell", TrainingMasks { keep_cell: all.keep_cell, ..TrainingMasks::default() }),
        ("masks.weight", TrainingMasks { weight: all.weight, ..TrainingMasks::default() }),
    ] {
        let error = run(Dropping::Given(masks)).unwrap_err();
        assert_eq!((error.code, error.path.as_str()), (ErrorCode::ShapeMismatch, name));
    }
    // Training drops nothing where there is nothing to drop.
    run(Dropping::Drawn).unwrap();
    assert_eq!(Dropping::named("all", all).unwrap_err().path, "dropping");
}

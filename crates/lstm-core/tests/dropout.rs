//! What training drops: a model's gradients under masks, which the test draws again from the same stream, against the
//! oracle's tape; and predictions, which drop nothing. A layer by itself draws the same way.

mod common;

use common::assert_close;
use common::masks::{Draw, first_step};
use common::network::{NetworkCase, WeightsOf};
use common::slopes::on_tape;
use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::{LayerDefinition, ModelDefinition};
use lstm_core::network::machine::MachineOptions;
use lstm_core::network::parameters::Layout;
use lstm_core::reference::{Scalar, Tape};
use lstm_core::training::options::TrainingOptions;
use lstm_core::{
    Dropping, ErrorCode, InputGradients, Layer, LayerInput, LayerOptions, LayerStates, StateGradients, Trainer,
    TrainingMasks,
};

/// Of a layer by itself.
const SEED: u32 = 11;
const SAMPLES: usize = 6;
const STEPS: usize = 4;
const FEATURES: usize = 3;

/// As in `layer.rs`.
const BOUND: f64 = 8e-6;

fn case() -> NetworkCase {
    let definition = ModelDefinition::from_json(
        r#"{"input":{"features":3},
            "layers":[
                {"cell":"lstm","units":5,"recurrentDropout":0.5,"weightDropout":0.25,"zoneout":{"hidden":0.25,"cell":0.5}},
                {"cell":"gru","units":4,"recurrentDropout":0.25,"bidirectional":true,"dropout":0.25},
                {"cell":"rnn","units":7,"weightDropout":0.5,"dropout":0.125,"inputDropout":0.25,"zoneout":{"hidden":0.125}}
            ],
            "output":{"classes":["a","b","c"],"dropout":0.5},"seed":11}"#,
    );
    NetworkCase::random(&definition.unwrap(), &[4, 2, 4, 1, 3, 2], 4, WeightsOf::Nothing, 1)
}

fn trainer(case: &NetworkCase, threads: u32) -> Trainer {
    let machine = MachineOptions { threads: Some(threads), instruction_set: None };
    let options = TrainingOptions::from_json(r#"{"epochs":2,"batchSize":6,"shuffle":false}"#).unwrap();
    case.trainer_with(machine, options)
}

#[test]
fn gradients_under_masks_are_the_tapes() {
    let case = case();
    let tape = Tape::new();
    let variables = on_tape(&case.parameters, &tape);
    let exact = case.loss(&variables, &first_step(&case.definition, &case.lengths, case.steps));
    let gradients = tape.gradients(exact);
    for set in InstructionSet::available() {
        let mut trainer = case.trainer(set);
        let found = trainer.advance(1).unwrap().losses;
        assert!((f64::from(found[0]) - exact.value()).abs() < 1e-6, "{set:?}: {found:?}, {}", exact.value());
        for tensor in Layout::of(&case.definition).tensors() {
            let what = format!("{set:?}: gradient of {}", tensor.name);
            assert_close(&what, &trainer.gradients()[tensor.range()], &gradients.of(&variables[&tensor.name]), BOUND);
        }
    }
}

#[test]
fn a_seed_drops_the_same_on_any_number_of_threads_and_something_else_at_each_step() {
    let case = case();
    let mut runs = [1, 2, 4].map(|threads| trainer(&case, threads));
    let losses = runs.each_mut().map(|trainer| trainer.advance(2).unwrap().losses);
    assert_eq!(losses[0], losses[1]);
    assert_eq!(losses[0], losses[2]);
    assert_eq!(runs[0].weights(), runs[2].weights());
    // Without a step in between, only the masks differ.
    let mut frozen = trainer(&case, 1);
    let all: Vec<u32> = (0..case.lengths.len() as u32).collect();
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
    Layer::new(
        definition.unwrap(),
        LayerOptions { inputs: FEATURES as u32, seed: SEED, ..LayerOptions::default() },
        machine,
    )
    .unwrap()
}

fn data() -> Vec<f32> {
    (0..SAMPLES * STEPS * FEATURES).map(|v| ((v * 37 % 101) as f32 - 50.0) / 50.0).collect()
}

fn forward(layer: &mut Layer, dropping: Dropping) -> lstm_core::Result<Vec<f32>> {
    let x = data();
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

/// What masks of the layer are drawn from.
fn masks_from(seed: u32) -> Draw<'static> {
    Draw::new(seed, &[STEPS as u32; SAMPLES], STEPS)
}

/// The next masks as [`TrainingMasks`] has them: recurrent, `keep_hidden`, `keep_cell`, weight.
fn masks_of_layer(draw: &mut Draw) -> [Vec<f32>; 4] {
    let definition = layer().describe().definition;
    let weight = draw.weights(&definition).concat();
    let [first, second] = [(); 2].map(|()| draw.states(&definition));
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
    let mut draw = masks_from(SEED);
    let mut passes = Vec::new();
    for _ in 0..2 {
        let masks = masks_of_layer(&mut draw);
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
    let good = masks_of_layer(&mut masks_from(1));
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
    let options = LayerOptions { inputs: FEATURES as u32, seed: 0, ..LayerOptions::default() };
    let mut plain = Layer::new(definition, options, MachineOptions::default()).unwrap();
    let (x, [mut hidden, mut h]) = (data(), [vec![0.0; SAMPLES * STEPS * 6], vec![0.0; SAMPLES * 6]]);
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

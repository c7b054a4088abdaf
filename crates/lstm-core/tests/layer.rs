//! The fast layer against the oracle: every instruction set of the machine, sizes around every tile and vector width,
//! ragged lengths, both directions; gradients against the tape; padding against being read. `threads.rs` compares numbers of
//! threads, `extremes.rs` numbers at the ends of f32.

mod common;

use common::case::Case;
use common::error;
use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::{Cell, LayerDefinition};
use lstm_core::network::layer::RecurrentLayer;

const SIZES: [usize; 9] = [1, 3, 7, 15, 16, 17, 33, 64, 130];
const STEPS: usize = 4;
/// More steps than the kernels compute input products ahead for at once, and no multiple of that.
const MANY_STEPS: usize = 61;

/// f32 against f64: a pre-activation is a sum of up to 260 terms of size ≤ 1, each rounded by 6e-8, and the
/// activations add 4 ULP; over four steps and the batch's sums that measures 2e-6, and 5.2e-6 at most where the sums of
/// a gradient of four numbers cancel. Several times less than a missing term of the smallest size here would make.
const BOUND: f64 = 8e-6;

/// A case of `STEPS` steps.
fn case(batch: usize, input_size: usize, units: usize) -> Case {
    Case::with_steps(batch, STEPS, input_size, units)
}

fn triples() -> impl Iterator<Item = (usize, usize, usize)> {
    SIZES.into_iter().flat_map(|a| SIZES.into_iter().flat_map(move |b| SIZES.into_iter().map(move |c| (a, b, c))))
}

/// Holds a case's states to the oracle's on every instruction set, read forward and backwards; gives the worst error.
fn check_states(case: &Case) -> f64 {
    let mut worst = 0.0f64;
    for case in [case.clone(), case.reversed()] {
        let exact = case.exact();
        for set in InstructionSet::available() {
            let output = case.forward(&mut case.layer(set, 1));
            for (actual, expected) in [&output.hidden, &output.final_hidden, &output.final_cell].iter().zip(&exact) {
                let error = error(actual, expected);
                assert!(error <= BOUND, "{set:?}, {}: {error:.1e}", case.name());
                worst = worst.max(error);
            }
        }
    }
    worst
}

/// Holds a case's gradients to the tape's likewise.
fn check_gradients(case: &Case) -> f64 {
    let mut worst = 0.0f64;
    for case in [case.clone(), case.reversed()] {
        let exact = case.exact_gradients();
        for set in InstructionSet::available() {
            let mut layer = case.layer(set, 1);
            case.forward(&mut layer);
            for ((name, actual), expected) in case.named(&case.backward(&mut layer)).into_iter().zip(&exact) {
                let error = error(actual, expected);
                assert!(error <= BOUND, "{set:?}, {}: gradient of {name}: {error:.1e}", case.name());
                worst = worst.max(error);
            }
        }
    }
    worst
}

#[test]
fn every_size_gives_the_oracles_states_on_every_instruction_set() {
    let errors = triples().map(|(batch, input_size, units)| check_states(&case(batch, input_size, units)));
    println!("worst error {:.1e}", errors.fold(0.0, f64::max));
}

#[test]
fn gradients_are_the_tapes_on_every_instruction_set() {
    // The tape holds every product: some hundred thousand of them a case. Every size is there for each of the three.
    let cases = triples().filter(|&(b, i, h)| b * h * (i + h) <= 60_000);
    let errors = cases.map(|(batch, input_size, units)| check_gradients(&case(batch, input_size, units)));
    println!("worst error {:.1e}", errors.fold(0.0, f64::max));
}

#[test]
fn few_rows_over_many_steps_give_the_oracles_numbers() {
    for (batch, input_size, units) in [(1, 5, 17), (2, 3, 7), (3, 2, 5), (1, 1, 1), (2, 17, 16)] {
        let case = Case::with_steps(batch, MANY_STEPS, input_size, units);
        println!("{}: {:.1e}, {:.1e}", case.name(), check_states(&case), check_gradients(&case));
    }
}

/// Every cell with every option that the kernels have, and some of them together.
fn definitions() -> Vec<LayerDefinition> {
    let layers = [
        r#""cell":"lstm","bias":false"#,
        r#""cell":"lstm","coupledGates":true"#,
        // Initial cell states are up to 1 in size, so that many are clipped and many are not.
        r#""cell":"lstm","cellClip":0.5"#,
        r#""cell":"lstm","gateActivation":"hard_sigmoid""#,
        r#""cell":"lstm","gateActivation":"hard_sigmoid_fifth""#,
        r#""cell":"lstm","coupledGates":true,"cellClip":0.25,"gateActivation":"hard_sigmoid","bias":false"#,
        r#""cell":"lstm","peepholes":true"#,
        r#""cell":"lstm","peepholes":true,"coupledGates":true,"cellClip":0.5"#,
        r#""cell":"lstm","layerNorm":true"#,
        r#""cell":"lstm","layerNorm":true,"peepholes":true,"coupledGates":true,"bias":false"#,
        r#""cell":"lstm","zoneout":{"hidden":0.25,"cell":0.5}"#,
        r#""cell":"lstm","recurrentDropout":0.5"#,
        r#""cell":"lstm","layerNorm":true,"peepholes":true,"cellClip":0.75,"recurrentDropout":0.25,"zoneout":{"cell":0.5}"#,
        r#""cell":"gru""#,
        r#""cell":"gru","bias":false"#,
        r#""cell":"gru","reset":"before""#,
        r#""cell":"gru","reset":"before","bias":false,"recurrentDropout":0.5,"zoneout":{"hidden":0.25}"#,
        r#""cell":"gru","recurrentDropout":0.5,"zoneout":{"hidden":0.25}"#,
        r#""cell":"rnn""#,
        r#""cell":"rnn","activation":"relu""#,
        r#""cell":"rnn","bias":false,"recurrentDropout":0.5,"zoneout":{"hidden":0.25}"#,
    ];
    layers.iter().map(|layer| serde_json::from_str(&format!(r#"{{{layer},"units":1}}"#)).unwrap()).collect()
}

/// Projections of some units to fewer, plain and with all that may come together.
fn projections() -> Vec<LayerDefinition> {
    let sizes = [(3, 1), (7, 3), (16, 15), (17, 16), (33, 17), (64, 33), (130, 7), (130, 64)];
    let options =
        ["", r#","peepholes":true,"layerNorm":true,"recurrentDropout":0.5,"zoneout":{"hidden":0.25,"cell":0.5}"#];
    let layer = |(units, projection): (usize, usize), options: &str| {
        format!(r#"{{"cell":"lstm","units":{units},"projection":{projection}{options}}}"#)
    };
    let all = options.iter().flat_map(|options| sizes.iter().map(move |&size| layer(size, options)));
    all.map(|layer| serde_json::from_str(&layer).unwrap()).collect()
}

#[test]
fn projections_give_the_oracles_numbers() {
    for definition in projections() {
        let mut worst = [0.0f64; 2];
        for (batch, steps, input_size) in [(1, 5, 3), (3, 4, 7), (17, 3, 16), (1, MANY_STEPS, 5), (2, MANY_STEPS, 1)] {
            let work = batch * steps * (definition.units as usize).pow(2);
            if work <= 600_000 {
                let case = Case::of(definition.clone(), batch, steps, input_size);
                let [states, gradients] = [check_states(&case), check_gradients(&case)];
                worst = [worst[0].max(states), worst[1].max(gradients)];
            }
        }
        println!("{definition:?}: worst errors {:.1e}, {:.1e}", worst[0], worst[1]);
    }
}

#[test]
fn every_cell_and_option_gives_the_oracles_numbers() {
    for definition in definitions() {
        let of = |batch, steps, input_size, units: usize| {
            Case::of(LayerDefinition { units: units as u32, ..definition.clone() }, batch, steps, input_size)
        };
        // A gradient's sum over the batch may cancel; with a few of them one sets the measure. And the variance of a few
        // numbers may be next to nothing, by whose root a normalisation divides.
        let few = |units: usize| units < if definition.layer_norm { 7 } else { 3 };
        let sizes = || triples().filter(|&(b, i, h)| b * h * (i + h) <= 8_000 && !few(h));
        let states = sizes().map(|(batch, input_size, units)| check_states(&of(batch, STEPS, input_size, units)));
        let gradients = sizes().map(|(batch, input_size, units)| check_gradients(&of(batch, STEPS, input_size, units)));
        let (states, gradients) = (states.fold(0.0, f64::max), gradients.fold(0.0, f64::max));
        for (batch, input_size, units) in [(1, 5, 17), (2, 3, 7), (3, 2, 5), (1, 1, 1), (2, 17, 80)] {
            let case = of(batch, MANY_STEPS, input_size, units);
            check_states(&case);
            check_gradients(&case);
        }
        println!("{definition:?}: worst errors {states:.1e}, {gradients:.1e}");
    }
}

#[test]
fn padding_has_no_gradient_and_its_content_changes_nothing() {
    for set in InstructionSet::available() {
        let mut case = case(17, 5, 33);
        let mut layer = case.layer(set, 1);
        let (output, gradients) = (case.forward(&mut layer), case.backward(&mut layer));
        for (sample, &length) in case.lengths.iter().enumerate() {
            let padding = &gradients.x[(sample * STEPS + length as usize) * 5..(sample + 1) * STEPS * 5];
            assert!(padding.iter().all(|value| value.to_bits() == 0), "{set:?}: padding has a gradient");
        }
        case.fill_padding(1e30);
        assert_eq!(output, case.forward(&mut layer));
        assert_eq!(gradients, case.backward(&mut layer));
    }
}

#[test]
fn a_layer_may_be_used_again_with_another_batch() {
    for set in InstructionSet::available() {
        let (large, small) = (case(33, 7, 17), Case { weights: case(33, 7, 17).weights, ..case(3, 7, 17) });
        let mut layer = large.layer(set, 1);
        large.forward(&mut layer);
        large.backward(&mut layer);
        let mut fresh = small.layer(set, 1);
        assert_eq!(small.forward(&mut layer), small.forward(&mut fresh));
        assert_eq!(small.backward(&mut layer), small.backward(&mut fresh));
    }
}

#[test]
fn wrong_arrays_are_refused_by_name() {
    let definition = LayerDefinition::new(Cell::Lstm, 3);
    let mut layer = RecurrentLayer::new(&definition, 2, InstructionSet::Portable, Some(1)).unwrap();
    let path = |result: lstm_core::Result<()>| result.unwrap_err().path;
    assert_eq!(path(layer.set_weights(&[0.0; 24 + 36 + 12 + 11])), "weights");
    assert_eq!(path(layer.forward(&[0.0; 8], 2, None, Some((&[0.0; 6], &[0.0; 5]))).map(drop)), "c0");
    layer.forward(&[0.0; 8], 2, None, None).unwrap();
    assert_eq!(path(layer.backward(Some(&[0.0; 11]), &[0.0; 6], &[0.0; 6]).map(drop)), "hidden");
    assert_eq!(path(layer.backward(None, &[0.0; 6], &[0.0; 7]).map(drop)), "final_cell");
    assert_eq!(
        RecurrentLayer::new(&definition, 0, InstructionSet::Portable, Some(1)).err().unwrap().path,
        "input_size"
    );
}

//! Random definitions, which compose layers, options, inputs, outputs and losses: the whole gradient of the fast path against the
//! oracle's tape, in prediction and under the masks of a training step, and predictions, on every instruction set of the
//! machine. What fails is shrunk to the smallest definition and batch that still do.
//!
//! The same definitions each time, so that a failure is the change's own. `PROPTEST_CASES` asks for more of them than the
//! first ones, `PROPTEST_RNG_SEED` for others; `npm run verify` does both.

mod common;

use common::definitions::networks;
use common::network::NetworkCase;
use common::slopes::{Tensors, on_tape};
use common::{error, masks};
use lstm_core::Trainer;
use lstm_core::kernels::InstructionSet;
use lstm_core::network::parameters::Layout;
use lstm_core::reference::{NetworkMasks, Scalar, Tape, Variable, parameter_shapes};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::cell::OnceCell;
use std::collections::BTreeMap;

/// f32 against float64.
const BOUND: f64 = 1e-5;

/// Numbers may be further off where single precision is: where layer normalisation divides by a small deviation, where the large
/// terms of a gradient cancel, where a unit is so far saturated that 1 − h² has no digits left. There the oracle itself is off as
/// well when each of its operations is rounded to f32. The fast path's functions are only within some units in the last place, and
/// it takes a few more operations. It also adds up in another order: where terms cancel to nothing in the oracle's, as equal slopes
/// of absolute errors do, roundings of the terms may be left in another one.
const ROUNDINGS: f64 = 16.0;
/// Of a number by its rounding to f32, at most.
const ROUNDING: f64 = 1.0 / (1 << 24) as f64;

const CASES: u32 = 400;

fn config() -> Config {
    let given = |variable: &str| std::env::var_os(variable).is_some();
    let mut config = Config { failure_persistence: None, max_shrink_iters: 10_000, ..Config::default() };
    if !given("PROPTEST_CASES") {
        config.cases = CASES;
    }
    if !given("PROPTEST_RNG_SEED") {
        config.rng_seed = RngSeed::Fixed(1);
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn networks_learn_and_predict_as_the_oracle_does(case in networks()) {
        check_tensors(&case)?;
        let masks = masks::first_step(&case.definition, &case.lengths, case.steps);
        let predictions = Expected::new(&case.parameters, |parameters, tape| predictions(&case, parameters, tape));
        let mut steps = None;
        for set in InstructionSet::available() {
            let what = set.name();
            predictions.check(what, "predictions", &case.predict(set))?;
            let [y, states] = case.predict_from_states(set);
            predictions.check(what, "predictions from given states", &y)?;
            predictions.check(what, "final states", &states)?;

            let mut trainer = case.trainer(set);
            // The trainer says what the scaling was fitted to, which is the same on every set.
            let parameters = case.named(trainer.weights());
            let [without, with] = steps.get_or_insert_with(|| [NetworkMasks::default(), masks.clone()].map(|masks| {
                let case = &case;
                Expected::new(&parameters, move |parameters, tape| step(case, parameters, &masks, tape))
            }));
            let all: Vec<u32> = (0..case.lengths.len() as u32).collect();
            let loss = trainer.differentiate(&all).unwrap();
            without.check_step(&format!("{what}, in prediction"), loss, &trainer, &case)?;
            let loss = trainer.advance(1).unwrap().losses[0];
            with.check_step(&format!("{what}, in training"), loss, &trainer, &case)?;
        }
    }
}

/// The fast path's tensors are the oracle's.
fn check_tensors(case: &NetworkCase) -> Result<(), TestCaseError> {
    let shape = |shape: &[u32]| shape.iter().map(|&size| size as usize).collect();
    let layout = Layout::of(&case.definition);
    let mut found: Vec<(String, Vec<usize>)> =
        layout.tensors().iter().map(|tensor| (tensor.name.clone(), shape(&tensor.shape))).collect();
    let mut expected = parameter_shapes(&case.definition);
    found.sort();
    expected.sort();
    prop_assert_eq!(found, expected);
    Ok(())
}

/// The oracle's predictions, and those from given states with the final ones.
fn predictions(case: &NetworkCase, parameters: &Tensors<f64>, tape: &Tape) -> Computed {
    let variables = on_tape(parameters, tape);
    let [from_states, states] = case.predictions_from_states(&variables);
    let all = [
        ("predictions", case.predictions(&variables)),
        ("predictions from given states", from_states),
        ("final states", states),
    ];
    let numbers = |values: Vec<Variable>| values.into_iter().map(Scalar::value).collect();
    let tensors = all.into_iter().map(|(name, values)| (name.to_owned(), numbers(values))).collect();
    Computed { tensors, terms: BTreeMap::new() }
}

/// The oracle's loss and gradients.
fn step(case: &NetworkCase, parameters: &Tensors<f64>, masks: &NetworkMasks, tape: &Tape) -> Computed {
    let variables = on_tape(parameters, tape);
    let loss = case.loss(&variables, masks);
    let gradients = tape.gradients(loss);
    let mut step = Computed::default();
    for (name, variables) in &variables {
        step.tensors.insert(name.clone(), gradients.of(variables));
        step.terms.insert(name.clone(), gradients.terms_of(variables).into_iter().fold(0.0, f64::max));
    }
    step.tensors.insert("loss".to_owned(), vec![loss.value()]);
    step
}

/// What the oracle computes.
#[derive(Default)]
struct Computed {
    tensors: Tensors<f64>,
    /// Of gradients, the largest sum of the sizes of the terms that one is the sum of.
    terms: BTreeMap<String, f64>,
}

/// What the oracle makes of some parameters.
struct Expected<F> {
    oracle: F,
    parameters: Tensors<f64>,
    exact: Computed,
    /// How far off each tensor is in single precision: found out when it is needed.
    single: OnceCell<BTreeMap<String, f64>>,
}

impl<F: Fn(&Tensors<f64>, &Tape) -> Computed> Expected<F> {
    fn new(parameters: &Tensors<f64>, oracle: F) -> Self {
        let exact = oracle(parameters, &Tape::new());
        Self { oracle, parameters: parameters.clone(), exact, single: OnceCell::new() }
    }

    fn check_step(&self, what: &str, loss: f32, trainer: &Trainer, case: &NetworkCase) -> Result<(), TestCaseError> {
        self.check(what, "loss", &[loss])?;
        for tensor in Layout::of(&case.definition).tensors().iter().filter(|tensor| tensor.trained) {
            self.check(&format!("{what}, gradient"), &tensor.name, &trainer.gradients()[tensor.range()])?;
        }
        Ok(())
    }

    fn check(&self, what: &str, name: &str, found: &[f32]) -> Result<(), TestCaseError> {
        let exact = &self.exact.tensors[name];
        prop_assert!(exact.iter().all(|number| number.is_finite()), "{what}: {name} of the oracle is not finite");
        let error = error(found, exact);
        if error > BOUND {
            let size = exact.iter().copied().map(f64::abs).fold(1e-3, f64::max);
            let terms = self.exact.terms.get(name).map_or(0.0, |terms| terms * ROUNDING / size);
            let bound = ROUNDINGS * terms.max(self.single.get_or_init(|| self.in_single_precision())[name]);
            prop_assert!(
                error <= bound,
                "{what}: {name}: the error is {error:.2e}, its bounds {BOUND:.0e} and {bound:.2e}"
            );
        }
        Ok(())
    }

    /// How far off each tensor is, at most, of some computations in single precision.
    fn in_single_precision(&self) -> BTreeMap<String, f64> {
        let mut errors = BTreeMap::new();
        for seed in 0..8 {
            for (name, tensor) in (self.oracle)(&self.parameters, &Tape::single(seed)).tensors {
                let off = error(&tensor, &self.exact.tensors[&name]);
                errors.entry(name).and_modify(|most: &mut f64| *most = most.max(off)).or_insert(off);
            }
        }
        errors
    }
}

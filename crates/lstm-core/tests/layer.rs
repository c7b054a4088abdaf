//! The fast layer against the oracle: every instruction set of the machine, sizes around every tile and vector width,
//! ragged lengths, both directions; gradients against the tape; padding against being read; threads against changing a bit.

mod common;

use common::error;
use lstm_core::kernels::InstructionSet;
use lstm_core::network::layer::{LayerGradients, LayerOutput, LstmLayer};
use lstm_core::random::{RandomStream, Stream};
use lstm_core::reference::{LayerWeights, Tape, Variable, lstm};

const SIZES: [usize; 9] = [1, 3, 7, 15, 16, 17, 33, 64, 130];
const STEPS: usize = 4;
/// More steps than the kernels compute input products ahead for at once, and no multiple of that.
const MANY_STEPS: usize = 61;

/// f32 against f64: a pre-activation is a sum of up to 260 terms of size ≤ 1, each rounded by 6e-8, and the
/// activations add 4 ULP; over four steps and the batch's sums that measures 2e-6, and 5.2e-6 at most where the sums of
/// a gradient of four numbers cancel. Several times less than a missing term of the smallest size here would make.
const BOUND: f64 = 8e-6;

/// One layer, a batch for it, and the cotangents of what it computes.
#[derive(Clone)]
struct Case {
    steps: usize,
    reverse: bool,
    input_size: usize,
    units: usize,
    lengths: Vec<u32>,
    weights: [Vec<f32>; 4],
    x: Vec<f32>,
    h0: Vec<f32>,
    c0: Vec<f32>,
    hidden: Vec<f32>,
    final_hidden: Vec<f32>,
    final_cell: Vec<f32>,
}

impl Case {
    /// A case of `STEPS` steps.
    fn new(batch: usize, input_size: usize, units: usize) -> Self {
        Self::with_steps(batch, STEPS, input_size, units)
    }

    /// Random numbers; lengths from 1 to `steps`, which is one of them.
    fn with_steps(batch: usize, steps: usize, input_size: usize, units: usize) -> Self {
        let mut random = RandomStream::new((batch * 1_000_000 + input_size * 1000 + units) as u32, Stream::Shuffling);
        let mut values =
            |count: usize, size: f32| -> Vec<f32> { (0..count).map(|_| random.uniform(-size, size)).collect() };
        // Pre-activations of size 1, so that no gate saturates and every term counts.
        let [bound_ih, bound] = [input_size, units].map(|size| 1.0 / (size as f32).sqrt());
        let mut case = Self {
            steps,
            reverse: false,
            input_size,
            units,
            lengths: (0..batch).map(|sample| ((sample * 7 + steps - 1) % steps + 1) as u32).collect(),
            weights: [
                values(4 * units * input_size, bound_ih),
                values(4 * units * units, bound),
                values(4 * units, bound),
                values(4 * units, bound),
            ],
            x: values(batch * steps * input_size, 1.0),
            h0: values(batch * units, 1.0),
            c0: values(batch * units, 1.0),
            hidden: values(batch * steps * units, 1.0),
            final_hidden: values(batch * units, 1.0),
            final_cell: values(batch * units, 1.0),
        };
        case.fill_padding(f32::NAN);
        case
    }

    fn fill_padding(&mut self, value: f32) {
        for (sample, &length) in self.lengths.iter().enumerate() {
            let steps = sample * self.steps + length as usize..(sample + 1) * self.steps;
            self.x[steps.start * self.input_size..steps.end * self.input_size].fill(value);
        }
    }

    fn layer(&self, set: InstructionSet, threads: usize) -> LstmLayer {
        let mut layer = LstmLayer::new(self.input_size, self.units, set, Some(threads)).unwrap();
        let [weight_ih, weight_hh, bias_ih, bias_hh] = &self.weights;
        layer.set_weights(weight_ih, weight_hh, bias_ih, bias_hh).unwrap();
        if self.reverse { layer.reversed() } else { layer }
    }

    /// The same case, to be read backwards.
    fn reversed(&self) -> Self {
        Self { reverse: true, ..self.clone() }
    }

    /// Values [batch, steps, width] in the order in which the case reads them: each sequence's valid steps are turned
    /// round if it is read backwards. Done twice, that changes nothing.
    fn in_order<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let width = values.len() / (self.lengths.len() * self.steps);
        let mut out = values.to_vec();
        for (sample, &length) in self.lengths.iter().enumerate().filter(|_| self.reverse) {
            for step in 0..length as usize {
                let [from, to] = [step, length as usize - 1 - step].map(|step| (sample * self.steps + step) * width);
                out[to..to + width].copy_from_slice(&values[from..from + width]);
            }
        }
        out
    }

    fn forward(&self, layer: &mut LstmLayer) -> LayerOutput {
        layer.forward(&self.x, self.steps, Some(&self.lengths), Some((&self.h0, &self.c0))).unwrap()
    }

    fn backward(&self, layer: &mut LstmLayer) -> LayerGradients {
        layer.backward(Some(&self.hidden), &self.final_hidden, &self.final_cell).unwrap()
    }

    fn name(&self) -> String {
        let way = if self.reverse { "backwards" } else { "forward" };
        format!("batch {}, {} inputs, {} units, {way}", self.lengths.len(), self.input_size, self.units)
    }

    fn lengths(&self) -> Vec<usize> {
        self.lengths.iter().map(|&length| length as usize).collect()
    }

    /// Every hidden state, and the final hidden and cell states, in f64.
    fn exact(&self) -> [Vec<f64>; 3] {
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        let [weight_ih, weight_hh, bias_ih, bias_hh] = self.weights.each_ref().map(|weights| wide(weights));
        let weights =
            LayerWeights { input_size: self.input_size, units: self.units, weight_ih, weight_hh, bias_ih, bias_hh };
        let x = self.in_order(&wide(&self.x));
        let output = lstm(&weights, &x, &self.lengths(), self.steps, &wide(&self.h0), &wide(&self.c0));
        [self.in_order(&output.hidden), output.h_n, output.c_n]
    }

    /// The gradients of Σ cotangent · output, in the order of [`named`], from the tape.
    fn exact_gradients(&self) -> Vec<Vec<f64>> {
        let tape = Tape::new();
        let variables =
            |values: &[f32]| -> Vec<Variable> { values.iter().map(|&v| tape.variable(f64::from(v))).collect() };
        let [weight_ih, weight_hh, bias_ih, bias_hh] = self.weights.each_ref().map(|weights| variables(weights));
        let weights =
            LayerWeights { input_size: self.input_size, units: self.units, weight_ih, weight_hh, bias_ih, bias_hh };
        let (x, h0, c0) = (variables(&self.x), variables(&self.h0), variables(&self.c0));
        let output = lstm(&weights, &self.in_order(&x), &self.lengths(), self.steps, &h0, &c0);
        let hidden = self.in_order(&output.hidden);
        let pairs = [(&hidden, &self.hidden), (&output.h_n, &self.final_hidden), (&output.c_n, &self.final_cell)];
        let mut sum = tape.variable(0.0);
        for (outputs, cotangents) in pairs {
            for (&output, &cotangent) in outputs.iter().zip(cotangents) {
                sum = sum + output * tape.variable(f64::from(cotangent));
            }
        }
        let gradients = tape.gradients(sum);
        [&weights.weight_ih, &weights.weight_hh, &weights.bias_ih, &weights.bias_hh, &x, &h0, &c0]
            .map(|variables| gradients.of(variables))
            .to_vec()
    }
}

fn named(gradients: &LayerGradients) -> [(&'static str, &[f32]); 7] {
    [
        ("weight_ih", &gradients.weight_ih),
        ("weight_hh", &gradients.weight_hh),
        ("bias_ih", &gradients.bias),
        ("bias_hh", &gradients.bias),
        ("x", &gradients.x),
        ("h0", &gradients.initial_hidden),
        ("c0", &gradients.initial_cell),
    ]
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
            for ((name, actual), expected) in named(&case.backward(&mut layer)).into_iter().zip(&exact) {
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
    let errors = triples().map(|(batch, input_size, units)| check_states(&Case::new(batch, input_size, units)));
    println!("worst error {:.1e}", errors.fold(0.0, f64::max));
}

#[test]
fn gradients_are_the_tapes_on_every_instruction_set() {
    // The tape holds every product: some hundred thousand of them a case. Every size is there for each of the three.
    let cases = triples().filter(|&(b, i, h)| b * h * (i + h) <= 60_000);
    let errors = cases.map(|(batch, input_size, units)| check_gradients(&Case::new(batch, input_size, units)));
    println!("worst error {:.1e}", errors.fold(0.0, f64::max));
}

#[test]
fn few_rows_over_many_steps_give_the_oracles_numbers() {
    for (batch, input_size, units) in [(1, 5, 17), (2, 3, 7), (3, 2, 5), (1, 1, 1), (2, 17, 16)] {
        let case = Case::with_steps(batch, MANY_STEPS, input_size, units);
        println!("{}: {:.1e}, {:.1e}", case.name(), check_states(&case), check_gradients(&case));
    }
}

#[test]
fn padding_has_no_gradient_and_its_content_changes_nothing() {
    for set in InstructionSet::available() {
        let mut case = Case::new(17, 5, 33);
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
fn any_number_of_threads_gives_the_same_bits() {
    // Large enough to be shared out: 130 rows of 130 units are some 140 million operations. The others have so few rows
    // and so many weights that threads share the units: on AVX-512 over two threads, over more where vectors are shorter.
    let few_rows = Case::with_steps(3, MANY_STEPS, 40, 250);
    for case in [Case::new(130, 33, 130), Case::with_steps(1, MANY_STEPS, 64, 256), few_rows.reversed(), few_rows] {
        for set in InstructionSet::available() {
            let mut one = case.layer(set, 1);
            let (output, gradients) = (case.forward(&mut one), case.backward(&mut one));
            for threads in [2, 3, 4] {
                let mut several = case.layer(set, threads);
                assert_eq!(output, case.forward(&mut several), "{set:?} on {threads} threads, {}", case.name());
                assert_eq!(gradients, case.backward(&mut several), "{set:?} on {threads} threads, {}", case.name());
            }
        }
    }
}

#[test]
fn a_layer_may_be_used_again_with_another_batch() {
    for set in InstructionSet::available() {
        let (large, small) =
            (Case::new(33, 7, 17), Case { weights: Case::new(33, 7, 17).weights, ..Case::new(3, 7, 17) });
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
    let mut layer = LstmLayer::new(2, 3, InstructionSet::Portable, Some(1)).unwrap();
    let path = |result: lstm_core::Result<()>| result.unwrap_err().path;
    assert_eq!(path(layer.set_weights(&[0.0; 24], &[0.0; 35], &[0.0; 12], &[0.0; 12])), "weight_hh");
    assert_eq!(path(layer.forward(&[0.0; 8], 2, None, Some((&[0.0; 6], &[0.0; 5]))).map(drop)), "c0");
    layer.forward(&[0.0; 8], 2, None, None).unwrap();
    assert_eq!(path(layer.backward(Some(&[0.0; 11]), &[0.0; 6], &[0.0; 6]).map(drop)), "hidden");
    assert_eq!(path(layer.backward(None, &[0.0; 6], &[0.0; 7]).map(drop)), "final_cell");
    assert_eq!(LstmLayer::new(0, 3, InstructionSet::Portable, Some(1)).err().unwrap().path, "units");
}

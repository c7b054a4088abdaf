//! One layer with a batch: run by the fast layer, and by the oracle.

use lstm_core::kernels::InstructionSet;
use lstm_core::network::layer::{LayerGradients, LayerOutput, LstmLayer};
use lstm_core::random::{RandomStream, Stream};
use lstm_core::reference::{LayerWeights, Tape, Variable, lstm};

/// One layer, a batch for it, and the cotangents of what it computes.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) steps: usize,
    pub(crate) reverse: bool,
    pub(crate) input_size: usize,
    pub(crate) units: usize,
    pub(crate) lengths: Vec<u32>,
    /// `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh`
    pub(crate) weights: [Vec<f32>; 4],
    pub(crate) x: Vec<f32>,
    pub(crate) h0: Vec<f32>,
    pub(crate) c0: Vec<f32>,
    /// Cotangents of every hidden state, of the final hidden states and of the final cell states.
    pub(crate) hidden: Vec<f32>,
    pub(crate) final_hidden: Vec<f32>,
    pub(crate) final_cell: Vec<f32>,
}

impl Case {
    /// Random numbers; lengths from 1 to `steps`, which is one of them.
    pub(crate) fn with_steps(batch: usize, steps: usize, input_size: usize, units: usize) -> Self {
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

    pub(crate) fn fill_padding(&mut self, value: f32) {
        for (sample, &length) in self.lengths.iter().enumerate() {
            let steps = sample * self.steps + length as usize..(sample + 1) * self.steps;
            self.x[steps.start * self.input_size..steps.end * self.input_size].fill(value);
        }
    }

    pub(crate) fn layer(&self, set: InstructionSet, threads: usize) -> LstmLayer {
        let mut layer = LstmLayer::new(self.input_size, self.units, set, Some(threads)).unwrap();
        let [weight_ih, weight_hh, bias_ih, bias_hh] = &self.weights;
        layer.set_weights(weight_ih, weight_hh, bias_ih, bias_hh).unwrap();
        if self.reverse { layer.reversed() } else { layer }
    }

    /// The same case, to be read backwards.
    pub(crate) fn reversed(&self) -> Self {
        Self { reverse: true, ..self.clone() }
    }

    /// Values [batch, steps, width] in the order in which the case reads them: each sequence's valid steps are turned
    /// round if it is read backwards. Done twice, that changes nothing.
    pub(crate) fn in_order<T: Copy>(&self, values: &[T]) -> Vec<T> {
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

    pub(crate) fn forward(&self, layer: &mut LstmLayer) -> LayerOutput {
        layer.forward(&self.x, self.steps, Some(&self.lengths), Some((&self.h0, &self.c0))).unwrap()
    }

    pub(crate) fn backward(&self, layer: &mut LstmLayer) -> LayerGradients {
        layer.backward(Some(&self.hidden), &self.final_hidden, &self.final_cell).unwrap()
    }

    pub(crate) fn name(&self) -> String {
        let way = if self.reverse { "backwards" } else { "forward" };
        format!("batch {}, {} inputs, {} units, {way}", self.lengths.len(), self.input_size, self.units)
    }

    pub(crate) fn lengths(&self) -> Vec<usize> {
        self.lengths.iter().map(|&length| length as usize).collect()
    }

    /// Every hidden state, and the final hidden and cell states, in f64.
    pub(crate) fn exact(&self) -> [Vec<f64>; 3] {
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        let [weight_ih, weight_hh, bias_ih, bias_hh] = self.weights.each_ref().map(|weights| wide(weights));
        let weights =
            LayerWeights { input_size: self.input_size, units: self.units, weight_ih, weight_hh, bias_ih, bias_hh };
        let x = self.in_order(&wide(&self.x));
        let output = lstm(&weights, &x, &self.lengths(), self.steps, &wide(&self.h0), &wide(&self.c0));
        [self.in_order(&output.hidden), output.h_n, output.c_n]
    }

    /// The gradients of Σ cotangent · output, in the order of [`named`], from the tape.
    pub(crate) fn exact_gradients(&self) -> Vec<Vec<f64>> {
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

/// The gradients by name, in the order of [`Case::exact_gradients`].
pub(crate) fn named(gradients: &LayerGradients) -> [(&'static str, &[f32]); 7] {
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

//! One layer with a batch: run by the fast layer, and by the oracle.

use lstm_core::kernels::InstructionSet;
use lstm_core::network::definition::{Cell, DirectionTensors, LayerDefinition};
use lstm_core::network::layer::{LayerGradients, LayerMasks, LayerOutput, RecurrentLayer};
use lstm_core::random::{RandomStream, Stream};
use lstm_core::reference::{Batch, DirectionWeights, Masks, Scalar, Tape, Variable, direction};

/// One layer, a batch for it, and the cotangents of what it computes.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) definition: LayerDefinition,
    pub(crate) steps: usize,
    pub(crate) reverse: bool,
    pub(crate) input_size: usize,
    pub(crate) units: usize,
    pub(crate) lengths: Vec<u32>,
    /// Every tensor, one after the other.
    pub(crate) weights: Vec<f32>,
    pub(crate) x: Vec<f32>,
    pub(crate) h0: Vec<f32>,
    /// Empty unless the layer is an LSTM, as everything of cell states.
    pub(crate) c0: Vec<f32>,
    /// The factors of training, as [`LayerMasks`] has them; empty where the layer has none.
    pub(crate) masks: [Vec<f32>; 3],
    /// Cotangents of every hidden state, of the final hidden states and of the final cell states.
    pub(crate) hidden: Vec<f32>,
    pub(crate) final_hidden: Vec<f32>,
    pub(crate) final_cell: Vec<f32>,
}

impl Case {
    /// A plain LSTM over random numbers; lengths from 1 to `steps`, which is one of them.
    pub(crate) fn with_steps(batch: usize, steps: usize, input_size: usize, units: usize) -> Self {
        Self::of(LayerDefinition::new(Cell::Lstm, units as u32), batch, steps, input_size)
    }

    /// The same of any layer.
    pub(crate) fn of(definition: LayerDefinition, batch: usize, steps: usize, input_size: usize) -> Self {
        let units = definition.units as usize;
        let cells = if definition.cell == Cell::Lstm { batch * units } else { 0 };
        let states = definition.hidden_size();
        let masks = masks(&definition, batch, steps);
        let mut random = RandomStream::new((batch * 1_000_000 + input_size * 1000 + units) as u32, Stream::Shuffling);
        let mut values =
            |count: usize, size: f32| -> Vec<f32> { (0..count).map(|_| random.uniform(-size, size)).collect() };
        // Pre-activations of size 1, so that no gate saturates and every term counts.
        let weights =
            DirectionTensors::shapes(&definition, input_size).named().into_iter().flat_map(|(name, shape)| {
                let size = match name {
                    "weight_ih" => input_size,
                    "weight_hh" => states,
                    "gain_gates" | "gain_cell" | "weight_peephole" => 1,
                    _ => units,
                };
                values(shape.iter().product(), 1.0 / (size as f32).sqrt())
            });
        let weights = weights.collect();
        let mut case = Self {
            definition,
            steps,
            reverse: false,
            input_size,
            units,
            lengths: (0..batch).map(|sample| ((sample * 7 + steps - 1) % steps + 1) as u32).collect(),
            weights,
            x: values(batch * steps * input_size, 1.0),
            h0: values(batch * states, 1.0),
            c0: values(cells, 1.0),
            masks,
            hidden: values(batch * steps * states, 1.0),
            final_hidden: values(batch * states, 1.0),
            final_cell: values(cells, 1.0),
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

    /// The index-th tensor.
    pub(crate) fn tensor(&mut self, index: usize) -> &mut [f32] {
        let ranges = DirectionTensors::ranges(&self.definition, self.input_size);
        let range = ranges.iter().nth(index).unwrap().clone();
        &mut self.weights[range]
    }

    pub(crate) fn layer(&self, set: InstructionSet, threads: usize) -> RecurrentLayer {
        let mut layer = RecurrentLayer::new(&self.definition, self.input_size, set, Some(threads)).unwrap();
        layer.set_weights(&self.weights).unwrap();
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

    pub(crate) fn forward(&self, layer: &mut RecurrentLayer) -> LayerOutput {
        let masks = (!self.masks.iter().all(Vec::is_empty)).then(|| {
            let [recurrent, keep_hidden, keep_cell] = &self.masks;
            LayerMasks { recurrent, keep_hidden, keep_cell }
        });
        layer.forward_masked(&self.x, self.steps, Some(&self.lengths), Some((&self.h0, &self.c0)), masks).unwrap()
    }

    pub(crate) fn backward(&self, layer: &mut RecurrentLayer) -> LayerGradients {
        layer.backward(Some(&self.hidden), &self.final_hidden, &self.final_cell).unwrap()
    }

    pub(crate) fn name(&self) -> String {
        let way = if self.reverse { "backwards" } else { "forward" };
        let layer = serde_json::to_string(&self.definition).unwrap();
        format!("{layer}, batch {}, {} inputs, {way}", self.lengths.len(), self.input_size)
    }

    pub(crate) fn lengths(&self) -> Vec<usize> {
        self.lengths.iter().map(|&length| length as usize).collect()
    }

    /// The oracle's output for numbers of any kind: every hidden state, the final hidden and the final cell states.
    fn run<S: Scalar>(&self, weights: &DirectionWeights<S>, x: &[S], h0: &[S], c0: &[S]) -> [Vec<S>; 3] {
        let lengths = self.lengths();
        let [recurrent, keep_hidden, keep_cell] =
            self.masks.each_ref().map(|mask| mask.iter().copied().map(f64::from).collect());
        let batch = Batch { x, lengths: &lengths, steps: self.steps, h0, c0 };
        let masks = Masks { recurrent, keep_hidden, keep_cell };
        let output = direction(&self.definition, weights, &masks, batch, self.reverse);
        [output.hidden, output.h_n, output.c_n]
    }

    /// The weights as numbers of another kind.
    fn weights<S: Scalar>(&self, number: impl Fn(f32) -> S) -> DirectionWeights<S> {
        let tensors = self.tensors(&self.weights).into_iter();
        let tensors = tensors.map(|(name, values)| (name, values.iter().map(|&value| number(value)).collect()));
        DirectionWeights { tensors: tensors.collect() }
    }

    /// Every hidden state, and the final hidden and cell states, in f64.
    pub(crate) fn exact(&self) -> [Vec<f64>; 3] {
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        self.run(&self.weights(f64::from), &wide(&self.x), &wide(&self.h0), &wide(&self.c0))
    }

    /// The gradients of Σ cotangent · output, in the order of [`named`](Self::named), from the tape.
    pub(crate) fn exact_gradients(&self) -> Vec<Vec<f64>> {
        let tape = Tape::new();
        let variables =
            |values: &[f32]| -> Vec<Variable> { values.iter().map(|&v| tape.variable(f64::from(v))).collect() };
        let weights = self.weights(|value| tape.variable(f64::from(value)));
        let (x, h0, c0) = (variables(&self.x), variables(&self.h0), variables(&self.c0));
        let outputs = self.run(&weights, &x, &h0, &c0);
        let mut sum = tape.variable(0.0);
        for (outputs, cotangents) in outputs.iter().zip([&self.hidden, &self.final_hidden, &self.final_cell]) {
            for (&output, &cotangent) in outputs.iter().zip(cotangents) {
                sum = sum + output * tape.variable(f64::from(cotangent));
            }
        }
        let gradients = tape.gradients(sum);
        let tensors = self.tensors(&self.weights).into_iter().map(|(name, _)| gradients.of(weights.get(name)));
        tensors.chain([&x, &h0, &c0].map(|variables| gradients.of(variables))).collect()
    }

    /// The tensors of a flat vector by name.
    fn tensors<'a>(&self, flat: &'a [f32]) -> Vec<(&'static str, &'a [f32])> {
        let mut rest = flat;
        let named =
            DirectionTensors::shapes(&self.definition, self.input_size).named().into_iter().map(|(name, shape)| {
                let (values, left) = rest.split_at(shape.iter().product());
                rest = left;
                (name, values)
            });
        named.collect()
    }

    /// The gradients by name, in the order of [`exact_gradients`](Self::exact_gradients).
    pub(crate) fn named<'a>(&self, gradients: &'a LayerGradients) -> Vec<(&'static str, &'a [f32])> {
        let LayerGradients { weights, x, initial_hidden, initial_cell } = gradients;
        let mut named = self.tensors(weights);
        named.extend([("x", &x[..]), ("h0", initial_hidden), ("c0", initial_cell)]);
        named
    }
}

/// Masks for a layer that drops states or keeps them.
fn masks(definition: &LayerDefinition, batch: usize, steps: usize) -> [Vec<f32>; 3] {
    let mut random = RandomStream::new(batch as u32, Stream::Initialisation);
    let mut mask = |rate: f32, length: usize, [hit, miss]: [f32; 2]| -> Vec<f32> {
        let length = if rate > 0.0 { length } else { 0 };
        (0..length).map(|_| if random.unit_f64() < f64::from(rate) { hit } else { miss }).collect()
    };
    let (states, units) = (definition.hidden_size(), definition.units as usize);
    let dropped = definition.recurrent_dropout;
    [
        mask(dropped, batch * states, [0.0, 1.0 / (1.0 - dropped)]),
        mask(definition.zoneout.hidden, batch * steps * states, [1.0, 0.0]),
        mask(definition.zoneout.cell, batch * steps * units, [1.0, 0.0]),
    ]
}

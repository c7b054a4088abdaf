//! A layer as those hold it who build their own network: a definition, its weights, one pass forward over arrays of theirs and
//! one back. The arrays are laid out as `PyTorch` lays out those of its one-layer modules with `batch_first`.

mod arrays;
mod masks;

use std::sync::Arc;

use serde::Deserialize;

use crate::executor::Executor;
use crate::memory::AlignedBuffer;
use crate::network::definition::{InitialisationDefinition, LayerDefinition, MAX_FEATURES, check_parameters};
use crate::network::description::LayerDescription;
use crate::network::dropout::WeightDropout;
use crate::network::layer::RecurrentLayer;
use crate::network::machine::MachineOptions;
use crate::network::padded::Place;
use crate::network::parameters::{LayerRanges, Tensor, check_weights, layer_alone};
use crate::network::recurrent::DIRECTIONS;
use crate::network::samples::Samples;
use crate::random::{RandomStream, Stream};
use crate::training::initializers::initialise_alone;
use crate::{Error, ErrorCode, Result, json};

use arrays::{check_finite, check_length, check_steps, part_of, parts_of_mut};

pub use arrays::{InputGradients, LayerInput, LayerStates, StateGradients};
pub use masks::{Dropping, TrainingMasks};

/// What a layer by itself is told beside its definition, and what a model knows of its layers.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS))]
pub struct LayerOptions {
    /// Numbers a step that go in: 1 to 65,536.
    pub inputs: u32,
    /// The first weights come from this seed, and are those of the first layer of a model of the same seed; so does what
    /// training drops. 0 unless given.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(as = "Option<u32>", optional))]
    pub seed: u32,
    /// What the first weights are, by the names that `parameters()` has: `weight_ih_l0`. Those of the scheme `"gatewise"` unless
    /// given.
    #[serde(default, deserialize_with = "json::present")]
    #[cfg_attr(feature = "schema", ts(optional))]
    pub initialisation: Option<InitialisationDefinition>,
}

impl LayerOptions {
    /// Reads and validates the options.
    pub fn from_json(text: &str) -> Result<Self> {
        let options: Self = json::parse(text, ErrorCode::InvalidOption)?;
        options.validate()?;
        Ok(options)
    }

    fn validate(&self) -> Result<()> {
        if !(1..=MAX_FEATURES).contains(&self.inputs) {
            let message = format!("{} is out of range: give a whole number from 1 to {MAX_FEATURES}", self.inputs);
            return Err(Error::new(ErrorCode::InvalidOption, "inputs", message));
        }
        let rules = self.initialisation.as_ref().map_or(Ok(()), InitialisationDefinition::validate);
        rules.map_err(|error| Error { code: ErrorCode::InvalidOption, ..error })
    }
}

/// A recurrent layer with its weights, in as many directions as its definition says, and its last forward pass.
///
/// ```
/// use lstm_core::network::{definition::LayerDefinition, machine::MachineOptions};
/// use lstm_core::{Dropping, InputGradients, Layer, LayerInput, LayerOptions, LayerStates, StateGradients};
///
/// let definition = LayerDefinition::from_json(r#"{ "cell": "lstm", "units": 2, "bidirectional": true }"#)?;
/// let mut layer = Layer::new(definition, LayerOptions { inputs: 1, seed: 7, ..LayerOptions::default() }, MachineOptions::default())?;
/// // One sequence of three steps.
/// let input = LayerInput {
///     x: &[1.0, -1.0, 2.0],
///     steps: 3,
///     lengths: None,
///     initial_hidden: None,
///     initial_cell: None,
///     dropping: Dropping::Expected,
/// };
/// let (mut hidden, mut final_hidden, mut final_cell) = ([0.0; 3 * 2 * 2], [0.0; 2 * 2], [0.0; 2 * 2]);
/// layer.forward(
///     input,
///     LayerStates { hidden: &mut hidden, final_hidden: &mut final_hidden, final_cell: &mut final_cell },
/// )?;
/// assert_eq!((&hidden[8..10], &hidden[2..4]), (&final_hidden[..2], &final_hidden[2..]));
///
/// // The gradients of the sum of the final hidden states.
/// let mut weights = vec![0.0; layer.weights().len()];
/// let (mut x, mut initial_hidden, mut initial_cell) = ([0.0; 3], [0.0; 4], [0.0; 4]);
/// layer.backward(
///     StateGradients { final_hidden: Some(&[1.0; 4]), ..StateGradients::default() },
///     InputGradients { x: &mut x, weights: &mut weights, initial_hidden: &mut initial_hidden, initial_cell: &mut initial_cell },
/// )?;
/// assert!(x.iter().all(|&gradient| gradient != 0.0));
/// # Ok::<(), lstm_core::Error>(())
/// ```
pub struct Layer {
    definition: LayerDefinition,
    inputs: usize,
    isa: &'static str,
    executor: Arc<Executor>,
    tensors: Vec<Tensor>,
    ranges: LayerRanges,
    weights: Vec<f32>,
    /// Whether `directions` hold the weights, none of them dropped; packing waits for the first use.
    packed: bool,
    directions: Vec<RecurrentLayer>,
    /// One a direction.
    weight_dropout: Vec<WeightDropout>,
    /// Whether the last forward pass dropped weights.
    weights_masked: bool,
    /// What training passes draw from.
    random: RandomStream,
    /// Valid steps of each sequence of the last forward pass.
    lengths: Vec<u32>,
    /// The packed gradient of the input.
    input_gradient: AlignedBuffer,
}

impl Layer {
    /// A layer with weights drawn from the seed.
    pub fn new(definition: LayerDefinition, options: LayerOptions, machine: MachineOptions) -> Result<Self> {
        definition.validate_alone()?;
        options.validate()?;
        let inputs = options.inputs as usize;
        check_parameters(definition.parameters(inputs), "units")?;
        let (tensors, ranges) = layer_alone(&definition, inputs);
        let executor = Arc::new(Executor::new(machine.threads.map(|threads| threads as usize))?);
        let set = machine.choose_instruction_set()?;
        let directions = DIRECTIONS[..definition.directions()].iter().map(|&direction| {
            RecurrentLayer::with_executor(&definition, inputs, direction, set, Arc::clone(&executor))
        });
        let weight_dropout = ranges.directions.iter().map(|tensors| WeightDropout::new(&ranges, tensors, true));
        Ok(Self {
            directions: directions.collect::<Result<_>>()?,
            weight_dropout: weight_dropout.collect(),
            weights_masked: false,
            random: RandomStream::new(options.seed, Stream::Dropout),
            weights: initialise_alone(options.initialisation.as_ref(), &tensors, &ranges, options.seed)?,
            packed: false,
            isa: set.name(),
            definition,
            inputs,
            executor,
            tensors,
            ranges,
            lengths: Vec::new(),
            input_gradient: AlignedBuffer::default(),
        })
    }

    /// What the layer is and what it runs on.
    #[must_use]
    pub fn describe(&self) -> LayerDescription {
        LayerDescription {
            definition: self.definition.clone(),
            inputs: self.inputs as u32,
            directions: self.directions.len() as u32,
            hidden_size: self.hidden_size() as u32,
            cell_size: self.cell_size() as u32,
            isa: self.isa.to_owned(),
            threads: self.executor.threads() as u32,
            tensors: self.tensors.clone(),
            parameters: self.weights.len() as u32,
        }
    }

    /// Every tensor, one after the other, as [`describe`](Self::describe) lists them.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Replaces every tensor. A backward pass still goes back through the weights that its forward pass ran with.
    pub fn commit(&mut self, weights: &[f32]) -> Result<()> {
        check_weights(&self.tensors, weights)?;
        self.weights.copy_from_slice(weights);
        self.packed = false;
        Ok(())
    }

    /// Runs the layer. Allocates only for a larger batch than any before. After an error nothing has been written, and the
    /// stream of what training drops is where it was.
    pub fn forward(&mut self, input: LayerInput, states: LayerStates) -> Result<()> {
        let samples = Samples::new(input.x, input.steps, self.inputs, input.lengths)?;
        self.check_forward(&samples, &input, &states)?;
        let (n, directions, size) = (samples.count(), self.directions.len(), self.hidden_size());
        let sizes = [size, self.cell_size()];
        let mut random = self.random.clone();
        self.pack(input.dropping, &mut random);
        self.lengths.clear();
        self.lengths.extend((0..n).map(|sample| samples.length(sample) as u32));
        for (which, layer) in self.directions.iter_mut().enumerate() {
            layer.run_forward(
                &samples,
                part_of(input.initial_hidden, which, directions),
                part_of(input.initial_cell, which, directions),
                input.dropping.of_states(which, directions, sizes, &mut random),
            )?;
        }
        self.random = random;
        states.hidden.fill(0.0);
        let final_states =
            parts_of_mut(states.final_hidden, directions).zip(parts_of_mut(states.final_cell, directions));
        for ((which, layer), (hidden, cell)) in self.directions.iter().enumerate().zip(final_states) {
            layer.write_hidden(states.hidden, Place { first: which * size, stride: directions * size });
            layer.write_final_states(hidden, cell);
        }
        Ok(())
    }

    /// Whether what a forward pass reads and fills has the layer's shapes, and every number that counts is finite.
    fn check_forward(&self, samples: &Samples, input: &LayerInput, states: &LayerStates) -> Result<()> {
        let (n, directions, size) = (samples.count(), self.directions.len(), self.hidden_size());
        let [hidden_states, cell_states] = [size, self.cell_size()].map(|size| [directions, n, size]);
        check_finite("initialHidden", input.initial_hidden, hidden_states)?;
        check_finite("initialCell", input.initial_cell, cell_states)?;
        check_length("hidden", states.hidden, [n, input.steps, directions * size])?;
        check_length("finalHidden", states.final_hidden, hidden_states)?;
        check_length("finalCell", states.final_cell, cell_states)?;
        match &input.dropping {
            Dropping::Given(masks) => masks.check(&self.definition, samples, self.cell_size()),
            Dropping::Expected | Dropping::Drawn => Ok(()),
        }
    }

    /// Runs the last forward pass backwards, once. Allocates only for a larger batch than any before. After an error
    /// nothing has been written.
    pub fn backward(&mut self, gradients: StateGradients, out: InputGradients) -> Result<()> {
        self.directions.iter().try_for_each(RecurrentLayer::check_ran)?;
        let (n, steps) = self.directions[0].batch();
        let (directions, size) = (self.directions.len(), self.hidden_size());
        let [hidden_states, cell_states] = [size, self.cell_size()].map(|size| [directions, n, size]);
        if let Some(hidden) = gradients.hidden {
            check_length("hidden", hidden, [n, steps, directions * size])?;
            let length = |sample: usize| self.lengths[sample] as usize;
            check_steps("hidden", hidden, length, [n, steps, directions * size])?;
        }
        check_finite("finalHidden", gradients.final_hidden, hidden_states)?;
        check_finite("finalCell", gradients.final_cell, cell_states)?;
        check_length("x", out.x, [n, steps, self.inputs])?;
        check_length("weights", out.weights, [1, 1, self.weights.len()])?;
        check_length("initialHidden", out.initial_hidden, hidden_states)?;
        check_length("initialCell", out.initial_cell, cell_states)?;
        self.input_gradient.grow(self.directions[0].packed_input())?;
        for ((which, layer), weights) in
            self.directions.iter_mut().enumerate().zip(parts_of_mut(out.weights, directions))
        {
            let place = Place { first: which * size, stride: directions * size };
            layer.run_backward(
                gradients.hidden.map(|hidden| (hidden, place)),
                part_of(gradients.final_hidden, which, directions),
                part_of(gradients.final_cell, which, directions),
                // The second direction adds to the first one's.
                (&mut self.input_gradient, which > 0),
                weights,
            )?;
        }
        if self.weights_masked {
            for (dropout, ranges) in self.weight_dropout.iter().zip(&self.ranges.directions) {
                dropout.backward(&mut out.weights[ranges.weight_hh.clone()]);
            }
        }
        out.x.fill(0.0);
        self.directions[0].write_input_gradient(&self.input_gradient, out.x);
        let initial = parts_of_mut(out.initial_hidden, directions).zip(parts_of_mut(out.initial_cell, directions));
        for (layer, (hidden, cell)) in self.directions.iter().zip(initial) {
            layer.write_initial_gradients(hidden, cell);
        }
        Ok(())
    }

    /// Packs the weights that a pass runs with, unless they are packed.
    fn pack(&mut self, dropping: Dropping, random: &mut RandomStream) {
        self.weights_masked = false;
        let (weights, count) = (&self.weights, self.directions.len());
        let directions = self.directions.iter_mut().zip(&mut self.weight_dropout).zip(&self.ranges.directions);
        for (which, ((layer, dropout), ranges)) in directions.enumerate() {
            let masked = match dropping {
                Dropping::Expected => None,
                Dropping::Drawn => dropout.draw(ranges.of(weights), random),
                Dropping::Given(_) => {
                    let mask = dropping.of_weights(which, count);
                    mask.and_then(|mask| dropout.take(ranges.of(weights), mask))
                }
            };
            self.weights_masked |= masked.is_some();
            if masked.is_some() || !self.packed {
                layer.pack(masked.unwrap_or_else(|| ranges.of(weights)));
            }
        }
        self.packed = !self.weights_masked;
    }

    /// H
    fn hidden_size(&self) -> usize {
        self.definition.hidden_size()
    }

    /// C
    fn cell_size(&self) -> usize {
        self.directions[0].cell_numbers(1)
    }
}

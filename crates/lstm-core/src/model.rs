//! A model as its users hold it: a definition, its weights, and everything that only reads them.
//! Training happens elsewhere, on a copy of the weights; [`Model::commit`] takes the result over.

use crate::executor::Executor;
use crate::finite::first_not_finite;
use crate::formats::safetensors;
use crate::network::definition::{At, ModelDefinition};
use crate::network::description::ModelDescription;
use crate::network::machine::MachineOptions;
use crate::network::parameters::Layout;
use crate::network::samples::Samples;
use crate::network::stack::{Stack, StreamState};
use crate::network::states::InitialStates;
use crate::network::summary::{self, ModelSummary, TrainingMemory};
use crate::network::targets::Targets;
use crate::training::evaluation::Evaluation;
use crate::training::initializers::initialise;
use crate::training::report::Report;
use crate::{Error, ErrorCode, Result};

/// Sequences a thread that run together: enough to fill the kernels' tiles, few enough to stay in cache.
const BATCH: usize = 128;

/// Steps of all sequences of a batch, at most, whose memory is told.
const MOST_SUMMARISED: u64 = 1 << 28;

/// Numbers of the predictions that are computed together, at most, where a sequence has more than this many: 32 MiB.
const MOST_OUTPUTS: usize = 1 << 23;

/// A model that predicts. The [crate] has a whole example.
pub struct Model {
    definition: ModelDefinition,
    layout: Layout,
    weights: Vec<f32>,
    /// Whether `stack` holds the weights; packing waits for the first use.
    packed: bool,
    stack: Stack,
    streams: Vec<Option<StreamState>>,
    evaluations: Vec<Option<Evaluation>>,
}

impl Model {
    /// A model with weights drawn from the definition's seed.
    pub fn new(definition: ModelDefinition, machine: MachineOptions) -> Result<Self> {
        definition.validate()?;
        let weights = initialise(&definition, &Layout::of(&definition), definition.seed);
        Self::with_weights(definition, weights, machine)
    }

    /// A model out of a file that [`save`](Self::save) wrote.
    pub fn load(file: &[u8], machine: MachineOptions) -> Result<Self> {
        let (definition, weights) = safetensors::load(file)?;
        Self::with_weights(definition, weights, machine)
    }

    fn with_weights(definition: ModelDefinition, weights: Vec<f32>, machine: MachineOptions) -> Result<Self> {
        let layout = Layout::of(&definition);
        let executor = Executor::new(machine.threads.map(|threads| threads as usize))?;
        let stack = Stack::new(&layout, &definition.output, machine.choose_instruction_set()?, executor, false)?;
        Ok(Self { definition, layout, weights, packed: false, stack, streams: Vec::new(), evaluations: Vec::new() })
    }

    /// What the model is and what it runs on.
    #[must_use]
    pub fn describe(&self) -> ModelDescription {
        ModelDescription {
            definition: self.definition.clone(),
            isa: self.stack.set.name().to_owned(),
            threads: self.stack.executor.threads() as u32,
            tensors: self.layout.tensors().to_vec(),
            parameters: self.layout.trained_length() as u32,
            state_size: self.definition.state_size() as u32,
        }
    }

    /// The model as a table, with the memory that training in batches of `batch_size` sequences of `steps` steps takes on this
    /// machine, beside the data.
    pub fn summarise(&self, batch_size: u32, steps: u32) -> Result<ModelSummary> {
        for (path, value) in [("batchSize", batch_size), ("steps", steps)] {
            if value == 0 || u64::from(batch_size) * u64::from(steps) > MOST_SUMMARISED {
                let message = format!(
                    "{batch_size} sequences of {steps} steps are out of range: give at least one, and at most \
                     {MOST_SUMMARISED} steps in all"
                );
                return Err(Error::new(ErrorCode::InvalidOption, path, message));
            }
        }
        let rows = summary::rows(&self.definition, &self.layout);
        let executor = Executor::new(Some(self.stack.executor.threads()))?;
        let stack = Stack::new(&self.layout, &self.definition.output, self.stack.set, executor, true)?;
        let bytes = |numbers: usize| (numbers * size_of::<f32>()) as u64;
        let (total, trained) = (self.layout.total_length(), self.layout.trained_length());
        Ok(ModelSummary {
            parameters: trained as u32,
            multiply_adds: rows.iter().map(|row| row.multiply_adds).sum(),
            rows,
            training: TrainingMemory {
                batch_size,
                steps,
                // The gradients, and Adam's two moments.
                parameters: bytes(total + 3 * trained),
                packed: bytes(stack.packed_weights()),
                activations: activations(&stack, u64::from(batch_size), u64::from(steps)) * size_of::<f32>() as u64,
            },
        })
    }

    /// Every tensor, one after the other, as [`describe`](Self::describe) lists them.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Replaces every tensor. Streams go on with their states.
    pub fn commit(&mut self, weights: &[f32]) -> Result<()> {
        self.layout.check(weights)?;
        self.weights.copy_from_slice(weights);
        self.packed = false;
        Ok(())
    }

    /// Fills `y` with the predictions for `x` [n, steps, features]: [n, K], K numbers each, and n is `y`'s length over K;
    /// where there is an output at each step [n, steps, K], zero in the padding, and n is the number of `lengths` or of rows of
    /// `states`, without which `x` is one sequence. Allocates only when a batch is larger than any before.
    ///
    /// With `states` [n, S], S as [`ModelDefinition::state_size`] counts, sequences begin from these, and those that they end
    /// with take their place: layer by layer, direction by direction, the hidden state and then the cell state.
    pub fn run(
        &mut self,
        x: &[f32],
        lengths: Option<&[u32]>,
        mut states: Option<&mut [f32]>,
        y: &mut [f32],
    ) -> Result<()> {
        let (size, features) = (self.definition.output.size(), self.definition.input.features());
        let each = self.definition.output.at == At::Each;
        let n = self.sequences_of(x, lengths, states.as_deref(), y)?;
        let steps = x.len() / (n * features);
        let samples = Samples::new(x, steps, features, lengths)?;
        self.pack();
        let rows = if each { steps } else { 1 };
        if each {
            y.fill(0.0);
        }
        let most = (BATCH * self.stack.executor.threads()).min(MOST_OUTPUTS / (rows * size)).max(1);
        for start in (0..n).step_by(most) {
            let batch = most.min(n - start);
            let place = |sample: usize| start + sample;
            let initial = states.as_deref().map(|values| InitialStates { values, row: &place });
            self.stack.forward(&samples, batch, place, initial, None)?;
            self.stack.predictions(|sample, step, prediction| {
                y[((start + sample) * rows + step) * size..][..size].copy_from_slice(prediction);
            });
            if let Some(states) = states.as_deref_mut() {
                self.stack.final_states(place, states);
            }
        }
        Ok(())
    }

    /// n, if `x`, `lengths`, `states` and `y` fit each other.
    fn sequences_of(&self, x: &[f32], lengths: Option<&[u32]>, states: Option<&[f32]>, y: &[f32]) -> Result<usize> {
        let (size, features) = (self.definition.output.size(), self.definition.input.features());
        let refuse = |path: &str, message: String| Err(Error::new(ErrorCode::ShapeMismatch, path, message));
        let each = self.definition.output.at == At::Each;
        let state_size = self.definition.state_size();
        let sequences = || states.map_or(1, |states| states.len() / state_size);
        let n = if each { lengths.map_or_else(sequences, <[u32]>::len) } else { y.len() / size };
        if !each && (y.is_empty() || !y.len().is_multiple_of(size)) {
            return refuse("y", format!("y has room for {} numbers; give {size} for each sequence", y.len()));
        }
        if n == 0 || !x.len().is_multiple_of(n * features) {
            let message =
                format!("x holds {} numbers, which {n} sequences of {features} features cannot share", x.len());
            return refuse("x", message);
        }
        let steps = x.len() / features;
        if each && y.len() != steps * size {
            let message = format!("y has room for {} numbers; give {size} for each of the {steps} steps of x", y.len());
            return refuse("y", message);
        }
        if let Some(states) = states {
            if states.len() != n * state_size {
                let message =
                    format!("states has {} numbers; give {state_size} for each of {n} sequences", states.len());
                return refuse("states", message);
            }
            if let Some(index) = first_not_finite(states) {
                let (path, value) = (format!("states[{index}]"), states[index]);
                let message = format!("{path} is {value}: states have to be finite, and are zero at the beginning");
                return Err(Error::new(ErrorCode::NotFinite, path, message));
            }
        }
        Ok(n)
    }

    /// Opens an evaluation: predictions that are held to their targets part by part. Gives its number.
    pub fn open_evaluation(&mut self) -> u32 {
        put(&mut self.evaluations, Evaluation::new(&self.definition.output))
    }

    /// Adds predictions and their targets to an evaluation: [n, K]; where there is one at each step [n, steps, K], with n
    /// `lengths`.
    pub fn add_to_evaluation(
        &mut self,
        evaluation: u32,
        predictions: &[f32],
        lengths: Option<&[u32]>,
        targets: Targets,
    ) -> Result<()> {
        let slot = self.evaluations.get_mut(evaluation as usize).and_then(Option::as_mut);
        slot.ok_or_else(|| Error::disposed("evaluation"))?.add(predictions, lengths, targets)
    }

    /// What an evaluation comes to. It is closed; its number may be given out again.
    pub fn close_evaluation(&mut self, evaluation: u32) -> Result<Report> {
        let slot = self.evaluations.get_mut(evaluation as usize).and_then(Option::take);
        slot.ok_or_else(|| Error::disposed("evaluation"))?.report()
    }

    /// Opens a stream: one sequence that is fed step by step. Gives its number. Fails for a bidirectional network and where
    /// steps are pooled: their outputs need the whole sequence.
    pub fn open_stream(&mut self) -> Result<u32> {
        if let Some(layer) = self.definition.layers.iter().position(|layer| layer.bidirectional) {
            let message = "a bidirectional layer reads sequences from their end: give them whole to `run` or `predict`";
            return Err(Error::new(ErrorCode::InvalidDefinition, format!("layers[{layer}].bidirectional"), message));
        }
        let pooled = match self.definition.output.at {
            At::Last | At::Each => None,
            At::Mean => Some("mean"),
            At::Max => Some("max"),
            At::Attention => Some("attention"),
        };
        if let Some(at) = pooled {
            let message = format!("`{at}` pools all steps of a sequence: give it whole to `run` or `predict`");
            return Err(Error::new(ErrorCode::InvalidDefinition, "output.at", message));
        }
        Ok(put(&mut self.streams, self.stack.stream_state()))
    }

    /// Feeds one step `[features]` and fills `y` `[K]` with the prediction after it.
    pub fn next_step(&mut self, stream: u32, features: &[f32], y: &mut [f32]) -> Result<()> {
        let size = self.definition.output.size();
        let expected = self.definition.input.features();
        if features.len() != expected {
            let message = format!("a step has {} features, the model expects {expected}", features.len());
            return Err(Error::new(ErrorCode::ShapeMismatch, "features", message));
        }
        if y.len() != size {
            let message = format!("y has room for {} numbers, the model gives {size}", y.len());
            return Err(Error::new(ErrorCode::ShapeMismatch, "y", message));
        }
        if let Some(feature) = first_not_finite(features) {
            let message = format!("the step has {}; replace or leave out what is missing", features[feature]);
            return Err(Error::new(ErrorCode::NotFinite, format!("features[{feature}]"), message));
        }
        self.pack();
        let state = stream_of(&mut self.streams, stream)?;
        self.stack.step(features, state)?;
        self.stack.predictions(|_, _, prediction| y.copy_from_slice(prediction));
        Ok(())
    }

    /// Takes a stream back to before its first step.
    pub fn reset_stream(&mut self, stream: u32) -> Result<()> {
        stream_of(&mut self.streams, stream)?.reset();
        Ok(())
    }

    /// Frees a stream; its number may be given out again.
    pub fn close_stream(&mut self, stream: u32) {
        if let Some(slot) = self.streams.get_mut(stream as usize) {
            *slot = None;
        }
    }

    /// The model as a safetensors file, definition and scaling inside.
    pub fn save(&self) -> Result<Vec<u8>> {
        safetensors::save(&self.definition, &self.layout, &self.weights)
    }

    fn pack(&mut self) {
        if !self.packed {
            self.stack.pack(&self.layout, &self.weights);
            self.packed = true;
        }
    }
}

/// Numbers of a training batch's activations, in 64 bits: more than the machine might have. They grow with sequences and with
/// steps, each by as much, and sixteen of anything fill whole cache lines.
fn activations(stack: &Stack, batch_size: u64, steps: u64) -> u64 {
    let of = |batch: usize, rows: usize| stack.activations(batch, rows) as u64;
    let step = (of(16, 32) - of(16, 16)) / 16;
    let sequence = (of(32, 32) - of(16, 32)) / 16;
    of(16, 16) - 16 * (step + sequence) + batch_size * (sequence + steps * step)
}

/// Puts a thing into the first free place, and gives its number.
fn put<T>(places: &mut Vec<Option<T>>, thing: T) -> u32 {
    let free = places.iter().position(Option::is_none).unwrap_or(places.len());
    if free == places.len() {
        places.push(None);
    }
    places[free] = Some(thing);
    free as u32
}

fn stream_of(streams: &mut [Option<StreamState>], stream: u32) -> Result<&mut StreamState> {
    streams.get_mut(stream as usize).and_then(Option::as_mut).ok_or_else(|| Error::disposed("stream"))
}

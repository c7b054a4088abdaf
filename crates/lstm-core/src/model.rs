//! A model as its users hold it: a definition, its weights, and everything that only reads them.
//! Training happens elsewhere, on a copy of the weights; [`Model::commit`] takes the result over.

use crate::executor::Executor;
use crate::finite::first_not_finite;
use crate::formats::safetensors;
use crate::network::definition::ModelDefinition;
use crate::network::description::ModelDescription;
use crate::network::machine::MachineOptions;
use crate::network::parameters::Layout;
use crate::network::samples::Samples;
use crate::network::stack::{Stack, StreamState};
use crate::training::initializers::initialise;
use crate::training::metrics::classification_report;
use crate::training::report::ClassificationReport;
use crate::{Error, ErrorCode, Result};

/// Sequences a thread that run together: enough to fill the kernels' tiles, few enough to stay in cache.
const BATCH: usize = 128;

/// A model that predicts. The [crate] has a whole example.
pub struct Model {
    definition: ModelDefinition,
    layout: Layout,
    weights: Vec<f32>,
    /// Whether `stack` holds the weights; packing waits for the first use.
    packed: bool,
    stack: Stack,
    streams: Vec<Option<StreamState>>,
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
        let stack = Stack::new(&layout, machine.choose_instruction_set()?, executor, false)?;
        Ok(Self { definition, layout, weights, packed: false, stack, streams: Vec::new() })
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
        }
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

    /// Fills `y` [n, classes] with the probabilities for `x` [n, steps, features]; n is `y`'s length over the number
    /// of classes. Allocates only when a batch is larger than any before.
    pub fn run(&mut self, x: &[f32], lengths: Option<&[u32]>, y: &mut [f32]) -> Result<()> {
        let classes = self.layout.head().classes;
        let features = self.definition.input.features as usize;
        if y.is_empty() || !y.len().is_multiple_of(classes) {
            let message = format!("y has room for {} numbers; give {classes} for each sequence", y.len());
            return Err(Error::new(ErrorCode::ShapeMismatch, "y", message));
        }
        let n = y.len() / classes;
        if !x.len().is_multiple_of(n * features) {
            let message =
                format!("x holds {} numbers, which {n} sequences of {features} features cannot share", x.len());
            return Err(Error::new(ErrorCode::ShapeMismatch, "x", message));
        }
        let samples = Samples::new(x, x.len() / (n * features), features, lengths)?;
        self.pack();
        let most = BATCH * self.stack.executor.threads();
        for start in (0..n).step_by(most) {
            let batch = most.min(n - start);
            self.stack.forward(&samples, batch, |sample| start + sample, None)?;
            self.stack.probabilities(|sample, probabilities| {
                y[(start + sample) * classes..][..classes].copy_from_slice(probabilities);
            });
        }
        Ok(())
    }

    /// How well probabilities [n, classes] fit the true classes `[n]`.
    pub fn report(&self, probabilities: &[f32], targets: &[u32]) -> Result<ClassificationReport> {
        classification_report(probabilities, targets, self.layout.head().classes)
    }

    /// Opens a stream: one sequence that is fed step by step. Gives its number. Fails for a bidirectional network, whose
    /// outputs need the whole sequence.
    pub fn open_stream(&mut self) -> Result<u32> {
        if let Some(layer) = self.definition.layers.iter().position(|layer| layer.bidirectional) {
            let message = "a bidirectional layer reads sequences from their end: give them whole to `run` or `predict`";
            return Err(Error::new(ErrorCode::InvalidDefinition, format!("layers[{layer}].bidirectional"), message));
        }
        let state = Some(self.stack.stream_state());
        let free = self.streams.iter().position(Option::is_none);
        let index = free.unwrap_or(self.streams.len());
        match free {
            Some(index) => self.streams[index] = state,
            None => self.streams.push(state),
        }
        Ok(index as u32)
    }

    /// Feeds one step `[features]` and fills `y` `[classes]` with the probabilities after it.
    pub fn next_step(&mut self, stream: u32, features: &[f32], y: &mut [f32]) -> Result<()> {
        let classes = self.layout.head().classes;
        let expected = self.definition.input.features as usize;
        if features.len() != expected {
            let message = format!("a step has {} features, the model expects {expected}", features.len());
            return Err(Error::new(ErrorCode::ShapeMismatch, "features", message));
        }
        if y.len() != classes {
            let message = format!("y has room for {} numbers, the model gives {classes}", y.len());
            return Err(Error::new(ErrorCode::ShapeMismatch, "y", message));
        }
        if let Some(feature) = first_not_finite(features) {
            let message = format!("the step has {}; replace or leave out what is missing", features[feature]);
            return Err(Error::new(ErrorCode::NotFinite, format!("features[{feature}]"), message));
        }
        self.pack();
        let state = stream_of(&mut self.streams, stream)?;
        self.stack.step(features, state)?;
        self.stack.probabilities(|_, probabilities| y.copy_from_slice(probabilities));
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

fn stream_of(streams: &mut [Option<StreamState>], stream: u32) -> Result<&mut StreamState> {
    streams.get_mut(stream as usize).and_then(Option::as_mut).ok_or_else(|| Error::disposed("stream"))
}

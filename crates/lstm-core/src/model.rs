//! A model as its users hold it: a definition, its weights, and everything that only reads them.
//! Training happens elsewhere, on a copy of the weights; [`Model::commit`] takes the result over.

use crate::executor::Executor;
use crate::finite::first_not_finite;
use crate::formats::safetensors::{self, Loaded};
use crate::kernels::InstructionSet;
use crate::network::definition::{At, ModelDefinition, OutputDefinition};
use crate::network::description::{ModelDescription, StateDescription};
use crate::network::machine::MachineOptions;
use crate::network::parameters::Layout;
use crate::network::samples::{Inputs, Samples};
use crate::network::stack::{Stack, StreamState};
use crate::network::states::InitialStates;
use crate::network::summary::{self, ModelSummary, TrainingMemory};
use crate::network::targets::Targets;
use crate::training::evaluation::Evaluation;
use crate::training::initializers::initialise;
use crate::training::optimizers::slots_of;
use crate::training::options::OptimizerOptions;
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
    /// How raw rows become what the model reads: text that is saved and loaded, and never looked at.
    preprocessing: Option<String>,
    runner: Runner,
    streams: Vec<Option<StreamState>>,
    evaluations: Vec<Option<Evaluation>>,
}

impl Model {
    /// A model with weights drawn from the definition's seed.
    pub fn new(definition: ModelDefinition, machine: MachineOptions) -> Result<Self> {
        definition.validate()?;
        let weights = initialise(&definition, &Layout::of(&definition), definition.seed)?;
        Self::with_weights(definition, weights, machine)
    }

    /// A model out of a file that [`save`](Self::save) wrote.
    pub fn load(file: &[u8], machine: MachineOptions) -> Result<Self> {
        Self::of(safetensors::load(file)?, machine)
    }

    /// A model out of what a file held, as [`Loading`](crate::formats::loading::Loading) gives it.
    pub fn of(file: Loaded, machine: MachineOptions) -> Result<Self> {
        let Loaded { definition, weights, preprocessing } = file;
        Ok(Self { preprocessing, ..Self::with_weights(definition, weights, machine)? })
    }

    fn with_weights(definition: ModelDefinition, weights: Vec<f32>, machine: MachineOptions) -> Result<Self> {
        let layout = Layout::of(&definition);
        Ok(Self {
            runner: Runner::new(machine)?,
            definition,
            layout,
            weights,
            preprocessing: None,
            streams: Vec::new(),
            evaluations: Vec::new(),
        })
    }

    /// What the model is and what it runs on.
    #[must_use]
    pub fn describe(&self) -> ModelDescription {
        ModelDescription {
            definition: self.definition.clone(),
            isa: self.runner.set.name().to_owned(),
            threads: self.runner.threads as u32,
            tensors: self.layout.tensors().to_vec(),
            parameters: self.layout.trained_length() as u32,
            states: StateDescription::all(&self.definition),
            preprocessing: self.preprocessing.clone(),
        }
    }

    /// The model as a table, with the memory that training in batches of `batch_size` sequences of `steps` steps takes on this
    /// machine with an optimiser, beside the data.
    pub fn summarise(&self, batch_size: u32, steps: u32, optimizer: &OptimizerOptions) -> Result<ModelSummary> {
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
        let executor = Executor::new(Some(self.runner.threads))?;
        let stack = Stack::new(&self.layout, &self.definition.output, self.runner.set, executor, true)?;
        let bytes = |numbers: usize| (numbers * size_of::<f32>()) as u64;
        let (total, trained) = (self.layout.total_length(), self.layout.trained_length());
        Ok(ModelSummary {
            parameters: trained as u32,
            multiply_adds: rows.iter().map(|row| row.multiply_adds).sum(),
            rows,
            training: TrainingMemory {
                batch_size,
                steps,
                parameters: bytes(total + trained + slots_of(optimizer).len() * trained),
                packed: bytes(stack.packed_weights()),
                activations: activations(&stack, u64::from(batch_size), u64::from(steps)) * size_of::<f32>() as u64,
            },
        })
    }

    /// Every tensor, one after the other, as [`describe`](Self::describe) lists them. They stay where they are in memory as long
    /// as the model does, whatever is committed.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Replaces every tensor. Streams go on with their states.
    pub fn commit(&mut self, weights: &[f32]) -> Result<()> {
        self.layout.check(weights)?;
        self.commit_not_finite(weights)
    }

    /// The same, with NaN and infinite numbers too, for those who want to see what comes of them. [`save`](Self::save) and training
    /// refuse such weights.
    pub fn commit_not_finite(&mut self, weights: &[f32]) -> Result<()> {
        self.layout.check_length(weights)?;
        self.weights.copy_from_slice(weights);
        self.runner.packed = false;
        Ok(())
    }

    /// Fills `y` with the predictions for n sequences, of which the model reads [`Inputs`], or a slice of numbers
    /// [n, steps, features] where it reads nothing else: [n, K], K numbers each, and n is `y`'s length over K;
    /// where there is an output at each step [n, steps, K], zero in the padding, and n is the number of `lengths`, without
    /// them of rows of statics or of states, without which there is one sequence. Allocates only when a batch is larger than
    /// any before.
    ///
    /// With `states` [n, S], S as [`ModelDefinition::state_size`] counts, sequences begin from these, and those that they end
    /// with take their place: layer by layer, direction by direction, the hidden state and then the cell state.
    pub fn run<'a>(
        &mut self,
        inputs: impl Into<Inputs<'a>>,
        lengths: Option<&[u32]>,
        states: Option<&mut [f32]>,
        y: &mut [f32],
    ) -> Result<()> {
        self.run_inputs(inputs.into(), lengths, states, y)
    }

    fn run_inputs(
        &mut self,
        inputs: Inputs,
        lengths: Option<&[u32]>,
        mut states: Option<&mut [f32]>,
        y: &mut [f32],
    ) -> Result<()> {
        let size = self.definition.output.size();
        let each = self.definition.output.at == At::Each;
        let (n, steps) = self.sequences_of(inputs, lengths, states.as_deref(), y)?;
        let samples = Samples::of(inputs, steps, lengths, &self.definition.input)?;
        let stack = self.runner.stack(&self.layout, &self.definition.output, &self.weights)?;
        let rows = if each { steps } else { 1 };
        if each {
            y.fill(0.0);
        }
        let most = (BATCH * stack.executor.threads()).min(MOST_OUTPUTS / (rows * size)).max(1);
        for start in (0..n).step_by(most) {
            let batch = most.min(n - start);
            let place = |sample: usize| start + sample;
            let initial = states.as_deref().map(|values| InitialStates { values, row: &place });
            stack.forward(&self.weights, &samples, batch, place, initial, None)?;
            stack.predictions(|sample, step, prediction| {
                y[((start + sample) * rows + step) * size..][..size].copy_from_slice(prediction);
            });
            if let Some(states) = states.as_deref_mut() {
                stack.final_states(place, states);
            }
        }
        Ok(())
    }

    /// n and the steps, if the inputs, `lengths`, `states` and `y` fit each other.
    fn sequences_of(
        &self,
        inputs: Inputs,
        lengths: Option<&[u32]>,
        states: Option<&[f32]>,
        y: &[f32],
    ) -> Result<(usize, usize)> {
        let (size, input) = (self.definition.output.size(), &self.definition.input);
        let refuse = |path: &str, message: String| Err(Error::new(ErrorCode::ShapeMismatch, path, message));
        inputs.check_present(input)?;
        let each = self.definition.output.at == At::Each;
        let state_size = self.definition.state_size();
        let rows = match (inputs.statics, states) {
            (Some(statics), _) => statics.len() / input.statics(),
            (None, Some(states)) => states.len() / state_size,
            (None, None) => 1,
        };
        let n = if each { lengths.map_or(rows, <[u32]>::len) } else { y.len() / size };
        if !each && (y.is_empty() || !y.len().is_multiple_of(size)) {
            return refuse("y", format!("y has room for {} numbers; give {size} for each sequence", y.len()));
        }
        let (name, length, features) = match (inputs.x, inputs.tokens) {
            (Some(x), _) => ("x", x.len(), input.features()),
            (None, tokens) => ("tokens", tokens.map_or(0, <[u32]>::len), 1),
        };
        if n == 0 || !length.is_multiple_of(n * features) {
            let of = if name == "x" { format!(" of {features} features") } else { String::new() };
            return refuse(name, format!("{name} holds {length} numbers, which {n} sequences{of} cannot share"));
        }
        let all_steps = length / features;
        if each && y.len() != all_steps * size {
            let room = y.len();
            let message =
                format!("y has room for {room} numbers; give {size} for each of the {all_steps} steps of {name}");
            return refuse("y", message);
        }
        if let Some(states) = states {
            if states.len() != n * state_size {
                let message =
                    format!("states has {} numbers; give {state_size} for each of {n} sequences", states.len());
                return refuse("states", message);
            }
            check_finite(states, "states")?;
        }
        Ok((n, all_steps / n))
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

    /// Opens a stream: one sequence that is fed step by step, whose statics `[statics]` are known from the start. Gives its
    /// number. Fails for a bidirectional network and where steps are pooled: their outputs need the whole sequence.
    pub fn open_stream(&mut self, statics: Option<&[f32]>) -> Result<u32> {
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
        let statics = statics.unwrap_or_default();
        let expected = self.definition.input.statics();
        if statics.len() != expected {
            let message = format!("a sequence has {} statics, the model expects {expected}", statics.len());
            return Err(Error::new(ErrorCode::ShapeMismatch, "statics", message));
        }
        check_finite(statics, "statics")?;
        let stack = self.runner.stack(&self.layout, &self.definition.output, &self.weights)?;
        Ok(put(&mut self.streams, stack.stream_state(statics)))
    }

    /// Feeds one step, numbers `[features]` and one token where the model reads them, and fills `y` `[K]` with the prediction
    /// after it.
    pub fn next_step<'a>(&mut self, stream: u32, step: impl Into<Inputs<'a>>, y: &mut [f32]) -> Result<()> {
        let step = step.into();
        self.check_step(step)?;
        let size = self.definition.output.size();
        if y.len() != size {
            let message = format!("y has room for {} numbers, the model gives {size}", y.len());
            return Err(Error::new(ErrorCode::ShapeMismatch, "y", message));
        }
        let state = stream_of(&mut self.streams, stream)?;
        let stack = self.runner.stack(&self.layout, &self.definition.output, &self.weights)?;
        stack.step(&self.weights, step, state)?;
        stack.predictions(|_, _, prediction| y.copy_from_slice(prediction));
        Ok(())
    }

    fn check_step(&self, step: Inputs) -> Result<()> {
        let refuse = |code, path: &str, message| Err(Error::new(code, path, message));
        let input = &self.definition.input;
        let features = step.x.unwrap_or_default();
        if features.len() != input.features() {
            let message = format!("a step has {} features, the model expects {}", features.len(), input.features());
            return refuse(ErrorCode::ShapeMismatch, "features", message);
        }
        check_finite(features, "features")?;
        match (step.tokens, input.tokens) {
            (None, None) => Ok(()),
            (Some(&[token]), Some(tokens)) if token < tokens => Ok(()),
            (Some(&[token]), Some(tokens)) => {
                let message = format!("{token} is no token, the model's {tokens} count from 0 to {}", tokens - 1);
                refuse(ErrorCode::UnknownToken, "token", message)
            }
            (_, Some(_)) => refuse(ErrorCode::ShapeMismatch, "token", "this model reads tokens: give one".to_owned()),
            (Some(_), None) => {
                refuse(ErrorCode::ShapeMismatch, "token", "this model reads no tokens: leave it out".to_owned())
            }
        }
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

    /// How raw rows become what the model reads, as text that is saved with the model and that the core does not read. Refuses
    /// what is longer than a file may hold.
    pub fn set_preprocessing(&mut self, text: Option<String>) -> Result<()> {
        text.as_ref().map_or(Ok(()), |text| safetensors::check_preprocessing(text, ErrorCode::InvalidOption))?;
        self.preprocessing = text;
        Ok(())
    }

    /// The model as a safetensors file, definition, scaling and preprocessing inside.
    pub fn save(&self) -> Result<Vec<u8>> {
        safetensors::save(&self.definition, &self.layout, &self.weights, self.preprocessing.as_deref())
    }
}

/// What runs the network. Its packed weights take as much memory as the model's own, so it waits for the first use.
struct Runner {
    set: InstructionSet,
    threads: usize,
    /// Until there is a stack, which takes it.
    executor: Option<Executor>,
    stack: Option<Stack>,
    /// Whether the stack holds the model's weights.
    packed: bool,
}

impl Runner {
    fn new(machine: MachineOptions) -> Result<Self> {
        let executor = Executor::new(machine.threads.map(|threads| threads as usize))?;
        let (set, threads) = (machine.choose_instruction_set()?, executor.threads());
        Ok(Self { set, threads, executor: Some(executor), stack: None, packed: false })
    }

    /// The stack, with these weights packed.
    fn stack(&mut self, layout: &Layout, output: &OutputDefinition, weights: &[f32]) -> Result<&mut Stack> {
        let stack = match &mut self.stack {
            Some(stack) => stack,
            none => {
                // One that failed for want of memory has taken its executor along.
                let executor = self.executor.take().map_or_else(|| Executor::new(Some(self.threads)), Ok)?;
                none.insert(Stack::new(layout, output, self.set, executor, false)?)
            }
        };
        if !self.packed {
            stack.pack(layout, weights);
            self.packed = true;
        }
        Ok(stack)
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

fn check_finite(numbers: &[f32], name: &str) -> Result<()> {
    let Some(index) = first_not_finite(numbers) else { return Ok(()) };
    let message = format!("{name} has {} at {index}; replace or leave out what is missing", numbers[index]);
    Err(Error::new(ErrorCode::NotFinite, format!("{name}[{index}]"), message))
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

//! The training loop: epochs of shuffled batches, each a forward pass, a backward pass, clipping and a step of Adam.
//!
//! A trainer works on a copy of the weights with memory of its own. It advances some batches at a time, so that
//! whoever drives it can show progress, take the weights over and stop in between.

use super::chunks::Chunks;
use super::dataset::Dataset;
use super::loss_options::loss_for;
use super::options::TrainingOptions;
use super::report::{EpochReport, TrainingProgress, ValidationReport};
use super::schedules::Course;
use super::update::Update;
use crate::executor::Executor;
use crate::network::definition::ModelDefinition;
use crate::network::loss::{BatchLoss, Loss};
use crate::network::machine::MachineOptions;
use crate::network::parameters::{Layout, ScalingRanges};
use crate::network::samples::{Inputs, Window};
use crate::network::scaling::{fit_scaling, fit_scaling_of_statics};
use crate::network::stack::Stack;
use crate::network::targets::Targets;
use crate::random::{RandomStream, Stream};
use crate::{Error, ErrorCode, Result};

/// One training run. The [crate] has an example.
pub struct Trainer {
    definition: ModelDefinition,
    layout: Layout,
    options: TrainingOptions,
    loss: Loss,
    weights: Vec<f32>,
    gradients: Vec<f32>,
    update: Update,
    stack: Stack,
    training: Option<Dataset>,
    validation: Option<Dataset>,
    random: RandomStream,
    /// Draws what a step drops.
    dropout: RandomStream,
    order: Vec<u32>,
    chunks: Chunks,
    position: Position,
    /// Training steps done, and those that were passed over because their sequences had ended.
    step: u32,
    /// Loss and hits of the epoch's samples, or of the validation's, so far.
    totals: BatchLoss,
    /// The epoch whose training is done and whose validation is under way.
    epoch: Option<EpochReport>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// The epoch, from 0, the first sample of the next training batch, and the step that its next chunk begins with.
    Training { epoch: u32, start: usize, first: usize },
    /// The same of validation.
    Validation { epoch: u32, start: usize, first: usize },
    /// Nothing.
    Finished,
}

impl Trainer {
    /// A run that starts from the given weights, a flat vector as [`Model::weights`](crate::Model::weights) gives it.
    pub fn new(
        definition: ModelDefinition,
        machine: MachineOptions,
        weights: &[f32],
        options: TrainingOptions,
    ) -> Result<Self> {
        definition.validate()?;
        options.validate()?;
        let layout = Layout::of(&definition);
        layout.check(weights)?;
        let loss = loss_for(&definition.output, options.loss.as_ref())?;
        let chunks = Chunks::new(&definition, &options)?;
        let executor = Executor::new(machine.threads.map(|threads| threads as usize))?;
        let trained = layout.trained_length();
        Ok(Self {
            stack: Stack::new(&layout, &definition.output, machine.choose_instruction_set()?, executor, true)?,
            update: Update::new(&options, &layout)?,
            gradients: vec![0.0; trained],
            weights: weights.to_vec(),
            random: RandomStream::new(definition.seed, Stream::Shuffling),
            dropout: RandomStream::new(definition.seed, Stream::Dropout),
            definition,
            layout,
            options,
            loss,
            training: None,
            validation: None,
            order: Vec::new(),
            chunks,
            position: Position::Training { epoch: 0, start: 0, first: 0 },
            step: 0,
            totals: BatchLoss::default(),
            epoch: None,
        })
    }

    /// Copies the training data: what the model reads of n sequences of `steps` steps ([`Inputs`], or a slice of numbers
    /// [n, `steps`, features] where it reads nothing else), `lengths` `[n]`, and the output's targets.
    pub fn set_training<'a>(
        &mut self,
        inputs: impl Into<Inputs<'a>>,
        steps: usize,
        lengths: Option<&[u32]>,
        targets: Targets,
    ) -> Result<()> {
        self.training = Some(Dataset::new(inputs.into(), steps, lengths, targets, &self.definition)?);
        Ok(())
    }

    /// Copies the validation data, in the form of the training data.
    pub fn set_validation<'a>(
        &mut self,
        inputs: impl Into<Inputs<'a>>,
        steps: usize,
        lengths: Option<&[u32]>,
        targets: Targets,
    ) -> Result<()> {
        let dataset = Dataset::new(inputs.into(), steps, lengths, targets, &self.definition);
        self.validation = Some(dataset.map_err(|error| Error { path: format!("validation.{}", error.path), ..error })?);
        Ok(())
    }

    /// Gets ready for the first batch: fits the input's scaling on the training data unless an earlier run did.
    pub fn start(&mut self) -> Result<()> {
        let training = self.training.as_ref().ok_or_else(no_training_data)?;
        for data in std::iter::once(training).chain(&self.validation) {
            self.chunks.check_count(data.count(), self.options.batch_size as usize)?;
        }
        let samples = training.samples();
        fit_unfitted(self.layout.scaling(), &mut self.weights, || fit_scaling(&samples));
        fit_unfitted(self.layout.statics_scaling(), &mut self.weights, || fit_scaling_of_statics(&samples));
        self.order = (0..training.count() as u32).collect();
        let (epochs, steps) = (self.options.epochs, self.steps_per_epoch()?);
        self.update.begin(Course { epochs, steps_per_epoch: steps })?;
        self.position = Position::Training { epoch: 0, start: 0, first: 0 };
        self.stack.pack(&self.layout, &self.weights);
        Ok(())
    }

    /// Works through the next `batches` batches, those of validation among them.
    ///
    /// A loss that is no longer finite ends the run with an error; the weights it was computed with are no use.
    pub fn advance(&mut self, batches: u32) -> Result<TrainingProgress> {
        let mut progress = TrainingProgress {
            step: 0,
            total_steps: self.total_steps()?,
            epoch: 0,
            total_epochs: self.options.epochs,
            learning_rate: 0.0,
            losses: Vec::new(),
            epochs: Vec::new(),
            batches: 0,
            finished: false,
        };
        while progress.batches < batches {
            match self.position {
                Position::Training { epoch, start, first } => {
                    progress.losses.extend(self.train_chunk(epoch, start, first)?);
                }
                Position::Validation { epoch, start, first } => self.validate_chunk(epoch, start, first)?,
                Position::Finished => break,
            }
            progress.batches += 1;
            progress.epochs.extend(self.end_of_epoch());
        }
        progress.step = self.step;
        progress.learning_rate = self.update.learning_rate();
        progress.finished = self.position == Position::Finished;
        progress.epoch = match self.position {
            Position::Training { epoch, .. } | Position::Validation { epoch, .. } => epoch + 1,
            Position::Finished => self.options.epochs,
        };
        Ok(progress)
    }

    /// The weights after the last step, a flat vector as [`Model::commit`](crate::Model::commit) takes it.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Fills `y` with the [`weights`](Self::weights).
    pub fn copy_weights(&self, y: &mut [f32]) -> Result<()> {
        if y.len() != self.weights.len() {
            let message = format!("y has room for {} numbers, the model has {}", y.len(), self.weights.len());
            return Err(Error::new(ErrorCode::ShapeMismatch, "y", message));
        }
        y.copy_from_slice(&self.weights);
        Ok(())
    }

    /// The gradient of the mean loss of the last batch by every trained number, before clipping.
    #[must_use]
    pub fn gradients(&self) -> &[f32] {
        &self.gradients
    }

    /// Puts the gradient for the training samples with these indices into [`gradients`](Self::gradients) and gives
    /// their mean loss. Drops nothing and takes no step: nothing else changes.
    pub fn differentiate(&mut self, samples: &[u32]) -> Result<f32> {
        let data = self.training.as_ref().ok_or_else(no_training_data)?;
        if samples.is_empty() || samples.iter().any(|&sample| sample as usize >= data.count()) {
            let message = format!("give indices of samples below {}, at least one", data.count());
            return Err(Error::new(ErrorCode::InvalidOption, "samples", message));
        }
        let pick = |sample: usize| samples[sample] as usize;
        self.stack.forward(&self.weights, &data.samples(), samples.len(), pick, None, None)?;
        Ok(self.stack.backward(&self.layout, &self.loss, data.targets(), pick, &mut self.gradients).mean())
    }

    fn steps_per_epoch(&self) -> Result<u32> {
        let data = self.training.as_ref().ok_or_else(no_training_data)?;
        let batches = data.count().div_ceil(self.options.batch_size as usize);
        Ok(u32::try_from(batches * self.chunks.count(data.steps())).unwrap_or(u32::MAX))
    }

    fn total_steps(&self) -> Result<u32> {
        Ok(self.steps_per_epoch()?.saturating_mul(self.options.epochs))
    }

    /// One training step, over the batch that begins with sample `start` in the epoch's order and its chunk that begins with
    /// step `first`. Gives its loss, unless nothing of it has a target: then the states go on and nothing is learned.
    fn train_chunk(&mut self, epoch: u32, start: usize, first: usize) -> Result<Option<f32>> {
        let Self { stack, chunks, layout, order, random, dropout, training, .. } = self;
        let data = training.as_ref().ok_or_else(no_training_data)?;
        if start == 0 && first == 0 && self.options.shuffle {
            random.shuffle(order);
        }
        let end = data.count().min(start + self.options.batch_size as usize);
        chunks.choose(data, order[start..end].iter().copied(), first);
        let (place, pick) = (|s: usize| chunks.place(s), |s: usize| chunks.sample(s));
        let (window, count) = (chunks.window(), chunks.sequences());
        let (samples, targets) = data.within(window);
        stack.drop_weights(layout, &self.weights, dropout);
        let initial = chunks.carried(start, &place);
        stack.forward(&self.weights, &samples, count, pick, initial, Some(dropout))?;
        let weight = if window == Window::all(data.steps()) {
            1.0
        } else {
            targets.weight_of(count, |s| (pick(s), samples.length(pick(s))))
        };
        let loss = (weight > 0.0).then(|| stack.backward(layout, &self.loss, targets, pick, &mut self.gradients));
        chunks.carry(stack);
        // Chunks that no sequence of the batch reaches are passed over.
        let left = || chunks.count(data.steps()) - chunks.count(window.first + window.steps);
        let (passed_over, position) = match chunks.next(data) {
            Some(first) => (0, Position::Training { epoch, start, first }),
            None if end < data.count() => (left(), Position::Training { epoch, start: end, first: 0 }),
            None => (left(), Position::Validation { epoch, start: 0, first: 0 }),
        };
        if let Some(loss) = loss {
            self.learn(epoch, loss)?;
        }
        self.step += 1 + passed_over as u32;
        self.position = position;
        Ok(loss.map(|loss| loss.mean()))
    }

    /// Moves the weights against the gradient of a batch's loss.
    fn learn(&mut self, epoch: u32, loss: BatchLoss) -> Result<()> {
        let mean = loss.mean();
        if !mean.is_finite() {
            let message =
                format!("the loss became {mean} in epoch {}; lower the learning rate or clip gradients", epoch + 1);
            return Err(Error::new(ErrorCode::NotFinite, "loss", message));
        }
        let trained = &mut self.weights[..self.gradients.len()];
        self.update.apply(&self.stack, trained, &self.gradients, self.step);
        self.stack.pack(&self.layout, &self.weights);
        self.totals.add(loss);
        Ok(())
    }

    fn validate_chunk(&mut self, epoch: u32, start: usize, first: usize) -> Result<()> {
        let Self { stack, chunks, validation, .. } = self;
        let Some(data) = validation.as_ref() else { return Ok(()) };
        let end = data.count().min(start + self.options.batch_size as usize);
        chunks.choose(data, start as u32..end as u32, first);
        let (place, pick) = (|s: usize| chunks.place(s), |s: usize| chunks.sample(s));
        let (samples, targets) = data.within(chunks.window());
        let initial = chunks.carried(start, &place);
        stack.forward(&self.weights, &samples, chunks.sequences(), pick, initial, None)?;
        self.totals.add(stack.loss(&self.loss, targets, pick));
        chunks.carry(stack);
        let (start, first) = chunks.next(data).map_or((end, 0), |first| (start, first));
        self.position = Position::Validation { epoch, start, first };
        Ok(())
    }

    /// The epoch's report, if the batch just done was its last.
    fn end_of_epoch(&mut self) -> Option<EpochReport> {
        let Position::Validation { epoch, start, first } = self.position else { return None };
        if start == 0 && first == 0 {
            let (loss, accuracy) = self.take_totals();
            self.epoch = Some(EpochReport { epoch: epoch + 1, loss, accuracy, validation: None });
        }
        let samples = self.validation.as_ref().map_or(0, Dataset::count);
        if start < samples {
            return None;
        }
        let mut report = self.epoch.take()?;
        if samples > 0 {
            let (loss, accuracy) = self.take_totals();
            report.validation = Some(ValidationReport { loss, accuracy });
        }
        self.update.end_epoch(epoch, report.validation.as_ref().map_or(report.loss, |validation| validation.loss));
        self.position = match epoch + 1 {
            next if next < self.options.epochs => Position::Training { epoch: next, start: 0, first: 0 },
            _ => Position::Finished,
        };
        Some(report)
    }

    /// Loss and accuracy of what was added up, which begins anew.
    fn take_totals(&mut self) -> (f32, Option<f32>) {
        let totals = std::mem::take(&mut self.totals);
        (totals.mean(), totals.accuracy())
    }
}

/// Puts means and deviations among the weights, unless there are some already.
fn fit_unfitted(scaling: Option<&ScalingRanges>, weights: &mut [f32], fit: impl FnOnce() -> (Vec<f32>, Vec<f32>)) {
    if let Some(scaling) = scaling
        && weights[scaling.deviation.clone()].contains(&0.0)
    {
        let (mean, deviation) = fit();
        weights[scaling.mean.clone()].copy_from_slice(&mean);
        weights[scaling.deviation.clone()].copy_from_slice(&deviation);
    }
}

fn no_training_data() -> Error {
    Error::new(ErrorCode::EmptyData, "data", "there is no training data yet; call set_training and start first")
}

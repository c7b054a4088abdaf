//! A training run as its callers see it: epochs of shuffled batches, each a forward pass, a backward pass, clipping and a step
//! of the optimiser.
//!
//! A trainer works on a copy of the weights with memory of its own. It advances some batches at a time, so that
//! whoever drives it can show progress, take the weights over, hand it more data and stop in between.

use super::accumulation::Accumulation;
use super::averaging::Average;
use super::dataset::Dataset;
use super::diagnosis::Evidence;
use super::evaluation::Evaluation;
use super::feed::Feed;
use super::loss_options::loss_for;
use super::options::{TrainingOptions, check_run};
use super::position::Position;
use super::report::{EpochReport, TrainingProgress};
use super::spans::Spans;
use super::stopping::Stopping;
use super::update::Update;
use crate::executor::Executor;
use crate::network::definition::ModelDefinition;
use crate::network::loss::{BatchLoss, Loss};
use crate::network::machine::MachineOptions;
use crate::network::parameters::Layout;
use crate::network::samples::Inputs;
use crate::network::scaling::Moments;
use crate::network::stack::Stack;
use crate::network::targets::Targets;
use crate::random::{RandomStream, Stream};
use crate::{Error, ErrorCode, Result};

/// One training run. The [crate] has an example.
pub struct Trainer {
    pub(super) definition: ModelDefinition,
    pub(super) layout: Layout,
    pub(super) options: TrainingOptions,
    pub(super) loss: Loss,
    pub(super) weights: Vec<f32>,
    pub(super) gradients: Vec<f32>,
    pub(super) accumulation: Accumulation,
    pub(super) update: Update,
    pub(super) average: Option<Average>,
    pub(super) stopping: Stopping,
    pub(super) stack: Stack,
    pub(super) feed: Feed,
    pub(super) validation: Option<Dataset>,
    pub(super) random: RandomStream,
    /// Draws what a step drops.
    pub(super) dropout: RandomStream,
    pub(super) spans: Spans,
    pub(super) position: Position,
    /// Training steps done, and those that were passed over because their sequences had ended.
    pub(super) step: u32,
    /// Loss and hits of the epoch's samples, or of the validation's, so far.
    pub(super) totals: BatchLoss,
    /// What the validation under way has predicted so far.
    pub(super) evaluation: Option<Evaluation>,
    /// The epoch whose training is done and whose validation is under way: its loss and accuracy.
    pub(super) epoch: Option<(f32, Option<f32>)>,
    /// Of every step so far, and every epoch: what a run that goes on from a checkpoint tells first.
    pub(super) losses: Vec<f32>,
    pub(super) epochs: Vec<EpochReport>,
    pub(super) evidence: Evidence,
    /// Of the features and of the statics, as far as the scaling's pass has come.
    pub(super) moments: [Moments; 2],
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
        check_run(&options, &definition)?;
        let layout = Layout::of(&definition);
        layout.check(weights)?;
        let loss = loss_for(&definition.output, options.loss.as_ref())?;
        let spans = Spans::new(&definition, &options)?;
        let executor = Executor::new(machine.threads.map(|threads| threads as usize))?;
        let trained = layout.trained_length();
        Ok(Self {
            stack: Stack::new(&layout, &definition.output, machine.choose_instruction_set()?, executor, true)?,
            update: Update::new(&options, &layout)?,
            accumulation: Accumulation::new(options.accumulate_batches, trained),
            average: options.averaging.as_ref().map(|averaging| Average::new(averaging.decay)),
            stopping: Stopping::new(options.early_stopping.clone()),
            gradients: vec![0.0; trained],
            weights: weights.to_vec(),
            feed: Feed::new(definition.seed, &options),
            validation: None,
            random: RandomStream::new(definition.seed, Stream::Shuffling),
            dropout: RandomStream::new(definition.seed, Stream::Dropout),
            definition,
            layout,
            options,
            loss,
            spans,
            position: Position::epoch(0),
            step: 0,
            totals: BatchLoss::default(),
            evaluation: None,
            epoch: None,
            losses: Vec::new(),
            epochs: Vec::new(),
            evidence: Evidence::default(),
            moments: <[Moments; 2]>::default(),
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
        let data = Dataset::new(inputs.into(), steps, lengths, targets, &self.definition)?;
        self.feed.announce(&[data.count() as u32])?;
        self.feed.take(0, data)
    }

    /// Says that the training data will come in chunks of so many samples, one at a time: the one that
    /// [`TrainingProgress::chunk`] names has to be handed over before training goes on. Each epoch visits all of them in an
    /// order of its own. Batches do not cross chunks.
    pub fn set_chunks(&mut self, sizes: &[u32]) -> Result<()> {
        self.feed.announce(sizes)
    }

    /// Copies a chunk of the training data, in the form of [`set_training`](Self::set_training), in the place of the one that
    /// was there.
    pub fn set_chunk<'a>(
        &mut self,
        chunk: u32,
        inputs: impl Into<Inputs<'a>>,
        steps: usize,
        lengths: Option<&[u32]>,
        targets: Targets,
    ) -> Result<()> {
        self.feed.make_room(chunk)?;
        let data = Dataset::new(inputs.into(), steps, lengths, targets, &self.definition)?;
        self.feed.take(chunk, data)
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

    /// Works through the next `batches` batches, those of validation among them; to the end of the chunk that is there, if the
    /// one after it is not.
    ///
    /// A loss, a gradient or a weight that is no longer finite ends the run with an error that says where it came up.
    pub fn advance(&mut self, batches: u32) -> Result<TrainingProgress> {
        let (losses, epochs) = (self.losses.len(), self.epochs.len());
        if self.feed.sizes().is_empty() {
            return Err(no_training_data());
        }
        let mut done = 0;
        while done < batches {
            match (self.position, self.feed.at(self.position)) {
                (Position::Finished { .. }, _) => break,
                (_, Some(chunk)) if self.feed.chunk(chunk).is_none() => break,
                (Position::Scaling { chunk }, _) => {
                    self.fit_scaling(chunk);
                    self.begin_visit();
                    self.pack();
                }
                (Position::Training { .. }, _) => self.train_span()?,
                (Position::Validation { .. }, _) => self.validate_span()?,
            }
            done += 1;
        }
        self.check_weights()?;
        let progress = self.progress();
        let (losses, epochs) = (self.losses[losses..].to_vec(), self.epochs[epochs..].to_vec());
        Ok(TrainingProgress { losses, epochs, batches: done, ..progress })
    }

    /// Where the run is, without losses and epochs.
    pub(super) fn progress(&mut self) -> TrainingProgress {
        let wanted = self.feed.at(self.position);
        let epochs = self.options.epochs;
        TrainingProgress {
            step: self.step,
            total_steps: self.total_steps(),
            epoch: self.position.epoch_under_way(),
            total_epochs: epochs,
            learning_rate: self.update.learning_rate(),
            losses: Vec::new(),
            epochs: Vec::new(),
            batches: 0,
            finished: matches!(self.position, Position::Finished { .. }),
            early: matches!(self.position, Position::Finished { early: true, .. }),
            best_epoch: self.stopping.best.map(|best| best.epoch),
            chunk: wanted.filter(|&chunk| self.feed.chunk(chunk).is_none()),
            next_chunk: self.feed.after(self.position, epochs),
        }
    }

    /// The weights that training has come to, a flat vector as [`Model::commit`](crate::Model::commit) takes it: those after the
    /// last step, or their mean; when all is done, those of the best epoch where early stopping restores them.
    #[must_use]
    pub fn weights(&self) -> &[f32] {
        let restored = matches!(self.position, Position::Finished { .. }).then(|| self.stopping.restored()).flatten();
        restored.unwrap_or_else(|| self.current_weights())
    }

    /// Fills `y` with the [`weights`](Self::weights).
    pub fn copy_weights(&self, y: &mut [f32]) -> Result<()> {
        self.copy(self.weights(), y)
    }

    /// Fills `y` with the weights of the epoch that was best on the validation data so far; fails before one has ended.
    pub fn copy_best_weights(&self, y: &mut [f32]) -> Result<()> {
        if self.stopping.weights.is_empty() {
            let message = "no epoch has been validated yet: wait until `bestEpoch` is there";
            return Err(Error::new(ErrorCode::EmptyData, "bestEpoch", message));
        }
        self.copy(&self.stopping.weights, y)
    }

    fn copy(&self, weights: &[f32], y: &mut [f32]) -> Result<()> {
        if y.len() != self.weights.len() {
            let message = format!("y has room for {} numbers, the model has {}", y.len(), self.weights.len());
            return Err(Error::new(ErrorCode::ShapeMismatch, "y", message));
        }
        y.copy_from_slice(weights);
        Ok(())
    }

    /// The gradient of the mean loss of the last batch by every trained number, before clipping.
    #[must_use]
    pub fn gradients(&self) -> &[f32] {
        &self.gradients
    }

    /// Puts the gradient for the training samples with these indices into [`gradients`](Self::gradients) and gives
    /// their mean loss. Drops nothing and takes no step: nothing else changes. Samples are those of the first chunk.
    pub fn differentiate(&mut self, samples: &[u32]) -> Result<f32> {
        let data = self.feed.chunk(0).ok_or_else(no_training_data)?;
        if samples.is_empty() || samples.iter().any(|&sample| sample as usize >= data.count()) {
            let message = format!("give indices of samples below {}, at least one", data.count());
            return Err(Error::new(ErrorCode::InvalidOption, "samples", message));
        }
        let pick = |sample: usize| samples[sample] as usize;
        self.stack.forward(&self.weights, &data.samples(), samples.len(), pick, None, None)?;
        Ok(self.stack.backward(&self.layout, &self.loss, data.targets(), pick, &mut self.gradients).mean())
    }
}

pub(super) fn no_training_data() -> Error {
    Error::new(ErrorCode::EmptyData, "data", "there is no training data yet; call set_training and start first")
}

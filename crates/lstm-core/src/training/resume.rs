//! A run between two steps as a checkpoint, and a run that goes on from one: to the same bits as if it had never stopped.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::options::TrainingOptions;
use super::position::Position;
use super::report::{EpochReport, TrainingProgress};
use super::stopping::BestEpoch;
use super::trainer::Trainer;
use super::update::{MOST_STEPS, UpdateState};
use crate::finite::first_not_finite;
use crate::formats::checkpoint::{self, Contents, Numbers};
use crate::network::definition::ModelDefinition;
use crate::network::loss::BatchLoss;
use crate::random::{RandomStream, Stream};
use crate::{Error, ErrorCode, Result, json};

/// Rows that a loss has counted, below this: more than any run comes to, and few enough to go on counting.
const MOST_COUNTED: u64 = 1 << 53;

/// The JSON of a checkpoint: all but the long vectors.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Run {
    definition: ModelDefinition,
    options: TrainingOptions,
    data: DataIdentity,
    position: Position,
    step: u32,
    streams: Streams,
    totals: BatchLoss,
    /// Loss and accuracy of the epoch that is being validated.
    epoch: Option<(f32, Option<f32>)>,
    epochs: Vec<EpochReport>,
    best: Option<BestEpoch>,
    update: UpdateState,
    /// Batches that wait for others of their step, and their losses.
    pending: (u32, BatchLoss),
}

/// What tells the data from other data.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DataIdentity {
    sizes: Vec<u32>,
    /// Of each chunk that has been there.
    chunks: Vec<Option<u64>>,
    validation: Option<u64>,
}

/// Words drawn from each stream.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Streams {
    shuffling: u64,
    dropout: u64,
}

impl Trainer {
    /// The run as it is between two steps, as a safetensors file, for [`resume`](Self::resume). Of the data it holds a
    /// fingerprint alone. A validation under way begins anew when the run goes on.
    pub fn checkpoint(&mut self) -> Result<Vec<u8>> {
        let is_training = matches!(self.position, Position::Training { .. });
        let run = Run {
            definition: self.definition.clone(),
            options: self.options.clone(),
            data: DataIdentity {
                sizes: self.feed.sizes().to_vec(),
                chunks: self.feed.fingerprints(),
                validation: self.validation.as_ref().map(super::dataset::Dataset::fingerprint),
            },
            position: self.position.resumable(),
            step: self.step,
            streams: Streams { shuffling: self.random.position(), dropout: self.dropout.position() },
            totals: if is_training { self.totals } else { BatchLoss::default() },
            epoch: self.epoch,
            epochs: self.epochs.clone(),
            best: self.stopping.best,
            update: self.update.state(),
            pending: (self.accumulation.pending, self.accumulation.loss),
        };
        let carried = self.spans.states().clone();
        let mut tensors: BTreeMap<String, Numbers> = BTreeMap::new();
        for (name, values) in [
            ("weights", &self.weights[..]),
            ("accumulated", &self.accumulation.mean),
            ("average", self.average.as_ref().map_or(&[], |average| &average.weights[..])),
            ("best", &self.stopping.weights),
            ("carried", &carried),
            ("losses", &self.losses),
        ] {
            tensors.insert(name.to_owned(), values.into());
        }
        for (slot, values) in self.update.slots() {
            tensors.insert(format!("optimizer.{}", slot.name()), values.into());
        }
        tensors.insert("order".to_owned(), self.feed.samples[..].into());
        checkpoint::save(json::to_json(&run), &tensors)
    }

    /// Goes on from a [`checkpoint`](Self::checkpoint), in the place of [`start`](Self::start): with the same definition,
    /// options and data. Only `epochs` may be another number, of no fewer epochs than have ended. Gives where the run is, with
    /// all losses and epochs so far.
    ///
    /// A file that is damaged is an `invalid_file`; one that does not fit, an `invalid_option` at `checkpoint`. Either leaves the
    /// trainer as it was.
    pub fn resume(&mut self, file: &[u8]) -> Result<TrainingProgress> {
        self.check_data()?;
        let mut contents = checkpoint::load(file)?;
        let run: Run = json::parse(&contents.run, ErrorCode::InvalidFile)?;
        self.check_same(&run)?;
        let tensors = Tensors::of(&mut contents, self, &run)?;
        self.begin_update()?;
        self.take(run, tensors);
        let progress = self.progress();
        Ok(TrainingProgress { losses: self.losses.clone(), epochs: self.epochs.clone(), ..progress })
    }

    /// Whether the run is one of this definition with these options and this data.
    fn check_same(&self, run: &Run) -> Result<()> {
        if let Some((path, there, here)) = difference(&json_of(&run.definition), &json_of(&self.definition)) {
            let message = format!("it is of another model: its {path} is {there}, this one's {here}");
            return refuse("checkpoint", &format!("{message}. Give this model's own, or begin anew"));
        }
        let options = |options: &TrainingOptions| json_of(&TrainingOptions { epochs: 1, ..options.clone() });
        if let Some((path, there, here)) = difference(&options(&run.options), &options(&self.options)) {
            let message = format!("its run has {path} {there}, this one {here}");
            return refuse("checkpoint", &format!("{message}: give the options it began with, or begin anew"));
        }
        let ended = run.epochs.len() as u32;
        if self.options.epochs < ended {
            let message = format!("{ended} epochs have ended already: give at least as many, or begin anew");
            return refuse("epochs", &message);
        }
        self.check_same_data(&run.data)
    }

    fn check_same_data(&self, data: &DataIdentity) -> Result<()> {
        let sizes = |sizes: &[u32]| match sizes {
            [size] => format!("{size} samples"),
            sizes => format!("{} chunks of {:?} samples", sizes.len(), &sizes[..sizes.len().min(8)]),
        };
        let (there, here) = (&data.sizes[..], self.feed.sizes());
        if there != here {
            let message = format!("its training data has {}, this one {}", sizes(there), sizes(here));
            return refuse("checkpoint", &format!("{message}: give the data it began with, or begin anew"));
        }
        let both = data.chunks.iter().zip(self.feed.fingerprints());
        if both.into_iter().any(|(there, here)| matches!((there, here), (Some(there), Some(here)) if *there != here)) {
            return refuse("checkpoint", "its training data is other data: give the data it began with, or begin anew");
        }
        let validation = self.validation.as_ref().map(super::dataset::Dataset::fingerprint);
        if data.validation != validation {
            let message = "its validation data is other data: give the data it began with, or begin anew";
            return refuse("checkpoint", message);
        }
        Ok(())
    }

    /// Takes over what was checked.
    fn take(&mut self, run: Run, tensors: Tensors) {
        let seed = self.definition.seed;
        self.weights = tensors.weights;
        for ((_, slot), values) in self.update.slots_mut().into_iter().zip(tensors.slots) {
            slot.copy_from_slice(&values);
        }
        self.update.restore(run.update);
        (self.accumulation.pending, self.accumulation.loss) = run.pending;
        self.accumulation.mean = tensors.accumulated;
        if let Some(average) = &mut self.average {
            average.weights = tensors.average;
        }
        (self.stopping.best, self.stopping.weights) = (run.best, tensors.best);
        self.random = RandomStream::at(seed, Stream::Shuffling, run.streams.shuffling);
        self.dropout = RandomStream::at(seed, Stream::Dropout, run.streams.dropout);
        *self.spans.states() = tensors.carried;
        (self.losses, self.epochs, self.epoch) = (tensors.losses, run.epochs, run.epoch);
        (self.step, self.totals, self.evaluation) = (run.step, run.totals, None);
        self.feed.remember(run.data.chunks);
        self.feed.samples = tensors.order;
        self.position = match run.position {
            // More epochs than the run was begun with.
            Position::Finished { epochs, .. } if epochs < self.options.epochs && !self.stopping.is_over() => {
                Position::epoch(epochs)
            }
            Position::Finished { epochs, .. } => Position::Finished { epochs, early: epochs < self.options.epochs },
            position => position,
        };
        if matches!(self.position, Position::Training { start: 0, first: 0, .. }) {
            self.begin_visit();
        }
        self.pack();
    }
}

/// The vectors of a checkpoint, each as long as this run needs it, all numbers finite.
struct Tensors {
    weights: Vec<f32>,
    slots: Vec<Vec<f32>>,
    accumulated: Vec<f32>,
    average: Vec<f32>,
    best: Vec<f32>,
    carried: Vec<f32>,
    losses: Vec<f32>,
    order: Vec<u32>,
}

impl Tensors {
    fn of(contents: &mut Contents, trainer: &Trainer, run: &Run) -> Result<Self> {
        let total = trainer.weights.len();
        let mut vector = |name: &str, lengths: &[usize]| {
            let values = contents.floats(name);
            if !lengths.is_empty() && !lengths.contains(&values.len()) {
                let message = format!("it has {} numbers, this run's has {}", values.len(), lengths[0]);
                return Err(damaged(name, message));
            }
            match first_not_finite(&values) {
                Some(index) => Err(damaged(name, format!("number {index} is {}", values[index]))),
                None => Ok(values),
            }
        };
        let best = if run.best.is_some() { total } else { 0 };
        // None before the first step.
        let average = [if trainer.average.is_some() { total } else { 0 }, 0];
        let slots = trainer.update.slots();
        let slots = slots.iter().map(|(slot, values)| vector(&format!("optimizer.{}", slot.name()), &[values.len()]));
        let slots = slots.collect::<Result<_>>()?;
        let tensors = Self {
            slots,
            weights: vector("weights", &[total])?,
            accumulated: vector("accumulated", &[trainer.accumulation.mean.len()])?,
            average: vector("average", &average)?,
            best: vector("best", &[best])?,
            carried: vector("carried", &[])?,
            losses: vector("losses", &[])?,
            order: contents.integers("order"),
        };
        trainer.check_place(run, &tensors)?;
        Ok(tensors)
    }
}

impl Trainer {
    /// Whether the place of a run is one that this run can come to.
    fn check_place(&self, run: &Run, tensors: &Tensors) -> Result<()> {
        let place = |message: &str| Err(damaged("position", message.to_owned()));
        let sizes = self.feed.sizes();
        let epochs = run.epochs.len() as u32;
        let is_sound = match run.position {
            Position::Scaling { chunk } => chunk == 0,
            Position::Training { epoch, visit, start, .. } => {
                epoch == epochs && epoch < run.options.epochs && (visit as usize) < sizes.len() && {
                    let chunk = self.feed.chunk_of(epoch, visit);
                    let size = sizes[chunk as usize];
                    start < size as usize
                        && start.is_multiple_of(self.options.batch_size as usize)
                        && is_permutation(&tensors.order, size)
                }
            }
            Position::Validation { epoch, start, first } => {
                (start, first) == (0, 0)
                    && epoch == epochs
                    && epoch < run.options.epochs
                    && self.validation.is_some()
                    && run.epoch.is_some()
            }
            Position::Finished { epochs: ended, .. } => ended == epochs,
        };
        if !is_sound {
            return place("it is at a place that this run never comes to");
        }
        // The order of data that is one chunk is what the next epoch shuffles, wherever the run is.
        let order = &tensors.order;
        if !self.feed.is_chunked() && !order.is_empty() && !is_permutation(order, sizes[0]) {
            return Err(damaged("order", "it has not each sample once".to_owned()));
        }
        let is_counted = |loss: BatchLoss| loss.correct <= loss.counted && loss.counted < MOST_COUNTED;
        let is_ended = |best: BestEpoch| best.epoch <= epochs && best.stale <= epochs;
        if !run.best.is_none_or(is_ended)
            || !run.update.is_sound(epochs)
            || ![run.totals, run.pending.1].map(is_counted).iter().all(|sound| *sound)
        {
            return Err(damaged("counts", "there are more of them than this run can have come to".to_owned()));
        }
        let first = if let Position::Training { first, .. } = run.position { first } else { 0 };
        let steps = self.feed.loaded().map_or(usize::MAX, super::dataset::Dataset::steps);
        if first >= steps
            || !self.spans.begins_at(first)
            || run.pending.0 >= self.options.accumulate_batches
            || run.step > MOST_STEPS
        {
            return place("it is at a place that this run never comes to");
        }
        Ok(())
    }
}

fn is_permutation(order: &[u32], size: u32) -> bool {
    let mut seen = vec![false; size as usize];
    let is_new = |&sample: &u32| seen.get_mut(sample as usize).is_some_and(|seen| !std::mem::replace(seen, true));
    order.len() == size as usize && order.iter().all(is_new)
}

/// By way of its text, which has a number's shortest digits.
fn json_of<T: Serialize>(value: &T) -> Value {
    serde_json::from_str(&json::to_json(value)).unwrap_or(Value::Null)
}

/// The first place in which two documents differ, and what stands there in each.
fn difference(there: &Value, here: &Value) -> Option<(String, String, String)> {
    let shown = |value: Option<&Value>| value.map_or("not given".to_owned(), ToString::to_string);
    match (there, here) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: std::collections::BTreeSet<_> = one.keys().chain(other.keys()).collect();
            keys.into_iter().find_map(|key| match (one.get(key), other.get(key)) {
                (Some(there), Some(here)) => {
                    let (path, there, here) = difference(there, here)?;
                    let path = if path.starts_with('[') { format!("{key}{path}") } else { json::join(key, &path) };
                    Some((path.trim_end_matches('.').to_owned(), there, here))
                }
                (there, here) => Some((key.clone(), shown(there), shown(here))),
            })
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            one.iter().zip(other).enumerate().find_map(|(index, (there, here))| {
                let (path, there, here) = difference(there, here)?;
                let at = format!("[{index}]");
                let path = if path.is_empty() || path.starts_with('[') { at + &path } else { json::join(&at, &path) };
                Some((path, there, here))
            })
        }
        _ => (there != here).then(|| (String::new(), shown(Some(there)), shown(Some(here)))),
    }
}

fn refuse<T>(path: &str, message: &str) -> Result<T> {
    let message =
        if path == "checkpoint" { format!("the checkpoint does not fit: {message}") } else { message.to_owned() };
    Err(Error::new(ErrorCode::InvalidOption, path, message))
}

fn damaged(name: &str, message: String) -> Error {
    Error::new(ErrorCode::InvalidFile, format!("checkpoint.{name}"), format!("the checkpoint is damaged: {message}"))
}

//! What happens before the first batch: the data is checked, the scaling fitted to it, the schedule told how long the run is.

use super::dataset::Dataset;
use super::position::Position;
use super::report::TrainingProgress;
use super::schedules::Course;
use super::trainer::{Trainer, no_training_data};
use crate::network::parameters::ScalingRanges;
use crate::network::scaling::Moments;
use crate::{Error, ErrorCode, Result};

impl Trainer {
    /// Gets ready for the first batch: fits the input's scaling on the training data unless an earlier run did. If the data
    /// comes in chunks, the scaling takes a pass over all of them first.
    pub fn start(&mut self) -> Result<TrainingProgress> {
        self.check_data()?;
        self.position = if self.is_unfitted() { Position::Scaling { chunk: 0 } } else { Position::epoch(0) };
        self.moments = <[Moments; 2]>::default();
        if !self.feed.is_chunked() && self.is_unfitted() {
            self.fit_scaling(0);
        }
        self.begin_update()?;
        self.begin_visit();
        self.pack();
        Ok(self.progress())
    }

    /// Tells the update how long the run is.
    pub(super) fn begin_update(&mut self) -> Result<()> {
        let (epochs, steps_per_epoch) = (self.options.epochs, self.steps_per_epoch());
        self.update.begin(Course { epochs, steps_per_epoch })
    }

    /// Checks that the data is there and fits the options.
    pub(super) fn check_data(&self) -> Result<()> {
        if self.feed.sizes().is_empty() {
            return Err(no_training_data());
        }
        if self.feed.is_chunked() || self.feed.loaded().is_none() {
            self.spans.check_chunked()?;
        }
        let training = self.feed.sizes().iter().map(|&size| size as usize);
        for count in training.chain(self.validation.as_ref().map(Dataset::count)) {
            self.spans.check_count(count, self.options.batch_size as usize)?;
        }
        if self.options.early_stopping.is_some() && self.validation.is_none() {
            let message = "whether training gets better is told by data that it does not see: give `validation`";
            return Err(Error::new(ErrorCode::InvalidOption, "earlyStopping", message));
        }
        Ok(())
    }

    /// Whether means and deviations are still to be taken from the training data.
    fn is_unfitted(&self) -> bool {
        let unfitted = |scaling: &ScalingRanges| self.weights[scaling.deviation.clone()].contains(&0.0);
        self.layout.scaling().into_iter().chain(self.layout.statics_scaling()).any(unfitted)
    }

    /// Adds a chunk that is there to the scaling; after the last one, the scaling is fitted.
    pub(super) fn fit_scaling(&mut self, chunk: u32) {
        let Self { layout, feed, weights, moments: [steps, statics], .. } = self;
        let Some(samples) = feed.chunk(chunk).map(Dataset::samples) else { return };
        let of_both = [(layout.scaling(), steps, true), (layout.statics_scaling(), statics, false)];
        let is_last = chunk as usize + 1 == feed.sizes().len();
        for (scaling, moments, of_steps) in of_both {
            // What an earlier run has fitted stays.
            let Some(scaling) = scaling.filter(|scaling| weights[scaling.deviation.clone()].contains(&0.0)) else {
                continue;
            };
            if of_steps {
                moments.add_steps(&samples);
            } else {
                moments.add_statics(&samples);
            }
            if is_last {
                let (mean, deviation) = moments.scaling();
                weights[scaling.mean.clone()].copy_from_slice(&mean);
                weights[scaling.deviation.clone()].copy_from_slice(&deviation);
            }
        }
        self.position = if is_last { Position::epoch(0) } else { Position::Scaling { chunk: chunk + 1 } };
    }

    /// Steps of the whole run.
    pub(super) fn total_steps(&self) -> u32 {
        self.steps_per_epoch().saturating_mul(self.options.epochs)
    }

    fn steps_per_epoch(&self) -> u32 {
        let spans = match self.feed.chunk(0) {
            Some(data) => self.spans.count(data.steps()),
            // What comes in chunks is not cut into spans.
            None => 1,
        };
        let steps_of = |&size: &u32| {
            (size as usize).div_ceil(self.options.batch_size as usize).div_ceil(self.accumulation.batches())
        };
        let steps: usize = self.feed.sizes().iter().map(steps_of).sum();
        u32::try_from(steps * spans).unwrap_or(u32::MAX)
    }
}

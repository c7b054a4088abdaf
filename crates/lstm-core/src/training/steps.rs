//! One training step after the other: a batch, its gradient, what it moves, and what comes next.

use super::averaging::averaged;
use super::position::Position;
use super::report::{EpochReport, ValidationReport};
use super::trainer::{Trainer, no_training_data};
use crate::Result;
use crate::network::loss::BatchLoss;
use crate::network::samples::Window;

impl Trainer {
    /// One training step, over the batch that begins with sample `start` in the order of the chunk's visit, and its span that
    /// begins with step `first`. If nothing of it has a target, the states go on and nothing is learned.
    pub(super) fn train_span(&mut self) -> Result<()> {
        let Position::Training { epoch, visit, start, first } = self.position else { return Ok(()) };
        let chunk = self.feed.visit(epoch, visit);
        if start == 0 && first == 0 {
            self.feed.arrange(chunk, &mut self.random);
        }
        let Self { stack, spans, layout, feed, dropout, .. } = self;
        let (data, order) = feed.visited(chunk).ok_or_else(no_training_data)?;
        let end = data.count().min(start + self.options.batch_size as usize);
        spans.choose(data, order[start..end].iter().copied(), first);
        let (place, pick) = (|s: usize| spans.place(s), |s: usize| spans.sample(s));
        let (window, count) = (spans.window(), spans.sequences());
        let (samples, targets) = data.within(window);
        stack.drop_weights(layout, &self.weights, dropout);
        let initial = spans.carried(start, &place);
        let drawn = dropout.position();
        stack.forward(&self.weights, &samples, count, pick, initial, Some(dropout))?;
        let weight = if window == Window::all(data.steps()) {
            1.0
        } else {
            targets.weight_of(count, |s| (pick(s), samples.length(pick(s))))
        };
        let loss = (weight > 0.0).then(|| stack.backward(layout, &self.loss, targets, pick, &mut self.gradients));
        let norm =
            loss.map_or(0.0, |_| self.update.norm(stack, &self.weights[..self.gradients.len()], &self.gradients));
        if let Some(loss) = loss.filter(|loss| !loss.mean().is_finite() || !norm.is_finite()) {
            return Err(self.diagnose(loss.mean(), norm, drawn));
        }
        spans.carry(stack);
        // Spans that no sequence of the batch reaches are passed over.
        let left = || spans.count(data.steps()) - spans.count(window.first + window.steps);
        let is_last = end == data.count();
        let next = spans.next(data);
        let passed_over = if next.is_none() { left() } else { 0 };
        let is_step = self.learn(loss, norm, is_last);
        self.step += u32::from(is_step) + passed_over as u32;
        let (start, first) = next.map_or((end, 0), |first| (start, first));
        self.position = Position::Training { epoch, visit, start, first };
        if next.is_none() && is_last {
            self.end_visit(epoch, visit);
        }
        Ok(())
    }

    /// Moves the weights against the gradient of a batch's loss, or waits for the step's other batches. Gives whether a step is
    /// done.
    fn learn(&mut self, loss: Option<BatchLoss>, norm: f64, is_last: bool) -> bool {
        let Some(loss) = loss else { return true };
        self.accumulation.add(&self.gradients, loss);
        if !self.accumulation.is_full() && !is_last {
            return false;
        }
        let trained = self.gradients.len();
        let gradient = self.accumulation.gradient(&self.gradients);
        let known = (self.accumulation.batches() == 1).then_some(norm);
        self.update.apply(&self.stack, &mut self.weights[..trained], gradient, known, self.step);
        self.stack.pack(&self.layout, &self.weights);
        let loss = self.accumulation.clear();
        self.totals.add(loss);
        self.losses.push(loss.mean());
        self.evidence.good_step(norm);
        if let Some(average) = &mut self.average {
            average.add(&self.weights, trained);
        }
        true
    }

    /// After the last batch of a chunk: the next chunk, or the end of the epoch's training.
    fn end_visit(&mut self, epoch: u32, visit: u32) {
        if (visit + 1) < self.feed.sizes().len() as u32 {
            self.position = Position::Training { epoch, visit: visit + 1, start: 0, first: 0 };
            self.begin_visit();
            return;
        }
        let totals = std::mem::take(&mut self.totals);
        self.epoch = Some((totals.mean(), totals.accuracy()));
        if self.validation.is_some() {
            self.position = Position::Validation { epoch, start: 0, first: 0 };
            self.pack();
        } else {
            self.end_epoch(epoch, None);
        }
    }

    /// After the last batch of an epoch, validation's among them.
    pub(super) fn end_epoch(&mut self, epoch: u32, validation: Option<ValidationReport>) {
        let (loss, accuracy) = self.epoch.take().unwrap_or_default();
        let mut early = false;
        if let Some(report) = &validation {
            early = self.stopping.observe(epoch + 1, report, averaged(self.average.as_ref(), &self.weights));
        }
        self.update.end_epoch(epoch, validation.as_ref().map_or(loss, |validation| validation.loss));
        self.epochs.push(EpochReport { epoch: epoch + 1, loss, accuracy, validation });
        if epoch + 1 < self.options.epochs && !early {
            self.position = Position::epoch(epoch + 1);
            self.begin_visit();
            if self.average.is_some() {
                self.pack();
            }
        } else {
            self.position = Position::Finished { epochs: epoch + 1, early: early && epoch + 1 < self.options.epochs };
        }
    }

    /// Gets the samples of the next chunk's visit ready, if one is next.
    pub(super) fn begin_visit(&mut self) {
        if let (Position::Training { .. }, Some(chunk)) = (self.position, self.feed.at(self.position)) {
            self.feed.begin_visit(chunk);
        }
    }

    /// The weights after the last step, or their mean.
    pub(super) fn current_weights(&self) -> &[f32] {
        averaged(self.average.as_ref(), &self.weights)
    }

    /// Packs the weights that the work at this position is done with.
    pub(super) fn pack(&mut self) {
        let average = self.average.as_ref().filter(|_| matches!(self.position, Position::Validation { .. }));
        self.stack.pack(&self.layout, averaged(average, &self.weights));
    }
}

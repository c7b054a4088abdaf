//! Which epoch was best on the validation data, its weights, and when to stop waiting for a better one.

use serde::{Deserialize, Serialize};

use super::options::{EarlyStoppingOptions, StoppingMetric};
use super::report::ValidationReport;

/// Watches the validation's reports.
pub(super) struct Stopping {
    options: Option<EarlyStoppingOptions>,
    pub(super) best: Option<BestEpoch>,
    /// Every number of the model after the best epoch; empty before one has ended.
    pub(super) weights: Vec<f32>,
}

/// An epoch that no other was better than.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct BestEpoch {
    /// From 1.
    pub(super) epoch: u32,
    pub(super) value: f32,
    /// Epochs since.
    pub(super) stale: u32,
}

impl Stopping {
    /// Without options the best epoch, by its loss, is known too.
    pub(super) fn new(options: Option<EarlyStoppingOptions>) -> Self {
        Self { options, best: None, weights: Vec::new() }
    }

    /// Whether nothing is to be waited for any more, after an epoch (from 1) with this report and these weights.
    pub(super) fn observe(&mut self, epoch: u32, report: &ValidationReport, weights: &[f32]) -> bool {
        let metric = self.options.as_ref().map_or(StoppingMetric::Loss, |options| options.metric);
        let least = self.options.as_ref().map_or(0.0, |options| options.minimum_improvement);
        let value = match metric {
            StoppingMetric::Loss => report.loss,
            StoppingMetric::Accuracy => report.accuracy.unwrap_or(0.0),
        };
        let gain = |best: &BestEpoch| match metric {
            StoppingMetric::Loss => best.value - value,
            StoppingMetric::Accuracy => value - best.value,
        };
        match &mut self.best {
            Some(best) if gain(best) <= least => best.stale += 1,
            _ => {
                self.best = Some(BestEpoch { epoch, value, stale: 0 });
                self.weights.clear();
                self.weights.extend_from_slice(weights);
            }
        }
        self.is_over()
    }

    /// Whether there was no improvement for as many epochs as are waited for.
    pub(super) fn is_over(&self) -> bool {
        let patience = self.options.as_ref().map_or(u32::MAX, |options| options.patience);
        self.best.is_some_and(|best| best.stale >= patience)
    }

    /// The weights that training leaves, if they are not the last ones.
    pub(super) fn restored(&self) -> Option<&[f32]> {
        let restores = self.options.as_ref().is_some_and(|options| options.restore_best);
        (restores && !self.weights.is_empty()).then_some(&self.weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::report::{Report, StepsReport};

    fn report(loss: f32, accuracy: f32) -> ValidationReport {
        let report = StepsReport { steps: 1, loss: loss.into(), accuracy: accuracy.into(), perplexity: 1.0 };
        ValidationReport { loss, accuracy: Some(accuracy), report: Report::Steps(report) }
    }

    /// After which of the losses it stops, which epoch is best, and its weight: that of epoch e is e.
    fn stopped(options: EarlyStoppingOptions, values: &[f32]) -> (Option<usize>, u32, f32) {
        let mut stopping = Stopping::new(Some(options));
        let mut observe =
            |index: usize, value: f32| stopping.observe(index as u32 + 1, &report(value, value), &[index as f32 + 1.0]);
        let after = values.iter().enumerate().position(|(index, &value)| observe(index, value));
        (after.map(|index| index + 1), stopping.best.unwrap().epoch, stopping.restored().unwrap()[0])
    }

    #[test]
    fn it_waits_as_long_as_it_should_for_as_much_as_it_should() {
        let options = EarlyStoppingOptions { patience: 2, ..EarlyStoppingOptions::default() };
        assert_eq!(stopped(options.clone(), &[3.0, 2.0, 2.0, 2.5, 1.0]), (Some(4), 2, 2.0));
        assert_eq!(stopped(options.clone(), &[3.0, 2.0, 2.5, 1.0, 1.5]), (None, 4, 4.0));
        let least = EarlyStoppingOptions { minimum_improvement: 0.5, ..options.clone() };
        assert_eq!(stopped(least, &[3.0, 2.6, 2.5, 2.4]), (Some(3), 1, 1.0));
        let accuracy = EarlyStoppingOptions { metric: StoppingMetric::Accuracy, ..options };
        assert_eq!(stopped(accuracy, &[0.5, 0.7, 0.6, 0.7]), (Some(4), 2, 2.0));
    }

    #[test]
    fn without_options_it_never_stops_and_restores_nothing() {
        let mut stopping = Stopping::new(None);
        for (epoch, loss) in (1..).zip([2.0, 1.0, 3.0, 3.0, 3.0, 3.0, 3.0]) {
            assert!(!stopping.observe(epoch, &report(loss, 0.0), &[epoch as f32]));
        }
        assert_eq!((stopping.best.unwrap().epoch, &stopping.weights[..]), (2, &[2.0][..]));
        assert_eq!(stopping.restored(), None);
    }
}

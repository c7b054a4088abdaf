//! One cycle (Smith and Topin 2018, "Super-convergence"), in two phases of cosines, as `torch.optim.lr_scheduler.OneCycleLR` has it.

use super::Pace;
use super::anneal::cosine;
use crate::training::options::LearningRateSchedule;

/// The learning rate goes up and down; momentum goes down and up.
pub(super) struct OneCycle {
    start: f64,
    peak: f64,
    end: f64,
    /// The least and the largest, where momentum is cycled.
    momentum: Option<(f64, f64)>,
    /// The step of the peak, which PyTorch does not round.
    top: f64,
    /// The last step.
    last: f64,
}

impl OneCycle {
    pub(super) fn new(schedule: &LearningRateSchedule, steps: u64) -> Self {
        let peak = schedule.peak.unwrap_or_default();
        let start = peak / schedule.start_divisor.unwrap_or(25.0);
        let (least, largest) = (schedule.least_momentum.unwrap_or(0.85), schedule.largest_momentum.unwrap_or(0.95));
        Self {
            start,
            peak,
            end: start / schedule.end_divisor.unwrap_or(1e4),
            momentum: schedule.cycle_momentum.unwrap_or(true).then_some((least, largest)),
            top: schedule.rise.unwrap_or(0.3) * steps as f64 - 1.0,
            last: steps as f64 - 1.0,
        }
    }

    pub(super) fn at(&self, t: u64) -> Pace {
        let t = (t as f64).min(self.last);
        let rising = t <= self.top;
        let ([from, to], [begin, end]) = if rising {
            ([self.start, self.peak], [0.0, self.top])
        } else {
            ([self.peak, self.end], [self.top, self.last])
        };
        // A phase of one step is at its end.
        let part = if end > begin { (t - begin) / (end - begin) } else { 1.0 };
        let momentum = self
            .momentum
            .map(|(least, largest)| if rising { cosine(largest, least, part) } else { cosine(least, largest, part) });
        Pace { learning_rate: cosine(from, to, part), momentum }
    }
}

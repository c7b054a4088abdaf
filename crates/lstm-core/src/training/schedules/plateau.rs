//! A learning rate that falls when the loss does not, as `torch.optim.lr_scheduler.ReduceLROnPlateau` has it. The one schedule
//! that depends on more than the step.

use serde::{Deserialize, Serialize};

use crate::training::options::LearningRateSchedule;

/// A fall by no more than this does not take place: the learning rate is at its end.
const LEAST_FALL: f64 = 1e-8;

/// What makes the learning rate fall.
pub(super) struct Plateau {
    factor: f64,
    patience: u32,
    threshold: f64,
    cooldown: u32,
    least: f64,
}

/// What has become of a plateau's learning rate so far. Of other schedules it stays as it is by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PlateauState {
    /// The learning rate since it last fell.
    rate: Option<f64>,
    /// The smallest loss.
    best: Option<f64>,
    /// Epochs in a row that were no better.
    waited: u32,
    /// Epochs that will not count.
    cooling: u32,
}

impl PlateauState {
    /// Whether so many epochs can have led to it.
    pub(in crate::training) fn is_sound(&self, epochs: u32) -> bool {
        self.waited <= epochs
    }

    /// The learning rate, which was `first` before any fall.
    pub(super) fn rate(&self, first: f64) -> f64 {
        self.rate.unwrap_or(first)
    }
}

impl Plateau {
    pub(super) fn new(schedule: &LearningRateSchedule) -> Self {
        Self {
            factor: schedule.factor.unwrap_or(0.1),
            patience: schedule.patience.unwrap_or(10),
            threshold: schedule.threshold.unwrap_or(1e-4),
            cooldown: schedule.cooldown.unwrap_or(0),
            least: schedule.least.unwrap_or(0.0),
        }
    }

    /// Takes an epoch's loss into account; `first` is the learning rate before any fall.
    pub(super) fn observe(&self, first: f64, loss: f64, state: &mut PlateauState) {
        if loss < state.best.unwrap_or(f64::INFINITY) * (1.0 - self.threshold) {
            state.best = Some(loss);
            state.waited = 0;
        } else {
            state.waited += 1;
        }
        if state.cooling > 0 {
            state.cooling -= 1;
            state.waited = 0;
        }
        if state.waited > self.patience {
            let rate = state.rate(first);
            let fallen = (rate * self.factor).max(self.least);
            if rate - fallen > LEAST_FALL {
                state.rate = Some(fallen);
            }
            state.cooling = self.cooldown;
            state.waited = 0;
        }
    }
}

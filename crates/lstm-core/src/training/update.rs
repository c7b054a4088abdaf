//! What becomes of a batch's gradients: clipping, then a step of the optimiser.

use std::sync::atomic::AtomicU64;

use serde::{Deserialize, Serialize};

use super::adam::{Adam, AdamSettings};
use super::clipping::{clip_factor, global_norm};
use super::options::{OptimizerOptions, TrainingOptions};
use crate::network::parameters::Layout;
use crate::network::stack::Stack;

/// Moves weights against gradients.
pub(super) struct Update {
    clip_norm: Option<f32>,
    /// Scratch of the gradients' norm.
    norm_sums: Vec<AtomicU64>,
    adam: Adam,
}

/// What an update has counted so far: with its slots, all that decides about the next step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct UpdateState {
    /// Steps done.
    pub(super) step: u32,
}

impl Update {
    pub(super) fn new(options: &TrainingOptions, layout: &Layout) -> Self {
        let OptimizerOptions::Adam { learning_rate, beta1, beta2, epsilon } = options.optimizer;
        let settings = AdamSettings { learning_rate, beta1, beta2, epsilon };
        let adam = Adam::new(settings, layout.trained_length());
        Self { clip_norm: options.clip_norm, norm_sums: Vec::new(), adam }
    }

    /// One step of the trained numbers, `weights`, against their `gradients`, which `stack` has just computed.
    pub(super) fn apply(&mut self, stack: &Stack, weights: &mut [f32], gradients: &[f32]) {
        let Stack { set, executor, .. } = stack;
        let rows = stack.changed_rows();
        let scale = match self.clip_norm {
            None => 1.0,
            limit => clip_factor(global_norm(*set, executor, gradients, rows, &mut self.norm_sums), limit),
        };
        self.adam.step(*set, executor, (weights, gradients), scale, stack.changed_rows());
    }

    /// What the optimiser keeps of every trained number, each under its name.
    pub(super) fn slots(&self) -> Vec<(&'static str, &[f32])> {
        self.adam.slots()
    }

    /// The same, to be filled.
    pub(super) fn slots_mut(&mut self) -> Vec<(&'static str, &mut [f32])> {
        self.adam.slots_mut()
    }

    /// What has been counted.
    pub(super) fn state(&self) -> UpdateState {
        UpdateState { step: self.adam.steps() }
    }

    /// Goes on from what was counted.
    pub(super) fn restore(&mut self, state: &UpdateState) {
        self.adam.set_steps(state.step);
    }
}

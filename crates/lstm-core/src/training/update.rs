//! What becomes of a batch's gradients: penalties and clipping, then a step of the optimiser at the pace that the schedule says.

use serde::{Deserialize, Serialize};

use super::clipping::{Clipping, ToClip};
use super::optimizers::{Machine, Optimizer, OptimizerSlot, Work};
use super::options::{OptimizerOptions, TrainingOptions};
use super::schedules::{Course, Pace, PlateauState, Schedule};
use super::trained::{TrainedTensor, trained_tensors};
use crate::Result;
use crate::network::embedding::TableRows;
use crate::network::parameters::Layout;
use crate::network::stack::Stack;

/// Moves weights against gradients.
pub(super) struct Update {
    options: OptimizerOptions,
    tensors: Vec<TrainedTensor>,
    clipping: Clipping,
    optimizer: Optimizer,
    /// Of a run that has begun.
    schedule: Option<Schedule>,
    plateau: PlateauState,
    /// That of the last step, or of the first before there was one.
    pace: Pace,
}

/// What a run that goes on later has to know beside [`Update::slots`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct UpdateState {
    /// Steps of the optimiser.
    pub(super) steps: u32,
    /// What has become of the learning rate, where it depends on losses.
    pub(super) plateau: PlateauState,
    /// The learning rate of the last step.
    pub(super) learning_rate: f64,
}

/// Steps that a run goes on from, at most: few enough to go on counting.
pub(super) const MOST_STEPS: u32 = i32::MAX as u32;

impl UpdateState {
    /// Whether a run of which so many epochs have ended can have come to it.
    pub(super) fn is_sound(&self, epochs: u32) -> bool {
        self.steps <= MOST_STEPS && self.plateau.is_sound(epochs)
    }
}

impl Update {
    /// Before the first step. Fails where groups name what is not there, or a sparse table cannot do what is asked.
    pub(super) fn new(options: &TrainingOptions, layout: &Layout) -> Result<Self> {
        Ok(Self {
            tensors: trained_tensors(options, layout)?,
            clipping: Clipping::new(options),
            optimizer: Optimizer::new(&options.optimizer, layout.trained_length()),
            options: options.optimizer.clone(),
            schedule: None,
            plateau: PlateauState::default(),
            pace: Pace { learning_rate: 0.0, momentum: None },
        })
    }

    /// Says how long the run is. Fails where the schedule does not fit it.
    pub(super) fn begin(&mut self, course: Course) -> Result<()> {
        let schedule = Schedule::new(&self.options, course)?;
        self.pace = schedule.at(0, &self.plateau);
        self.schedule = Some(schedule);
        Ok(())
    }

    /// The norm of `gradients` of the trained numbers, `weights`, as clipping sees it; not finite if any of those is not that move.
    pub(super) fn norm(&mut self, stack: &Stack, weights: &[f32], gradients: &[f32]) -> f64 {
        let Self { tensors, clipping, .. } = self;
        let machine = Machine { set: stack.set, executor: &stack.executor };
        clipping.norm(machine, ToClip { tensors, gradients, weights, rows: stack.changed_rows() })
    }

    /// The step that so many of the run's were done before: of the trained numbers, `weights`, against their `gradients`, which
    /// `stack` has just computed, and whose [`norm`](Self::norm) may be known already.
    pub(super) fn apply(
        &mut self,
        stack: &Stack,
        weights: &mut [f32],
        gradients: &[f32],
        norm: Option<f64>,
        step: u32,
    ) {
        let machine = Machine { set: stack.set, executor: &stack.executor };
        self.step(machine, weights, (gradients, norm), stack.changed_rows(), step);
    }

    /// The same; with `rows`, of the table that comes first only these have gradients.
    fn step(
        &mut self,
        machine: Machine,
        weights: &mut [f32],
        (gradients, norm): (&[f32], Option<f64>),
        rows: Option<TableRows>,
        step: u32,
    ) {
        let Self { tensors, clipping, optimizer, schedule, plateau, pace, .. } = self;
        if let Some(schedule) = schedule {
            *pace = schedule.at(u64::from(step), plateau);
        }
        let clipped = clipping.clip(machine, ToClip { tensors, gradients, weights, rows }, norm);
        optimizer.step(machine, Work { tensors, gradients, clipped, rows }, weights, *pace);
    }

    /// Tells the loss of an epoch, from 0, that has ended: the validation's, where there is one.
    pub(super) fn end_epoch(&mut self, epoch: u32, loss: f32) {
        if let Some(schedule) = &self.schedule {
            schedule.end_epoch(epoch, f64::from(loss), &mut self.plateau);
        }
    }

    /// The learning rate of the last step, or of the first before there was one.
    pub(super) fn learning_rate(&self) -> f64 {
        self.pace.learning_rate
    }
}

/// What a run that is saved and goes on later needs.
impl Update {
    /// What the optimiser keeps of every trained number, by name, in the order of the flat vector.
    pub(super) fn slots(&self) -> Vec<(OptimizerSlot, &[f32])> {
        self.optimizer.slots()
    }

    /// The same, to be filled with what an earlier run has kept.
    pub(super) fn slots_mut(&mut self) -> Vec<(OptimizerSlot, &mut [f32])> {
        self.optimizer.slots_mut()
    }

    /// What there is to know beside the slots.
    pub(super) fn state(&self) -> UpdateState {
        let (steps, plateau) = (self.optimizer.steps(), self.plateau);
        UpdateState { steps, plateau, learning_rate: self.pace.learning_rate }
    }

    /// Whether the run has begun.
    pub(super) fn has_begun(&self) -> bool {
        self.schedule.is_some()
    }

    /// Whether the number at this place of the flat vector moves.
    pub(super) fn moves(&self, place: usize) -> bool {
        self.tensors.iter().any(|tensor| tensor.range.contains(&place))
    }

    /// Goes on as after so many steps of the optimiser; [`slots_mut`](Self::slots_mut) are filled apart.
    pub(super) fn set_steps(&mut self, steps: u32) {
        self.optimizer.set_steps(steps);
    }

    /// Goes on as after what `state` has told; [`slots_mut`](Self::slots_mut) are filled apart.
    pub(super) fn restore(&mut self, state: UpdateState) {
        self.set_steps(state.steps);
        self.plateau = state.plateau;
        self.pace.learning_rate = state.learning_rate;
    }
}

#[cfg(test)]
mod tests;

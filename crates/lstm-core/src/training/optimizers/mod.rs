//! Optimisers: how a gradient becomes a step. One file each has the rule for one number; `fused` runs it over all of them.

mod adam;
mod fused;
mod lion;
mod rmsprop;
mod sgd;
mod slot;

use self::adam::{Adam, AmsGrad};
use self::fused::{Loop, Loops, Moved, Rule, Ruled};
pub(crate) use self::fused::{Machine, Work, penalised};
use self::lion::Lion;
use self::rmsprop::{Centered, CenteredWithMomentum, RmsProp, WithMomentum};
use self::sgd::{Momentum, Sgd};
pub use self::slot::OptimizerSlot;
pub(crate) use self::slot::slots_of;
use super::options::{OptimizerKind, OptimizerOptions};
use super::schedules::Pace;
use super::trained::TrainedTensor;

/// An optimiser with what it keeps of every parameter.
pub(crate) struct Optimizer {
    options: OptimizerOptions,
    /// Steps taken.
    steps: u32,
    names: &'static [OptimizerSlot],
    /// As many numbers for each name as there are parameters.
    slots: Vec<Vec<f32>>,
}

impl Optimizer {
    /// Before its first step.
    pub(crate) fn new(options: &OptimizerOptions, parameters: usize) -> Self {
        let names = slots_of(options);
        Self { options: options.clone(), steps: 0, names, slots: vec![vec![0.0; parameters]; names.len()] }
    }

    /// One step of `parameters` against the gradients of `work`.
    pub(crate) fn step(&mut self, machine: Machine, work: Work, parameters: &mut [f32], pace: Pace) {
        self.steps = self.steps.saturating_add(1);
        match self.options.kind {
            OptimizerKind::Sgd => self.sgd(machine, work, parameters, pace),
            OptimizerKind::Rmsprop => self.rmsprop(machine, work, parameters, pace),
            OptimizerKind::Adam | OptimizerKind::Adamw => self.adam(machine, work, parameters, pace),
            OptimizerKind::Lion => self.lion(machine, work, parameters, pace),
        }
    }

    fn sgd(&mut self, machine: Machine, work: Work, parameters: &mut [f32], pace: Pace) {
        if self.slots.is_empty() {
            self.run(machine, work, parameters, pace, |learning_rate, _| Sgd { learning_rate: learning_rate as f32 });
            return;
        }
        let momentum = pace.momentum.map_or(self.options.momentum(), |momentum| momentum as f32);
        let dampening = if self.steps == 1 { 0.0 } else { self.options.dampening.unwrap_or(0.0) };
        let nesterov = self.options.nesterov.unwrap_or(false);
        self.run(machine, work, parameters, pace, |learning_rate, _| Momentum {
            learning_rate: learning_rate as f32,
            kept: momentum,
            part: 1.0 - dampening,
            ahead: if nesterov { [1.0, momentum] } else { [0.0, 1.0] },
        });
    }

    fn rmsprop(&mut self, machine: Machine, work: Work, parameters: &mut [f32], pace: Pace) {
        let (alpha, epsilon) = (self.options.alpha(), self.options.epsilon());
        let momentum = pace.momentum.map_or(self.options.momentum(), |momentum| momentum as f32);
        let (alpha, alpha_complement) = (alpha as f32, (1.0 - alpha) as f32);
        let rule = |learning_rate: f64, _| RmsProp {
            learning_rate: learning_rate as f32,
            alpha,
            alpha_complement,
            epsilon,
            momentum,
        };
        match (self.options.centered.unwrap_or(false), self.options.momentum() > 0.0) {
            (false, false) => self.run(machine, work, parameters, pace, rule),
            (false, true) => self.run(machine, work, parameters, pace, |rate, sparse| WithMomentum(rule(rate, sparse))),
            (true, false) => self.run(machine, work, parameters, pace, |rate, sparse| Centered(rule(rate, sparse))),
            (true, true) => {
                self.run(machine, work, parameters, pace, |rate, sparse| CenteredWithMomentum(rule(rate, sparse)));
            }
        }
    }

    fn adam(&mut self, machine: Machine, work: Work, parameters: &mut [f32], pace: Pace) {
        let (steps, beta2, epsilon) = (self.steps, self.options.beta2(), self.options.epsilon());
        let beta1 = pace.momentum.unwrap_or(self.options.beta1());
        let rule = |learning_rate: f64, sparse: bool| {
            let adam = Adam::new(steps, learning_rate, beta1, beta2, epsilon);
            if sparse { adam.sparse() } else { adam }
        };
        if self.options.amsgrad.unwrap_or(false) {
            self.run(machine, work, parameters, pace, |rate, sparse| AmsGrad(rule(rate, sparse)));
        } else {
            self.run(machine, work, parameters, pace, rule);
        }
    }

    fn lion(&mut self, machine: Machine, work: Work, parameters: &mut [f32], pace: Pace) {
        let beta1 = pace.momentum.unwrap_or(self.options.beta1());
        let beta2 = self.options.beta2();
        self.run(machine, work, parameters, pace, |learning_rate, _| Lion {
            learning_rate: learning_rate as f32,
            beta1: beta1 as f32,
            beta1_complement: (1.0 - beta1) as f32,
            beta2: beta2 as f32,
            beta2_complement: (1.0 - beta2) as f32,
        });
    }

    /// Runs the rule that `rule` gives for a learning rate, and for whether a table is sparse.
    fn run<R: Rule<N> + Sync, const N: usize>(
        &mut self,
        machine: Machine,
        work: Work,
        parameters: &mut [f32],
        pace: Pace,
        rule: impl Fn(f64, bool) -> R + Sync,
    ) where
        Loops: Loop<N>,
    {
        let apart = matches!(self.options.kind, OptimizerKind::Adamw | OptimizerKind::Lion);
        let moved = Moved::<N>::new(parameters, &mut self.slots);
        fused::step(machine, work, moved, |tensor: &TrainedTensor, sparse| {
            let learning_rate = pace.learning_rate * tensor.learning_rate_factor;
            let lost = (learning_rate * f64::from(tensor.weight_decay)) as f32;
            let (decay, lost) = if apart { (0.0, lost) } else { (tensor.weight_decay, 0.0) };
            Ruled { rule: rule(learning_rate, sparse), decay, lost }
        });
    }
}

/// What a run that is saved and goes on later needs.
impl Optimizer {
    /// Steps taken.
    pub(crate) fn steps(&self) -> u32 {
        self.steps
    }

    /// Goes on as after so many steps, with the [slots](Self::slots_mut) that there were then.
    pub(crate) fn set_steps(&mut self, steps: u32) {
        self.steps = steps;
    }

    /// What is kept of every parameter, by name, in the order of the flat vector.
    pub(crate) fn slots(&self) -> Vec<(OptimizerSlot, &[f32])> {
        self.names.iter().copied().zip(self.slots.iter().map(Vec::as_slice)).collect()
    }

    /// The same, to be filled.
    pub(crate) fn slots_mut(&mut self) -> Vec<(OptimizerSlot, &mut [f32])> {
        self.names.iter().copied().zip(self.slots.iter_mut().map(Vec::as_mut_slice)).collect()
    }
}

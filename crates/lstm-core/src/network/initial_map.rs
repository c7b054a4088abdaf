//! The states that every layer begins from, as a linear map of the statics: `W s + b`, S numbers a sequence, layer by layer,
//! direction by direction, hidden state then cell state.

use super::linear::Linear;
use super::parameters::InitialRanges;
use super::recurrent::Layer;
use super::states::{State, states};
use super::workspace::Workspace;
use crate::Result;
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::memory::AlignedBuffer;

/// The map, packed, and what it gives for a batch.
pub(crate) struct InitialMap {
    map: Linear,
    ranges: InitialRanges,
    training: bool,
    /// Whether the last forward pass began from what the map gives.
    begun: bool,
    /// [B, S rounded up to whole vectors]: states, then their gradients.
    states: AlignedBuffer,
    scratch: AlignedBuffer,
}

impl InitialMap {
    pub(crate) fn new(ranges: &InitialRanges, set: InstructionSet, training: bool) -> Result<Self> {
        Ok(Self {
            map: Linear::new(set, ranges.statics, ranges.size)?,
            ranges: ranges.clone(),
            training,
            begun: false,
            states: AlignedBuffer::default(),
            scratch: AlignedBuffer::default(),
        })
    }

    pub(crate) fn pack(&mut self, weights: &[f32]) {
        self.map.pack(&weights[self.ranges.weight.clone()], &weights[self.ranges.bias.clone()]);
    }

    /// Makes room for batches of up to `batch` rows.
    pub(crate) fn reserve(&mut self, batch: usize, threads: usize) -> Result<()> {
        self.states.grow(batch * self.map.output_stride())?;
        self.scratch.grow(if self.training { self.map.scratch(threads) } else { 0 })
    }

    /// Numbers from one row of statics to the next.
    pub(crate) fn input_stride(&self) -> usize {
        self.map.input_stride()
    }

    /// Says that the batch begins from other states.
    pub(crate) fn pass_over(&mut self) {
        self.begun = false;
    }

    /// From the statics of `batch` rows to the states in front of each direction's packed rows, which are zero.
    pub(crate) fn forward(
        &mut self,
        executor: &Executor,
        statics: &[f32],
        batch: usize,
        layers: &[Layer],
        workspace: &mut Workspace,
    ) {
        self.begun = true;
        self.map.forward(executor, statics, batch, &mut self.states);
        let Workspace { memory, layers: regions, .. } = workspace;
        for State { column, count, stride, values, .. } in states(layers, regions) {
            let target = &mut memory[values.range()];
            let rows = self.states.chunks_exact(self.map.output_stride()).zip(target.chunks_exact_mut(stride));
            for (states, target) in rows.take(batch) {
                target[..count].copy_from_slice(&states[column..][..count]);
            }
        }
    }

    /// From the gradients of the initial states, where the layers' backward passes have left them, to those of the map.
    pub(crate) fn backward(
        &mut self,
        executor: &Executor,
        statics: &[f32],
        batch: usize,
        layers: &[Layer],
        workspace: &Workspace,
        flat: &mut [f32],
    ) {
        let [weight, bias] = flat
            .get_disjoint_mut([self.ranges.weight.clone(), self.ranges.bias.clone()])
            .expect("tensors of one layout are disjoint");
        if !self.begun {
            weight.fill(0.0);
            bias.fill(0.0);
            return;
        }
        let out = self.map.output_stride();
        for State { column, count, stride, gradient, .. } in states(layers, &workspace.layers) {
            let source = &workspace.memory[gradient.range()];
            let rows = self.states.chunks_exact_mut(out).zip(source.chunks_exact(stride));
            for (gradients, source) in rows.take(batch) {
                gradients[column..][..count].copy_from_slice(&source[..count]);
            }
        }
        self.map.weight_gradients(executor, &self.states, batch, statics, (weight, bias), &mut self.scratch);
    }
}

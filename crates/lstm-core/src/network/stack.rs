//! The whole network over one batch: the layers, the head and the loss, forward and backward.
//! Knows weights and batches; nothing of optimisers, data sets or files.

use super::head::{Head, HeadGradients};
use super::loss::{BatchLoss, cross_entropy, cross_entropy_gradient, softmax};
use super::parameters::Layout;
use super::recurrent::{DIRECTIONS, Layer, Recurrent};
use super::samples::{Gathering, InputScaling, Samples};
use super::workspace::{DirectionRegions, LayerRegions, Workspace};
use crate::Result;
use crate::cells::recurrence::Shape;
use crate::cells::sequences::Sequences;
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::memory::{Region, disjoint};
use crate::random::RandomStream;

/// A stack of recurrent layers with a linear head, its weights packed for one instruction set.
pub(crate) struct Stack {
    pub(crate) set: InstructionSet,
    pub(crate) executor: Executor,
    recurrent: Recurrent,
    head: Head,
    scaling: InputScaling,
    sequences: Sequences,
    workspace: Workspace,
    training: bool,
}

/// The hidden and cell states of one sequence, carried from step to step: one of each a layer, padded to whole vectors, the
/// cell states empty where there are none.
pub(crate) struct StreamState {
    hidden: Vec<Vec<f32>>,
    cells: Vec<Vec<f32>>,
}

impl StreamState {
    /// Back to before the first step.
    pub(crate) fn reset(&mut self) {
        self.hidden.iter_mut().chain(&mut self.cells).for_each(|state| state.fill(0.0));
    }
}

impl Stack {
    /// A network of zeros. `training` says whether [`backward`](Self::backward) will be called.
    pub(crate) fn new(layout: &Layout, set: InstructionSet, executor: Executor, training: bool) -> Result<Self> {
        Ok(Self {
            recurrent: Recurrent::new(layout, set, training)?,
            head: Head::new(set, layout.head().units, layout.head().classes)?,
            set,
            executor,
            scaling: InputScaling::default(),
            sequences: Sequences::default(),
            workspace: Workspace::default(),
            training,
        })
    }

    /// Takes over new weights, a flat vector of the given layout.
    pub(crate) fn pack(&mut self, layout: &Layout, weights: &[f32]) {
        self.recurrent.pack(&self.executor, layout, weights);
        self.head.pack(&weights[layout.head().weight.clone()], &weights[layout.head().bias.clone()]);
        if let Some(scaling) = layout.scaling() {
            self.scaling.set(&weights[scaling.mean.clone()], &weights[scaling.deviation.clone()]);
        }
    }

    /// Packs anew the weights of which a training step drops some.
    pub(crate) fn drop_weights(&mut self, layout: &Layout, weights: &[f32], random: &mut RandomStream) {
        self.recurrent.drop_weights(&self.executor, layout, weights, random);
    }

    /// Runs a batch of `batch` sequences, the sample `pick(s)` as its s-th, and leaves the logits in the workspace. With
    /// `random`, as a training step, which drops what the layers are to drop.
    pub(crate) fn forward(
        &mut self,
        samples: &Samples,
        batch: usize,
        pick: impl Fn(usize) -> usize + Sync,
        random: Option<&mut RandomStream>,
    ) -> Result<()> {
        self.sequences.pack(batch, samples.steps(), |sample| samples.length(pick(sample)));
        self.reserve(batch, batch * samples.steps())?;
        self.gather(samples, pick);
        for (layer, regions) in self.recurrent.layers.iter().zip(&self.workspace.layers) {
            let Shape { padded_units, padded_hidden, .. } = layer.shape;
            for direction in &regions.directions[..layer.directions.len()] {
                for (region, width) in [(direction.hidden, padded_hidden), (direction.cells, padded_units)] {
                    let memory = &mut self.workspace.memory[region.range()];
                    let initial = (batch * width).min(memory.len());
                    memory[..initial].fill(0.0);
                }
            }
        }
        self.run_layers(random);
        Ok(())
    }

    /// Runs one step of one sequence, finite `features`, from a state and leaves the logits in the workspace, the new
    /// state in `state`. No layer is bidirectional.
    pub(crate) fn step(&mut self, features: &[f32], state: &mut StreamState) -> Result<()> {
        let samples = Samples::checked(features, 1, features.len(), None);
        self.sequences.pack(1, 1, |_| 1);
        self.reserve(1, 1)?;
        self.gather(&samples, |_| 0);
        let before = |region: Region, length: usize| region.range().start..region.range().start + length;
        for (index, LayerRegions { directions: [regions, _], .. }) in self.workspace.layers.iter().enumerate() {
            let units = state.hidden[index].len();
            self.workspace.memory[before(regions.hidden, units)].copy_from_slice(&state.hidden[index]);
            let cells = &state.cells[index];
            self.workspace.memory[before(regions.cells, cells.len())].copy_from_slice(cells);
        }
        self.run_layers(None);
        for (index, LayerRegions { directions: [regions, _], .. }) in self.workspace.layers.iter().enumerate() {
            let units = state.hidden[index].len();
            // The initial state comes first in `hidden`; in `cells` the new state has replaced it.
            state.hidden[index].copy_from_slice(&self.workspace.memory[regions.hidden.range()][units..2 * units]);
            let cells = before(regions.cells, state.cells[index].len());
            state.cells[index].copy_from_slice(&self.workspace.memory[cells]);
        }
        Ok(())
    }

    /// A state before the first step.
    pub(crate) fn stream_state(&self) -> StreamState {
        let zeros = |length: fn(&Shape) -> usize| {
            self.recurrent.layers.iter().map(|Layer { shape, .. }| vec![0.0; length(shape)]).collect()
        };
        let cells = |shape: &Shape| if shape.has_cell_state() { shape.padded_units } else { 0 };
        StreamState { hidden: zeros(|shape| shape.padded_hidden), cells: zeros(cells) }
    }

    /// The batch's features in packed order, by as many threads as will run the first layer.
    fn gather(&mut self, samples: &Samples, pick: impl Fn(usize) -> usize + Sync) {
        let Self { sequences, scaling, executor, workspace, .. } = self;
        let first = self.recurrent.layers[0].shape;
        let parts = executor.parts(sequences.packed_rows() * first.operations()).min(sequences.batch());
        let input = workspace.input.range();
        Gathering { sequences, scaling, executor, parts }.gather(samples, pick, &mut workspace.memory[input]);
    }

    fn reserve(&mut self, batch: usize, packed_rows: usize) -> Result<()> {
        let threads = self.executor.threads();
        let lanes = self.set.lanes();
        self.workspace.reserve(&self.recurrent.layers, &self.head, threads, lanes, self.training, (batch, packed_rows))
    }

    fn run_layers(&mut self, random: Option<&mut RandomStream>) {
        let Self { executor, recurrent, head, sequences, workspace, .. } = self;
        recurrent.forward(executor, sequences, workspace, random);
        let batch = sequences.batch();
        let (units, directions) = top(recurrent, workspace);
        let padded_units = units.next_multiple_of(self.set.lanes());
        for (which, regions) in directions {
            let [hidden, last] = disjoint(&mut workspace.memory, [regions.hidden, workspace.last]);
            for (row, target) in last.chunks_exact_mut(head.state_stride()).take(batch).enumerate() {
                let state = (batch + sequences.last(DIRECTIONS[which], row)) * padded_units;
                target[which * units..][..units].copy_from_slice(&hidden[state..][..units]);
            }
        }
        let [last, logits] = disjoint(&mut workspace.memory, [workspace.last, workspace.logits]);
        head.forward(last, batch, logits);
    }

    /// Turns the logits of the batch into probabilities and hands each sample's to `take`.
    pub(crate) fn probabilities(&mut self, mut take: impl FnMut(usize, &[f32])) {
        let (classes, stride, batch) = (self.head.classes, self.head.logit_stride(), self.sequences.batch());
        let logits = &mut self.workspace.memory[self.workspace.logits.range()];
        softmax(logits, classes, stride, batch);
        for (row, probabilities) in logits.chunks_exact(stride).take(batch).enumerate() {
            take(self.sequences.sample(row), &probabilities[..classes]);
        }
    }

    /// The loss of the batch whose s-th sample is of class `target(s)`.
    pub(crate) fn loss(&self, target: impl Fn(usize) -> usize) -> BatchLoss {
        let logits = &self.workspace.memory[self.workspace.logits.range()];
        let sequences = &self.sequences;
        cross_entropy(logits, self.head.classes, self.head.logit_stride(), sequences.batch(), |row| {
            target(sequences.sample(row))
        })
    }

    /// The gradient of the mean loss of the batch by every trained number, a flat vector of the given layout.
    pub(crate) fn backward(&mut self, layout: &Layout, target: impl Fn(usize) -> usize, gradients: &mut [f32]) {
        debug_assert!(self.training);
        self.backward_head(layout, target, gradients);
        let Self { executor, recurrent, sequences, workspace, .. } = self;
        recurrent.backward(executor, sequences, workspace, layout, gradients);
    }

    /// From the loss to the gradient of the last layer's final hidden states.
    fn backward_head(&mut self, layout: &Layout, target: impl Fn(usize) -> usize, gradients: &mut [f32]) {
        let Self { recurrent, head, sequences, workspace, .. } = self;
        let batch = sequences.batch();
        let [logits, last, last_gradient, scratch] = disjoint(
            &mut workspace.memory,
            [workspace.logits, workspace.last, workspace.last_gradient, workspace.scratch],
        );
        softmax(logits, head.classes, head.logit_stride(), batch);
        cross_entropy_gradient(logits, head.classes, head.logit_stride(), batch, |row| target(sequences.sample(row)));
        let ranges = layout.head();
        let [weight, bias] = gradients
            .get_disjoint_mut([ranges.weight.clone(), ranges.bias.clone()])
            .expect("tensors of one layout are disjoint");
        head.backward(logits, batch, last, HeadGradients { hidden: last_gradient, weight, bias, scratch });
        let (units, directions) = top(recurrent, workspace);
        for (which, regions) in directions {
            let [last_gradient, gradient] =
                disjoint(&mut workspace.memory, [workspace.last_gradient, regions.hidden_gradient]);
            let rows = gradient.chunks_exact_mut(units.next_multiple_of(self.set.lanes()));
            for (target, source) in rows.zip(last_gradient.chunks_exact(head.state_stride())).take(batch) {
                target[..units].copy_from_slice(&source[which * units..][..units]);
                target[units..].fill(0.0);
            }
        }
    }
}

/// The numbers of the last layer's hidden state, and the number and the buffers of each of its directions.
fn top(
    recurrent: &Recurrent,
    workspace: &Workspace,
) -> (usize, impl Iterator<Item = (usize, DirectionRegions)> + use<>) {
    let top = recurrent.layers.len() - 1;
    let layer = &recurrent.layers[top];
    let directions = workspace.layers[top].directions.into_iter().take(layer.directions.len());
    (layer.shape.hidden, directions.enumerate())
}

//! The whole network over one batch: the layers, the head and the loss, forward and backward.
//! Knows weights and batches; nothing of optimisers, data sets or files.

use std::ops::Range;

use super::head::{Head, HeadGradients};
use super::loss::{BatchLoss, cross_entropy, cross_entropy_gradient, softmax};
use super::parameters::Layout;
use super::samples::{InputScaling, Samples, gather};
use super::workspace::Workspace;
use crate::Result;
use crate::cells::lstm::{Activations, Gradients, LayerBatch, PackedWeights, Saved, Shape, Weights, backward, forward};
use crate::cells::sequences::Sequences;
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::memory::{Region, disjoint};

/// A stack of LSTM layers with a linear head, its weights packed for one instruction set.
pub(crate) struct Stack {
    pub(crate) set: InstructionSet,
    pub(crate) executor: Executor,
    layers: Vec<PackedWeights>,
    head: Head,
    scaling: InputScaling,
    sequences: Sequences,
    workspace: Workspace,
    training: bool,
}

/// The hidden and cell states of one sequence, carried from step to step: one `[padded units]` each a layer.
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
        let lanes = set.lanes();
        let layers = layout.layers().iter().enumerate().map(|(index, layer)| {
            // Nobody uses the gradient of the network's own input.
            PackedWeights::new(Shape::new(layer.input_size, layer.units, lanes), lanes, training, index > 0)
        });
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
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
        for (packed, layer) in self.layers.iter_mut().zip(layout.layers()) {
            packed.pack(Weights {
                weight_ih: &weights[layer.weight_ih.clone()],
                weight_hh: &weights[layer.weight_hh.clone()],
                bias_ih: &weights[layer.bias_ih.clone()],
                bias_hh: &weights[layer.bias_hh.clone()],
            });
        }
        self.head.pack(&weights[layout.head().weight.clone()], &weights[layout.head().bias.clone()]);
        if let Some(scaling) = layout.scaling() {
            self.scaling.set(&weights[scaling.mean.clone()], &weights[scaling.deviation.clone()]);
        }
    }

    /// Runs a batch of `batch` sequences, the sample `pick(s)` as its s-th, and leaves the logits in the workspace.
    pub(crate) fn forward(&mut self, samples: &Samples, batch: usize, pick: impl Fn(usize) -> usize) -> Result<()> {
        self.sequences.pack(batch, samples.steps(), |sample| samples.length(pick(sample)));
        self.reserve(batch, batch * samples.steps())?;
        let input = self.workspace.input.range();
        gather(samples, pick, &self.sequences, &self.scaling, &mut self.workspace.memory[input]);
        for (layer, regions) in self.layers.iter().zip(&self.workspace.layers) {
            let states = batch * layer.shape.padded_units;
            for region in [regions.hidden, regions.cells] {
                self.workspace.memory[region.range()][..states].fill(0.0);
            }
        }
        self.run_layers();
        Ok(())
    }

    /// Runs one step of one sequence, finite `features`, from a state and leaves the logits in the workspace, the new state in `state`.
    pub(crate) fn step(&mut self, features: &[f32], state: &mut StreamState) -> Result<()> {
        let samples = Samples::checked(features, 1, features.len(), None);
        self.sequences.pack(1, 1, |_| 1);
        self.reserve(1, 1)?;
        let input = self.workspace.input.range();
        gather(&samples, |_| 0, &self.sequences, &self.scaling, &mut self.workspace.memory[input]);
        let before = |region: Region, length: usize| region.range().start..region.range().start + length;
        for (index, regions) in self.workspace.layers.iter().enumerate() {
            let units = state.hidden[index].len();
            self.workspace.memory[before(regions.hidden, units)].copy_from_slice(&state.hidden[index]);
            self.workspace.memory[before(regions.cells, units)].copy_from_slice(&state.cells[index]);
        }
        self.run_layers();
        for (index, regions) in self.workspace.layers.iter().enumerate() {
            let units = state.hidden[index].len();
            // The initial state comes first in `hidden`; in `cells` the new state has replaced it.
            state.hidden[index].copy_from_slice(&self.workspace.memory[regions.hidden.range()][units..2 * units]);
            state.cells[index].copy_from_slice(&self.workspace.memory[regions.cells.range()][..units]);
        }
        Ok(())
    }

    /// A state before the first step.
    pub(crate) fn stream_state(&self) -> StreamState {
        let zeros = || self.layers.iter().map(|layer| vec![0.0; layer.shape.padded_units]).collect();
        StreamState { hidden: zeros(), cells: zeros() }
    }

    fn reserve(&mut self, batch: usize, packed_rows: usize) -> Result<()> {
        let threads = self.executor.threads();
        let lanes = self.set.lanes();
        self.workspace.reserve(&self.layers, &self.head, threads, lanes, self.training, (batch, packed_rows))
    }

    fn run_layers(&mut self) {
        let batch = self.sequences.batch();
        let mut last = self.workspace.input;
        for index in 0..self.layers.len() {
            let (input, x_stride, skip) = self.input_of(index);
            let Self { set, executor, layers, sequences, workspace, training, .. } = self;
            let regions = workspace.layers[index];
            let [x, hidden, cells, gates, tanh_cells] = disjoint(
                &mut workspace.memory,
                [input, regions.hidden, regions.cells, regions.gates, regions.tanh_cells],
            );
            let saved = training.then_some(Saved { gates, tanh_cells });
            let weights = &layers[index];
            let job = LayerBatch { set: *set, executor, weights, sequences, x: &x[skip..], x_stride };
            forward(job, Activations { hidden, cells, saved });
            last = regions.hidden;
        }
        let Self { head, sequences, workspace, .. } = self;
        let units = head.state_stride();
        let [hidden, last, logits] = disjoint(&mut workspace.memory, [last, workspace.last, workspace.logits]);
        for (row, target) in last.chunks_exact_mut(units).take(batch).enumerate() {
            target.copy_from_slice(&hidden[(batch + sequences.last(row)) * units..][..units]);
        }
        head.forward(last, batch, logits);
    }

    /// Where a layer's input lies, the stride of its rows, and how many values come before the first packed row: the
    /// gathered samples for the first layer, for the others the hidden states of the layer below, which begin with the
    /// initial states.
    fn input_of(&self, index: usize) -> (Region, usize, usize) {
        match index.checked_sub(1) {
            None => (self.workspace.input, self.layers[index].shape.input_size, 0),
            Some(below) => {
                let stride = self.layers[below].shape.padded_units;
                (self.workspace.layers[below].hidden, stride, self.sequences.batch() * stride)
            }
        }
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
        for index in (0..self.layers.len()).rev() {
            self.backward_layer(index, layout, gradients);
        }
    }

    /// From the loss to the gradient of the last layer's final hidden states.
    fn backward_head(&mut self, layout: &Layout, target: impl Fn(usize) -> usize, gradients: &mut [f32]) {
        let Self { head, sequences, workspace, .. } = self;
        let (batch, top) = (sequences.batch(), workspace.layers.len() - 1);
        let [logits, last, hidden, scratch] = disjoint(
            &mut workspace.memory,
            [workspace.logits, workspace.last, workspace.layers[top].hidden_gradient, workspace.scratch],
        );
        softmax(logits, head.classes, head.logit_stride(), batch);
        cross_entropy_gradient(logits, head.classes, head.logit_stride(), batch, |row| target(sequences.sample(row)));
        let ranges = layout.head();
        let [weight, bias] = tensors(gradients, [&ranges.weight, &ranges.bias]);
        head.backward(logits, batch, last, HeadGradients { hidden, weight, bias, scratch });
    }

    /// From the gradient of a layer's hidden states to those of its weights and of the layer below.
    fn backward_layer(&mut self, index: usize, layout: &Layout, gradients: &mut [f32]) {
        let (input, x_stride, skip) = self.input_of(index);
        let Self { set, executor, layers, sequences, workspace, .. } = self;
        let regions = workspace.layers[index];
        let is_top = index + 1 == layers.len();
        let input_gradient = index.checked_sub(1).map(|below| workspace.layers[below].from_above);
        let [x, below, gates, tanh_cells, cells, hidden, from_above, hidden_state, cell_state, scratch] = disjoint(
            &mut workspace.memory,
            [
                input,
                input_gradient.unwrap_or_default(),
                regions.gates,
                regions.tanh_cells,
                regions.cells,
                regions.hidden,
                regions.from_above,
                regions.hidden_gradient,
                regions.cell_gradient,
                workspace.scratch,
            ],
        );
        // Only the last layer's final hidden states are used; no final cell state is.
        if !is_top {
            hidden_state.fill(0.0);
        }
        cell_state.fill(0.0);
        let ranges = layout.layer(index);
        let [weight_ih, weight_hh, bias, bias_hh] =
            tensors(gradients, [&ranges.weight_ih, &ranges.weight_hh, &ranges.bias_ih, &ranges.bias_hh]);
        let weights = &layers[index];
        backward(
            LayerBatch { set: *set, executor, weights, sequences, x: &x[skip..], x_stride },
            Gradients {
                gates,
                tanh_cells,
                cells,
                hidden,
                from_above: (!is_top).then_some(&*from_above),
                hidden_state,
                cell_state,
                input: input_gradient.map(|_| below),
                weight_ih,
                weight_hh,
                bias,
                scratch,
            },
        );
        // Both biases are added to the same pre-activation.
        bias_hh.copy_from_slice(bias);
    }
}

/// Tensors of one flat vector, which never overlap.
fn tensors<'a, const N: usize>(flat: &'a mut [f32], ranges: [&Range<usize>; N]) -> [&'a mut [f32]; N] {
    flat.get_disjoint_mut(ranges.map(Clone::clone)).expect("tensors of one layout are disjoint")
}

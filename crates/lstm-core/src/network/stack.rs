//! The whole network over one batch: the layers, the readout, the head and the loss, forward and backward.
//! Knows weights and batches; nothing of optimisers, data sets or files.

use super::definition::{OutputDefinition, OutputKind};
use super::embedding::TableRows;
use super::input::{BatchPlace, InputLayer};
use super::linear::{Linear, LinearGradients};
use super::loss::{BatchLoss, ChunkSums, Loss, OutputRows};
use super::parameters::Layout;
use super::readout::{Readout, TopLayer};
use super::recurrent::Recurrent;
use super::samples::{Inputs, Samples};
use super::states::{self, InitialStates};
use super::targets::{RowTargets, TargetRows};
use super::workspace::Workspace;
use crate::Result;
use crate::cells::recurrence::PackedWeights;
use crate::cells::sequences::Sequences;
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::memory::disjoint;
use crate::random::RandomStream;

/// A stack of recurrent layers with a linear head, its weights packed for one instruction set.
pub(crate) struct Stack {
    pub(crate) set: InstructionSet,
    pub(crate) executor: Executor,
    pub(super) recurrent: Recurrent,
    readout: Readout,
    pub(super) head: Linear,
    kind: OutputKind,
    input: InputLayer,
    pub(super) sequences: Sequences,
    pub(super) workspace: Workspace,
    rows: RowScratch,
    training: bool,
}

/// What a loss is told of each row of outputs, and where its sums go: kept from batch to batch.
#[derive(Default)]
struct RowScratch {
    indices: Vec<usize>,
    weights: Vec<f32>,
    sums: ChunkSums,
    /// Outputs that are kept while a loss is computed out of them.
    outputs: Vec<f32>,
}

/// One sequence that is carried from step to step.
pub(crate) struct StreamState {
    /// As [`states`] lays them out.
    states: Vec<f32>,
    /// The numbers of the whole sequence.
    statics: Vec<f32>,
    /// Whether no step has been taken: the states are those that a sequence begins from, whatever is here.
    is_fresh: bool,
}

impl StreamState {
    /// Back to before the first step.
    pub(crate) fn reset(&mut self) {
        self.is_fresh = true;
    }
}

impl Stack {
    /// A network of zeros. `training` says whether [`backward`](Self::backward) will be called.
    pub(crate) fn new(
        layout: &Layout,
        output: &OutputDefinition,
        set: InstructionSet,
        executor: Executor,
        training: bool,
    ) -> Result<Self> {
        Ok(Self {
            recurrent: Recurrent::new(layout, set, training)?,
            readout: Readout::new(layout, output, set)?,
            head: Linear::new(set, layout.head().units, layout.head().size)?,
            kind: output.kind(),
            set,
            executor,
            input: InputLayer::new(layout, set, training)?,
            sequences: Sequences::default(),
            workspace: Workspace::default(),
            rows: RowScratch::default(),
            training,
        })
    }

    /// Numbers that the packed weights of the layers take.
    pub(crate) fn packed_weights(&self) -> usize {
        self.recurrent.layers.iter().flat_map(|layer| &layer.directions).map(PackedWeights::length).sum()
    }

    /// Numbers that a batch's activations take, and in training its gradients of them.
    pub(crate) fn activations(&self, batch: usize, packed_rows: usize) -> usize {
        let output = (&self.readout, &self.head);
        let (threads, lanes) = (self.executor.threads(), self.set.lanes());
        Workspace::planned(&self.recurrent.layers, output, threads, lanes, self.training, (batch, packed_rows)).1
    }

    /// Takes over new weights, a flat vector of the given layout.
    pub(crate) fn pack(&mut self, layout: &Layout, weights: &[f32]) {
        self.recurrent.pack(&self.executor, layout, weights);
        self.readout.pack(layout, weights);
        self.head.pack(&weights[layout.head().weight.clone()], &weights[layout.head().bias.clone()]);
        self.input.pack(layout, weights);
    }

    /// Packs anew the weights of which a training step drops some.
    pub(crate) fn drop_weights(&mut self, layout: &Layout, weights: &[f32], random: &mut RandomStream) {
        self.recurrent.drop_weights(&self.executor, layout, weights, random);
    }

    /// Runs a batch of `batch` sequences, the sample `pick(s)` as its s-th, from the given states or from those that sequences
    /// begin with, and leaves the outputs in the workspace. With `random`, as a training step, which drops what is to be
    /// dropped. Embeddings are read from the `weights` that were packed last.
    pub(crate) fn forward(
        &mut self,
        weights: &[f32],
        samples: &Samples,
        batch: usize,
        pick: impl Fn(usize) -> usize + Sync,
        initial: Option<InitialStates>,
        random: Option<&mut RandomStream>,
    ) -> Result<()> {
        self.sequences.pack(batch, samples.steps(), |sample| samples.length(pick(sample)));
        self.reserve(batch, batch * samples.steps())?;
        self.gather(weights, samples, pick);
        self.begin(initial);
        self.run_layers(random);
        Ok(())
    }

    /// Puts the states that each sequence begins from in front of each direction's packed rows.
    fn begin(&mut self, initial: Option<InitialStates>) {
        let Self { input, recurrent, sequences, executor, workspace, .. } = self;
        states::begin(&recurrent.layers, sequences, workspace, initial);
        input.begin(BatchPlace { sequences, executor, parts: 1 }, &recurrent.layers, workspace, initial.is_some());
    }

    /// The states that each sample s of the batch ends with, to row `row(s)` of `out`, as `states` lays them out.
    pub(crate) fn final_states(&self, row: impl Fn(usize) -> usize, out: &mut [f32]) {
        states::end(&self.recurrent.layers, &self.sequences, &self.workspace, self.training, row, out);
    }

    /// Runs one step of one sequence, numbers and a token that were checked, from a state and leaves the outputs in the
    /// workspace, the new state in `state`. No layer is bidirectional.
    pub(crate) fn step(&mut self, weights: &[f32], inputs: Inputs, state: &mut StreamState) -> Result<()> {
        self.sequences.pack(1, 1, |_| 1);
        self.reserve(1, 1)?;
        let inputs = Inputs { statics: Some(&state.statics), ..inputs };
        self.gather(weights, &Samples::checked(inputs, 1, inputs.x.map_or(0, <[f32]>::len), None), |_| 0);
        let last = InitialStates { values: &state.states, row: &|_| 0 };
        self.begin((!state.is_fresh).then_some(last));
        self.run_layers(None);
        self.final_states(|_| 0, &mut state.states);
        state.is_fresh = false;
        Ok(())
    }

    /// A state before the first step of a sequence with such statics.
    pub(crate) fn stream_state(&self, statics: &[f32]) -> StreamState {
        let size = states::size(&self.recurrent.layers);
        StreamState { states: vec![0.0; size], statics: statics.to_vec(), is_fresh: true }
    }

    /// The batch's input in packed order, by as many threads as will run the first layer.
    fn gather(&mut self, weights: &[f32], samples: &Samples, pick: impl Fn(usize) -> usize + Sync) {
        let Self { sequences, input, executor, workspace, .. } = self;
        let first = self.recurrent.layers[0].shape;
        let parts = executor.parts(sequences.packed_rows() * first.operations()).min(sequences.batch());
        let out = &mut workspace.memory[workspace.input.range()];
        input.gather(weights, BatchPlace { sequences, executor, parts }, samples, pick, out);
    }

    fn reserve(&mut self, batch: usize, packed_rows: usize) -> Result<()> {
        let threads = self.executor.threads();
        let lanes = self.set.lanes();
        self.input.reserve(batch, packed_rows, threads)?;
        let output = (&self.readout, &self.head);
        self.workspace.reserve(&self.recurrent.layers, output, threads, lanes, self.training, (batch, packed_rows))
    }

    fn run_layers(&mut self, random: Option<&mut RandomStream>) {
        let Self { executor, recurrent, readout, head, sequences, workspace, .. } = self;
        let mut random = random;
        recurrent.forward(executor, sequences, workspace, random.as_deref_mut());
        let top = top(executor, recurrent, sequences, workspace);
        readout.forward(&top, workspace, random);
        let rows = readout.head_rows(&top, workspace);
        let [states, outputs] = disjoint(&mut workspace.memory, [rows.region, workspace.outputs]);
        head.forward(executor, &states[rows.skip..], rows.count, outputs);
    }

    /// Turns the outputs of the batch into predictions and hands each to `take`, with its sample, and its step if there is
    /// one for every step.
    pub(crate) fn predictions(&mut self, mut take: impl FnMut(usize, usize, &[f32])) {
        let (size, stride) = (self.head.outputs, self.head.output_stride());
        let kind = self.kind;
        self.outputs().predict(kind);
        let outputs = &self.workspace.memory[self.workspace.outputs.range()];
        let mut rows = outputs.chunks_exact(stride);
        for_rows(&self.sequences, self.readout.gives_every_step(), |sample, step| {
            take(sample, step, &rows.next().expect("there is an output for each")[..size]);
        });
    }

    /// The loss of the batch whose s-th sample is `pick(s)` of the targets. The outputs stay what they are.
    pub(crate) fn loss(&mut self, loss: &Loss, targets: TargetRows, pick: impl Fn(usize) -> usize) -> BatchLoss {
        let kept = self.output_rows() * self.head.output_stride();
        let range = self.workspace.outputs.range();
        let mut outputs = std::mem::take(&mut self.rows.outputs);
        outputs.clear();
        outputs.extend_from_slice(&self.workspace.memory[range.clone()][..kept]);
        let result = self.evaluate(loss, targets, pick, false);
        self.workspace.memory[range][..kept].copy_from_slice(&outputs);
        self.rows.outputs = outputs;
        result
    }

    /// The loss likewise, and its gradient by every trained number, a flat vector of the given layout: the same in every call,
    /// zero at first, because of embeddings only the rows that are read are written.
    pub(crate) fn backward(
        &mut self,
        layout: &Layout,
        loss: &Loss,
        targets: TargetRows,
        pick: impl Fn(usize) -> usize,
        gradients: &mut [f32],
    ) -> BatchLoss {
        debug_assert!(self.training);
        let result = self.evaluate(loss, targets, pick, true);
        self.backward_head(layout, gradients);
        let Self { executor, recurrent, readout, input, sequences, workspace, .. } = self;
        readout.backward(&top(executor, recurrent, sequences, workspace), workspace, layout, gradients);
        recurrent.backward(executor, sequences, workspace, readout.reads_every_step(), layout, gradients);
        // After the head, whose weights the embeddings may be.
        input.backward(BatchPlace { sequences, executor, parts: 1 }, &recurrent.layers, workspace, gradients);
        result
    }

    /// The rows of the embeddings that a step along the last gradient changes, if not all of them.
    pub(crate) fn changed_rows(&self) -> Option<TableRows<'_>> {
        self.input.changed_rows()
    }

    /// From the gradient of the outputs to that of what the head read.
    fn backward_head(&mut self, layout: &Layout, gradients: &mut [f32]) {
        let Self { executor, recurrent, readout, head, sequences, workspace, .. } = self;
        let top = top(executor, recurrent, sequences, workspace);
        let (rows, gradient) = (readout.head_rows(&top, workspace), readout.head_gradient(&top, workspace));
        let [outputs, states, x, scratch] =
            disjoint(&mut workspace.memory, [workspace.outputs, rows.region, gradient, workspace.scratch]);
        let ranges = layout.head();
        let [weight, bias] = gradients
            .get_disjoint_mut([ranges.weight.clone(), ranges.bias.clone()])
            .expect("tensors of one layout are disjoint");
        let gradients = LinearGradients { x, add: false, weight, bias, scratch };
        head.backward(executor, outputs, rows.count, &states[rows.skip..], gradients);
    }

    /// The loss; the outputs become its gradient if `differentiate`.
    fn evaluate(
        &mut self,
        loss: &Loss,
        targets: TargetRows,
        pick: impl Fn(usize) -> usize,
        differentiate: bool,
    ) -> BatchLoss {
        let mut scratch = std::mem::take(&mut self.rows);
        let RowScratch { indices, weights, sums, .. } = &mut scratch;
        indices.clear();
        weights.clear();
        for_rows(&self.sequences, self.readout.gives_every_step(), |sample, step| {
            indices.push(targets.index(pick(sample), step));
            weights.push(targets.weight(pick(sample), step));
        });
        let result = loss.evaluate(self.outputs(), RowTargets { targets, indices, weights }, differentiate, sums);
        self.rows = scratch;
        result
    }

    /// How many rows of outputs the batch has.
    pub(super) fn output_rows(&self) -> usize {
        self.readout.rows(self.sequences.batch(), self.sequences.packed_rows())
    }

    /// The batch's outputs.
    fn outputs(&mut self) -> OutputRows<'_> {
        let rows = self.output_rows();
        OutputRows {
            set: self.set,
            executor: &self.executor,
            rows,
            size: self.head.outputs,
            stride: self.head.output_stride(),
            values: &mut self.workspace.memory[self.workspace.outputs.range()],
        }
    }
}

/// Calls `row` with the sample of each row of outputs, and its step if there is one for every step.
fn for_rows(sequences: &Sequences, every_step: bool, mut row: impl FnMut(usize, usize)) {
    for step in 0..if every_step { sequences.steps() } else { 1 } {
        for index in 0..sequences.active(step) {
            row(sequences.sample(index), step);
        }
    }
}

/// The last layer, and what it ran over.
fn top<'a>(
    executor: &'a Executor,
    recurrent: &'a Recurrent,
    sequences: &'a Sequences,
    workspace: &Workspace,
) -> TopLayer<'a> {
    let index = recurrent.layers.len() - 1;
    let source = recurrent.source(index, sequences, workspace);
    TopLayer { executor, sequences, layer: &recurrent.layers[index], regions: workspace.layers[index], source }
}

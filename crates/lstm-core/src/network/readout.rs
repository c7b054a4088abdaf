//! From the last layer's hidden states to the rows that the head reads, forward and backward: those of the last steps, of
//! every step, or pooled; normalised, and without what training drops. Knows nothing of heads and losses.

use super::attention::{Attention, AttentionBuffers, AttentionGradients};
use super::between;
use super::definition::{At, OutputDefinition};
use super::dropout;
use super::junctions::Source;
use super::normalisation::{KEPT, Normalisation};
use super::parameters::Layout;
use super::pooling::{Pooled, Pooling};
use super::recurrent::{DIRECTIONS, Layer};
use super::workspace::{DirectionRegions, LayerRegions, Workspace};
use crate::Result;
use crate::cells::recurrence::{Columns, Input, Shape};
use crate::cells::sequences::Sequences;
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::memory::{Plan, Region, disjoint};
use crate::random::RandomStream;

/// The steps that an output is computed from, the weights of attention over them, the normalisation of what the head reads, and
/// what training drops of it.
pub(crate) struct Readout {
    set: InstructionSet,
    at: At,
    attention: Option<Attention>,
    norm: Option<Normalisation>,
    dropout: f32,
    /// Whether the last forward pass dropped anything.
    masked: bool,
}

/// Buffers of a readout; P packed rows, B rows, S outputs of the last layer rounded up to whole vectors.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct ReadoutRegions {
    /// [B, S]: what the head reads, unless it reads every step.
    rows: Region,
    /// [B, S] when training: their gradients.
    pub(super) gradient: Region,
    /// [rows of outputs, S] when what the head reads is normalised, or training drops some of it: what is left of it.
    left: Region,
    /// [rows of outputs, `normalisation::KEPT`] when what the head reads is normalised.
    statistics: Region,
    /// [rows of outputs, S] when training drops some of what the head reads: what it is multiplied with.
    mask: Region,
    /// As [`AttentionBuffers`] has them; twice [P, A] when training.
    units: Region,
    scores: Region,
    sums: Region,
}

/// What a readout is told of the network and the batch.
#[derive(Clone, Copy)]
pub(crate) struct TopLayer<'a> {
    pub(crate) executor: &'a Executor,
    pub(crate) sequences: &'a Sequences,
    /// The last layer.
    pub(crate) layer: &'a Layer,
    pub(crate) regions: LayerRegions,
    /// What it reads.
    pub(crate) source: Source,
}

impl TopLayer<'_> {
    fn directions(&self) -> impl Iterator<Item = (usize, DirectionRegions)> + use<> {
        self.regions.directions.into_iter().take(self.layer.directions.len()).enumerate()
    }
}

/// Rows that lie in the arena: from `skip` numbers behind the beginning of a region.
#[derive(Clone, Copy)]
pub(crate) struct PlacedRows {
    pub(crate) region: Region,
    pub(crate) skip: usize,
    pub(crate) count: usize,
}

impl PlacedRows {
    /// The rows as numbers of the last layer, read from their region.
    fn input<'a>(&self, top: &TopLayer, region: &'a [f32]) -> Input<'a> {
        let (count, stride) = (top.layer.outputs(), top.layer.output_stride);
        Input { first: Columns { values: &region[self.skip..], stride, count }, second: None }
    }
}

impl Readout {
    pub(crate) fn new(layout: &Layout, output: &OutputDefinition, set: InstructionSet) -> Result<Self> {
        let inputs = layout.head().units;
        let attention = layout.attention().map(|ranges| Attention::new(set, inputs, ranges.units)).transpose()?;
        let norm = layout.output_norm().map(|ranges| Normalisation::new(ranges, set)).transpose()?;
        Ok(Self { set, at: output.at, attention, norm, dropout: output.dropout, masked: false })
    }

    pub(crate) fn pack(&mut self, layout: &Layout, weights: &[f32]) {
        if let (Some(attention), Some(ranges)) = (&mut self.attention, layout.attention()) {
            attention.pack(ranges, weights);
        }
        if let Some(norm) = &mut self.norm {
            norm.pack(weights);
        }
    }

    /// Whether the last layer's every step is read, and not its final states alone.
    pub(crate) fn reads_every_step(&self) -> bool {
        self.at != At::Last
    }

    /// Whether there is a row of outputs for every step.
    pub(crate) fn gives_every_step(&self) -> bool {
        self.at == At::Each
    }

    /// Rows of outputs for so many rows and packed rows.
    pub(crate) fn rows(&self, batch: usize, packed_rows: usize) -> usize {
        if self.gives_every_step() { packed_rows } else { batch }
    }

    /// Scratch values of the backward pass on `parts` threads.
    pub(crate) fn scratch(&self, parts: usize) -> usize {
        self.attention.as_ref().map_or(0, |attention| attention.scratch(parts))
    }

    pub(crate) fn plan(
        &self,
        plan: &mut Plan,
        layer: &Layer,
        training: bool,
        (batch, packed_rows): (usize, usize),
    ) -> ReadoutRegions {
        let stride = layer.output_stride;
        let when = |wanted: bool, length: usize| if wanted { length } else { 0 };
        let (outputs, drops) = (self.rows(batch, packed_rows), training && self.dropout > 0.0);
        let normalises = self.norm.is_some();
        let rows = when(!self.gives_every_step(), batch * stride);
        let (units, scores) = self.attention.as_ref().map_or((0, 0), |attention| {
            let units = attention.unit_stride() * if training { 2 } else { 1 };
            (packed_rows * units, attention.score_stride())
        });
        ReadoutRegions {
            rows: plan.take(rows),
            gradient: plan.take(when(training, rows)),
            left: plan.take(when(normalises || drops, outputs * stride)),
            statistics: plan.take(when(normalises, outputs * KEPT)),
            mask: plan.take(when(drops, outputs * stride)),
            units: plan.take(units),
            scores: plan.take(packed_rows * scores),
            sums: plan.take(batch * scores),
        }
    }

    /// The hidden states [P, S] after every step, where every step is read.
    fn every_step(top: &TopLayer) -> PlacedRows {
        let count = top.sequences.packed_rows();
        if !top.regions.given.is_empty() {
            return PlacedRows { region: top.regions.given, skip: 0, count };
        }
        // Initial states come first.
        let skip = top.sequences.batch() * top.layer.shape.padded_hidden;
        PlacedRows { region: top.regions.directions[0].hidden, skip, count }
    }

    /// What the head reads.
    pub(crate) fn head_rows(&self, top: &TopLayer, workspace: &Workspace) -> PlacedRows {
        let all = self.all_rows(top, workspace);
        let is_left = self.masked || self.norm.is_some();
        if is_left { PlacedRows { region: workspace.readout.left, skip: 0, ..all } } else { all }
    }

    /// What the head reads where nothing is normalised and nothing dropped.
    fn all_rows(&self, top: &TopLayer, workspace: &Workspace) -> PlacedRows {
        if self.gives_every_step() {
            return Self::every_step(top);
        }
        PlacedRows { region: workspace.readout.rows, skip: 0, count: top.sequences.batch() }
    }

    /// Where the gradient of what the head reads belongs.
    pub(crate) fn head_gradient(&self, top: &TopLayer, workspace: &Workspace) -> Region {
        if self.gives_every_step() { top.regions.from_above } else { workspace.readout.gradient }
    }

    /// Fills the rows that the head reads; with `random`, as a training step, which drops what is to be dropped.
    pub(crate) fn forward(&mut self, top: &TopLayer, workspace: &mut Workspace, random: Option<&mut RandomStream>) {
        self.read(top, workspace);
        self.normalise(top, workspace);
        self.masked = false;
        let Some(random) = random.filter(|_| self.dropout > 0.0) else { return };
        let all = self.all_rows(top, workspace);
        let (width, stride) = (top.layer.outputs(), top.layer.output_stride);
        let ReadoutRegions { left, mask, .. } = workspace.readout;
        let [rows, left, mask] = disjoint(&mut workspace.memory, [all.region, left, mask]);
        dropout::draw_rows(self.dropout, (all.count, width, stride), mask, random);
        if self.norm.is_some() {
            between::apply_mask(mask, top.executor, all.count, (width, stride), left);
        } else {
            between::drop_input(all.input(top, rows), mask, top.executor, all.count, stride, left);
        }
        self.masked = true;
    }

    /// Normalises what the head reads, if it is to.
    fn normalise(&self, top: &TopLayer, workspace: &mut Workspace) {
        let Some(norm) = &self.norm else { return };
        let all = self.all_rows(top, workspace);
        let ReadoutRegions { left, statistics, .. } = workspace.readout;
        let [rows, left, statistics] = disjoint(&mut workspace.memory, [all.region, left, statistics]);
        norm.forward(top.executor, all.input(top, rows), all.count, left, statistics);
    }

    /// The way back, for the gradient of what the head reads, which is done with what it has read.
    fn backward_norm(&self, top: &TopLayer, workspace: &mut Workspace, flat: &mut [f32]) {
        let Some(norm) = &self.norm else { return };
        let (all, gradient) = (self.all_rows(top, workspace), self.head_gradient(top, workspace));
        let ReadoutRegions { left, statistics, .. } = workspace.readout;
        let [rows, left, statistics, gradient] =
            disjoint(&mut workspace.memory, [all.region, left, statistics, gradient]);
        norm.backward(top.executor, all.input(top, rows), all.count, statistics, (left, gradient), flat);
    }

    fn read(&self, top: &TopLayer, workspace: &mut Workspace) {
        if !self.reads_every_step() {
            return Self::gather_last(top, workspace);
        }
        if self.gives_every_step() {
            return;
        }
        let states = Self::every_step(top);
        let ReadoutRegions { rows, units, scores, sums, .. } = workspace.readout;
        let [hidden, pooled, units, scores, sums] =
            disjoint(&mut workspace.memory, [states.region, rows, units, scores, sums]);
        let states = self.pooled(top, &hidden[states.skip..]);
        match (&self.attention, self.at) {
            (Some(attention), _) => attention.forward(states, AttentionBuffers { units, scores, sums }, pooled),
            (None, At::Max) => states.forward(Pooling::Max, pooled),
            (None, _) => states.forward(Pooling::Mean, pooled),
        }
    }

    /// From the gradient of the rows that the head reads to that of the last layer's states: where every step is read, to
    /// its `from_above`, else to its final states.
    pub(crate) fn backward(&self, top: &TopLayer, workspace: &mut Workspace, layout: &Layout, flat: &mut [f32]) {
        if self.masked {
            let (rows, gradient) = (self.all_rows(top, workspace).count, self.head_gradient(top, workspace));
            let size = (top.layer.outputs(), top.layer.output_stride);
            let [gradient, mask] = disjoint(&mut workspace.memory, [gradient, workspace.readout.mask]);
            between::apply_mask(mask, top.executor, rows, size, gradient);
        }
        self.backward_norm(top, workspace, flat);
        if !self.reads_every_step() {
            return Self::scatter_last(top, workspace);
        }
        if self.gives_every_step() {
            return;
        }
        let states = Self::every_step(top);
        let ReadoutRegions { rows, gradient, units, scores, sums, .. } = workspace.readout;
        let [hidden, pooled, pooled_gradient, units, scores, sums, hidden_gradient, scratch] = disjoint(
            &mut workspace.memory,
            [states.region, rows, gradient, units, scores, sums, top.regions.from_above, workspace.scratch],
        );
        let states = self.pooled(top, &hidden[states.skip..]);
        match (&self.attention, layout.attention(), self.at) {
            (Some(attention), Some(ranges), _) => attention.backward(
                states,
                AttentionBuffers { units, scores, sums },
                (pooled, pooled_gradient),
                AttentionGradients { hidden: hidden_gradient, flat, scratch },
                ranges,
            ),
            (_, _, At::Max) => states.backward(Pooling::Max, pooled, pooled_gradient, hidden_gradient),
            _ => states.backward(Pooling::Mean, pooled, pooled_gradient, hidden_gradient),
        }
    }

    fn pooled<'a>(&self, top: &TopLayer<'a>, hidden: &'a [f32]) -> Pooled<'a> {
        let TopLayer { executor, sequences, layer, .. } = top;
        Pooled { set: self.set, executor, sequences, hidden, stride: layer.output_stride }
    }

    /// What the last layer gives at the steps that sequences end with.
    fn gather_last(top: &TopLayer, workspace: &mut Workspace) {
        let (stride, batch) = (top.layer.output_stride, top.sequences.batch());
        let Shape { hidden: width, padded_hidden: padded, .. } = top.layer.shape;
        let joint = top.layer.joint();
        let (source, source_regions) = (top.source, top.source.regions);
        for (which, regions) in top.directions() {
            let [hidden, rows, first, second] = disjoint(
                &mut workspace.memory,
                [regions.hidden, workspace.readout.rows, source_regions[0], source_regions[1]],
            );
            let read = source.input(first, second);
            for (row, target) in rows.chunks_exact_mut(stride).take(batch).enumerate() {
                if which == 0 {
                    target.fill(0.0);
                }
                let last = top.sequences.last(DIRECTIONS[which], row);
                joint.add(which, &hidden[(batch + last) * padded..][..width], target);
                // A residual layer that is read here has one direction.
                if joint.residual {
                    between::add_row(read, last, target);
                }
            }
        }
    }

    fn scatter_last(top: &TopLayer, workspace: &mut Workspace) {
        let (stride, units, padded) = (top.layer.output_stride, top.layer.shape.hidden, top.layer.shape.padded_hidden);
        for (which, regions) in top.directions() {
            let [rows, gradient] =
                disjoint(&mut workspace.memory, [workspace.readout.gradient, regions.hidden_gradient]);
            let targets = gradient.chunks_exact_mut(padded).zip(rows.chunks_exact(stride));
            for (target, source) in targets.take(top.sequences.batch()) {
                top.layer.joint().backward(which, source, &mut target[..units]);
                target[units..].fill(0.0);
            }
        }
    }
}

//! Between the layers of a network: where each one's input lies, how it is normalised, what training drops of it, what a layer
//! gives, and the way back. The rows themselves are [`between`]'s and [`normalisation`](super::normalisation)'s.

use super::between;
use super::dropout;
use super::recurrent::Recurrent;
use super::workspace::{LayerRegions, Workspace};
use crate::cells::recurrence::{Columns, Input, Shape};
use crate::cells::sequences::{Direction, Sequences};
use crate::executor::Executor;
use crate::memory::{Region, disjoint};
use crate::random::RandomStream;

impl Recurrent {
    /// Normalises a layer's input, if it is to.
    pub(super) fn normalise_input(
        &self,
        index: usize,
        executor: &Executor,
        sequences: &Sequences,
        workspace: &mut Workspace,
    ) {
        let Some(norm) = &self.layers[index].norm else { return };
        let source = self.source(index, sequences, workspace);
        let LayerRegions { left, statistics, .. } = workspace.layers[index];
        let [first, second, left, statistics] =
            disjoint(&mut workspace.memory, [source.regions[0], source.regions[1], left, statistics]);
        norm.forward(executor, source.input(first, second), sequences.packed_rows(), left, statistics);
    }

    /// Drops some of a layer's input, if it is to.
    pub(super) fn drop_input(
        &self,
        index: usize,
        executor: &Executor,
        sequences: &Sequences,
        workspace: &mut Workspace,
        random: &mut RandomStream,
    ) {
        let layer = &self.layers[index];
        if !layer.drops_input() {
            return;
        }
        let source = self.source(index, sequences, workspace);
        let LayerRegions { left, mask, row_mask, .. } = workspace.layers[index];
        let (rows, width, stride) = (sequences.packed_rows(), layer.shape.input_size, layer.input_stride);
        let [first, second, left, mask, row_mask] =
            disjoint(&mut workspace.memory, [source.regions[0], source.regions[1], left, mask, row_mask]);
        dropout::draw_rows(layer.definition.dropout, (rows, width, stride), mask, random);
        if layer.definition.input_dropout > 0.0 {
            dropout::draw_rows(layer.definition.input_dropout, (sequences.batch(), width, stride), row_mask, random);
            for step in 0..sequences.steps() {
                let start = sequences.offset(step) * stride;
                let packed = &mut mask[start..][..sequences.active(step) * stride];
                packed.iter_mut().zip(&*row_mask).for_each(|(mask, row_mask)| *mask *= row_mask);
            }
        }
        if layer.norm.is_some() {
            between::apply_mask(mask, executor, rows, (width, stride), left);
        } else {
            between::drop_input(source.input(first, second), mask, executor, rows, stride, left);
        }
    }

    /// Puts together what a layer gives at every step, if that is to be done.
    pub(super) fn join(&self, index: usize, executor: &Executor, sequences: &Sequences, workspace: &mut Workspace) {
        let (layer, regions) = (&self.layers[index], workspace.layers[index]);
        if regions.given.is_empty() {
            return;
        }
        let source = self.source(index, sequences, workspace);
        let states = self.states(index, sequences, workspace);
        let [first, second, read, read_second, given] = disjoint(
            &mut workspace.memory,
            [states.regions[0], states.regions[1], source.regions[0], source.regions[1], regions.given],
        );
        let (states, read) = (states.input(first, second), source.input(read, read_second));
        layer.joint().join(states, read, executor, sequences.packed_rows(), layer.output_stride, given);
    }

    /// From the gradient of what is left of a layer's input to that of all of it, before any normalisation, and what passes a
    /// residual layer by. The gradients of the normalisation go into their flat vector.
    pub(super) fn backward_between(
        &self,
        executor: &Executor,
        sequences: &Sequences,
        workspace: &mut Workspace,
        (index, every_step): (usize, bool),
        gradients: &mut [f32],
    ) {
        let Some(input) = self.input_gradient(index, workspace) else { return };
        let (layer, regions) = (&self.layers[index], workspace.layers[index]);
        let (rows, width, stride) = (sequences.packed_rows(), layer.shape.input_size, layer.input_stride);
        let source = self.source(index, sequences, workspace);
        let [input, mask, from_above, last, first, second, left, statistics] = disjoint(
            &mut workspace.memory,
            [
                input,
                regions.mask,
                regions.from_above,
                workspace.readout.gradient,
                source.regions[0],
                source.regions[1],
                regions.left,
                regions.statistics,
            ],
        );
        if self.masked && layer.drops_input() {
            between::apply_mask(mask, executor, rows, (width, stride), input);
        }
        if let Some(norm) = &layer.norm {
            // The cells' weights have their gradients: nobody needs what they have read any more.
            norm.backward(executor, source.input(first, second), rows, statistics, (left, input), gradients);
        }
        if !layer.definition.residual {
            return;
        }
        if every_step {
            // What is above has become the directions' part of it.
            between::add_rows(from_above, 1.0 / layer.joint().part(), executor, rows, stride, input);
            return;
        }
        for (row, gradient) in last.chunks_exact(stride).take(sequences.batch()).enumerate() {
            let input = &mut input[sequences.last(Direction::Forward, row) * stride..][..width];
            input.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value);
        }
    }

    /// Where the gradient of a layer's input belongs, if anybody uses it.
    pub(super) fn input_gradient(&self, index: usize, workspace: &Workspace) -> Option<Region> {
        match index.checked_sub(1) {
            Some(below) => Some(workspace.layers[below].from_above),
            None => self.layers[0].has_input_gradient.then_some(workspace.input_gradient),
        }
    }

    /// Where that lies which goes into a layer's cells: its input, normalised if it is to be, and what training has left of it.
    pub(super) fn left(&self, index: usize, sequences: &Sequences, workspace: &Workspace) -> Source {
        let layer = &self.layers[index];
        if layer.norm.is_some() || self.masked && layer.drops_input() {
            return Source::of(workspace.layers[index].left, layer.shape.input_size, layer.input_stride);
        }
        self.source(index, sequences, workspace)
    }

    /// Where a layer's input lies: the gathered samples for the first layer, for the others what the layer below gives.
    pub(super) fn source(&self, index: usize, sequences: &Sequences, workspace: &Workspace) -> Source {
        match index.checked_sub(1) {
            None => {
                let features = self.layers[0].shape.input_size;
                Source::of(workspace.input, features, features)
            }
            Some(below) if workspace.layers[below].given.is_empty() => self.states(below, sequences, workspace),
            Some(below) => {
                let layer = &self.layers[below];
                Source::of(workspace.layers[below].given, layer.outputs(), layer.output_stride)
            }
        }
    }

    /// Where the hidden states of a layer's directions lie, without the initial ones, which come first.
    fn states(&self, index: usize, sequences: &Sequences, workspace: &Workspace) -> Source {
        let Shape { hidden, padded_hidden, .. } = self.layers[index].shape;
        let regions = workspace.layers[index].directions.map(|direction| direction.hidden);
        Source { regions, skip: sequences.batch() * padded_hidden, stride: padded_hidden, count: hidden }
    }
}

/// Where a layer's input lies, in one region or two of the same form.
#[derive(Clone, Copy)]
pub(crate) struct Source {
    /// The second is empty where there is one.
    pub(super) regions: [Region; 2],
    /// Numbers before the first packed row.
    skip: usize,
    stride: usize,
    count: usize,
}

impl Source {
    /// Rows that begin with a region, in one piece.
    fn of(region: Region, count: usize, stride: usize) -> Self {
        Self { regions: [region, Region::default()], skip: 0, stride, count }
    }

    pub(super) fn input<'a>(&self, first: &'a [f32], second: &'a [f32]) -> Input<'a> {
        let columns =
            |values: &'a [f32]| Columns { values: &values[self.skip..], stride: self.stride, count: self.count };
        Input { first: columns(first), second: (!second.is_empty()).then(|| columns(second)) }
    }
}

//! The states that sequences begin from and end with, between callers' rows and the kernels' memory.
//!
//! A sequence has S of them: layer by layer from the input, direction by direction, R numbers of hidden state and then H of the
//! cell state, where there is one.

use super::recurrent::{DIRECTIONS, Layer};
use super::workspace::{LayerRegions, Workspace};
use crate::cells::recurrence::Shape;
use crate::cells::sequences::{Direction, Sequences};
use crate::memory::Region;

/// States to begin from: sample s of a batch from row `row(s)` of them.
#[derive(Clone, Copy)]
pub(crate) struct InitialStates<'a> {
    /// [rows, S]
    pub(crate) values: &'a [f32],
    pub(crate) row: &'a (dyn Fn(usize) -> usize + Sync),
}

/// The hidden or the cell states of one direction: `count` numbers of each row, `stride` apart, from `column` on among the S.
pub(super) struct State {
    pub(super) direction: Direction,
    pub(super) is_cell: bool,
    pub(super) column: usize,
    pub(super) count: usize,
    pub(super) stride: usize,
    /// The initial ones come first.
    pub(super) values: Region,
    /// When training, of the initial ones after a backward pass.
    pub(super) gradient: Region,
}

/// Every state, in the order of the S.
pub(super) fn states<'a>(layers: &'a [Layer], regions: &'a [LayerRegions]) -> impl Iterator<Item = State> + use<'a> {
    let mut end = 0;
    let kinds = layers.iter().zip(regions).flat_map(|(layer, regions)| {
        let Shape { hidden, padded_hidden, units, padded_units, .. } = layer.shape;
        let kinds = if layer.shape.has_cell_state() { 2 } else { 1 };
        let directions = DIRECTIONS.into_iter().zip(regions.directions).take(layer.directions.len());
        directions.flat_map(move |(direction, regions)| {
            [
                (direction, false, hidden, padded_hidden, regions.hidden, regions.hidden_gradient),
                (direction, true, units, padded_units, regions.cells, regions.cell_gradient),
            ]
            .into_iter()
            .take(kinds)
        })
    });
    kinds.map(move |(direction, is_cell, count, stride, values, gradient)| {
        end += count;
        State { direction, is_cell, column: end - count, count, stride, values, gradient }
    })
}

/// S
pub(super) fn size(layers: &[Layer]) -> usize {
    layers.iter().map(|layer| layer.definition.state_size()).sum()
}

/// Puts the states that a batch begins from where the layers find them: zeros where none are given.
pub(super) fn begin(
    layers: &[Layer],
    sequences: &Sequences,
    workspace: &mut Workspace,
    initial: Option<InitialStates>,
) {
    let Workspace { memory, layers: regions, .. } = workspace;
    let size = size(layers);
    for State { column, count, stride, values, .. } in states(layers, regions) {
        let rows = memory[values.range()].chunks_exact_mut(stride).take(sequences.batch());
        for (row, target) in rows.enumerate() {
            target.fill(0.0);
            if let Some(InitialStates { values, row: row_of }) = initial {
                let from = row_of(sequences.sample(row)) * size + column;
                target[..count].copy_from_slice(&values[from..][..count]);
            }
        }
    }
}

/// Writes the states that each sample of the batch ends with, after its last valid step or in reverse its first, to row
/// `row(s)` of `out` [rows, S]. Cell states of every step are there when `training`, else the last ones alone.
pub(super) fn end(
    layers: &[Layer],
    sequences: &Sequences,
    workspace: &Workspace,
    training: bool,
    row_of: impl Fn(usize) -> usize,
    out: &mut [f32],
) {
    let size = size(layers);
    for State { direction, is_cell, column, count, stride, values, .. } in states(layers, &workspace.layers) {
        let values = &workspace.memory[values.range()];
        for row in 0..sequences.batch() {
            let state = if is_cell && !training { row } else { sequences.batch() + sequences.last(direction, row) };
            let to = row_of(sequences.sample(row)) * size + column;
            out[to..][..count].copy_from_slice(&values[state * stride..][..count]);
        }
    }
}

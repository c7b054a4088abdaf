//! The states that sequences begin from and end with, between callers' rows and the kernels' memory.
//!
//! A sequence has S of them: layer by layer from the input, direction by direction, R numbers of hidden state and then H of the
//! cell state, where there is one.

use super::recurrent::{DIRECTIONS, Layer};
use super::workspace::{DirectionRegions, LayerRegions, Workspace};
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

/// One direction's hidden or cell states: `width` numbers a sequence from `place` on, in rows of `stride`.
struct Piece {
    direction: Direction,
    region: Region,
    place: usize,
    width: usize,
    stride: usize,
    is_cell: bool,
}

/// Calls `of` with every direction's hidden and cell states.
fn for_pieces(layers: &[Layer], regions: &[LayerRegions], mut of: impl FnMut(Piece)) {
    let mut place = 0;
    for (layer, regions) in layers.iter().zip(regions) {
        let Shape { units, padded_units, hidden, padded_hidden, .. } = layer.shape;
        let directions = DIRECTIONS.into_iter().zip(regions.directions).take(layer.directions.len());
        for (direction, DirectionRegions { hidden: hidden_region, cells, .. }) in directions {
            let cell_width = if layer.shape.has_cell_state() { units } else { 0 };
            for (region, width, stride, is_cell) in
                [(hidden_region, hidden, padded_hidden, false), (cells, cell_width, padded_units, true)]
            {
                if width > 0 {
                    of(Piece { direction, region, place, width, stride, is_cell });
                }
                place += width;
            }
        }
    }
}

/// S
fn state_size(layers: &[Layer]) -> usize {
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
    let size = state_size(layers);
    for_pieces(layers, regions, |Piece { region, place, width, stride, .. }| {
        let rows = memory[region.range()].chunks_exact_mut(stride).take(sequences.batch());
        for (row, target) in rows.enumerate() {
            target.fill(0.0);
            if let Some(InitialStates { values, row: row_of }) = initial {
                let from = row_of(sequences.sample(row)) * size + place;
                target[..width].copy_from_slice(&values[from..][..width]);
            }
        }
    });
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
    let size = state_size(layers);
    for_pieces(layers, &workspace.layers, |Piece { direction, region, place, width, stride, is_cell }| {
        let values = &workspace.memory[region.range()];
        for row in 0..sequences.batch() {
            let state = if is_cell && !training { row } else { sequences.batch() + sequences.last(direction, row) };
            let to = row_of(sequences.sample(row)) * size + place;
            out[to..][..width].copy_from_slice(&values[state * stride..][..width]);
        }
    });
}

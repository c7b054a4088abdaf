//! The arena of a network: every buffer that a batch needs, planned once for the largest batch so far.

use super::linear::Linear;
use super::normalisation::KEPT;
use super::readout::{Readout, ReadoutRegions};
use super::recurrent::Layer;
use crate::Result;
use crate::cells::recurrence::{KeptLayout, ScratchLayout, spare_rows};
use crate::memory::{AlignedBuffer, Plan, Region};

/// Buffers of one direction of a layer; P packed rows, B rows, H padded units, R padded numbers of hidden state. See `cells::recurrence` for what they hold.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct DirectionRegions {
    /// [B + P, R]
    pub(crate) hidden: Region,
    /// [B + P, H] when training, else [B, H]; empty if the cell has no cell state
    pub(crate) cells: Region,
    /// [P, the cell's slots of H and a gap] when training, else some rows for input products computed ahead
    pub(crate) gates: Region,
    /// What the layer's options keep.
    pub(crate) kept: Region,
    /// [B, R] when training
    pub(crate) hidden_gradient: Region,
    /// [B, H] when training; empty if the cell has no cell state
    pub(crate) cell_gradient: Region,
}

/// Buffers of one layer.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct LayerRegions {
    /// The second is empty unless the layer is bidirectional.
    pub(crate) directions: [DirectionRegions; 2],
    /// [P, outputs rounded up to whole vectors]: what the layer gives at every step, if that is read and is not what lies in
    /// the directions' hidden states.
    pub(crate) given: Region,
    /// [P, inputs rounded up to whole vectors] when the layer's input is normalised, or training drops some of it: what is left of
    /// it.
    pub(crate) left: Region,
    /// [P, `normalisation::KEPT`] when the layer's input is normalised.
    pub(crate) statistics: Region,
    /// [P, inputs rounded up to whole vectors] when training drops some of the layer's input: what it is multiplied with.
    pub(crate) mask: Region,
    /// [B, inputs rounded up to whole vectors]: the part of the mask that is the same at every step, if there is one.
    pub(crate) row_mask: Region,
    /// [P, outputs rounded up to whole vectors] when training and every step is read above: the gradient of the layer's
    /// hidden states, both directions side by side. One vector longer, because the last direction is read in whole ones.
    pub(crate) from_above: Region,
}

/// The arena and where everything lies in it.
#[derive(Default)]
pub(crate) struct Workspace {
    pub(crate) memory: AlignedBuffer,
    pub(crate) layers: Vec<LayerRegions>,
    /// [P, numbers of a step's input]
    pub(crate) input: Region,
    /// [P, those rounded up to whole vectors] when training and embeddings are part of it, or it is normalised.
    pub(crate) input_gradient: Region,
    pub(crate) readout: ReadoutRegions,
    /// [rows of outputs, K rounded up to whole vectors]: outputs, then predictions or gradients.
    pub(crate) outputs: Region,
    /// Scratch of the weight gradients, when training.
    pub(crate) scratch: Region,
    batch: usize,
    packed_rows: usize,
}

impl Workspace {
    /// Makes room for batches of up to `batch` rows and `packed_rows` packed rows. Allocates only when that is more
    /// than ever before; what buffers held is then lost.
    pub(crate) fn reserve(
        &mut self,
        layers: &[Layer],
        (readout, head): (&Readout, &Linear),
        threads: usize,
        lanes: usize,
        training: bool,
        (batch, packed_rows): (usize, usize),
    ) -> Result<()> {
        if batch <= self.batch && packed_rows <= self.packed_rows {
            return Ok(());
        }
        let size = (batch.max(self.batch), packed_rows.max(self.packed_rows));
        let (planned, length) = Self::planned(layers, (readout, head), threads, lanes, training, size);
        self.memory.grow(length)?;
        *self = Self { memory: std::mem::take(&mut self.memory), ..planned };
        Ok(())
    }

    /// Where everything would lie, and in how much memory, for batches of `batch` rows and `packed_rows` packed rows.
    pub(crate) fn planned(
        layers: &[Layer],
        (readout, head): (&Readout, &Linear),
        threads: usize,
        lanes: usize,
        training: bool,
        (batch, packed_rows): (usize, usize),
    ) -> (Self, usize) {
        let mut plan = Plan::default();
        let when = |wanted: bool, length: usize| if wanted { length } else { 0 };
        let input = plan.take(packed_rows * layers.first().map_or(0, |layer| layer.shape.input_size));
        let first = layers.first().filter(|layer| training && layer.has_input_gradient);
        let input_gradient = plan.take(packed_rows * first.map_or(0, |layer| layer.input_stride));
        let regions = layers.iter().enumerate().map(|(index, layer)| {
            let shape = layer.shape;
            let (units, hidden) = (shape.padded_units, shape.padded_hidden);
            let cells = |rows: usize| when(shape.has_cell_state(), rows * units);
            let mut directions = [DirectionRegions::default(); 2];
            for direction in &mut directions[..layer.directions.len()] {
                *direction = DirectionRegions {
                    hidden: plan.take((batch + packed_rows) * hidden),
                    cells: plan.take(cells(batch + when(training, packed_rows))),
                    gates: plan
                        .take(shape.gate_stride() * if training { packed_rows } else { spare_rows(shape, batch) }),
                    kept: plan.take(KeptLayout::new(shape, batch, packed_rows, training).length()),
                    hidden_gradient: plan.take(when(training, batch * hidden)),
                    cell_gradient: plan.take(when(training, cells(batch))),
                };
            }
            let (inputs, outputs) = (layer.input_stride, layer.output_stride);
            let is_top = index + 1 == layers.len();
            let is_read = !is_top || readout.reads_every_step();
            let drops = training && layer.drops_input();
            let row_mask = training && layer.definition.input_dropout > 0.0;
            LayerRegions {
                directions,
                given: plan.take(when(is_read && layer.joins(is_top), packed_rows * outputs)),
                left: plan.take(when(drops || layer.norm.is_some(), packed_rows * inputs)),
                statistics: plan.take(when(layer.norm.is_some(), packed_rows * KEPT)),
                mask: plan.take(when(drops, packed_rows * inputs)),
                row_mask: plan.take(when(row_mask, batch * inputs)),
                from_above: plan.take(when(training && is_read, packed_rows * outputs + lanes)),
            }
        });
        let regions: Vec<_> = regions.collect();
        let top = layers.last().expect("a network has a layer");
        let readout_regions = readout.plan(&mut plan, top, training, (batch, packed_rows));
        let outputs = plan.take(readout.rows(batch, packed_rows) * head.output_stride());
        let layer_scratch =
            layers.iter().map(|layer| ScratchLayout::new(layer.shape, lanes, threads, batch, packed_rows).length());
        let head_scratch = head.scratch(threads).max(readout.scratch(threads));
        let scratch = plan.take(when(training, layer_scratch.max().unwrap_or(0).max(head_scratch)));
        let planned = Self {
            memory: AlignedBuffer::default(),
            layers: regions,
            input,
            input_gradient,
            readout: readout_regions,
            outputs,
            scratch,
            batch,
            packed_rows,
        };
        (planned, plan.length())
    }
}

//! The arena of a network: every buffer that a batch needs, planned once for the largest batch so far.

use super::head::Head;
use crate::Result;
use crate::cells::lstm::{PackedWeights, scratch};
use crate::memory::{AlignedBuffer, Plan, Region};

/// Buffers of one layer; P packed rows, B rows, H padded units. See `cells::lstm` for what they hold.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct LayerRegions {
    /// [B + P, H]
    pub(crate) hidden: Region,
    /// [B + P, H] when training, else [B, H]
    pub(crate) cells: Region,
    /// [P, 4, H] when training
    pub(crate) gates: Region,
    /// [P, H] when training
    pub(crate) tanh_cells: Region,
    /// [P, H] when training and there is a layer above: the gradient of this layer's hidden states.
    pub(crate) from_above: Region,
    /// [B, H] when training
    pub(crate) hidden_gradient: Region,
    /// [B, H] when training
    pub(crate) cell_gradient: Region,
}

/// The arena and where everything lies in it.
#[derive(Default)]
pub(crate) struct Workspace {
    pub(crate) memory: AlignedBuffer,
    pub(crate) layers: Vec<LayerRegions>,
    /// [P, features]
    pub(crate) input: Region,
    /// [B, H] of the last layer: hidden states after each row's last step.
    pub(crate) last: Region,
    /// [B, C]: logits, then probabilities, then their gradients.
    pub(crate) logits: Region,
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
        layers: &[PackedWeights],
        head: &Head,
        threads: usize,
        lanes: usize,
        training: bool,
        (batch, packed_rows): (usize, usize),
    ) -> Result<()> {
        if batch <= self.batch && packed_rows <= self.packed_rows {
            return Ok(());
        }
        let (batch, packed_rows) = (batch.max(self.batch), packed_rows.max(self.packed_rows));
        let mut plan = Plan::default();
        let when = |wanted: bool, length: usize| if wanted { length } else { 0 };
        let input = plan.take(packed_rows * layers.first().map_or(0, |layer| layer.shape.input_size));
        let regions = layers.iter().enumerate().map(|(index, layer)| {
            let units = layer.shape.padded_units;
            LayerRegions {
                hidden: plan.take((batch + packed_rows) * units),
                cells: plan.take((batch + when(training, packed_rows)) * units),
                gates: plan.take(when(training, packed_rows * 4 * units)),
                tanh_cells: plan.take(when(training, packed_rows * units)),
                from_above: plan.take(when(training && index + 1 < layers.len(), packed_rows * units)),
                hidden_gradient: plan.take(when(training, batch * units)),
                cell_gradient: plan.take(when(training, batch * units)),
            }
        });
        let regions: Vec<_> = regions.collect();
        let last = plan.take(batch * head.state_stride());
        let logits = plan.take(batch * head.logit_stride());
        let layer_scratch = layers.iter().map(|layer| scratch(layer.shape, lanes, threads)).max().unwrap_or(0);
        let scratch = plan.take(when(training, layer_scratch.max(head.scratch())));
        self.memory.grow(plan.length())?;
        *self = Self {
            memory: std::mem::take(&mut self.memory),
            layers: regions,
            input,
            last,
            logits,
            scratch,
            batch,
            packed_rows,
        };
        Ok(())
    }
}

//! What a layer's recurrence is, its sizes, and how its gates lie in weights and in memory.

use crate::kernels::panels::GateOrder;
use crate::kernels::tile::TILE_VECTORS;
use crate::memory::LINE;
use crate::network::definition::{self, Activation, LayerDefinition};

use crate::cells::lstm::LstmOptions;

/// The recurrence of a layer, with the options that its cell knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Recurrence {
    Lstm(LstmOptions),
    Gru,
    Rnn(Activation),
}

impl Recurrence {
    /// The recurrence that a definition asks for.
    pub(crate) fn of(definition: &LayerDefinition) -> Self {
        match definition.cell {
            definition::Cell::Lstm => Self::Lstm(LstmOptions::of(definition)),
            definition::Cell::Gru => Self::Gru,
            definition::Cell::Rnn => Self::Rnn(definition.activation),
        }
    }

    /// Whether there is a cell state beside the hidden state.
    pub(crate) fn has_cell_state(self) -> bool {
        matches!(self, Self::Lstm(_))
    }

    /// Where each slot's weights come from.
    pub(crate) fn gate_order(self) -> GateOrder {
        match self {
            Self::Lstm(options) if options.coupled => crate::cells::lstm::COUPLED_ORDER,
            Self::Lstm(_) => crate::cells::lstm::ORDER,
            Self::Gru => crate::cells::gru::ORDER,
            Self::Rnn(_) => crate::cells::rnn::ORDER,
        }
    }
}

/// The sizes of a layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Shape {
    pub(crate) recurrence: Recurrence,
    /// I: numbers of a step's input.
    pub(crate) input_size: usize,
    /// H: hidden units.
    pub(crate) units: usize,
    /// H rounded up to whole vectors: the stride of a state.
    pub(crate) padded_units: usize,
    /// Numbers of one row of slots.
    gate_columns: usize,
}

impl Shape {
    pub(crate) fn new(recurrence: Recurrence, input_size: usize, units: usize, lanes: usize) -> Self {
        let padded_units = units.next_multiple_of(lanes);
        let order = recurrence.gate_order();
        // A tile writes whole panels.
        let gate_columns = order.slots() * units.next_multiple_of(order.unit_vectors() * lanes);
        Self { recurrence, input_size, units, padded_units, gate_columns }
    }

    /// The stride of a row of gates: every slot, and a cache line more, because rows a power of two apart would
    /// compete for the same few lines of the cache when a column of them is read.
    pub(crate) fn gate_stride(self) -> usize {
        self.gate_columns + LINE
    }

    /// Blocks of H rows that the weights have.
    pub(crate) fn gates(self) -> usize {
        self.recurrence.gate_order().gates
    }

    /// Panels of units that the forward pass takes one after the other, of `lanes` numbers a vector.
    pub(crate) fn panels(self, lanes: usize) -> usize {
        self.padded_units.div_ceil(self.recurrence.gate_order().unit_vectors() * lanes)
    }

    /// Floating-point operations of the forward pass of one packed row: 2 · G · H · (I + H).
    pub(crate) fn operations(self) -> usize {
        2 * self.gates() * self.units * (self.input_size + self.units)
    }

    /// Numbers of all panels of the packed gates: (I + H) rows of whole panels, each row of the input's or the hidden
    /// state's vectors.
    pub(crate) fn packed_gates(self, lanes: usize) -> usize {
        self.panels(lanes) * self.packed_panel(lanes)
    }

    /// Numbers of one panel.
    pub(crate) fn packed_panel(self, lanes: usize) -> usize {
        let order = self.recurrence.gate_order();
        let vectors = order.unit_vectors();
        (self.input_size * order.input.len() + self.units * order.hidden.len()) * vectors * lanes
    }

    /// Numbers of all panels' biases.
    pub(crate) fn packed_biases(self, lanes: usize) -> usize {
        self.panels(lanes) * TILE_VECTORS * lanes
    }
}

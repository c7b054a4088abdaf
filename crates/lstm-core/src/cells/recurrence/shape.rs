//! What a layer's recurrence is, its sizes, and how its gates lie in weights and in memory.

use crate::cells::gru::RESET_BEFORE_ORDER;
use crate::cells::lstm::LstmOptions;
use crate::kernels::panels::GateOrder;
use crate::kernels::tile::TILE_VECTORS;
use crate::memory::LINE;
use crate::network::definition::{self, Activation, LayerDefinition, Reset};

/// The recurrence of a layer, with the options that its cell knows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Recurrence {
    Lstm(LstmOptions),
    Gru(Reset),
    Rnn(Activation),
}

impl Recurrence {
    /// The recurrence that a definition asks for.
    fn of(definition: &LayerDefinition) -> Self {
        match definition.cell {
            definition::Cell::Lstm => Self::Lstm(LstmOptions::of(definition)),
            definition::Cell::Gru => Self::Gru(definition.reset),
            definition::Cell::Rnn => Self::Rnn(definition.activation),
        }
    }

    /// Where each slot's weights come from.
    pub(crate) fn gate_order(self) -> GateOrder {
        match self {
            Self::Lstm(options) if options.coupled => crate::cells::lstm::COUPLED_ORDER,
            Self::Lstm(_) => crate::cells::lstm::ORDER,
            Self::Gru(Reset::After) => crate::cells::gru::ORDER,
            Self::Gru(Reset::Before) => RESET_BEFORE_ORDER,
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
    /// H: units.
    pub(crate) units: usize,
    /// H rounded up to whole vectors: the stride of a cell state.
    pub(crate) padded_units: usize,
    /// R: numbers of the hidden state, H or what they are projected to.
    pub(crate) hidden: usize,
    /// R rounded up to whole vectors: the stride of a hidden state.
    pub(crate) padded_hidden: usize,
    /// Whether the hidden state is a projection.
    pub(crate) projected: bool,
    /// The part of the hidden state that is dropped on its way into the gates, the same at every step.
    pub(crate) recurrent_dropout: f32,
    /// The part of the hidden state that is kept of the step before.
    pub(crate) hidden_zoneout: f32,
    /// Numbers of one row of slots.
    gate_columns: usize,
}

impl Shape {
    pub(crate) fn new(definition: &LayerDefinition, input_size: usize, lanes: usize) -> Self {
        let recurrence = Recurrence::of(definition);
        let (units, hidden) = (definition.units as usize, definition.hidden_size());
        let order = recurrence.gate_order();
        Self {
            recurrence,
            input_size,
            units,
            padded_units: units.next_multiple_of(lanes),
            hidden,
            padded_hidden: hidden.next_multiple_of(lanes),
            projected: definition.projection.is_some(),
            recurrent_dropout: definition.recurrent_dropout,
            hidden_zoneout: definition.zoneout.hidden,
            // A tile writes whole panels.
            gate_columns: order.slots() * units.next_multiple_of(order.unit_vectors() * lanes),
        }
    }

    /// The LSTM's options, if it is one.
    pub(crate) fn lstm(&self) -> Option<LstmOptions> {
        match self.recurrence {
            Recurrence::Lstm(options) => Some(options),
            _ => None,
        }
    }

    /// Whether there is a cell state beside the hidden state.
    pub(crate) fn has_cell_state(&self) -> bool {
        self.lstm().is_some()
    }

    /// The part of the cell state that is kept of the step before.
    pub(crate) fn cell_zoneout(&self) -> f32 {
        self.lstm().map_or(0.0, |options| options.zoneout)
    }

    /// Trained vectors of H numbers that the cell reads for itself: peepholes, gains and what is added after them.
    pub(crate) fn vectors(&self) -> usize {
        self.lstm().map_or(0, LstmOptions::vectors)
    }

    /// Whether pre-activations are normalised over the units.
    pub(crate) fn normalised(&self) -> bool {
        self.lstm().is_some_and(|options| options.layer_norm)
    }

    /// Whether the states of a step wait in the gates' rows until every panel of the step is computed.
    pub(crate) fn deferred(&self) -> bool {
        self.normalised() || self.recurrence == Recurrence::Gru(Reset::Before)
    }

    /// Whether part of a hidden state's gradient passes by the weights to the step before, or by their mask: the gradient of
    /// a final state.
    pub(crate) fn has_direct_gradient(&self) -> bool {
        self.hidden_zoneout > 0.0 || self.recurrent_dropout > 0.0 || matches!(self.recurrence, Recurrence::Gru(_))
    }

    /// The stride of a row of gates: every slot, and a cache line more, because rows a power of two apart would
    /// compete for the same few lines of the cache when a column of them is read. A normalised layer keeps the row's
    /// statistics there.
    pub(crate) fn gate_stride(&self) -> usize {
        self.gate_columns + LINE
    }

    /// Where in a row of gates the cache line after the slots begins.
    pub(crate) fn statistics(&self) -> usize {
        self.gate_columns
    }

    /// Blocks of H rows that the weights have.
    pub(crate) fn gates(&self) -> usize {
        self.recurrence.gate_order().gates
    }

    /// Panels of units that the forward pass takes one after the other, of `lanes` numbers a vector.
    pub(crate) fn panels(&self, lanes: usize) -> usize {
        self.padded_units.div_ceil(self.recurrence.gate_order().unit_vectors() * lanes)
    }

    /// Floating-point operations of the forward pass of one packed row: 2 · G · H · (I + R), and 2 · R · H if projected.
    pub(crate) fn operations(&self) -> usize {
        let projection = if self.projected { self.hidden * self.units } else { 0 };
        2 * (self.gates() * self.units * (self.input_size + self.hidden) + projection)
    }

    /// Numbers of all panels of the packed gates: (I + R) rows of whole panels, each row of the input's or the hidden
    /// state's vectors.
    pub(crate) fn packed_gates(&self, lanes: usize) -> usize {
        self.panels(lanes) * self.packed_panel(lanes)
    }

    /// Numbers of one panel.
    pub(crate) fn packed_panel(&self, lanes: usize) -> usize {
        let order = self.recurrence.gate_order();
        (self.input_size * order.input.len() + self.hidden * order.hidden.len()) * order.unit_vectors() * lanes
    }

    /// Numbers of all panels' biases.
    pub(crate) fn packed_biases(&self, lanes: usize) -> usize {
        self.panels(lanes) * TILE_VECTORS * lanes
    }
}

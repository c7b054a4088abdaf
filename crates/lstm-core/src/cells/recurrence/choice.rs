//! Which cell a layer is made of: the one place that chooses, for the forward and the backward pass alike.

use super::{Cell, Recurrence};
use crate::cells::gru::{Gru, ResetBefore};
use crate::cells::lstm::{Lstm, LstmOptions};
use crate::cells::normalised_lstm::NormalisedLstm;
use crate::cells::rnn::Rnn;
use crate::network::definition::Reset;

/// A pass over a layer, which is compiled for each cell by itself.
pub(super) trait Pass: Sized {
    /// Runs it over any cell.
    fn run<C: Cell>(self, cell: C);

    /// Runs it over the LSTM without options.
    fn run_plain(self, cell: Lstm<true>) {
        self.run(cell);
    }
}

/// Runs a pass over the layer's cell.
pub(super) fn with_cell(recurrence: Recurrence, pass: impl Pass) {
    match recurrence {
        Recurrence::Lstm(LstmOptions::PLAIN) => pass.run_plain(Lstm { options: LstmOptions::PLAIN }),
        Recurrence::Lstm(options) if options.layer_norm => pass.run(NormalisedLstm(Lstm { options })),
        Recurrence::Lstm(options) => pass.run(Lstm::<false> { options }),
        Recurrence::Gru(Reset::After) => pass.run(Gru),
        Recurrence::Gru(Reset::Before) => pass.run(ResetBefore),
        Recurrence::Rnn(activation) => pass.run(Rnn { activation }),
    }
}

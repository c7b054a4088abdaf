//! Recurrent cells, the equations of each forward mirrored by backward, and the time loop over a batch that they share.
//! Knows packed sequences and packed weights; nothing of stacks, heads, losses or training.

mod gru;
mod lstm;
mod normalised_lstm;
pub(crate) mod recurrence;
mod rnn;
pub(crate) mod sequences;

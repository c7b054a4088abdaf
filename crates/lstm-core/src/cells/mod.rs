//! Recurrent cells: each a time loop over a batch, the forward pass mirrored by the backward pass.
//! Knows packed sequences and packed weights; nothing of stacks, heads, losses or training.

pub(crate) mod lstm;
pub(crate) mod sequences;

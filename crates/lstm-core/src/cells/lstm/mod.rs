//! The LSTM cell with a forget gate, gates in PyTorch's order.
//!
//! For each row of a batch at step t, with x `[I]`, h and c `[H]`, and weights `W_ih [4H, I]`, `W_hh [4H, H]`:
//!
//! ```text
//! [i f g o] = W_ih · x_t + b_ih + W_hh · h_{t−1} + b_hh        pre-activations, H each
//! i = σ(i)   f = σ(f)   g = tanh(g)   o = σ(o)                 input, forget, cell and output gates
//! c_t = f ∘ c_{t−1} + i ∘ g                                    cell state
//! h_t = o ∘ tanh(c_t)                                          hidden state
//! ```
//!
//! and backwards, with dh the gradient of `h_t` from above and from step t+1, dc that of `c_t` from step t+1:
//!
//! ```text
//! do = dh ∘ tanh(c_t)          dc = dc + dh ∘ o ∘ tanh′(c_t)
//! di = dc ∘ g    df = dc ∘ c_{t−1}    dg = dc ∘ i    dc_{t−1} = dc ∘ f
//! dgates = [di ∘ σ′(i)   df ∘ σ′(f)   dg ∘ tanh′(g)   do ∘ σ′(o)]
//! dh_{t−1} = dgates · W_hh                                     the only product inside the reverse loop
//! dW_ih = Σ dgatesᵀ · x_t   dW_hh = Σ dgatesᵀ · h_{t−1}   db = Σ dgates   dx_t = dgates · W_ih    after it
//! ```
//!
//! (Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000; back-propagation through time as in
//! Werbos 1990.) In memory units are padded to whole vectors; padded units have zero weights, so their h, c and
//! gradients are zero.

mod backward;
mod forward;
mod share;
mod weights;

use super::sequences::{Direction, Sequences};
use crate::executor::Executor;
use crate::kernels::InstructionSet;
use crate::memory::LINE;

pub(crate) use backward::{FromAbove, Gradients, InputGradient, backward, scratch};
pub(crate) use forward::{Activations, ahead_rows, forward};
pub(crate) use weights::{PackedWeights, Weights};

/// A layer and the batch that it runs over: what both passes are told.
#[derive(Clone, Copy)]
pub(crate) struct LayerBatch<'a> {
    pub(crate) set: InstructionSet,
    pub(crate) executor: &'a Executor,
    pub(crate) weights: &'a PackedWeights,
    pub(crate) sequences: &'a Sequences,
    pub(crate) direction: Direction,
    /// The input, columns side by side, I in all: the batch's features, or the hidden states of the layer below, which
    /// has two directions where there are two of them.
    pub(crate) x: Input<'a>,
}

/// Some columns of a layer's input.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    /// [packed rows, stride], of which the first `count` numbers a row are the columns.
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) count: usize,
}

/// A layer's input, from the first column on.
#[derive(Clone, Copy)]
pub(crate) struct Input<'a> {
    pub(crate) first: Columns<'a>,
    pub(crate) second: Option<Columns<'a>>,
}

impl<'a> Input<'a> {
    fn columns(self) -> impl Iterator<Item = Columns<'a>> {
        std::iter::once(self.first).chain(self.second)
    }

    fn check(self, input_size: usize, packed_rows: usize) {
        assert_eq!(self.columns().map(|columns| columns.count).sum::<usize>(), input_size);
        for Columns { values, stride, count } in self.columns() {
            assert!(stride >= count && values.len() + stride >= packed_rows * stride + count);
        }
    }
}

/// The sizes of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// I: numbers of a step's input.
    pub(crate) input_size: usize,
    /// H: hidden units.
    pub(crate) units: usize,
    /// H rounded up to whole vectors: the stride of a state.
    pub(crate) padded_units: usize,
}

impl Shape {
    pub(crate) fn new(input_size: usize, units: usize, lanes: usize) -> Self {
        Self { input_size, units, padded_units: units.next_multiple_of(lanes) }
    }

    /// The stride of a row of gates: the four gates, and a cache line more, because rows a power of two apart would
    /// compete for the same few lines of the cache when a column of them is read.
    pub(crate) fn gate_stride(self) -> usize {
        4 * self.padded_units + LINE
    }

    /// Floating-point operations of the forward pass of one packed row: 2 · 4H · (I + H).
    pub(crate) fn operations(self) -> usize {
        8 * self.units * (self.input_size + self.units)
    }
}

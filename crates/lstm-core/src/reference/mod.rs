//! The oracle: networks of recurrent layers, their losses and their optimiser as equations, in f64. It is short, slow and obvious:
//! every fast path is held to it, and it knows none of them.
//!
//! Read in this order: `scalar` (what a number must be able to do), `cells` (one step of each recurrence), `layer` (one
//! direction of a layer over a batch of sequences), `lstm` (a plain LSTM layer), `pooling` (from the states of
//! every step to one), `head` (logits, probabilities, cross-entropy), `losses` (all the others), `inputs` (what a network begins
//! with), `network` (all of it, as a definition says), `objective` (what its outputs are held to), `tape` (exact gradients of all
//! of these), `adam` (how gradients become steps).
//!
//! Only the forward direction is written down, once, over any [`Scalar`]. With `f64` it gives values; with a tape's
//! [`Variable`] the same lines give exact gradients too. `tests/reference.rs` holds both to `PyTorch`'s float64
//! numbers, and the tape to finite differences.
//!
//! Arrays are row-major and batch first: `x[n, t, f]` is `x[(n * steps + t) * features + f]`. Shapes that do not fit
//! panic: callers are tests, and users' data never comes here.
//!
//! ```
//! use lstm_core::reference::{LayerWeights, Tape, cross_entropy, linear, lstm};
//!
//! // One sequence of two steps, one feature, one unit, two classes.
//! let weights = LayerWeights {
//!     input_size: 1,
//!     units: 1,
//!     weight_ih: vec![0.1, 0.2, 0.3, 0.4], // input, forget, cell, output gate
//!     weight_hh: vec![0.5, 0.6, 0.7, 0.8],
//!     bias_ih: vec![0.0; 4],
//!     bias_hh: vec![0.0; 4],
//! };
//! let tape = Tape::new();
//! let weights = weights.map(|number| tape.variable(number));
//! let [x, zero] = [tape.variables(&[1.0, -2.0]), tape.variables(&[0.0])];
//! let layer = lstm(&weights, &x, &[2], 2, &zero, &zero);
//! let logits = linear(&tape.variables(&[1.0, -1.0]), &tape.variables(&[0.0, 0.0]), &layer.h_n);
//! let loss = cross_entropy(&logits, &[1]);
//!
//! let gradients = tape.gradients(loss); // how the loss moves with each variable
//! assert_eq!(gradients.of(&weights.weight_hh).len(), 4);
//! assert!(gradients.of(&x)[1] > 0.0);
//! ```

mod adam;
pub(crate) mod cells;
mod head;
mod inputs;
mod layer;
mod losses;
mod lstm;
mod network;
mod objective;
mod pooling;
mod scalar;
mod tape;

pub use adam::{Adam, clip_by_global_norm};
pub use head::{cross_entropy, linear, softmax};
pub use layer::{Batch, DirectionOutput, DirectionWeights, Masks, direction};
pub use losses::{RowLoss, weighted_loss};
pub use lstm::{LayerWeights, lstm};
pub use network::{LayerMasks, NetworkBatch, NetworkMasks, NetworkOutput, Parameters, network, parameter_shapes};
pub use objective::{network_loss, predictions};
pub use pooling::{StepPooling, pool_steps};
pub use scalar::Scalar;
pub use tape::{Gradients, Tape, Variable};

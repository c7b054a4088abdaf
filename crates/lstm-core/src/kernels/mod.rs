//! Everything that touches vectors: the register tile, packing, the products, the activations, the instruction sets.
//! Knows nothing of layers, models or training.

pub(crate) mod activations;
pub(crate) mod instruction_set;
pub(crate) mod normalisation;
pub(crate) mod outer;
pub(crate) mod panels;
pub(crate) mod peak;
pub(crate) mod product;
pub(crate) mod softmax;
mod subnormals;
pub(crate) mod tile;

pub use activations::{Activation, MAX_ULP, evaluate};
pub use instruction_set::{FORCE_VARIABLE, InstructionSet};
pub use peak::multiply_add_rounds;

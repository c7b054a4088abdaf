//! What a model is: its definition, its parameters, how a batch runs through it.

pub mod definition;
pub mod description;
mod dropout;
pub(crate) mod head;
pub mod layer;
pub(crate) mod loss;
pub mod machine;
pub(crate) mod padded;
pub mod parameters;
pub(crate) mod recurrent;
pub mod samples;
pub(crate) mod stack;
pub(crate) mod workspace;

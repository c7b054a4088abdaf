//! What a model is: its definition, its parameters, how a batch runs through it.

mod activations;
pub(crate) mod attention;
mod between;
pub mod definition;
pub mod description;
pub(crate) mod dropout;
pub(crate) mod embedding;
mod initial_map;
mod input;
mod junctions;
pub mod layer;
pub(crate) mod linear;
pub(crate) mod loss;
pub mod machine;
pub(crate) mod names;
pub(crate) mod padded;
pub mod parameters;
pub(crate) mod pooling;
pub(crate) mod readout;
pub(crate) mod recurrent;
pub mod samples;
pub(crate) mod scaling;
pub(crate) mod stack;
pub(crate) mod states;
pub mod summary;
pub mod targets;
pub(crate) mod workspace;

//! What a model is: its definition, its parameters, how a batch runs through it.

pub mod definition;

//! How a model learns.

mod chunks;
pub(crate) mod clipping;
pub(crate) mod dataset;
pub mod evaluation;
pub mod initializers;
pub mod loss_options;
pub mod metrics;
pub(crate) mod optimizers;
pub mod options;
pub mod report;
pub mod schedules;
pub(crate) mod spans;
pub mod trainer;
mod update;
#[cfg(test)]
mod vectors;

//! How a model learns.

pub(crate) mod adam;
mod chunks;
pub(crate) mod clipping;
pub(crate) mod dataset;
pub mod evaluation;
pub mod initializers;
pub mod loss_options;
pub mod metrics;
pub mod options;
pub mod report;
pub mod trainer;
mod update;

//! How a model learns.

mod accumulation;
pub(crate) mod adam;
mod averaging;
pub(crate) mod clipping;
pub(crate) mod dataset;
mod diagnosis;
pub mod evaluation;
mod feed;
pub(crate) mod fingerprint;
pub mod initializers;
pub mod loss_options;
pub mod metrics;
pub mod options;
mod order;
mod position;
pub mod report;
mod resume;
pub mod run_options;
mod spans;
mod steps;
mod stopping;
pub mod trainer;
mod update;
mod validation;

//! How a model learns.

mod accumulation;
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
pub mod optimizer_state;
pub mod optimizers;
pub mod options;
mod order;
mod position;
pub mod report;
mod resume;
pub mod schedules;
mod spans;
mod start;
mod steps;
mod stopping;
pub(crate) mod trained;
pub mod trainer;
mod update;
mod validation;
#[cfg(test)]
mod vectors;

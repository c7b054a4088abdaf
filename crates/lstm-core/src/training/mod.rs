//! How a model learns.

pub mod options;
pub mod report;

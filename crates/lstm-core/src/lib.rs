//! LSTM layers with SIMD forward and backward passes, and the loop that trains them.

mod cells;
mod error;
mod executor;
pub mod formats;
mod json;
pub mod kernels;
mod memory;
pub mod network;
pub mod random;
pub mod reference;
#[cfg(feature = "schema")]
pub mod schema;
pub mod training;

pub use error::{Error, ErrorCode, Result};
pub use json::to_json;
pub use network::model::Model;
pub use training::trainer::Trainer;

//! LSTM layers with SIMD forward and backward passes, and the loop that trains them.

mod error;
pub mod network;
pub mod training;

pub use error::{Error, ErrorCode, Result};

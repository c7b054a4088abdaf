//! LSTM layers with SIMD forward and backward passes, and the loop that trains them. Knows nothing of JavaScript.
//!
//! ```
//! use lstm_core::network::{definition::ModelDefinition, machine::MachineOptions};
//! use lstm_core::network::targets::Targets;
//! use lstm_core::{Model, Trainer, training::options::TrainingOptions};
//!
//! let definition = ModelDefinition::from_json(
//!     r#"{ "input": { "features": 1 }, "layers": [{ "cell": "lstm", "units": 8 }],
//!          "output": { "classes": ["falling", "rising"] } }"#,
//! )?;
//! let machine = MachineOptions::default();
//! let mut model = Model::new(definition.clone(), machine)?;
//!
//! // 40 sequences of 5 steps, rising or falling.
//! let x: Vec<f32> = (0..200).map(|v| (v % 5) as f32 * if v / 5 % 2 == 1 { 0.2 } else { -0.2 }).collect();
//! let classes: Vec<u32> = (0..40).map(|sample| sample % 2).collect();
//! let options = TrainingOptions::from_json(r#"{ "optimizer": { "kind": "adam", "learningRate": 0.01 } }"#)?;
//! let mut trainer = Trainer::new(definition, machine, model.weights(), options)?;
//! trainer.set_training(&x, 5, None, Targets::classes(&classes))?;
//! trainer.start()?;
//! while !trainer.advance(10)?.finished {}
//!
//! model.commit(trainer.weights())?;
//! let mut probabilities = [0.0; 2];
//! model.run(&[0.0, 0.2, 0.4, 0.6, 0.8], None, None, &mut probabilities)?;
//! assert!(probabilities[1] > probabilities[0], "rising");
//! # Ok::<(), lstm_core::Error>(())
//! ```

mod cells;
mod error;
mod executor;
mod finite;
pub mod formats;
mod json;
pub mod kernels;
mod layer;
mod memory;
mod model;
pub mod network;
pub mod random;
pub mod reference;
#[cfg(feature = "schema")]
pub mod schema;
pub mod training;

pub use error::{Error, ErrorCode, Result};
pub use json::to_json;
pub use layer::{
    Dropping, InputGradients, Layer, LayerInput, LayerOptions, LayerStates, StateGradients, TrainingMasks,
};
pub use model::Model;
pub use training::trainer::Trainer;

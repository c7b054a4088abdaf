//! What `fit` may be told, and the one place of its defaults.

use serde::{Deserialize, Serialize};

/// How to train. Every field may be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema), ts(optional_fields))]
pub struct TrainingOptions {
    /// Passes over the training data. 10 unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<u32>"))]
    pub epochs: u32,
    /// Samples a step; the last batch of an epoch holds what is left. 32 unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<u32>"))]
    pub batch_size: u32,
    /// Whether each epoch sees the samples in a new order, drawn from the model's seed. True unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>"))]
    pub shuffle: bool,
    /// How gradients become steps. Adam unless given.
    #[cfg_attr(feature = "schema", ts(as = "Option<OptimizerOptions>"))]
    pub optimizer: OptimizerOptions,
    /// Gradients whose norm over all parameters is larger are scaled down to it. No clipping unless given.
    pub clip_norm: Option<f32>,
}

impl Default for TrainingOptions {
    fn default() -> Self {
        Self { epochs: 10, batch_size: 32, shuffle: true, optimizer: OptimizerOptions::default(), clip_norm: None }
    }
}

/// An optimiser and its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", rename_all_fields = "camelCase", tag = "kind", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema), ts(optional_fields))]
pub enum OptimizerOptions {
    /// Adam (Kingma and Ba 2015), as PyTorch computes it.
    Adam {
        /// Step size. 0.001 unless given.
        #[serde(default = "adam::learning_rate")]
        #[cfg_attr(feature = "schema", ts(as = "Option<f32>"))]
        learning_rate: f32,
        /// Decay of the mean of gradients. 0.9 unless given.
        #[serde(default = "adam::beta1")]
        #[cfg_attr(feature = "schema", ts(as = "Option<f32>"))]
        beta1: f32,
        /// Decay of the mean of squared gradients. 0.999 unless given.
        #[serde(default = "adam::beta2")]
        #[cfg_attr(feature = "schema", ts(as = "Option<f32>"))]
        beta2: f32,
        /// Added to the root of the mean of squares. 1e-8 unless given.
        #[serde(default = "adam::epsilon")]
        #[cfg_attr(feature = "schema", ts(as = "Option<f32>"))]
        epsilon: f32,
    },
}

/// Adam's defaults, as in the paper.
mod adam {
    pub(super) fn learning_rate() -> f32 {
        1e-3
    }
    pub(super) fn beta1() -> f32 {
        0.9
    }
    pub(super) fn beta2() -> f32 {
        0.999
    }
    pub(super) fn epsilon() -> f32 {
        1e-8
    }
}

impl Default for OptimizerOptions {
    fn default() -> Self {
        Self::Adam {
            learning_rate: adam::learning_rate(),
            beta1: adam::beta1(),
            beta2: adam::beta2(),
            epsilon: adam::epsilon(),
        }
    }
}

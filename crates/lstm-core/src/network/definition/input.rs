//! What goes into a network, as data.

use serde::{Deserialize, Serialize};

/// Most numbers a step.
pub const MAX_FEATURES: u32 = 65_536;

/// What a step of a sequence looks like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub struct InputDefinition {
    /// Numbers a step: 1 to 65,536.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = MAX_FEATURES)))]
    pub features: u32,
    /// How numbers are scaled before the first layer. `"none"` unless given.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(as = "Option<Scaling>", optional))]
    pub scaling: Scaling,
}

/// How the input's numbers are scaled. What is fitted is saved with the model and applied wherever data enters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(ts_rs::TS, schemars::JsonSchema))]
pub enum Scaling {
    /// As they come.
    #[default]
    None,
    /// Each feature minus its mean, over its standard deviation: both taken from the training data's valid steps
    /// when `fit` first runs, and kept from then on.
    Standard,
}
